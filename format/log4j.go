package format

import "github.com/seed56735111/penstock/format/internal/multiline"

// log4j is PatternLayout in the documentation of Log4j, the default layouts of logback and Spring Boot, and
// SimpleFormatter of java.util.logging, which Tomcat has on one line.
func log4j() schema {
	return schema{
		name: "log4j", told: "a time, a level and a logger, such as INFO com.example.Gate",
		about:   "logs of Java programs: Log4j, logback, Spring Boot, java.util.logging, Tomcat, Kafka",
		grammar: multiline.Java(),
	}
}

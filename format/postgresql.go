package format

import (
	"github.com/seed56735111/penstock/format/internal/events"
	"github.com/seed56735111/penstock/format/internal/multiline"
)

// postgresql is "Error Reporting and Logging" in the documentation of PostgreSQL: what log_destination says. Fields
// have the names of the jsonlog in all of them.
func postgresql() schema {
	return schema{
		name: "postgresql",
		told: "a time, and a severity such as LOG before a colon and two spaces; the columns of the csvlog; " +
			"or the names of the jsonlog",
		about: "logs of PostgreSQL: stderr with any prefix that begins with the time, also that of RDS, csvlog and jsonlog",
		grammar: forms{
			multiline.PostgreSQLCSV(),
			multiline.PostgreSQL(),
			&events.Row{
				Names: []string{
					"timestamp", "pid", "session_id", "line_num", "session_start", "error_severity", "message", "backend_type",
				}, Least: 6,
				Times: []string{"timestamp"},
			},
		},
	}
}

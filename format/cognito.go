package format

import (
	"github.com/seed56735111/penstock/format/internal/events"
)

// cognito is "Exporting logs from user pools" in the documentation of Amazon Cognito.
func cognito() schema {
	return schema{
		name: "cognito", told: "objects with eventTimestamp, eventSource, logLevel, message and logSourceId.userPoolId",
		about: "user activity and notification logs of Amazon Cognito",
		grammar: &events.Row{
			Names: []string{"eventTimestamp", "eventSource", "logLevel", "message", "logSourceId.userPoolId"}, Least: 5,
			Is:    map[string]string{"eventSource": `"USER_`},
			Times: []string{"eventTimestamp"},
		},
	}
}

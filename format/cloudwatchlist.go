package format

import (
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/events"
)

// cloudwatchList is what GetLogEvents and FilterLogEvents of CloudWatch Logs answer, as the AWS CLI prints it. The name
// of the log group is in the request alone.
func cloudwatchList() schema {
	return schema{
		name: "cloudwatch-list",
		told: `objects with timestamp, message and ingestionTime, in an "events" array or alone`,
		about: "log events of CloudWatch Logs as get-log-events and filter-log-events answer them: " +
			"each message is read as what it fits",
		grammar: &carrier{
			Grammar: &events.Row{
				Names: []string{"timestamp", "message", "ingestionTime"}, Least: 3,
				Is:    map[string]string{"message": `"`},
				Times: []string{"timestamp"},
				Fields: []entry.Field{
					{Name: "timestamp", Type: entry.Long},
					{Name: "ingestionTime", Type: entry.Long},
					{Name: "logStreamName", Type: entry.Keyword},
					{Name: "eventId", Type: entry.Keyword},
				},
			},
			name: "cloudwatch", message: "message",
		},
	}
}

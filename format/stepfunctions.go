package format

import (
	"github.com/seed56735111/penstock/format/internal/events"
)

// stepfunctions is "Logging in CloudWatch Logs" in the documentation of AWS Step Functions.
func stepfunctions() schema {
	return schema{
		name: "stepfunctions", told: "objects with execution_arn, event_timestamp, previous_event_id, type and details",
		about: "execution logs of AWS Step Functions; details are kept as text",
		grammar: &events.Row{
			Names: []string{"id", "type", "details", "previous_event_id", "event_timestamp", "execution_arn"}, Least: 5,
			Is:     map[string]string{"execution_arn": `"arn:`},
			Times:  []string{"event_timestamp"},
			Opaque: []string{"details"},
		},
	}
}

package format

import (
	"bytes"

	"github.com/seed56735111/penstock/format/internal/events"
)

// cloudwatch is "Subscription filters" in the documentation of CloudWatch Logs, as Firehose stores it: payloads one behind the other,
// with nothing between them. A CONTROL_MESSAGE says that the destination is there, and nothing else; policyLevel may stand behind the
// events, and says whether a subscription is the account's.
func cloudwatch() schema {
	return schema{
		name: "cloudwatch", told: `objects with messageType, logGroup and a "logEvents" array of objects with id, timestamp and message`,
		about: "what subscriptions of CloudWatch Logs deliver: each message is read as what it fits; control messages are left out",
		grammar: &carrier{
			Grammar: &events.Row{
				Names: []string{"id", "timestamp", "message"}, Least: 3,
				Around:   map[string]string{"messageType": `"`, "logGroup": `"`},
				Envelope: "logEvents", Beside: "cloudwatch",
				Empty:  func(string) bool { return true },
				Times:  []string{"timestamp"},
				Opaque: []string{"extractedFields"},
			},
			name: "cloudwatch", message: "message",
			none: func(fields []byte) bool {
				return bytes.Contains(events.Member(fields, "cloudwatch"), []byte(`"messageType":"CONTROL_MESSAGE"`)) ||
					len(events.Member(fields, "policyLevel")) > 0 && len(events.Member(fields, "message")) == 0
			},
		},
	}
}

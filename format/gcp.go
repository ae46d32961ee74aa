package format

import (
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/events"
)

// gcp is "LogEntry" in the API reference of Google Cloud Logging.
func gcp() schema {
	return schema{
		name: "gcp", told: "objects with insertId, logName, resource and receiveTimestamp",
		about: "logs of Google Cloud; requests, responses, metadata and labels are kept as text",
		grammar: &events.Row{
			Names: []string{
				"insertId", "logName", "resource", "receiveTimestamp", "protoPayload", "jsonPayload", "textPayload", "severity",
			}, Least: 5,
			Is:    map[string]string{"logName": `"`, "resource": "{"},
			Times: []string{"timestamp", "receiveTimestamp"}, ID: "insertId",
			Opaque: []string{
				"labels", "protoPayload.request", "protoPayload.response", "protoPayload.metadata", "protoPayload.serviceData",
				"protoPayload.resourceOriginalState",
			},
			Fields: []entry.Field{
				{Name: "timestamp", Type: entry.Date},
				{Name: "receiveTimestamp", Type: entry.Date},
			},
		},
	}
}

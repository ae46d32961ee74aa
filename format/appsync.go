package format

import (
	"github.com/seed56735111/penstock/format/internal/events"
)

// appsync is "Structured logging" in the documentation of AWS AppSync. A record has no time: that of its log event is
// the one.
func appsync() schema {
	return schema{
		name: "appsync", told: "objects with logType, requestId and graphQLAPIId",
		about: "request logs of AWS AppSync; contexts and templates are kept as text",
		grammar: &events.Row{
			Names: []string{"logType", "requestId", "graphQLAPIId"}, Least: 3,
			Is:     map[string]string{"graphQLAPIId": `"`, "logType": `"`},
			ID:     "requestId",
			Opaque: []string{"context", "transformedTemplate", "result", "arguments", "errors"},
		},
	}
}

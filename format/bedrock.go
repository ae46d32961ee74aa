package format

import (
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/events"
)

// bedrock is "Model invocation logging" in the documentation of Amazon Bedrock.
func bedrock() schema {
	return schema{
		name: "bedrock", told: "objects with the schemaType ModelInvocationLog",
		about: "model invocations of Amazon Bedrock; bodies of requests and answers are kept as text",
		grammar: &events.Row{
			Names: []string{"schemaType", "schemaVersion", "timestamp", "requestId", "operation", "modelId"}, Least: 4,
			Is:    map[string]string{"schemaType": `"ModelInvocationLog"`},
			Times: []string{"timestamp"}, ID: "requestId",
			Opaque: []string{"requestMetadata", "input.inputBodyJson", "output.outputBodyJson"},
			Fields: []entry.Field{
				{Name: "timestamp", Type: entry.Date},
				{Name: "input.inputTokenCount", Type: entry.Long},
				{Name: "output.outputTokenCount", Type: entry.Long},
			},
		},
	}
}

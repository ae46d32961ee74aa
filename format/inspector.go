package format

import (
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/events"
)

// inspector is "Finding" in the API reference of Amazon Inspector. EventBridge writes its times in words.
func inspector() schema {
	return schema{
		name: "inspector",
		told: `objects with findingArn, awsAccountId, firstObservedAt and lastObservedAt, ` +
			`also in a "findings" array or the "detail" of EventBridge`,
		about: "findings of Amazon Inspector; resources.details and resources.tags are kept as text",
		grammar: &events.Row{
			Names:    []string{"findingArn", "awsAccountId", "firstObservedAt", "lastObservedAt", "remediation", "resources"},
			Least:    5,
			Is:       map[string]string{"findingArn": `"arn:`},
			Envelope: "findings", Within: "detail",
			Times: []string{"updatedAt", "lastObservedAt"}, ID: "findingArn",
			Opaque: []string{"resources.details", "resources.tags"},
			Fields: []entry.Field{
				{Name: "inspectorScore", Type: entry.Double},
				{Name: "firstObservedAt", Type: entry.Mixed}, // a number, or words from EventBridge
				{Name: "lastObservedAt", Type: entry.Mixed},
				{Name: "updatedAt", Type: entry.Mixed},
			},
		},
	}
}

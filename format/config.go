package format

import (
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/events"
)

// config is "Components of a configuration item" in the documentation of AWS Config: its histories and snapshots, and
// what it sends to EventBridge. A resource's own document is in configuration, of any shape.
func config() schema {
	return schema{
		name: "config",
		told: `objects with configurationItemCaptureTime, resourceType and awsAccountId, ` +
			`in a "configurationItems" array or the "detail" of EventBridge`,
		about: "histories and snapshots of AWS Config; configuration, tags and the like are kept as text; " +
			"what the file has beside is in snapshot",
		grammar: &events.Row{
			Names: []string{
				"configurationItemCaptureTime", "configurationItemStatus", "configurationItemVersion", "configurationStateId",
				"resourceType", "resourceId",
				"awsAccountId", "awsRegion",
			},
			Least:    6,
			Envelope: "configurationItems", Beside: "snapshot", Within: "detail.configurationItem",
			Empty:  func(string) bool { return true },
			Times:  []string{"configurationItemCaptureTime"},
			Opaque: []string{"configuration", "supplementaryConfiguration", "tags"},
			Fields: []entry.Field{
				{Name: "configurationItemCaptureTime", Type: entry.Date},
				{Name: "resourceCreationTime", Type: entry.Date},
			},
		},
	}
}

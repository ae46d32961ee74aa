package format

import (
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/events"
)

// ocsf is the "Base Event" of the Open Cybersecurity Schema Framework, whichever class it is of.
func ocsf() schema {
	return schema{
		name: "ocsf",
		told: `objects with class_uid, category_uid, type_uid, time and metadata, ` +
			`also in the "detail.findings" of EventBridge`,
		about: "events of the Open Cybersecurity Schema Framework; unmapped and data are kept as text",
		grammar: &events.Row{
			Names: []string{"class_uid", "category_uid", "activity_id", "type_uid", "severity_id", "time", "metadata"}, Least: 5,
			Is:     map[string]string{"metadata": "{"},
			Within: "detail.findings",
			Times:  []string{"time", "time_dt"}, ID: "metadata.uid",
			Opaque: []string{
				"unmapped", "enrichments", "api.request.data", "api.response.data", "resource.data", "resources.data",
			},
			Fields: []entry.Field{{Name: "time", Type: entry.Instant}}, // milliseconds, or that of EventBridge
		},
	}
}

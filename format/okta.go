package format

import (
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/events"
)

// okta is "LogEvent object" in the API reference of Okta.
func okta() schema {
	return schema{
		name: "okta", told: "objects with published, eventType, displayMessage, actor and outcome",
		about: "the System Log of Okta; debug data and details are kept as text",
		grammar: &events.Row{
			Names: []string{
				"actor", "authenticationContext", "client", "displayMessage", "eventType", "outcome", "published",
				"securityContext", "debugContext", "legacyEventType", "uuid",
			}, Least: 6,
			Is:     map[string]string{"published": `"`, "eventType": `"`},
			Within: "detail",
			Times:  []string{"published"}, ID: "uuid",
			Opaque: []string{
				"debugContext.debugData", "actor.detailEntry", "target.detailEntry", "target.changeDetails", "transaction.detail",
			},
			Fields: []entry.Field{
				{Name: "published", Type: entry.Date},
			},
		},
	}
}

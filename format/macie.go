package format

import (
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/events"
)

// macie is "Finding" in the API reference of Amazon Macie.
func macie() schema {
	return schema{
		name:  "macie",
		told:  `objects with schemaVersion, accountId, category and resourcesAffected, also as the "detail" of EventBridge`,
		about: "findings of Amazon Macie; tags of resources are kept as text",
		grammar: &events.Row{
			Names: []string{
				"schemaVersion", "accountId", "type", "severity", "category", "resourcesAffected", "createdAt", "updatedAt",
			}, Least: 6,
			Is:     map[string]string{"resourcesAffected": "{", "category": `"`},
			Within: "detail",
			Times:  []string{"updatedAt", "createdAt"}, ID: "id",
			Opaque: []string{
				"resourcesAffected.s3Bucket.tags", "resourcesAffected.s3Object.tags", "classificationDetails.result",
			},
			Fields: []entry.Field{
				{Name: "createdAt", Type: entry.Date},
				{Name: "updatedAt", Type: entry.Date},
			},
		},
	}
}

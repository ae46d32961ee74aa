package format

import (
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/events"
)

// securityhub is "AWS Security Finding Format" in the AWS documentation. Findings of the OCSF kind are the format ocsf.
func securityhub() schema {
	return schema{
		name: "securityhub",
		told: `objects with SchemaVersion, ProductArn, AwsAccountId, GeneratorId and UpdatedAt, ` +
			`also in a "Findings" array or the "detail" of EventBridge`,
		about: "findings of Security Hub in its own format (ASFF); ProductFields, " +
			"Resources.Details and the like are kept as text",
		grammar: &events.Row{
			Names: []string{
				"SchemaVersion", "ProductArn", "AwsAccountId", "GeneratorId", "Types", "CreatedAt", "UpdatedAt", "Resources",
			}, Least: 6,
			Is:       map[string]string{"ProductArn": `"arn:`},
			Envelope: "Findings", Within: "detail.findings",
			Times: []string{"UpdatedAt", "CreatedAt"}, ID: "Id",
			Opaque: []string{"ProductFields", "UserDefinedFields", "Resources.Details", "Resources.Tags"},
			Fields: []entry.Field{
				{Name: "CreatedAt", Type: entry.Date},
				{Name: "UpdatedAt", Type: entry.Date},
			},
		},
	}
}

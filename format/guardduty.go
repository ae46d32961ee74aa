package format

import (
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/events"
)

// guardduty is "GuardDuty finding format" in the AWS documentation. A finding that goes on is exported again, with the
// same id and another updatedAt.
func guardduty() schema {
	return schema{
		name: "guardduty",
		told: `objects with schemaVersion, accountId, type, severity and service, ` +
			`also in a "findings" array or the "detail" of EventBridge, or what get-findings answers`,
		about: "findings of GuardDuty; service.additionalInfo and the like are kept as text",
		grammar: forms{&events.Row{
			Names: []string{"schemaVersion", "accountId", "type", "severity", "service.serviceName", "updatedAt"}, Least: 5,
			Is:       map[string]string{"service.serviceName": `"guardduty"`},
			Envelope: "findings", Within: "detail",
			Times: []string{"updatedAt"}, ID: "id",
			Opaque: []string{
				"service.additionalInfo", "service.runtimeDetails.context", "service.evidence", "resource.instanceDetails.tags",
			},
			Fields: []entry.Field{
				{Name: "severity", Type: entry.Double},
				{Name: "createdAt", Type: entry.Date},
				{Name: "updatedAt", Type: entry.Date},
			},
		}, &events.Row{
			// What get-findings answers has other names.
			Names: []string{"SchemaVersion", "AccountId", "Type", "Severity", "Service.ServiceName", "UpdatedAt"}, Least: 5,
			Is:    map[string]string{"Service.ServiceName": `"guardduty"`},
			Times: []string{"UpdatedAt"}, ID: "Id",
			Opaque: []string{
				"Service.AdditionalInfo", "Service.RuntimeDetails.Context", "Service.Evidence", "Resource.InstanceDetails.Tags",
			},
			Fields: []entry.Field{
				{Name: "Severity", Type: entry.Double},
				{Name: "CreatedAt", Type: entry.Date},
				{Name: "UpdatedAt", Type: entry.Date},
			},
		}},
	}
}

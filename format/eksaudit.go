package format

import (
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/events"
)

// eksaudit is audit.k8s.io/v1 in the documentation of Kubernetes. The same auditID comes once for each stage.
func eksaudit() schema {
	return schema{
		name: "eks-audit",
		told: `objects with the apiVersion audit.k8s.io, auditID, stage, verb and requestURI, also in the "items" of a list`,
		about: "audit events of Kubernetes, as EKS and API servers write them; requestObject, " +
			"responseObject and the like are kept as text",
		grammar: &events.Row{
			Names:    []string{"kind", "apiVersion", "auditID", "stage", "verb", "requestURI", "requestReceivedTimestamp"},
			Least:    5,
			Is:       map[string]string{"apiVersion": `"audit.k8s.io/`},
			Envelope: "items", Beside: "list",
			Times: []string{"requestReceivedTimestamp", "stageTimestamp"}, ID: "auditID",
			Opaque: []string{"requestObject", "responseObject", "annotations", "user.extra"},
			Fields: []entry.Field{
				{Name: "requestReceivedTimestamp", Type: entry.Date},
				{Name: "stageTimestamp", Type: entry.Date},
				{Name: "sourceIPs", Type: entry.IP},
			},
		},
	}
}

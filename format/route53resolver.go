package format

import (
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/events"
)

// route53resolver is "Values that appear in Resolver query logs" in the AWS documentation. Rdata of an answer is an
// address or a name.
func route53resolver() schema {
	return schema{
		name: "route53resolver", told: "objects with query_name, query_type, rcode, srcaddr and query_timestamp",
		about: "queries that Route 53 Resolver answered, and what its DNS Firewall did",
		grammar: &events.Row{
			Names: []string{"query_timestamp", "query_name", "query_type", "query_class", "rcode", "srcaddr", "vpc_id"},
			Least: 5,
			Times: []string{"query_timestamp"},
			Fields: []entry.Field{
				{Name: "query_timestamp", Type: entry.Date},
				{Name: "srcaddr", Type: entry.IP},
			},
		},
	}
}

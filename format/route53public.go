package format

import "github.com/seed56735111/penstock/format/internal/lines"

// route53public is "Public DNS query logging" in the AWS documentation.
func route53public() schema {
	return schema{
		name:  "route53public",
		told:  "lines that begin with a version, a time, the id of a hosted zone and a name",
		about: "queries to public hosted zones of Route 53",
		grammar: &lines.Schema{Record: "a query log record", Least: 9, Fields: []lines.Field{
			{Name: "log_format_version", Is: lines.OneOf("1.0", "1.1", "2.0")},
			{Name: "query_timestamp", Kind: lines.ISO},
			{Name: "hosted_zone_id", Is: lines.Begins("Z")},
			{Name: "query_name"},
			{Name: "query_type"},
			{Name: "response_code"},
			{Name: "protocol", Is: lines.OneOf("UDP", "TCP", "DOH", "DOT", "-")},
			{Name: "edge_location"},
			{Name: "resolver_ip", Kind: lines.IP},
			{Name: "edns_client_subnet"},
		}},
	}
}

package format

import "github.com/seed56735111/penstock/format/internal/lines"

// clb is "Access logs for your Classic Load Balancer" in the AWS documentation. Logs from before 2015 end behind the
// request.
func clb() schema {
	return schema{
		name:  "clb",
		told:  "lines that begin with a time, a name, two addresses with ports and three durations",
		about: "access logs of Classic Load Balancers",
		grammar: &lines.Schema{Record: "a Classic Load Balancer record", Least: 12, Fields: []lines.Field{
			{Name: "time", Kind: lines.ISO},
			{Name: "elb"},
			{Name: "client", Kind: lines.Address, Is: lines.HostPort()},
			{Name: "backend", Kind: lines.Address, Is: lines.Either(lines.HostPort(), lines.OneOf("-"))},
			{Name: "request_processing_time", Kind: lines.Decimal, Is: lines.Number()},
			{Name: "backend_processing_time", Kind: lines.Decimal, Is: lines.Number()},
			{Name: "response_processing_time", Kind: lines.Decimal, Is: lines.Number()},
			{Name: "elb_status_code", Kind: lines.Integer},
			{Name: "backend_status_code", Kind: lines.Integer},
			{Name: "received_bytes", Kind: lines.Integer},
			{Name: "sent_bytes", Kind: lines.Integer},
			{Name: "request", Kind: lines.Request},
			{Name: "user_agent"},
			{Name: "ssl_cipher"},
			{Name: "ssl_protocol"},
		}},
	}
}

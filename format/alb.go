package format

import "github.com/seed56735111/penstock/format/internal/lines"

// alb is "Access logs for your Application Load Balancer" in the AWS documentation, and "Health check logs". Lines of
// older logs have fewer fields.
func alb() schema {
	return schema{
		name: "alb",
		told: "lines that begin with http, https, h2, grpcs, ws or wss, a time and app/, or with a time, a latency and " +
			"the PASS or FAIL of a health check",
		about:   "access and health check logs of Application Load Balancers",
		service: "ELBAccessLogTestFile",
		grammar: forms{
			&lines.Schema{Record: "an ALB record", Least: 13, Fields: albFields()},
			&lines.Schema{Record: "a health check record", Least: 8, Fields: []lines.Field{
				{Name: "type", Is: lines.Word("abcdefghijklmnopqrstuvwxyz0123456789")},
				{Name: "time", Kind: lines.ISO},
				{Name: "latency", Kind: lines.Decimal, Is: lines.Number()},
				{Name: "target_addr"},
				{Name: "target_group_id"},
				{Name: "status", Is: lines.OneOf("PASS", "FAIL")},
				{Name: "status_code"},
				{Name: "reason_code"},
			}},
		},
	}
}

func albFields() []lines.Field {
	return []lines.Field{
		{Name: "type", Is: lines.OneOf("http", "https", "h2", "grpcs", "ws", "wss")},
		{Name: "time", Kind: lines.ISO},
		{Name: "elb", Is: lines.Begins("app/")},
		{Name: "client", Kind: lines.Address},
		{Name: "target", Kind: lines.Address},
		{Name: "request_processing_time", Kind: lines.Decimal},
		{Name: "target_processing_time", Kind: lines.Decimal},
		{Name: "response_processing_time", Kind: lines.Decimal},
		{Name: "elb_status_code", Kind: lines.Integer},
		{Name: "target_status_code", Kind: lines.Integer},
		{Name: "received_bytes", Kind: lines.Integer},
		{Name: "sent_bytes", Kind: lines.Integer},
		{Name: "request", Kind: lines.Request},
		{Name: "user_agent"},
		{Name: "ssl_cipher"},
		{Name: "ssl_protocol"},
		{Name: "target_group_arn"},
		{Name: "trace_id"},
		{Name: "domain_name"},
		{Name: "chosen_cert_arn"},
		{Name: "matched_rule_priority", Kind: lines.Integer},
		{Name: "request_creation_time"},
		{Name: "actions_executed"},
		{Name: "redirect_url"},
		{Name: "error_reason"},
		{Name: "target_port_list", Kind: lines.Words},
		{Name: "target_status_code_list", Kind: lines.Integers},
		{Name: "classification"},
		{Name: "classification_reason"},
		{Name: "conn_trace_id"},
		{Name: "transformed_host"},
		{Name: "transformed_uri"},
		{Name: "request_transform_status"},
	}
}

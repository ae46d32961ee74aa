package format

import "github.com/seed56735111/penstock/format/internal/lines"

// nlb is "Access logs for your Network Load Balancer" in the AWS documentation. Version 1.0 ends behind the domain name
// or the protocols before it; its times have no zone and are UTC.
func nlb() schema {
	return schema{
		name:  "nlb",
		told:  "lines that begin with tls, a version, a time and net/",
		about: "access logs of Network Load Balancers",
		grammar: &lines.Schema{Record: "an NLB record", Least: 11, Fields: []lines.Field{
			{Name: "type", Is: lines.OneOf("tls")},
			{Name: "version"},
			{Name: "time", Kind: lines.ISO},
			{Name: "elb", Is: lines.Begins("net/")},
			{Name: "listener"},
			{Name: "client", Kind: lines.Address},
			{Name: "destination", Kind: lines.Address},
			{Name: "connection_time", Kind: lines.Integer},
			{Name: "tls_handshake_time", Kind: lines.Integer},
			{Name: "received_bytes", Kind: lines.Integer},
			{Name: "sent_bytes", Kind: lines.Integer},
			{Name: "incoming_tls_alert"},
			{Name: "chosen_cert_arn"},
			{Name: "chosen_cert_serial"},
			{Name: "tls_cipher"},
			{Name: "tls_protocol_version"},
			{Name: "tls_named_group"},
			{Name: "domain_name"},
			{Name: "alpn_fe_protocol"},
			{Name: "alpn_be_protocol"},
			{Name: "alpn_client_preference_list", Kind: lines.Quoted},
			{Name: "tls_connection_creation_time"},
		}},
	}
}

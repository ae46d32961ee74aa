package format

import "github.com/seed56735111/penstock/format/internal/lines"

// albconn is "Connection logs for your Application Load Balancer" in the AWS documentation. The first ones end before
// the trace id.
func albconn() schema {
	return schema{
		name:  "albconn",
		told:  "lines that begin with a time, a client's address and port, a listener's port and a version of TLS",
		about: "connection logs of Application Load Balancers",
		grammar: &lines.Schema{Record: "a connection log record", Least: 11, Fields: []lines.Field{
			{Name: "time", Kind: lines.ISO},
			{Name: "client_ip", Kind: lines.IP},
			{Name: "client_port", Kind: lines.Integer, Is: lines.Digits(1, 5)},
			{Name: "listener_port", Kind: lines.Integer, Is: lines.Digits(1, 5)},
			{Name: "tls_protocol", Is: lines.Either(lines.Begins("TLSv"), lines.OneOf("-"))},
			{Name: "tls_cipher"},
			{Name: "tls_handshake_latency", Kind: lines.Decimal, Is: lines.Number()},
			{Name: "leaf_client_cert_subject"},
			{Name: "leaf_client_cert_validity", Is: lines.Either(lines.Begins("NotBefore="), lines.OneOf("-"))},
			{Name: "leaf_client_cert_serial_number"},
			{Name: "tls_verify_status", Is: lines.Either(lines.Begins("Success"), lines.Begins("Failed"), lines.OneOf("-"))},
			{Name: "conn_trace_id"},
		}},
	}
}

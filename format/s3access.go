package format

import "github.com/seed56735111/penstock/format/internal/lines"

// s3access is "Amazon S3 server access log format" in the AWS documentation. Quotes in a user agent are not escaped; no
// value behind it has any.
func s3access() schema {
	return schema{
		name:  "s3access",
		told:  "lines that begin with an owner of 64 hexadecimal digits, a bucket and a time in brackets",
		about: "server access logs of S3",
		grammar: &lines.Schema{Record: "an S3 access record", Least: 10, Fields: []lines.Field{
			{Name: "bucket_owner", Is: lines.Hex(64)},
			{Name: "bucket"},
			{Name: "time", Kind: lines.CLF},
			{Name: "remote_ip", Kind: lines.IP},
			{Name: "requester"},
			{Name: "request_id"},
			{Name: "operation"},
			{Name: "key"},
			{Name: "request_uri", Kind: lines.Request},
			{Name: "http_status", Kind: lines.Integer},
			{Name: "error_code"},
			{Name: "bytes_sent", Kind: lines.Integer},
			{Name: "object_size", Kind: lines.Integer},
			{Name: "total_time", Kind: lines.Integer},
			{Name: "turn_around_time", Kind: lines.Integer},
			{Name: "referer"},
			{Name: "user_agent", LastQuote: true},
			{Name: "version_id"},
			{Name: "host_id"},
			{Name: "signature_version"},
			{Name: "cipher_suite"},
			{Name: "authentication_type"},
			{Name: "host_header"},
			{Name: "tls_version"},
			{Name: "access_point_arn"},
			{Name: "acl_required"},
			{Name: "source_region"},
		}},
	}
}

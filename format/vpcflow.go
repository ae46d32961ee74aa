package format

import "github.com/seed56735111/penstock/format/internal/lines"

// vpcflow is "Flow log records" in the AWS documentation: the fields that are not text, and what tells records without a header,
// as CloudWatch Logs has them.
func vpcflow() schema {
	return schema{
		name: "vpcflow",
		told: "a first line of names such as version and account-id, or lines with the 14 fields of version 2; " +
			"vpcflow(fields=…) names those of other lines without a header",
		about: "flow logs of VPCs",
		grammar: &lines.Headed{
			Record: "a flow log record", Least: 4, Layout: lines.Layout{Bare: true},
			Default: []string{
				"version", "account-id", "interface-id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets", "bytes",
				"start", "end", "action", "log-status",
			},
			Known: []lines.Field{
				{Name: "version", Kind: lines.Integer, Is: lines.Digits(1, 2)},
				{Name: "account-id", Is: lines.Either(lines.Digits(10, 12), lines.OneOf("unknown"))},
				{Name: "interface-id"},
				{Name: "srcaddr", Kind: lines.IP},
				{Name: "dstaddr", Kind: lines.IP},
				{Name: "srcport", Kind: lines.Integer},
				{Name: "dstport", Kind: lines.Integer},
				{Name: "protocol", Kind: lines.Integer},
				{Name: "packets", Kind: lines.Integer},
				{Name: "bytes", Kind: lines.Integer},
				{Name: "start", Kind: lines.Epoch},
				{Name: "end", Kind: lines.Integer},
				{Name: "action", Is: lines.OneOf("ACCEPT", "REJECT", "-")},
				{Name: "log-status", Is: lines.OneOf("OK", "NODATA", "SKIPDATA", "-")},
				{Name: "vpc-id"},
				{Name: "subnet-id"},
				{Name: "instance-id"},
				{Name: "tcp-flags", Kind: lines.Integer},
				{Name: "type"},
				{Name: "pkt-srcaddr", Kind: lines.IP},
				{Name: "pkt-dstaddr", Kind: lines.IP},
				{Name: "region"},
				{Name: "az-id"},
				{Name: "sublocation-type"},
				{Name: "sublocation-id"},
				{Name: "pkt-src-aws-service"},
				{Name: "pkt-dst-aws-service"},
				{Name: "flow-direction"},
				{Name: "traffic-path", Kind: lines.Integer},
				{Name: "reject-reason"},
				{Name: "resource-id"},
				{Name: "encryption-status", Kind: lines.Integer},
			},
		},
	}
}

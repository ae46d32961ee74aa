package format

import (
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/events"
	"github.com/seed56735111/penstock/format/internal/lines"
)

// vpcflow is "Flow log records" in the AWS documentation. Columns are the fields of records without a header, as
// CloudWatch Logs has them.
func vpcflow() schema {
	return schema{
		name: "vpcflow",
		told: "a first line of names such as version and account-id, or lines with the 14 fields of version 2; " +
			"vpcflow(fields=…) names those of other lines without a header; columns of a Parquet file such as interface_id " +
			"and log_status",
		about: "flow logs of VPCs",
		grammar: forms{
			&lines.Headed{
				Record: "a flow log record", Least: 4, Layout: lines.Layout{Bare: true}, Known: flowFields(),
				Columns: []lines.Columns{{Names: []string{
					"version", "account-id", "interface-id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets",
					"bytes", "start", "end", "action", "log-status",
				}}},
			},
			flowRow("interface_id", "srcaddr", "dstaddr", "srcport", "dstport", "log_status", "pkt_srcaddr", "pkt_dstaddr",
				"flow_direction", "traffic_path", "account_id", "tcp_flags"),
		},
	}
}

// flowRow is a flow log as the rows of a Parquet file. A field without a value is not there.
func flowRow(names ...string) *events.Row {
	return &events.Row{
		Names: names, Least: 3, Is: map[string]string{"start": "", "end": "", "version": ""}, Times: []string{"start"},
		Fields: []entry.Field{
			{Name: "srcaddr", Type: entry.IP},
			{Name: "dstaddr", Type: entry.IP},
			{Name: "pkt_srcaddr", Type: entry.IP},
			{Name: "pkt_dstaddr", Type: entry.IP},
		},
	}
}

// tgwflow is "Transit Gateway Flow Log records" in the AWS documentation.
func tgwflow() schema {
	return schema{
		name: "tgwflow",
		told: "a first line of names such as tgw-id, or lines with the fields of version 6 in their order; " +
			"tgwflow(fields=…) names those of other lines without a header; columns of a Parquet file such as tgw_id",
		about: "flow logs of Transit Gateways",
		grammar: forms{
			&lines.Headed{
				Record: "a Transit Gateway flow log record", Least: 4, Layout: lines.Layout{Bare: true}, Known: flowFields(),
				Marks: []string{
					"tgw-id", "tgw-attachment-id", "tgw-pair-attachment-id", "tgw-src-vpc-id", "tgw-dst-vpc-id",
					"tgw-src-vpc-account-id",
					"tgw-dst-vpc-account-id", "tgw-src-eni", "tgw-dst-eni",
				},
				Columns: []lines.Columns{{Names: []string{
					"version", "resource-type", "account-id", "tgw-id", "tgw-attachment-id", "tgw-src-vpc-account-id",
					"tgw-dst-vpc-account-id", "tgw-src-vpc-id", "tgw-dst-vpc-id", "tgw-src-subnet-id", "tgw-dst-subnet-id",
					"tgw-src-eni",
					"tgw-dst-eni", "tgw-src-az-id", "tgw-dst-az-id", "tgw-pair-attachment-id", "srcaddr", "dstaddr", "srcport",
					"dstport",
					"protocol", "packets", "bytes", "start", "end", "log-status", "type", "packets-lost-no-route",
					"packets-lost-blackhole", "packets-lost-mtu-exceeded", "packets-lost-ttl-expired", "tcp-flags", "region",
					"flow-direction", "pkt-src-aws-service", "pkt-dst-aws-service",
				}, Least: 26, More: true}},
			},
			flowRow("tgw_id", "tgw_attachment_id", "tgw_pair_attachment_id", "tgw_src_vpc_id", "tgw_dst_vpc_id",
				"resource_type"),
		},
	}
}

// flowFields are the fields of all versions of flow logs.
func flowFields() []lines.Field {
	fields := []lines.Field{
		{Name: "version", Kind: lines.Integer, Is: lines.Digits(1, 2)},
		{Name: "account-id", Is: lines.Either(lines.Digits(10, 12), lines.OneOf("unknown"))},
		{Name: "resource-type", Is: lines.OneOf("TransitGateway")},
		{Name: "tgw-id", Is: lines.Begins("tgw-")},
		{Name: "srcaddr", Kind: lines.IP},
		{Name: "dstaddr", Kind: lines.IP},
		{Name: "pkt-srcaddr", Kind: lines.IP},
		{Name: "pkt-dstaddr", Kind: lines.IP},
		{Name: "start", Kind: lines.Epoch},
		{Name: "action", Is: lines.OneOf("ACCEPT", "REJECT", "-")},
		{Name: "log-status", Is: lines.OneOf("OK", "NODATA", "SKIPDATA", "-")},
	}
	for _, name := range []string{
		"srcport", "dstport", "protocol", "packets", "bytes", "end", "tcp-flags", "traffic-path", "encryption-status",
		"packets-lost-no-route", "packets-lost-blackhole", "packets-lost-mtu-exceeded", "packets-lost-ttl-expired",
	} {
		fields = append(fields, lines.Field{Name: name, Kind: lines.Integer})
	}
	for _, name := range []string{
		"interface-id", "vpc-id", "subnet-id", "instance-id", "type", "region", "az-id", "sublocation-type", "sublocation-id",
		"pkt-src-aws-service", "pkt-dst-aws-service", "flow-direction", "reject-reason", "resource-id",
		"tgw-attachment-id", "tgw-src-vpc-account-id", "tgw-dst-vpc-account-id", "tgw-src-vpc-id", "tgw-dst-vpc-id",
		"tgw-src-subnet-id", "tgw-dst-subnet-id", "tgw-src-eni", "tgw-dst-eni", "tgw-src-az-id", "tgw-dst-az-id",
		"tgw-pair-attachment-id", "ecs-cluster-arn", "ecs-cluster-name", "ecs-container-instance-arn",
		"ecs-container-instance-id",
		"ecs-container-id", "ecs-second-container-id", "ecs-service-name", "ecs-task-definition-arn", "ecs-task-arn",
		"ecs-task-id",
	} {
		fields = append(fields, lines.Field{Name: name})
	}
	return fields
}

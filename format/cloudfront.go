package format

import (
	"github.com/seed56735111/penstock/format/internal/events"
	"github.com/seed56735111/penstock/format/internal/lines"
)

// cloudfront is "Standard logging", "Real-time logs" and "Connection logs" in the AWS documentation of CloudFront.
// Real-time logs have no header and the fields that their owner chose: all of them in their order are known.
func cloudfront() schema {
	members := typed(cloudfrontFields())
	return schema{
		name: "cloudfront",
		told: "a line #Fields: with names such as x-edge-location, JSON with these names, " +
			"or lines with the fields of standard or real-time " +
			"logs; cloudfront(fields=…) names those of other lines without a header",
		about: "standard, real-time and connection logs of CloudFront",
		grammar: forms{
			&lines.Headed{
				Record: "a CloudFront record", Prefix: "#Fields:", Comment: "#", Least: 3, BareHeader: true, Lenient: true,
				Tabs:   true,
				Layout: lines.Layout{Bare: true}, Known: cloudfrontFields(), Marks: cloudfrontMarks(),
				Columns: []lines.Columns{
					{Names: []string{
						"date", "time", "x-edge-location", "sc-bytes", "c-ip", "cs-method", "cs(Host)", "cs-uri-stem", "sc-status",
						"cs(Referer)", "cs(User-Agent)", "cs-uri-query", "cs(Cookie)", "x-edge-result-type", "x-edge-request-id",
						"x-host-header", "cs-protocol", "cs-bytes", "time-taken", "x-forwarded-for", "ssl-protocol", "ssl-cipher",
						"x-edge-response-result-type", "cs-protocol-version", "fle-status", "fle-encrypted-fields", "c-port",
						"time-to-first-byte", "x-edge-detailed-result-type", "sc-content-type", "sc-content-len", "sc-range-start",
						"sc-range-end",
					}, Least: 12, More: true},
					{Names: []string{
						"timestamp", "c-ip", "time-to-first-byte", "sc-status", "sc-bytes", "cs-method", "cs-protocol", "cs-host",
						"cs-uri-stem", "cs-bytes", "x-edge-location", "x-edge-request-id", "x-host-header", "time-taken",
						"cs-protocol-version", "c-ip-version", "cs-user-agent", "cs-referer", "cs-cookie", "cs-uri-query",
						"x-edge-response-result-type", "x-forwarded-for", "ssl-protocol", "ssl-cipher", "x-edge-result-type",
						"fle-encrypted-fields", "fle-status", "sc-content-type", "sc-content-len", "sc-range-start", "sc-range-end",
						"c-port",
						"x-edge-detailed-result-type", "c-country", "cs-accept-encoding", "cs-accept", "cache-behavior-path-pattern",
						"cs-headers", "cs-header-names", "cs-headers-count", "primary-distribution-id", "primary-distribution-dns-name",
						"origin-fbl", "origin-lbl", "asn",
					}, Least: 16, More: true},
				},
			},
			&events.Row{
				Names: []string{
					"x-edge-location", "x-edge-result-type", "x-edge-request-id", "x-host-header", "x-edge-response-result-type",
					"x-edge-detailed-result-type", "cs-uri-stem", "cs-method", "c-ip", "sc-status",
				},
				Least: 3, Times: []string{"timestamp(ms)", "timestamp"}, Rewrite: members,
			},
			&events.Row{ // the columns of a Parquet file
				Names: []string{
					"x_edge_location", "x_edge_result_type", "x_edge_request_id", "x_host_header", "x_edge_response_result_type",
					"x_edge_detailed_result_type", "cs_uri_stem", "cs_method", "c_ip", "sc_status",
				},
				Least: 3, Times: []string{"timestamp_ms", "timestamp"}, Rewrite: members,
			},
			&events.Row{
				Names: []string{
					"eventTimestamp", "connectionId", "connectionStatus", "clientIp", "clientPort", "distributionId", "tlsProtocol",
					"tlsCipher", "tlsHandshakeDuration", "tlsSni",
				},
				Least: 4, Times: []string{"eventTimestamp"}, Rewrite: members,
			},
		},
	}
}

// cloudfrontMarks are names that no other log has.
func cloudfrontMarks() []string {
	return []string{
		"x-edge-location", "x-edge-result-type", "x-edge-request-id", "x-edge-response-result-type",
		"x-edge-detailed-result-type",
		"x-host-header", "connectionStatus", "connectionId", "distributionId",
	}
}

func cloudfrontFields() []lines.Field {
	fields := []lines.Field{
		{Name: "date", Kind: lines.Day},
		{Name: "time", Kind: lines.Clock},
		{Name: "timestamp", Kind: lines.Seconds},
		{Name: "timestamp(ms)", Kind: lines.Epoch},
		{Name: "eventTimestamp", Kind: lines.ISO},
		{Name: "c-ip", Kind: lines.IP},
		{Name: "clientIp", Kind: lines.IP},
		{Name: "serverIp", Kind: lines.IP},
		{Name: "x-edge-location", Is: lines.Word("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")},
		{Name: "cs-method", Is: lines.Word("ABCDEFGHIJKLMNOPQRSTUVWXYZ-")},
		{Name: "sc-bytes", Kind: lines.Integer, Is: lines.Digits(1, 18)},
		{Name: "sc-status", Kind: lines.Integer, Is: lines.Digits(3, 3)},
		{Name: "time-to-first-byte", Kind: lines.Decimal, Is: lines.Number()},
		{Name: "cs-protocol", Is: lines.Either(lines.OneOf("http", "https", "ws", "wss", "grpcs"), lines.OneOf("-"))},
	}
	for _, name := range []string{
		"cs-bytes", "c-port", "sc-content-len", "sc-range-start", "sc-range-end", "cs-headers-count", "clientPort",
	} {
		fields = append(fields, lines.Field{Name: name, Kind: lines.Integer})
	}
	for _, name := range []string{"time-taken", "origin-fbl", "origin-lbl", "tlsHandshakeDuration"} {
		fields = append(fields, lines.Field{Name: name, Kind: lines.Decimal})
	}
	for _, name := range []string{
		"cs(Host)", "cs-host", "cs-uri-stem", "cs(Referer)", "cs-referer", "cs(User-Agent)", "cs-user-agent", "cs-uri-query",
		"cs(Cookie)", "cs-cookie", "x-edge-result-type", "x-edge-request-id", "x-host-header", "x-forwarded-for",
		"ssl-protocol",
		"ssl-cipher", "x-edge-response-result-type", "cs-protocol-version", "fle-status", "fle-encrypted-fields",
		"x-edge-detailed-result-type", "sc-content-type", "c-ip-version", "c-country", "cs-accept-encoding", "cs-accept",
		"cache-behavior-path-pattern", "cs-headers", "cs-header-names", "primary-distribution-id",
		"primary-distribution-dns-name", "asn",
		"DistributionId", "distributionid", "connectionId", "connectionStatus", "distributionId", "distributionTenantId",
		"tlsProtocol",
		"tlsCipher", "tlsSni", "clientLeafCertSerialNumber", "clientLeafCertSubject", "clientLeafCertIssuer",
		"clientLeafCertValidity",
		"connectionLogCustomData",
	} {
		fields = append(fields, lines.Field{Name: name})
	}
	return fields
}

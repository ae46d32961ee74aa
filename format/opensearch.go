package format

import (
	"bytes"
	"slices"

	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/events"
	"github.com/seed56735111/penstock/format/internal/lines"
)

// opensearch is "Logs" in the documentation of OpenSearch, "Logging" in that of Elasticsearch: server, slow and
// deprecation logs, JSON or text, and audit logs of both. Names with dots are one name.
func opensearch() schema {
	head := []lines.Field{
		{Name: "time", Kind: lines.ISOText, Lead: "[", End: "]"},
		{
			Name: "level",
			Lead: "[",
			End:  "]",
			Is:   lines.OneOf("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", "DEPRECATION", "CRITICAL"),
		},
		{Name: "component", Lead: "[", End: "]", Is: notLogstash()},
	}
	message := []lines.Field{{Name: "message", Kind: lines.Message, Rest: true}}
	number := []lines.Field{{Name: "shard", Lead: "[", End: "]", Optional: true}}
	node := lines.Field{Name: "node.name", Lead: "[", End: "]"}
	index := []lines.Field{node, {Name: "index", Lead: "[", End: "]"}}
	uuid := []lines.Field{
		node,
		{Name: "index", Lead: "[", End: "/", Is: lines.Unbracketed()},
		{Name: "index_uuid", End: "]", Is: lines.Unbracketed()},
	}
	optional := slices.Clone(index)
	for i := range optional {
		optional[i].Optional = true
	}
	var slow []lines.Field
	for i, name := range []string{
		"took", "took_millis", "total_hits", "types", "type", "id", "routing", "stats", "search_type", "total_shards",
	} {
		slow = append(slow, lines.Field{Name: name, Lead: name + "[", End: "],", Optional: i > 1}) // text, as in JSON
	}
	slow = append(slow, message...)
	return schema{
		name: "opensearch",
		told: "objects with component, cluster.name and node.name, elasticsearch.cluster.name, " +
			"audit_category or event.action and origin.type, " +
			"or lines of a time, a level and a component in brackets",
		about: "server, slow, deprecation and audit logs of OpenSearch and Elasticsearch",
		grammar: forms{
			&lines.Schema{
				Record: "a server record", Several: true, GoesOn: lines.Undated,
				Layout: lines.Layout{Bare: true, Padded: true},
				Forms: []lines.Form{
					{Least: 8, Fields: slices.Concat(head, uuid, number, slow)},
					{Least: 7, Fields: slices.Concat(head, index, number, slow)},
					{Least: 6, Fields: slices.Concat(head, uuid, number, message)},
					{Least: 4, Fields: slices.Concat(head, optional, number, message)},
				},
			},
			&events.Row{
				Names: []string{
					"component", "cluster.name", "node.name", "cluster.uuid", "node.id",
					"elasticsearch.cluster.name", "elasticsearch.node.name", "elasticsearch.cluster.uuid", "elasticsearch.node.id",
					"event.action", "event.type", "origin.type", "origin.address", "request.id",
					"audit_category", "audit_cluster_name", "audit_node_id", "audit_node_name", "audit_format_version",
					"audit_request_origin", "audit_request_layer",
				},
				Least: 3,
				Times: []string{"timestamp", "@timestamp"},
				More: func() func(dst, record []byte) []byte {
					origin := addresses("origin.address")
					return func(dst, record []byte) []byte { return shard(origin(dst, record), record) }
				}(),
				Opaque: []string{
					"audit_request_headers", "audit_rest_request_headers", "audit_request_body", "audit_transport_headers",
				},
				Fields: []entry.Field{
					{Name: "component", Type: entry.Keyword},
					{Name: "message", Type: entry.Text},
					{Name: "index", Type: entry.Keyword},
					{Name: "index_uuid", Type: entry.Keyword},
					{Name: "took", Type: entry.Keyword},
				},
			},
			&events.Row{
				// What a node writes before it is in a cluster.
				Names: []string{"event.dataset", "elasticsearch.node.name", "elasticsearch.cluster.name", "log.level"},
				Least: 3,
				Is:    map[string]string{"event.dataset": `"elasticsearch.`},
			},
		},
	}
}

// notLogstash takes components but those of Logstash, whose lines look the same.
func notLogstash() lines.Check {
	return lines.Check{First: lines.All(), Is: func(value []byte) bool {
		return !bytes.HasPrefix(value, []byte("logstash."))
	}}
}

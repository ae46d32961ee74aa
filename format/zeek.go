package format

import (
	"strings"

	"github.com/seed56735111/penstock/format/internal/events"
	"github.com/seed56735111/penstock/format/internal/lines"
)

// zeek is "Zeek TSV Format Logs" and "Zeek JSON Format Logs" in the Book of Zeek: the fields that most logs have. In
// both a document has them by the same names.
func zeek() schema {
	fields := []lines.Field{
		{Name: "ts", Kind: lines.Seconds},
		{Name: "uid"},
		{Name: "id.orig_h", Kind: lines.IP},
		{Name: "id.orig_p", Kind: lines.Integer},
		{Name: "id.resp_h", Kind: lines.IP},
		{Name: "id.resp_p", Kind: lines.Integer},
		{Name: "trans_depth", Kind: lines.Integer},
		{Name: "request_body_len", Kind: lines.Integer},
		{Name: "response_body_len", Kind: lines.Integer},
		{Name: "status_code", Kind: lines.Integer},
		{Name: "duration", Kind: lines.Decimal},
		{Name: "orig_bytes", Kind: lines.Integer},
		{Name: "resp_bytes", Kind: lines.Integer},
		{Name: "orig_pkts", Kind: lines.Integer},
		{Name: "resp_pkts", Kind: lines.Integer},
		{Name: "orig_ip_bytes", Kind: lines.Integer},
		{Name: "resp_ip_bytes", Kind: lines.Integer},
		{Name: "missed_bytes", Kind: lines.Integer},
	}
	return schema{
		name: "zeek",
		told: "lines that begin with # before the records, of which #fields names the fields, " +
			"or objects with ts, uid, id.orig_h and id.resp_h",
		about: "logs of Zeek (formerly Bro) with tabs between the values, or as JSON",
		grammar: forms{
			&lines.Headed{
				Record: "a Zeek record", Prefix: "#fields", Comment: "#", Least: 2, Lenient: true,
				Types: "#types", TypeOf: zeekType, Unset: "#unset_field", Nothing: "(empty)",
				Layout: lines.Layout{Separator: '\t', Bare: true}, Known: fields,
			},
			&events.Row{
				Names: []string{"ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p"}, Least: 6,
				Times: []string{"ts"}, Rewrite: typed(fields),
			},
		},
	}
}

// zeekType says what the types of Zeek are to fields that are not known by their names.
func zeekType(name string) lines.Kind {
	switch {
	case name == "count", name == "port":
		return lines.Integer
	case name == "int":
		return lines.Signed
	case name == "double", name == "interval", name == "time":
		return lines.SignedDecimal
	case name == "addr":
		return lines.IP
	case strings.HasPrefix(name, "set["), strings.HasPrefix(name, "vector["), strings.HasPrefix(name, "table["):
		return lines.List
	}
	return lines.Text
}

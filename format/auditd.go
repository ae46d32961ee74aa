package format

import (
	"bytes"

	"github.com/seed56735111/penstock/format/internal/lines"
)

// auditd is "Audit Event Fields" in the documentation of the Linux audit project: a record of an event on each line.
// What a user program sent stands in msg='…', which is made of pairs too; behind a control character come the values
// as names. ausearch -i writes all values as names, and the time in the notation of a place. That is a field of another
// name: the other one is a number.
func auditd() schema {
	node := lines.Field{Name: "node", Lead: "node=", End: " ", Optional: true}
	kind := lines.Field{Name: "type", Lead: "type=", End: " "}
	pairs := func(loose bool) *lines.Pairs {
		return &lines.Pairs{
			Record: "fields of an audit record", Nested: "msg", Prefixes: []string{"old", "new"}, Lists: true, Loose: loose,
			Spaced: []string{"op"}, // adding group to /etc/group
		}
	}
	result := lines.Field{Name: "result", Lead: " avc:  ", End: "  { ", Optional: true}
	permissions := lines.Field{Name: "permissions", Kind: lines.Words, End: " } for ", Optional: true}
	named := func(width int) lines.Form {
		return lines.Form{Least: 4, Fields: []lines.Field{
			node, kind,
			{Name: "timestamp", Kind: lines.AnyTime, Lead: "msg=audit(", Width: width},
			{Name: "serial", Kind: lines.Integer, Lead: ":", End: ") :"},
			result, permissions,
			{Name: "fields", Rest: true, Pairs: pairs(true)},
		}}
	}
	return schema{
		name:  "auditd",
		told:  "lines with type= and msg=audit(…), behind a node or nothing",
		about: "records of the Linux audit daemon, also as ausearch writes them; records of one event have the same serial",
		grammar: &lines.Schema{
			Record: "an audit record",
			Forms: []lines.Form{
				{Least: 4, Fields: []lines.Field{
					node, kind,
					{Name: "time", Kind: lines.Seconds, Lead: "msg=audit(", End: ":"},
					{Name: "serial", Kind: lines.Integer, End: "):"},
					result, permissions,
					{Name: "fields", Rest: true, Pairs: pairs(false)},
				}},
				named(len("11/24/2026 10:00:00.123")),
				named(len("11/24/26 10:00:00.123")),
			},
			Between: func(line []byte) bool {
				return string(line) == "----" || bytes.HasPrefix(line, []byte("time->"))
			},
		},
	}
}

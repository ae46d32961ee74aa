package format

import "github.com/seed56735111/penstock/format/internal/lines"

// auditd is "Audit Event Fields" in the documentation of the Linux audit project: a record of an event on each line.
// What a user program sent stands in msg='…', which is made of pairs too; behind a control character come the values
// as names.
func auditd() schema {
	return schema{
		name:  "auditd",
		told:  "lines with type= and msg=audit(…), behind a node or nothing",
		about: "records of the Linux audit daemon; records of one event have the same serial",
		grammar: &lines.Schema{Record: "an audit record", Least: 4, Fields: []lines.Field{
			{Name: "node", Lead: "node=", End: " ", Optional: true},
			{Name: "type", Lead: "type=", End: " "},
			{Name: "time", Kind: lines.Seconds, Lead: "msg=audit(", End: ":"},
			{Name: "serial", Kind: lines.Integer, End: "):"},
			{Name: "result", Lead: " avc:  ", End: "  { ", Optional: true},
			{Name: "permissions", Kind: lines.Words, End: " } for ", Optional: true},
			{Name: "fields", Rest: true, Pairs: &lines.Pairs{
				Record: "fields of an audit record", Nested: "msg", Prefixes: []string{"old", "new"}, Lists: true,
			}},
		}},
	}
}

package format

import (
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/events"
	"github.com/seed56735111/penstock/format/internal/lines"
)

// mongodb is "Log Messages" in the documentation of MongoDB: JSON since version 4.4, text before. Each message has
// other attributes.
func mongodb() schema {
	return schema{
		name: "mongodb",
		told: "objects with t.$date, s, c, ctx and msg, or lines of a time, a severity, " +
			"a component and a context in brackets",
		about: "logs of MongoDB; attr is kept as text",
		grammar: forms{
			&lines.Schema{
				Record: "a MongoDB record", Least: 4, Several: true, Layout: lines.Layout{Bare: true, Padded: true},
				Fields: []lines.Field{
					{Name: "time", Kind: lines.ISOText},
					{Name: "severity", Is: lines.OneOf("F", "E", "W", "I", "D", "D1", "D2", "D3", "D4", "D5")},
					{Name: "component"},
					{Name: "context", Lead: "[", End: "] "},
					{Name: "message", Kind: lines.Message, Rest: true},
				},
			},
			&events.Row{
				Names: []string{"t.$date", "s", "c", "id", "ctx", "msg", "attr"}, Least: 6,
				Times:  []string{"t.$date"},
				Opaque: []string{"attr"},
				Fields: []entry.Field{
					{Name: "t.$date", Type: entry.Date}, {Name: "id", Type: entry.Long}, {Name: "msg", Type: entry.Text},
				},
			},
		},
	}
}

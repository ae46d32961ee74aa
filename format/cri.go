package format

import (
	"github.com/seed56735111/penstock/format/internal/events"
	"github.com/seed56735111/penstock/format/internal/lines"
)

// cri is "CRI log format" in the documentation of Kubernetes. P marks a part of a longer line, F the last one.
func cri() schema {
	return schema{
		name: "cri", told: "lines of a time, stdout or stderr, and P or F",
		about: "logs of containers as Kubernetes stores them: lines are put together again, and each is read as what it fits",
		grammar: &carrier{
			Grammar: &lines.Schema{Record: "a CRI record", Least: 3, Layout: lines.Layout{Bare: true}, Fields: []lines.Field{
				{Name: "time", Kind: lines.ISO},
				{Name: "stream", Is: lines.OneOf("stdout", "stderr")},
				{Name: "logtag", Is: lines.OneOf("P", "F")},
				{Name: "log", Kind: lines.Message, Rest: true},
			}},
			name: "cri", message: "log", blank: true, same: "stream",
			open: func(fields, _ []byte) bool { return string(events.Member(fields, "logtag")) == `"P"` },
		},
	}
}

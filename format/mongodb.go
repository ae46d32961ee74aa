package format

import (
	"bytes"

	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/events"
	"github.com/seed56735111/penstock/format/internal/lines"
)

// mongodb is "Log Messages" in the documentation of MongoDB: JSON since version 4.4, text before. Each message has
// other attributes.
func mongodb() schema {
	at := lines.Field{Name: "time", Kind: lines.ISOText}
	context := lines.Field{Name: "context", Lead: "[", End: "] "}
	context26 := context // before version 3.0 nothing else tells the program
	context26.Is = mongoThread()
	message := lines.Field{Name: "message", Kind: lines.Message, Rest: true}
	return schema{
		name: "mongodb",
		told: "objects with t.$date, s, c, ctx and msg, or lines of a time, a severity, " +
			"a component and a context in brackets",
		about: "logs of MongoDB; attr is kept as text",
		grammar: forms{
			&lines.Schema{
				Record: "a MongoDB record", Several: true, GoesOn: lines.Undated,
				Layout: lines.Layout{Bare: true, Padded: true},
				Forms: []lines.Form{
					{Least: 4, Fields: []lines.Field{
						at,
						{Name: "severity", Is: lines.OneOf("F", "E", "W", "I", "D", "D1", "D2", "D3", "D4", "D5")},
						{Name: "component"},
						context,
						message,
					}},
					{Least: 3, Fields: []lines.Field{at, context26, message}},
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

// mongoThread takes the names of MongoDB's own threads, such as initandlisten and conn17.
func mongoThread() lines.Check {
	names := lines.OneOf(
		"initandlisten", "mongosMain", "signalProcessingThread", "clientcursormon", "TTLMonitor", "journal", "websvr",
		"FileAllocator", "DataFileSync", "PeriodicTaskRunner", "Balancer", "LockPinger", "rsStart", "rsMgr", "rsSync",
		"rsBackgroundSync", "rsHealthPoll", "interruptThread", "HostnameCanonicalizationWorker",
	)
	digits := lines.Digits(1, 18)
	return lines.Check{First: names.First.With(lines.Of("c")), Is: func(value []byte) bool {
		n, ok := bytes.CutPrefix(value, []byte("conn"))
		return ok && digits.Is(n) || names.Is(value)
	}}
}

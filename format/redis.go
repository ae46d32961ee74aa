package format

import "github.com/seed56735111/penstock/format/internal/lines"

// redis is what serverLogRaw in src/server.c of Redis and of Valkey writes, now and in versions before 3.0, and what
// the command MONITOR prints.
func redis() schema {
	at := lines.Field{Name: "time", Kind: lines.DayFirst}
	message := []lines.Field{
		{Name: "level", Is: lines.OneOf(".", "-", "*", "#")},
		{Name: "message", Kind: lines.Message, Rest: true},
	}
	before := func(fields ...lines.Field) []lines.Field { return append(append(fields, at), message...) }
	pid := lines.Digits(1, 10)
	return schema{
		name:  "redis",
		told:  "lines with a process, a time such as 24 Nov 2026 10:00:00.123 and one of . - * #; or those of MONITOR",
		about: "logs of Redis and Valkey",
		grammar: &lines.Schema{
			Record: "a Redis record", Several: true, GoesOn: lines.Indented,
			Forms: []lines.Form{
				{Least: 4, Fields: before(
					lines.Field{Name: "pid", Kind: lines.Integer, End: ":", Is: pid},
					lines.Field{Name: "role", Is: lines.OneOf("M", "S", "C", "X")},
				)},
				{Least: 3, Fields: before(lines.Field{Name: "pid", Kind: lines.Integer, Lead: "[", End: "] ", Is: pid})},
				{Least: 2, Fields: before()},
				{Least: 3, Fields: []lines.Field{
					{Name: "pid", Kind: lines.Integer, End: ":signal-handler (", Is: pid},
					{Name: "signal_time", Kind: lines.Epoch, End: ") "},
					{Name: "message", Kind: lines.Message, Rest: true},
				}},
				{Least: 4, Fields: []lines.Field{
					{Name: "monitor_time", Kind: lines.Seconds, End: " ["},
					{Name: "db", Kind: lines.Integer},
					{Name: "client", Kind: lines.Address, End: "] "},
					{Name: "message", Kind: lines.Message, Rest: true},
				}},
			},
		},
	}
}

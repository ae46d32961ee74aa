package format

import "github.com/seed56735111/penstock/format/internal/lines"

// syslog is RFC 3164 and what programs make of it: without a priority in files, with times as in ISO 8601, with or
// without a host. Servers that gather messages have some of RFC 5424 between them.
func syslog() schema {
	return schema{
		name: "syslog",
		told: "lines with a time such as Nov 24 10:00:00, or a priority and a time, or an ISO time, " +
			"a host and a program with its process",
		about: "syslog as in RFC 3164 and its dialects (rsyslog, Cisco, macOS); the year is that of the object's time",
		grammar: counted(&lines.Schema{
			Record: "a syslog message", Several: true, GoesOn: lines.Indented, Proof: lines.Heads,
			Forms: append([]lines.Form{{Least: 1, Fields: []lines.Field{
				{Name: "head", Kind: lines.Head},
				{Name: "message", Kind: lines.Message, Rest: true, Details: true},
			}}}, rfc5424("timestamp")...),
		}),
	}
}

// counted is the grammar of messages on lines, or behind their lengths.
func counted(f *lines.Schema) forms { return forms{f, lines.Counted{Schema: f}} }

// syslog5424 is RFC 5424.
func syslog5424() schema {
	return schema{
		name:  "syslog5424",
		told:  "lines with a priority, version 1 and the fields of RFC 5424",
		about: "syslog as in RFC 5424; structured_data is an object of its elements",
		grammar: counted(&lines.Schema{
			Record: "an RFC 5424 message", Several: true, GoesOn: lines.Indented, Forms: rfc5424("time"),
		}),
	}
}

// rfc5424 are the forms of RFC 5424: with a time of a name, and without one. What stands in place of structured data
// and is none, as firewalls of Check Point write it, is the message.
func rfc5424(time string) []lines.Form {
	fields := func(at lines.Field, behind ...lines.Field) []lines.Field {
		return append([]lines.Field{
			{Name: "priority", Kind: lines.Priority, Lead: "<", End: ">", Is: lines.Digits(1, 3)},
			{Name: "version", Is: lines.OneOf("1")},
			at,
			{Name: "host"},
			{Name: "app"},
			{Name: "pid"},
			{Name: "msgid"},
		}, behind...)
	}
	dated := lines.Field{Name: time, Kind: lines.ISO}
	data := lines.Field{Name: "structured_data", Kind: lines.Structured}
	message := lines.Field{Name: "message", Kind: lines.Message, Rest: true, Details: true}
	return []lines.Form{
		{Least: 8, Fields: fields(dated, data, message)},
		{Least: 8, Fields: fields(lines.Field{Name: time, Is: lines.OneOf("-")}, data, message)},
		{Least: 8, Fields: fields(dated, message)},
	}
}

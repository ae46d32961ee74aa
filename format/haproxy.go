package format

import "github.com/seed56735111/penstock/format/internal/lines"

// haproxy is "8.2. Log formats" in the configuration manual of HAProxy: HTTP, TCP, the default one and errors, behind
// what syslog puts before them, if anything.
func haproxy() schema {
	head := lines.Field{Name: "head", Kind: lines.Head, Optional: true}
	accepted := []lines.Field{
		head,
		{Name: "client", Kind: lines.Address, Is: lines.Either(lines.Socket(), lines.Begins("-:"))},
		{Name: "accept_date", Kind: lines.CLF, Lead: "[", End: "] "},
		{Name: "frontend_name"},
		{Name: "backend_name", End: "/"},
		{Name: "server_name"},
		// Many log the host that was asked for.
		{Name: "requested_host", Optional: true, Is: named()},
	}
	timers := func(names ...string) (fields []lines.Field) {
		for i, name := range names {
			end := "/"
			if i == len(names)-1 {
				end = " "
			}
			fields = append(fields, lines.Field{Name: name, Kind: lines.Signed, End: end, Is: signed()})
		}
		return fields
	}
	load := append(timers("actconn", "feconn", "beconn", "srvconn", "retries"),
		lines.Field{Name: "srv_queue", Kind: lines.Signed, End: "/", Is: signed()},
		lines.Field{Name: "backend_queue", Kind: lines.Signed})
	join := func(parts ...[]lines.Field) (all []lines.Field) {
		for _, part := range parts {
			all = append(all, part...)
		}
		return all
	}
	http := join(accepted, timers("time_request", "time_queue", "time_connect", "time_response", "time_active"),
		[]lines.Field{
			{Name: "status_code", Kind: lines.Signed},
			{Name: "bytes_read", Kind: lines.Signed},
			{Name: "captured_request_cookie"},
			{Name: "captured_response_cookie"},
			{Name: "termination_state"},
		}, load, []lines.Field{
			{Name: "captured_request_headers", Lead: "{", End: "} ", Optional: true},
			{Name: "captured_response_headers", Lead: "{", End: "} ", Optional: true},
			{Name: "http_request", Kind: lines.Request, LastQuote: true, Query: true},
		})
	tcp := join(accepted, timers("time_queue", "time_connect", "time_session"), []lines.Field{
		{Name: "bytes_read", Kind: lines.Signed},
		{Name: "termination_state"},
	}, load)
	// What it says of itself without syslog: [NOTICE]   (1) : …, before version 2.5 with the day and the time.
	own := func(end, level string) lines.Form {
		return lines.Form{Least: 3, Fields: []lines.Field{
			{Name: "level", Lead: "[", End: end, Is: lines.OneOf(level)},
			{Name: "pid", End: ") : ", Is: lines.Digits(1, 10)},
			{Name: "message", Kind: lines.Message, Rest: true},
		}}
	}
	return schema{
		name: "haproxy",
		told: "lines of syslog whose program is haproxy, and what HAProxy logs of HTTP and TCP, " +
			"with syslog's head or without",
		about: "logs of HAProxy: HTTP, TCP, connections, errors and what it says of itself",
		grammar: &lines.Schema{Record: "a HAProxy record", Forms: []lines.Form{
			{Least: 24, Fields: http},
			{Least: 19, Fields: tcp},
			{Least: 5, Fields: []lines.Field{
				head,
				{Name: "client", Kind: lines.Address, Lead: "Connect from ", End: " to "},
				{Name: "destination", Kind: lines.Address, End: " ("},
				{Name: "frontend_name", End: "/"},
				{Name: "mode", End: ")"},
			}},
			{Least: 6, Fields: []lines.Field{
				{Name: "head", Kind: lines.Head, Is: lines.Begins("haproxy")},
				{Name: "client", Kind: lines.Address},
				{Name: "accept_date", Kind: lines.CLF, Lead: "[", End: "] "},
				{Name: "frontend_name", End: "/"},
				{Name: "bind_name", End: ": "},
				{Name: "message", Kind: lines.Message, Rest: true},
			}},
			{Least: 1, Fields: []lines.Field{
				{Name: "head", Kind: lines.Head, Is: lines.Begins("haproxy")},
				{Name: "message", Kind: lines.Message, Rest: true},
			}},
			own("]   (", "NOTICE"), own("]  (", "WARNING"), own("]    (", "ALERT"), own("]    (", "DEBUG"),
			{Least: 4, Fields: []lines.Field{
				{Name: "level", Lead: "[", End: "] ", Is: lines.OneOf("NOTICE", "WARNING", "ALERT", "DEBUG")},
				{Name: "day_time", End: " (", Is: lines.Word("0123456789/")},
				{Name: "pid", End: ") : ", Is: lines.Digits(1, 10)},
				{Name: "message", Kind: lines.Message, Rest: true},
			}},
		}},
	}
}

// named takes a word that begins with a letter.
func named() lines.Check {
	name := lines.Name()
	return lines.Check{First: lines.Of("abcdefghijklmnopqrstuvwxyz"), Is: func(value []byte) bool {
		return len(value) > 0 && value[0]|0x20 >= 'a' && value[0]|0x20 <= 'z' && name.Is(value)
	}}
}

// signed takes an integer, also behind a sign.
func signed() lines.Check {
	number := lines.Digits(1, 18)
	return lines.Check{First: lines.Of("0123456789+-"), Is: func(value []byte) bool {
		if len(value) > 1 && (value[0] == '-' || value[0] == '+') {
			value = value[1:]
		}
		return number.Is(value)
	}}
}

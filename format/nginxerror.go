package format

import (
	"bytes"

	"github.com/seed56735111/penstock/format/internal/lines"
)

// nginxError is what src/core/ngx_log.c of nginx writes, and src/http/ngx_http_request.c behind it.
func nginxError() schema {
	return schema{
		name:  "nginx-error",
		told:  "lines that begin with a time with slashes, a level in brackets, and process#thread:",
		about: "error logs of nginx; what it says of the client, the request and the upstream is set apart from the message",
		grammar: &lines.Schema{
			Record: "an nginx error", Least: 4, Several: true, GoesOn: goesOnInPHP,
			Fields: []lines.Field{
				{Name: "time", Kind: lines.ISOText, Is: slashes(), End: " ["},
				{Name: "level", Is: lines.OneOf("debug", "info", "notice", "warn", "error", "crit", "alert", "emerg"), End: "] "},
				{Name: "pid", Kind: lines.Integer, Is: lines.Digits(1, 10), End: "#"},
				{Name: "tid", Kind: lines.Integer, Is: lines.Digits(1, 18), End: ": "},
				{Name: "connection", Kind: lines.Integer, Is: lines.Digits(1, 18), Lead: "*", End: " ", Optional: true},
				{Name: "message", Kind: lines.Message, Rest: true},
			},
			Trailing: []lines.Field{
				{Name: "client", Lead: ", client: "},
				{Name: "server", Lead: ", server: "},
				{Name: "request", Kind: lines.Request, Lead: ", request: ", Query: true},
				{Name: "subrequest", Lead: ", subrequest: "},
				{Name: "upstream", Lead: ", upstream: "},
				{Name: "host", Lead: ", host: "},
				{Name: "referrer", Lead: ", referrer: "},
			},
		},
	}
}

// slashes takes times such as 2026/11/24 10:00:00.
func slashes() lines.Check {
	return lines.Check{First: lines.Of("0123456789"), Is: func(value []byte) bool {
		return len(value) == len("2006/01/02 15:04:05") && value[4] == '/'
	}}
}

// goesOnInPHP reports whether a line goes on with a message that a program behind a web server has sent: a stack trace
// of PHP's, most often.
func goesOnInPHP(line []byte) bool {
	if lines.Indented(line) || line[0] == '#' || line[0] == '"' {
		return true
	}
	for _, head := range [...]string{"Stack trace:", "PHP message:", "thrown in "} {
		if bytes.HasPrefix(line, []byte(head)) {
			return true
		}
	}
	return false
}

package format

import (
	"slices"

	"github.com/seed56735111/penstock/format/internal/lines"
)

// apacheError is ErrorLogFormat in the documentation of the Apache HTTP server: the default of 2.4, also with a time as
// access logs have it, and what 2.2 writes.
func apacheError() schema {
	at := lines.Field{Name: "time", Kind: lines.AnyTime, Lead: "[", End: "] "}
	level := lines.OneOf(
		"emerg", "alert", "crit", "error", "warn", "notice", "info", "debug",
		"trace1", "trace2", "trace3", "trace4", "trace5", "trace6", "trace7", "trace8",
	)
	pid := lines.Field{Name: "pid", Kind: lines.Integer, Lead: "[pid ", End: "] ", Is: lines.Digits(1, 10), Optional: true}
	digits := lines.Digits(1, 18)
	process := []lines.Field{
		at,
		{Name: "module", Lead: "[", End: ":"},
		{Name: "level", End: "] ", Is: level},
		{Name: "pid", Kind: lines.Integer, Lead: "[pid ", End: ":tid ", Is: lines.Digits(1, 10), Optional: true},
		{Name: "tid", Kind: lines.Integer, End: "] ", Is: digits, Optional: true},
		pid,
		{Name: "source", End: ": ", Is: sourceLine(), Optional: true},
	}
	message := []lines.Field{
		{Name: "client", Kind: lines.Address, Lead: "[client ", End: "] ", Optional: true},
		{Name: "code", End: ": ", Is: errorCode(), Optional: true},
		{Name: "message", Kind: lines.Message, Rest: true, Details: true},
	}
	failed := []lines.Field{
		{Name: "error_number", Kind: lines.Integer, Lead: "(", End: ")", Is: digits},
		{Name: "error", End: ": "},
	}
	return schema{
		name:  "apache-error",
		told:  "lines that begin with a time, a level or module:level, each in brackets",
		about: "error logs of the Apache HTTP server, 2.2 and 2.4",
		grammar: &lines.Schema{
			Record: "an Apache error", Several: true, GoesOn: goesOnInPHP,
			Forms: []lines.Form{
				{Least: 9, Fields: append(append(slices.Clip(process), failed...), message...)},
				{Least: 3, Fields: append(slices.Clip(process), message...)},
				{Least: 2, Fields: []lines.Field{
					at,
					{Name: "level", Lead: "[", End: "] ", Is: level},
					{Name: "client_ip", Kind: lines.IP, Lead: "[client ", End: "] ", Optional: true},
					{Name: "message", Kind: lines.Message, Rest: true, Details: true},
				}},
			},
			Trailing: []lines.Field{{Name: "referer", Lead: ", referer: "}},
		},
	}
}

// errorCode takes the number of a message: AH00126.
func errorCode() lines.Check {
	number := lines.Digits(5, 5)
	return lines.Check{First: lines.Of("A"), Is: func(value []byte) bool {
		return len(value) == len("AH00126") && value[0] == 'A' && value[1] == 'H' && number.Is(value[2:])
	}}
}

// sourceLine takes a place in the program: mod_rewrite.c(470).
func sourceLine() lines.Check {
	return lines.Check{First: lines.All(), Is: func(value []byte) bool {
		n := len(value)
		if n < len("a.c(1)") || n > 64 || value[n-1] != ')' {
			return false
		}
		for i := n - 2; i > 2; i-- {
			if value[i] == '(' {
				return value[i-1] == 'c' && value[i-2] == '.'
			}
		}
		return false
	}}
}

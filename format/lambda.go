package format

import (
	"bytes"
	"slices"

	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/events"
	"github.com/seed56735111/penstock/format/internal/lines"
)

// lambda is what the platform of Lambda writes as text, and what its runtimes for Node.js and Python write before
// messages. Everything else that a function prints is a message; an indented line goes on with the one before it.
func lambda() schema {
	id := uuid()
	message := lines.Field{Name: "message", Kind: lines.Message, Rest: true}
	more := lines.Field{Name: "message", Kind: lines.Message, Lead: "\t", Rest: true, Optional: true}
	level := lines.OneOf("TRACE", "DEBUG", "INFO", "WARN", "WARNING", "ERROR", "FATAL", "CRITICAL")
	word := func(end string, words ...string) lines.Field {
		return lines.Field{Name: "type", End: end, Is: lines.OneOf(words...)}
	}
	milliseconds := func(name, lead string, optional bool) lines.Field {
		return lines.Field{Name: name, Kind: lines.Decimal, Lead: lead, End: " ms", Is: lines.Number(), Optional: optional}
	}
	megabytes := func(name, lead string) lines.Field {
		return lines.Field{Name: name, Kind: lines.Integer, Lead: lead, End: " MB", Is: lines.Digits(1, 6)}
	}
	return schema{
		name: "lambda",
		told: "lines such as START RequestId: and REPORT RequestId:, or a time, " +
			"a request's id and a level with tabs between them, " +
			"or objects with time, a type such as platform.report, and record",
		about: "logs of Lambda functions, as text or JSON; record is kept as text",
		grammar: forms{&events.Row{
			Names: []string{"time", "type", "record"}, Least: 3,
			Is:     map[string]string{"type": `"platform.`},
			Times:  []string{"time", "timestamp"},
			Opaque: []string{"record"},
			Fields: []entry.Field{{Name: "type", Type: entry.Keyword}, {Name: "message", Type: entry.Text}},
		}, &lines.Schema{
			Record: "a Lambda log line", Several: true, GoesOn: goesOnLikeText, Free: true, Proof: func(records [][]byte) bool {
				return slices.ContainsFunc(records, isLambda)
			},
			Layout: lines.Layout{Separator: '\t', Bare: true},
			Forms: []lines.Form{
				{Least: 3, Fields: []lines.Field{
					word(" RequestId: ", "START"), {Name: "request_id", End: " Version: ", Is: id}, {Name: "version"}, message,
				}},
				{Least: 2, Fields: []lines.Field{word(" RequestId: ", "END"), {Name: "request_id", Is: id}, message}},
				{Whole: true, Least: 6, Fields: []lines.Field{
					word(" RequestId: ", "REPORT"),
					{Name: "request_id", Is: id},
					milliseconds("duration_ms", "Duration: ", false),
					milliseconds("billed_duration_ms", "\tBilled Duration: ", false),
					megabytes("memory_size_mb", "\tMemory Size: "),
					megabytes("max_memory_used_mb", "\tMax Memory Used: "),
					milliseconds("init_duration_ms", "\tInit Duration: ", true),
					milliseconds("restore_duration_ms", "\tRestore Duration: ", true),
					milliseconds("billed_restore_duration_ms", "\tBilled Restore Duration: ", true),
					{Name: "status", Lead: "\tStatus: ", Optional: true},
					{Name: "error_type", Lead: "Error Type: ", Optional: true},
					{Name: "xray_trace_id", Lead: "\tXRAY TraceId: ", Optional: true},
					{Name: "xray_segment_id", Lead: "SegmentId: ", Optional: true},
					{Name: "xray_sampled", Lead: "Sampled: ", Optional: true},
					more,
				}},
				{Least: 2, Fields: []lines.Field{
					word(" Runtime Version: ", "INIT_START", "RESTORE_START"),
					{Name: "runtime_version"},
					{Name: "runtime_version_arn", Lead: "Runtime Version ARN: ", Optional: true},
					message,
				}},
				{Whole: true, Least: 2, Fields: []lines.Field{
					word(" Init Duration: ", "INIT_REPORT"), milliseconds("init_duration_ms", "", false),
					{Name: "phase", Lead: "\tPhase: ", Optional: true},
					{Name: "status", Lead: "Status: ", Optional: true},
					{Name: "error_type", Lead: "Error Type: ", Optional: true},
					more,
				}},
				{Whole: true, Least: 2, Fields: []lines.Field{
					word(" Restore Duration: ", "RESTORE_REPORT"), milliseconds("restore_duration_ms", "", false),
					{Name: "status", Lead: "\tStatus: ", Optional: true},
					{Name: "error_type", Lead: "Error Type: ", Optional: true},
					more,
				}},
				{Least: 2, Fields: []lines.Field{
					word(" TraceId: ", "XRAY"),
					{Name: "xray_trace_id"},
					{Name: "xray_segment_id", Lead: "SegmentId: ", Optional: true},
					{Name: "xray_sampled", Lead: "Sampled: ", Optional: true},
					message,
				}},
				{Least: 2, Fields: []lines.Field{
					word("\t", "EXTENSION", "LOGS", "TELEMETRY"),
					{Name: "extension", Lead: "Name: "},
					{Name: "state", Lead: "State: ", Optional: true},
					{Name: "events", Lead: "Events: ", Optional: true},
					{Name: "types", Lead: "Types: ", Optional: true},
					message,
				}},
				{Least: 4, Fields: []lines.Field{
					{Name: "time", Kind: lines.ISO},
					{Name: "request_id", Is: lines.Either(id, lines.OneOf("undefined"))},
					{Name: "level", Is: level},
					message,
				}},
				{Least: 4, Fields: []lines.Field{
					{Name: "level", Lead: "[", End: "]\t", Is: level},
					{Name: "time", Kind: lines.ISO},
					{Name: "request_id", Is: id},
					message,
				}},
				{Least: 3, Fields: []lines.Field{
					{Name: "time", Kind: lines.ISO, End: " "}, {Name: "request_id", End: " ", Is: id}, message,
				}},
				{Least: 2, Fields: []lines.Field{{Name: "request_id", Lead: "RequestId: ", End: " ", Is: id}, message}},
				{Least: 2, Fields: []lines.Field{{Name: "level", Lead: "[", End: "] ", Is: level}, message}},
			},
		}},
	}
}

// uuid takes ids such as 0ff1ce00-0000-4000-8000-00000000c0de, also those of the AWS documentation, in which there is
// an xmpl.
func uuid() lines.Check {
	return lines.Check{First: lines.Of("0123456789abcdefghijklmnopqrstuvwxyz"), Is: isUUID}
}

func isUUID(value []byte) bool {
	if len(value) != len("0ff1ce00-0000-4000-8000-00000000c0de") {
		return false
	}
	for i, c := range value {
		switch dash := i == 8 || i == 13 || i == 18 || i == 23; {
		case dash != (c == '-'):
			return false
		case !dash && (c < '0' || c > '9') && (c < 'a' || c > 'z'):
			return false
		}
	}
	return true
}

// isLambda reports whether a line is one that nothing but Lambda writes: with its word, or with an id between tabs.
func isLambda(line []byte) bool {
	if bytes.HasPrefix(line, []byte("INIT_START Runtime Version: ")) {
		return true
	}
	if _, rest, ok := bytes.Cut(line, []byte(" RequestId: ")); ok {
		return len(rest) >= 36 && isUUID(rest[:36])
	}
	for rest, more := line, true; more; {
		var one []byte
		if one, rest, more = bytes.Cut(rest, []byte{'\t'}); more && isUUID(one) {
			return true
		}
	}
	return false
}

// goesOnLikeText reports whether a line goes on with the message before it: it is indented, or a part of a stack trace.
func goesOnLikeText(line []byte) bool { return lines.Indented(line) || entry.GoesOn(line) }

// Package multiline reads text: events that begin with a time, or are a line each, and may go on over several lines.
package multiline

import (
	"bytes"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/quote"
	"github.com/seed56735111/penstock/format/internal/times"
)

// Text is text of any kind. Where lines begin with a time, an event goes from one of them to the next, over stack traces and
// whatever else lies between; elsewhere each line is an event of its own, but for the lines of a stack trace.
type Text struct{}

// Told takes everything.
func (Text) Told(*entry.Reader) bool { return true }

// Read reads an entry to its end.
func (Text) Read(in *entry.Reader, y entry.Yield) {
	r := entry.State(in, states{}, func() *textReader { return &textReader{} })
	*r = textReader{Reader: in, timed: beginsTimed(in.Sample(), in.Stored)}
	r.events(y)
}

// Documented returns the fields of a document.
func (Text) Documented() []entry.Field {
	return []entry.Field{{Name: "level", Type: entry.Keyword}, {Name: "message", Type: entry.Text}}
}

// states is the key under which the reader is kept with an entry's buffers.
type states struct{}

type textReader struct {
	*entry.Reader
	timed bool
	// python says that the event is in a traceback of Python's, which the first line that is not indented ends.
	python bool
}

// beginsTimed decides whether a time begins an event. The first line that is not blank has one, or most lines do, but for
// those that look as if they went on with the line before.
func beginsTimed(sample []byte, stored time.Time) bool {
	total, timed, first := 0, 0, false
	for line := range bytes.Lines(sample) {
		if len(bytes.TrimSpace(line)) == 0 || total > 0 && (quote.IsSpace(line[0]) || isTrace(line)) {
			continue
		}
		total++
		if _, _, ok := leadingTime(line, stored); ok {
			timed++
			first = first || total == 1
		}
		if total == 200 {
			break
		}
	}
	return first || timed > 0 && 2*timed >= total
}

// events reads the entry to its end. The event at hand stays in the window until the line after it has been looked at.
func (r *textReader) events(y entry.Yield) {
	size := 0 // of the event so far, line endings included
	for {
		end, ok, idle := r.LineEnd(size)
		switch {
		case !ok && r.Failure() != nil:
			// The last line is broken off, so the event is not known to be complete either, unless the line says so.
			if size == 0 || !r.closes(r.Bytes()[size:r.Len()]) || r.event(size, y) {
				r.EmitFailure(y)
			}
			return
		case idle:
			if !r.event(size, y) {
				return
			}
			size = 0
		case !ok && r.Len() == 0:
			return
		case !ok && size == 0:
			if !r.SkipLine(y) {
				return
			}
		case !ok || size > 0 && (end > r.Max || r.begins(r.Bytes()[size:end])):
			if !r.event(size, y) {
				return
			}
			size = 0
		default:
			r.follow(r.Bytes()[size:end])
			size = end
			if !r.timed && len(bytes.TrimSpace(r.Bytes()[:end])) == 0 {
				r.Advance(end) // a blank line
				size = 0
			}
		}
	}
}

// closes reports whether the event at hand is complete although what follows it is broken off.
func (r *textReader) closes(rest []byte) bool {
	return r.Closes(rest, func(rest []byte) bool {
		// A few bytes may be the beginning of anything.
		return r.begins(rest) && (r.timed || !quote.IsSpace(rest[0]) && rest[0] != 'C' && rest[0] != 'T')
	})
}

// begins reports whether a line is the first of an event.
func (r *textReader) begins(line []byte) bool {
	if r.timed {
		_, _, ok := leadingTime(line, r.Stored)
		return ok
	}
	return !isTrace(line) && (!r.python || len(bytes.TrimSpace(line)) == 0)
}

// follow takes note of a line that belongs to the event.
func (r *textReader) follow(line []byte) {
	switch {
	case bytes.HasPrefix(line, pythonTrace):
		r.python = true
	case !quote.IsSpace(line[0]) || len(bytes.TrimSpace(line)) == 0:
		r.python = false
	}
}

var pythonTrace = []byte("Traceback (most recent call last):") //nolint:gochecknoglobals // a constant

// isTrace reports whether a line is a part of a stack trace, as the Java and JavaScript runtimes write them, or the first
// one of Python's.
func isTrace(line []byte) bool {
	inner := bytes.TrimLeft(line, " \t")
	if len(inner) < len(line) {
		return bytes.HasPrefix(inner, []byte("at ")) || bytes.HasPrefix(inner, []byte("... "))
	}
	return bytes.HasPrefix(line, []byte("Caused by: ")) || bytes.HasPrefix(line, pythonTrace)
}

// event hands over the first size bytes of the window.
func (r *textReader) event(size int, y entry.Yield) bool {
	raw := bytes.TrimRight(r.Bytes()[:size], "\r\n")
	offset := r.Offset()
	r.Advance(size)
	if len(bytes.TrimSpace(raw)) == 0 {
		return true
	}
	at, n, ok := leadingTime(raw, r.Stored)
	switch {
	case !ok:
		n = 0
		at, _ = innerTime(raw)
	case levelPrefix(raw) > 0:
		n = 0
	}
	r.JSON = append(r.Buffer(len(raw)), '{')
	if level := levelIn(raw[n:], ok); level != "" {
		r.JSON = append(r.JSON, `"level":"`...)
		r.JSON = append(r.JSON, level...)
		r.JSON = append(r.JSON, `",`...)
	}
	r.JSON = append(r.JSON, `"message":"`...)
	r.JSON = quote.AppendLines(r.JSON, raw)
	r.JSON = append(r.JSON, `"}`...)
	return r.Emit(penstock.Record{Offset: offset, Raw: raw, JSON: r.JSON, Time: at}, y)
}

// leadingTime reads the time that a line begins with, also behind a severity, a bracket or the priority of syslog, and
// returns how many bytes it took.
func leadingTime(line []byte, stored time.Time) (t time.Time, size int, ok bool) {
	i := levelPrefix(line)
	t, size, ok = timeAt(line[i:], stored)
	return t, i + size, ok
}

// timeAt is leadingTime without a severity.
func timeAt(line []byte, stored time.Time) (t time.Time, size int, ok bool) {
	i := 0
	if len(line) > 0 && line[0] == '[' {
		i = 1
	} else if len(line) > 2 && line[0] == '<' && quote.IsDigit(line[1]) {
		end := bytes.IndexByte(line[:min(len(line), 6)], '>')
		if end < 0 {
			return t, 0, false
		}
		i = end + 1
		if bytes.HasPrefix(line[i:], []byte("1 ")) {
			i += 2 // the version of RFC 5424
		}
	}
	b := line[i:]
	if len(b) < 10 {
		return t, 0, false
	}
	switch {
	case !quote.IsDigit(b[0]):
		if t, ok = times.Syslog(b, stored); !ok && len(b) >= 15 && times.IsSyslog(b) {
			return time.Time{}, i + 15, true // nobody knows the year
		}
		return t, i + 15, ok
	case b[4] == '-' || b[4] == '/':
		t, n, ok := times.ISO(b)
		return t, i + n, ok && n > len("2006-01-02")
	}
	t, n, ok := times.Epoch(b)
	if n >= len(b) || b[n] != ' ' && b[n] != '\t' && b[n] != ',' && b[n] != ']' {
		return t, 0, false
	}
	return t, i + n, ok
}

// innerTime finds the bracketed time of the common log format near the beginning of a line.
func innerTime(line []byte) (time.Time, bool) {
	head := line[:min(len(line), 512)]
	for {
		i := bytes.IndexByte(head, '[')
		if i < 0 {
			return time.Time{}, false
		}
		head = head[i+1:]
		if t, ok := times.CLF(head); ok {
			return t, true
		}
	}
}

// levels are the names of severities in logs.
var levels = [...]string{ //nolint:gochecknoglobals // a table literal
	"TRACE", "DEBUG", "INFO", "NOTICE", "WARN", "WARNING", "ERROR", "ERR", "CRITICAL", "CRIT", "ALERT", "FATAL", "EMERG", "SEVERE", "PANIC",
}

// levelIn returns the severity of an event, in capitals; empty when there is none. It is the first word. Behind a time up to
// two words may come before one in capitals: the thread, the logger.
func levelIn(b []byte, timed bool) string {
	for before := range 3 {
		b = bytes.TrimLeft(b, " \t[]()<>|:-*")
		n := 0
		for n < len(b) && (b[n]|0x20 >= 'a' && b[n]|0x20 <= 'z') {
			n++
		}
		for _, level := range levels {
			if n == len(level) && (string(b[:n]) == level || before == 0 && isLower(b[:n], level)) {
				return level
			}
		}
		i := bytes.IndexByte(b[:min(len(b), 64)], ' ')
		if i < 0 || !timed {
			return ""
		}
		b = b[i:]
	}
	return ""
}

// levelPrefix returns where a line goes on that begins with a severity, in brackets or not, and white space; 0 for others.
func levelPrefix(line []byte) int {
	i, n := 0, 0
	if len(line) > 0 && line[0] == '[' {
		i = 1
	}
	for i+n < len(line) && n < 9 && line[i+n]|0x20 >= 'a' && line[i+n]|0x20 <= 'z' {
		n++
	}
	if n < 3 || n > 8 || levelIn(line[i:i+n], false) == "" {
		return 0
	}
	rest := line[i+n:]
	if i == 1 {
		if len(rest) == 0 || rest[0] != ']' {
			return 0
		}
		rest = rest[1:]
	}
	behind := bytes.TrimLeft(rest, " \t")
	if len(behind) == len(rest) {
		return 0
	}
	return len(line) - len(behind)
}

// isLower reports whether b is a capitalised word in small letters.
func isLower(b []byte, word string) bool {
	for i := range word {
		if b[i] != word[i]|0x20 {
			return false
		}
	}
	return true
}

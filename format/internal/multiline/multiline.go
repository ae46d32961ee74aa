// Package multiline reads text: events that begin with a time, or are a line each, and may go on over several lines.
package multiline

import (
	"bytes"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/events"
	"github.com/seed56735111/penstock/format/internal/lines"
	"github.com/seed56735111/penstock/format/internal/times"
	"github.com/seed56735111/penstock/internal/quote"
)

// Text is text of any kind. An event is a line, and the lines behind it that go on with it: an indented line does
// whatever stands in it, another one that has no time where the first lines of the entry have theirs needs to look like
// it, as those of a stack trace do. A line that is a JSON object is a record like any in a file of them, unless all is
// to be text.
type Text struct{ Plain bool }

// Forced returns the grammar of what is text because somebody says so: of JSON too.
func (Text) Forced() entry.Grammar { return Text{Plain: true} }

// Told takes everything.
func (Text) Told(*entry.Reader) bool { return true }

// Read reads an entry to its end.
func (f Text) Read(in *entry.Reader, y entry.Yield) {
	r := entry.State(in, states{}, func() *textReader { return &textReader{} })
	*r = textReader{Reader: in, objects: events.NewObjects(in), plain: f.Plain}
	r.file.Stored = in.Stored
	r.learn(in.Sample())
	r.EachEvent(y, r.begins, r.closes, func(raw []byte, offset int64) bool { return r.event(raw, offset, y) })
}

// Documented returns the fields of a document.
func (Text) Documented() []entry.Field {
	return append([]entry.Field{{Name: "level", Type: entry.Keyword}, {Name: "message", Type: entry.Text}},
		lines.DetailFields()...)
}

// states is the key under which the reader is kept with an entry's buffers.
type states struct{}

type textReader struct {
	*entry.Reader
	objects events.Objects
	plain   bool
	file    times.File
	// words is the set of the numbers of words behind which lines have their times, besides those that begin with them.
	words uint64
	// python says that the event is in a traceback of Python's, which the first line that is not indented ends.
	python bool
	// whole says that the line before is a JSON object, with which nothing goes on.
	whole bool
	// bare says that times stand on lines of their own, before what they are the times of; below, that the event at hand
	// has begun with one.
	bare, below bool
	// stanza begins the first line of each event, before its time, when events are lines of NAME: VALUE with blank lines
	// between them; empty when they are not.
	stanza []byte
}

// learn finds out from the sample where the times of lines are. A time that is not at the beginning of its line must be
// in two lines at least, and in half of those that begin something.
func (r *textReader) learn(sample []byte) {
	total, bare := 0, 0
	for line := range bytes.Lines(sample) {
		r.file.Order(line[opening(line):])
		if _, end, ok := r.opens(line); ok && isBare(line, end) {
			bare++
		}
		if total++; total == learning {
			break
		}
	}
	r.bare = bare > 1
	if r.stanza = r.stanzas(sample); len(r.stanza) > 0 {
		return
	}
	var behind [times.Clip]int
	total = 0
	for line := range bytes.Lines(sample) {
		if len(bytes.TrimSpace(line)) == 0 || total > 0 && (entry.IsIndented(line) || entry.GoesOn(line)) {
			continue
		}
		if total++; total > learning {
			break
		}
		if _, _, ok := r.opens(line); ok {
			continue
		}
		times.Starts(line, func(n, at int) bool {
			_, size := r.timeAt(line, at)
			if size > 0 {
				behind[n]++
			}
			return size == 0
		})
	}
	for n, count := range behind {
		if count > 1 && 2*count >= min(total, learning) {
			r.words |= 1 << n
		}
	}
}

// stanzas returns how the first line of each event begins when the sample has several events, with blank lines between
// them, of lines NAME: VALUE: the same name, with the time as its value. So apt writes what it did.
func (r *textReader) stanzas(sample []byte) (first []byte) {
	stanzas, others, begins := 0, 0, true
	for line := range bytes.Lines(sample) {
		switch n := nameIn(line); {
		case len(bytes.TrimSpace(line)) == 0:
			begins = true
		case line[len(line)-1] != '\n' && !r.Whole(), !begins && entry.IsIndented(line):
			// It is cut, or goes on.
		case n == 0, stanzas > 0 && begins != bytes.HasPrefix(line, first):
			return nil
		case !begins:
			others++
		default:
			if _, size := r.timeAt(line, n); size == 0 || levelIn(line[:n], false) != "" {
				return nil
			}
			first, begins = line[:n], false
			stanzas++
		}
	}
	if stanzas < 2 || others < stanzas {
		return nil
	}
	return bytes.Clone(first) // the sample's memory is used again
}

// nameIn returns where the value begins in a line NAME: VALUE, 0 in others. The name is letters with dashes.
func nameIn(line []byte) int {
	n := 0
	for n < len(line) && (line[n]|0x20 >= 'a' && line[n]|0x20 <= 'z' || n > 0 && line[n] == '-') {
		n++
	}
	if n == 0 || n > 40 || !bytes.HasPrefix(line[n:], []byte(": ")) {
		return 0
	}
	return n + len(": ")
}

// isBare reports whether a line has nothing behind the time that ends at end.
func isBare(line []byte, end int) bool { return len(bytes.TrimRight(line[end:], "]) \t\r\n")) == 0 }

// learning is how many lines of the sample say where the times are.
const learning = 200

// begins reports whether a line is the first of an event. It is asked about all lines in their order.
func (r *textReader) begins(line []byte) bool {
	if len(line) == 0 {
		return false
	}
	if len(r.stanza) > 0 {
		return bytes.HasPrefix(line, r.stanza)
	}
	apart := r.whole
	r.whole = !r.plain && line[0] == '{' && line[len(line)-1] == '}'
	if entry.IsIndented(line) {
		return apart
	}
	inTraceback := r.python
	if inTraceback && bytes.HasPrefix(line, []byte("> ")) {
		return false // loguru marks the line in which the exception was caught
	}
	r.python = bytes.HasSuffix(line, entry.Traceback)
	if _, end, ok := r.time(line); ok {
		r.below = r.bare && isBare(line, end)
		return true
	}
	return apart || !r.below && !inTraceback && !entry.GoesOn(line)
}

// closes reports whether a line that is broken off begins an event whatever follows.
func (r *textReader) closes(rest []byte) bool {
	if _, _, ok := r.time(rest); ok {
		return true
	}
	// Of a few bytes nobody knows what they become.
	return r.begins(rest) && bytes.IndexByte(rest, ' ') > 0 && !entry.MayGoOn(rest)
}

// event hands over the event at hand.
func (r *textReader) event(raw []byte, offset int64, y entry.Yield) bool {
	if rec, ok := r.object(raw, offset); ok {
		return r.Emit(rec, y)
	}
	line, _, several := bytes.Cut(raw, []byte{'\n'})
	if !r.plain && !several && isSigned(line) {
		if rec, ok := r.OfAnother(offset, raw, true); ok {
			return r.Emit(rec, y)
		}
	}
	at, n, ok := r.time(line)
	switch {
	case !ok:
		n = 0
		at, _ = innerTime(line)
	case levelPrefix(raw[skipColour(raw):]) > 0:
		n = 0
	}
	r.JSON = append(r.Buffer(len(raw)), '{')
	if level := levelIn(raw[n:], ok); level != "" {
		r.JSON = append(r.JSON, `"level":"`...)
		r.JSON = append(r.JSON, level...)
		r.JSON = append(r.JSON, `",`...)
	}
	r.JSON = append(r.JSON, `"message":"`...)
	r.JSON = append(quote.AppendLines(r.JSON, raw), '"')
	rec := penstock.Record{Offset: offset, Raw: raw, Time: at}
	if !r.plain {
		size := len(r.JSON)
		if line = entry.TrimCR(line); ok && len(line) > 0 && line[len(line)-1] == '}' {
			object := bytes.TrimLeft(line[n:], " \t]|:-")
			i := bytes.Index(object, []byte("\t{")) // zap writes it behind the message, and a stack trace on lines behind it
			if i >= 0 && object[0] != '{' {
				object = object[i+1:]
			}
			if i >= 0 || !several {
				r.JSON = lines.AppendObject(r.Reader, r.JSON, object, &rec)
			}
		}
		if len(r.JSON) == size {
			r.JSON = lines.AppendDetails(r.JSON, line)
		}
	}
	r.JSON = append(r.JSON, '}')
	rec.JSON = r.JSON
	return r.Emit(rec, y)
}

// isSigned reports whether a line of text has in it what lines of other formats have: it is worth a look at what they
// are.
func isSigned(line []byte) bool {
	return bytes.Contains(line, []byte(`] "`)) || bytes.Contains(line, []byte("level=")) ||
		bytes.HasPrefix(line, []byte("CEF:"))
}

func (r *textReader) object(raw []byte, offset int64) (penstock.Record, bool) {
	if r.plain {
		return penstock.Record{}, false
	}
	return r.objects.Record(raw, offset)
}

// time reads the time of a line where the lines of the entry have theirs, and returns where it ends.
func (r *textReader) time(line []byte) (t time.Time, end int, ok bool) {
	if n := len(r.stanza); n > 0 && bytes.HasPrefix(line, r.stanza) {
		t, size := r.timeAt(line, n)
		return t, n + size, size > 0
	}
	if t, end, ok = r.opens(line); ok || r.words == 0 {
		return t, end, ok
	}
	times.Starts(line, func(n, at int) bool {
		if r.words>>n&1 == 0 {
			return true
		}
		var size int
		t, size = r.timeAt(line, at)
		end, ok = at+size, size > 0
		return !ok
	})
	return t, end, ok
}

// opens reads the time that a line begins with, also behind a severity, a bracket or the priority of syslog, and
// returns where it ends.
func (r *textReader) opens(line []byte) (t time.Time, end int, ok bool) {
	at := opening(line)
	t, size := r.timeAt(line, at)
	return t, at + size, size > 0
}

// timeAt reads the time at a position of a line and returns how many bytes it took, 0 when there is none, or none that
// can be.
func (r *textReader) timeAt(line []byte, at int) (t time.Time, size int) {
	t, size = r.file.Leading(line[at:])
	if size > 0 && !t.IsZero() && r.Instant(t).IsZero() {
		return time.Time{}, 0
	}
	return t, size
}

// opening returns where the time of a line is that begins with one.
func opening(line []byte) int {
	i := 0
	if bytes.HasPrefix(line, []byte("\xef\xbb\xbf")) {
		i = 3 // a byte order mark, where files were put together
	}
	i += skipColour(line[i:])
	i += levelPrefix(line[i:])
	i += skipColour(line[i:])
	rest := line[i:]
	switch {
	case len(rest) < 3:
	case bytes.HasPrefix(rest[1:], []byte(", [")) && bytes.IndexByte([]byte("DIWEFA"), rest[0]) >= 0:
		i += len("E, [") // the logger of Ruby
	case rest[0] == '[' || rest[0] == '(' || rest[0] == '"' || rest[0] == '\'':
		i++
	case rest[0] == '<' && quote.IsDigit(rest[1]):
		end := bytes.IndexByte(rest[:min(len(rest), 6)], '>')
		if end < 0 {
			break
		}
		i += end + 1
		if bytes.HasPrefix(line[i:], []byte("1 ")) {
			i += 2 // the version of RFC 5424
		}
	}
	return i + skipColour(line[i:])
}

// skipColour returns how many bytes at the beginning of b only say in which colour a terminal shows what follows.
func skipColour(b []byte) int { return quote.SkipEscapes(b, 0) }

// innerTime finds a time in brackets near the beginning of a line: of the common log format, or as uWSGI writes it.
func innerTime(line []byte) (time.Time, bool) {
	head := line[:min(len(line), 2*times.Clip)]
	for {
		i := bytes.IndexByte(head, '[')
		if i < 0 {
			return time.Time{}, false
		}
		head = head[i+1:]
		if t, ok := times.CLF(head); ok {
			return t, true
		}
		const weekday = len("Tue Nov 24 10:00:00 2026")
		if len(head) > weekday && head[weekday] == ']' {
			if t, size := new(times.File).Leading(head); size == weekday {
				return t, true
			}
		}
	}
}

// levels are the names of severities in logs.
var levels = [...]string{
	"TRACE", "DEBUG", "INFO", "NOTICE", "WARN", "WARNING", "ERROR", "ERR", "CRITICAL", "CRIT", "ALERT", "FATAL", "EMERG",
	"SEVERE", "PANIC",
}

// levelIn returns the severity of an event, in capitals; empty when there is none. It is the first word. Behind a time
// up to two words may come before one in capitals: the thread, the logger.
func levelIn(b []byte, timed bool) string {
	for before := range 3 {
		b = afterMarks(b)
		if n := skipColour(b); n > 0 {
			b = afterMarks(b[n:])
		}
		n := 0
		for n < len(b) && (b[n]|0x20 >= 'a' && b[n]|0x20 <= 'z') {
			n++
		}
		for _, level := range levels {
			if n == len(level) && (string(b[:n]) == level || before == 0 &&
				(isLower(b[:n], level) || b[0] == level[0] && isLower(b[1:n], level[1:]) && isSetApart(b[n:]))) {
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

// afterMarks returns b without the blanks, brackets and other marks that it begins with.
func afterMarks(b []byte) []byte {
	for i, c := range b {
		switch c {
		case ' ', '\t', '[', ']', '(', ')', '<', '>', '|', ':', '-', '*':
		default:
			return b[i:]
		}
	}
	return nil
}

// isSetApart reports whether what is behind a word sets it apart from a sentence that it may begin.
func isSetApart(rest []byte) bool {
	return len(rest) > 0 && bytes.IndexByte([]byte("]:|\t"), rest[0]) >= 0
}

// levelPrefix returns where a line goes on that begins with a severity, in brackets or not, and white space; 0 for
// others.
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

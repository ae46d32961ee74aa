package lines

import (
	"bytes"

	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/internal/quote"
)

// Counted is the grammar of messages of syslog as they go over TCP, by RFC 6587: each behind its length in bytes and a
// space, one behind the other or on lines of their own. Where a length is wrong, the message ends with its line.
type Counted struct{ *Schema }

// Starts returns the digits that a length begins with.
func (f Counted) Starts() Bytes { return Of("123456789") }

// Told looks at the first message.
func (f Counted) Told(r *entry.Reader) bool { return f.Fits(r) > 0 }

// Fits returns how many of the first lines count for the format: all when the first message is one of it.
func (f Counted) Fits(r *entry.Reader) int {
	text := r.Sample()
	head, size := messageLength(text)
	if head == 0 || len(text) >= head+size && !endsMessage(text[head+size:]) || len(text) < head+size && r.Whole() {
		return 0
	}
	line, _, _ := bytes.Cut(text[head:min(len(text), head+size)], []byte{'\n'})
	if fitting(f.ready(), line) == nil {
		return 0
	}
	return entry.FirstLines
}

// messageLength reads the length that a message begins with: how many bytes it takes, 0 for none, and what it is.
func messageLength(b []byte) (head, size int) {
	for head < len(b) && head < 8 && quote.IsDigit(b[head]) {
		size = 10*size + int(b[head]-'0')
		head++
	}
	if head == 0 || b[0] == '0' || head+1 >= len(b) || b[head] != ' ' || priorityEnd(b[head+1:]) == 0 {
		return 0, 0
	}
	return head + 1, size
}

// endsMessage reports whether a message may end before rest.
func endsMessage(rest []byte) bool {
	return len(rest) == 0 || rest[0] == '\n' || rest[0] == '\r' || quote.IsDigit(rest[0])
}

// Read reads an entry to its end.
func (f Counted) Read(r *entry.Reader, y entry.Yield) {
	plans := f.ready()
	l := newLineReader(r, plans[0])
	l.forms = plans
	for {
		b, n := r.Bytes(), r.Len()
		skip := 0
		for skip < n && (b[skip] == '\n' || b[skip] == '\r' || b[skip] == 0) {
			skip++
		}
		switch {
		case skip > 0:
			r.Frame(r.Offset(), int64(skip))
			r.Advance(skip)
			continue
		case n < 16 && r.Fill():
			continue
		case n == 0:
			r.EmitFailure(y)
			return
		}
		head, size := messageLength(b[:n])
		for head > 0 && size <= r.Max && r.Len() <= head+size && r.Fill() {
		}
		b, n = r.Bytes(), r.Len()
		offset, end := r.Offset(), head+size
		switch {
		case head > 0 && n >= end && endsMessage(b[end:n]):
		case head > 0 && n < end && r.Failure() != nil:
			r.EmitFailure(y)
			return
		default:
			var ok bool
			if end, ok, _ = r.LineEnd(0); !ok && r.Ended() && r.Len() <= r.Max {
				r.EmitFailure(y)
				return
			} else if !ok {
				if !r.SkipLine(y) {
					return
				}
				continue
			}
			b = r.Bytes()
		}
		raw := bytes.TrimRight(b[head:end], "\r\n")
		r.Frame(offset, int64(head))
		r.Frame(offset+int64(head+len(raw)), int64(end-head-len(raw)))
		r.Advance(end)
		if len(bytes.TrimSpace(raw)) > 0 && !l.record(raw, offset+int64(head), y) {
			return
		}
	}
}

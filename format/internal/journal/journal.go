// Package journal reads the Journal Export Format of systemd: entries with a blank line behind each, of fields that are
// a line NAME=value, or a line NAME with a value of any bytes below it, before which its length stands.
package journal

import (
	"bytes"
	"encoding/binary"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/lines"
	"github.com/seed56735111/penstock/format/internal/times"
	"github.com/seed56735111/penstock/internal/quote"
)

// Export is the grammar of the format.
type Export struct{}

// The fields by which the format is told, with which most entries begin, and which have its time.
var (
	cursor   = []byte("__CURSOR=")
	realtime = []byte("__REALTIME_TIMESTAMP=")
)

// IsExport reports whether content begins as the format does, whatever bytes follow.
func IsExport(content []byte) bool {
	return bytes.HasPrefix(content, cursor) || bytes.HasPrefix(content, realtime)
}

// Starts returns the bytes with which a line begins that tells the format.
func (Export) Starts() lines.Bytes { return lines.Of("_") }

// Told looks for a cursor or a time among the first lines.
func (f Export) Told(r *entry.Reader) bool { return f.Fits(r) > 0 }

// Fits returns how many of the first lines are fields, if the cursor or the time is one of them.
func (Export) Fits(r *entry.Reader) (n int) {
	told := false
	for _, line := range r.Lines(entry.FirstLines) {
		if nameSize(line) > 0 {
			n++
		}
		told = told || IsExport(line)
	}
	if !told {
		return 0
	}
	return n
}

// Documented returns the fields whose types are known.
func (Export) Documented() []entry.Field {
	return []entry.Field{
		{Name: "__CURSOR", Type: entry.Keyword},
		{Name: "MESSAGE", Type: entry.Mixed},
	}
}

// mostFields is how many fields an entry may have.
const mostFields = 1 << 10

// pair is where a field of an entry stands in the window.
type pair struct{ name, value span }

type span struct{ start, end int }

type reader struct {
	*entry.Reader
	fields []pair
}

// states is the key under which the reader is kept with an entry's buffers.
type states struct{}

// Read reads an entry to its end.
func (Export) Read(in *entry.Reader, y entry.Yield) {
	r := entry.State(in, states{}, func() *reader { return &reader{} })
	r.Reader = in
	for r.next(y) {
	}
	r.Reader = nil
}

// end says what is behind the fields that begin here.
type end int

const (
	blank    end = iota // a blank line, or something that is no field
	nothing             // the end
	failed              // nobody knows: the reading has failed
	overlong            // a line that is too long to hold, before which there is no field
)

// next hands over the entry of the journal that begins here, or the line that is no field. It reports false at the end.
func (r *reader) next(y entry.Yield) bool {
	size, end := r.extent()
	switch {
	case end == failed || end == nothing && size == 0:
		r.EmitFailure(y)
		return false
	case end == overlong:
		return r.SkipLine(y)
	case end == nothing && r.BreaksOff("its last entry, which has no end,", y):
		return false
	}
	raw := bytes.TrimRight(r.Bytes()[:size], " \t\r\n")
	switch {
	case len(raw) == 0:
		r.Advance(size)
		return true
	case len(r.fields) == 0:
		offset := r.Offset()
		r.Advance(size)
		return r.EmitUnparsed(offset, raw, entry.Because("not a field of a journal entry"), y)
	}
	rec := penstock.Record{Offset: r.Offset(), Raw: raw, Time: r.write(raw)}
	rec.JSON = r.JSON
	r.Advance(size)
	return r.Emit(rec, y)
}

// extent finds the fields that begin here, and returns how many bytes they take with the blank line behind them, and
// what their end is. Without a field it is the line that begins here.
func (r *reader) extent() (size int, end end) {
	r.fields = r.fields[:0]
	for len(r.fields) < mostFields {
		next, ok, idle := r.LineEnd(size)
		switch {
		case ok || idle:
		case r.Failure() != nil:
			return size, failed
		case r.Len() == size:
			return size, nothing
		case size == 0:
			return 0, overlong
		}
		if !ok || size > 0 && next > r.Max {
			return size, blank
		}
		line := entry.TrimCR(bytes.TrimSuffix(r.Bytes()[size:next], []byte{'\n'}))
		name := nameSize(line)
		var value span
		switch {
		case len(line) == 0, name == 0 && size == 0:
			return next, blank
		case name == 0:
			return size, blank
		case name < len(line):
			value = span{size + name + 1, size + len(line)}
		default:
			if value, end = r.sized(next); end != blank {
				return size, end
			}
			if value.end == 0 {
				if size == 0 {
					return next, blank
				}
				return size, blank
			}
			next = value.end + r.lineEnd(value.end)
		}
		r.fields = append(r.fields, pair{span{size, size + name}, value})
		size = next
	}
	return size, blank
}

// sized finds the value whose length stands at a position. It has no end when that is none.
func (r *reader) sized(at int) (value span, end end) {
	const length = 8
	if !r.has(at + length) {
		return value, r.orFailed()
	}
	n := binary.LittleEndian.Uint64(r.Bytes()[at:])
	if n > uint64(max(0, r.Max-at-length)) {
		return value, blank
	}
	start := at + length
	stop := start + int(n) //nolint:gosec // it is at most r.Max
	if !r.has(stop+len("\r\n")) && r.Failure() != nil {
		return value, failed
	}
	if r.lineEnd(stop) > 0 {
		value = span{start, stop}
	}
	return value, blank
}

func (r *reader) orFailed() end {
	if r.Failure() != nil {
		return failed
	}
	return blank
}

// lineEnd returns the length of the line ending at a position, 0 when there is none.
func (r *reader) lineEnd(at int) int {
	switch rest := r.Bytes()[min(at, r.Len()):r.Len()]; {
	case bytes.HasPrefix(rest, []byte{'\n'}):
		return 1
	case bytes.HasPrefix(rest, []byte("\r\n")):
		return 2
	}
	return 0
}

// has reports whether n bytes are in the window, and reads them if need be.
func (r *reader) has(n int) bool {
	for r.Len() < n {
		if r.Linger > 0 {
			if added, _ := r.FillSoon(); !added {
				return false
			}
		} else if !r.Fill() {
			return false
		}
	}
	return true
}

// nameSize returns the length of the name of a field that a line begins with, alone or before a sign of equality; 0 for
// all other lines.
func nameSize(line []byte) int {
	const longest = 64
	n := 0
	for n < len(line) && n <= longest &&
		(line[n] >= 'A' && line[n] <= 'Z' || line[n] == '_' || n > 0 && quote.IsDigit(line[n])) {
		n++
	}
	if n > longest || n < len(line) && line[n] != '=' {
		return 0
	}
	return n
}

// write makes the document of the fields, and returns their time. A field that an entry has more than once is an array.
func (r *reader) write(raw []byte) (t time.Time) {
	b := r.Bytes()
	dst := r.Buffer(len(raw))
	for n, f := range r.fields {
		if r.named(f, r.fields[:n]) >= 0 {
			continue
		}
		if len(dst) == 0 {
			dst = append(dst, '{')
		} else {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '"'), b[f.name.start:f.name.end]...), `":`...)
		value := b[f.value.start:f.value.end]
		if string(b[f.name.start:f.name.end]) == "__REALTIME_TIMESTAMP" {
			if at, size, ok := times.Epoch(value); ok && size == len(value) {
				t = at
			}
		}
		rest := r.fields[n+1:]
		again := r.named(f, rest)
		if again >= 0 {
			dst = append(dst, '[')
		}
		dst = append(quote.AppendLines(append(dst, '"'), value), '"')
		for again >= 0 {
			next := rest[again].value
			dst = append(quote.AppendLines(append(dst, `,"`...), b[next.start:next.end]), '"')
			rest = rest[again+1:]
			if again = r.named(f, rest); again < 0 {
				dst = append(dst, ']')
			}
		}
	}
	r.JSON = append(dst, '}')
	return t
}

// named returns which of other fields has the name of f first, -1 for none.
func (r *reader) named(f pair, others []pair) int {
	b := r.Bytes()
	name := b[f.name.start:f.name.end]
	for n, other := range others {
		if other.name.end-other.name.start == len(name) && bytes.Equal(b[other.name.start:other.name.end], name) {
			return n
		}
	}
	return -1
}

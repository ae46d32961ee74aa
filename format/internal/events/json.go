package events

import (
	"bytes"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/times"
	"github.com/seed56735111/penstock/internal/quote"
)

// jsonReader reads JSON values one after the other, with or without anything between them. Each object is a record, as
// is each element of an array at the top level or in the envelope; anything else is wrapped as {"value":…}.
type jsonReader struct {
	*entry.Reader
	*scanner
	rewrite rewriter
	// envelope is the name of the field in top-level objects whose elements are the records, empty for none.
	envelope string
	// beside is the name under which a record has what its envelope has before it, empty for a record of its own; around
	// is that, with its name, and wrapped the last record with it.
	beside          string
	around, wrapped []byte
	// array says that the entry is one array, to be read element by element however long it is.
	array bool
	// mixed says that text may stand between the records; of it, so many lines are alone because they were too many for
	// one event.
	mixed            bool
	apart            int
	padded, extended []byte // the last record, and with members that are made of others
	// vain counts the bytes that were looked at behind broken values.
	vain   int64
	spare  []byte // a record that is not in one piece in the window, padded
	opened []byte // brackets of a value that is repaired
}

// records reads the entry to its end.
func (p *jsonReader) records(y entry.Yield) {
	for p.skipSeparators() {
		more := false
		switch b := p.Bytes(); {
		case b[0] == '[' && (p.array || p.isWhole()):
			more = p.elements(y)
		case b[0] == '{' && p.envelope != "":
			more = p.enveloped(y)
		default:
			more = p.value(y, false)
		}
		if !more {
			return
		}
	}
	p.EmitFailure(y)
}

// skipSeparators consumes what may stand between two values: white space, commas, the record separator of RFC 7464,
// byte order marks, and NULs, with which a file system fills what a crash has left of a file. It reports whether there
// is anything behind.
func (p *jsonReader) skipSeparators() bool {
	for {
		b, n := p.Bytes(), p.Len()
		i := 0
		for quote.IsSpace(b[i]) || b[i] == 0 && i < n || b[i] == ',' || b[i] == 0x1e ||
			b[i] == 0xef && b[i+1] == 0xbb && b[i+2] == 0xbf {
			if b[i] == 0xef {
				i += 2
			}
			i++
		}
		if p.Framed != nil {
			p.Frame(p.Offset(), int64(i))
		}
		p.Advance(i)
		if i < n {
			return true
		}
		if !p.Fill() {
			return false
		}
	}
}

// frame passes over bytes between records.
func (p *jsonReader) frame(n int) {
	p.Frame(p.Offset(), int64(n))
	p.Advance(n)
}

// isWhole reports whether the value at the beginning of the window is valid JSON, or too long to tell.
func (p *jsonReader) isWhole() bool {
	for {
		_, v := p.scan(p.Bytes(), p.Len())
		if v != incomplete || !p.Fill() {
			return v == complete || v == incomplete && !p.Ended()
		}
	}
}

// elements reads the array that begins here. An array without an end ends with the entry.
func (p *jsonReader) elements(y entry.Yield) bool {
	p.frame(1)
	for p.skipSeparators() {
		if p.Bytes()[0] == ']' {
			p.frame(1)
			return true
		}
		if !p.value(y, true) {
			return false
		}
	}
	return true
}

// value reads one value as a record. What is not a value becomes an unparsed record.
func (p *jsonReader) value(y entry.Yield, element bool) bool {
	for {
		b, n := p.Bytes(), p.Len()
		end, v := p.scan(b, n)
		if v == complete && b[0] != '{' && b[0] != '[' || v == incomplete && end == n && p.Ended() && p.isNumber(b, n) {
			v = p.scalar(b, end, n, element)
		}
		switch {
		case v == complete && end == n && p.IsOpen():
			// It ended where the data in the window did: there is more, or there may be.
			if p.Failure() != nil {
				p.EmitFailure(y)
				return false
			}
		case v == complete:
			if p.lists.rest != nil && p.hasDeep&(1<<p.lists.first) != 0 {
				if list, n := p.list(b); n > 1 && end-(quote.SkipValue(b, list)-list) <= mostAround {
					return p.each(b, end, list, y)
				}
			}
			cut := false
			if element {
				var more bool
				if cut, more = p.isLast(end); more {
					continue // more bytes are in the window
				}
			}
			rec := p.record(b, end, p.Offset())
			rec.Repaired = rec.Repaired || cut
			if len(p.around) > 0 {
				p.wrap(&rec)
			}
			p.Advance(end)
			return p.Emit(rec, y)
		case v == incomplete && p.Fill():
		case v == incomplete && !p.Ended():
			return p.skipOverlong(y)
		case v == incomplete && p.Failure() != nil:
			p.EmitFailure(y)
			return false
		default:
			return p.broken(y, end, element)
		}
	}
}

// isLast reports whether the array of the element that ends at end is cut off behind it: the entry has nothing more,
// not even a bracket. more says that the window had to grow to find out.
func (p *jsonReader) isLast(end int) (cut, more bool) {
	b, n := p.Bytes(), p.Len()
	for end < n && (quote.IsSpace(b[end]) || b[end] == ',' || b[end] == 0) {
		end++
	}
	if end < n {
		return false, false
	}
	if added, _ := p.FillSoon(); added {
		return false, true
	}
	return p.Ended() && p.Failure() == nil, false
}

func (p *jsonReader) isNumber(b []byte, n int) bool {
	end, ok := p.number(b, 0)
	return ok && end == n
}

// scalar decides whether the scalar b[:end] stands alone, as it must to be a record: a line of text may begin with one.
func (p *jsonReader) scalar(b []byte, end, n int, element bool) verdict {
	for b[end] == ' ' || b[end] == '\t' || b[end] == '\r' || element && b[end] == '\n' {
		end++
	}
	switch {
	case end == n && (!p.Ended() || p.Failure() != nil):
		return incomplete
	case end == n, b[end] == '\n', b[end] == ',', element && b[end] == ']':
		return complete
	}
	return invalid
}

// record makes the record of the value b[:end], which was just scanned.
func (p *jsonReader) record(b []byte, end int, offset int64) penstock.Record {
	s := p.scanner
	rec := penstock.Record{Offset: offset, Raw: b[:end:end], Top: s.top}
	ownTime := false
	if s.hasTime&1 != 0 {
		if rec.Time, ownTime = times.QuotedStamp(b[s.times[0]:]); !ownTime {
			rec.Time, ownTime = s.time(b), times.IsDate(b[s.times[0]:])
		}
		if ownTime {
			rec.Top |= penstock.TopTimestamp
		} else {
			s.trouble |= clashingName
		}
	} else if s.hasTime != 0 || s.hasDeep != 0 {
		rec.Time = s.time(b)
	}
	if s.hasDeep != 0 {
		s.findDeepOpaque(b)
	}
	switch s.trouble {
	case 0:
		rec.JSON = rec.Raw
	case multiline:
		p.JSON = appendCompact(p.Buffer(end), b, end)
		rec.JSON = p.JSON
	case opaqueObject:
		p.JSON = s.appendOpaque(p.Buffer(end), b[:end])
		rec.JSON = p.JSON
	default:
		p.rewrite.ownTime = ownTime
		p.JSON = p.rewrite.rewrite(p.Buffer(end), b)
		rec.JSON, rec.Top = p.JSON, p.rewrite.top
	}
	if p.more != nil {
		p.append(&rec)
	}
	if p.anew != nil && rec.JSON[0] == '{' {
		p.padded = Padded(p.padded[:0], rec.JSON)
		p.extended = p.anew(p.extended[:0], p.padded)
		rec.JSON = p.extended
	}
	return rec
}

// append adds the members that are made of others.
func (p *jsonReader) append(rec *penstock.Record) {
	if len(rec.JSON) <= len("{}") || rec.JSON[0] != '{' {
		return
	}
	p.padded = Padded(p.padded[:0], rec.JSON)
	p.extended = append(p.extended[:0], rec.JSON[:len(rec.JSON)-1]...)
	n := len(p.extended)
	p.extended = p.more(p.extended, p.padded)
	if len(p.extended) > n {
		p.extended = append(p.extended, '}')
		rec.JSON = p.extended
	}
}

// appendOpaque appends the record b with the values of its opaque fields as strings.
func (s *scanner) appendOpaque(dst, b []byte) []byte {
	at := 0
	for _, sp := range s.spans {
		dst = append(dst, b[at:sp.start]...)
		dst = appendCompactString(dst, b[sp.start:sp.end])
		at = sp.end
	}
	return append(dst, b[at:]...)
}

// time returns the first of the record's times that can be read: paths before names.
func (s *scanner) time(b []byte) time.Time {
	for _, path := range s.deepTimes {
		if s.hasDeep&(1<<path.first) == 0 {
			continue
		}
		if i := find(b, int(s.deepAt[path.first]), path.rest); i > 0 {
			if t, ok := s.timeAt(b[i:], true); ok {
				return t
			}
		}
	}
	for rank := range s.timeNames {
		if s.hasTime&(1<<rank) == 0 {
			continue
		}
		if rank == s.day && s.hasTime&(1<<s.clock) != 0 {
			if t, ok := joined(b[s.times[s.day]:], b[s.times[s.clock]:]); ok {
				return t
			}
		}
		if t, ok := s.timeAt(b[s.times[rank]:], rank < s.written); ok {
			return t
		}
	}
	return time.Time{}
}

// timeAt reads the JSON value at b[0] as a time. Own says that it is at a place that the format has.
func (s *scanner) timeAt(b []byte, own bool) (time.Time, bool) {
	if own && s.layout != nil && b[0] == '"' {
		if end := quote.Plain(b, 1); b[end] == '"' {
			if t, ok := s.layout.Read(b[1:end], time.Time{}); ok {
				return t, true
			}
		}
	}
	return times.JSON(b)
}

// joined reads the JSON strings that two values begin with as a date and a time of day.
func joined(day, clock []byte) (time.Time, bool) {
	const date = len("2006-01-02")
	if day[0] != '"' || day[date+1] != '"' || clock[0] != '"' {
		return time.Time{}, false
	}
	var both [date + 1 + 32]byte
	copy(both[:], day[1:date+1])
	both[date] = ' '
	n := bytes.IndexByte(clock[1:], '"')
	if n < len("15:04:05") || date+1+n > len(both) {
		return time.Time{}, false
	}
	copy(both[date+1:], clock[1:n+1])
	t, size, ok := times.ISO(both[:date+1+n])
	return t, ok && size == date+1+n
}

// readers is the key under which the reader of JSON is kept with an entry's buffers.
type readers struct{}

// newReader returns the one reader of JSON that goes with an entry's buffers.
func newReader(r *entry.Reader, k *known) *jsonReader {
	p := entry.State(r, readers{}, func() *jsonReader { return &jsonReader{scanner: &scanner{}} })
	p.Reader, p.envelope, p.beside, p.array, p.vain = r, "", "", false, 0
	p.mixed, p.apart = false, 0
	p.around = p.around[:0]
	p.look(k)
	p.rewrite.known = k
	return p
}

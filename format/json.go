package format

import (
	"time"

	"github.com/seed56735111/penstock"
)

// jsonReader reads JSON values one after the other, with or without anything between them. Each object is a record, as
// is each element of an array at the top level or in the envelope; anything else is wrapped as {"value":…}.
type jsonReader struct {
	reader
	*scanner
	rewrite rewriter
	// envelope is the name of the field in top-level objects whose elements are the records, empty for none.
	envelope string
	// array says that the entry is one array, to be read element by element however long it is.
	array bool
	// vain counts the bytes that were looked at behind broken values.
	vain  int64
	spare []byte // a record that is not in one piece in the window, padded
}

// records reads the entry to its end.
func (p *jsonReader) records(y yield) {
	for p.skipSeparators() {
		more := false
		switch b := p.bytes(); {
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
	p.emitFailure(y)
}

// skipSeparators consumes what may stand between two values: white space, commas, and the record separator of RFC 7464.
// It reports whether there is anything behind.
func (p *jsonReader) skipSeparators() bool {
	for {
		b, n := p.bytes(), p.len()
		i := 0
		for isSpace(b[i]) || b[i] == ',' || b[i] == 0x1e {
			i++
		}
		p.advance(i)
		if i < n {
			return true
		}
		if !p.fill() {
			return false
		}
	}
}

// isWhole reports whether the value at the beginning of the window is valid JSON, or too long to tell.
func (p *jsonReader) isWhole() bool {
	for {
		_, v := p.scan(p.bytes(), p.len())
		if v != incomplete || !p.fill() {
			return v == complete || v == incomplete && !p.ended()
		}
	}
}

// elements reads the array that begins here. An array without an end ends with the entry.
func (p *jsonReader) elements(y yield) bool {
	p.advance(1)
	for p.skipSeparators() {
		if p.bytes()[0] == ']' {
			p.advance(1)
			return true
		}
		if !p.value(y, true) {
			return false
		}
	}
	return true
}

// value reads one value as a record. What is not a value becomes an unparsed record.
func (p *jsonReader) value(y yield, element bool) bool {
	for {
		b, n := p.bytes(), p.len()
		end, v := p.scan(b, n)
		if v == complete && b[0] != '{' && b[0] != '[' || v == incomplete && end == n && p.ended() && p.isNumber(b, n) {
			v = p.scalar(b, end, n, element)
		}
		switch {
		case v == complete:
			rec := p.record(b, end, p.offset())
			p.advance(end)
			return p.emit(rec, y)
		case v == incomplete && p.fill():
		case v == incomplete && !p.ended():
			return p.skipOverlong(y)
		case v == incomplete && p.failure() != nil:
			p.emitFailure(y)
			return false
		default:
			return p.broken(y, end, element)
		}
	}
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
	case end == n && (!p.ended() || p.failure() != nil):
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
		if rec.Time, ownTime = quotedStamp(b[s.times[0]:]); !ownTime {
			rec.Time, ownTime = s.time(b), isDate(b[s.times[0]:])
		}
		if ownTime {
			rec.Top |= penstock.TopTimestamp
		} else {
			s.trouble |= clashingName
		}
	} else if s.hasTime != 0 {
		rec.Time = s.time(b)
	}
	switch s.trouble {
	case 0:
		rec.JSON, rec.Verbatim = rec.Raw, true
	case multiline:
		p.json = appendCompact(p.json[:0], b, end)
		rec.JSON = p.json
	case opaqueObject:
		p.json = s.appendOpaque(p.json[:0], b[:end])
		rec.JSON = p.json
	default:
		p.rewrite.ownTime = ownTime
		p.json = p.rewrite.rewrite(p.json[:0], b)
		rec.JSON, rec.Top = p.json, p.rewrite.top
	}
	return rec
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

// time returns the first of the record's times that can be read.
func (s *scanner) time(b []byte) time.Time {
	for rank := range timeNames {
		if s.hasTime&(1<<rank) == 0 {
			continue
		}
		if t, ok := jsonTime(b[s.times[rank]:]); ok {
			return t
		}
	}
	return time.Time{}
}

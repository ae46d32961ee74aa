package format

import (
	"bytes"
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
	if s.hasTime != 0 {
		rec.Time = s.time(b)
		if s.hasTime&1 != 0 {
			if ownTime = isDate(b[s.times[0]:]); ownTime {
				rec.Top |= penstock.TopTimestamp
			} else {
				s.trouble |= clashingName
			}
		}
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

// enveloped reads a top-level object whose field of the name of the envelope is an array of records. What the object has
// beside it, before and behind, becomes one record each: the array is too long to wait for its end.
func (p *jsonReader) enveloped(y yield) bool {
	name, list := p.findEnvelope()
	if list == 0 {
		return p.value(y, false)
	}
	if beside := bytes.TrimRight(p.bytes()[:name], ", \t\r\n"); len(beside) > 1 {
		p.spare = append(append(p.spare[:0], beside...), '}')
		if !p.emitPart(beside, p.offset(), y) {
			return false
		}
	}
	p.advance(list)
	if !p.elements(y) {
		return false
	}
	return p.restOfEnvelope(y)
}

// findEnvelope looks for the envelope's field in the object at the beginning of the window and returns where its name and
// its array begin; 0 when the object has none, or is no object.
func (p *jsonReader) findEnvelope() (name, list int) {
	for {
		b, n := p.bytes(), p.len()
		i := skipSpace(b, 1)
		for b[i] == '"' {
			name = i
			end, v := p.scan(b[i:], n-i)
			i = skipSpace(b, i+end)
			if v != complete || b[i] != ':' {
				break
			}
			i = skipSpace(b, i+1)
			if b[i] == '[' && string(b[name+1:name+end-1]) == p.envelope {
				return name, i
			}
			end, v = p.scan(b[i:], n-i)
			i = skipSpace(b, i+end)
			if v != complete || b[i] != ',' {
				break
			}
			i = skipSpace(b, i+1)
		}
		if i < n || !p.fill() {
			return 0, 0
		}
	}
}

// restOfEnvelope reads what an enveloping object has behind the array.
func (p *jsonReader) restOfEnvelope(y yield) bool {
	for {
		b, n := p.bytes(), p.len()
		i := skipSpace(b, 0)
		switch {
		case b[i] == '}':
			p.advance(i + 1)
			return true
		case b[i] == ',':
			i++
			p.spare = append(append(append(p.spare[:0], '{'), b[i:n]...), make([]byte, pad)...)
			end, v := p.scan(p.spare, n-i+1)
			if v == complete {
				p.spare = p.spare[:end]
				p.advance(i + end - 1)
				return p.emitPart(b[i:i+end-1], p.offset()-int64(end-1), y)
			}
			if v == invalid {
				return true // it goes on as top-level text
			}
		case i < n:
			return true
		}
		if !p.fill() {
			if p.failure() != nil {
				p.emitFailure(y)
				return false
			}
			return true
		}
	}
}

// emitPart hands over the object in p.spare, for which the entry has raw.
func (p *jsonReader) emitPart(raw []byte, offset int64, y yield) bool {
	n := len(p.spare)
	p.spare = append(p.spare, make([]byte, pad)...)
	if _, v := p.scan(p.spare, n); v != complete {
		return p.emitUnparsed(offset, raw, because("not JSON"), y)
	}
	rec := p.record(p.spare, n, offset)
	rec.Raw, rec.Verbatim = raw, false
	return p.emit(rec, y)
}

// broken hands over what begins here and is no JSON value, as far as it seems to reach. at is where it goes wrong.
func (p *jsonReader) broken(y yield, at int, element bool) bool {
	size, ok := p.extent(at, element)
	if !ok {
		if p.failure() != nil {
			p.emitFailure(y)
			return false
		}
		return p.skipOverlong(y)
	}
	raw := bytes.TrimRight(p.bytes()[:size], " \t\r\n")
	offset := p.offset()
	p.advance(size)
	return p.emitUnparsed(offset, raw, unexpected("JSON", raw, at), y)
}

// extent says how many bytes belong to the broken value that begins here and goes wrong at a position. If its brackets match
// up on its first line, it ends with them. If not, it ends with the line when the next line begins a value; else where its
// brackets match up on a later line; else with its first line. ok is false when that is too far away to tell.
func (p *jsonReader) extent(at int, element bool) (size int, ok bool) {
	for {
		b, n := p.bytes(), p.len()
		line := bytes.IndexByte(b[:n], '\n')
		if line >= 0 {
			size, v := balance(b, line+1, element)
			if v == invalid {
				size = line
			}
			if v != incomplete || !element && line+1 < n && (b[line+1] == '{' || b[line+1] == '[') {
				return p.coarse(min(size, line), at), true
			}
		}
		size, v := balance(b, n, element)
		switch {
		case v == complete:
			return size, true
		case v == invalid && line >= 0:
			return p.coarse(line, max(at, size)), true
		}
		if p.fill() {
			continue
		}
		switch {
		case p.failure() != nil, !p.ended() && line < 0:
			return 0, false
		case line >= 0:
			return p.coarse(line, n), true
		}
		return n, true
	}
}

// coarse returns the size of a broken value for which the bytes up to looked were looked at: size, as long as looking at
// the same bytes again and again, which a hostile entry can bring about, does not take much longer than reading them.
// Else all lines that were looked at are one value.
func (p *jsonReader) coarse(size, looked int) int {
	const free, times = 256 << 10, 4
	if looked <= size {
		return size
	}
	p.vain += int64(looked - size)
	if p.vain < free+times*p.offset() {
		return size
	}
	return max(size, bytes.LastIndexByte(p.bytes()[:looked], '\n'))
}

// balance finds the end of a value by its brackets and strings alone. It is invalid when they do not match up, or when a
// string goes over the end of a line.
func balance(b []byte, n int, element bool) (end int, v verdict) {
	var open []byte
	for i := 0; i < n; {
		switch c := b[i]; c {
		case '"':
			for i++; b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
				if i >= n {
					return n, incomplete
				}
				if b[i] == '\n' {
					return i, invalid
				}
			}
		case '{', '[':
			if len(open) == maxNesting {
				return i, invalid
			}
			open = append(open, c+2) // the closing bracket is two behind in ASCII
		case '}', ']':
			if len(open) == 0 && element && i > 0 {
				return i, complete
			}
			if len(open) == 0 || open[len(open)-1] != c {
				return i, invalid
			}
			open = open[:len(open)-1]
			if len(open) == 0 {
				return i + 1, complete
			}
		case ',':
			if len(open) == 0 && element && i > 0 {
				return i, complete
			}
		case '\n':
			if len(open) == 0 {
				return i, complete
			}
		}
		i++
	}
	return n, incomplete
}

// skipOverlong passes over a value that is longer than the window, to the end of its brackets, or of its line when it has
// none or a string in it goes over the end of a line.
func (p *jsonReader) skipOverlong(y yield) bool {
	offset := p.offset()
	depth, quoted, escaped := 0, false, false
	for {
		b, n := p.bytes(), p.len()
		for i, c := range b[:n] {
			switch {
			case c == '\n' && (quoted || depth == 0):
				return p.endOverlong(offset, i, y)
			case escaped:
				escaped = false
			case quoted:
				escaped = c == '\\'
				quoted = c != '"'
			case c == '"':
				quoted = true
			case c == '{' || c == '[':
				depth++
			case c == '}' || c == ']':
				depth--
				if depth <= 0 {
					return p.endOverlong(offset, i+1, y)
				}
			}
		}
		p.advance(n)
		if !p.fill() {
			if p.failure() != nil {
				p.emitFailure(y)
				return false
			}
			return p.endOverlong(offset, 0, y)
		}
	}
}

func (p *jsonReader) endOverlong(offset int64, n int, y yield) bool {
	p.advance(n)
	return p.emitOverlong(offset, p.offset()-offset, y)
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

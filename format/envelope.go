package format

import "bytes"

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

package events

import (
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/internal/quote"
)

// mostAround is how much a value may have around the objects of a list for these to be records: each gets a copy.
const mostAround = 64 << 10

// list returns where the array of objects begins that the valid value b has at the path of its format, and how many
// there are; 0 when something in it is no object.
func (p *jsonReader) list(b []byte) (at, objects int) {
	if at = find(b, int(p.deepAt[p.lists.first]), p.lists.rest); at == 0 || b[at] != '[' {
		return at, 0
	}
	for i := quote.SkipSpace(b, at+1); b[i] != ']'; i = quote.SkipComma(b, quote.SkipValue(b, i)) {
		if b[i] != '{' {
			return at, 0
		}
		objects++
	}
	return at, objects
}

// each hands over the objects of the array at list in the value b[:end], each with what the value has around them.
func (p *jsonReader) each(b []byte, end, list int, y entry.Yield) bool {
	offset, listEnd := p.Offset(), quote.SkipValue(b, list)
	p.Advance(end)
	var pad [entry.Pad]byte
	framed := 0
	for i := quote.SkipSpace(b, list+1); b[i] != ']'; {
		to := quote.SkipValue(b, i)
		p.spare = append(append(append(p.spare[:0], b[:list+1]...), b[i:to]...), b[listEnd-1:end]...)
		n := len(p.spare)
		p.spare = append(p.spare, pad[:]...)
		p.scan(p.spare, n) // valid, as the whole is
		rec := p.record(p.spare, n, offset+int64(i))
		rec.Raw = b[i:to:to]
		p.Frame(offset+int64(framed), int64(i-framed))
		framed = to
		if !p.Emit(rec, y) {
			return false
		}
		i = quote.SkipComma(b, to)
	}
	p.Frame(offset+int64(framed), int64(end-framed))
	return true
}

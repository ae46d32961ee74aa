package events

import (
	"bytes"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/internal/quote"
)

// enveloped reads a top-level object whose field of the name of the envelope is an array of records. What the object
// has beside it, before and behind, becomes one record each: the array is too long to wait for its end.
func (p *jsonReader) enveloped(y entry.Yield) bool {
	name, list := p.findEnvelope()
	if list == 0 {
		return p.value(y, false)
	}
	if beside := bytes.TrimRight(p.Bytes()[:name], ", \t\r\n"); len(beside) > 1 {
		p.spare = append(append(p.spare[:0], beside...), '}')
		offset := p.Offset()
		list -= len(beside)
		switch {
		case p.turnsPages(), p.beside != "" && p.surround():
			p.frame(len(beside))
		default:
			p.Advance(len(beside))
			if !p.emitPart(beside, offset, y) {
				return false
			}
		}
	}
	p.frame(list)
	more := p.elements(y)
	p.around = p.around[:0]
	return more && p.restOfEnvelope(y)
}

// surround takes the object in p.spare for what the records of the envelope have around them.
func (p *jsonReader) surround() bool {
	n := len(p.spare)
	p.spare = append(p.spare, make([]byte, entry.Pad)...)
	if _, v := p.scan(p.spare, n); v != complete {
		p.spare = p.spare[:n]
		return false
	}
	rec := p.record(p.spare, n, 0)
	p.around = append(p.around[:0], rec.JSON...)
	return true
}

// wrap gives a record what its envelope has around it. A record that has the name already keeps it.
func (p *jsonReader) wrap(rec *penstock.Record) {
	dst := append(p.wrapped[:0], `{"`...)
	dst = append(dst, p.beside...)
	for bytes.Contains(rec.JSON, dst[1:]) {
		dst = append(dst, '_')
	}
	dst = append(append(dst, `":`...), p.around...)
	if len(rec.JSON) > len("{}") {
		dst = append(dst, ',')
	}
	p.wrapped = append(dst, rec.JSON[1:]...)
	rec.JSON = p.wrapped
}

// findEnvelope looks for the envelope's field in the object at the beginning of the window and returns where its name
// and its array begin; 0 when the object has none, or is no object.
func (p *jsonReader) findEnvelope() (name, list int) {
	for {
		b, n := p.Bytes(), p.Len()
		i := quote.SkipSpace(b, 1)
		for b[i] == '"' {
			name = i
			end, v := p.scan(b[i:], n-i)
			i = quote.SkipSpace(b, i+end)
			if v != complete || b[i] != ':' {
				break
			}
			i = quote.SkipSpace(b, i+1)
			if b[i] == '[' && string(b[name+1:name+end-1]) == p.envelope {
				return name, i
			}
			end, v = p.scan(b[i:], n-i)
			i = quote.SkipSpace(b, i+end)
			if v != complete || b[i] != ',' {
				break
			}
			i = quote.SkipSpace(b, i+1)
		}
		if i < n || !p.Fill() {
			return 0, 0
		}
	}
}

// restOfEnvelope reads what an enveloping object has behind the array.
func (p *jsonReader) restOfEnvelope(y entry.Yield) bool {
	for {
		b, n := p.Bytes(), p.Len()
		i := quote.SkipSpace(b, 0)
		switch {
		case b[i] == '}':
			p.frame(i + 1)
			return true
		case b[i] == ',':
			i++
			p.spare = append(append(append(p.spare[:0], '{'), b[i:n]...), make([]byte, entry.Pad)...)
			end, v := p.scan(p.spare, n-i+1)
			if v == complete {
				p.spare = p.spare[:end]
				if p.turnsPages() {
					p.frame(i + end - 1)
					return true
				}
				p.frame(i)
				p.Advance(end - 1)
				return p.emitPart(b[i:i+end-1], p.Offset()-int64(end-1), y)
			}
			if v == invalid {
				return true // it goes on as top-level text
			}
		case i < n:
			return true
		}
		if !p.Fill() {
			if p.Failure() != nil {
				p.EmitFailure(y)
				return false
			}
			return true
		}
	}
}

// turnsPages reports whether the object in p.spare, which is valid, says nothing but how a list goes on.
func (p *jsonReader) turnsPages() bool {
	p.padded = Padded(p.padded[:0], p.spare)
	for i := quote.SkipSpace(p.padded, 1); p.padded[i] == '"'; {
		m := quote.MemberAt(p.padded, i)
		if !turnsPages(m.Name) {
			return false
		}
		i = quote.SkipComma(p.padded, m.End)
	}
	return true
}

// turnsPages reports whether a member of an answer is about the answer alone: where its next part is, and how it came.
func turnsPages(name []byte) bool {
	switch string(name) {
	case "NextToken", "nextToken", "nextForwardToken", "nextBackwardToken", "searchedLogStreams",
		"ResponseMetadata", "$metadata",
		"nextLink", "@nextLink", "@odata.context", "@odata.nextLink", "@odata.count":
		return true
	}
	return false
}

// listNames are those of the arrays that answers of services have their records in; "value" is that of Azure and
// Microsoft Graph.
var listNames = [...]string{"Events", "events", "Findings", "findings", "StackEvents", "value"}

// listName returns the name of such an array, empty for other names.
func listName(name []byte) string {
	for _, list := range listNames {
		if string(name) == list {
			return list
		}
	}
	return ""
}

// emitPart hands over the object in p.spare, for which the entry has raw.
func (p *jsonReader) emitPart(raw []byte, offset int64, y entry.Yield) bool {
	n := len(p.spare)
	p.spare = append(p.spare, make([]byte, entry.Pad)...)
	if _, v := p.scan(p.spare, n); v != complete {
		return p.EmitUnparsed(offset, raw, entry.Because("not JSON"), y)
	}
	rec := p.record(p.spare, n, offset)
	rec.Raw = raw
	return p.Emit(rec, y)
}

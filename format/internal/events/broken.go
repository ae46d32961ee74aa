package events

import (
	"bytes"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/internal/quote"
)

// broken hands over what begins here and is no JSON value, as far as it seems to reach. at is where it goes wrong.
func (p *jsonReader) broken(y entry.Yield, at int, element bool) bool {
	if p.mixed && p.isProse() {
		return p.prose(y)
	}
	size, known := p.overLines()
	if !known {
		p.EmitFailure(y)
		return false
	}
	if size > 0 {
		raw := p.Bytes()[:size:size]
		if rec, ok := p.repaired(raw, p.Offset()); ok {
			return p.emitRepaired(rec, size, y)
		}
	}
	size, ok := p.extent(at, element)
	if !ok {
		if p.Failure() != nil {
			p.EmitFailure(y)
			return false
		}
		return p.skipOverlong(y)
	}
	raw := bytes.TrimRight(p.Bytes()[:size], " \t\r\n")
	offset := p.Offset()
	if rec, ok := p.repaired(raw, offset); ok {
		return p.emitRepaired(rec, size, y)
	}
	p.Advance(size)
	return p.EmitUnparsed(offset, raw, entry.Unexpected("JSON", raw, at), y)
}

// isProse reports whether what begins here is no JSON value, not even a broken one: [gate] is a word in brackets.
func (p *jsonReader) isProse() bool {
	switch b := p.Bytes(); b[0] {
	case '{', '"':
		return false
	case '[':
		next := b[quote.SkipSpace(b, 1)]
		return next|0x20 >= 'a' && next|0x20 <= 'z' && next != '[' && next != '{'
	}
	return true
}

// emitRepaired hands over a repaired value, which takes size bytes of the window.
func (p *jsonReader) emitRepaired(rec penstock.Record, size int, y entry.Yield) bool {
	if len(p.around) > 0 {
		p.wrap(&rec)
	}
	p.Advance(size)
	return p.Emit(rec, y)
}

// overLines returns the size of the object that begins here when strings in it go over the ends of lines, as programs
// write that do not escape what they put between quotes; 0 for all others. None of these lines begins an object. It is
// not known when the reading has failed within the object.
func (p *jsonReader) overLines() (size int, known bool) {
	const most = 64 << 10
	if p.Bytes()[0] != '{' || p.inVain(0) {
		return 0, true
	}
	depth, quoted, over, i := 0, false, false, 0
	for ; i < most; i++ {
		for i+1 >= p.Len() && p.fillMore() {
		}
		if i >= p.Len() {
			p.inVain(i)
			return 0, p.Failure() == nil || !over
		}
		switch c := p.Bytes()[i]; {
		case c == '\n':
			if i+1 < p.Len() && p.Bytes()[i+1] == '{' {
				p.inVain(i)
				return 0, true
			}
			over = over || quoted
		case c == '"':
			quoted = !quoted
		case quoted:
			if c == '\\' {
				i++
			}
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth--; depth > 0 {
				continue
			}
			if over {
				return i + 1, true
			}
			p.inVain(i)
			return 0, true
		}
	}
	p.inVain(most)
	return 0, true
}

// fillMore reads more of the entry, unless that would be to wait for what is yet to come.
func (p *jsonReader) fillMore() bool {
	if p.Linger > 0 {
		added, _ := p.FillSoon()
		return added
	}
	return p.Fill()
}

// inVain takes note of bytes that were looked at behind a broken value, and reports whether they are too many: a
// hostile entry can have the same bytes looked at again and again.
func (p *jsonReader) inVain(n int) bool {
	const free, times = 256 << 10, 4
	p.vain += int64(n)
	return p.vain >= free+times*p.Offset()
}

// prose hands over the text that begins here: a line, and those behind it that look as if they went on with it.
func (p *jsonReader) prose(y entry.Yield) bool {
	size, count := 0, 0
	for p.apart == 0 || count == 0 {
		end, ok, _ := p.LineEnd(size)
		if !ok && p.Failure() != nil && (size == 0 || !p.Closes(p.Bytes()[size:p.Len()], beginsAnew)) {
			p.EmitFailure(y)
			return false
		}
		if !ok && size == 0 {
			return p.SkipLine(y)
		}
		if !ok || size > 0 && beginsAnew(p.Bytes()[size:end]) {
			break
		}
		if count++; count > entry.MaxEventLines || size > 0 && end > min(p.Max, entry.MaxEventBytes) {
			p.apart = count // nobody writes such events: each of these lines is alone
			size = bytes.IndexByte(p.Bytes(), '\n') + 1
			break
		}
		size = end
	}
	p.apart = max(0, p.apart-1)
	raw := bytes.TrimRight(p.Bytes()[:size], " \t\r\n")
	offset := p.Offset()
	p.Advance(size)
	return p.EmitProse(offset, raw, y)
}

// beginsAnew reports whether a line does not go on with the text before it.
func beginsAnew(line []byte) bool {
	c := line[0]
	return c == '{' || c == '[' || !entry.IsIndented(line) && !entry.GoesOn(bytes.TrimRight(line, "\r\n"))
}

// extent says how many bytes belong to the broken value that begins here and goes wrong at a position. If its brackets
// match up on its first line, it ends with them. If not, it ends with the line when the next line begins a value; else
// where its brackets match up on a later line; else with its first line. ok is false when that is too far away to tell.
func (p *jsonReader) extent(at int, element bool) (size int, ok bool) {
	for {
		b, n := p.Bytes(), p.Len()
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
		if p.Fill() {
			continue
		}
		switch {
		case p.Failure() != nil, !p.Ended() && line < 0:
			return 0, false
		case line >= 0:
			return p.coarse(line, n), true
		}
		return n, true
	}
}

// coarse returns the size of a broken value for which the bytes up to looked were looked at: size, as long as looking
// at the same bytes again and again, which a hostile entry can bring about, does not take much longer than reading
// them. Else all lines that were looked at are one value.
func (p *jsonReader) coarse(size, looked int) int {
	if looked <= size || !p.inVain(looked-size) {
		return size
	}
	return max(size, bytes.LastIndexByte(p.Bytes()[:looked], '\n'))
}

// balance finds the end of a value by its brackets and strings alone. It is invalid when they do not match up, or when
// a string goes over the end of a line.
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

// skipOverlong passes over a value that is longer than the window, to the end of its brackets, or of its line when it
// has none or a string in it goes over the end of a line.
func (p *jsonReader) skipOverlong(y entry.Yield) bool {
	offset := p.Offset()
	depth, quoted, escaped := 0, false, false
	for {
		b, n := p.Bytes(), p.Len()
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
		p.Advance(n)
		if !p.Fill() {
			if p.Failure() != nil {
				p.EmitFailure(y)
				return false
			}
			return p.endOverlong(offset, 0, y)
		}
	}
}

func (p *jsonReader) endOverlong(offset int64, n int, y entry.Yield) bool {
	p.Advance(n)
	return p.EmitOverlong(offset, p.Offset()-offset, y)
}

package lines

import (
	"bytes"
	"time"

	"github.com/seed56735111/penstock/format/internal/times"
	"github.com/seed56735111/penstock/internal/quote"
)

// token returns the value of a field that begins at i, without what is around it, and where the next one begins. Of an
// optional field that is not there it returns nothing.
func (p *plan) token(n int, line []byte, i int) (value []byte, next int, ok bool) {
	if p.steps[n].odd {
		value, next, _, ok = p.odd(&p.fields[n], line, i)
	} else {
		value, next, _, ok = p.enclosed(line, i)
	}
	if p.padded {
		value, next = unpadded(value, line, next)
	}
	return value, next, ok
}

// isOdd reports whether a field is set apart in another way than most.
func (f *Field) isOdd() bool {
	return f.Lead != "" || f.End != "" || f.LastQuote || f.Rest || f.Optional || f.Width > 0 || f.listed() ||
		f.measured()
}

// listed reports whether the value of a field is one of several, with commas between them.
func (f *Field) listed() bool { return f.Kind == List || f.Kind == Addresses }

// measured reports whether the value of a field says itself where it ends.
func (f *Field) measured() bool { return f.Kind == Head || f.Kind == Structured || f.Kind == DayFirst }

// odd is token for an odd field. It reports whether quotes stood around the value.
func (p *plan) odd(f *Field, line []byte, i int) (value []byte, next int, quoted, ok bool) {
	value, next, quoted, ok = p.apart(f, line, i)
	if f.Optional && (!ok || f.Is.Is != nil && f.Kind != Head && !f.Is.Is(value)) {
		return nil, i, false, true
	}
	return value, next, quoted, ok
}

// apart is odd for a field that is there.
func (p *plan) apart(f *Field, line []byte, i int) (value []byte, next int, quoted, ok bool) {
	if f.Lead != "" {
		if len(line)-i < len(f.Lead) || string(line[i:i+len(f.Lead)]) != f.Lead {
			return nil, i, false, false
		}
		i += len(f.Lead)
	}
	switch {
	case f.Rest:
		return line[i:], len(line), false, true
	case f.Width > 0:
		if len(line)-i < f.Width {
			return nil, i, false, false
		}
		return line[i : i+f.Width], i + f.Width, false, true
	case f.measured():
		value, next, ok = measure(f, line, i, p.separator)
		return value, next, false, ok
	case f.End != "":
		end := fieldEnd(f, line, i)
		if end < 0 {
			return nil, i, false, false
		}
		return line[i:end], end + len(f.End), f.Lead == `"`, true
	case i == len(line):
		return nil, i, false, true
	case f.LastQuote && line[i] == '"':
		end := bytes.LastIndexByte(line[i+1:], '"')
		if end < 0 || i+end+2 < len(line) && line[i+end+2] != p.separator {
			return nil, i, false, false
		}
		return line[i+1 : i+1+end], min(i+end+3, len(line)), true, true
	}
	value, next, quoted, ok = p.enclosed(line, i)
	for f.listed() && !quoted && ok && next < len(line) && len(value) > 1 && value[len(value)-1] == ',' {
		end := next
		if _, next, quoted, ok = p.enclosed(line, next); quoted {
			return value, end, false, true
		}
		value = bytes.TrimRight(line[i:next], string(rune(p.separator)))
	}
	return value, next, quoted, ok
}

// fieldEnd returns where the End of a field is whose value begins at i, -1 for none.
func fieldEnd(f *Field, line []byte, i int) int {
	for from := i; ; {
		end := bytes.Index(line[from:], []byte(f.End))
		if end < 0 {
			return -1
		}
		end += from
		if !f.Escaped || !isEscaped(line[i:end]) {
			return end
		}
		from = end + 1
	}
}

// measure returns the value of a field that says itself where it ends, and where the next one begins. Of a head, which
// is taken apart by what follows it, the value is the line from there.
func measure(f *Field, line []byte, i int, separator byte) (value []byte, next int, ok bool) {
	switch f.Kind {
	case Head:
		var h head
		next, ok = h.read(line[i:], time.Time{})
		return line[i:], i + next, ok && (f.Is.Is == nil || f.Is.Is(h.app))
	case Structured:
		next = i + structuredEnd(line[i:])
		ok = next > i
	default:
		var n int
		_, n, _, ok = times.DayFirst(line[i:], time.Time{})
		next = i + n
	}
	value = line[i:next]
	if next < len(line) {
		ok = ok && line[next] == separator
		next++
	}
	return value, next, ok
}

// enclosed is token for a value that may be in quotes or brackets. A quote inside of a quoted value ends it only when a
// separator or the end of the line follows.
func (p *plan) enclosed(line []byte, i int) (value []byte, next int, quoted, ok bool) {
	if !p.bare {
		switch line[i] {
		case '"':
			if value, next, ok = p.quoted(line, i+1); ok || !p.lenient {
				return value, next, ok, ok
			}
		case '[':
			if p.lenient {
				break
			}
			if end := bytes.IndexByte(line[i:], ']'); end > 0 && (i+end+1 == len(line) || line[i+end+1] == p.separator) {
				return line[i+1 : i+end], min(i+end+2, len(line)), false, true
			}
		}
	}
	end := quote.IndexNear(line[i:], p.separator)
	if end < 0 {
		return line[i:], len(line), false, true
	}
	return line[i : i+end], i + end + 1, false, p.separator != ' ' || end > 0
}

// quoted returns the value whose quote stands before start.
func (p *plan) quoted(line []byte, start int) (value []byte, next int, ok bool) {
	for j := start; ; j++ {
		q := quote.IndexNear(line[j:], '"')
		if q < 0 {
			return nil, 0, false
		}
		j += q
		switch {
		case p.doubled && j+1 < len(line) && line[j+1] == '"':
			j++ // written twice
		case j > start && line[j-1] == '\\' && isEscaped(line[start:j]):
		case j+1 == len(line):
			return line[start:j], j + 1, true
		case line[j+1] == p.separator:
			return line[start:j], j + 2, true
		}
	}
}

// isEscaped reports whether what follows b is behind an odd number of backslashes.
func isEscaped(b []byte) bool {
	n := len(b)
	for n > 0 && b[n-1] == '\\' {
		n--
	}
	return (len(b)-n)%2 == 1
}

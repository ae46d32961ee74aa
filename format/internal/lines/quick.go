package lines

import (
	"slices"

	"github.com/seed56735111/penstock/internal/quote"
)

// quickness says of a field whether its value is written as it stands in most lines, and what it must be for that.
type quickness uint8

const (
	unhurried quickness = iota
	quickText
	quickInteger
	quickDecimal
)

func (f *Field) quickness() quickness {
	switch {
	case f.isOdd(), f.Pairs != nil:
	case f.Kind == Text, f.Kind == IP:
		return quickText
	case f.Kind == Integer:
		return quickInteger
	case f.Kind == Decimal:
		return quickDecimal
	}
	return unhurried
}

// quick appends values of a line that can stand in JSON strings as they are, from the nth on, which begins at a
// position, up to one that takes a closer look. It writes them as values does, with fewer steps: names and values are
// short, so that to copy 16 bytes at a time beyond their ends costs less than to ask for their length.
func (r *lineReader) quick(b, line []byte, n, at, enclosing int) (_ []byte, _, _, _ int) {
	p := r.plan
	if cap(line)-len(line) < quote.Pad || p.padded || p.nothing != "" {
		return b, n, at, enclosing
	}
	wide, o, b := line[:len(line)+quote.Pad], len(b), b[:cap(b)]
	for n < len(p.steps) && at < len(line) {
		s := &p.steps[n]
		if s.quick == unhurried {
			break
		}
		from, end, quotes := at, at, 0
		if c := wide[at]; !p.bare && (c == '"' || c == '[') {
			if end = p.quotedEnd(line, at); end < 0 {
				break
			}
			from, quotes = at+1, 2
		} else {
			end = quote.Until(wide, at, len(line), p.separator)
			if end == at && p.separator == ' ' {
				break
			}
		}
		size := end - from
		if size > 1 || size == 1 && wide[from] != '-' {
			if s.quick != quickText && !s.quick.isNumber(wide, from, size) {
				break
			}
			if len(b)-o < len(s.head)+size+quote.Pad {
				b = slices.Grow(b[:o], len(s.head)+size+quote.Pad)
				b = b[:cap(b)]
			}
			quote.Put(b[o:], s.head, len(s.first))
			o += len(s.first)
			quote.Put(b[o:], wide[from:], size)
			if o += size; s.quick == quickText {
				b[o] = '"'
				o++
			}
		}
		enclosing += quotes
		at = min(end+quotes/2+1, len(line))
		n++
	}
	return b[:o], n, at, enclosing
}

// quotedEnd returns where the second of the quotes stands that are around a value of a line without backslashes, -1
// where that has to be looked at.
func (p *plan) quotedEnd(line []byte, at int) int {
	if line[at] != '"' || p.separator == ',' {
		return -1
	}
	n := quote.IndexNear(line[at+1:], '"')
	if end := at + 1 + n; n >= 0 && (end+1 == len(line) || line[end+1] == p.separator) {
		return end
	}
	return -1
}

// isNumber reports whether what stands at a position, before Pad bytes, is a number of the kind.
func (q quickness) isNumber(wide []byte, at, size int) bool {
	kind := quote.Integer
	if q == quickDecimal {
		kind = quote.Decimal
	}
	return quote.IsShortNumber(wide, at, size, kind) || size > 8 && IsNumber(wide[at:at+size], q == quickDecimal)
}

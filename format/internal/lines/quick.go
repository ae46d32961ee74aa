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
	quickAddress
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
	case f.Kind == Address:
		return quickAddress
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
fields:
	for n < len(p.steps) && at < len(line) {
		s := &p.steps[n]
		if s.quick == unhurried {
			break
		}
		from, end, quotes := at, 0, 0
		if c := wide[at]; !p.bare && (c == '"' || c == '[') {
			if end = p.quotedEnd(wide, at, len(line)); end < 0 {
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
			port := 0 // how many digits it has
			switch s.quick {
			case quickText:
			case quickAddress:
				if port = portOf(wide, from, end); port == 0 {
					break fields
				}
				size -= port + 1
			default:
				if !s.quick.isNumber(wide, from, size) {
					break fields
				}
			}
			if room := len(s.head) + len(s.behind) + size + 8 + quote.Pad; len(b)-o < room {
				b = slices.Grow(b[:o], room)
				b = b[:cap(b)]
			}
			quote.Put(b[o:], s.head, len(s.first))
			o += len(s.first)
			quote.Put(b[o:], wide[from:], size)
			o += size
			if s.quick == quickText || port > 0 {
				b[o] = '"'
				o++
			}
			if port > 0 {
				quote.Put(b[o:], s.behind, len(s.parts[1]))
				o += len(s.parts[1])
				quote.Put(b[o:], wide[end-port:], port)
				o += port
			}
		}
		enclosing += quotes
		at = min(end+quotes/2+1, len(line))
		n++
	}
	return b[:o], n, at, enclosing
}

// portOf returns how many digits the port has at the end of what is an address and a port, 0 where that has to be
// looked at.
func portOf(wide []byte, from, end int) int {
	for n := 1; n <= 5 && end-n-1 > from; n++ {
		if !quote.IsDigit(wide[end-n]) {
			break
		}
		if wide[end-n-1] != ':' {
			continue
		}
		if wide[from] == '[' || wide[end-n] == '0' && n > 1 || end-n-2 == from && wide[from] == '-' {
			break
		}
		return n
	}
	return 0
}

// quotedEnd returns where the second of the quotes stands that are around a value of a line without backslashes, -1
// where that has to be looked at.
func (p *plan) quotedEnd(wide []byte, at, size int) int {
	if wide[at] != '"' || p.separator == ',' {
		return -1
	}
	end := at + 2
	if wide[at+1] != '-' || wide[end] != '"' {
		end = quote.Until(wide, at+1, size, '"')
	}
	if end >= size || end+1 < size && wide[end+1] != p.separator {
		return -1
	}
	return end
}

// isNumber reports whether what stands at a position, before Pad bytes, is a number of the kind.
func (q quickness) isNumber(wide []byte, at, size int) bool {
	kind := quote.Integer
	if q == quickDecimal {
		kind = quote.Decimal
	}
	return quote.IsShortNumber(wide, at, size, kind) || size > 8 && IsNumber(wide[at:at+size], q == quickDecimal)
}

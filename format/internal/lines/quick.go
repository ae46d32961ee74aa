package lines

import (
	"slices"

	"github.com/seed56735111/penstock"
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
	quickEpoch
	quickISO
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
	case f.Kind == Epoch:
		return quickEpoch
	case f.Kind == ISO, f.Kind == ISOText:
		return quickISO
	}
	return unhurried
}

// reserve sets how many bytes quick needs beside those of a line.
func (p *plan) reserve() {
	p.room = 4 * quote.Pad
	for i := range p.steps {
		p.room += p.steps[i].head.Size + p.steps[i].port.Size + len(`"`)
	}
}

// quick appends values of a line that can stand in JSON strings as they are, from the nth on, which begins at a
// position, up to one that takes a closer look. It writes them as values does, with fewer steps: names and values are
// short, so that to copy 16 bytes at a time beyond their ends costs less than to ask for their length.
func (r *lineReader) quick(b, line []byte, n, at, enclosing int, rec *penstock.Record) (_ []byte, _, _, _ int) {
	p := r.plan
	if cap(line)-len(line) < quote.Pad || p.padded || p.nothing != "" {
		return b, n, at, enclosing
	}
	all := uint64(p.separator) * quote.Ones
	wide, o := line[:len(line)+quote.Pad], len(b)
	b = slices.Grow(b, p.room+len(line)-at)
	b = b[:cap(b)]
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
			if end = at + quote.Near(wide, at, all); end == at+quote.Pad {
				end = quote.Until(wide, end, len(line), p.separator)
			}
			end = min(end, len(line))
			if end == at && p.separator == ' ' {
				break
			}
		}
		size := end - from
		if size > 1 || size == 1 && wide[from] != '-' {
			port, closing := 0, 0 // how many digits the port has; of the quote behind the value
			switch s.quick {
			case quickText:
				closing = 1
			case quickInteger:
				if !isNumber(wide, from, size, quote.Integer) {
					break fields
				}
			case quickDecimal:
				if !isNumber(wide, from, size, quote.Decimal) {
					break fields
				}
			case quickEpoch, quickISO:
				t, ok := r.timeOf(s.kind, wide[from:end])
				if !ok {
					break fields
				}
				r.takes(rec, t)
				if s.quick == quickISO {
					closing = 1
				}
			case quickAddress:
				if port = portOf(wide, from, end); port == 0 {
					break fields
				}
				size -= port + 1
				closing = 1
			}
			s.head.Put(b[o:])
			o += s.head.Size
			quote.PutShort(b[o:], wide[from:], size)
			o += size
			b[o] = '"'
			o += closing
			if port > 0 {
				s.port.Put(b[o:])
				o += s.port.Size
				quote.Put(b[o:], wide[end-port:], port)
				o += port
			}
		} else if s.quick >= quickEpoch {
			break // a record must have its time
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
	if wide[at] != '"' || p.doubled {
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
func isNumber(wide []byte, at, size int, kind quote.NumberKind) bool {
	return quote.IsShortNumber(wide, at, size, kind) || size > 8 && IsNumber(wide[at:at+size], kind == quote.Decimal)
}

package delimited

import (
	"bytes"

	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/internal/quote"
)

// dialect is how the cells of a record are set apart. Quotes are those of RFC 4180: a cell that begins with one ends
// with one, and has separators, line ends and doubled quotes in it.
type dialect struct {
	separator byte
	// padded says that a space follows each separator, and belongs to no cell.
	padded bool
}

// state is what the end of the bytes means for a record.
type state byte

const (
	complete state = iota
	open           // within quotes
	damaged        // something stands behind the quote that ends a cell
)

// walk goes over the cells of a record from b[i] on; quoted says that this is within quotes. At the end of b, a line
// ends.
func (d dialect) walk(b []byte, i int, quoted bool) state {
	for {
		if !quoted {
			if i = d.skipPad(b, i); i == len(b) || b[i] != '"' {
				n := quote.IndexNear(b[i:], d.separator)
				if n < 0 {
					return complete
				}
				i += n + 1
				continue
			}
			i++
		}
		n := quote.IndexNear(b[i:], '"')
		if n < 0 {
			return open
		}
		i += n + 1
		switch {
		case i == len(b):
			return complete
		case b[i] == '"':
			i, quoted = i+1, true
		case b[i] == d.separator:
			i, quoted = i+1, false
		default:
			return damaged
		}
	}
}

// cell returns the cell of a complete record that begins at i, and where the next one does: behind the end of b by one
// byte or more when it was the last one. doubled says that there are doubled quotes in it.
func (d dialect) cell(b []byte, i int) (value []byte, doubled bool, next int) {
	if i = d.skipPad(b, i); i < len(b) && b[i] == '"' {
		from := i + 1
		for i = from; ; i += 2 {
			i += quote.IndexNear(b[i:], '"')
			if i+1 == len(b) || b[i+1] != '"' {
				return b[from:i], doubled, i + 2
			}
			doubled = true
		}
	}
	n := quote.IndexNear(b[i:], d.separator)
	if n < 0 {
		return b[i:], false, len(b) + 1
	}
	return b[i : i+n], false, i + n + 1
}

func (d dialect) skipPad(b []byte, i int) int {
	for d.padded && i < len(b) && b[i] == ' ' {
		i++
	}
	return i
}

// record returns the record at the beginning of text, without its line end, and what is behind it. ok is false for one
// that is not complete.
func (d dialect) record(text []byte, ended bool) (record, rest []byte, ok bool) {
	s, at := complete, 0
	for end := 0; ; {
		n := bytes.IndexByte(text[end:], '\n')
		if n < 0 {
			if !ended || len(text) == 0 {
				return nil, nil, false
			}
			n = len(text) - end
		}
		record = entry.TrimCR(text[:end+n])
		rest = text[min(end+n+1, len(text)):]
		if s = d.walk(record, at, s == open); s != open {
			return record, rest, s == complete
		}
		if len(rest) == 0 {
			return nil, nil, false
		}
		end, at = end+n+1, len(record)
	}
}

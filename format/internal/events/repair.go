package events

import (
	"bytes"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/internal/quote"
)

// maxRepaired is how deep a value may be that is repaired.
const maxRepaired = 256

// repaired makes a record of the broken value raw, when it is JSON but for what programs are known to write: \x22 and
// other escapes that JSON does not have, control characters in text, NaN and Infinity, a comma behind the last value,
// an end that is cut off and marked as such.
func (p *jsonReader) repaired(raw []byte, offset int64) (rec penstock.Record, ok bool) {
	if len(raw) < 2 || raw[0] != '{' && raw[0] != '[' {
		return rec, false
	}
	m := mender{in: raw, out: p.spare[:0], open: p.opened[:0], cut: isMarkedCut(raw)}
	ok = m.value()
	p.spare, p.opened = m.out, m.open
	if !ok {
		return rec, false
	}
	n := len(p.spare)
	p.spare = append(p.spare, make([]byte, entry.Pad)...)
	if end, v := p.scan(p.spare, n); v != complete || end != n {
		return rec, false
	}
	rec = p.record(p.spare, n, offset)
	rec.Raw, rec.Repaired = raw, true
	return rec, true
}

// isMarkedCut reports whether somebody who cut a record said so at its end: [Truncated…], ...[truncated].
func isMarkedCut(raw []byte) bool {
	tail := raw[max(0, len(raw)-64):]
	return bytes.Contains(tail, []byte("[Truncated")) || bytes.Contains(tail, []byte("[truncated")) ||
		bytes.Contains(tail, []byte("<truncated"))
}

// mender writes a value anew. What it writes is checked by a scanner afterwards; it need not see everything that is
// wrong.
type mender struct {
	in, out []byte
	i       int
	open    []byte // the brackets that are to be closed
	cut     bool   // the value may end anywhere
	sound   int    // how much of what is written can stand when it does
	isValue bool   // what comes next is a value, no name
}

// value goes over the input once.
func (m *mender) value() bool {
	for m.i < len(m.in) {
		switch c := m.in[m.i]; {
		case quote.IsSpace(c):
			m.i++
		case c == '"':
			if ended := m.text(); !ended && !m.cut {
				return false
			}
			if m.isValue {
				m.sound = len(m.out)
			}
		case c == '[' && m.cut && isMarkedCut(m.in[m.i:min(len(m.in), m.i+12)]):
			m.i = len(m.in)
		case c == '{' || c == '[':
			if len(m.open) == maxRepaired {
				return false
			}
			m.open = append(m.open, c+2) // the closing bracket is two behind in ASCII
			m.isValue = c == '['
			m.byte(c)
			m.sound = len(m.out)
		case c == '}' || c == ']':
			if len(m.open) == 0 || m.open[len(m.open)-1] != c {
				return false
			}
			m.open = m.open[:len(m.open)-1]
			m.byte(c)
			m.sound = len(m.out)
			m.inside()
			if len(m.open) == 0 {
				return m.i == len(m.in)
			}
		case c == ',':
			if next := quote.Space(m.in, m.i+1); next < len(m.in) && (m.in[next] == '}' || m.in[next] == ']') {
				m.i = next
				continue
			}
			m.inside()
			m.byte(c)
		case c == ':':
			m.isValue = true
			m.byte(c)
		default:
			m.scalar()
		}
	}
	if !m.cut {
		return false
	}
	m.out = m.out[:m.sound]
	for n := len(m.open); n > 0; n-- {
		m.out = append(m.out, m.open[n-1])
	}
	return true
}

// inside says what comes next in the innermost open value.
func (m *mender) inside() { m.isValue = len(m.open) > 0 && m.open[len(m.open)-1] == ']' }

func (m *mender) byte(c byte) {
	m.out = append(m.out, c)
	m.i++
}

// scalar writes a number or a word. Those that JSON has no word for are null.
func (m *mender) scalar() {
	end := m.i
	for end < len(m.in) && bytes.IndexByte([]byte(",:]}\"{["), m.in[end]) < 0 && !quote.IsSpace(m.in[end]) {
		end++
	}
	if end == m.i {
		end++
	}
	switch word := m.in[m.i:end]; string(word) {
	case "NaN", "Infinity", "-Infinity", "+Infinity", "-NaN", "inf", "-inf", "nan":
		m.out = append(m.out, "null"...)
	default:
		if m.cut && !isScalar(word) {
			m.i = len(m.in)
			return
		}
		m.out = append(m.out, word...)
	}
	m.i = end
	if end < len(m.in) {
		m.sound = len(m.out)
	}
}

// isScalar reports whether a word looks like one of JSON's.
func isScalar(word []byte) bool {
	switch string(word) {
	case "true", "false", "null":
		return true
	}
	for _, c := range word {
		if !quote.IsDigit(c) && bytes.IndexByte([]byte("+-.eE"), c) < 0 {
			return false
		}
	}
	return quote.IsDigit(word[len(word)-1])
}

// text writes a string and reports whether it has an end.
func (m *mender) text() bool {
	m.byte('"')
	for m.i < len(m.in) {
		switch c := m.in[m.i]; {
		case c == '"':
			m.byte(c)
			return true
		case c == '\\':
			m.escape()
		case c < 0x20:
			m.control(c)
			m.i++
		default:
			m.byte(c)
		}
	}
	m.out = append(m.out, '"')
	return false
}

// escape writes an escape sequence: \x22 as what it stands for, and others that JSON does not have as the text that
// they are.
func (m *mender) escape() {
	rest := m.in[m.i+1:]
	switch {
	case len(rest) == 0:
		m.i++
	case bytes.IndexByte([]byte(`"\/bfnrt`), rest[0]) >= 0:
		m.byte('\\')
		m.byte(rest[0])
	case rest[0] == 'u' && len(rest) >= 5 && isHex(rest[1:5]):
		m.out = append(m.out, m.in[m.i:m.i+6]...)
		m.i += 6
	case rest[0] == 'x' && len(rest) >= 3 && isHex(rest[1:3]):
		c := hex(rest[1])<<4 | hex(rest[2])
		switch {
		case c == '"' || c == '\\':
			m.out = append(m.out, '\\', c)
		case c < 0x20:
			m.control(c)
		default:
			m.out = append(m.out, c)
		}
		m.i += 4
	case rest[0] == '\'':
		m.out = append(m.out, '\'')
		m.i += 2
	default:
		m.out = append(m.out, '\\', '\\')
		m.i++
	}
}

func (m *mender) control(c byte) {
	m.out = append(m.out, '\\', 'u', '0', '0', quote.HexDigits[c>>4], quote.HexDigits[c&15])
}

func isHex(b []byte) bool {
	for _, c := range b {
		if !quote.IsDigit(c) && (c|0x20 < 'a' || c|0x20 > 'f') {
			return false
		}
	}
	return true
}

// hex returns the value of a hexadecimal digit.
func hex(c byte) byte {
	if quote.IsDigit(c) {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

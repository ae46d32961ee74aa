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
// an end that is cut off. What is complete before a cut stays. Where nobody says that something was cut, the text of a
// value may be half a date or an address, which an index refuses: what is short goes with all behind the last complete
// value under the name cut.
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
	cut     bool   // the value may end anywhere: somebody has said so
	sound   int    // how much of what is written can stand when it does
	read    int    // where that ends in the input
	isValue bool   // what comes next is a value, no name
}

// value goes over the input once.
func (m *mender) value() bool {
	for m.i < len(m.in) {
		switch c := m.in[m.i]; {
		case quote.IsSpace(c):
			m.i++
		case c == '"':
			ended, size := m.text()
			if m.isValue && (ended || m.cut || size >= longText) {
				m.stands()
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
			m.stands()
		case c == '}' || c == ']':
			if len(m.open) == 0 || m.open[len(m.open)-1] != c {
				return false
			}
			m.open = m.open[:len(m.open)-1]
			m.byte(c)
			m.stands()
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
	if !m.cut && (m.sound <= len("{}") || m.open[0] != '}') {
		return false // nothing of it is complete
	}
	m.out = m.out[:m.sound]
	for n := len(m.open); n > 1; n-- {
		m.out = append(m.out, m.open[n-1])
	}
	if rest := bytes.Trim(m.in[m.read:], ", \t\r\n"); !m.cut && len(rest) > 0 {
		m.out = append(quote.Append(append(m.out, `,"cut":"`...), rest), '"')
	}
	m.out = append(m.out, m.open[0])
	return true
}

// longText is from how many bytes on a text that is cut off is one that people read.
const longText = 64

// stands takes note that what is written so far can stand when the rest is cut off.
func (m *mender) stands() { m.sound, m.read = len(m.out), m.i }

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
		if (m.cut || end == len(m.in)) && !isScalar(word) {
			m.i = len(m.in)
			return
		}
		m.out = append(m.out, word...)
	}
	m.i = end
	if end < len(m.in) {
		m.stands()
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

// text writes a string and reports whether it has an end, and how many bytes are before it.
func (m *mender) text() (ended bool, size int) {
	m.byte('"')
	start := m.i
	for m.i < len(m.in) {
		switch c := m.in[m.i]; {
		case c == '"':
			m.byte(c)
			return true, m.i - start
		case c == '\\':
			m.escape()
		case c == '\r' && m.i+1 < len(m.in) && m.in[m.i+1] == '\n':
			m.i++ // the end of a line, however it is written
		case c < 0x20:
			m.control(c)
			m.i++
		default:
			m.byte(c)
		}
	}
	m.out = append(m.out, '"')
	return false, m.i - start
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

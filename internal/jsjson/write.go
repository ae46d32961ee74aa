package jsjson

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/seed56735111/penstock/internal/quote"
)

// Append writes v as JSON.stringify does, without white space.
func Append(b []byte, v *Value) []byte { return appendValue(b, v, false) }

// AppendExact is Append but for the numbers: those that were read are written as they were, where JavaScript would
// write what a double holds of them.
func AppendExact(b []byte, v *Value) []byte { return appendValue(b, v, true) }

func appendValue(b []byte, v *Value, exact bool) []byte {
	switch v.Kind {
	case Null:
		return append(b, "null"...)
	case Bool:
		return strconv.AppendBool(b, v.Bool)
	case Number:
		if exact && v.String != "" {
			return append(b, v.String...)
		}
		return AppendNumber(b, v.Number)
	case String:
		return AppendString(b, v.String)
	case Array:
		b = append(b, '[')
		for i := range v.Items {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendValue(b, &v.Items[i], exact)
		}
		return append(b, ']')
	default:
		b = append(b, '{')
		for i := range v.Members {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(AppendString(b, v.Members[i].Name), ':')
			b = appendValue(b, &v.Members[i].Value, exact)
		}
		return append(b, '}')
	}
}

// AppendNumber writes a number as JSON.stringify does: the shortest text that reads back as it (ECMA-262, 6.1.6.1.20),
// null for what is not finite.
func AppendNumber(b []byte, f float64) []byte {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return append(b, "null"...)
	}
	if f == 0 {
		return append(b, '0') // minus zero too
	}
	if abs := math.Abs(f); abs >= 1e-6 && abs < 1e21 {
		return strconv.AppendFloat(b, f, 'f', -1, 64)
	}
	start := len(b)
	b = strconv.AppendFloat(b, f, 'e', -1, 64)
	// JavaScript writes e-7 where Go writes e-07.
	if n := len(b); n-start >= 4 && b[n-4] == 'e' && b[n-2] == '0' {
		b[n-2] = b[n-1]
		b = b[:n-1]
	}
	return b
}

const hexDigits = "0123456789abcdef"

// AppendString writes a string as JSON.stringify does (ECMA-262, 25.5.2.3): escapes for quotes, backslashes, control
// characters and half surrogate pairs, everything else as it is. Bytes that are no UTF-8 become U+FFFD.
func AppendString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c < utf8.RuneSelf {
			b = append(b, c)
			i++
			continue
		}
		if c < utf8.RuneSelf {
			b = appendEscape(b, c)
			i++
			continue
		}
		if unit, ok := half(s[i:]); ok {
			b = append(b, '\\', 'u', hexDigits[unit>>12], hexDigits[unit>>8&15], hexDigits[unit>>4&15], hexDigits[unit&15])
			i += 3
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		b = utf8.AppendRune(b, r)
		i += n
	}
	return append(b, '"')
}

func appendEscape(b []byte, c byte) []byte {
	switch c {
	case '\b':
		return append(b, '\\', 'b')
	case '\f':
		return append(b, '\\', 'f')
	}
	return quote.AppendEscape(b, c)
}

// ToNumber converts a string that the usual test takes for a number, !isNaN(parseFloat(s)) && isFinite(s), as 1*s does.
func ToNumber(s string) (float64, bool) {
	s = strings.TrimFunc(s, isSpace)
	if len(s) > 2 && s[0] == '0' {
		base := map[byte]int{'x': 16, 'X': 16, 'o': 8, 'O': 8, 'b': 2, 'B': 2}[s[1]]
		if base != 0 {
			n, ok := new(big.Int).SetString(s[2:], base)
			if !ok || s[2] == '-' || s[2] == '+' || strings.Contains(s, "_") {
				return 0, false
			}
			f, _ := new(big.Float).SetInt(n).Float64()
			return f, !math.IsInf(f, 0)
		}
	}
	if !isDecimal(s) {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil && !math.IsInf(f, 0) || err != nil && f == 0
}

// isSpace is WhiteSpace or LineTerminator (ECMA-262, 12.2 and 12.3).
func isSpace(r rune) bool {
	switch r {
	case '\t', '\n', '\v', '\f', '\r', ' ', 0xa0, 0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000, 0xfeff:
		return true
	}
	return r >= 0x2000 && r <= 0x200a
}

// isDecimal checks for StrDecimalLiteral (ECMA-262, 7.1.4.1) without Infinity.
func isDecimal(s string) bool {
	p := parser{text: s}
	if c := p.peek(); c == '+' || c == '-' {
		p.pos++
	}
	before := p.digits()
	after := false
	if p.peek() == '.' {
		p.pos++
		after = p.digits()
	}
	if !before && !after {
		return false
	}
	if c := p.peek(); c == 'e' || c == 'E' {
		p.pos++
		if c := p.peek(); c == '+' || c == '-' {
			p.pos++
		}
		if !p.digits() {
			return false
		}
	}
	return p.pos == len(s)
}

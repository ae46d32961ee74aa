// Package quote writes text into JSON strings, repaired, and knows the bytes that cannot stand there as they are.
package quote

import (
	"bytes"
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"
)

// Replacement stands for what is no text: invalid UTF-8, half of a surrogate pair, NUL.
const Replacement = "\uFFFD"

// HexDigits are the hexadecimal digits.
const HexDigits = "0123456789abcdef"

// Append appends text as the body of a JSON string, repaired: invalid UTF-8 and NUL become U+FFFD.
func Append(dst, text []byte) []byte {
	run := 0 // text[run:i] is to be copied
	for i := 0; i < len(text); {
		if i+8 <= len(text) && special(binary.LittleEndian.Uint64(text[i:])) == 0 {
			i += 8
			continue
		}
		c := text[i]
		if c >= 0x20 && c < 0x80 && c != '"' && c != '\\' {
			i++
			continue
		}
		size := 1
		var with string
		switch {
		case c >= 0x80:
			var r rune
			r, size = utf8.DecodeRune(text[i:])
			if r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
			with = Replacement
		case c == '"':
			with = `\"`
		case c == '\\':
			with = `\\`
		case c == 0: // one for a whole run, as a crash leaves it
			with = Replacement
			for i+size < len(text) && text[i+size] == 0 {
				size++
			}
		case c == '\n':
			with = `\n`
		case c == '\t':
			with = `\t`
		case c == '\r':
			with = `\r`
		}
		dst = append(dst, text[run:i]...)
		if with == "" {
			dst = append(dst, '\\', 'u', '0', '0', HexDigits[c>>4], HexDigits[c&15])
		}
		dst = append(dst, with...)
		i += size
		run = i
	}
	return append(dst, text[run:]...)
}

// AppendLines appends text of several lines, whatever their endings are, with \n between them. What only tells a
// terminal how to show it is left out.
func AppendLines(dst, text []byte) []byte {
	if bytes.IndexByte(text, '\r') < 0 && bytes.IndexByte(text, 0x1b) < 0 {
		return Append(dst, text)
	}
	for from := 0; ; {
		i := bytes.IndexAny(text[from:], "\r\x1b")
		if i < 0 {
			return Append(dst, text)
		}
		i += from
		next := i
		switch {
		case text[i] == 0x1b:
			next = SkipEscapes(text, i)
		case i+1 < len(text) && text[i+1] == '\n':
			next = i + 1
		}
		if next == i {
			from = i + 1
			continue
		}
		dst = Append(dst, text[:i])
		text, from = text[next:], 0
	}
}

// SkipEscapes returns where a text goes on behind escape sequences for terminals (ECMA-48, 5.4) that stand at i:
// colours, erased lines.
func SkipEscapes(b []byte, i int) int {
	for len(b) > i+2 && b[i] == 0x1b && b[i+1] == '[' {
		end := i + 2
		for end < len(b) && (IsDigit(b[end]) || b[end] == ';' || b[end] == '?') {
			end++
		}
		if end == len(b) || b[end]|0x20 < 'a' || b[end]|0x20 > 'z' {
			break
		}
		i = end + 1
	}
	return i
}

// IsPlain reports whether text can stand in a JSON string as it is: printable ASCII without quotes and backslashes.
func IsPlain(text []byte) bool {
	for len(text) >= 8 {
		if special(binary.LittleEndian.Uint64(text)) != 0 {
			return false
		}
		text = text[8:]
	}
	for _, c := range text {
		if c < 0x20 || c >= 0x80 || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// AppendRepaired appends the body of a valid JSON string with its escapes as they are, but for lone surrogates and NUL,
// which become U+FFFD, as does invalid UTF-8.
func AppendRepaired(dst, body []byte) []byte {
	for i := 0; i < len(body); {
		switch c := body[i]; {
		case c == '\\' && body[i+1] == 'u':
			u, _ := Hex4(body[i+2:])
			size := 6
			switch {
			case u == 0:
				dst = append(dst, Replacement...)
			case u >= 0xd800 && u < 0xe000:
				if pairs(body[i:]) {
					size = 12
					dst = append(dst, body[i:i+12]...)
				} else {
					dst = append(dst, Replacement...)
				}
			default:
				dst = append(dst, body[i:i+6]...)
			}
			i += size
		case c == '\\':
			dst = append(dst, c, body[i+1])
			i += 2
		case c >= 0x80:
			r, size := utf8.DecodeRune(body[i:])
			dst = utf8.AppendRune(dst, r)
			i += size
		default:
			dst = append(dst, c)
			i++
		}
	}
	return dst
}

// pairs reports whether two \u escapes at the beginning of b make one character.
func pairs(b []byte) bool {
	return len(b) >= 12 && b[6] == '\\' && b[7] == 'u' && pairRune(b) != utf8.RuneError
}

func pairRune(b []byte) rune {
	high, _ := Hex4(b[2:])
	low, _ := Hex4(b[8:])
	return utf16.DecodeRune(rune(high), rune(low)) //nolint:gosec // four hexadecimal digits
}

// AppendUnquoted appends the text that the body of a valid JSON string stands for, repaired like AppendRepaired.
func AppendUnquoted(dst, body []byte) []byte {
	for i := 0; i < len(body); {
		c := body[i]
		switch {
		case c == '\\' && body[i+1] == 'u':
			u, _ := Hex4(body[i+2:])
			r, size := rune(u), 6 //nolint:gosec // four hexadecimal digits
			if u >= 0xd800 && u < 0xe000 {
				r = utf8.RuneError
				if pairs(body[i:]) {
					r, size = pairRune(body[i:]), 12
				}
			}
			if u == 0 {
				r = utf8.RuneError
			}
			dst = utf8.AppendRune(dst, r)
			i += size
		case c == '\\':
			dst = append(dst, unescaped(body[i+1]))
			i += 2
		case c >= 0x80:
			r, size := utf8.DecodeRune(body[i:])
			dst = utf8.AppendRune(dst, r)
			i += size
		default:
			dst = append(dst, c)
			i++
		}
	}
	return dst
}

func unescaped(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c // quote, backslash, solidus
}

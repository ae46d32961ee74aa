// Package quote reads and writes JSON as the bytes that it is, and allocates nothing: where strings and values end, the
// members of objects, and text as what stands between the quotes of a string, repaired where it is no text.
package quote

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// Replacement stands for what is no text: invalid UTF-8, half of a surrogate pair, NUL.
const Replacement = "\uFFFD"

// HexDigits are the hexadecimal digits.
const HexDigits = "0123456789abcdef"

// Append appends text as the body of a JSON string, repaired: invalid UTF-8, and NULs in a row, become U+FFFD.
func Append(dst, text []byte) []byte { return appendBody(dst, text, Replacement) }

// AppendString appends s as a JSON string, repaired as by Append.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	dst = appendBody(dst, []byte(s), Replacement) // the conversion copies nothing, because nobody writes to it
	return append(dst, '"')
}

// AppendExact is Append for text that has to come back as it was, such as an id: NUL stays what it is.
func AppendExact(dst, text []byte) []byte { return appendBody(dst, text, `\u0000`) }

func appendBody(dst, text []byte, nul string) []byte {
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
		case c == 0:
			with = nul
			for nul == Replacement && i+size < len(text) && text[i+size] == 0 {
				size++ // one for a whole run, as a crash leaves it in a file
			}
		}
		dst = append(dst, text[run:i]...)
		if with == "" {
			dst = AppendEscape(dst, c)
		}
		dst = append(dst, with...)
		i += size
		run = i
	}
	return append(dst, text[run:]...)
}

// AppendEscape appends the escape sequence of a quote, a backslash or a control character.
func AppendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\t':
		return append(dst, '\\', 't')
	case '\r':
		return append(dst, '\\', 'r')
	}
	return append(dst, '\\', 'u', '0', '0', HexDigits[c>>4], HexDigits[c&15])
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
	if n := len(text); n >= 8 {
		odd := special(binary.LittleEndian.Uint64(text[n-8:])) // whatever is left of the others
		for ; len(text) > 16 && odd == 0; text = text[16:] {
			odd = special(binary.LittleEndian.Uint64(text)) | special(binary.LittleEndian.Uint64(text[8:]))
		}
		return odd == 0 && (len(text) <= 8 || special(binary.LittleEndian.Uint64(text)) == 0)
	}
	for _, c := range text {
		if c < 0x20 || c >= 0x80 || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// near is how far IndexNear looks by itself.
const near = 32

// IndexNear is bytes.IndexByte for a byte that most often stands within the first dozen: values are short, and
// looking for their ends takes as long as reading them.
func IndexNear(b []byte, c byte) int {
	i := 0
	for all := uint64(c) * Ones; i+8 <= len(b) && i < near; i += 8 {
		w := binary.LittleEndian.Uint64(b[i:]) ^ all
		if m := (w - Ones) &^ w & Highs; m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
	}
	if i < near {
		for ; i < len(b); i++ {
			if b[i] == c {
				return i
			}
		}
		return -1
	}
	n := bytes.IndexByte(b[i:], c)
	if n < 0 {
		return -1
	}
	return i + n
}

// AppendRepaired appends the body of a valid JSON string with its escapes as they are, but for lone surrogates and NUL,
// which become U+FFFD, as does invalid UTF-8.
func AppendRepaired(dst, body []byte) []byte {
	for len(body) > 0 {
		n := plain(body)
		dst, body = append(dst, body[:n]...), body[n:]
		if len(body) == 0 {
			break
		}
		_, size, sound := first(body)
		if sound {
			dst = append(dst, body[:size]...)
		} else {
			dst = append(dst, Replacement...)
		}
		body = body[size:]
	}
	return dst
}

// AppendUnquoted appends the text that the body of a valid JSON string stands for, repaired like AppendRepaired.
func AppendUnquoted(dst, body []byte) []byte {
	for len(body) > 0 {
		n := plain(body)
		dst, body = append(dst, body[:n]...), body[n:]
		if len(body) == 0 {
			break
		}
		r, size, _ := first(body)
		dst, body = utf8.AppendRune(dst, r), body[size:]
	}
	return dst
}

// plain returns how many bytes of the body of a string stand for themselves before one that may not.
func plain(body []byte) int {
	i := 0
	for i+8 <= len(body) && special(binary.LittleEndian.Uint64(body[i:])) == 0 {
		i += 8
	}
	for i < len(body) && body[i] != '\\' && body[i] < utf8.RuneSelf {
		i++
	}
	return i
}

// first reads the first character of the body of a valid JSON string: what it stands for and how many bytes it has.
// Where it is not sound, U+FFFD stands for it.
func first(body []byte) (r rune, size int, sound bool) {
	switch {
	case body[0] != '\\':
		r, size = utf8.DecodeRune(body)
		return r, size, r != utf8.RuneError || size > 1
	case body[1] != 'u':
		return rune(unescaped(body[1])), 2, true
	}
	u, _ := Hex4(body[2:])
	switch r = rune(u); { //nolint:gosec // four hexadecimal digits
	case u == 0:
		return utf8.RuneError, 6, false
	case !utf16.IsSurrogate(r):
		return r, 6, true
	case len(body) >= 12 && body[6] == '\\' && body[7] == 'u':
		low, _ := Hex4(body[8:])
		if r = utf16.DecodeRune(r, rune(low)); r != utf8.RuneError { //nolint:gosec // four hexadecimal digits
			return r, 12, true
		}
	}
	return utf8.RuneError, 6, false
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

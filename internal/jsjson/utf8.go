package jsjson

import (
	"strings"
	"unicode/utf8"
)

// Decode reads bytes as UTF-8 the way JavaScript's Buffer and TextDecoder do: each longest piece that could have begun
// a character becomes one U+FFFD (WHATWG Encoding, "UTF-8 decoder").
func Decode(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	var s strings.Builder
	s.Grow(len(b))
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			n = broken(b[i:])
		}
		s.WriteRune(r)
		i += n
	}
	return s.String()
}

// broken is how many bytes at the start of b belong to the character that breaks off there.
func broken(b []byte) int {
	lead := b[0]
	need, low, high := 0, byte(0x80), byte(0xbf)
	switch {
	case lead >= 0xc2 && lead <= 0xdf:
		need = 1
	case lead >= 0xe0 && lead <= 0xef:
		need = 2
	case lead >= 0xf0 && lead <= 0xf4:
		need = 3
	}
	switch lead { // overlong forms, halves of surrogate pairs and what is beyond Unicode end at the second byte
	case 0xe0:
		low = 0xa0
	case 0xed:
		high = 0x9f
	case 0xf0:
		low = 0x90
	case 0xf4:
		high = 0x8f
	}
	n := 1
	for ; n <= need && n < len(b) && b[n] >= low && b[n] <= high; n++ {
		low, high = 0x80, 0xbf
	}
	return n
}

package quote

import (
	"encoding/binary"
	"math/bits"
)

// Ones has a one in each of eight bytes, Highs their highest bits.
const (
	Ones  = 0x0101010101010101
	Highs = 0x8080808080808080
)

// special marks the bytes of w that end a run of plain text in a JSON string: quotes, backslashes, control characters
// and everything that is not ASCII. Only the lowest mark is exact. With one bit changed, a quote and the control
// characters, and nothing else, are below 0x21.
func special(w uint64) uint64 {
	return (((w ^ 2*Ones) - 0x21*Ones) | w | ((w ^ '\\'*Ones) - Ones)) & Highs
}

// Plain returns the index of the first special byte in b from i on. There is one: the padding of a window is zero.
func Plain(b []byte, i int) int {
	for {
		if m := special(binary.LittleEndian.Uint64(b[i:])); m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
		i += 8
	}
}

// IsSpace reports whether a byte is white space in JSON.
func IsSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// IsDigit reports whether a byte is a decimal digit.
func IsDigit(c byte) bool { return c-'0' < 10 }

// Hex4 reads four hexadecimal digits.
func Hex4(b []byte) (uint32, bool) {
	var u uint32
	for _, c := range b[:4] {
		switch {
		case IsDigit(c):
			u = u<<4 | uint32(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			u = u<<4 | uint32(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return u, true
}

// ScalarEnd returns where the number or literal at b[i], which is a part of a window, ends.
func ScalarEnd(b []byte, i int) int {
	for c := b[i]; c > ' ' && c != ',' && c != ']' && c != '}'; c = b[i] {
		i++
	}
	return i
}

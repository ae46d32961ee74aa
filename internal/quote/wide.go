package quote

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// The functions below are for lines with Pad bytes behind them, whatever these are, and for values in them, which are
// short: to look at eight bytes and to copy sixteen, also beyond an end, costs less than to ask for each length.

// Put copies n bytes. It copies up to Pad-1 more, which both slices must have.
func Put(to, from []byte, n int) {
	if n > far {
		copy(to, from[:n])
		return
	}
	for i := 0; i < n; i += Pad {
		*(*[Pad]byte)(to[i:]) = *(*[Pad]byte)(from[i:])
	}
}

// far is from where on copy is faster.
const far = 64

// Until returns where the first c is from wide[at] on, and end, behind which there are Pad bytes, when it is not before
// that.
func Until(wide []byte, at, end int, c byte) int {
	all := uint64(c) * Ones
	for last := at + near; at < end; at += 8 {
		if at == last {
			if n := bytes.IndexByte(wide[at:end], c); n >= 0 {
				return at + n
			}
			return end
		}
		w := binary.LittleEndian.Uint64(wide[at:]) ^ all
		if m := (w - Ones) &^ w & Highs; m != 0 {
			return min(at+bits.TrailingZeros64(m)>>3, end)
		}
	}
	return end
}

// IsClean reports whether a line is printable ASCII without backslashes, and how many quotes it has: but for quotes in
// it, every value of such a line can stand in a JSON string as it is.
func IsClean(line []byte) (quotes int, clean bool) {
	quotes = bytes.Count(line, quoteMark)
	var odd uint64
	for ; len(line) >= 16; line = line[16:] {
		v, w := binary.LittleEndian.Uint64(line), binary.LittleEndian.Uint64(line[8:])
		odd |= v | w | (v - 0x20*Ones) | (w - 0x20*Ones) | ((v ^ '\\'*Ones) - Ones) | ((w ^ '\\'*Ones) - Ones)
	}
	for _, c := range line {
		if c < 0x20 || c >= 0x80 || c == '\\' {
			return quotes, false
		}
	}
	return quotes, odd&Highs == 0
}

var quoteMark = []byte{'"'}

// NumberKind is what IsNumber looks for.
type NumberKind uint8

// The kinds of numbers.
const (
	Integer  NumberKind = iota // digits
	Fraction                   // digits with a point within
	Decimal                    // either
)

// IsShortNumber reports whether the size bytes from wide[at] on are a number of JSON's without a sign and an exponent.
// Of more than eight bytes it says that they are none.
func IsShortNumber(wide []byte, at, size int, kind NumberKind) bool {
	if size > 8 || size < 1 {
		return false
	}
	// The digits become 0 to 9, and what is in front of them is shifted in as 0.
	w := (binary.LittleEndian.Uint64(wide[at:]) ^ '0'*Ones) << (64 - 8*uint(size))
	odd := ((w + 0x76*Ones) | w) & Highs
	if odd == 0 {
		return kind != Fraction && (size == 1 || wide[at] != '0')
	}
	// One byte that is none, and so no carry from another into it: it may be the point.
	i := bits.TrailingZeros64(odd)>>3 - (8 - size)
	return kind != Integer && odd&(odd-1) == 0 && i > 0 && i < size-1 && wide[at+i] == '.' && (wide[at] != '0' || i == 1)
}

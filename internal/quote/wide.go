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

// PutShort is Put for what is seldom longer than Pad.
func PutShort(to, from []byte, n int) {
	*(*[Pad]byte)(to) = *(*[Pad]byte)(from)
	if n > Pad {
		Put(to[Pad:], from[Pad:], n-Pad)
	}
}

// Head is a text that is put before values. Most are short.
type Head struct {
	first [2 * Pad]byte // to copy all of them costs less than to ask how many there are
	rest  []byte        // behind them, with Pad bytes more
	// Size is how many bytes the text has.
	Size int
}

// NewHead returns a text as a Head.
func NewHead(text string) Head {
	h := Head{Size: len(text)}
	if n := copy(h.first[:], text); n < len(text) {
		h.rest = append([]byte(text[n:]), make([]byte, Pad)...)
	}
	return h
}

// Put copies the text, and up to twice Pad bytes more.
func (h *Head) Put(to []byte) {
	*(*[2 * Pad]byte)(to) = h.first
	if n := h.Size - len(h.first); n > 0 {
		Put(to[len(h.first):], h.rest, n)
	}
}

// far is from where on copy is faster.
const far = 64

// Near returns how far behind wide[at] the first byte is that all has eight times; Pad when none of Pad bytes is it. It
// takes the same steps wherever that byte is: a processor cannot foresee how long values are.
func Near(wide []byte, at int, all uint64) int {
	b := wide[at : at+Pad]
	v, w := binary.LittleEndian.Uint64(b)^all, binary.LittleEndian.Uint64(b[8:])^all
	first := bits.TrailingZeros64((v - Ones) &^ v & Highs)
	return first>>3 + bits.TrailingZeros64((w-Ones)&^w&Highs)>>3&-(first>>6)
}

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
	if len(line) < Pad {
		for _, c := range line {
			if c < 0x20 || c >= 0x80 || c == '\\' {
				return quotes, false
			}
		}
		return quotes, true
	}
	odd := unclean(line[len(line)-Pad:]) // whatever is left of the others
	for ; len(line) >= Pad; line = line[Pad:] {
		odd |= unclean(line)
	}
	return quotes, odd&Highs == 0
}

// unclean has a mark for any of Pad bytes that is not clean.
func unclean(b []byte) uint64 {
	v, w := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:Pad])
	return v | w | (v - 0x20*Ones) | (w - 0x20*Ones) | ((v ^ '\\'*Ones) - Ones) | ((w ^ '\\'*Ones) - Ones)
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
// Of more than sixteen digits, and of more than eight bytes with a point in them, it says that they are none.
func IsShortNumber(wide []byte, at, size int, kind NumberKind) bool {
	if size < 1 {
		return false
	}
	if size > 8 {
		return size <= 16 && kind != Fraction && areDigits(wide[at:at+size]) && wide[at] != '0'
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

// areDigits reports whether eight to sixteen bytes are digits.
func areDigits(b []byte) bool {
	v, w := binary.LittleEndian.Uint64(b)^'0'*Ones, binary.LittleEndian.Uint64(b[len(b)-8:])^'0'*Ones
	return ((v+0x76*Ones)|v|(w+0x76*Ones)|w)&Highs == 0
}

package lines

import (
	"bytes"

	"github.com/seed56735111/penstock/format/internal/quote"
)

// Check decides about the value of a field whether the line is a record of the format.
type Check struct {
	// First are the bytes that a value may begin with.
	First Bytes
	Is    func(value []byte) bool
}

// Bytes is a set of bytes.
type Bytes [4]uint64

// All is the set of all bytes.
func All() Bytes { return Bytes{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)} }

// Of returns the set of the bytes in a string.
func Of(bytes string) (s Bytes) {
	for i := range len(bytes) {
		s[bytes[i]>>6] |= 1 << (bytes[i] & 63)
	}
	return s
}

// With returns the union of two sets.
func (s Bytes) With(other Bytes) Bytes {
	for i := range s {
		s[i] |= other[i]
	}
	return s
}

// Has reports whether a byte is in the set.
func (s Bytes) Has(c byte) bool { return s[c>>6]&(1<<(c&63)) != 0 }

const digits = "0123456789"

// OneOf takes the words and nothing else.
func OneOf(words ...string) Check {
	var first Bytes
	for _, word := range words {
		first = first.With(Of(word[:1]))
	}
	return Check{First: first, Is: func(value []byte) bool {
		for _, word := range words { //nolint:modernize // slices.Contains takes a string, which would have to be made
			if string(value) == word {
				return true
			}
		}
		return false
	}}
}

// Begins takes values with a beginning.
func Begins(head string) Check {
	return Check{First: Of(head[:1]), Is: func(value []byte) bool {
		return len(value) >= len(head) && string(value[:len(head)]) == head
	}}
}

// Hex takes n hexadecimal digits in small letters.
func Hex(n int) Check {
	return Check{First: Of(digits + "abcdef"), Is: func(value []byte) bool {
		for _, c := range value {
			if !quote.IsDigit(c) && (c < 'a' || c > 'f') {
				return false
			}
		}
		return len(value) == n
	}}
}

// Digits takes between least and most decimal digits.
func Digits(least, most int) Check {
	return Check{First: Of(digits), Is: func(value []byte) bool {
		for _, c := range value {
			if !quote.IsDigit(c) {
				return false
			}
		}
		return least <= len(value) && len(value) <= most
	}}
}

// Word takes what is made of some bytes alone.
func Word(of string) Check {
	set := Of(of)
	return Check{First: set, Is: func(value []byte) bool {
		for _, c := range value {
			if !set.Has(c) {
				return false
			}
		}
		return len(value) > 0
	}}
}

// Number takes digits with a fraction or without, -1 and a dash, which stand for nothing.
func Number() Check {
	return Check{First: Of(digits + "-"), Is: func(value []byte) bool {
		return isNothing(value) || string(value) == "-1" || isNumeric(value, true)
	}}
}

// HostPort takes what ends with a colon and a port.
func HostPort() Check {
	return Check{First: All(), Is: func(value []byte) bool {
		colon := bytes.LastIndexByte(value, ':')
		return colon > 0 && len(value)-colon <= len(":65535") && isNumeric(value[colon+1:], false)
	}}
}

// Either takes what one of the checks does.
func Either(checks ...Check) Check {
	var first Bytes
	for _, c := range checks {
		first = first.With(c.First)
	}
	return Check{First: first, Is: func(value []byte) bool {
		for _, c := range checks {
			if c.Is(value) {
				return true
			}
		}
		return false
	}}
}

// starts returns the bytes with which a line may begin whose first field this is.
func (f *Field) starts(bare bool) Bytes {
	if f.Lead != "" {
		if f.Optional {
			return All()
		}
		return Of(f.Lead[:1])
	}
	first := All()
	switch {
	case f.Is.Is != nil:
		first = f.Is.First
	case f.Kind == Syslog:
		first = Of("JFMASOND")
	case f.Kind >= Day:
		first = Of(digits)
	}
	if !bare && f.End == "" {
		first = first.With(Of(`"[`))
	}
	return first
}

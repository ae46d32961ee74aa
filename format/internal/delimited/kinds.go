package delimited

import (
	"bytes"
	"slices"
	"time"

	"github.com/seed56735111/penstock/format/internal/times"
	"github.com/seed56735111/penstock/internal/quote"
)

// kind is what a value is.
type kind byte

const (
	text kind = iota
	integer
	decimal
	boolean
	stamp  // a date, with a time of day or without
	clock  // a time of day alone
	zeroed // digits behind a leading zero, which are an identifier
	nothing
	kinds
)

// kindOf says what a value is.
func kindOf(v []byte) kind {
	if len(v) == 0 {
		return nothing
	}
	switch c := v[0]; {
	case quote.IsDigit(c), c == '-':
		if k := numberKind(v); k != text {
			return k
		}
		if isClock(v) {
			return clock
		}
		if _, ok := stampOf(v); ok {
			return stamp
		}
	case c|0x20 == 't', c|0x20 == 'f':
		if isBoolean(v, "true", "True", "TRUE") || isBoolean(v, "false", "False", "FALSE") {
			return boolean
		}
		fallthrough
	case c == '[', c >= 'A' && c <= 'Z':
		if _, ok := stampOf(v); ok {
			return stamp
		}
	}
	return text
}

func isBoolean(v []byte, words ...string) bool { return slices.Contains(words, string(v)) }

// numberKind tells of a number of JSON's that a long or a double takes which one it is.
func numberKind(v []byte) kind {
	i := 0
	if v[0] == '-' {
		i++
	}
	n := digits(v[i:])
	i += n
	switch {
	case n == 0 || n > 18:
		return text
	case n > 1 && v[i-n] == '0':
		if i == len(v) {
			return zeroed
		}
		return text
	case i == len(v):
		return integer
	case v[i] == '.':
		n = digits(v[i+1:])
		if i += 1 + n; n == 0 || i > 40 {
			return text
		}
	}
	if i < len(v) && v[i]|0x20 == 'e' {
		if i++; i < len(v) && (v[i] == '-' || v[i] == '+') {
			i++
		}
		n = digits(v[i:])
		if i += n; n == 0 || n > 2 {
			return text
		}
	}
	if i < len(v) {
		return text
	}
	return decimal
}

func digits(b []byte) (n int) {
	for n < len(b) && quote.IsDigit(b[n]) {
		n++
	}
	return n
}

// isClock reports whether a value is HH:mm:ss, with a fraction or without.
func isClock(v []byte) bool {
	if len(v) < len("HH:mm:ss") || v[2] != ':' || v[5] != ':' || digits(v) != 2 || digits(v[3:]) != 2 ||
		digits(v[6:]) != 2 {
		return false
	}
	return len(v) == 8 || (v[8] == '.' || v[8] == ',') && digits(v[9:]) == len(v)-9
}

// stampOf reads a value that is a date.
func stampOf(v []byte) (time.Time, bool) {
	if len(v) < len("yyyy-MM-dd") || bytes.IndexByte(v, ':') < 0 && len(v) > len("yyyy-MM-dd") {
		return time.Time{}, false
	}
	return times.Text(v)
}

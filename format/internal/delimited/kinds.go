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
	comma   // a decimal with a comma, as tables with semicolons have it
	stamp   // a date, with a time of day or without
	slashed // the same with the day and the month in an order that the other values of the column tell
	clock   // a time of day alone
	zeroed  // digits behind a leading zero, which are an identifier
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
		if isComma(v) {
			return comma
		}
		return dayKind(v)
	case c|0x20 == 't', c|0x20 == 'f':
		if isBoolean(v, "true", "True", "TRUE") || isBoolean(v, "false", "False", "FALSE") {
			return boolean
		}
		fallthrough
	case c == '[', c >= 'A' && c <= 'Z':
		if _, ok := stampOf(v); ok {
			return stamp
		}
		return dayKind(v)
	}
	return text
}

// dayKind tells of a value that is a date in another notation than that of stampOf which one it is.
func dayKind(v []byte) kind {
	if _, ok := dayOf(&times.File{}, v); ok {
		return stamp
	}
	if bytes.IndexByte(v, '/') < 0 {
		return text // nowhere else are day and month told by their order
	}
	for _, f := range [...]times.File{{DayFirst: true}, {MonthFirst: true}} {
		if _, ok := dayOf(&f, v); ok {
			return slashed
		}
	}
	return text
}

// dayOf reads a value that is a date as people write it, 05.03.2024 06:07:08 or 3/5/2024 6:07 AM or Mar 5, 2024, also
// without a time of day.
func dayOf(f *times.File, v []byte) (time.Time, bool) {
	const longest = len("05.03.2024 06:07:08.123 +0100")
	if len(v) < len("1/2/2006") || len(v) > longest {
		return time.Time{}, false
	}
	t, n := f.Leading(v)
	if n == 0 && len(v) <= len("05/03/2024") {
		var both [longest]byte
		b := append(append(both[:0], v...), " 00:00:00"...)
		t, n = f.Leading(b)
		n -= len(b) - len(v)
	}
	return t, n == len(v) && !t.IsZero()
}

// isComma reports whether a value is a number with a decimal comma, with dots between thousands or without.
func isComma(v []byte) bool {
	i := bytes.IndexByte(v, ',')
	if i < 1 || i+1 == len(v) || len(v) > 18 || digits(v[i+1:]) != len(v)-i-1 {
		return false
	}
	whole := bytes.TrimPrefix(v[:i], []byte{'-'})
	n := digits(whole)
	if n == 0 || n > 1 && whole[0] == '0' {
		return false
	}
	if n < len(whole) && n > 3 {
		return false
	}
	for whole = whole[n:]; len(whole) > 0; whole = whole[4:] {
		if whole[0] != '.' || len(whole) < 4 || digits(whole[1:4]) != 3 {
			return false
		}
	}
	return true
}

// appendComma appends a number with a decimal comma as JSON has it.
func appendComma(b, v []byte) []byte {
	for _, c := range v {
		switch c {
		case '.':
		case ',':
			b = append(b, '.')
		default:
			b = append(b, c)
		}
	}
	return b
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

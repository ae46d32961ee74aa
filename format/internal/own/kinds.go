package own

import (
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/lines"
	"github.com/seed56735111/penstock/format/internal/times"
	"github.com/seed56735111/penstock/internal/quote"
)

// Kind is what a value has to be, and what it becomes. A dash, or nothing, is no value of any kind.
type Kind uint8

// The kinds of fields.
const (
	Keyword Kind = iota // a string
	Text                // a string for full-text search
	Integer             // digits, also behind a sign
	Decimal             // the same with a fraction and an exponent, or without them
	Boolean             // true, yes, on or 1, false, no, off or 0
	IP                  // an address of IPv4 or IPv6
	Time                // a time in any notation, which becomes one of RFC 3339 in UTC
)

// Kinds are the words for kinds, in the order of their numbers.
func Kinds() []string {
	return []string{"keyword", "text", "integer", "decimal", "boolean", "ip", "time"}
}

// String is what a value of the kind is, in a sentence.
func (k Kind) String() string {
	return [...]string{"text", "text", "an integer", "a decimal number", "a boolean", "an IP address", "a time"}[k]
}

// Type is what an index maps a field of the kind as.
func (k Kind) Type() entry.Type {
	return [...]entry.Type{
		entry.Keyword, entry.Text, entry.Long, entry.Double, entry.Boolean, entry.IP, entry.Date,
	}[k]
}

// isNothing reports whether a value stands for none.
func isNothing(value []byte) bool { return len(value) == 0 || len(value) == 1 && value[0] == '-' }

// append appends a field. It reports false for a value that is not of the kind. Plain says that the value can stand in
// a JSON string as it is.
func (r *reader) append(b []byte, f *field, value []byte, plain bool) (_ []byte, ok bool) {
	switch f.kind {
	case Integer, Decimal:
		return appendNumber(append(b, f.key...), value, f.kind == Decimal)
	case Boolean:
		truth, ok := boolean(value)
		if truth {
			return append(append(b, f.key...), "true"...), ok
		}
		return append(append(b, f.key...), "false"...), ok
	case Time:
		t, ok := anyTime(value, r.Stored)
		return r.instant(b, f, value, t), ok
	case IP:
		if !lines.IsIP(value) {
			return b, false
		}
	case Keyword, Text:
	}
	return appendText(append(b, f.key...), value, plain), true
}

func appendText(b, value []byte, plain bool) []byte {
	b = append(b, '"')
	if plain {
		return append(append(b, value...), '"')
	}
	return append(quote.AppendLines(b, value), '"')
}

// instant appends a time as an index takes it. One that nobody can tell stays as it is, under another name.
func (r *reader) instant(b []byte, f *field, value []byte, t time.Time) []byte {
	if !t.IsZero() {
		t = times.Placed(t, r.Zone)
	}
	if t.IsZero() || t.Location() == penstock.UnknownZone {
		return append(quote.AppendLines(append(b, f.other...), value), '"')
	}
	b = append(append(b, f.key...), '"')
	return append(t.UTC().AppendFormat(b, time.RFC3339Nano), '"')
}

// appendNumber appends a number as JSON writes it: 007 is 7, +1 is 1, .5 is 0.5.
func appendNumber(b, value []byte, fraction bool) ([]byte, bool) {
	rest := value
	if rest[0] == '+' || rest[0] == '-' {
		if rest[0] == '-' {
			b = append(b, '-')
		}
		rest = rest[1:]
	}
	whole := 0
	for whole < len(rest) && quote.IsDigit(rest[whole]) {
		whole++
	}
	digits := rest[:whole]
	for len(digits) > 1 && digits[0] == '0' {
		digits = digits[1:]
	}
	const most = 18 // as many as a long takes for certain
	if len(digits) > most {
		return b, false
	}
	if rest = rest[whole:]; !fraction || len(rest) == 0 {
		return append(b, digits...), whole > 0 && len(rest) == 0
	}
	if whole == 0 {
		digits = []byte("0")
	}
	b = append(b, digits...)
	if rest[0] == '.' {
		n := digitsAt(rest, 1)
		if n == 0 {
			return b, false
		}
		b, rest, whole = append(b, rest[:1+n]...), rest[1+n:], 1
	}
	if whole == 0 || len(rest) == 0 {
		return b, len(rest) == 0
	}
	at := 1
	if rest[0]|0x20 != 'e' {
		return b, false
	}
	if len(rest) > 1 && (rest[1] == '+' || rest[1] == '-') {
		at = 2
	}
	n := digitsAt(rest, at)
	return append(b, rest...), n > 0 && n <= 2 && at+n == len(rest)
}

// digitsAt counts the digits that stand from a place on.
func digitsAt(b []byte, at int) (n int) {
	for at+n < len(b) && quote.IsDigit(b[at+n]) {
		n++
	}
	return n
}

// boolean reads what people write for true and false.
func boolean(value []byte) (truth, ok bool) {
	var lower [8]byte
	if len(value) > len(lower) {
		return false, false
	}
	for i, c := range value {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		lower[i] = c
	}
	switch string(lower[:len(value)]) {
	case "true", "yes", "on", "1":
		return true, true
	case "false", "no", "off", "0":
		return false, true
	}
	return false, false
}

package lines

import (
	"bytes"

	"github.com/seed56735111/penstock/internal/quote"
)

// Check decides about the value of a field whether the line is a record of the format.
type Check struct {
	// First are the bytes that a value may begin with.
	First Bytes
	Is    func(value []byte) bool
	// text is in every value, empty for none.
	text string
	// of are the bytes that values are made of, none when that is not known.
	of Bytes
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
	var first, all Bytes
	for _, word := range words {
		first, all = first.With(Of(word[:1])), all.With(Of(word))
	}
	return Check{First: first, of: all, Is: func(value []byte) bool {
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
	return Check{First: Of(head[:1]), text: head, Is: func(value []byte) bool {
		return len(value) >= len(head) && string(value[:len(head)]) == head
	}}
}

// Hex takes n hexadecimal digits in small letters.
func Hex(n int) Check {
	return Check{First: Of(digits + "abcdef"), of: Of(digits + "abcdef"), Is: func(value []byte) bool {
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
	return Check{First: Of(digits), of: Of(digits), Is: func(value []byte) bool {
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
	return Check{First: set, of: set, Is: func(value []byte) bool {
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
		return isNothing(value) || string(value) == "-1" || IsNumber(value, true)
	}}
}

// HostPort takes what ends with a colon and a port.
func HostPort() Check {
	return Check{First: All(), Is: func(value []byte) bool {
		colon := bytes.LastIndexByte(value, ':')
		return colon > 0 && len(value)-colon <= len(":65535") && IsNumber(value[colon+1:], false)
	}}
}

// Either takes what one of the checks does.
func Either(checks ...Check) Check {
	var first, all Bytes
	known := true
	for _, c := range checks {
		first, all, known = first.With(c.First), all.With(c.of), known && c.of != Bytes{}
	}
	if !known {
		all = Bytes{}
	}
	return Check{First: first, of: all, Is: func(value []byte) bool {
		for _, c := range checks {
			if c.Is(value) {
				return true
			}
		}
		return false
	}}
}

// Host takes an address of IPv4 or IPv6.
func Host() Check {
	return Check{First: Of(digits + "abcdefABCDEF:"), Is: IsIP}
}

// Hosts takes addresses with commas and spaces between them, or a dash.
func Hosts() Check {
	return Check{First: Of(digits + "abcdefABCDEF:-"), Is: func(value []byte) bool {
		if string(value) == "-" {
			return true
		}
		for len(value) > 0 {
			var one []byte
			if one, value, _ = bytes.Cut(value, []byte{','}); !IsIP(bytes.TrimSpace(one)) {
				return false
			}
		}
		return true
	}}
}

// Socket takes what begins as an address, or as the name of a socket, and ends with a colon and digits.
func Socket() Check {
	return Check{First: Of(digits + "abcdefABCDEF:[u"), Is: func(value []byte) bool {
		colon := bytes.LastIndexByte(value, ':')
		return colon > 0 && colon < len(value)-1 && quote.IsDigit(value[len(value)-1])
	}}
}

// hasPort reports whether a value is an address and a port.
func hasPort(value []byte) bool {
	colon := bytes.LastIndexByte(value, ':')
	if colon < 1 || !IsNumber(value[colon+1:], false) {
		return false
	}
	ip := value[:colon]
	if n := len(ip); ip[0] == '[' && ip[n-1] == ']' {
		ip = ip[1 : n-1]
	}
	return IsIP(ip)
}

// Name takes what the name of a host or of a program can be.
func Name() Check { return Check{First: All(), Is: isName} }

// IsIP reports whether a value is an address.
func IsIP(value []byte) bool {
	if bytes.IndexByte(value, ':') < 0 {
		return isIPv4(value)
	}
	if len(value) < 2 || value[0] == ':' && value[1] != ':' {
		return false
	}
	groups, colons, digits, empty := 0, 0, 0, 0
	for i, c := range value {
		switch {
		case c == ':':
			if i > 0 && value[i-1] == ':' {
				empty++
			}
			colons, digits = colons+1, 0
		case c == '.':
			return (empty == 1 && groups <= 6 || groups == 7 && empty == 0) && isIPv4(value[i-digits:])
		case quote.IsDigit(c), c|0x20 >= 'a' && c|0x20 <= 'f':
			if digits == 0 {
				groups++
			}
			digits++
		default:
			return false
		}
		if digits > 4 {
			return false
		}
	}
	open := value[len(value)-1] == ':' && value[len(value)-2] != ':'
	return !open && (empty == 1 && groups <= 7 || empty == 0 && groups == 8 && colons == 7)
}

func isIPv4(value []byte) bool {
	parts, digits, number := 1, 0, 0
	for _, c := range value {
		switch {
		case quote.IsDigit(c) && (digits == 0 || number > 0):
			digits, number = digits+1, 10*number+int(c-'0')
		case c == '.' && digits > 0:
			parts, digits, number = parts+1, 0, 0
		default:
			return false
		}
		if number > 255 || parts > 4 {
			return false
		}
	}
	return parts == 4 && digits > 0
}

// starts returns the bytes with which a line may begin whose first field this is.
func (f *Field) starts(bare bool) Bytes {
	if f.Lead != "" {
		return Of(f.Lead[:1])
	}
	first := All()
	switch {
	case f.Kind == Head:
		return Of("<" + digits + "JFMASOND")
	case f.Is.Is != nil:
		first = f.Is.First
	case f.Kind == AnyTime:
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

// IsDated reports whether a line begins like a date as in 2026-11-24: many do, and few formats have one there.
func IsDated(line []byte) bool {
	return len(line) > 4 && line[4] == '-' && quote.IsDigit(line[0]) && quote.IsDigit(line[1]) && quote.IsDigit(line[2]) &&
		quote.IsDigit(line[3])
}

// mayBeDated reports whether a line may begin like a date whose first fields these are.
func mayBeDated(fields []Field) bool {
	for i := range fields {
		f := &fields[i]
		if f.mayBeDated() {
			return true
		}
		if !f.Optional {
			return false
		}
	}
	return true
}

func (f *Field) mayBeDated() bool {
	switch {
	case f.Lead != "":
		return quote.IsDigit(f.Lead[0])
	case f.measured() && f.Kind != DayFirst, f.Width > 0, f.End != "" && (f.End[0] == '-' || quote.IsDigit(f.End[0])):
		return true
	case f.Is.Is != nil && f.Is.of != Bytes{}:
		return f.Is.of.Has('-')
	}
	switch f.Kind {
	case Clock, Syslog, Epoch, Seconds, DayFirst, MonthDay:
		return false
	}
	return true
}

// Unbracketed takes values without brackets and spaces in them.
func Unbracketed() Check {
	return Check{First: All(), Is: func(value []byte) bool {
		return len(value) > 0 && !bytes.ContainsAny(value, "[] ")
	}}
}

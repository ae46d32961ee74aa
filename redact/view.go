package redact

import (
	"slices"
	"unicode/utf8"

	"github.com/seed56735111/penstock/internal/quote"
)

// maxViews is how often a text is looked at: as it is, and with its escapes resolved up to three times.
const maxViews = 4

// view is a text with the escapes of the one before resolved.
type view struct {
	plain []byte // the text itself, of the first view
	bytes []byte
	from  []int32 // where each byte is from in the text, and the text's length
}

func (v *view) text() []byte {
	if v.plain != nil {
		return v.plain
	}
	return v.bytes
}

// origin returns where the byte at i is from.
func (v *view) origin(i int) int {
	if len(v.from) == 0 {
		return i
	}
	return int(v.from[i])
}

// place says where hits in this view are in the text, and takes escapes that a hit begins or ends within out of it.
func (v *view) place(hits []hit, level int, escaped bool) {
	b := v.text()
	for i := range hits {
		h := &hits[i]
		if escaped {
			if at, after := escapeAround(b, h.first); at < h.first {
				h.first = min(after, h.after)
			}
			if at, _ := escapeAround(b, h.after); at < h.after {
				h.after = max(at, h.first)
			}
		}
		h.view, h.start, h.end = level, v.origin(h.first), v.origin(h.after)
	}
}

// decode resolves the escapes of a view, those of JSON strings and of URLs at once. It reports whether there were any.
func (v *view) decode(of *view) bool {
	b := of.text()
	if int64(len(b)) > 1<<31-1 {
		return false
	}
	// What an escape stands for is never longer than the escape.
	v.bytes, v.from = slices.Grow(v.bytes, len(b))[:len(b)], slices.Grow(v.from, len(b)+1)[:len(b)+1]
	n, changed := 0, false
	for i := 0; i < len(b); {
		from := int32(of.origin(i)) //nolint:gosec // bounded above
		v.from[n] = from
		c := b[i]
		if c != '\\' && c != '%' {
			v.bytes[n] = c
			n++
			i++
			continue
		}
		r, size := escape(b, i)
		changed = changed || size > 1
		i += size
		if r < utf8.RuneSelf || c == '%' || size == len(`\x40`) {
			v.bytes[n] = byte(r) //nolint:gosec // one byte
			n++
			continue
		}
		for range utf8.EncodeRune(v.bytes[n:], r) {
			v.from[n] = from
			n++
		}
	}
	v.from[n] = int32(of.origin(len(b))) //nolint:gosec // bounded above
	v.bytes, v.from = v.bytes[:n], v.from[:n+1]
	return changed
}

// escape reads the escape sequence at b[i], a backslash or a percent sign: what it stands for and how long it is. What
// is none has the length 1 and stands for itself.
func escape(b []byte, i int) (r rune, n int) {
	rest := b[i:]
	if rest[0] == '%' {
		if len(rest) > 2 && hex(rest[1]) >= 0 && hex(rest[2]) >= 0 {
			return rune(hex(rest[1])<<4 | hex(rest[2])), 3 //nolint:gosec // two hexadecimal digits
		}
		return '%', 1
	}
	if len(rest) < 2 {
		return '\\', 1
	}
	switch rest[1] {
	case 'u':
		if len(rest) > 5 {
			if u, ok := quote.Hex4(rest[2:6]); ok {
				return rune(u), 6 //nolint:gosec // 16 bits
			}
		}
	case 'x':
		if len(rest) > 3 && hex(rest[2]) >= 0 && hex(rest[3]) >= 0 {
			return rune(hex(rest[2])<<4 | hex(rest[3])), 4 //nolint:gosec // two hexadecimal digits
		}
	case 'n':
		return '\n', 2
	case 't':
		return '\t', 2
	case 'r':
		return '\r', 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case '"', '\\', '/', '\'':
		return rune(rest[1]), 2
	}
	return '\\', 1
}

// escapeAround returns the escape sequence that goes on at b[at], and at itself where none does.
func escapeAround(b []byte, at int) (start, end int) {
	for i := at - 1; i >= 0 && i > at-len(`\u0040`); i-- {
		switch b[i] {
		case '%':
			if _, n := escape(b, i); i+n > at {
				return i, i + n
			}
		case '\\':
			first := i
			for first > 0 && b[first-1] == '\\' {
				first--
			}
			if (i-first)%2 == 1 {
				return at, at // a backslash that is itself escaped
			}
			if _, n := escape(b, i); i+n > at {
				return i, i + n
			}
		}
	}
	return at, at
}

// hex returns the value of a hexadecimal digit, and -1 for what is none.
func hex(c byte) int {
	switch {
	case c-'0' < 10:
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

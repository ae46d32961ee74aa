package events

import (
	"bytes"

	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/internal/quote"
)

// Padded appends a record's JSON with the padding that the functions below need behind it.
func Padded(dst, json []byte) []byte {
	var pad [entry.Pad]byte
	return append(append(dst, json...), pad[:]...)
}

// Member returns the value of a name at the top of the object in b, nil for none.
func Member(b []byte, name string) []byte {
	start, end := place(b, name)
	return b[start:end]
}

// Has reports whether the object in b has a name at its top.
func Has(b, name []byte) bool {
	for i := skipSpace(b, 1); b[i] == '"'; {
		end := skipString(b, i)
		if bytes.Equal(b[i+1:end-1], name) {
			return true
		}
		i = nextElement(b, skipValue(b, skipSpace(b, skipSpace(b, end)+1)))
	}
	return false
}

// Text returns where the text of a name at the top of the object in b begins and ends, without its quotes. ok is false when it has none.
func Text(b []byte, name string) (start, end int, ok bool) {
	start, end = place(b, name)
	return start + 1, end - 1, end > 0 && b[start] == '"'
}

func place(b []byte, name string) (start, end int) {
	for i := skipSpace(b, 1); b[i] == '"'; {
		nameEnd := skipString(b, i)
		start = skipSpace(b, skipSpace(b, nameEnd)+1)
		end = skipValue(b, start)
		if string(b[i+1:nameEnd-1]) == name {
			return start, end
		}
		i = nextElement(b, end)
	}
	return 0, 0
}

// AppendMembers appends the members at the top of the object in b but for one. An object of the name within is taken apart.
func AppendMembers(dst, b []byte, but, within string) []byte {
	empty := true
	for i := skipSpace(b, 1); b[i] == '"'; {
		end := skipString(b, i)
		value := skipSpace(b, skipSpace(b, end)+1)
		next := skipValue(b, value)
		part := b[i:next]
		switch name := b[i+1 : end-1]; {
		case string(name) == but:
			part = nil
		case string(name) == within && b[value] == '{':
			part = bytes.TrimSpace(b[value+1 : next-1])
		}
		if len(part) > 0 {
			if !empty {
				dst = append(dst, ',')
			}
			dst, empty = append(dst, part...), false
		}
		i = nextElement(b, next)
	}
	return dst
}

// AppendText appends what the text of a member stands for.
func AppendText(dst, text []byte) []byte { return quote.AppendUnquoted(dst, text) }

// AppendMessage appends an object with a text as its message.
func AppendMessage(dst, text []byte) []byte {
	dst = append(dst, `{"message":"`...)
	dst = quote.AppendLines(dst, text)
	return append(dst, `"}`...)
}

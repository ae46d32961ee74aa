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
	_, end := place(b, name)
	return end > 0
}

// Text returns where the text of a name at the top of the object in b begins and ends, without its quotes. ok is false
// when it has none.
func Text(b []byte, name string) (start, end int, ok bool) {
	start, end = place(b, name)
	return start + 1, end - 1, end > 0 && b[start] == '"'
}

// place returns where the value of a name at the top of the object in b begins and ends, 0 for none.
func place[T []byte | string](b []byte, name T) (start, end int) {
	for i := quote.SkipSpace(b, 1); b[i] == '"'; {
		m := quote.MemberAt(b, i)
		if string(m.Name) == string(name) {
			return m.Value, m.End
		}
		i = quote.SkipComma(b, m.End)
	}
	return 0, 0
}

// AppendMembers appends the members at the top of the object in b but for one. An object of the name within is taken
// apart.
func AppendMembers(dst, b []byte, but, within string) []byte {
	empty := true
	for i := quote.SkipSpace(b, 1); b[i] == '"'; {
		m := quote.MemberAt(b, i)
		part := b[i:m.End]
		switch {
		case string(m.Name) == but:
			part = nil
		case string(m.Name) == within && b[m.Value] == '{':
			part = bytes.TrimSpace(b[m.Value+1 : m.End-1])
		}
		if len(part) > 0 {
			if !empty {
				dst = append(dst, ',')
			}
			dst, empty = append(dst, part...), false
		}
		i = quote.SkipComma(b, m.End)
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

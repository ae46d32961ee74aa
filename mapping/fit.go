package mapping

import (
	"bytes"

	"github.com/seed56735111/penstock/internal/quote"
)

// Rule says what becomes of a value that the mapping of its index does not take.
type Rule string

// The rules of conflicts.
const (
	DeadLetter Rule = "deadletter" // it is left to the domain, which refuses the document
	Rename     Rule = "rename"     // it is written as text under NAME_text
	// Stringify writes objects and arrays as JSON text where the field is text, and leaves others to the domain.
	Stringify Rule = "stringify"
)

// Rules are the names of rules.
func Rules() []string { return []string{string(DeadLetter), string(Rename), string(Stringify)} }

// conflicts reports whether the members that begin at object[i] have a value that the fields of f do not take.
func (f *field) conflicts(object []byte, i int) bool {
	if f.open {
		return false
	}
	for m, ok := nextMember(object, i); ok; m, ok = nextMember(object, m.next) {
		c, blocked := f.child(m.name)
		if blocked || c != nil && (c.refuses(m.value) || c.inner != nil && c.within(m.value)) {
			return true
		}
	}
	return false
}

// refuses reports whether a value as a whole is not for the field.
func (f *field) refuses(v []byte) bool {
	if f.open {
		return false
	}
	if f.inner == nil {
		return !f.takes(v)
	}
	switch v[0] {
	case '{', 'n':
		return false
	case '[':
		refused := false
		eachElement(v, func(one []byte) { refused = refused || f.refuses(one) })
		return refused
	}
	return true
}

// within reports whether the objects in a value of an object have conflicts.
func (f *field) within(v []byte) (found bool) {
	switch v[0] {
	case '{':
		return f.conflicts(v, 1)
	case '[':
		eachElement(v, func(one []byte) { found = found || f.within(one) })
	}
	return found
}

// fit appends the object whose members begin at object[i], up to its end, as the rule wants it. Whatever stands before
// i is not copied.
func (f *field) fit(dst, object []byte, i int, rule Rule) []byte {
	start := i
	for m, ok := nextMember(object, i); ok; m, ok = nextMember(object, m.next) {
		dst = append(dst, object[start:m.at]...)
		start = m.end
		c, blocked := f.child(m.name)
		switch {
		case !blocked && c == nil:
			dst = append(dst, object[m.at:m.end]...)
		case blocked || c.refuses(m.value):
			dst = f.other(dst, object, i, m, c, blocked, rule)
		case c.inner != nil && !c.open:
			dst = append(dst, object[m.at:m.from]...)
			dst = c.fitValue(dst, m.value, rule)
		default:
			dst = append(dst, object[m.at:m.end]...)
		}
	}
	return append(dst, object[start:]...)
}

func (f *field) fitValue(dst, v []byte, rule Rule) []byte {
	switch v[0] {
	case '{':
		return f.fit(append(dst, '{'), v, 1, rule)
	case '[':
		dst = append(dst, '[')
		first := true
		eachElement(v, func(one []byte) {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = f.fitValue(dst, one, rule)
		})
		return append(dst, ']')
	}
	return append(dst, v...)
}

// other appends a member whose value its field c does not take.
func (f *field) other(dst, object []byte, first int, m member, c *field, blocked bool, rule Rule) []byte {
	as := append([]byte(nil), m.name...)
	switch rule {
	case Stringify:
		if blocked || !c.isText() || m.value[0] != '{' && m.value[0] != '[' {
			return append(dst, object[m.at:m.end]...)
		}
	default:
		if blocked {
			as = bytes.ReplaceAll(as, []byte("."), []byte("_"))
		}
		as = append(as, "_text"...)
		for tries := 0; f.isTaken(object, first, as); tries++ {
			if tries == maxTries {
				return append(dst, object[m.at:m.end]...) // the domain decides
			}
			as = append(as, '_')
		}
	}
	dst = append(dst, '"')
	dst = append(dst, as...)
	dst = append(dst, '"', ':')
	return appendText(dst, m.value)
}

const maxTries = 4

// isTaken reports whether a name is that of another member, or of a field that takes no text.
func (f *field) isTaken(object []byte, first int, name []byte) bool {
	for m, ok := nextMember(object, first); ok; m, ok = nextMember(object, m.next) {
		if bytes.Equal(m.name, name) {
			return true
		}
	}
	c, blocked := f.child(name)
	return blocked || c != nil && !c.open && !c.isText()
}

// appendText appends a JSON value as a JSON string: a text is one, anything else becomes the text of its JSON.
func appendText(dst, v []byte) []byte {
	if v[0] == '"' {
		return append(dst, v...)
	}
	dst = append(dst, '"')
	for _, c := range v {
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n', '\r', '\t': // between tokens
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

// member is a name with its value in an object.
type member struct {
	name, value []byte // the name without its quotes, as it is written
	at          int    // where the name begins
	from, end   int    // where the value begins and ends
	next        int    // where to look for the next one
}

// nextMember returns the member at or behind object[i].
func nextMember(object []byte, i int) (m member, ok bool) {
	i = quote.Space(object, i)
	if i < len(object) && object[i] == ',' {
		i = quote.Space(object, i+1)
	}
	if i >= len(object) || object[i] != '"' {
		return m, false
	}
	m.at = i
	end, _ := quote.StringEnd(object, i)
	m.name = object[i+1 : end-1]
	m.from = quote.Space(object, quote.Space(object, end)+1)
	m.end, _ = quote.ValueEnd(object, m.from)
	if m.from >= m.end {
		return m, false
	}
	m.value, m.next = object[m.from:m.end], m.end
	return m, true
}

func eachElement(array []byte, f func(one []byte)) {
	for i := quote.Space(array, 1); i < len(array) && array[i] != ']'; {
		end, _ := quote.ValueEnd(array, i)
		f(array[i:end])
		if i = quote.Space(array, end); i < len(array) && array[i] == ',' {
			i = quote.Space(array, i+1)
		}
	}
}

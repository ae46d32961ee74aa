package ocsf

import (
	"bytes"

	"github.com/seed56735111/penstock/internal/quote"
)

// maxLevels is how deep the fields of a document may be: the engines' default mapping depth limit.
const maxLevels = 20

// rest appends the members of an object of which nothing is in the event. Those of an element are, in an array that is,
// when they are of their kind. Level is how deep the object is.
func (w *writer) rest(b, object []byte, n *node, array bool, level int) []byte {
	for i := quote.Space(object, 1); i < len(object) && object[i] == '"'; {
		end, _ := quote.StringEnd(object, i)
		start := quote.Space(object, quote.Space(object, end)+1)
		next, _ := quote.ValueEnd(object, start)
		before := len(b)
		b = append(append(separate(b), object[i:end]...), ':')
		var ok bool
		level := level + 1 + bytes.Count(object[i:end], []byte{'.'})
		if b, ok = w.restOf(b, object[start:next], n.kids[string(object[i+1:end-1])], array, level); !ok {
			b = b[:before]
		}
		i = comma(object, next)
	}
	return b
}

// restOf appends what is left of a value, and reports whether there is something.
func (w *writer) restOf(b, value []byte, n *node, array bool, level int) ([]byte, bool) {
	if n == nil {
		return appendLevel(b, value, level), true
	}
	written := n.field >= 0 && w.used[n.field]
	switch {
	case value[0] == 'n' && (n.field >= 0 || n.kind != nil):
		return b, false
	case array && n.kind != nil && w.takes(n.kind, value):
		return b, false
	case value[0] == '[' && (n.first != nil || n.each != nil && (written || array && n.field < 0)):
		return w.restOfArray(b, value, n, written || array && n.field < 0, level)
	case written && n.each == nil:
		return b, false
	case value[0] == '{' && n.kids != nil:
		open := len(b) + 1
		b = w.rest(append(b, '{'), value, n, array || written, level)
		return append(b, '}'), len(b) > open
	}
	return appendLevel(b, value, level), true
}

// takes reports whether a value is of a kind.
func (w *writer) takes(k *kind, value []byte) bool {
	w.tried = k.append(w.tried[:0], value)
	return len(w.tried) > 0
}

// restOfArray appends what is left of the elements, at their places. Written says that the array is in the event.
func (w *writer) restOfArray(b, value []byte, n *node, written bool, level int) ([]byte, bool) {
	b = append(b, '[')
	more := false
	for i, number := first(value), 0; i < len(value) && value[i] != ']'; number++ {
		end, _ := quote.ValueEnd(value, i)
		element := value[i:end]
		b = separate(b)
		of := n.each
		if !written {
			of = nil
		}
		if number == 0 && n.first != nil {
			of = n.first
		}
		switch {
		case of == nil:
			b, more = appendLevel(b, element, level), true
		case element[0] == '{':
			open := len(b) + 1
			b = w.rest(append(b, '{'), element, of, written, level)
			more = more || len(b) > open
			b = append(b, '}')
		case element[0] == '"' && len(of.kids) == 0: // the elements are texts
			b = append(b, "null"...)
		default:
			b, more = appendLevel(b, element, level), true
		}
		i = comma(value, end)
	}
	return append(b, ']'), more
}

// appendLevel appends a value, as text when what is in it would be too deep for an index.
func appendLevel(b, value []byte, level int) []byte {
	if value[0] == '{' || value[0] == '[' {
		if level+levels(value) > maxLevels {
			return append(quote.Append(append(b, '"'), value), '"')
		}
	}
	return append(b, value...)
}

// levels returns how many names are on the longest way into a value.
func levels(value []byte) int {
	depth, most, dots := 0, 0, 0
	for i := 0; i < len(value); i++ {
		switch value[i] {
		case '"':
			end, _ := quote.StringEnd(value, i)
			if at := quote.Space(value, end); at < len(value) && value[at] == ':' {
				dots += bytes.Count(value[i:end], []byte{'.'})
			}
			i = end - 1
		case '{':
			depth++
			most = max(most, depth)
		case '}':
			depth--
		}
	}
	return most + dots
}

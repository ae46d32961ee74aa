package events

import (
	"github.com/seed56735111/penstock/internal/quote"
)

// kinds is a set of what is in an array. No field of an index takes both objects and scalars; null is neither.
type kinds uint8

const (
	someObjects kinds = 1 << iota
	someScalars
)

// kindBefore returns the kind of the element that ends before b[i], apart from white space. An array is neither: it has
// kinds of its own.
func kindBefore(b []byte, i int) kinds {
	for i--; quote.IsSpace(b[i]); i-- {
	}
	switch b[i] {
	case '}':
		return someObjects
	case ']', 'l': // the end of null
		return 0
	}
	return someScalars
}

// kindsIn returns what the array at b[i] has, and the arrays in it, once it is written, and where it ends.
func kindsIn(b []byte, i, depth int) (all kinds, end int) {
	i = quote.SkipSpace(b, i+1)
	for b[i] != ']' {
		switch tooDeep := depth >= maxLevels; {
		case b[i] == '[' && !tooDeep:
			var inner kinds
			inner, i = kindsIn(b, i, depth+1)
			all |= inner
		default:
			first := b[i]
			i = quote.SkipValue(b, i)
			if tooDeep && (first == '{' || first == '[') {
				all |= someScalars // they become strings
			} else {
				all |= kindBefore(b, i)
			}
		}
		i = quote.SkipComma(b, i)
	}
	return all, i + 1
}

// array appends the array at b[i] and returns where it ends.
func (w *rewriter) array(dst, b []byte, i, depth int) ([]byte, int) {
	write := w.value
	if all, _ := kindsIn(b, i, depth); all == someObjects|someScalars {
		write = w.text
	}
	return w.elements(dst, b, i, depth, write)
}

// text appends the value at b[i] as a string: JSON text, unless it is one. Null and arrays stay what they are.
func (w *rewriter) text(dst, b []byte, i, depth int) ([]byte, int) {
	switch c := b[i]; {
	case c == '"':
		return w.str(dst, b, i)
	case c == '[' && depth <= maxLevels:
		return w.elements(dst, b, i, depth, w.text)
	case c == 'n':
		return append(dst, "null"...), i + len("null")
	}
	end := quote.SkipValue(b, i)
	return appendCompactString(dst, b[i:end]), end
}

// writeFunc appends the value at b[i] and returns where it ends.
type writeFunc = func(dst, b []byte, i, depth int) ([]byte, int)

// elements appends the array at b[i], its elements as they are to be written, and returns where it ends.
func (w *rewriter) elements(dst, b []byte, i, depth int, write writeFunc) ([]byte, int) {
	dst = append(dst, '[')
	for i = quote.SkipSpace(b, i+1); b[i] != ']'; {
		dst, i = write(dst, b, i, depth+1)
		if i = quote.SkipComma(b, i); b[i] != ']' {
			dst = append(dst, ',')
		}
	}
	return append(dst, ']'), i + 1
}

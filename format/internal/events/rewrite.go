package events

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/internal/quote"
)

// rewriter writes a JSON value, which a scanner found valid, as one that a domain accepts. It favours being right over
// being fast: it sees the records in which the scanner found some trouble.
type rewriter struct {
	*known
	// ownTime says that the record's "@timestamp" is a date that may stay.
	ownTime bool

	top     penstock.TopNames
	members []member // of the objects being written, the innermost last
	scratch []byte   // decoded names
	path    []byte   // of the object being written, with a dot behind each name
}

// member is one name with its value in an object.
type member struct {
	name       []byte // decoded; the name to be written, once settled
	start, end int    // the value
	gone       bool   // a later one has the same name
}

// rewrite appends the value b[:end] to dst as one object on one line. The padding of a window follows it.
func (w *rewriter) rewrite(dst, b []byte) []byte {
	w.top, w.members, w.scratch, w.path = 0, w.members[:0], w.scratch[:0], w.path[:0]
	i := quote.SkipSpace(b, 0)
	if b[i] == '{' {
		dst, _ = w.object(dst, b, i, 1)
		return dst
	}
	dst = append(dst, `{"value":`...)
	dst, _ = w.value(dst, b, i, 2)
	return append(dst, '}')
}

// value appends the value at b[i] and returns where it ends. depth is the number of objects and arrays it is in, itself
// included.
func (w *rewriter) value(dst, b []byte, i, depth int) ([]byte, int) {
	switch c := b[i]; {
	case c == '"':
		return w.str(dst, b, i)
	case c != '{' && c != '[':
		end := quote.ScalarEnd(b, i)
		return appendNumber(dst, b[i:end]), end
	case depth > maxLevels:
		end := quote.SkipValue(b, i)
		return appendCompactString(dst, b[i:end]), end
	case c == '{':
		return w.object(dst, b, i, depth)
	}
	return w.array(dst, b, i, depth)
}

func (w *rewriter) object(dst, b []byte, i, depth int) ([]byte, int) {
	first, scratch := len(w.members), len(w.scratch)
	end := w.collect(b, i)
	w.settle(b, w.members[first:], depth)
	dst = append(dst, '{')
	last := len(w.members)
	empty := true
	for m := first; m < last; m++ { // by index: inner objects may move the slice
		if w.members[m].gone {
			continue
		}
		if !empty {
			dst = append(dst, ',')
		}
		empty = false
		name, at := w.members[m].name, w.members[m].start
		dst = append(dst, '"')
		dst = quote.Append(dst, name)
		dst = append(dst, '"', ':')
		if depth == 1 {
			w.note(name, b[at])
		}
		above := len(w.path)
		w.path = append(w.path, name...)
		if b[at] != '"' && b[at] != 'n' && slices.Contains(w.opaquePaths, string(w.path)) {
			dst = appendCompactString(dst, b[at:w.members[m].end])
		} else {
			w.path = append(w.path, '.')
			dst, _ = w.value(dst, b, at, depth+1)
		}
		w.path = w.path[:above]
	}
	w.members, w.scratch = w.members[:first], w.scratch[:scratch]
	return append(dst, '}'), end
}

// note keeps the set of top-level names that concern the shape stage.
func (w *rewriter) note(name []byte, value byte) {
	switch {
	case string(name) == penstock.NameTime:
		w.top |= penstock.TopTimestamp
	case string(name) == penstock.NameMeta:
		w.top |= penstock.TopPenstock
	case string(name) == penstock.NameAWS && value == '{':
		w.top |= penstock.TopAWSObject
	}
}

// collect adds the members of the object at b[i] and returns where it ends.
func (w *rewriter) collect(b []byte, i int) int {
	i = quote.SkipSpace(b, i+1)
	for b[i] != '}' {
		m := quote.MemberAt(b, i)
		w.members = append(w.members, member{name: w.decode(m.Name), start: m.Value, end: m.End})
		i = quote.SkipComma(b, m.End)
	}
	return i + 1
}

// decode returns the text of a JSON string, repaired: what is between its quotes when there is nothing to decode.
func (w *rewriter) decode(quoted []byte) []byte {
	if bytes.IndexByte(quoted, '\\') < 0 && utf8.Valid(quoted) {
		return quoted
	}
	at := len(w.scratch)
	w.scratch = quote.AppendUnquoted(w.scratch, quoted)
	return w.scratch[at:len(w.scratch):len(w.scratch)]
}

// str appends the string at b[i], repaired, and returns where it ends.
func (w *rewriter) str(dst, b []byte, i int) ([]byte, int) {
	end := quote.SkipString(b, i)
	dst = append(dst, '"')
	dst = quote.AppendRepaired(dst, b[i+1:end-1])
	return append(dst, '"'), end
}

// appendNumber appends a scalar that is not a string. A number that no long or double holds becomes a string.
func appendNumber(dst, b []byte) []byte {
	if quote.IsDigit(b[0]) || b[0] == '-' {
		tooBig := false
		if !bytes.ContainsAny(b, ".eE") {
			tooBig = !fitsLong(b)
		} else {
			_, err := strconv.ParseFloat(string(b), 64)
			tooBig = errors.Is(err, strconv.ErrRange)
		}
		if tooBig {
			dst = append(dst, '"')
			dst = append(dst, b...)
			return append(dst, '"')
		}
	}
	return append(dst, b...)
}

// appendCompact appends the valid value b[:end], which the padding of a window follows, without white space.
func appendCompact(dst, b []byte, end int) []byte {
	for i := 0; i < end; {
		start := i
		for i < end && !quote.IsSpace(b[i]) {
			if b[i] == '"' {
				i = quote.SkipString(b, i)
			} else {
				i++
			}
		}
		dst = append(dst, b[start:i]...)
		i = quote.SkipSpace(b, i)
	}
	return dst
}

// appendCompactString appends a valid JSON value as a JSON string that holds it without white space.
func appendCompactString(dst, value []byte) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(value); {
		switch c := value[i]; {
		case quote.IsSpace(c):
			i++
		case c == '"':
			end := i + 1
			for value[end] != '"' {
				if value[end] == '\\' {
					end++
				}
				end++
			}
			dst = append(dst, '\\', '"')
			dst = quote.Append(dst, value[i+1:end])
			dst = append(dst, '\\', '"')
			i = end + 1
		default:
			dst = append(dst, c)
			i++
		}
	}
	return append(dst, '"')
}

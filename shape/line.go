package shape

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed56735111/penstock"
)

// Line makes a text for each record, as it stands: nothing is put in lower case.
type Line struct {
	text  string
	parts []part
}

// ParseLine reads a text such as "{customer|none}-a". In braces stand the names that [ParsePattern] explains, but for
// {format} and dates.
func ParseLine(s string) (*Line, error) {
	l := &Line{text: s}
	wrong := func(why string) error { return fmt.Errorf("%q: %s", s, why) }
	if strings.TrimSpace(s) == "" {
		return nil, errors.New("the text is empty")
	}
	for rest := s; rest != ""; {
		open := strings.IndexAny(rest, "{}")
		if open != 0 {
			if open < 0 {
				open = len(rest)
			}
			l.parts = append(l.parts, part{literal: rest[:open]})
			rest = rest[open:]
			continue
		}
		end := strings.IndexByte(rest, '}')
		if rest[0] == '}' || end < 0 {
			return nil, wrong("braces do not match up")
		}
		q, err := parsePart(rest[1:end])
		if err != nil {
			return nil, wrong(err.Error())
		}
		if q.field.path == "" {
			return nil, wrong("{" + rest[1:end] + "} stands for no field of the record")
		}
		q.field.also = eventNames[q.field.path]
		l.parts = append(l.parts, q)
		rest = rest[end+1:]
	}
	return l, nil
}

// Of returns the line for records of an entry: what its origin stands for is known then.
func (l *Line) Of(o *penstock.Object, id penstock.Identity) *Line {
	from := OriginOf(o, id)
	of := &Line{text: l.text, parts: slices.Clone(l.parts)}
	for i := range of.parts {
		q := &of.parts[i]
		if value, ok := from.Value(q.field.path); ok && value != "" {
			*q = part{literal: value}
		}
	}
	return of
}

// Append appends the text for a record in JSON. It reports whether the record has all that the text names.
func (l *Line) Append(dst, record []byte) ([]byte, bool) {
	start := len(dst)
	for i := range l.parts {
		q := &l.parts[i]
		if q.literal != "" {
			dst = append(dst, q.literal...)
			continue
		}
		value, ok := lookup(record, q.field.path)
		if !ok && q.field.also != "" {
			value, ok = lookup(record, q.field.also)
			value = bytes.Trim(value, "/")
		}
		switch {
		case ok:
			dst = append(dst, value...)
		case q.field.hasDefault:
			dst = append(dst, q.field.otherwise...)
		default:
			return dst[:start], false
		}
	}
	return dst, len(dst) > start
}

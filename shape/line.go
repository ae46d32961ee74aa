package shape

import (
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
		q, after, err := cutPart(rest)
		if err != nil {
			return nil, wrong(err.Error())
		}
		if q.literal == "" && q.field.path == "" {
			return nil, wrong(rest[:len(rest)-len(after)] + " stands for no field of the record")
		}
		l.parts = append(l.parts, q)
		rest = after
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
		value, ok := q.field.value(record)
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

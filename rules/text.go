package rules

import (
	"errors"
	"fmt"
	"strings"

	"github.com/seed56735111/penstock/internal/quote"
	"github.com/seed56735111/penstock/rules/expr"
)

// Text is a text with placeholders in braces: {name} is a field of the record, or where it is from ({bucket}, {key[2]},
// {account} and the like), and {name|other} says what to take when there is none. Braces themselves are written twice.
type Text struct{ parts []textPart }

// textPart is literal, as the body of a JSON string, unless it has a path.
type textPart struct {
	literal []byte
	path    *expr.Path
	instead bool // literal is what to take when there is no value
}

// longestText bounds a text of a file.
const longestText = 8 << 10

// NewText reads a text.
func NewText(s string, env *Env) (*Text, error) {
	if len(s) > longestText {
		return nil, fmt.Errorf("a text is longer than %d bytes", longestText)
	}
	t := &Text{}
	var literal []byte
	flush := func() {
		if len(literal) > 0 {
			t.parts = append(t.parts, textPart{literal: quote.Append(nil, literal)})
			literal = nil
		}
	}
	for s != "" {
		at := strings.IndexAny(s, "{}")
		if at < 0 {
			at = len(s)
		}
		literal = append(literal, s[:at]...)
		if s = s[at:]; s == "" {
			break
		}
		if strings.HasPrefix(s, "{{") || strings.HasPrefix(s, "}}") {
			literal = append(literal, s[0])
			s = s[2:]
			continue
		}
		end := strings.IndexByte(s, '}')
		if s[0] == '}' || end < 0 {
			return nil, errors.New("braces do not match up; a brace itself is written twice")
		}
		flush()
		name, other, instead := strings.Cut(s[1:end], "|")
		if name == "" || strings.ContainsAny(name, "{ \t\"") {
			return nil, fmt.Errorf("%q is no name of a field; a brace itself is written twice", s[:end+1])
		}
		if err := env.Field(name); err != nil {
			return nil, err
		}
		t.parts = append(t.parts, textPart{quote.Append(nil, []byte(other)), expr.NewPath(name), instead})
		s = s[end+1:]
	}
	flush()
	return t, nil
}

// Append appends the text as the body of a JSON string. It reports false when a placeholder stands for nothing; what
// was appended then means nothing.
func (t *Text) Append(dst []byte, r *Record) ([]byte, bool) {
	for i := range t.parts {
		p := &t.parts[i]
		if p.path == nil {
			dst = append(dst, p.literal...)
			continue
		}
		var ok bool
		if dst, ok = r.appendText(dst, p.path); ok {
			continue
		}
		if !p.instead {
			return dst, false
		}
		dst = append(dst, p.literal...)
	}
	return dst, true
}

// appendText appends the text of a field, or of where the record is from, as the body of a JSON string.
func (r *Record) appendText(dst []byte, p *expr.Path) ([]byte, bool) {
	if from := r.from(p); from != nil {
		return append(dst, from...), true
	}
	value, ok := r.Member(p)
	switch {
	case !ok || len(value) == 0 || string(value) == "null":
		return dst, false
	case value[0] == '"':
		return append(dst, value[1:len(value)-1]...), len(value) > len(`""`)
	case value[0] == '{' || value[0] == '[':
		return quote.Append(dst, value), true
	}
	return append(dst, value...), true
}

// from returns what a name says of where the record is from, as the body of a JSON string; nil when that is nothing.
func (r *Record) from(p *expr.Path) []byte {
	if r.lookup == nil {
		return nil
	}
	value, ok := r.looked[p]
	if !ok {
		if text, known := r.lookup(p.String()); known && text != "" {
			value = quote.Append(nil, []byte(text))
		}
		if r.looked == nil {
			r.looked = map[*expr.Path][]byte{}
		}
		r.looked[p] = value
	}
	return value
}

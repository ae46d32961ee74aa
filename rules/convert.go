package rules

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed56735111/penstock/internal/quote"
	"github.com/seed56735111/penstock/rules/expr"
)

// Convert writes fields as values of another type. A record fails whose value cannot be written so.
type Convert struct {
	// Fields are names with one of Conversions.
	Fields []Assignment
}

// Conversions are the types that fields are converted to.
func Conversions() []string { return []string{"integer", "decimal", "boolean", "text"} }

// Word is part of Verb.
func (Convert) Word() string { return "convert" }

// Compile is part of Verb.
func (c Convert) Compile(env *Env) (Action, error) {
	all := make(converting, 0, len(c.Fields))
	for _, a := range c.Fields {
		target, err := NewTarget(a.Field)
		if err == nil {
			err = env.Field(a.Field)
		}
		if err == nil && !slices.Contains(Conversions(), a.Value) {
			err = fmt.Errorf("%q is no type: want %s", a.Value, strings.Join(Conversions(), ", "))
		}
		if err != nil {
			return nil, &PartError{a.Field, err}
		}
		all = append(all, conversion{target, a.Value})
	}
	for _, a := range c.Fields {
		env.Knows(a.Field, map[string]expr.Type{
			"integer": expr.Number, "decimal": expr.Number, "boolean": expr.Boolean, "text": expr.Text,
		}[a.Value])
	}
	return all, nil
}

type converting []conversion

type conversion struct {
	target *Target
	to     string
}

// Apply is part of Action.
func (c converting) Apply(r *Record) (Verdict, error) {
	did := Nothing
	for i := range c {
		one := &c[i]
		value, at := r.locate(one.target.path)
		if at < 0 || string(value) == "null" {
			continue
		}
		room, err := appendAs(r.Room(), value, one.to)
		if err != nil {
			return did, fmt.Errorf("convert %q: %w", one.target.path, err)
		}
		if made := r.Made(room); string(made) != string(value) {
			r.splice(at, value, made)
			did = Done
		}
	}
	return did, nil
}

var errType = errors.New("the value is of another type")

// appendAs appends a JSON value as one of a type.
func appendAs(dst, value []byte, to string) ([]byte, error) {
	text := value
	quoted := value[0] == '"'
	if quoted {
		text = value[1 : len(value)-1]
	}
	isNumber := func(text []byte) bool {
		end, ok := quote.Skip(text, 0)
		return ok && end == len(text) && len(text) > 0 && (text[0] == '-' || quote.IsDigit(text[0]))
	}
	switch {
	case to == "text" && quoted:
		return append(dst, value...), nil
	case to == "text":
		return append(quote.Append(append(dst, '"'), value), '"'), nil
	case value[0] == '{' || value[0] == '[':
		return dst, errType
	case to == "boolean":
		switch strings.ToLower(string(text)) {
		case "true", "yes", "on", "1":
			return append(dst, "true"...), nil
		case "false", "no", "off", "0":
			return append(dst, "false"...), nil
		}
		return dst, errType
	}
	switch string(text) {
	case "true":
		return append(dst, '1'), nil
	case "false":
		return append(dst, '0'), nil
	}
	text = plainNumber(text)
	if !isNumber(text) {
		return dst, errType
	}
	if to == "integer" {
		return appendInteger(dst, text)
	}
	return append(dst, text...), nil
}

// plainNumber is a number without what people write before it: spaces, a plus sign, zeros.
func plainNumber(text []byte) []byte {
	for len(text) > 0 && text[0] == ' ' {
		text = text[1:]
	}
	for len(text) > 0 && text[len(text)-1] == ' ' {
		text = text[:len(text)-1]
	}
	if len(text) > 1 && text[0] == '+' {
		text = text[1:]
	}
	for len(text) > 1 && text[0] == '0' && quote.IsDigit(text[1]) {
		text = text[1:]
	}
	return text
}

// appendInteger appends a number without a fraction of zeros; another fraction, or an exponent, is not converted.
func appendInteger(dst, text []byte) ([]byte, error) {
	for i, c := range text {
		switch {
		case quote.IsDigit(c) || i == 0 && c == '-':
		case c == '.' && strings.Trim(string(text[i+1:]), "0") == "":
			return append(dst, text[:i]...), nil
		default:
			return dst, errType
		}
	}
	return append(dst, text...), nil
}

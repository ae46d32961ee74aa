package format_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// acceptable reports why a domain would refuse a body, by rules of its own: it shares no code with the parsers.
func acceptable(body []byte) error {
	switch {
	case !utf8.Valid(body):
		return errors.New("not UTF-8")
	case bytes.ContainsAny(body, "\n\r"):
		return errors.New("more than one line")
	case !json.Valid(body):
		return errors.New("not JSON")
	case len(body) == 0 || body[0] != '{':
		return errors.New("not an object")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	v, err := ordered(dec)
	if err != nil {
		return err
	}
	return v.acceptable(1)
}

// tree is a JSON value with its members in their order, also those whose name occurs twice.
type tree struct {
	scalar  any // string, json.Number, bool or nil, when it is neither of the others
	object  bool
	array   bool
	names   []string
	members []tree
}

func ordered(dec *json.Decoder) (tree, error) {
	tok, err := dec.Token()
	if err != nil {
		return tree{}, err
	}
	delim, ok := tok.(json.Delim)
	if !ok {
		return tree{scalar: tok}, nil
	}
	v := tree{object: delim == '{', array: delim == '['}
	for dec.More() {
		if v.object {
			name, err := dec.Token()
			if err != nil {
				return v, err
			}
			v.names = append(v.names, name.(string))
		}
		m, err := ordered(dec)
		if err != nil {
			return v, err
		}
		v.members = append(v.members, m)
	}
	_, err = dec.Token()
	return v, err
}

// acceptable holds a value against what the engines' parsers and mappers refuse.
func (v tree) acceptable(depth int) error {
	if depth > 20 {
		return errors.New("deeper than a mapper allows")
	}
	if n, ok := v.scalar.(json.Number); ok && !strings.ContainsAny(n.String(), ".eE") {
		if _, err := n.Int64(); err != nil {
			return fmt.Errorf("no long: %s", n)
		}
	} else if ok {
		if _, err := n.Float64(); err != nil {
			return fmt.Errorf("no double: %s", n)
		}
	}
	if s, ok := v.scalar.(string); ok && strings.ContainsRune(s, 0) {
		return errors.New("NUL in a string")
	}
	if v.object {
		if err := v.acceptableNames(depth); err != nil {
			return err
		}
	}
	if objects, scalars := v.elements(); v.array && objects && scalars {
		return errors.New("an array of objects and scalars")
	}
	for _, m := range v.members {
		// Scalars are on the level of what they are in.
		next := depth
		if m.object || m.array {
			next++
		}
		if err := m.acceptable(next); err != nil {
			return err
		}
	}
	return nil
}

// elements tells what an array and the arrays in it have.
func (v tree) elements() (objects, scalars bool) {
	for _, m := range v.members {
		switch {
		case m.object:
			objects = true
		case m.array:
			o, s := m.elements()
			objects, scalars = objects || o, scalars || s
		case m.scalar != nil:
			scalars = true
		}
	}
	return objects, scalars
}

func (v tree) acceptableNames(depth int) error {
	kinds := map[string]bool{} // whether a name is an object
	for i, name := range v.names {
		if _, ok := kinds[name]; ok {
			return fmt.Errorf("the name %q twice", name)
		}
		kinds[name] = v.members[i].object
		if strings.Contains(name, ".") && depth+strings.Count(name, ".") > 20 {
			return fmt.Errorf("%q is deeper than a mapper allows", name)
		}
		for part := range strings.SplitSeq(name, ".") {
			if strings.TrimSpace(part) == "" {
				return fmt.Errorf("the mapper refuses the name %q", name)
			}
		}
		if strings.ContainsRune(name, 0) {
			return errors.New("NUL in a name")
		}
		if depth == 1 &&
			(name == "_id" || name == "_source" || name == "_index" || name == "_type" || name == "penstock_" ||
				strings.HasPrefix(name, "_id.")) {
			return fmt.Errorf("the engine or the shape stage keeps %q for itself", name)
		}
	}
	for name := range kinds {
		for i, c := range name {
			if c != '.' {
				continue
			}
			if object, ok := kinds[name[:i]]; ok && !object {
				return fmt.Errorf("%q goes through a name that is no object", name)
			}
		}
	}
	return nil
}

// leaves collects the scalars of a JSON text, the last one of each name, in their order. Text within strings that is
// JSON itself is looked into, since what is too deep or has no schema is written as text. Strings and numbers are the
// same.
func leaves(text []byte) ([]string, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	v, err := ordered(dec)
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one value")
	}
	var all []string
	v.leaves(&all)
	return all, nil
}

func (v tree) leaves(all *[]string) {
	if s, ok := v.scalar.(string); ok {
		if s = repaired(s); strings.HasPrefix(s, "{") || strings.HasPrefix(s, "[") {
			if inner, err := leaves([]byte(s)); err == nil {
				*all = append(*all, inner...)
				return
			}
		}
		*all = append(*all, s)
		return
	}
	if !v.object && !v.array {
		*all = append(*all, fmt.Sprint(v.scalar))
		return
	}
	last := map[string]int{}
	for i, name := range v.names {
		last[repaired(name)] = i
	}
	for i, m := range v.members {
		if v.object && last[repaired(v.names[i])] != i {
			continue
		}
		m.leaves(all)
	}
}

func repaired(s string) string { return strings.ReplaceAll(s, "\x00", "\ufffd") }

package shape

import (
	"bytes"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// lookup finds the text of a string, number or boolean in an object of valid JSON. A path with dots goes through objects,
// or is a name with dots, at every step. Anything else, and an empty string, is not found.
func lookup(object []byte, path string) (text []byte, ok bool) {
	text, ok = scalar(find(object, path))
	return text, ok && len(text) > 0
}

// scalar returns the text of a string, number or boolean.
func scalar(value []byte) (text []byte, ok bool) {
	if len(value) == 0 {
		return nil, false
	}
	switch value[0] {
	case '{', '[', 'n':
		return nil, false
	case '"':
		text = value[1 : len(value)-1]
		if bytes.IndexByte(text, '\\') >= 0 {
			var err error
			if text, err = jsontext.AppendUnquote(nil, value); err != nil {
				return nil, false
			}
		}
		return text, true
	}
	return value, true
}

// find returns the value at a path, nil when there is none.
func find(object []byte, path string) []byte {
	i := space(object, 1)
	for i < len(object) && object[i] == '"' {
		end := stringEnd(object, i)
		name := object[i:end]
		start := space(object, space(object, end)+1)
		next := valueEnd(object, start)
		if below, ok := leads(name, path); ok {
			value := object[start:next]
			if below == "" {
				return value
			}
			if value[0] == '{' {
				if found := find(value, below); found != nil {
					return found
				}
			}
		}
		i = space(object, next)
		if i < len(object) && object[i] == ',' {
			i = space(object, i+1)
		}
	}
	return nil
}

// leads reports whether a quoted name is the path, or leads to it; below is what of the path remains.
func leads(quoted []byte, path string) (below string, ok bool) {
	name := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(name, '\\') >= 0 {
		plain, err := jsontext.AppendUnquote(nil, quoted)
		if err != nil {
			return "", false
		}
		name = plain
	}
	switch {
	case len(name) > len(path) || path[:len(name)] != string(name):
		return "", false
	case len(name) == len(path):
		return "", true
	}
	return strings.CutPrefix(path[len(name):], ".")
}

func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r') {
		i++
	}
	return i
}

// stringEnd returns where the string that begins at b[i] ends.
func stringEnd(b []byte, i int) int {
	for i++; i < len(b) && b[i] != '"'; i++ {
		if b[i] == '\\' {
			i++
		}
	}
	return min(i+1, len(b))
}

// valueEnd returns where the value that begins at b[i] ends.
func valueEnd(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			i = stringEnd(b, i)
			if depth == 0 {
				return i
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i
			}
			depth--
			if depth == 0 {
				return i + 1
			}
		case ',', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return i
			}
		}
		i++
	}
	return len(b)
}

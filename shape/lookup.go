package shape

import (
	"bytes"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/seed56735111/penstock/internal/quote"
)

// lookup finds the text of a string, number or boolean in an object of valid JSON. A path with dots goes through
// objects, or is a name with dots, at every step. Anything else, and an empty string, is not found.
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
	i := quote.Space(object, 1)
	for i < len(object) && object[i] == '"' {
		end, _ := quote.StringEnd(object, i)
		name := object[i:end]
		start := quote.Space(object, quote.Space(object, end)+1)
		next, _ := quote.ValueEnd(object, start)
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
		i = quote.Space(object, next)
		if i < len(object) && object[i] == ',' {
			i = quote.Space(object, i+1)
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

// Text returns the text of a string, number or boolean at a path of an object, nil when there is none.
func Text(object []byte, path string) []byte {
	text, _ := lookup(object, path)
	return text
}

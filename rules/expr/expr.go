// Package expr compiles conditions and values that people write in the syntax of expr-lang, and evaluates them on
// records that stay bytes: without an allocation for a condition, and within a cost that the text bounds.
package expr

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/seed56735111/penstock/internal/quote"
)

// Record is what an expression is evaluated on.
type Record interface {
	// Member returns the field at p as the JSON that it is, without white space around it. It stays valid until the
	// record changes.
	Member(p *Path) (value []byte, ok bool)
}

// Type is what is known of a value before there is one.
type Type uint8

// The types. A value of unknown type is read as what it is compared with.
const (
	Unknown Type = iota
	Text
	Number
	Boolean
	Time
	Object
	List
)

var typeNames = [...]string{"unknown", "text", "number", "boolean", "time", "object", "list"}

func (t Type) String() string { return typeNames[t] }

// Schema is what is known of the fields of a format: a type by the name of the field. A field that is not in it is an
// error, unless the name AnyField is in it, or the schema is nil. What is inside of an object or of an unknown field is
// always unknown.
type Schema map[string]Type

// AnyField is the name by which a schema says that records may have more fields than it names.
const AnyField = "*"

// Error says what is wrong with an expression, and where.
type Error struct {
	// Offset is where in the text the mistake is, in bytes.
	Offset int
	// Reason is a clause: what is wrong, and with what.
	Reason string
	// Near is the known name, operator or function that is closest to the one that is not known, if one is close.
	Near string
}

func (e *Error) Error() string {
	if e.Near != "" {
		return fmt.Sprintf("at character %d: %s: did you mean %q?", e.Offset+1, e.Reason, e.Near)
	}
	return fmt.Sprintf("at character %d: %s", e.Offset+1, e.Reason)
}

// Path is the name of a field, prepared once. "a.b" is the member b of the object a, or the field whose name is "a.b".
type Path struct {
	text string
	ends []int // where in text the first part ends, the first two, and so on
}

// NewPath returns the path that text names.
func NewPath(text string) *Path {
	p := &Path{text: text}
	for i := range len(text) {
		if text[i] == '.' {
			p.ends = append(p.ends, i)
		}
	}
	p.ends = append(p.ends, len(text))
	return p
}

// String returns the path as it was written.
func (p *Path) String() string { return p.text }

// Len is the number of names that a record may have at its top for the path: "a", "a.b" and "a.b.c" for "a.b.c".
func (p *Path) Len() int { return len(p.ends) }

// Name returns the n-th of these names, from 1. The shortest one that leads to a value is the one that counts.
func (p *Path) Name(n int) string { return p.text[:p.ends[n-1]] }

// Rest is what Name(n) leaves of the path.
func (p *Path) Rest(n int) string {
	if n == len(p.ends) {
		return ""
	}
	return p.text[p.ends[n-1]+1:]
}

// Below returns what p leads to in the value of the field Name(n): the value itself when that is the whole path.
func (p *Path) Below(value []byte, n int) ([]byte, bool) {
	if n == len(p.ends) {
		return value, true
	}
	return find(value, p.text[p.ends[n-1]+1:])
}

// JSON is a record that is one JSON object.
type JSON []byte

// Member returns the field at p.
func (j JSON) Member(p *Path) ([]byte, bool) { return find(j, p.text) }

// find returns the member of an object whose name is path, or the rest of the path in the member whose name it begins
// with. What is no object, or no JSON, has no members.
func find(object []byte, path string) ([]byte, bool) {
	for split := 0; ; {
		dot := strings.IndexByte(path[split:], '.')
		name, rest := path, ""
		if dot >= 0 {
			name, rest = path[:split+dot], path[split+dot+1:]
		}
		if value, ok := memberOf(object, name); ok {
			if dot < 0 {
				return value, true
			}
			if value, ok = find(value, rest); ok {
				return value, true
			}
		}
		if dot < 0 {
			return nil, false
		}
		split += dot + 1
	}
}

// memberOf returns the value of the first member of an object with a name.
func memberOf(object []byte, name string) ([]byte, bool) {
	i := quote.Space(object, 0)
	if i == len(object) || object[i] != '{' {
		return nil, false
	}
	for i = quote.Space(object, i+1); i < len(object) && object[i] == '"'; i = quote.Space(object, i+1) {
		end, ok := quote.StringEnd(object, i)
		if !ok {
			return nil, false
		}
		written := object[i+1 : end-1]
		if i = quote.Space(object, end); i == len(object) || object[i] != ':' {
			return nil, false
		}
		i = quote.Space(object, i+1)
		if end, ok = quote.ValueEnd(object, i); !ok {
			return nil, false
		}
		if isName(written, name) {
			return object[i:end], true
		}
		if i = quote.Space(object, end); i == len(object) || object[i] != ',' {
			return nil, false
		}
	}
	return nil, false
}

// isName reports whether a name that is written as the body of a JSON string is name.
func isName(written []byte, name string) bool {
	if string(written) == name {
		return strings.IndexByte(name, '\\') < 0
	}
	if len(written) < len(name) || bytes.IndexByte(written, '\\') < 0 {
		return false
	}
	var room [128]byte
	return string(quote.AppendUnquoted(room[:0], written)) == name
}

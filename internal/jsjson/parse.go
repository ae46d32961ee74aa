// Package jsjson reads and writes JSON the way JavaScript's JSON.parse and JSON.stringify do (ECMA-262, 25.5), so that
// a document can be made equal, byte for byte, to the one a Node function makes.
//
// What differs from encoding/json: numbers become doubles, names that are array indexes come first in ascending order,
// a repeated name keeps its first place and its last value, and half a surrogate pair survives a round trip. Strings
// are held as UTF-8 with such halves encoded like any other code point ("WTF-8").
package jsjson

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"
)

// Kind is the kind of a value.
type Kind uint8

// The kinds of JSON values.
const (
	Null Kind = iota
	Bool
	Number
	String
	Array
	Object
)

// Value is one JSON value.
type Value struct {
	Kind   Kind
	Bool   bool
	Number float64
	// String is the value of a string, and a number as it was written; empty for a number that was not read.
	String  string
	Items   []Value  // of an array
	Members []Member // of an object, in JavaScript's order
}

// Member is one property of an object.
type Member struct {
	Name  string
	Value Value
}

// Errors of Parse.
var (
	ErrSyntax = errors.New("not JSON")
	ErrDepth  = errors.New("nested too deep")
	ErrValues = errors.New("too many values")
)

// The bounds of what Parse reads. JavaScript engines go farther; nothing that an index takes does.
const (
	MaxDepth = 10_000
	// MaxValues keeps a text of 1 MB that is nothing but commas from taking a hundred times its size.
	MaxValues = 1 << 16
)

// Parse reads text as JSON.parse does: one value with white space around it. Bytes from outside go through Decode
// first.
func Parse(text string) (Value, error) {
	p := parser{text: text, left: MaxValues}
	p.space()
	v, err := p.value(0)
	if err != nil {
		return Value{}, err
	}
	p.space()
	if p.pos != len(text) {
		return Value{}, ErrSyntax
	}
	return v, nil
}

// Prefix reads the one value at the start of text and leaves alone what follows it.
func Prefix(text string) (Value, error) {
	p := parser{text: text, left: MaxValues}
	return p.value(0)
}

// Lookup returns a member of the object in text, which must be JSON, and passes over the others without reading them.
func Lookup(text, name string) (Value, bool) {
	p := parser{text: text, left: MaxValues}
	for p.space(); p.peek() == '{' || p.peek() == ','; p.space() {
		p.pos++
		p.space()
		if p.peek() != '"' {
			break
		}
		found, err := p.str()
		p.space()
		if err != nil || p.peek() != ':' {
			break
		}
		p.pos++
		p.space()
		if found == name {
			v, err := p.value(0)
			return v, err == nil
		}
		p.skip()
	}
	return Value{}, false
}

// skip passes over one value.
func (p *parser) skip() {
	depth := 0
	for p.pos < len(p.text) {
		switch p.text[p.pos] {
		case '"':
			for p.pos++; p.pos < len(p.text) && p.text[p.pos] != '"'; p.pos++ {
				if p.text[p.pos] == '\\' {
					p.pos++
				}
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth < 0 {
				return
			}
		case ',':
			if depth == 0 {
				return
			}
		}
		p.pos++
	}
}

type parser struct {
	text string
	pos  int
	left int // values that may be read
}

func (p *parser) space() {
	for p.pos < len(p.text) {
		switch p.text[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

func (p *parser) peek() byte {
	if p.pos < len(p.text) {
		return p.text[p.pos]
	}
	return 0
}

func (p *parser) value(depth int) (Value, error) {
	if depth > MaxDepth {
		return Value{}, ErrDepth
	}
	if p.left--; p.left < 0 {
		return Value{}, ErrValues
	}
	v, start := Value{}, p.pos
	var err error
	switch p.peek() {
	case '{':
		v, err = p.object(depth)
	case '[':
		v, err = p.array(depth)
	case '"':
		v.Kind = String
		v.String, err = p.str()
	case 't':
		v, err = Value{Kind: Bool, Bool: true}, p.word("true")
	case 'f':
		v, err = Value{Kind: Bool}, p.word("false")
	case 'n':
		v, err = Value{Kind: Null}, p.word("null")
	default:
		v.Kind = Number
		v.Number, err = p.number()
		v.String = p.text[start:p.pos]
	}
	return v, err
}

func (p *parser) word(w string) error {
	if len(p.text)-p.pos < len(w) || p.text[p.pos:p.pos+len(w)] != w {
		return ErrSyntax
	}
	p.pos += len(w)
	return nil
}

func (p *parser) array(depth int) (Value, error) {
	v := Value{Kind: Array}
	p.pos++
	p.space()
	if p.peek() == ']' {
		p.pos++
		return v, nil
	}
	for {
		p.space()
		item, err := p.value(depth + 1)
		if err != nil {
			return v, err
		}
		v.Items = append(v.Items, item)
		p.space()
		switch p.peek() {
		case ',':
			p.pos++
		case ']':
			p.pos++
			return v, nil
		default:
			return v, ErrSyntax
		}
	}
}

func (p *parser) object(depth int) (Value, error) {
	v := Value{Kind: Object}
	var seen map[string]int // built when an object has many members
	p.pos++
	p.space()
	if p.peek() == '}' {
		p.pos++
		return v, nil
	}
	for {
		p.space()
		if p.peek() != '"' {
			return v, ErrSyntax
		}
		name, err := p.str()
		if err != nil {
			return v, err
		}
		p.space()
		if p.peek() != ':' {
			return v, ErrSyntax
		}
		p.pos++
		p.space()
		member, err := p.value(depth + 1)
		if err != nil {
			return v, err
		}
		seen = v.put(name, member, seen)
		p.space()
		switch p.peek() {
		case ',':
			p.pos++
		case '}':
			p.pos++
			v.order()
			return v, nil
		default:
			return v, ErrSyntax
		}
	}
}

// put sets a member while the object is being read; a map finds repeated names once there are many.
func (v *Value) put(name string, member Value, seen map[string]int) map[string]int {
	const few = 16
	if seen == nil && len(v.Members) >= few {
		seen = make(map[string]int, 2*few)
		for i := range v.Members {
			seen[v.Members[i].Name] = i
		}
	}
	at := -1
	if seen != nil {
		if i, ok := seen[name]; ok {
			at = i
		}
	} else {
		at = slices.IndexFunc(v.Members, func(m Member) bool { return m.Name == name })
	}
	if at >= 0 {
		v.Members[at].Value = member
		return seen
	}
	if seen != nil {
		seen[name] = len(v.Members)
	}
	v.Members = append(v.Members, Member{name, member})
	return seen
}

// order moves names that are array indexes to the front, in ascending order.
func (v *Value) order() {
	if !slices.ContainsFunc(v.Members, func(m Member) bool { _, ok := arrayIndex(m.Name); return ok }) {
		return
	}
	slices.SortStableFunc(v.Members, func(a, b Member) int {
		i, aIndex := arrayIndex(a.Name)
		j, bIndex := arrayIndex(b.Name)
		switch {
		case aIndex && bIndex:
			return int(i) - int(j)
		case aIndex:
			return -1
		case bIndex:
			return 1
		}
		return 0
	})
}

// arrayIndex reports whether a name is the canonical form of an integer from 0 to 2^32-2.
func arrayIndex(name string) (uint32, bool) {
	if len(name) == 0 || len(name) > 10 || name[0] == '0' && len(name) > 1 {
		return 0, false
	}
	for i := range len(name) {
		if name[i] < '0' || name[i] > '9' {
			return 0, false
		}
	}
	n, err := strconv.ParseUint(name, 10, 32)
	return uint32(n), err == nil && n != math.MaxUint32
}

// NewObject returns an object to which the members were assigned one after the other.
func NewObject(members []Member) Value {
	v := Value{Kind: Object}
	var seen map[string]int
	for _, m := range members {
		seen = v.put(m.Name, m.Value, seen)
	}
	v.order()
	return v
}

// Set assigns a property: a new one goes where JavaScript puts it, an old one keeps its place.
func (v *Value) Set(name string, member Value) {
	at := slices.IndexFunc(v.Members, func(m Member) bool { return m.Name == name })
	if at >= 0 {
		v.Members[at].Value = member
		return
	}
	v.Members = append(v.Members, Member{name, member})
	v.order()
}

// Get returns a property, or nil.
func (v *Value) Get(name string) *Value {
	for i := range v.Members {
		if v.Members[i].Name == name {
			return &v.Members[i].Value
		}
	}
	return nil
}

func (p *parser) number() (float64, error) {
	start := p.pos
	if p.peek() == '-' {
		p.pos++
	}
	switch c := p.peek(); {
	case c == '0':
		p.pos++
	case c >= '1' && c <= '9':
		p.digits()
	default:
		return 0, ErrSyntax
	}
	if p.peek() == '.' {
		p.pos++
		if !p.digits() {
			return 0, ErrSyntax
		}
	}
	if c := p.peek(); c == 'e' || c == 'E' {
		p.pos++
		if c := p.peek(); c == '+' || c == '-' {
			p.pos++
		}
		if !p.digits() {
			return 0, ErrSyntax
		}
	}
	// Out of range is infinity in JavaScript too.
	f, err := strconv.ParseFloat(p.text[start:p.pos], 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, ErrSyntax
	}
	return f, nil
}

func (p *parser) digits() bool {
	start := p.pos
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		p.pos++
	}
	return p.pos > start
}

func (p *parser) str() (string, error) {
	p.pos++
	start := p.pos
	for p.pos < len(p.text) {
		switch c := p.text[p.pos]; {
		case c == '"':
			p.pos++
			return p.text[start : p.pos-1], nil
		case c == '\\':
			return p.escaped(start)
		case c < 0x20:
			return "", ErrSyntax
		}
		p.pos++
	}
	return "", ErrSyntax
}

// escaped reads the rest of a string that has escapes.
func (p *parser) escaped(start int) (string, error) {
	b := []byte(p.text[start:p.pos])
	for p.pos < len(p.text) {
		c := p.text[p.pos]
		p.pos++
		switch {
		case c == '"':
			return string(b), nil
		case c < 0x20:
			return "", ErrSyntax
		case c != '\\':
			b = append(b, c)
			continue
		}
		c = p.peek()
		p.pos++
		switch c {
		case '"', '\\', '/':
			b = append(b, c)
		case 'b':
			b = append(b, '\b')
		case 'f':
			b = append(b, '\f')
		case 'n':
			b = append(b, '\n')
		case 'r':
			b = append(b, '\r')
		case 't':
			b = append(b, '\t')
		case 'u':
			unit, ok := p.hex4()
			if !ok {
				return "", ErrSyntax
			}
			b = appendUnit(b, unit)
		default:
			return "", ErrSyntax
		}
	}
	return "", ErrSyntax
}

func (p *parser) hex4() (uint16, bool) {
	if len(p.text)-p.pos < 4 {
		return 0, false
	}
	var n uint16
	for _, c := range []byte(p.text[p.pos : p.pos+4]) {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		n = n<<4 | uint16(c)
	}
	p.pos += 4
	return n, true
}

// appendUnit appends one UTF-16 unit. The second half of a pair joins the first half before it.
func appendUnit(b []byte, unit uint16) []byte {
	if unit >= 0xdc00 && unit <= 0xdfff && len(b) >= 3 {
		if high, ok := half(b[len(b)-3:]); ok && high < 0xdc00 {
			return utf8.AppendRune(b[:len(b)-3], 0x10000+rune(high-0xd800)<<10+rune(unit-0xdc00))
		}
	}
	if unit >= 0xd800 && unit <= 0xdfff {
		return append(b, 0xe0|byte(unit>>12), 0x80|byte(unit>>6&0x3f), 0x80|byte(unit&0x3f))
	}
	return utf8.AppendRune(b, rune(unit))
}

// half decodes half a surrogate pair from its three bytes.
func half[T []byte | string](b T) (uint16, bool) {
	if len(b) < 3 || b[0] != 0xed || b[1] < 0xa0 || b[1] > 0xbf || b[2]&0xc0 != 0x80 {
		return 0, false
	}
	return 0xd000 | uint16(b[1]&0x3f)<<6 | uint16(b[2]&0x3f), true
}

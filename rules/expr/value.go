package expr

import (
	"bytes"
	"math"
	"math/bits"
	"strconv"

	"github.com/seed56735111/penstock/internal/quote"
)

// maxField is how many bytes of a field count.
const maxField = 64 << 10

// num is a number: whole ones of 64 bits are exact.
type num struct {
	i       int64
	f       float64
	isWhole bool
}

func whole(i int64) num { return num{i: i, isWhole: true} }

func (n num) float() float64 {
	if n.isWhole {
		return float64(n.i)
	}
	return n.f
}

func (n num) negative() num {
	if n.isWhole && n.i != math.MinInt64 {
		return whole(-n.i)
	}
	return num{f: -n.float()}
}

// compare returns the mask of how a stands to b.
func (n num) compare(b num) mask {
	if n.isWhole && b.isWhole {
		return order(n.i < b.i, n.i > b.i)
	}
	x, y := n.float(), b.float()
	return order(x < y, x > y)
}

// mask is a set of ways in which one value stands to another.
type mask uint8

const (
	less mask = 1 << iota
	same
	more
	unequal // neither: of different kinds
)

func order(isLess, isMore bool) mask {
	switch {
	case isLess:
		return less
	case isMore:
		return more
	}
	return same
}

// masks are what the operators take for true.
var masks = map[string]mask{ //nolint:gochecknoglobals // a table that nobody writes to
	"==": same, "!=": less | more | unequal, "<": less, "<=": less | same, ">": more, ">=": more | same,
}

// mirrored returns the mask of b to a for one of a to b.
func (m mask) mirrored() mask { return m&(same|unequal) | m&less<<2 | m&more>>2 }

// value is what an expression comes to. Without a type there is none: a field is absent or null.
type value struct {
	typ Type
	// raw says that bytes is JSON as it was written: of a text what stands between its quotes.
	raw   bool
	yes   bool
	num   num
	bytes []byte // of a text, an object or a list; of a number how it was written, when a field has it
}

// of reads JSON.
func of(json []byte) value {
	if len(json) == 0 {
		return value{}
	}
	switch c := json[0]; c {
	case '"':
		return value{typ: Text, raw: true, bytes: json[1 : len(json)-1]}
	case '{':
		return value{typ: Object, raw: true, bytes: json}
	case '[':
		return value{typ: List, raw: true, bytes: json}
	case 't', 'f':
		return value{typ: Boolean, yes: c == 't'}
	case 'n':
		return value{}
	}
	n, ok := parseNumber(json)
	if !ok {
		return value{}
	}
	return value{typ: Number, raw: true, num: n, bytes: json}
}

func truth(yes bool) value     { return value{typ: Boolean, yes: yes} }
func ofNumber(n num) value     { return value{typ: Number, num: n} }
func ofText(text []byte) value { return value{typ: Text, bytes: text} }
func ofFloat(f float64) value {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return value{}
	}
	return value{typ: Number, num: num{f: f}}
}

// number reads a value as a number.
func (v *value) number() (num, bool) {
	switch v.typ {
	case Number:
		return v.num, true
	case Text:
		return parseNumber(v.bytes)
	}
	return num{}, false
}

// boolean reads a value as a boolean.
func (v *value) boolean() (yes, ok bool) {
	switch {
	case v.typ == Boolean:
		return v.yes, true
	case v.typ == Text && string(v.bytes) == "true":
		return true, true
	case v.typ == Text && string(v.bytes) == "false":
		return false, true
	}
	return false, false
}

// text reads a value as a text: a number as it was written.
func (v *value) text(f *frame) ([]byte, bool) {
	switch v.typ {
	case Text:
		if !v.raw {
			return cut(v.bytes), true
		}
		return f.plain(v.bytes), true
	case Number:
		if v.raw {
			return cut(v.bytes), true
		}
		return f.appended(appendNumber(f.buf, v.num)), true
	case Boolean:
		return f.appended(strconv.AppendBool(f.buf, v.yes)), true
	}
	return nil, false
}

// appendJSON appends a value that there is.
func (v *value) appendJSON(dst []byte) []byte {
	switch {
	case v.typ == Boolean:
		return strconv.AppendBool(dst, v.yes)
	case v.typ == Number && !v.raw:
		return appendNumber(dst, v.num)
	case v.typ != Text:
		return append(dst, v.bytes...)
	}
	dst = append(dst, '"')
	if v.raw {
		dst = append(dst, v.bytes...)
	} else {
		dst = quote.Append(dst, v.bytes)
	}
	return append(dst, '"')
}

// frame is one evaluation: the record, and room for texts that are made on the way.
type frame struct {
	r   Record
	buf []byte
}

// appended keeps what was appended to f.buf, and returns it.
func (f *frame) appended(longer []byte) []byte {
	start := len(f.buf)
	f.buf = longer
	return longer[start:len(longer):len(longer)]
}

// plain returns the text for which the body of a JSON string stands.
func (f *frame) plain(body []byte) []byte {
	if bytes.IndexByte(body, '\\') < 0 {
		return cut(body)
	}
	return f.appended(quote.AppendUnquoted(f.buf, cutBody(body)))
}

// cut returns what of a text counts.
func cut(text []byte) []byte {
	if len(text) <= maxField {
		return text
	}
	n := maxField
	for n > maxField-4 && text[n]&0xc0 == 0x80 {
		n-- // not within a character
	}
	return text[:n]
}

// cutBody returns what of the body of a JSON string counts.
func cutBody(body []byte) []byte {
	if len(body) <= maxField {
		return body
	}
	for i := 0; ; {
		n := bytes.IndexByte(body[i:], '\\')
		if n < 0 || i+n >= maxField {
			return cut(body)
		}
		i += n
		size := 2
		if body[i+1] == 'u' {
			size = 6
		}
		if i+size > maxField {
			return body[:i]
		}
		i += size
	}
}

// exact are the powers of ten that a float64 holds exactly.
var exact = [...]float64{ //nolint:gochecknoglobals // a table that nobody writes to
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
	1e21, 1e22,
}

// parseNumber reads a decimal number: digits, with a sign, a fraction and an exponent if it has them.
func parseNumber(b []byte) (num, bool) {
	i, negative := 0, false
	if len(b) > 0 && b[0] == '-' {
		i, negative = 1, true
	}
	first, m, point := i, uint64(0), -1
	for ; i < len(b); i++ {
		d := b[i] - '0'
		if d > 9 {
			if b[i] != '.' || point >= 0 {
				break
			}
			point = i
			continue
		}
		m = m*10 + uint64(d)
	}
	digits, places := i-first, 0
	if point >= 0 {
		digits--
		if places = i - point - 1; places == 0 || point == first {
			return num{}, false
		}
	}
	if digits == 0 {
		return num{}, false
	}
	if i == len(b) && digits <= 18 {
		if point < 0 {
			n := int64(m)
			if negative {
				n = -n
			}
			return whole(n), true
		}
		if m < 1<<53 && places < len(exact) {
			f := float64(m) / exact[places]
			if negative {
				f = -f
			}
			return num{f: f}, true
		}
	}
	return parseLong(b, i, point < 0)
}

// parseLong reads a number with many digits, or with an exponent at b[i].
func parseLong(b []byte, i int, isWhole bool) (num, bool) {
	if i < len(b) {
		if b[i]|0x20 != 'e' {
			return num{}, false
		}
		if i++; i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if i == len(b) {
			return num{}, false
		}
		for ; i < len(b); i++ {
			if b[i]-'0' > 9 {
				return num{}, false
			}
		}
	} else if isWhole {
		if n, err := strconv.ParseInt(string(b), 10, 64); err == nil {
			return whole(n), true
		}
	}
	f, err := strconv.ParseFloat(string(b), 64)
	return num{f: f}, err == nil
}

// appendNumber appends a number as JSON.
func appendNumber(dst []byte, n num) []byte {
	if n.isWhole {
		return strconv.AppendInt(dst, n.i, 10)
	}
	form := byte('f')
	if abs := math.Abs(n.f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		form = 'e'
	}
	return strconv.AppendFloat(dst, n.f, form, -1, 64)
}

// arithmetic works out a op b. What is no number, such as what a division by zero comes to, is no value.
func arithmetic(op byte, a, b num) value {
	if a.isWhole && b.isWhole {
		switch op {
		case '+':
			if c := a.i + b.i; (c > a.i) == (b.i > 0) {
				return ofNumber(whole(c))
			}
		case '-':
			if c := a.i - b.i; (c < a.i) == (b.i > 0) {
				return ofNumber(whole(c))
			}
		case '*':
			if c, ok := multiply(a.i, b.i); ok {
				return ofNumber(whole(c))
			}
		case '%':
			if b.i == 0 {
				return value{}
			}
			return ofNumber(whole(a.i % b.i))
		}
	}
	x, y := a.float(), b.float()
	switch op {
	case '+':
		return ofFloat(x + y)
	case '-':
		return ofFloat(x - y)
	case '*':
		return ofFloat(x * y)
	case '/':
		return ofFloat(x / y)
	case '%':
		return ofFloat(math.Mod(x, y))
	}
	return ofFloat(math.Pow(x, y))
}

// multiply reports whether the product has 64 bits.
func multiply(a, b int64) (int64, bool) {
	hi, lo := bits.Mul64(size(a), size(b))
	c := a * b
	return c, hi == 0 && (lo < 1<<63 || lo == 1<<63 && c < 0 && (a < 0) != (b < 0))
}

func size(i int64) uint64 {
	if i < 0 {
		return -uint64(i) //nolint:gosec // the size of a negative number
	}
	return uint64(i)
}

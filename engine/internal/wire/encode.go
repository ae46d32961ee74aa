package wire

import (
	"bytes"
	"encoding/json"
	"iter"
	"math"
	"strconv"
	"unicode/utf8"
)

// Object is a JSON object to be written, in order.
type Object []Entry

// Entry is a name of an object with its value.
type Entry struct {
	Name  string
	Value any
}

// Obj makes an object of names and values.
func Obj(pairs ...any) Object {
	o := make(Object, 0, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		name, _ := pairs[i].(string)
		o = append(o, Entry{name, pairs[i+1]})
	}
	return o
}

// List is a list whose items are made while it is written.
type List iter.Seq[any]

// Double is a number that is written as Java writes a double: 3.0, 1.5E12.
type Double float64

// Append writes a value: an object, a list, a node, text that is JSON already, or a scalar.
func Append(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case Object:
		b = append(b, '{')
		for i, e := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendString(b, e.Name), ':')
			b = Append(b, e.Value)
		}
		return append(b, '}')
	case []any:
		b = append(b, '[')
		for i, item := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = Append(b, item)
		}
		return append(b, ']')
	case List:
		b = append(b, '[')
		first := true
		for item := range v {
			if !first {
				b = append(b, ',')
			}
			first = false
			b = Append(b, item)
		}
		return append(b, ']')
	case []string:
		b = append(b, '[')
		for i, item := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, item)
		}
		return append(b, ']')
	case string:
		return appendString(b, v)
	case bool:
		return strconv.AppendBool(b, v)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case uint64:
		return strconv.AppendUint(b, v, 10)
	case Double:
		return AppendDouble(b, float64(v), 64)
	case float32:
		return AppendDouble(b, float64(v), 32)
	case json.RawMessage:
		return append(b, v...)
	case Node:
		return AppendNode(b, &v)
	case *Node:
		return AppendNode(b, v)
	}
	return append(b, "null"...)
}

// AppendNode adds a value as it was written, without the white space between its parts.
func AppendNode(b []byte, n *Node) []byte {
	switch n.Kind {
	case StringKind:
		return appendString(b, n.Text)
	case NumberKind, BoolKind:
		return append(b, n.Text...)
	case ArrayKind:
		b = append(b, '[')
		for i := range n.Items {
			if i > 0 {
				b = append(b, ',')
			}
			b = AppendNode(b, &n.Items[i])
		}
		return append(b, ']')
	case ObjectKind:
		b = append(b, '{')
		for i := range n.Members {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendString(b, n.Members[i].Name), ':')
			b = AppendNode(b, &n.Members[i].Node)
		}
		return append(b, '}')
	}
	return append(b, "null"...)
}

func appendString(b []byte, s string) []byte {
	const digits = "0123456789ABCDEF"
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		}
	}
	if rest := s[from:]; utf8.ValidString(rest) {
		b = append(b, rest...)
	} else {
		b = append(b, bytes.ToValidUTF8([]byte(rest), []byte("�"))...)
	}
	return append(b, '"')
}

// AppendDouble writes the shortest digits that give the number back, in Java's notation.
func AppendDouble(b []byte, f float64, bits int) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(b, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(b, `"-Infinity"`...)
	}
	const small, large = 1e-3, 1e7
	if abs := math.Abs(f); abs != 0 && (abs < small || abs >= large) {
		text := strconv.AppendFloat(nil, f, 'E', -1, bits)
		mantissa, exponent, _ := bytes.Cut(text, []byte{'E'})
		b = append(b, mantissa...)
		if !bytes.Contains(mantissa, []byte{'.'}) {
			b = append(b, ".0"...)
		}
		n, _ := strconv.Atoi(string(exponent))
		return strconv.AppendInt(append(b, 'E'), int64(n), 10)
	}
	start := len(b)
	b = strconv.AppendFloat(b, f, 'f', -1, bits)
	if !bytes.Contains(b[start:], []byte{'.'}) {
		b = append(b, ".0"...)
	}
	return b
}

// Indent lays compact JSON out as the engines do with ?pretty.
func Indent(compact []byte) []byte {
	var out []byte
	const deepest = 40 // beyond, lines grow no longer: what hostile nesting can make of a body stays bounded
	depth, text := 0, false
	line := func() {
		out = append(out, '\n')
		for range min(depth, deepest) {
			out = append(out, "  "...)
		}
	}
	for i := 0; i < len(compact); i++ {
		c := compact[i]
		if text {
			out = append(out, c)
			switch c {
			case '\\':
				i++
				out = append(out, compact[i])
			case '"':
				text = false
			}
			continue
		}
		switch c {
		case '"':
			text = true
			out = append(out, c)
		case '{', '[':
			out = append(out, c)
			j := i + 1
			for j < len(compact) && (compact[j] == ' ' || compact[j] == '\n' || compact[j] == '\t' || compact[j] == '\r') {
				j++
			}
			if j < len(compact) && (compact[j] == '}' || compact[j] == ']') {
				out = append(out, ' ', compact[j])
				i = j
				continue
			}
			depth++
			line()
		case '}', ']':
			depth--
			line()
			out = append(out, c)
		case ',':
			out = append(out, c)
			line()
		case ':':
			out = append(out, " : "...)
		case ' ', '\n', '\r', '\t':
		default:
			out = append(out, c)
		}
	}
	return append(out, '\n')
}

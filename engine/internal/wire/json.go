// Package wire reads bodies as trees that know the place of each value, with the errors of the engines' parser, and
// writes answers and errors, whose members keep their order.
package wire

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Depth is how deep objects and lists are nested in a value.
func (n *Node) Depth() int {
	deepest := 0
	for i := range n.Items {
		deepest = max(deepest, n.Items[i].Depth())
	}
	for i := range n.Members {
		deepest = max(deepest, n.Members[i].Node.Depth())
	}
	if n.Kind == ObjectKind || n.Kind == ArrayKind {
		return deepest + 1
	}
	return 0
}

// kind is what a JSON value is.
type kind byte

// What a JSON value can be.
const (
	NullKind kind = iota
	BoolKind
	NumberKind
	StringKind
	ArrayKind
	ObjectKind
)

// Node is a JSON value as it was written: names in their order, numbers with their digits.
type Node struct {
	Kind       kind
	Start, End int    // in what was read
	Text       string // of a string, a number, true or false
	Items      []Node
	Members    []Member
}

// Member is a name of an object with its value.
type Member struct {
	Name string
	At   int // where the name begins
	Node Node
}

// Get returns the value of a name; ok is false when there is none.
func (n *Node) Get(name string) (*Node, bool) {
	for i := range n.Members {
		if n.Members[i].Name == name {
			return &n.Members[i].Node, true
		}
	}
	return nil, false
}

// RawToken is what the reader below the engines calls the first token of a value.
func (n *Node) RawToken() string {
	switch {
	case n.Kind == BoolKind:
		return "VALUE_" + strings.ToUpper(n.Text)
	case n.Kind == NumberKind && strings.ContainsAny(n.Text, ".eE"):
		return "VALUE_NUMBER_FLOAT"
	case n.Kind == NumberKind:
		return "VALUE_NUMBER_INT"
	}
	return n.Token()
}

// Token is what the engines call the first token of a value.
func (n *Node) Token() string {
	switch n.Kind {
	case BoolKind:
		return "VALUE_BOOLEAN"
	case NumberKind:
		return "VALUE_NUMBER"
	case StringKind:
		return "VALUE_STRING"
	case ArrayKind:
		return "START_ARRAY"
	case ObjectKind:
		return "START_OBJECT"
	}
	return "VALUE_NULL"
}

// maxNesting is how deep a body may be nested.
const maxNesting = 1000

// Parse reads one value, as strictly as the engines do: a name twice in one object is an error.
func Parse(b []byte) (Node, error) {
	r := reader{b: b, all: string(b)}
	if !utf8.Valid(b) {
		for r.at < len(b) {
			c, n := utf8.DecodeRune(b[r.at:])
			if c == utf8.RuneError && n == 1 {
				break
			}
			r.at += n
		}
		return Node{}, r.fail("Invalid UTF-8 start byte 0x%02x", b[r.at])
	}
	const byteOrderMark = "\xef\xbb\xbf"
	if strings.HasPrefix(r.all, byteOrderMark) {
		r.at = len(byteOrderMark)
	}
	r.space()
	n, err := r.value()
	if err != nil {
		return Node{}, err
	}
	if r.space(); r.at < len(b) {
		switch c := b[r.at]; c {
		case '}', ']':
			r.at++
			return Node{}, r.fail("Unexpected close marker '%c': expected '%c' (for root starting at %s; line: 1])",
				c, map[byte]byte{'}': ']', ']': '}'}[c], SourceText)
		}
		// What follows the value is read to find an error in it. A second value is an error too.
		second, err := r.value()
		if err != nil {
			return Node{}, err
		}
		return Node{}, Illegal("Malformed content, found extra data after parsing: %s", second.Token())
	}
	return n, nil
}

// ParseBody reads a request body. It refuses one that is no JSON object in the words of the engines.
func ParseBody(b []byte) (Node, error) {
	n, err := Parse(b)
	if err == nil && n.Kind != ObjectKind {
		line, column := Position(b, n.Start)
		return Node{}, Errorf(400, "parsing_exception", "Expected [START_OBJECT] but found [%s]", n.Token()).
			With("line", line, "col", column)
	}
	return n, err
}

type reader struct {
	b       []byte
	all     string // b, of which texts are parts
	at      int
	depth   int
	members []Member // of the objects that are being read, innermost last
}

// SourceText stands in the errors of the engines instead of the source.
const SourceText = "[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled)"

// Position is the line and the column of an offset. Both count from 1.
func Position(b []byte, at int) (line, column int) {
	line, column = 1, at+1
	for i := 0; i < at && i < len(b); i++ {
		if b[i] == '\n' {
			line, column = line+1, at-i
		}
	}
	return line, column
}

func (r *reader) where(at int) string {
	line, column := Position(r.b, at)
	return fmt.Sprintf("\n at %s; line: %d, column: %d]", SourceText, line, column)
}

func (r *reader) fail(format string, args ...any) error {
	return Errorf(400, "json_parse_exception", "%s%s", fmt.Sprintf(format, args...), r.where(r.at))
}

func (r *reader) eof(format string, args ...any) error {
	return Errorf(400, "json_e_o_f_exception", "Unexpected end-of-input%s%s",
		fmt.Sprintf(format, args...), r.where(len(r.b)))
}

func (r *reader) space() {
	for r.at < len(r.b) {
		switch r.b[r.at] {
		case ' ', '\n', '\r', '\t':
			r.at++
		default:
			return
		}
	}
}

// unexpected is the error about the character at hand.
func (r *reader) unexpected(wanted string) error {
	c, size := utf8.DecodeRune(r.b[r.at:])
	r.at += size
	if c < ' ' {
		return r.fail("Illegal character ((CTRL-CHAR, code %d)): only regular white space (\\r, \\n, \\t) is allowed "+
			"between tokens", c)
	}
	return r.fail("Unexpected character ('%c' (code %d)): %s", c, c, wanted)
}

func (r *reader) value() (Node, error) {
	n := Node{Start: r.at}
	if r.at >= len(r.b) {
		return n, r.eof("")
	}
	var err error
	switch c := r.b[r.at]; {
	case c == '{':
		err = r.object(&n)
	case c == '[':
		err = r.array(&n)
	case c == '"':
		n.Kind = StringKind
		n.Text, err = r.text("VALUE_STRING")
	case c == '-' || c >= '0' && c <= '9':
		err = r.number(&n)
	case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '$' || c >= utf8.RuneSelf:
		err = r.literal(&n)
	default:
		err = r.unexpected("expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')")
	}
	n.End = r.at
	return n, err
}

func (r *reader) down() error {
	if r.depth++; r.depth > maxNesting {
		return Errorf(400, "stream_constraints_exception", "Document nesting depth (%d) exceeds the maximum allowed "+
			"(%d, from `StreamReadConstraints.getMaxNestingDepth()`)", r.depth, maxNesting)
	}
	return nil
}

func (r *reader) object(n *Node) error {
	n.Kind = ObjectKind
	if err := r.down(); err != nil {
		return err
	}
	first := len(r.members)
	defer func() {
		r.depth--
		clear(r.members[first:])
		r.members = r.members[:first]
	}()
	r.at++
	r.space()
	if r.at < len(r.b) && r.b[r.at] == '}' {
		r.at++
		return nil
	}
	var seen map[string]struct{} // only for large objects
	for {
		r.space()
		if r.at >= len(r.b) {
			return r.unclosed("Object", n.Start)
		}
		m := Member{At: r.at}
		if r.b[r.at] != '"' {
			return r.unexpected("was expecting double-quote to start field name")
		}
		var err error
		if m.Name, err = r.text("FIELD_NAME"); err != nil {
			return err
		}
		if among(r.members[first:], m.Name, &seen) {
			return r.fail("Duplicate field '%s'", m.Name)
		}
		r.space()
		if r.at >= len(r.b) {
			return r.eof(" within/between Object entries")
		}
		if r.b[r.at] != ':' {
			return r.unexpected("was expecting a colon to separate field name and value")
		}
		r.at++
		r.space()
		if r.at >= len(r.b) {
			return r.eof(" within/between Object entries")
		}
		if r.b[r.at] == '}' || r.b[r.at] == ']' {
			return r.unexpected("expected a value")
		}
		if m.Node, err = r.value(); err != nil {
			return err
		}
		r.members = append(r.members, m)
		r.space()
		if r.at >= len(r.b) {
			return r.unclosed("Object", n.Start)
		}
		switch r.b[r.at] {
		case ',':
			r.at++
		case '}':
			r.at++
			n.Members = slices.Clone(r.members[first:])
			return nil
		default:
			return r.unexpected("was expecting comma to separate Object entries")
		}
	}
}

// among says whether a name is one of the members'.
func among(members []Member, name string, seen *map[string]struct{}) bool {
	const many = 32
	if len(members) < many {
		for i := range members {
			if members[i].Name == name {
				return true
			}
		}
		return false
	}
	if *seen == nil {
		*seen = make(map[string]struct{}, 2*many)
		for i := range members {
			(*seen)[members[i].Name] = struct{}{}
		}
	}
	_, ok := (*seen)[name]
	(*seen)[name] = struct{}{}
	return ok
}

func (r *reader) unclosed(what string, start int) error {
	line, column := Position(r.b, start)
	return r.eof(": expected close marker for %s (start marker at %s; line: %d, column: %d])", what, SourceText, line,
		column)
}

func (r *reader) array(n *Node) error {
	n.Kind = ArrayKind
	if err := r.down(); err != nil {
		return err
	}
	defer func() { r.depth-- }()
	r.at++
	r.space()
	if r.at < len(r.b) && r.b[r.at] == ']' {
		r.at++
		return nil
	}
	for {
		r.space()
		if r.at >= len(r.b) {
			return r.unclosed("Array", n.Start)
		}
		if r.b[r.at] == '}' || r.b[r.at] == ']' {
			return r.unexpected("expected a value")
		}
		item, err := r.value()
		if err != nil {
			return err
		}
		n.Items = append(n.Items, item)
		r.space()
		if r.at >= len(r.b) {
			return r.unclosed("Array", n.Start)
		}
		switch r.b[r.at] {
		case ',':
			r.at++
		case ']':
			r.at++
			return nil
		default:
			return r.unexpected("was expecting comma to separate Array entries")
		}
	}
}

func (r *reader) literal(n *Node) error {
	start := r.at
	for r.at < len(r.b) {
		c, size := utf8.DecodeRune(r.b[r.at:])
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '$' && c < utf8.RuneSelf {
			break
		}
		r.at += size
	}
	switch word := string(r.b[start:r.at]); word {
	case "null":
	case "true", "false":
		n.Kind, n.Text = BoolKind, word
	default:
		const longest = 256
		if len(word) > longest {
			word = word[:longest] + "..."
		}
		return r.fail("Unrecognized token '%s': was expecting (JSON String, Number, Array, Object or token 'null', "+
			"'true' or 'false')", strings.ToValidUTF8(word, ""))
	}
	return nil
}

func (r *reader) digits() bool {
	start := r.at
	for r.at < len(r.b) && r.b[r.at] >= '0' && r.b[r.at] <= '9' {
		r.at++
	}
	return r.at > start
}

// MaxDigits bounds a number, as the engines' reader does.
const MaxDigits = 1000

func (r *reader) number(n *Node) error {
	n.Kind = NumberKind
	start := r.at
	if r.b[r.at] == '-' {
		r.at++
	}
	first := r.at
	if !r.digits() {
		if r.at >= len(r.b) {
			return r.eof(": No digit following minus sign")
		}
		return r.unexpected("expected digit (0-9) to follow minus sign, for valid numeric value")
	}
	if r.b[first] == '0' && r.at > first+1 {
		r.at = first + 1
		return r.fail("Invalid numeric value: Leading zeroes not allowed")
	}
	if r.at < len(r.b) && r.b[r.at] == '.' {
		r.at++
		if !r.digits() {
			if r.at >= len(r.b) {
				return r.eof(" in VALUE_NUMBER_FLOAT")
			}
			return r.unexpected("Decimal point not followed by a digit")
		}
	}
	if r.at < len(r.b) && (r.b[r.at] == 'e' || r.b[r.at] == 'E') {
		r.at++
		if r.at < len(r.b) && (r.b[r.at] == '+' || r.b[r.at] == '-') {
			r.at++
		}
		if !r.digits() {
			if r.at >= len(r.b) {
				return r.eof(" in VALUE_NUMBER_FLOAT")
			}
			return r.unexpected("Exponent indicator not followed by a digit")
		}
	}
	if r.at < len(r.b) {
		switch r.b[r.at] {
		case ' ', '\n', '\r', '\t', ',', '}', ']':
		default:
			return r.unexpected("Expected space separating root-level values")
		}
	}
	if r.at-start > MaxDigits {
		return Errorf(400, "stream_constraints_exception", "Number value length (%d) exceeds the maximum allowed (%d, "+
			"from `StreamReadConstraints.getMaxNumberLength()`)", r.at-start, MaxDigits)
	}
	n.Text = r.all[start:r.at]
	return nil
}

// text reads a string.
func (r *reader) text(what string) (string, error) {
	r.at++
	start := r.at
	for r.at < len(r.b) {
		switch c := r.b[r.at]; {
		case c == '"':
			s := r.all[start:r.at]
			r.at++
			return s, nil
		case c == '\\':
			return r.escaped(start, what)
		case c < ' ':
			r.at++
			return "", r.fail("Illegal unquoted character ((CTRL-CHAR, code %d)): has to be escaped using backslash to be "+
				"included in %s", c, stringNames[what])
		default:
			r.at++
		}
	}
	return "", r.eof(" in %s", what)
}

var stringNames = map[string]string{"VALUE_STRING": "string value", "FIELD_NAME": "name"}

// escaped goes on with a string at its first backslash.
func (r *reader) escaped(start int, what string) (string, error) {
	out := append(make([]byte, 0, r.at-start+32), r.b[start:r.at]...)
	for r.at < len(r.b) {
		c := r.b[r.at]
		r.at++
		switch {
		case c == '"':
			return string(out), nil
		case c < ' ':
			return "", r.fail("Illegal unquoted character ((CTRL-CHAR, code %d)): has to be escaped using backslash to be "+
				"included in %s", c, stringNames[what])
		case c != '\\':
			out = append(out, c)
			continue
		}
		if r.at >= len(r.b) {
			break
		}
		e := r.b[r.at]
		r.at++
		switch e {
		case '"', '\\', '/':
			out = append(out, e)
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			c, err := r.hex()
			if err != nil {
				return "", err
			}
			if utf16.IsSurrogate(c) && r.at+1 < len(r.b) && r.b[r.at] == '\\' && r.b[r.at+1] == 'u' {
				at := r.at
				r.at += 2
				low, err := r.hex()
				if err != nil {
					return "", err
				}
				if both := utf16.DecodeRune(c, low); both != utf8.RuneError {
					c = both
				} else {
					r.at = at
				}
			}
			out = utf8.AppendRune(out, c) // half a pair becomes U+FFFD
		default:
			r.at--
			bad, size := utf8.DecodeRune(r.b[r.at:])
			r.at += size
			return "", r.fail("Unrecognized character escape '%c' (code %d)", bad, bad)
		}
	}
	return "", r.eof(" in %s", what)
}

func (r *reader) hex() (rune, error) {
	const digits = 4
	if r.at+digits > len(r.b) {
		return 0, r.eof(" in character escape sequence")
	}
	n, err := strconv.ParseUint(string(r.b[r.at:r.at+digits]), 16, 32)
	if err != nil {
		return 0, r.unexpected("expected a hex-digit for character escape sequence")
	}
	r.at += digits
	return rune(n), nil //nolint:gosec // four digits
}

// Places returns a function that finds the members of an object, fast in large ones too.
func (n *Node) Places() func(name string) (int, bool) {
	const many = 16
	if len(n.Members) < many {
		return func(name string) (int, bool) {
			i := slices.IndexFunc(n.Members, func(m Member) bool { return m.Name == name })
			return i, i >= 0
		}
	}
	at := make(map[string]int, len(n.Members))
	for i := range n.Members {
		at[n.Members[i].Name] = i
	}
	return func(name string) (int, bool) {
		i, ok := at[name]
		return i, ok
	}
}

// Texts are the texts of a list. A single text may stand for a list of one.
func (n *Node) Texts() []string {
	if n.Kind == StringKind {
		return []string{n.Text}
	}
	out := make([]string, 0, len(n.Items))
	for i := range n.Items {
		out = append(out, n.Items[i].Text)
	}
	return out
}

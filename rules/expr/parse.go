package expr

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The bounds of an expression.
const (
	// MaxNodes is how many parts an expression may have: fields, values, operators and calls.
	MaxNodes = 200
	maxDepth = 200 // parentheses in parentheses
	maxParts = 16  // the names in a path
)

type op uint8

const (
	literal op = iota // of the node's type
	list              // of args
	field             // at path
	member            // at path, of args[0]
	index             // args[1] of args[0]
	call              // of the function word, with args
	binary            // the operator word, of args[0] and args[1]
	unary             // the operator word, of args[0]
	choice            // args[0] ? args[1] : args[2]
)

// node is a part of an expression.
type node struct {
	op     op
	typ    Type
	at, to int    // where it stands in the text
	sign   int    // where its operator stands
	word   string // the function or operator
	not    bool   // of "x not in y" and its like
	args   []*node
	mode   Type   // of a comparison: as what both sides are read
	modes  []Type // of "in" with a list in brackets: one for each of its values
	path   *Path
	text   string // of a literal: the text
	num    num    // of a literal: the number
	yes    bool   // of a literal: the boolean

	pattern *regexp.Regexp
}

func (n *node) is(o op, word string) bool { return n.op == o && n.word == word }

// binaries are the binary operators and how tightly they bind, by the table of expr-lang.
var binaries = map[string]int{ //nolint:gochecknoglobals // a table that nobody writes to
	"or": 10, "||": 10, "and": 15, "&&": 15,
	"==": 20, "!=": 20, "<": 20, ">": 20, ">=": 20, "<=": 20,
	"in": 20, "matches": 20, "contains": 20, "startsWith": 20, "endsWith": 20,
	"+": 30, "-": 30, "*": 60, "/": 60, "%": 60, "**": 100, "^": 100, "??": 500,
}

// unaries are the unary operators.
var unaries = map[string]int{"not": 50, "!": 50, "-": 90, "+": 90} //nolint:gochecknoglobals // as above

// left says why what expr-lang has is not here.
var left = map[string]string{ //nolint:gochecknoglobals // as above
	"..": "there are no ranges: write x >= 1 && x <= 5", "|": "there are no pipes: write lower(x)",
	";": "there is one expression in a text", "let": "there are no variables", "if": "write x ? 1 : 2",
	"#": "there are no predicates", "{": "there are no objects in expressions", "=": "write == to compare",
	"&": "write && for and",
}

type parser struct {
	src    string
	tokens []token
	nodes  int
	depth  int
	err    *Error
}

// parse reads an expression.
func parse(src string) (*node, *Error) {
	if len(src) > maxText {
		return nil, &Error{Offset: maxText, Reason: fmt.Sprintf("an expression has at most %d bytes", maxText)}
	}
	if !utf8.ValidString(src) {
		return nil, &Error{Reason: "the expression is no UTF-8"}
	}
	tokens, err := lex(src)
	if err != nil {
		return nil, err
	}
	p := &parser{src: src, tokens: tokens}
	n := p.expression(0)
	if t := p.now(); t.kind != endToken {
		p.unexpected(t)
	}
	return n, p.err
}

func (p *parser) now() token { return p.tokens[0] }

func (p *parser) next() token {
	t := p.tokens[0]
	if t.kind != endToken {
		p.tokens = p.tokens[1:]
	}
	return t
}

// fail keeps the first error, and lets the text end here.
func (p *parser) fail(at int, format string, args ...any) {
	if p.err == nil {
		p.err = &Error{Offset: at, Reason: fmt.Sprintf(format, args...)}
	}
	p.tokens = p.tokens[len(p.tokens)-1:]
}

func (p *parser) unexpected(t token) {
	switch {
	case t.kind == endToken:
		p.fail(t.at, "the expression ends too early")
	case t.kind == signToken && left[t.value] != "":
		p.fail(t.at, "%s", left[t.value])
	case t.kind == nameToken:
		p.fail(t.at, "%s is not expected here", strconv.Quote(t.value))
		p.err.Near = nearest(t.value, keysOf(words))
	default:
		p.fail(t.at, "%s is not expected here", p.src[t.at:t.to])
	}
}

func (p *parser) isSign(value string) bool {
	return p.now().kind == signToken && p.now().value == value
}

func (p *parser) expect(value string) token {
	t := p.now()
	if !p.isSign(value) {
		if t.kind == endToken {
			p.fail(t.at, "%s is missing", value)
		}
		p.unexpected(t)
		return t
	}
	return p.next()
}

// add counts a node.
func (p *parser) add(n node) *node {
	if p.nodes++; p.nodes > MaxNodes {
		p.fail(n.at, "the expression has more than %d parts: a table and lookup are for long lists", MaxNodes)
	}
	return &n
}

func (p *parser) expression(least int) *node {
	if p.depth++; p.depth > maxDepth {
		p.fail(p.now().at, "more than %d parentheses in one another", maxDepth)
	}
	defer func() { p.depth-- }()
	n := p.primary()
	before := ""
	for p.now().kind == signToken {
		t := p.now()
		not := t.value == "not"
		if not {
			if t = p.tokens[1]; t.kind != signToken || !canNegate(t.value) {
				p.unexpected(p.now())
				break
			}
		}
		tight, known := binaries[t.value]
		if !known || tight < least {
			break
		}
		if not {
			p.next()
		}
		p.next()
		if before == "??" && t.value != "??" {
			p.fail(t.at, "?? and %s stand side by side: put one of them in parentheses", t.value)
		}
		if isOrder(t.value) {
			n = p.comparison(n, t, tight)
		} else {
			under := tight + 1
			if t.value == "**" || t.value == "^" {
				under = tight
			}
			n = p.binary(t, n, p.expression(under))
			n.not = not
		}
		before = t.value
	}
	if least == 0 {
		n = p.choice(n)
	}
	return n
}

func canNegate(word string) bool {
	switch word {
	case "in", "matches", "contains", "startsWith", "endsWith":
		return true
	}
	return false
}

func isOrder(word string) bool { return word == "<" || word == "<=" || word == ">" || word == ">=" }

func (p *parser) binary(t token, l, r *node) *node {
	word := t.value
	switch word {
	case "||":
		word = "or"
	case "&&":
		word = "and"
	case "^":
		word = "**"
	}
	return p.add(node{op: binary, word: word, sign: t.at, at: l.at, to: r.to, args: []*node{l, r}})
}

// comparison reads 1 < x < 5 as 1 < x && x < 5.
func (p *parser) comparison(l *node, t token, tight int) *node {
	var all *node
	for {
		r := p.expression(tight + 1)
		n := p.binary(t, l, r)
		if all != nil {
			n = p.binary(token{at: t.at, value: "&&"}, all, n)
		}
		all, l = n, r
		if t = p.now(); t.kind != signToken || !isOrder(t.value) {
			return all
		}
		p.next()
	}
}

func (p *parser) choice(n *node) *node {
	for p.isSign("?") {
		t := p.next()
		yes := n
		if !p.isSign(":") {
			yes = p.expression(0)
		}
		p.expect(":")
		no := p.expression(0)
		n = p.add(node{op: choice, sign: t.at, at: n.at, to: no.to, args: []*node{n, yes, no}})
	}
	return n
}

func (p *parser) primary() *node {
	t := p.now()
	if tight, ok := unaries[t.value]; ok && t.kind == signToken {
		p.next()
		n := p.expression(tight)
		if n.op == literal && n.typ == Number && (t.value == "-" || t.value == "+") {
			if t.value == "-" {
				n.num = n.num.negative()
			}
			n.at = t.at
			return n
		}
		word := t.value
		if word == "!" {
			word = "not"
		}
		return p.add(node{op: unary, word: word, sign: t.at, at: t.at, to: n.to, args: []*node{n}})
	}
	switch {
	case t.kind == textToken:
		p.next()
		return p.postfix(p.add(node{op: literal, typ: Text, at: t.at, to: t.to, text: t.value}))
	case t.kind == numberToken:
		p.next()
		return p.add(node{op: literal, typ: Number, at: t.at, to: t.to, num: p.number(t)})
	case t.kind == nameToken:
		return p.named()
	case p.isSign("("):
		p.next()
		n := p.expression(0)
		last := p.expect(")")
		inner := *n
		inner.at, inner.to = t.at, last.to
		return p.postfix(&inner)
	case p.isSign("["):
		p.next()
		args, to := p.arguments("]")
		return p.postfix(p.add(node{op: list, typ: List, at: t.at, to: to, args: args}))
	}
	p.unexpected(t)
	return &node{op: literal, at: t.at, to: t.to}
}

// named reads what begins with a name.
func (p *parser) named() *node {
	t := p.next()
	switch t.value {
	case "true", "false":
		return p.add(node{op: literal, typ: Boolean, at: t.at, to: t.to, yes: t.value == "true"})
	case "nil":
		p.fail(t.at, "there is no nil: has(x) asks whether a record has a field")
	}
	if !p.isSign("(") {
		return p.postfix(p.add(node{op: field, at: t.at, to: t.to, path: NewPath(t.value)}))
	}
	p.next()
	args, to := p.arguments(")")
	n := p.add(node{op: call, word: t.value, sign: t.at, at: t.at, to: to, args: args})
	if p.err == nil && t.value == "field" {
		if len(args) != 1 || args[0].op != literal || args[0].typ != Text {
			p.fail(t.at, "field takes the name of a field as a text in quotes")
			return n
		}
		n.op, n.path, n.args = field, NewPath(args[0].text), nil
	}
	return p.postfix(n)
}

func (p *parser) arguments(closing string) (args []*node, to int) {
	for !p.isSign(closing) && p.err == nil {
		if len(args) > 0 {
			if p.expect(","); p.isSign(closing) {
				break
			}
		}
		args = append(args, p.expression(0))
	}
	return args, p.expect(closing).to
}

// postfix reads .name and [index] behind n.
func (p *parser) postfix(n *node) *node {
	for p.err == nil {
		switch {
		case p.isSign(".") || p.isSign("?."):
			if p.next().value == "?." && p.isSign("[") {
				continue
			}
			t := p.next()
			if t.kind != nameToken && (t.kind != signToken || !words[t.value]) {
				p.unexpected(t)
				break
			}
			if p.isSign("(") {
				p.fail(t.at, "values have no functions of their own: write %s(x)", t.value)
			}
			n = p.below(n, t.value, t.to)
		case p.isSign("["):
			t := p.next()
			if p.isSign(":") {
				p.fail(p.now().at, "there are no slices")
			}
			at := p.expression(0)
			if p.isSign(":") {
				p.fail(p.now().at, "there are no slices")
			}
			last := p.expect("]")
			if at.op == literal && at.typ == Text {
				n = p.below(n, at.text, last.to)
				continue
			}
			n = p.add(node{op: index, sign: t.at, at: n.at, to: last.to, args: []*node{n, at}})
		default:
			return n
		}
	}
	return n
}

// below returns the member of n that has a name.
func (p *parser) below(n *node, name string, to int) *node {
	if n.op == field {
		longer := *n
		longer.path, longer.to = NewPath(n.path.text+"."+name), to
		return &longer
	}
	return p.add(node{op: member, at: n.at, to: to, path: NewPath(name), args: []*node{n}})
}

// number reads a number as Go does, without a leading zero that means octal.
func (p *parser) number(t token) num {
	s := strings.ReplaceAll(t.value, "_", "")
	base := 10
	if len(s) > 1 && s[0] == '0' && strings.IndexByte("xXoObB", s[1]) >= 0 {
		base = 0
	}
	if base == 10 && strings.ContainsAny(s, ".eE") {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || math.IsInf(f, 0) {
			p.fail(t.at, "%s is no number", t.value)
		}
		return num{f: f}
	}
	i, err := strconv.ParseInt(s, base, 64)
	if err != nil {
		p.fail(t.at, "%s is no number of 64 bits", t.value)
	}
	return whole(i)
}

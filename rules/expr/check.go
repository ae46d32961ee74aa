package expr

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
)

// What the parts of an expression cost, in steps of about ten nanoseconds on an ordinary field.
const (
	costPart    = 1  // a field, a comparison, arithmetic
	costText    = 3  // what makes a text or searches one
	costList    = 10 // what goes through a list
	costPattern = 30 // matches
)

// a returns the type as one says what something is.
func (t Type) a() string {
	switch t {
	case Number, Boolean, Time, List:
		return "a " + t.String()
	case Object:
		return "an object"
	}
	return t.String()
}

// function is a function of expressions.
type function struct {
	takes       []Type // of its parameters; Unknown takes any
	least, most int    // how many arguments there are
	gives       Type
	cost        int
}

// functions are all of them, beside field.
var functions = map[string]function{ //nolint:gochecknoglobals // a table that nobody writes to
	"has":        {[]Type{Unknown}, 1, 1, Boolean, costPart},
	"len":        {[]Type{Unknown}, 1, 1, Number, costText},
	"int":        {[]Type{Unknown}, 1, 1, Number, costPart},
	"float":      {[]Type{Unknown}, 1, 1, Number, costPart},
	"string":     {[]Type{Unknown}, 1, 1, Text, costText},
	"lower":      {[]Type{Text}, 1, 1, Text, costText},
	"upper":      {[]Type{Text}, 1, 1, Text, costText},
	"trim":       {[]Type{Text, Text}, 1, 2, Text, costText},
	"trimPrefix": {[]Type{Text, Text}, 2, 2, Text, costText},
	"trimSuffix": {[]Type{Text, Text}, 2, 2, Text, costText},
	"replace":    {[]Type{Text, Text, Text}, 3, 3, Text, costList},
	"split":      {[]Type{Text, Text}, 2, 2, List, costList},
	"abs":        {[]Type{Number}, 1, 1, Number, costPart},
	"ceil":       {[]Type{Number}, 1, 1, Number, costPart},
	"floor":      {[]Type{Number}, 1, 1, Number, costPart},
	"round":      {[]Type{Number}, 1, 1, Number, costPart},
	"min":        {[]Type{Number}, 2, MaxNodes, Number, costPart},
	"max":        {[]Type{Number}, 2, MaxNodes, Number, costPart},
}

// leftOut says why functions of expr-lang are not here.
func leftOut(word string) string {
	switch word {
	case "now", "date", "duration", "timezone":
		return "the same record has to come to the same tomorrow, so that there is no clock"
	case "all", "any", "one", "none", "map", "filter", "find", "findIndex", "findLast", "findLastIndex", "count", "sum",
		"groupBy", "sortBy", "reduce", "mean", "median":
		return "there are no loops: \"a\" in tags asks whether a list holds a value"
	}
	return ""
}

// checker gives every node its type.
type checker struct {
	src    string
	schema Schema
	fields []string
	cost   int
	err    *Error
}

func (c *checker) fail(n *node, format string, args ...any) {
	if c.err == nil {
		c.err = &Error{Offset: n.at, Reason: fmt.Sprintf(format, args...)}
	}
}

// say quotes a part of the expression.
func (c *checker) say(n *node) string {
	s := c.src[n.at:n.to]
	if len(s) > 40 {
		s = s[:40] + "…"
	}
	if n.op == literal || n.op == field && n.path.text == s {
		return s
	}
	return "`" + s + "`"
}

// check sets the type of n and of all below it.
func (c *checker) check(n *node) {
	for i, arg := range n.args {
		if arg.op == list && i == 1 && n.is(binary, "in") {
			for _, e := range arg.args {
				c.check(e)
			}
			continue
		}
		c.check(arg)
	}
	if c.err != nil {
		return
	}
	if n.op != literal && n.op != list && n.op != call {
		c.cost += costPart
	}
	switch n.op {
	case field:
		c.field(n)
	case list:
		c.fail(n, "a list in brackets stands behind in")
	case member:
		if t := n.args[0].typ; t != Object && t != Unknown {
			c.fail(n, "%s is %s, which has no members", c.say(n.args[0]), t.a())
		}
	case index:
		c.index(n)
	case call:
		c.call(n)
	case unary:
		n.typ = Number
		if n.word == "not" {
			n.typ = Boolean
		}
		c.needs(n.args[0], n.typ, n.word)
	case binary:
		c.binary(n)
	case choice:
		c.needs(n.args[0], Boolean, "?")
		n.typ = common(n.args[1], n.args[2])
	}
}

// common is the type of what is one or the other.
func common(a, b *node) Type {
	if a.typ == b.typ {
		return a.typ
	}
	return Unknown
}

// needs says that n has to be of a type, or unknown, for an operator.
func (c *checker) needs(n *node, t Type, word string) {
	if n.typ == t || n.typ == Unknown {
		return
	}
	switch {
	case t == Text && (n.typ == Number || n.typ == Boolean || n.typ == Time):
		c.fail(n, "%s needs text, and %s is %s: string(…) makes text of it", word, c.say(n), n.typ.a())
	case t == Number && n.typ == Text && n.op != literal:
		c.fail(n, "%s needs a number, and %s is text: float(…) makes a number of it", word, c.say(n))
	default:
		c.fail(n, "%s needs %s, and %s is %s", word, t.a(), c.say(n), n.typ.a())
	}
}

func (c *checker) field(n *node) {
	p := n.path
	if len(p.ends) > maxParts {
		c.fail(n, "the name of a field has at most %d parts", maxParts)
	}
	if !slices.Contains(c.fields, p.text) {
		c.fields = append(c.fields, p.text)
	}
	if c.schema == nil {
		return
	}
	for i := len(p.ends); i > 0; i-- {
		t, ok := c.schema[p.Name(i)]
		switch {
		case !ok:
			continue
		case i == len(p.ends):
			n.typ = t
		case t != Object && t != Unknown:
			c.fail(n, "%s is %s, which has no members", p.Name(i), t.a())
		}
		return
	}
	if t, ok := c.schema[AnyField]; ok {
		n.typ = t
		return
	}
	c.fail(n, "no record has a field %s", strconv.Quote(p.text))
	c.err.Near = nearest(p.text, keysOf(c.schema))
}

func (c *checker) index(n *node) {
	of, at := n.args[0], n.args[1]
	if of.typ != List && of.typ != Unknown {
		c.fail(of, "%s is %s, and [%s] takes from a list", c.say(of), of.typ.a(), c.src[at.at:at.to])
	}
	if at.typ != Number {
		c.fail(at, "in brackets stands a number, or a text in quotes")
	}
	c.cost += costList
}

func (c *checker) call(n *node) {
	f, ok := functions[n.word]
	if !ok {
		if why := leftOut(n.word); why != "" {
			c.fail(n, "there is no %s: %s", n.word, why)
			return
		}
		c.fail(n, "there is no function %s", n.word)
		c.err.Near = nearest(n.word, append(keysOf(functions), "field"))
		return
	}
	if len(n.args) < f.least || len(n.args) > f.most {
		c.fail(n, "%s takes %s, not %d", n.word, counted(f), len(n.args))
		return
	}
	for i, arg := range n.args {
		if takes := f.takes[min(i, len(f.takes)-1)]; takes != Unknown {
			c.needs(arg, takes, n.word)
		}
	}
	switch first := n.args[0]; {
	case n.word == "len" && (first.typ == Number || first.typ == Boolean || first.typ == Time),
		(n.word == "int" || n.word == "float") && first.typ != Number && first.typ != Text && first.typ != Unknown:
		c.fail(first, "%s of %s, which is %s, is nothing", n.word, c.say(first), first.typ.a())
	}
	n.typ = f.gives
	c.cost += f.cost
}

func counted(f function) string {
	switch {
	case f.most == MaxNodes:
		return fmt.Sprintf("at least %d arguments", f.least)
	case f.least != f.most:
		return fmt.Sprintf("%d or %d arguments", f.least, f.most)
	case f.least == 1:
		return "one argument"
	}
	return fmt.Sprintf("%d arguments", f.least)
}

func (c *checker) binary(n *node) {
	l, r := n.args[0], n.args[1]
	n.typ = Boolean
	switch n.word {
	case "and", "or":
		c.needs(l, Boolean, n.word)
		c.needs(r, Boolean, n.word)
	case "??":
		n.typ = common(l, r)
	case "==", "!=", "<", "<=", ">", ">=":
		n.mode = c.compared(n, l, r)
	case "in":
		c.in(n, l, r)
	case "contains", "startsWith", "endsWith", "matches":
		c.cost += costText
		if l.is(unary, "not") {
			c.fail(l, "not is nearer than %s: write %s not %s …", n.word, c.src[l.args[0].at:l.args[0].to], n.word)
		}
		c.needs(l, Text, n.word)
		c.needs(r, Text, n.word)
		if n.word == "matches" && c.err == nil {
			c.pattern(n, r)
		}
	case "+":
		n.typ = Number
		switch {
		case l.typ == Text || r.typ == Text:
			n.typ = Text
			c.cost += costText
		case l.typ == Unknown && r.typ == Unknown:
			n.typ = Unknown
			c.cost += costText
		}
		if n.typ != Unknown {
			c.needs(l, n.typ, n.word)
			c.needs(r, n.typ, n.word)
		}
	default: // - * / % **
		n.typ = Number
		c.needs(l, Number, n.word)
		c.needs(r, Number, n.word)
	}
}

func (c *checker) pattern(n, r *node) {
	c.cost += costPattern
	if r.op != literal {
		c.fail(r, "the pattern of matches is a text in quotes")
		return
	}
	re, err := regexp.Compile(r.text)
	if err != nil {
		c.fail(r, "no pattern: %s", quietly(err))
		return
	}
	n.pattern = re
}

// compared returns as what l and r are compared.
func (c *checker) compared(n, l, r *node) Type {
	for _, side := range n.args {
		if side.typ == List || side.typ == Object {
			c.fail(side, "%s is %s, and %s compares single values", c.say(side), side.typ.a(), n.word)
		}
	}
	mode := l.typ
	switch {
	case l.typ == r.typ, r.typ == Unknown:
	case l.typ == Unknown:
		mode = r.typ
	case l.typ == Time && r.typ == Text, l.typ == Text && r.typ == Time:
		mode = Time
	default:
		if l.is(unary, "not") {
			c.fail(l, "not is nearer than %s: put parentheses around what it is for", n.word)
		}
		c.fail(r, "%s is %s, and %s is %s", c.say(l), l.typ.a(), c.say(r), r.typ.a())
	}
	if mode == Boolean && isOrder(n.word) {
		c.fail(n, "neither of true and false is more than the other")
	}
	for _, side := range []*node{l, r} {
		if mode != Time || side.op != literal {
			continue
		}
		if _, ok := parseTime([]byte(side.text)); !ok {
			c.fail(side, "%s is no time: write 2026-11-28 or 2026-11-28T12:00:00Z", c.say(side))
		}
	}
	return mode
}

func (c *checker) in(n, l, r *node) {
	if l.is(unary, "not") {
		c.fail(l, "not is nearer than in: write %s not in …", c.src[l.args[0].at:l.args[0].to])
	}
	switch {
	case r.op == list:
		n.modes = make([]Type, len(r.args))
		c.cost += len(r.args)/8 + 1
		for i, e := range r.args {
			n.modes[i] = c.compared(&node{at: n.at, word: "in", args: []*node{l, e}}, l, e)
		}
	case r.typ == Text:
		c.fail(r, "%s is text: contains looks for a text in a text", c.say(r))
	case r.typ != List && r.typ != Object && r.typ != Unknown:
		c.fail(r, "in needs a list, and %s is %s", c.say(r), r.typ.a())
	case r.typ == Object:
		c.needs(l, Text, "in")
		fallthrough
	default:
		if l.typ == List || l.typ == Object {
			c.fail(l, "%s is %s, and in looks for a single value", c.say(l), l.typ.a())
		}
		n.mode = l.typ
		c.cost += costList
	}
}

package expr

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	peer "github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	peerparser "github.com/expr-lang/expr/parser"
)

// peerFields are those of the record on which expressions are evaluated by both.
var peerFields = map[string]any{
	"i": 7, "j": -3, "k": 0, "big": 1 << 40, "f": 2.5, "g": -0.125, "s": "Hello, Wörld", "t": "/api/v1/users",
	"e": "",
	"q": "a\"b\\c\n\té\u2028", "b": true, "c": false, "tags": []string{"a", "Hello", "é"}, "nums": []int{1, 7, 12},
	"o": map[string]any{"n": 5, "s": "deep", "b": true},
}

var peerSchema = Schema{
	"i": Number, "j": Number, "k": Number, "big": Number, "f": Number, "g": Number, "s": Text, "t": Text, "e": Text,
	"q": Text,
	"b": Boolean, "c": Boolean, "tags": List, "nums": List, "o": Object,
}

// writer writes random expressions whose parts are of the right types, mostly: "b && (b ? 4 : c)" is 4 there and false
// here, so that what has two types is not written.
type writer struct {
	*rand.Rand
	depth int
}

func (w *writer) of(choices ...string) string { return choices[w.IntN(len(choices))] }

// within writes one level deeper, in parentheses as often as not.
func (w *writer) within(write func() string) string {
	w.depth++
	defer func() { w.depth-- }()
	if w.IntN(3) > 0 {
		return "(" + write() + ")"
	}
	return write()
}

func (w *writer) whole() string {
	if w.depth > 3 || w.IntN(3) == 0 {
		return w.of("i", "j", "k", "big", "o.n", `o["n"]`, "0", "1", "2", "12", "0x1f", "1_0",
			"nums[1]", "nums[-1]", "len(s)")
	}
	a, b := w.within(w.whole), w.within(w.whole)
	switch w.IntN(9) {
	case 0:
		return a + w.of(" % ", "%") + w.of("3", "7", "10")
	case 1:
		return w.of("-", "+") + a
	case 2:
		return "abs(" + a + ")"
	case 3:
		return "len(" + w.within(w.text) + ")"
	case 4:
		return "len(split(" + w.within(w.text) + ", " + w.of(`","`, `""`, `"l"`) + "))"
	case 5:
		return "((" + w.within(w.truth) + ") ? " + a + " : " + b + ")"
	case 6:
		return "int(" + w.of("f", "g", "1.5", `"12"`, "f / 2", "-f * 3") + ")"
	}
	if w.IntN(3) == 0 {
		return a + w.of(" * ", "*") + w.of("2", "j", "12") // and no overflow, which wraps around there
	}
	return a + w.of(" + ", "-", "+") + b
}

func (w *writer) number() string {
	if w.depth > 3 || w.IntN(3) == 0 {
		return w.of("f", "g", "1.5", ".25", "2e2", "i", "3")
	}
	a, b := w.within(w.number), w.within(w.whole)
	switch w.IntN(8) {
	case 0:
		return a + " / " + w.of("2", "0.5", "7")
	case 1:
		return a + w.of(" ** ", "**", " ^ ") + w.of("2", "3", "0")
	case 2:
		return w.of("floor", "ceil", "round", "abs", "float") + "(" + a + ")"
	case 3:
		return w.of("min", "max") + "(" + a + ", " + b + ", " + w.within(w.number) + ")"
	case 4:
		return "-" + a
	}
	return a + w.of(" + ", " - ", "*") + b
}

func (w *writer) text() string {
	if w.depth > 3 || w.IntN(3) == 0 {
		return w.of("s", "t", "q", "e", "o.s", `"Hello"`, `'a'`, "`é`", `"\u00e9\n"`, `tags[0]`, `""`,
			`"\"b\\c"`, "o?.s", `'"'`)
	}
	a := w.within(w.text)
	switch w.IntN(8) {
	case 0:
		return w.of("lower", "upper", "trim") + "(" + a + ")"
	case 1:
		return w.of("trimPrefix", "trimSuffix", "trim") + "(" + a + ", " + w.within(w.text) + ")"
	case 2:
		return "replace(" + a + ", " + w.of(`"l"`, `"/"`, `"é"`) + ", " + w.within(w.text) + ")"
	case 3:
		return "split(" + a + ", " + w.of(`"/"`, `"o"`, `""`) + ")[" + w.of("0", "1", "-1") + "]"
	case 4:
		return "string(" + w.within(w.whole) + ")"
	case 5:
		return "((" + w.within(w.truth) + ") ? " + a + " : " + w.within(w.text) + ")"
	case 6:
		return a + " ?? " + w.within(w.text)
	}
	return a + " + " + w.within(w.text)
}

func (w *writer) truth() string {
	if w.depth > 3 || w.IntN(5) == 0 {
		return w.of("b", "c", "true", "false", "o.b", "b == c")
	}
	order := w.of(" == ", " != ", " < ", " <= ", " > ", " >= ")
	switch w.IntN(12) {
	case 0, 1:
		return w.within(w.whole) + order + w.within(w.number)
	case 2:
		return w.within(w.text) + order + w.within(w.text)
	case 3:
		return w.within(w.text) + w.of(" ", " not ") + w.of("contains ", "startsWith ", "endsWith ") + w.within(w.text)
	case 4:
		return w.within(w.text) + w.of(" ", " not ") + "matches " + w.of(`"^[A-Z]"`, `"l+"`, `"\\.|/"`, "`é$`")
	case 5:
		return w.within(w.text) + w.of(" in ", " not in ") +
			w.of(`["a", "Hello"]`, `["Hello"]`, "tags", "[s, t]", "[]", "o")
	case 6:
		return w.within(w.whole) + w.of(" in ", " not in ") + w.of("[1, 7]", "[i, 5, 2.5]", "[12]", "nums")
	case 7:
		return w.of("not ", "!") + w.within(w.truth)
	case 8:
		return w.within(w.whole) + w.of(" < ", " <= ") + w.within(w.number) + w.of(" < ", ">") + w.within(w.number)
	case 9:
		return "((" + w.truth() + ") ? " + w.within(w.truth) + " : " + w.within(w.truth) + ")"
	}
	return w.within(w.truth) + w.of(" and ", " && ", " or ", "||") + w.within(w.truth)
}

// compareWithVM evaluates an expression here and on expr-lang's machine, and reports whether both did.
func compareWithVM(t *testing.T, src string) bool {
	t.Helper()
	program, err := peer.Compile(src, peer.Env(peerFields))
	if err != nil {
		return false
	}
	result, err := peer.Run(program, peerFields)
	if err != nil {
		return false // which is no value here
	}
	want, err := json.Marshal(result)
	if err != nil {
		return false // infinite
	}
	record, err := json.Marshal(peerFields)
	if err != nil {
		t.Fatal(err)
	}
	both := false
	for _, schema := range []Schema{nil, peerSchema} {
		p, err := Compile(src, schema, Unknown)
		if err != nil {
			continue
		}
		both = true
		got, ok := p.AppendJSON(nil, JSON(record))
		if ok && isSame(string(got), string(want)) {
			if p.typ == Boolean && p.True(JSON(record)) != (string(want) == "true") {
				t.Errorf("%s is %s, and not when it is a condition", src, want)
			}
			continue
		}
		t.Errorf("%s\nis   %s, %t\nwant %s (schema: %t)", src, got, ok, want, schema != nil)
	}
	return both
}

// isSame compares two values as JSON.
func isSame(a, b string) bool {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	if errX == nil && errY == nil {
		return x == y
	}
	var v, w any
	return json.Unmarshal([]byte(a), &v) == nil && json.Unmarshal([]byte(b), &w) == nil && fmt.Sprint(v) == fmt.Sprint(w)
}

// FuzzTheVM holds the semantics of expr-lang, where both have them, over expressions that are written at random.
func FuzzTheVM(f *testing.F) {
	for i := range uint64(500) {
		f.Add(i, i)
	}
	f.Fuzz(func(t *testing.T, a, b uint64) {
		w := writer{Rand: rand.New(rand.NewPCG(a, b))}
		compareWithVM(t, w.truth())
		compareWithVM(t, w.within(w.text))
		compareWithVM(t, w.within(w.number))
	})
}

func TestMostExpressionsRunOnBoth(t *testing.T) {
	t.Parallel()
	w := writer{Rand: rand.New(rand.NewPCG(1, 2))}
	ran := 0
	const all = 3000
	for range all {
		src := w.of(w.truth(), w.text(), w.number(), w.whole())
		if compareWithVM(t, src) {
			ran++
		}
	}
	if ran < all*2/3 {
		t.Errorf("%d of %d expressions ran on both", ran, all)
	}
}

// FuzzSyntax holds that what is an expression here is the same expression there.
func FuzzSyntax(f *testing.F) {
	w := writer{Rand: rand.New(rand.NewPCG(3, 4))}
	for range 200 {
		f.Add(w.of(w.truth(), w.text(), w.number()))
	}
	for _, src := range []string{
		"a ?? b ?? c", "a ?: b", "a.b?.c[0].d", "not a in b", "a not in b", "- a ** b", "1..2", "a | lower()",
		"a\n//x\n+/*y*/b",
		"f(a,)", "[1,]", "a ?? b == c", "1 < 2 < 3 == 4", "a.in", "a.not.b", "((a))", "a[b]", "a[1:2]", "{a: 1}",
		"#", ".5e", "'\\'", "$x", "é",
		"not not a", "!a.b", "-a.b", "a ? b : c ? d : e", "(a ? b : c) ? d : e", "a and not b", "a + b not in c",
		"a ^ b", "1.e", "a.1",
	} {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		n, bad := parse(src)
		p, err := Compile(src, nil, Unknown)
		if err == nil {
			p.True(JSON(`{"a":1,"b":"x","c":[1],"d":{"e":null}}`))
			p.AppendJSON(nil, JSON(`{"a":"\u00e9","b":true,"c":{},"d":[{}]}`))
		}
		if bad != nil {
			if bad.Offset < 0 || bad.Offset > len(src) {
				t.Errorf("%q: the place of %v", src, bad)
			}
			return
		}
		there, err := peerparser.Parse(src)
		if err != nil {
			t.Fatalf("%q is an expression here alone: %v", src, err)
		}
		zero := strings.NewReplacer("-0", "0") // which has no sign as a whole number
		if got, want := zero.Replace(rendered(n)), zero.Replace(peerRendered(there.Node)); got != want {
			t.Errorf("%q is %s, want %s", src, got, want)
		}
	})
}

// peerRendered is rendered for a tree of expr-lang.
func peerRendered(n ast.Node) string {
	all := func(nodes []ast.Node) string {
		args := make([]string, len(nodes))
		for i, arg := range nodes {
			args[i] = peerRendered(arg)
		}
		return strings.Join(args, ", ")
	}
	switch n := n.(type) {
	case *ast.IntegerNode:
		return strconv.Itoa(n.Value)
	case *ast.FloatNode:
		return string(appendNumber(nil, num{f: n.Value}))
	case *ast.BoolNode:
		return strconv.FormatBool(n.Value)
	case *ast.StringNode:
		return strconv.Quote(n.Value)
	case *ast.ArrayNode:
		return "[" + all(n.Nodes) + "]"
	case *ast.IdentifierNode:
		return n.Value
	case *ast.ChainNode:
		return peerRendered(n.Node)
	case *ast.MemberNode:
		if name, ok := n.Property.(*ast.StringNode); ok {
			return peerRendered(n.Node) + "." + name.Value
		}
		return peerRendered(n.Node) + "[" + peerRendered(n.Property) + "]"
	case *ast.BuiltinNode:
		return n.Name + "(" + all(n.Arguments) + ")"
	case *ast.CallNode:
		if name, ok := n.Callee.(*ast.IdentifierNode); ok && name.Value == "field" && len(n.Arguments) == 1 {
			if name, ok := n.Arguments[0].(*ast.StringNode); ok {
				return name.Value
			}
		}
		return peerRendered(n.Callee) + "(" + all(n.Arguments) + ")"
	case *ast.UnaryNode:
		a := peerRendered(n.Node)
		if c := a[0]; c == '-' || c-'0' < 10 { // a sign belongs to its number
			switch n.Operator {
			case "-":
				return strings.TrimPrefix("-"+a, "--")
			case "+":
				return a
			}
		}
		return "(" + strings.Replace(n.Operator, "!", "not", 1) + " " + a + ")"
	case *ast.ConditionalNode:
		return "(" + all([]ast.Node{n.Cond}) + " ? " + peerRendered(n.Exp1) + " : " + peerRendered(n.Exp2) + ")"
	case *ast.BinaryNode:
		word := strings.NewReplacer("&&", "and", "||", "or", "^", "**").Replace(n.Operator)
		return "(" + peerRendered(n.Left) + " " + word + " " + peerRendered(n.Right) + ")"
	}
	return fmt.Sprintf("%T", n)
}

// rendered writes a tree with all parentheses.
func rendered(n *node) string {
	args := make([]string, len(n.args))
	for i, arg := range n.args {
		args[i] = rendered(arg)
	}
	switch n.op {
	case literal:
		switch n.typ {
		case Number:
			return string(appendNumber(nil, n.num))
		case Boolean:
			return strconv.FormatBool(n.yes)
		}
		return strconv.Quote(n.text)
	case list:
		return "[" + strings.Join(args, ", ") + "]"
	case field:
		return n.path.text
	case member:
		return args[0] + "." + n.path.text
	case index:
		return args[0] + "[" + args[1] + "]"
	case call:
		return n.word + "(" + strings.Join(args, ", ") + ")"
	case unary:
		return "(" + n.word + " " + args[0] + ")"
	case choice:
		return "(" + args[0] + " ? " + args[1] + " : " + args[2] + ")"
	}
	s := "(" + args[0] + " " + n.word + " " + args[1] + ")"
	if n.not {
		s = "(not " + s + ")"
	}
	return s
}

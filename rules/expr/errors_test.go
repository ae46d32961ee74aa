package expr_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/seed56735111/penstock/rules/expr"
)

// Each mistake is found when the expression is compiled, at its place, with the name that was meant.
func TestMistakesAreNamedWithTheirPlace(t *testing.T) {
	t.Parallel()
	schema := expr.Schema{
		"elb_status_code": expr.Number, "level": expr.Text, "ok": expr.Boolean, "time": expr.Time, "tags": expr.List,
		"user": expr.Object,
	}
	for _, c := range [][2]string{
		{"", "at character 1: the expression ends too early"},
		{"level ==", "at character 9: the expression ends too early"},
		{
			"elb_statuscode == 1",
			`at character 1: no record has a field "elb_statuscode": did you mean "elb_status_code"?`,
		},
		{`level == "a" && lvl == "b"`, `at character 17: no record has a field "lvl"`},
		{`elb_status_code == "500"`, `at character 20: elb_status_code is a number, and "500" is text`},
		{"500 == level", "at character 8: 500 is a number, and level is text"},
		{"level contains 5", "at character 16: contains needs text, and 5 is a number: string(…) makes text of it"},
		{
			"elb_status_code startsWith '5'",
			"at character 1: startsWith needs text, and elb_status_code is a number: string(…) makes text of it",
		},
		{"level > 5", "at character 9: level is text, and 5 is a number"},
		{"level * 2", "at character 1: * needs a number, and level is text: float(…) makes a number of it"},
		{"level + 2", "at character 9: + needs text, and 2 is a number: string(…) makes text of it"},
		{"level", "at character 1: this is text, and a boolean is needed here"},
		{"elb_status_code + 1", "at character 1: this is a number, and a boolean is needed here"},
		{"not level", "at character 5: not needs a boolean, and level is text"},
		{"!level == 'a'", "at character 2: not needs a boolean, and level is text"},
		{"not ok == 'a'", "at character 1: not is nearer than ==: put parentheses around what it is for"},
		{"not ok in ['a']", "at character 1: not is nearer than in: write ok not in …"},
		{"ok > false", "at character 1: neither of true and false is more than the other"},
		{"time > 'yesterday'", "at character 8: 'yesterday' is no time: write 2026-11-28 or 2026-11-28T12:00:00Z"},
		{"time > 5", "at character 8: time is a time, and 5 is a number"},
		{"tags == 'a'", "at character 1: tags is a list, and == compares single values"},
		{"'a' in level", "at character 8: level is text: contains looks for a text in a text"},
		{"level in [1]", "at character 11: level is text, and 1 is a number"},
		{"level.x == 1", "at character 1: level is text, which has no members"},
		{"level[0] == 'a'", "at character 1: level is text, and [0] takes from a list"},
		{"tags[level] == 1", "at character 6: in brackets stands a number, or a text in quotes"},
		{"has()", "at character 1: has takes one argument, not 0"},
		{"trim(level, 'a', 'b') == ''", "at character 1: trim takes 1 or 2 arguments, not 3"},
		{"min(1) == 1", "at character 1: min takes at least 2 arguments, not 1"},
		{"lowr(level) == 'a'", `at character 1: there is no function lowr: did you mean "lower"?`},
		{
			"now() > time",
			"at character 1: there is no now: the same record has to come to the same tomorrow, so that there is no clock",
		},
		{"any(tags, # == 1)", "at character 11: there are no predicates"},
		{
			"all(tags)",
			`at character 1: there is no all: there are no loops: "a" in tags asks whether a list holds a value`,
		},
		{"level matches '('", "at character 15: no pattern: missing closing ) `(`"},
		{"level matches level", "at character 15: the pattern of matches is a text in quotes"},
		{
			"level matches '\\d'",
			"at character 16: a text has no such escape: in a pattern a backslash is written as two",
		},
		{"1..2", "at character 2: there are no ranges: write x >= 1 && x <= 5"},
		{"level | lower()", "at character 7: there are no pipes: write lower(x)"},
		{"let x = 1; ok", "at character 1: there are no variables"},
		{"if ok { 1 } else { 2 }", "at character 1: write x ? 1 : 2"},
		{"level = 'a'", "at character 7: write == to compare"},
		{"level == nil", "at character 10: there is no nil: has(x) asks whether a record has a field"},
		{"level == 'a", "at character 10: the text has no closing '"},
		{"level == `a", "at character 10: the text has no closing `"},
		{"ok /* and", "at character 4: the comment has no */"},
		{
			"@timestamp > 1",
			"at character 1: no expression has '@': write field('@timestamp') for a field with such a name",
		},
		{"5xx == level", `at character 1: "5xx" is neither a number nor a name`},
		{"99999999999999999999 == 1", "at character 1: 99999999999999999999 is no number of 64 bits"},
		{"(ok", "at character 4: ) is missing"},
		{"ok)", "at character 3: ) is not expected here"},
		{"ok level", `at character 4: "level" is not expected here`},
		{"level startwith 'a'", `at character 7: "startwith" is not expected here: did you mean "startsWith"?`},
		{"level.lower() == 'a'", "at character 7: values have no functions of their own: write lower(x)"},
		{"field(level) == 1", "at character 1: field takes the name of a field as a text in quotes"},
		{"[1, 2] == 1", "at character 1: a list in brackets stands behind in"},
		{"ok ?? ok == true", "at character 10: ?? and == stand side by side: put one of them in parentheses"},
		{"level[1:2] == 'a'", "at character 8: there are no slices"},
		{"{'a': 1} == 1", "at character 1: there are no objects in expressions"},
		{"len(elb_status_code) == 1", "at character 5: len of elb_status_code, which is a number, is nothing"},
		{"int(ok) == 1", "at character 5: int of ok, which is a boolean, is nothing"},
		{"(level + 'x') > 1", "at character 17: `(level + 'x')` is text, and 1 is a number"},
	} {
		text, want := c[0], c[1]
		_, err := expr.Compile(text, schema, expr.Boolean)
		bad, ok := errors.AsType[*expr.Error](err)
		if !ok || err.Error() != want {
			t.Errorf("%s\ngot  %v\nwant %s", text, err, want)
			continue
		}
		if bad.Offset > len(text) {
			t.Errorf("%s: offset %d", text, bad.Offset)
		}
	}
}

func TestUnknownFieldsOfOpenFormats(t *testing.T) {
	t.Parallel()
	schema := expr.Schema{"level": expr.Text, "user": expr.Object, expr.AnyField: expr.Unknown}
	for _, text := range []string{"other == 1", "user.name == 1", "other.name == 'a'", "field('a b') == 1"} {
		if _, err := expr.Compile(text, schema, expr.Boolean); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := expr.Compile("level == 1", schema, expr.Boolean); err == nil {
		t.Error("level is known to be text")
	}
}

// What is too large is refused, not run.
func TestExpressionsAreBounded(t *testing.T) {
	t.Parallel()
	within := "a" + strings.Repeat(" or a", 99)
	p, err := expr.Compile(within, nil, expr.Boolean)
	if err != nil {
		t.Fatal(err)
	}
	if p.Cost() < 190 || p.Cost() > 200 {
		t.Errorf("199 parts cost %d", p.Cost())
	}
	for _, text := range []string{
		within + " or a", "x in [" + strings.Repeat("1,", 200) + "]",
		strings.Repeat("(", 300) + "a" + strings.Repeat(")", 300),
		strings.Repeat("-", 300) + "a", strings.Repeat("!", 300) + "a", strings.Repeat("a.", 20) + "a",
		"a == '" + strings.Repeat("x", 40<<10) + "'",
		strings.Repeat("a ? b : ", 300) + "a", strings.Repeat("[", 300), strings.Repeat("has(", 300),
	} {
		if _, err := expr.Compile(text, nil, expr.Unknown); err == nil {
			t.Errorf("%.60s… is taken", text)
		}
	}
}

func TestWhatAProgramSaysOfItself(t *testing.T) {
	t.Parallel()
	p, err := expr.Compile("b == 1 && a.c startsWith 'x' && b < 3 && field('d-e') matches 'x'", nil, expr.Boolean)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(p.Fields(), " "); got != "b a.c d-e" || p.Type() != expr.Boolean {
		t.Errorf("fields %s, type %s", got, p.Type())
	}
}

package expr_test

import (
	"testing"

	"github.com/seed56735111/penstock/rules/expr"
)

func TestAFieldIsNestedOrHasADottedName(t *testing.T) {
	t.Parallel()
	const record = `{"a": {"b": 1, "b.c": 2, "d" : {"e":3}}, "a.b" : 4, "x.y" : {"z":5, "z.w":6}, "n": null ,` +
		` "s": "q\"}", "\u0061\/b": 7, "é": 8, "l": [1, {"a":2}], "x": "text"}`
	for path, want := range map[string]string{
		"a.b": "1", "a.b.c": "2", "a.d.e": "3", "x.y.z": "5", "x.y.z.w": "6", "n": "null", "s": `"q\"}"`, "a/b": "7",
		"é": "8", "l": `[1, {"a":2}]`, "l.a": "", "a.x": "", "x.y.q": "", "": "", ".": "", "a.": "", `\u0061\/b`: "",
	} {
		p := expr.NewPath(path)
		got, ok := expr.JSON(record).Member(p)
		if string(got) != want || ok != (want != "") {
			t.Errorf("%q is %s, %t, want %s", path, got, ok, want)
		}
		if p.String() != path || p.Name(p.Len()) != path {
			t.Errorf("%q is written %q and %q", path, p, p.Name(p.Len()))
		}
	}
}

func TestWhatIsNoJSONHasNoMembers(t *testing.T) {
	t.Parallel()
	for _, record := range []string{
		"", "{", `{"`, `{"a`, `{"a"`, `{"a":`, `{"a":1`, `{"a" 1}`, "[1]", "7", `{"b":1 "a":2}`, `{]}`,
	} {
		if got, ok := expr.JSON(record).Member(expr.NewPath("a")); ok {
			t.Errorf("a in %s is %s", record, got)
		}
	}
}

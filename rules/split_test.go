package rules_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/rules"
)

// parted is a shaper whose documents have the id of their part.
type parted struct{ passed int }

func (p *parted) Entry(*penstock.Object, penstock.Identity, string, string) (penstock.EntryShaper, error) {
	return p, nil
}

func (p *parted) Shape(r *penstock.Record) (penstock.Document, error) {
	if r.Left {
		p.passed++
		return penstock.Document{}, penstock.ErrDrop
	}
	return penstock.Document{
		Index: "i", ID: r.AppendPart([]byte("7")), Head: r.JSON, Raw: r.Text(), Offset: r.Offset,
	}, nil
}

// shapeAll shapes all parts of a record: a line for each with its id, its document, and what it was as it was read.
func shapeAll(t *testing.T, e penstock.EntryShaper, record string) (lines []string) {
	t.Helper()
	r := penstock.Record{JSON: []byte(record), Raw: []byte(record)}
	for {
		doc, err := e.Shape(&r)
		switch re, isLetter := errors.AsType[*penstock.RecordError](err); {
		case errors.Is(err, penstock.ErrDrop):
			lines = append(lines, fmt.Sprintf("%s dropped", r.AppendPart([]byte("7"))))
		case isLetter:
			lines = append(lines, fmt.Sprintf("%s letter %s %s %s", re.ID, re.Document, re.Raw, re.Rules))
		case err != nil:
			t.Fatal(err)
		default:
			lines = append(lines, fmt.Sprintf("%s %s %s", doc.ID, doc.Body(), doc.Raw))
		}
		if !r.More {
			return lines
		}
	}
}

func splitter(t *testing.T, list ...rules.Rule) (*parted, penstock.EntryShaper) {
	t.Helper()
	inner := &parted{}
	c, err := rules.Compile(nil, list, nil, stages(t))
	if err != nil {
		t.Fatal(err)
	}
	e, err := c.Shaper(inner).Entry(nil, penstock.Identity{Bucket: "b", Key: "k"}, "", "json")
	if err != nil {
		t.Fatal(err)
	}
	return inner, e
}

func TestSplitMakesARecordOfEachElement(t *testing.T) {
	t.Parallel()
	split := rules.Rule{Verb: rules.Split{Field: "items"}, Name: "s"}
	set := func(field, value string) rules.Rule {
		return rules.Rule{Verb: rules.Set{Fields: fields(field, value)}, Name: "set " + field}
	}
	failing := rules.Rule{Verb: rules.Convert{Fields: fields("items.n", "integer")}, Name: "c"}
	lettered := failing
	lettered.DeadLetter = true
	for _, c := range []struct {
		name   string
		rules  []rules.Rule
		record string
		want   []string
	}{
		{
			"objects",
			[]rules.Rule{set("x", "1"), split, set("y", "{items.n}")},
			`{"a":1,"items":[{"n":1}, {"n":2} ],"b":2}`,
			[]string{
				`7.0 {"a":1,"items":{"n":1},"b":2,"x":"1","y":"1"} {"n":1}`,
				`7.1 {"a":1,"items":{"n":2},"b":2,"x":"1","y":"2"} {"n":2}`,
			},
		},
		{
			"texts, into another field",
			[]rules.Rule{{Verb: rules.Split{Field: "a.items", Into: "item.text"}}},
			`{"a":{"items":["x\ny",null]},"b":2}`,
			[]string{
				"7.0 " + `{"a":{},"b":2,"item":{"text":"x\ny"}}` + " x\ny", `7.1 {"a":{},"b":2,"item":{"text":null}} null`,
			},
		},
		{"one element", []rules.Rule{split}, `{"items":[1]}`, []string{`7.0 {"items":1} 1`}},
		{
			"an empty list",
			[]rules.Rule{split, set("x", "1")},
			`{"items":[ ]}`,
			[]string{`7 {"items":[ ],"x":"1"} {"items":[ ]}`},
		},
		{"no list", []rules.Rule{split}, `{"a":1}`, []string{`7 {"a":1} {"a":1}`}},
		{"null", []rules.Rule{split}, `{"items":null}`, []string{`7 {"items":null} {"items":null}`}},
		{
			"no list but a text",
			[]rules.Rule{split},
			`{"items":"x"}`,
			[]string{`7 {"items":"x","penstock.rules_failed":["s"]} {"items":"x"}`},
		},
		{
			"taken",
			[]rules.Rule{{Verb: rules.Split{Field: "items", Into: "a"}, Name: "s"}},
			`{"items":[1],"a":2}`,
			[]string{`7 {"items":[1],"a":2,"penstock.rules_failed":["s"]} {"items":[1],"a":2}`},
		},
		{
			"below what is no object",
			[]rules.Rule{{Verb: rules.Split{Field: "items", Into: "a.b"}, Name: "s"}},
			`{"items":[1],"a":2}`,
			[]string{`7 {"items":[1],"a":2,"penstock.rules_failed":["s"]} {"items":[1],"a":2}`},
		},
		{
			"in the shadow",
			[]rules.Rule{{Verb: rules.Split{Field: "items"}, Shadow: true}},
			`{"items":[1,2]}`,
			[]string{`7 {"items":[1,2]} {"items":[1,2]}`},
		},
		{
			"parts that are left out",
			[]rules.Rule{split, {Verb: rules.Drop{Reason: "odd"}, When: "items % 2 == 1"}},
			`{"items":[1,2,3,4]}`,
			[]string{`7.0 dropped`, `7.1 {"items":2} 2`, `7.2 dropped`, `7.3 {"items":4} 4`},
		},
		{
			"lists in lists",
			[]rules.Rule{split, {Verb: rules.Split{Field: "items.sub", Into: "sub"}}, set("x", "{sub}")},
			`{"items":[{"sub":[1,2]},{"sub":[]},{"sub":[3]},{"t":4}],"a":1}`,
			[]string{
				`7.0.0 {"items":{},"a":1,"sub":1,"x":"1"} 1`, `7.0.1 {"items":{},"a":1,"sub":2,"x":"2"} 2`,
				`7.1 {"items":{"sub":[]},"a":1} {"sub":[]}`, `7.2.0 {"items":{},"a":1,"sub":3,"x":"3"} 3`,
				`7.3 {"items":{"t":4},"a":1} {"t":4}`,
			},
		},
		{
			"a mark from before stays, and one of a part is its own",
			[]rules.Rule{{Verb: rules.Convert{Fields: fields("a", "integer")}, Name: "before"}, split, failing},
			`{"a":"x","items":[{"n":"x"},{"n":"2"}]}`,
			[]string{
				`7.0 {"a":"x","items":{"n":"x"},"penstock.rules_failed":["before","c"]} {"n":"x"}`,
				`7.1 {"a":"x","items":{"n":2},"penstock.rules_failed":["before"]} {"n":"2"}`,
			},
		},
		{
			"letters of parts",
			[]rules.Rule{set("x", "1"), split, lettered, set("y", "1")},
			`{"items":[{"n":"x"},{"n":"2"}]}`,
			[]string{
				`7.0 letter {"items":{"n":"x"},"x":"1"} {"n":"x"} [set x s]`,
				`7.1 {"items":{"n":2},"x":"1","y":"1"} {"n":"2"}`,
			},
		},
		{
			"secrets of other parts",
			[]rules.Rule{mask("user"), split, mask("items.card")},
			`{"user":"ada","items":[{"card":"one","m":"one"},{"card":"two","by":"ada"}]}`,
			[]string{
				`7.0 {"user":"[redacted]","items":{"card":"[redacted]","m":"[redacted]"}} `,
				`7.1 {"user":"[redacted]","items":{"card":"[redacted]","by":"[redacted]"}} {"card":"[redacted]","by":"[redacted]"}`,
			},
		},
		{
			"secrets of a list that is not split",
			[]rules.Rule{
				{Verb: rules.Split{Field: "items"}, When: "false"}, mask("items.card"),
			},
			`{"items":[{"card":"one"},{"card":"two"}]}`,
			[]string{
				`7 {"items":[{"card":"[redacted]"},{"card":"[redacted]"}]} {"items":[{"card":"[redacted]"},{"card":"[redacted]"}]}`,
			},
		},
	} {
		inner, e := splitter(t, c.rules...)
		for range 2 { // what one record leaves behind changes nothing of the next
			got := shapeAll(t, e, c.record)
			if g, w := strings.Join(got, "\n"), strings.Join(c.want, "\n"); g != w {
				t.Errorf("%s:\n%s\nwant\n%s", c.name, g, w)
			}
		}
		if isSplit := strings.Contains(c.want[0], "7."); isSplit != (inner.passed == 2) {
			t.Errorf("%s: the ids of records behind it depend on whether it is split: passed %d times", c.name, inner.passed)
		}
	}
}

// A small record does not become more than this machine or the domain can bear.
func TestSplitIsBounded(t *testing.T) {
	t.Parallel()
	split := rules.Rule{Verb: rules.Split{Field: "a"}, Name: "s"}
	list := func(n int, of string) string { return "[" + strings.Repeat(of+",", n-1) + of + "]" }
	for name, c := range map[string]struct {
		record string
		want   int // parts
	}{
		"as many as may be":  {`{"a":` + list(rules.MaxParts, "1") + `}`, rules.MaxParts},
		"too many":           {`{"a":` + list(rules.MaxParts+1, "1") + `}`, 1},
		"large beside it":    {`{"a":` + list(100, "1") + `,"b":"` + strings.Repeat("x", 1<<20) + `"}`, 1},
		"large by itself":    {`{"a":["` + strings.Repeat("x", 10<<20) + `","y"],"b":1}`, 2},
		"too many in others": {`{"a":` + list(200, `{"b":`+list(100, "1")+`}`) + `}`, 98*100 + 102},
	} {
		_, e := splitter(t, split, rules.Rule{Verb: rules.Split{Field: "a.b"}, Name: "again"})
		if got := shapeAll(t, e, c.record); len(got) != c.want {
			t.Errorf("%s: %d parts, want %d", name, len(got), c.want)
		}
	}
	deep := make([]rules.Rule, 12)
	for i := range deep {
		deep[i] = split
	}
	_, e := splitter(t, deep...)
	got := shapeAll(t, e, `{"a":`+strings.Repeat("[", 12)+`1`+strings.Repeat("]", 12)+`}`)
	want := `7.0.0.0.0.0.0.0.0 {"a":[[[[1]]]],"penstock.rules_failed":["s-9","s-10","s-11","s-12"]} [[[[1]]]]`
	if len(got) != 1 || got[0] != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func BenchmarkSplit(b *testing.B) {
	e := entryOf(b, stages(b), rules.Rule{Verb: rules.Split{Field: "items"}})
	record := []byte(`{"host":"a","items":[` + strings.Repeat(`{"n":1,"text":"some text"},`, 99) + `{"n":2}]}`)
	b.ReportAllocs()
	for b.Loop() {
		r := penstock.Record{JSON: record, Raw: record}
		for {
			if _, err := e.Shape(&r); err != nil {
				b.Fatal(err)
			}
			if !r.More {
				break
			}
		}
	}
}

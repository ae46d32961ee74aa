package rules_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/rules"
	"github.com/seed56735111/penstock/rules/expr"
)

func fields(pairs ...string) []rules.Assignment {
	var all []rules.Assignment
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, rules.Assignment{Field: pairs[i], Value: pairs[i+1]})
	}
	return all
}

func TestVerbsDoWhatTheySay(t *testing.T) {
	t.Parallel()
	const failed = `,"penstock.rules_failed":["v"]}`
	for _, c := range []struct {
		verb         rules.Verb
		record, want string
	}{
		{rules.Rename{fields("a", "b")}, `{"a":1,"c":2}`, `{"b":1,"c":2}`},
		{rules.Rename{fields("a", "b.c")}, `{"a":1,"b":{"d":2}}`, `{"b":{"d":2,"c":1}}`},
		{rules.Rename{fields("a.x", "y")}, `{"a":{"x":1,"z":2}}`, `{"a":{"z":2},"y":1}`},
		{rules.Rename{fields("a", "b", "b", "c")}, `{"a":1}`, `{"c":1}`},
		{rules.Rename{fields("a", "b")}, `{"a":1,"b":2}`, `{"a":1,"b":2` + failed},
		{rules.Rename{fields("c", "d", "a", "b")}, `{"a":1,"b":2,"c":3}`, `{"a":1,"b":2,"c":3` + failed},
		{rules.Rename{fields("n", "m")}, `{"a":1}`, `{"a":1}`},
		{rules.Remove{[]string{"a"}}, `{"a":1}`, `{}`},
		{rules.Remove{[]string{"a", "c"}}, `{"a":1, "b":2, "c":3}`, `{"b":2}`},
		{rules.Remove{[]string{"a.b"}}, `{"a":{"b":1}}`, `{"a":{}}`},
		{rules.Remove{[]string{"a.b"}}, `{"a":{"x":{"b":1}, "b" : 1 , "c":2}}`, `{"a":{"x":{"b":1}, "c":2}}`},
		{rules.Remove{[]string{"a.b"}}, `{"a":{"c":2, "b":1}}`, `{"a":{"c":2}}`},
		{rules.Remove{[]string{"a.b.c"}}, `{"a":{"b":{"c":[1,{}],"d":0}}}`, `{"a":{"b":{"d":0}}}`},
		{rules.Remove{[]string{"é"}}, `{"\u00e9":1,"b":2}`, `{"b":2}`},
		{rules.Convert{fields("a", "integer")}, `{"a":"007"}`, `{"a":7}`},
		{rules.Convert{fields("a", "integer")}, `{"a":" 12.00 "}`, `{"a":12}`},
		{rules.Convert{fields("a", "integer")}, `{"a":"1.5"}`, `{"a":"1.5"` + failed},
		{rules.Convert{fields("a", "decimal")}, `{"a":"1e3","b":1}`, `{"a":1e3,"b":1}`},
		{rules.Convert{fields("a", "decimal")}, `{"a":"1,5"}`, `{"a":"1,5"` + failed},
		{rules.Convert{fields("a", "boolean")}, `{"a":"Yes"}`, `{"a":true}`},
		{rules.Convert{fields("a", "text")}, `{"a":{"b":"c"}}`, `{"a":"{\"b\":\"c\"}"}`},
		{rules.Convert{fields("a", "text")}, `{"a":1.50}`, `{"a":"1.50"}`},
		{rules.Convert{fields("a", "text", "b", "integer")}, `{"a":1,"b":"x"}`, `{"a":1,"b":"x"` + failed},
		{rules.Lean{}, `{"a":null,"b":"","c":"-","d":{"e":null,"f":[null,""]},"g":0}`, `{"d":{"f":[null,""]},"g":0}`},
		{rules.Lean{[]string{"dash"}}, `{"a":null,"b":"-"}`, `{"a":null}`},
		{rules.Compute{fields("s", "a + 1", "t", "a > 1", "u", "x + 1")}, `{"a":2}`, `{"a":2,"s":3,"t":true}`},
	} {
		got, err := run(t, []rules.Rule{{Verb: c.verb, Name: "v"}}, c.record)
		if err != nil || got != c.want {
			t.Errorf("%T%v of %s: got %s, %v; want %s", c.verb, c.verb, c.record, got, err, c.want)
		}
	}
}

// Rules work one after the other on what those before them made.
func TestRulesWorkOnWhatTheOthersMade(t *testing.T) {
	t.Parallel()
	got, err := run(t, []rules.Rule{
		{Verb: rules.Set{fields("env", "prod", "o.p", "x")}},
		{Verb: rules.Rename{fields("env", "stage", "o.p", "q")}, When: `env == "prod"`},
		{Verb: rules.Drop{"never"}, When: `has(env)`},
		{Verb: rules.Compute{fields("both", `stage + "-" + q`)}},
		{Verb: rules.Remove{[]string{"q"}}},
		{Verb: rules.Set{fields("n", "{both}")}, When: `both matches "^prod"`},
	}, `{"a":1}`)
	if want := `{"a":1,"stage":"prod","o":{},"both":"prod-x","n":"prod-x"}`; err != nil || got != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
}

// A rule that fails half-way leaves the record as it was, whatever else follows.
func TestARuleThatFailsChangesNothing(t *testing.T) {
	t.Parallel()
	half := rules.Set{fields("a.b", "x", "new", "y", "n.x", "z")}
	for _, record := range []string{`{"a":{"c":1},"n":1}`, `{"n":1}`, `{"a":{"b":1},"new":2,"n":1}`} {
		got, err := run(t, []rules.Rule{{Verb: half, Name: "half"}}, record)
		if want := record[:len(record)-1] + `,"penstock.rules_failed":["half"]}`; err != nil || got != want {
			t.Errorf("got %s, %v; want %s", got, err, want)
		}
		_, err = run(t, []rules.Rule{
			{Verb: rules.Set{fields("k", "1")}},
			{Verb: half, Name: "half", DeadLetter: true},
			{Verb: rules.Drop{"not reached"}},
		}, record)
		letter, ok := errors.AsType[*penstock.RecordError](err)
		if want := record[:len(record)-1] + `,"k":"1"}`; !ok || string(letter.Document) != want ||
			letter.Reason != penstock.ReasonRule || string(letter.ID) != "id" {
			t.Errorf("got %v, want a letter with %s", err, want)
		}
	}
}

func TestAShadowRuleDoesNothing(t *testing.T) {
	t.Parallel()
	for _, verb := range []rules.Verb{
		rules.Drop{"why"},
		rules.Set{fields("a", "b")},
		rules.Remove{[]string{"x"}},
		rules.Rename{fields("y", "x")},
		rules.Keep{"why"},
	} {
		c, err := rules.Compile(nil, []rules.Rule{{Verb: verb, Shadow: true}, {Verb: rules.Drop{"no"}, When: "z == 1"}}, nil,
			rules.Stages{})
		if err != nil {
			t.Fatal(err)
		}
		e, err := c.Shaper(&plain{}).Entry(nil, penstock.Identity{}, "", "json")
		if err != nil {
			t.Fatal(err)
		}
		const record = `{"x":1,"y":{"z":2}}`
		doc, err := e.Shape(&penstock.Record{JSON: []byte(record)})
		count := e.(penstock.RuleCounter).RuleCounts()[0]
		if err != nil || string(doc.Body()) != record || count.Records+count.Failed != 1 || count.Dropped != 0 ||
			!count.Shadow {
			t.Errorf("%s: got %s, %v, counted %+v", verb.Word(), doc.Body(), err, count)
		}
	}
}

func TestKeepIsStrongerThanDropAndSample(t *testing.T) {
	t.Parallel()
	list := []rules.Rule{{Verb: rules.Keep{"errors"}, When: "a == 1"}, {Verb: rules.Drop{"rest"}}}
	if got, err := run(t, list, `{"a":1}`); err != nil || got != `{"a":1}` {
		t.Errorf("got %s, %v", got, err)
	}
	if _, err := run(t, list, `{"a":2}`); !errors.Is(err, penstock.ErrDrop) {
		t.Errorf("got %v, want a drop", err)
	}
}

// A sample takes about its part, the same records each time, and a smaller one is a part of a larger one.
func TestASampleGoesByTheID(t *testing.T) {
	t.Parallel()
	taken := func(share float64) map[string]bool {
		ids := rules.Stages{IDs: func(penstock.Identity, string, string) func(*penstock.Record) []byte {
			return func(r *penstock.Record) []byte { return r.Raw }
		}}
		c, err := rules.Compile(nil, []rules.Rule{{Verb: rules.Sample{share}}}, nil, ids)
		if err != nil {
			t.Fatal(err)
		}
		e, err := c.Shaper(&plain{}).Entry(nil, penstock.Identity{}, "", "json")
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]bool{}
		for i := range 10_000 {
			id := fmt.Sprint("id-", i)
			if _, err := e.Shape(&penstock.Record{JSON: []byte(`{}`), Raw: []byte(id)}); err == nil {
				got[id] = true
			}
		}
		return got
	}
	small, large := taken(0.1), taken(0.5)
	if len(small) < 900 || len(small) > 1100 || len(large) < 4700 || len(large) > 5300 || len(taken(1)) != 10_000 {
		t.Errorf("10%% are %d and 50%% are %d of 10,000", len(small), len(large))
	}
	for id := range small {
		if !large[id] {
			t.Errorf("%s is in the sample of 10%% and not in that of 50%%", id)
		}
	}
	again := taken(0.1)
	if len(again) != len(small) {
		t.Errorf("%d records the second time, %d the first", len(again), len(small))
	}
}

// A record without the fields that a rule asks for is no error, and no rule fails on it.
func TestAbsentFieldsAreNoFailure(t *testing.T) {
	t.Parallel()
	for _, verb := range []rules.Verb{
		rules.Set{fields("a", "{x}")},
		rules.Compute{fields("a", "x + 1")},
		rules.Rename{fields("x", "y")},
		rules.Remove{[]string{"x", "x.y"}},
		rules.Convert{fields("x", "integer")},
		rules.Routing{"{x}"},
		rules.Pipeline{"{x}"},
	} {
		if got, err := run(t, []rules.Rule{{Verb: verb}}, `{"b":1}`); err != nil || got != `{"b":1}` {
			t.Errorf("%s: got %s, %v", verb.Word(), got, err)
		}
	}
}

func TestOneMistakeOfARuleHidesNoOther(t *testing.T) {
	t.Parallel()
	schema := expr.Schema{"status": expr.Number}
	wrong := rules.Check(nil, []rules.Rule{
		{Verb: rules.Remove{[]string{"stauts"}}, When: `status == "x"`},
		{Verb: rules.Set{fields("new", "x")}},
		{Verb: rules.Remove{[]string{"new"}}, When: `new == "x" and status > 1`},
		{Verb: rules.Set{fields("penstock.x", "x")}},
	}, schema, rules.Stages{})
	var got []string
	for _, w := range wrong {
		got = append(got, fmt.Sprintf("%d%v", w.Number, w.Part))
	}
	if want := "0[when] 0[remove stauts] 3[set penstock.x]"; strings.Join(got, " ") != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Whatever is in a record, it stays one JSON object.
func FuzzChain(f *testing.F) {
	c, err := rules.Compile(nil, []rules.Rule{
		{Verb: rules.Set{fields("a.b", "{c}", "x", "{a.b}")}},
		{Verb: rules.Rename{fields("a.c", "d", "e", "a.f")}},
		{Verb: rules.Remove{[]string{"a.b", "g.h.i"}}, When: `a.b != "x"`},
		{Verb: rules.Lean{}},
		{Verb: rules.Convert{fields("n", "integer", "m", "text")}},
		{Verb: rules.Routing{"{x}"}},
	}, nil, rules.Stages{})
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{
		`{}`, `{"a":{"b":1,"c":[{}]},"e":"-","g":{"h":{"i":null}}}`, `{"a":{`, `[1]`, ``, `{"a":"b`, `{"\u0061":{"b":2}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, record []byte) {
		e, err := c.Shaper(&plain{}).Entry(nil, penstock.Identity{}, "", "json")
		if err != nil {
			t.Fatal(err)
		}
		if !json.Valid(record) || record[0] != '{' {
			return
		}
		for range 2 {
			doc, err := e.Shape(&penstock.Record{JSON: record, Raw: record})
			if err != nil || !json.Valid(doc.Body()) || doc.Body()[0] != '{' {
				t.Errorf("%s became %s, %v", record, doc.Body(), err)
			}
		}
	})
}

package rules_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/rules"
)

var plainID = []byte("id")

// plain is a shaper whose documents are the records.
type plain struct{ shaped int }

func (p *plain) Entry(*penstock.Object, penstock.Identity, string, string) (penstock.EntryShaper, error) {
	return p, nil
}

func (p *plain) Shape(r *penstock.Record) (penstock.Document, error) {
	p.shaped++
	if r.Left {
		return penstock.Document{}, penstock.ErrDrop
	}
	return penstock.Document{Index: "i", ID: plainID, Head: r.JSON, Raw: r.Raw, Offset: r.Offset}, nil
}

// run applies rules to one record and returns what it has become, or the error.
func run(t *testing.T, list []rules.Rule, record string) (string, error) {
	t.Helper()
	c, err := rules.Compile(nil, list, nil, rules.Stages{})
	if err != nil {
		t.Fatal(err)
	}
	e, err := c.Shaper(&plain{}).Entry(nil, penstock.Identity{Bucket: "b", Key: "k"}, "", "json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := e.Shape(&penstock.Record{JSON: []byte(record), Raw: []byte(record)})
	return string(doc.Body()), err
}

func TestSetPutsTextsWhereTheyBelong(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ field, text, record, want string }{
		{"env", "prod", `{"a":1}`, `{"a":1,"env":"prod"}`},
		{"env", "prod", `{}`, `{"env":"prod"}`},
		{"a", "x\"y", `{"a": 1, "b":2}`, `{"a":"x\"y","b":2}`},
		{"a.b", "x", `{"c":1}`, `{"c":1,"a":{"b":"x"}}`},
		{"a.b.c", "x", `{"a":{"d":1}}`, `{"a":{"d":1,"b":{"c":"x"}}}`},
		{"a.b.c", "x", `{"a":{"b":{}}}`, `{"a":{"b":{"c":"x"}}}`},
		{"a.b", "x", `{"a":{"b": 1 ,"c":2}}`, `{"a":{"b": "x" ,"c":2}}`},
		{"a.b", "x", `{"a.b":1}`, `{"a.b":"x"}`},
		{"a.b", "x", `{"a":1}`, `{"a":1,"penstock.rules_failed":["set-1"]}`},
		{"n", "{a}-{b.c}", `{"a":1,"b":{"c":"é\n"}}`, `{"a":1,"b":{"c":"é\n"},"n":"1-é\n"}`},
		{"n", "{a}", `{"b":1}`, `{"b":1}`},
		{"n", "{a|none} {{x}}", `{"b":1}`, `{"b":1,"n":"none {x}"}`},
		{"n", "{aws.s3.bucket}/{aws.s3.key}", `{}`, `{"n":"b/k"}`},
	} {
		got, err := run(t, []rules.Rule{{Verb: rules.Set{Fields: []rules.Assignment{{c.field, c.text}}}}}, c.record)
		if err != nil || got != c.want {
			t.Errorf("set %s to %q in %s: got %s, %v; want %s", c.field, c.text, c.record, got, err, c.want)
		}
	}
}

func TestADroppedRecordIsShapedForItsID(t *testing.T) {
	t.Parallel()
	inner := &plain{}
	c, err := rules.Compile(nil, []rules.Rule{{Verb: rules.Drop{Reason: "why"}}}, nil, rules.Stages{})
	if err != nil {
		t.Fatal(err)
	}
	e, err := c.Shaper(inner).Entry(nil, penstock.Identity{}, "", "json")
	if err != nil {
		t.Fatal(err)
	}
	_, err = e.Shape(&penstock.Record{JSON: []byte(`{}`)})
	if !errors.Is(err, penstock.ErrDrop) || inner.shaped != 1 {
		t.Errorf("got %v after %d shapings, want a drop after one", err, inner.shaped)
	}
	if drop, ok := errors.AsType[*rules.DropError](err); !ok || drop.Rule != "why" {
		t.Errorf("got %v, want the rule that left it out", err)
	}
}

// Rules for all records and those of a route have names of their own in letters and counts, whatever the file calls
// them: a replay leaves out those that have run, and no other.
func TestRulesOfOneNameAreTold(t *testing.T) {
	t.Parallel()
	set := func(field string) rules.Rule {
		return rules.Rule{Name: "set-1", Verb: rules.Set{Fields: []rules.Assignment{{Field: field, Value: "x"}}}}
	}
	drop := rules.Rule{Verb: rules.Drop{Reason: "no"}, When: "n == 1"}
	c, err := rules.Compile([]rules.Rule{set("a"), drop}, []rules.Rule{set("b"), drop}, nil, rules.Stages{})
	if err != nil {
		t.Fatal(err)
	}
	for names, want := range map[string]string{
		"":                    `{"a":"x","b":"x"}`,
		"set-1":               `{"b":"x"}`,
		"set-1-2":             `{"a":"x"}`,
		"set-1 set-1-2 no no": `{}`,
	} {
		e, err := c.Without(strings.Fields(names)).Shaper(&plain{}).Entry(nil, penstock.Identity{}, "", "json")
		if err != nil {
			t.Fatal(err)
		}
		doc, err := e.Shape(&penstock.Record{JSON: []byte(`{}`)})
		if err != nil || string(doc.Body()) != want {
			t.Errorf("without %q: %s, %v, want %s", names, doc.Body(), err, want)
		}
		var counted []string
		for _, one := range e.(penstock.RuleCounter).RuleCounts() { //nolint:forcetypeassert // there are rules
			counted = append(counted, one.Rule)
		}
		if names == "" && strings.Join(counted, " ") != "set-1 no set-1-2 no-2" {
			t.Errorf("they are called %s", counted)
		}
	}
}

package shape_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/shape"
)

func ruled(t testing.TB, id penstock.Identity, index string, rules ...string) penstock.EntryShaper {
	t.Helper()
	r, err := shape.ParseRules(rules)
	if err != nil {
		t.Fatal(err)
	}
	s, err := shape.New(shape.Config{Index: index})
	if err != nil {
		t.Fatal(err)
	}
	e, err := r.Shaper(s).Entry(&penstock.Object{}, id, "m.log", "ndjson")
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestARuleLeavesOutWhatItMatches(t *testing.T) {
	t.Parallel()
	const body = `{"level":"debug","status":200,"ok":true,"no":null,"empty":"","http":{"path":"/health and more",` +
		`"agent.name":"ELB-HealthChecker/2.0"},` +
		`"tags":["a",7,{"x":"y"},["z"]],"esc":"a\"b\u00e9","and":"x and y"}`
	for _, test := range []struct {
		rule string
		want bool
	}{
		{"level=debug", true},
		{"level = debug ", true},
		{"level=Debug", false},
		{"level=deb", false},
		{"level=de*", true},
		{"level=*bug", true},
		{"level=d*b*g", true},
		{"level=de*bug*", true},
		{"level=debug*debug", false},
		{"level=*", true},
		{"level=**", true},
		{"level!=debug", false},
		{"level!=info", true},
		{"status=200", true},
		{"status=2*", true},
		{"status=20", false},
		{"ok=true", true},
		{"no=*", false},
		{"no!=*", true},
		{`empty=""`, true},
		{"empty=*", true},
		{`level=""`, false},
		{"http=*", false},
		{"http.path=/health*", true},
		{"http.agent.name=ELB-HealthChecker/*", true},
		{`http.path="/health and more"`, true},
		{`http.path="/health and more" and level=debug`, true},
		{"level=debug and status=200", true},
		{"level=debug and status=404", false},
		{"level=debug and status!=404", true},
		{"tags=a", true},
		{"tags=7", true},
		{"tags=z", false},
		{"tags!=b", true},
		{"tags!=a", false},
		{`esc="a\"bé"`, true},
		{"missing=*", false},
		{"missing!=*", true},
		{"aws.s3.bucket=logs", true},
		{"aws.s3.key=a/*.log", true},
		{"penstock.format=alb", false},
		{"penstock.format=ndjson", true},
		{"penstock.entry=m.log", true},
		{"penstock.file=*", false},
	} {
		_, err := ruled(t, pinned, "", "level=never", test.rule).Shape(record(body, noon, 1))
		if got := errors.Is(err, penstock.ErrDrop); got != test.want || err != nil && !got {
			t.Errorf("%s: dropped %v, error %v", test.rule, got, err)
		}
	}
}

func TestARuleThatCannotBeReadSaysWhy(t *testing.T) {
	t.Parallel()
	for rule, want := range map[string]string{
		"level":                            "want FIELD=PATTERN or FIELD!=PATTERN",
		"":                                 "want FIELD=PATTERN",
		"level==debug":                     `"==" is written "=": level=debug;`,
		"level == debug":                   `"==" is written "=": level=debug;`,
		"level=~debug.*":                   `"=~" is no comparison`,
		"level~=debug":                     `"~=" is no comparison`,
		"status>=400":                      `">=" is no comparison`,
		"level:=debug":                     `":=" is no comparison`,
		"=debug":                           "no name of a field",
		"!=debug":                          "no name of a field",
		"level=":                           "no pattern behind level=",
		"level=debug and ":                 "want FIELD=PATTERN",
		"http.path=/health and more":       "want FIELD=PATTERN",
		"level=debug and more and x=1":     `"more and x" is no name of a field`,
		`level="debug`:                     "is no JSON string",
		`level="debug" or status=200`:      `" or status=200" behind a pattern in quotes`,
		`level="debug"and x=1`:             "behind a pattern in quotes",
		"level=debug and status and x=200": `is no name of a field`,
	} {
		_, err := shape.ParseRules([]string{"a=b", rule})
		if err == nil || !strings.Contains(err.Error(), want) ||
			!strings.Contains(err.Error(), fmt.Sprintf("drop rule %q", rule)) {
			t.Errorf("%q: error %v, want %q", rule, err, want)
		}
	}
}

// What is dropped, and what has no index, changes neither the ids nor the documents of the others: shipping again with
// other rules adds no document.
func TestRulesChangeNoIDs(t *testing.T) {
	t.Parallel()
	for _, id := range []penstock.Identity{pinned, loose} {
		all := ruled(t, id, "logs-x")
		some := ruled(t, id, "logs-x", "n=1*")
		dropped := 0
		for n := range 30 {
			body := fmt.Sprintf(`{"n":%d}`, n)
			want, err := all.Shape(record(body, noon, int64(n)))
			if err != nil {
				t.Fatal(err)
			}
			wantID, wantBody := string(want.ID), string(want.Body())
			got, err := some.Shape(record(body, noon, int64(n)))
			if errors.Is(err, penstock.ErrDrop) {
				dropped++
			} else if err != nil || string(got.ID) != wantID || string(got.Body()) != wantBody {
				t.Errorf("record %d: %s %s, error %v, without rules %s %s", n, got.ID, got.Body(), err, wantID, wantBody)
			}
			if n != 15 {
				continue
			}
			behind, err := ruledAfter(t, id, n).Shape(record(body, noon, int64(n)))
			if err != nil || string(behind.ID) != wantID {
				t.Errorf("behind records without an index: %s, error %v, want %s", behind.ID, err, wantID)
			}
		}
		if dropped != 11 {
			t.Errorf("%d of 30 dropped", dropped)
		}
	}
}

// ruledAfter is a shaper that has seen n records of which none had an index.
func ruledAfter(t *testing.T, id penstock.Identity, n int) penstock.EntryShaper {
	t.Helper()
	e := ruled(t, id, "logs-{k}")
	for i := range n {
		if _, err := e.Shape(record(fmt.Sprintf(`{"n":%d}`, i), noon, int64(i))); err == nil {
			t.Fatal("a record without the field got an index")
		}
	}
	return &withIndex{e}
}

// withIndex gives a record the field that its index is made of, but not the content that ids are made of.
type withIndex struct {
	penstock.EntryShaper
}

func (w *withIndex) Shape(r *penstock.Record) (penstock.Document, error) {
	r.JSON = append([]byte(`{"k":"v",`), r.JSON[1:]...)
	return w.EntryShaper.Shape(r)
}

func TestARecordWithoutAnIndexIsDroppedRatherThanDead(t *testing.T) {
	t.Parallel()
	_, err := ruled(t, pinned, "logs-{missing}", "n=1").Shape(record(`{"n":1}`, noon, 0))
	if !errors.Is(err, penstock.ErrDrop) {
		t.Errorf("error %v", err)
	}
}

func FuzzParseRules(f *testing.F) {
	f.Add("level=debug and a.b!=\"x and*y\"", `{"level":"debug","a":{"b":"x and y"}}`)
	f.Fuzz(func(t *testing.T, rule, body string) {
		r, err := shape.ParseRules([]string{rule})
		if err != nil || !json.Valid([]byte(body)) || body[0] != '{' {
			return
		}
		s, err := shape.New(shape.Config{})
		if err != nil {
			t.Fatal(err)
		}
		e, err := r.Shaper(s).Entry(&penstock.Object{}, pinned, "", "ndjson")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Shape(record(body, noon, 0)); err != nil && !errors.Is(err, penstock.ErrDrop) {
			t.Error(err)
		}
	})
}

func BenchmarkRules(b *testing.B) {
	e := ruled(b, pinned, "logs-x", "level=debug", "http.status=200 and http.agent=ELB-*")
	r := record(`{"seq":0,"level":"info","service":"payments","http":{"status":200,"agent":"curl/8"},"message":"slow `+
		`query"}`, noon, 0)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.Shape(r); err != nil {
			b.Fatal(err)
		}
	}
}

func TestFieldsThatNoRecordHadAreKnown(t *testing.T) {
	t.Parallel()
	rules, err := shape.ParseRules(
		[]string{"lvel=debug", "level=never and service=x", "penstock.format=ndjson and a!=c", "penstock.file=x"})
	if err != nil {
		t.Fatal(err)
	}
	inner, err := shape.New(shape.Config{Index: "logs"})
	if err != nil {
		t.Fatal(err)
	}
	if got := rules.Unseen(); got != nil {
		t.Errorf("before any record: %v", got)
	}
	e, err := rules.Shaper(inner).Entry(&penstock.Object{}, pinned, "", "ndjson")
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{`{"level":"info"}`, `{"level":"info","a":1}`} {
		_, _ = e.Shape(record(body, noon, 0))
	}
	// Nobody asked for "service" and "penstock.file": a term before the one never held, and the rule before the other
	// always did.
	if got, want := fmt.Sprint(rules.Unseen()), "[lvel]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

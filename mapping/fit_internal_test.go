package mapping

import (
	"encoding/json"
	"testing"
)

const someMapping = `{"i":{"mappings":{"properties":{
	"n":{"type":"long"},"b":{"type":"byte"},"d":{"type":"double"},"t":{"type":"text"},"k":{"type":"keyword"},
	"short":{"type":"keyword","ignore_above":10},"when":{"type":"date"},"odd":{"type":"date","format":"yyyy"},
	"ip":{"type":"ip"},"yes":{"type":"boolean"},"o":{"properties":{"n":{"type":"long"}}},"flat":{"type":"flat_object"},
	"off":{"type":"object","enabled":false},"lax":{"type":"long","ignore_malformed":true},
	"strict":{"type":"long","coerce":false},
	"alias":{"type":"alias","path":"n"},"n_text":{"type":"long"},"vector":{"type":"knn_vector"}
}}}}`

func TestConflictsByTheRules(t *testing.T) {
	t.Parallel()
	f, err := parseMapping([]byte(someMapping))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ document, rename, stringify string }{
		{`{"n":"x"}`, `{"n_text_":"x"}`, ""},
		{`{"n":1,"d":"1.5","when":"2026-11-24T10:00:00.123Z","ip":"::1","yes":"true","o":{"n":null},"k":5,"t":true}`, "", ""},
		{
			`{"n":"7","b":"127","strict":7,"lax":"x","off":1,"vector":{},"odd":"x","new":{"a":1},"flat":{"a":1},"n.x":1}`,
			`{"n":"7","b":"127","strict":7,"lax":"x","off":1,"vector":{},"odd":"x","new":{"a":1},"flat":{"a":1},"n_x_text":"1"}`,
			"",
		},
		{`{ "b" : 128 , "a":1}`, `{ "b_text":"128" , "a":1}`, ""},
		{
			`{"strict":"7","yes":1,"ip":"x","when":"soon","when.x":2}`,
			`{"strict_text":"7","yes_text":"1","ip_text":"x","when_text":"soon","when_x_text":"2"}`,
			"",
		},
		{
			`{"k":{"a":"q\"\\"},"t":[{"b":1}, 2]}`,
			`{"k_text":"{\"a\":\"q\\\"\\\\\"}","t_text":"[{\"b\":1}, 2]"}`,
			`{"k":"{\"a\":\"q\\\"\\\\\"}","t":"[{\"b\":1}, 2]"}`,
		},
		{`{"o":5}`, `{"o_text":"5"}`, ""},
		{`{"o":[{"n":1},{"n":"x"}]}`, `{"o":[{"n":1},{"n_text":"x"}]}`, ""},
		{`{"o":{"n":{"deep":1},"m":2},"o.n":"y"}`, `{"o":{"n_text":"{\"deep\":1}","m":2},"o.n_text":"y"}`, ""},
		{`{"n":[1,2,"x"],"n_text":3}`, `{"n_text_":"[1,2,\"x\"]","n_text":3}`, ""},
		{`{"alias":1,"flat":"text"}`, `{"alias_text":"1","flat_text":"text"}`, ""},
		{`{"d":1e999,"n":1e30}`, `{"d_text":"1e999","n_text_":"1e30"}`, ""},
		{
			`{"n":"x","n_text_":1,"n_text__":1,"n_text___":1,"n_text____":1}`,
			`{"n":"x","n_text_":1,"n_text__":1,"n_text___":1,"n_text____":1}`,
			"",
		},
	} {
		for rule, want := range map[Rule]string{Rename: test.rename, Stringify: test.stringify} {
			got := test.document
			if f.conflicts([]byte(got), 1) {
				got = string(f.fit([]byte("{"), []byte(test.document)[1:], 0, rule))
			}
			if want == "" {
				want = test.document
			}
			if got != want || !json.Valid([]byte(got)) {
				t.Errorf("%s of %s is %s, want %s", rule, test.document, got, want)
			}
			if tail := test.document[1:]; f.conflicts([]byte(tail), 0) != f.conflicts([]byte(test.document), 1) {
				t.Errorf("%s: a tail is judged in another way", test.document)
			}
		}
	}
}

func TestTermsThatAreTooLong(t *testing.T) {
	t.Parallel()
	f, err := parseMapping([]byte(someMapping))
	if err != nil {
		t.Fatal(err)
	}
	long := make([]byte, maxTerm+1)
	for i := range long {
		long[i] = 'x'
	}
	for name, want := range map[string]bool{"k": true, "short": false, "t": false} {
		if got := f.conflicts([]byte(`{"`+name+`":"`+string(long)+`"}`), 1); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

func TestMappingsOfOlderEnginesHaveATypeAround(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"i":{"mappings":{"log":{"properties":{"n":{"type":"long"}}}}}}`,
		`{"i":{"mappings":{"_doc":{"dynamic":"false","properties":{"n":{"type":"long"}}}}}}`,
		`{".ds-a-000001":{"mappings":{}},".ds-a-000002":{"mappings":{"properties":{"n":{"type":"long"}}}}}`,
	} {
		f, err := parseMapping([]byte(text))
		if err != nil || !f.conflicts([]byte(`{"n":"x"}`), 1) {
			t.Errorf("%s: no conflict, %v", text, err)
		}
	}
	for _, text := range []string{`{"i":{"mappings":{}}}`, `{"i":{}}`, `{}`} {
		if f, err := parseMapping([]byte(text)); err != nil || f.conflicts([]byte(`{"n":"x"}`), 1) {
			t.Errorf("%s: a conflict, %v", text, err)
		}
	}
}

// Only an address, of which the standard library wants a string, costs an allocation.
func TestLookingForConflictsAllocatesNothing(t *testing.T) {
	f, err := parseMapping([]byte(someMapping))
	if err != nil {
		t.Fatal(err)
	}
	doc := []byte(`{"n":123,"d":0.5,"t":"text","when":"2026-11-24T10:00:00.123Z","ip":"192.0.2.1","yes":true,` +
		`"o":{"n":[1,2]},"new.one":1}`)
	if n := testing.AllocsPerRun(100, func() { f.conflicts(doc, 1) }); n > 1 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzFit(f *testing.F) {
	m, err := parseMapping([]byte(someMapping))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(`{"n":"x","o":[{"n":{"a":[1,{}]}}],"k":{"\"":1}}`)
	f.Add(`{"o":{"n.x":[[]]},"flat":[]}`)
	f.Fuzz(func(t *testing.T, text string) {
		var object map[string]any
		if json.Unmarshal([]byte(text), &object) != nil || text[0] != '{' {
			return
		}
		for _, rule := range []Rule{Rename, Stringify} {
			got := m.fit([]byte("{"), []byte(text)[1:], 0, rule)
			if !json.Valid(got) {
				t.Fatalf("%s becomes %s", text, got)
			}
			if !m.conflicts([]byte(text), 1) && string(got) != text {
				t.Fatalf("%s without a conflict becomes %s", text, got)
			}
		}
	})
}

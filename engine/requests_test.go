package engine_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/seed56735111/penstock/engine"
)

// What is compared with real nodes in test/, for where there is no Java.
func TestRefusalsThatClientsMeet(t *testing.T) {
	t.Parallel()
	e := open(t, engine.Config{})
	must(t, e, "PUT", "/strict",
		`{"mappings":{"dynamic":"strict","properties":{"n":{"type":"integer"},"at":{"type":"date_nanos"}}}}`)
	must(t, e, "PUT", "/strict/_doc/1", `{"n":1}`)
	must(t, e, "PUT", "/free/_doc/1", `{"n":1}`)
	for _, c := range []struct {
		method, target, body string
		status               int
		says                 string
	}{
		{"PUT", "/_index_template/", `{"index_patterns":["x-*"]}`, http.StatusMethodNotAllowed, "allowed: [GET]"},
		{"POST", "/_component_template", `{"template":{}}`, http.StatusMethodNotAllowed, "allowed: [GET]"},
		{"PUT", "/_index_template/Upper", `{"index_patterns":["x-*"]}`, http.StatusBadRequest, "name must be lower cased"},
		{"PUT", "/_index_template/a", `{"index_patterns":["x y"]}`, http.StatusBadRequest, "must not contain a space"},
		{"PUT", "/_index_template/a", `{"index_patterns":[]}`, http.StatusBadRequest, "at least one pattern"},
		{"PUT", "/strict/_doc/2", `{"new":null}`, http.StatusBadRequest, "strict_dynamic_mapping_exception"},
		{"PUT", "/strict/_doc/2", `{"new":[]}`, http.StatusBadRequest, "strict_dynamic_mapping_exception"},
		{"PUT", "/strict/_doc/2", `{"at":"2300-01-01"}`, http.StatusBadRequest, "cannot be stored in nanosecond resolution"},
		{"PUT", "/strict/_doc/2", `{"at":"1969-12-31"}`, http.StatusBadRequest, "before the epoch in 1970"},
		{
			method: "PUT",
			target: "/dates",
			body:   `{"mappings":{"properties":{"d":{"type":"date","format":"yyyy[-MM]"}}}}`,
			status: http.StatusNotImplemented,
			says:   "--engine URL",
		},
		{"POST", "/free/_search", `{"stored_fields":[]}`, http.StatusNotImplemented, "--engine URL"},
		{
			method: "POST",
			target: "/_bulk",
			body:   `{"index":{"_index":"free","_routing":"x"}}` + "\n{}\n",
			status: http.StatusBadRequest,
			says:   "unknown parameter [_routing]",
		},
		{"POST", "/_bulk?timeout=soon", `{"index":{"_index":"free"}}` + "\n{}\n", http.StatusBadRequest, "as a time value"},
	} {
		if status, text := do(t, e, c.method, c.target, c.body); status != c.status || !strings.Contains(text, c.says) {
			t.Errorf("%s %s %s: %d %s, want %d and %q", c.method, c.target, c.body, status, text, c.status, c.says)
		}
	}
}

// A shipper tells a duplicate from a document that no mapping takes by this order.
func TestADocumentIsReadBeforeItIsADuplicate(t *testing.T) {
	t.Parallel()
	e := open(t, engine.Config{})
	must(t, e, "PUT", "/a/_doc/1", `{"n":1}`)
	for body, want := range map[string]int{
		`{"n":2}`: http.StatusConflict, `{"n":"many"}`: http.StatusBadRequest, `{"n":`: http.StatusBadRequest,
		`{"learnt":true}`: http.StatusConflict,
	} {
		if status, text := do(t, e, "PUT", "/a/_create/1", body); status != want {
			t.Errorf("%s: %d %s, want %d", body, status, text, want)
		}
	}
	if mapping := must(t, e, "GET", "/a/_mapping", ""); !strings.Contains(mapping, `"learnt":{"type":"boolean"}`) {
		t.Errorf("the mapping did not learn from a duplicate: %s", mapping)
	}
}

func TestBarsOfADayKeepToTheClockWhenItChanges(t *testing.T) {
	t.Parallel()
	e := open(t, engine.Config{})
	must(t, e, "POST", "/c/_bulk",
		`{"index":{}}`+"\n"+`{"d":"2024-03-31T00:30:00Z"}`+"\n"+
			`{"index":{}}`+"\n"+`{"d":"2024-03-31T01:30:00Z"}`+"\n"+
			`{"index":{}}`+"\n"+`{"d":"2024-10-27T01:30:00Z"}`+"\n")
	for _, interval := range []string{`"calendar_interval":"day"`, `"fixed_interval":"1d"`} {
		text := must(t, e, "POST", "/c/_search",
			`{"size":0,"aggs":{"a":{"date_histogram":{"field":"d",`+interval+
				`,"time_zone":"Europe/Berlin","min_doc_count":1}}}}`)
		for _, want := range []string{
			`{"key_as_string":"2024-03-31T00:00:00.000+01:00","key":1711839600000,"doc_count":2}`,
			`{"key_as_string":"2024-10-27T00:00:00.000+02:00","key":1729980000000,"doc_count":1}`,
		} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %s, want %s", interval, text, want)
			}
		}
	}
}

// How the words of a text are put together, in each query that takes an operator.
func TestAnOperatorSaysWhetherAllWordsAreWanted(t *testing.T) {
	t.Parallel()
	e := open(t, engine.Config{})
	texts := map[string]string{"both": "disk is full", "disk": "disk failed", "full": "full stop", "none": "nothing"}
	for id, text := range texts {
		must(t, e, "PUT", "/a/_doc/"+id+"?refresh=true", `{"t":"`+text+`","u":"x"}`)
	}
	for query, want := range map[string]int{
		`{"match":{"t":"disk full"}}`:                                                         3,
		`{"match":{"t":{"query":"disk full"}}}`:                                               3,
		`{"match":{"t":{"query":"disk full","operator":"or"}}}`:                               3,
		`{"match":{"t":{"query":"disk full","operator":"and"}}}`:                              1,
		`{"match":{"t":{"query":"full disk","operator":"AND"}}}`:                              1,
		`{"match":{"t":{"query":"disk full absent","operator":"and"}}}`:                       0,
		`{"match":{"t":{"query":"disk full absent","operator":"or"}}}`:                        3,
		`{"multi_match":{"query":"disk full","fields":["t","u"]}}`:                            3,
		`{"multi_match":{"query":"disk full","fields":["t","u"],"operator":"and"}}`:           1,
		`{"multi_match":{"query":"disk x","fields":["t","u"],"operator":"and"}}`:              0,
		`{"query_string":{"query":"disk full","default_field":"t"}}`:                          3,
		`{"query_string":{"query":"disk full","default_field":"t","default_operator":"and"}}`: 1,
	} {
		var answer struct{ Count int }
		decode(t, must(t, e, "POST", "/a/_count", `{"query":`+query+`}`), &answer)
		if answer.Count != want {
			t.Errorf("%s finds %d, want %d", query, answer.Count, want)
		}
	}
	for target, want := range map[string]int{"q=t:disk+t:full": 3, "q=t:disk+t:full&default_operator=and": 1} {
		var answer struct{ Count int }
		decode(t, must(t, e, "GET", "/a/_count?"+target, ""), &answer)
		if answer.Count != want {
			t.Errorf("%s finds %d, want %d", target, answer.Count, want)
		}
	}
	status, text := do(t, e, "POST", "/a/_search", `{"query":{"match":{"t":{"query":"x","operator":"xor"}}}}`)
	if status != http.StatusBadRequest || !strings.Contains(text, "Operator.XOR") {
		t.Errorf("an unknown operator: %d %s", status, text)
	}
}

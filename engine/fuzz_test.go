package engine_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/seed56735111/penstock/engine"
)

// small is a request that cannot make much work.
const small = 4096

func FuzzBulk(f *testing.F) {
	for _, seed := range []string{
		lines("a", 0, 1),
		`{"index":{"_index":"a","_id":"1"}}` + "\n" +
			`{"a":1,"b":[true,null,"x",{"c":1.5}],"d":"2015-05-13T10:00:00Z"}` + "\n",
		`{"create":{"_index":"a"}}` + "\n" + `{"a.b.c":{"d":"e"}}` + "\n" + `{"delete":{"_index":"a","_id":"1"}}` + "\n",
		`{"update":{"_index":"a","_id":"1","retry_on_conflict":3}}` + "\n" +
			`{"doc":{"a":2},"doc_as_upsert":true,"_source":["a"]}` + "\n",
		`{"index":{"_index":"a","_id":"1","version":3,"version_type":"external","routing":"r","if_seq_no":1,` +
			`"if_primary_term":1}}` + "\r\n{}\r\n",
		"\n\n{}\n", `{"index":{}}`, "[]\n", `{"index":{"_index":"A","_id":""}}` + "\n{}\n",
	} {
		f.Add(seed)
	}
	engines := map[string]*engine.Engine{}
	for _, profile := range engine.Profiles() {
		engines[profile] = open(f, engine.Config{Profile: profile})
	}
	f.Fuzz(func(t *testing.T, body string) {
		if len(body) > small {
			return
		}
		for profile, e := range engines {
			status, text := do(t, e, "POST", "/_bulk", body)
			if status >= http.StatusInternalServerError && status != http.StatusNotImplemented {
				t.Fatalf("%s: status %d: %s", profile, status, text)
			}
			if !json.Valid([]byte(text)) {
				t.Fatalf("%s: the answer is no JSON: %s", profile, text)
			}
			var answer struct {
				Errors bool
				Items  []map[string]struct {
					Status int
					Error  json.RawMessage
				}
			}
			if status != http.StatusOK {
				continue
			}
			decode(t, text, &answer)
			failed := false
			for _, item := range answer.Items {
				for _, outcome := range item {
					failed = failed || outcome.Error != nil
					// A document that is not found has an error or has none, as the action wants it.
					wrong := (outcome.Error != nil) != (outcome.Status >= 400) && outcome.Status != http.StatusNotFound
					if wrong || outcome.Status < 200 || outcome.Status == http.StatusInternalServerError {
						t.Fatalf("%s: an item with status %d and the error %s", profile, outcome.Status, outcome.Error)
					}
				}
			}
			if failed != answer.Errors {
				t.Fatalf("%s: errors is %t: %s", profile, answer.Errors, text)
			}
		}
		// Indexes of any name come of this; they must not pile up.
		for _, e := range engines {
			do(t, e, "DELETE", "/*", "")
		}
	})
}

func FuzzSearch(f *testing.F) {
	for _, seed := range []string{
		`{"query":{"bool":{"must":[{"match":{"t":"quick dog"}}],"filter":{"range":{"n":{"gte":1,"lt":"5"}}},` +
			`"should":[{"term":{"k":"a"}},{"prefix":{"k":"a"}}],"must_not":{"ids":{"values":["1"]}},` +
			`"minimum_should_match":"50%"}}}`,
		`{"query":{"query_string":{"query":"t:(quick OR \"brown fox\"~2) AND -n:[1 TO 5} k:a* _exists_:d d:>=2015",` +
			`"default_operator":"and"}}}`,
		`{"query":{"multi_match":{"query":"x","fields":["t^2","k*"],"type":"phrase","tie_breaker":0.3}},` +
			`"sort":[{"n":{"order":"desc","missing":"_first","mode":"avg"}},"_score","_doc"],"search_after":[1,2,3]}`,
		`{"query":{"range":{"d":{"gte":"now-1d/d","lte":"2015-05-13||+1M/M","time_zone":"+02:00",` +
			`"format":"yyyy-MM-dd||epoch_millis"}}},"from":1,"size":3,"track_total_hits":5,"_source":{"includes":["t",` +
			`"*.x"],"excludes":["k"]}}`,
		`{"size":0,"aggs":{"a":{"terms":{"field":"k","order":{"b":"desc"},"missing":"z"},` +
			`"aggs":{"b":{"avg":{"field":"n"}}}},"c":{"date_histogram":{"field":"d","calendar_interval":"week",` +
			`"time_zone":"Europe/Berlin","offset":"-3h","min_doc_count":0,"extended_bounds":{"min":"2015","max":"2016"}}},` +
			`"d":{"filters":{"filters":[{"match_all":{}}],"other_bucket":true}}}}`,
		`{"query":{"wildcard":{"k":{"value":"a?*b","case_insensitive":true}}},"min_score":0.1,` +
			`"post_filter":{"exists":{"field":"o"}}}`,
		`{"query":{"terms":{"n":[1,"2",3.5]}},"aggs":{"s":{"stats":{"field":"n"}},"c":{"cardinality":{"field":"ip"}}}}`,
		`{}`, `[]`, `{"query":{"constant_score":{"filter":{"match_phrase":{"t":{"query":"a b","slop":3}}},"boost":2}}}`,
	} {
		f.Add(seed, "/s/_search")
		f.Add(seed, "/_search?q=t:quick&sort=n:desc&filter_path=hits.hits._id,-took&pretty")
	}
	e := open(f, engine.Config{})
	must(f, e, "PUT", "/s",
		`{"mappings":{"properties":{"k":{"type":"keyword"},"ip":{"type":"ip"},"f":{"type":"scaled_float",`+
			`"scaling_factor":10},"u":{"type":"unsigned_long"},"ne":{"type":"nested"},"fl":{"type":"flat_object"}}}}`)
	must(f, e, "POST", "/s/_bulk", `{"index":{"_id":"1"}}`+"\n"+
		`{"t":"The quick brown fox","k":"a","n":1,"d":"2015-05-13T10:00:00Z","ip":"10.0.0.1","f":1.5,"u":7,"b":true,`+
		`"o":{"x":"y"}}`+"\n"+
		`{"index":{"_id":"2"}}`+"\n"+
		`{"t":["quick dog","lazy"],"k":["b","c"],"n":[3,3,9],"d":"2016-01-01","fl":{"a":1},"ne":[{"q":1}]}`+"\n"+
		`{"index":{"_id":"3"}}`+"\n{}\n")
	f.Fuzz(func(t *testing.T, body, target string) {
		if len(body) > small || len(target) > 300 || !strings.HasPrefix(target, "/") {
			return
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost"+target, strings.NewReader(body))
		if err != nil || !strings.HasSuffix(r.URL.Path, "/_search") {
			return
		}
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		if w.Code >= http.StatusInternalServerError &&
			w.Code != http.StatusNotImplemented && w.Code != http.StatusServiceUnavailable {
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
		if !json.Valid(w.Body.Bytes()) {
			t.Fatalf("the answer is no JSON: %s", w.Body)
		}
	})
}

// FuzzDocument: what is taken is JSON, and is given back as it was.
func FuzzDocument(f *testing.F) {
	for _, seed := range []string{
		`{"a":1}`, `{"a":{"b":[1,2.5,"x",null,true]}}`, `{"a":"\ud83d\ude00\u0000"}`, "{\"a\":\"\xff\"}", `{"a":1,"a":2}`,
		` { "a" : 1e5 } `, `{"a":01}`, `{"a":"2015-05-13"}`, `{"a.b":1,"a":{"c":2}}`,
	} {
		f.Add(seed)
	}
	e := open(f, engine.Config{})
	f.Fuzz(func(t *testing.T, body string) {
		if len(body) > small {
			return
		}
		status, text := do(t, e, "PUT", "/d/_doc/1", body)
		defer do(t, e, "DELETE", "/d", "")
		if status >= http.StatusInternalServerError {
			t.Fatalf("status %d: %s", status, text)
		}
		if status != http.StatusCreated {
			return
		}
		var want, got any
		if err := json.Unmarshal([]byte(body), &want); err != nil {
			t.Fatalf("taken, but %v: %q", err, body)
		}
		decode(t, must(t, e, "GET", "/d/_source/1", ""), &got)
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got %v for %q", got, body)
		}
		decode(t, must(t, e, "GET", "/d/_source/1?pretty", ""), &got)
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got %v for %q, laid out", got, body)
		}
		must(t, e, "GET", "/d/_mapping", "")
	})
}

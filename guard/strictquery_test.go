package guard_test

import (
	"net/http"
	"strings"
	"testing"
)

// queryPlaces are the places of a search where a query may be, written as Q.
var queryPlaces = []string{
	`{"query":Q}`, `{"post_filter":Q}`, `{"filter":Q}`,
	`{"query":{"bool":{"must":Q}}}`, `{"query":{"bool":{"must":[{"match_all":{}},Q]}}}`,
	`{"query":{"bool":{"must_not":[Q]}}}`,
	`{"query":{"bool":{"should":[Q],"minimum_should_match":1}}}`, `{"query":{"bool":{"filter":[Q]}}}`,
	`{"query":{"boosting":{"positive":Q,"negative":{"match_all":{}},"negative_boost":0.5}}}`,
	`{"query":{"boosting":{"positive":{"match_all":{}},"negative":Q}}}`,
	`{"query":{"constant_score":{"filter":Q,"boost":2}}}`, `{"query":{"filtered":{"query":{"match_all":{}},"filter":Q}}}`,
	`{"query":{"filtered":{"query":Q}}}`,
	`{"query":{"dis_max":{"queries":[{"match_all":{}},Q],"tie_breaker":0.1}}}`, `{"query":{"hybrid":{"queries":[Q]}}}`,
	`{"query":{"function_score":{"query":Q,"random_score":{}}}}`,
	`{"query":{"function_score":{"functions":[{"filter":Q,"weight":2},{"gauss":{"f":{"origin":"1","scale":"2"}}}],` +
		`"score_mode":"max"}}}`,
	`{"query":{"script_score":{"query":Q,"script":{"source":"1"}}}}`,
	`{"query":{"nested":{"path":"p","query":Q,"inner_hits":{}}}}`,
	`{"query":{"nested":{"path":"p","query":{"match_all":{}},"inner_hits":{"highlight":{"highlight_query":Q}}}}}`,
	`{"query":{"has_child":{"type":"c","query":Q,"min_children":1}}}`,
	`{"query":{"has_parent":{"parent_type":"c","query":Q}}}`,
	`{"query":{"span_first":{"match":Q,"end":3}}}`, `{"query":{"span_near":{"clauses":[Q],"slop":1}}}`,
	`{"query":{"span_or":{"clauses":[Q]}}}`,
	`{"query":{"span_not":{"include":Q,"exclude":{"span_term":{"f":"x"}}}}}`,
	`{"query":{"span_not":{"include":{"span_term":{"f":"x"}},"exclude":Q}}}`,
	`{"query":{"span_containing":{"big":Q,"little":{"span_term":{"f":"x"}}}}}`,
	`{"query":{"span_within":{"big":{"span_term":{"f":"x"}},"little":Q}}}`,
	`{"query":{"span_multi":{"match":Q}}}`, `{"query":{"field_masking_span":{"query":Q,"field":"f"}}}`,
	`{"query":{"knn":{"v":{"vector":[1,2],"k":2,"filter":Q}}}}`,
	`{"query":{"neural":{"v":{"query_text":"x","k":2,"filter":Q}}}}`,
	`{"query":{"terms":{"f":{"index":"logs-1","query":Q,"path":"p"}}}}`,
	`{"aggs":{"a":{"filter":Q}}}`, `{"aggregations":{"a":{"filters":{"filters":{"x":Q},"other_bucket":true}}}}`,
	`{"aggs":{"a":{"filters":{"filters":[Q]}}}}`,
	`{"aggs":{"a":{"adjacency_matrix":{"filters":{"x":Q}}}}}`,
	`{"aggs":{"a":{"significant_text":{"field":"f","background_filter":Q}}}}`,
	`{"aggs":{"a":{"terms":{"field":"f"},"aggs":{"b":{"filter":Q}}}}}`,
	`{"aggs":{"a":{"global":{},"aggregations":{"b":{"filter":Q}},"meta":{"k":1}}}}`,
	`{"aggs":{"a":{"top_hits":{"size":1,"highlight":{"fields":{"f":{"highlight_query":Q}}}}}}}`,
	`{"rescore":{"window_size":5,"query":{"rescore_query":Q,"query_weight":1}}}`,
	`{"rescore":[{"query":{"rescore_query":Q}}]}`,
	`{"highlight":{"highlight_query":Q,"pre_tags":["<b>"]}}`,
	`{"highlight":{"fields":{"f":{"highlight_query":Q,"type":"plain"}}}}`,
	`{"highlight":{"fields":[{"f":{"highlight_query":Q}}]}}`,
	`{"sort":{"f":{"order":"asc","nested":{"path":"p","filter":Q}}}}`,
	`{"sort":["_score",{"f":{"nested":{"path":"p","nested":{"path":"p.q","filter":Q}}}}]}`,
	`{"sort":[{"f":{"nested_filter":Q}}]}`,
	`{"collapse":{"field":"f","inner_hits":[{"name":"a","sort":[{"f":{"nested":{"path":"p","filter":Q}}}]}]}}`,
}

// references are queries that name an index, or mean one.
var references = map[string]int{
	`{"match":{"index":"secret"}}`:             http.StatusOK,
	`{"span_term":{"_index":"secret"}}`:        http.StatusOK,
	`{"terms":{"index":["secret"],"boost":2}}`: http.StatusOK,

	`{"geo_shape":{"f":{"shape":{"type":"point","coordinates":[1,2]},"relation":"within"}}}`:    http.StatusOK,
	`{"more_like_this":{"fields":["f"],"like":["secret",{"doc":{"f":"x"}}],"min_term_freq":1}}`: http.StatusOK,
	`{"terms":{"f":{"index":"secret","id":"1","path":"p","routing":"r"}}}`:                      http.StatusForbidden,
	`{"terms":{"f":{"index":"s*","id":"1","path":"p"}}}`:                                        http.StatusForbidden,
	`{"geo_shape":{"ignore_unmapped":true,"f":{"indexed_shape":{"id":"1","index":"secret"}}}}`:  http.StatusForbidden,
	// The index is "shapes".
	`{"xy_shape":{"f":{"indexed_shape":{"id":"1"}}}}`:                              http.StatusForbidden,
	`{"more_like_this":{"like":{"_index":"secret","_id":"1"}}}`:                    http.StatusForbidden,
	`{"more_like_this":{"unlike":["x",{"_index":"secret","_id":"1"}],"like":"x"}}`: http.StatusForbidden,
	`{"percolate":{"field":"q","index":"secret","id":"1"}}`:                        http.StatusForbidden,
	`{"wrapper":{"query":"e30="}}`:                                                 http.StatusBadRequest,
	`{"template":{"match_all":{}}}`:                                                http.StatusBadRequest,
	`{"indices":{"indices":["logs-1"],"query":{"match_all":{}}}}`:                  http.StatusBadRequest,
	`{"terms":{"f":{"index":"logs-1","id":"1","path":"p","target":"secret"}}}`:     http.StatusBadRequest,
	`{"bool":{"maybe":{"match_all":{}}}}`:                                          http.StatusBadRequest,
	`"a query in a string"`:                                                        http.StatusBadRequest,
}

func TestStrictModeLooksIntoEveryPlaceOfAQuery(t *testing.T) {
	t.Parallel()
	policy := strings.Replace(logsOnly, `"`+domainARN+`/secret"`, `"`+domainARN+`/shapes/*","`+domainARN+`/secret"`, 1)
	d := newDomain(t, policy, strictMode)
	for _, place := range queryPlaces {
		for query, want := range references {
			body := strings.Replace(place, "Q", query, 1)
			if status, text := d.do(t, alice, "POST", "/logs-1/_search", body); status != want {
				t.Errorf("%s: %d %s, want %d", body, status, text, want)
			}
		}
	}
}

func TestStrictModeReadsJSONOnly(t *testing.T) {
	t.Parallel()
	d := newDomain(t, logsOnly, strictMode)
	const body = `{"ids":["1"]}`
	for kind, want := range map[string]int{
		"": 200, "application/json": 200, "Application/JSON; charset=utf-8": 200, "application/x-ndjson": 200,
		"application/vnd.opensearch+json": 200,
		"application/yaml":                400, "application/smile": 400, "application/cbor": 400, "text/yaml; x=json": 400,
	} {
		r := d.request(t, "POST", "/logs-1/_mget", body)
		r.Header["Content-Type"] = []string{kind}
		if kind == "" {
			r.Header.Del("Content-Type")
		}
		if resp, text := send(t, d.sign(t, r, alice, body)); resp.StatusCode != want {
			t.Errorf("%q: %d %s, want %d", kind, resp.StatusCode, text, want)
		}
	}
	for _, body := range []string{
		"\ufeff{}", "{'ids':[]}", "{/* */}", "{\"ids\":[],\"ids\":[]}", "{} {}", "[]", "---\nids: []",
	} {
		if status, text := d.do(t, alice, "POST", "/logs-1/_mget", body); status != http.StatusBadRequest {
			t.Errorf("%q: %d %s, want 400", body, status, text)
		}
	}
}

package engine_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/seed56735111/penstock/engine"
)

// TestElasticsearch1AnswersWithTypesAndSentences walks through what a client of 2015 does.
func TestElasticsearch1AnswersWithTypesAndSentences(t *testing.T) {
	t.Parallel()
	e := open(t, engine.Config{Profile: "elasticsearch-1.5.2", ClusterName: "123456789012:sandbox01"})
	for _, c := range []struct {
		method, target, body string
		status               int
		want                 string // a part of the answer
	}{
		{"GET", "/", "", 200, `"cluster_name" : "123456789012:sandbox01"`},
		{"GET", "/none/_search", "", 404, `{"error":"IndexMissingException[[none] missing]","status":404}`},
		{
			method: "PUT",
			target: "/_template/logs",
			body: `{"template":"logs-*","mappings":{"_default_":{"properties":{"k":{"type":"string","index":"not_analyzed"},` +
				`"@timestamp":{"type":"date"}}}}}`,
			status: 200,
			want:   `{"acknowledged":true}`,
		},
		{"GET", "/_template/logs", "", 200, `"template":"logs-*"`},
		{
			method: "PUT",
			target: "/logs-1/log/1",
			body:   `{"k":"Some Key","n":1,"t":"some words","@timestamp":"2015-10-01T10:20:30Z"}`,
			status: 201,
			want:   `{"_index":"logs-1","_type":"log","_id":"1","_version":1,"created":true}`,
		},
		{
			method: "PUT",
			target: "/logs-1/log/1",
			body:   `{"k":"Some Key","n":2,"t":"some words","@timestamp":"2015-10-01T10:20:30Z"}`,
			status: 200,
			want:   `"_version":2,"created":false}`,
		},
		{"PUT", "/logs-1/other/1", `{"k":"another","n":3}`, 201, `"_type":"other","_id":"1","_version":1,"created":true`},
		{
			method: "PUT",
			target: "/logs-1/log/1/_create",
			body:   `{"n":1}`,
			status: 409,
			want:   `{"error":"DocumentAlreadyExistsException[[logs-1][0] [log][1]: document already exists]","status":409}`,
		},
		{"PUT", "/logs-1/log/1?op_type=create", `{"n":1}`, 409, "DocumentAlreadyExistsException"},
		{
			method: "PUT",
			target: "/logs-1/log/2",
			body:   `{"n":"abc"}`,
			status: 400,
			want: `{"error":"MapperParsingException[failed to parse [n]]; nested: NumberFormatException[For input string: ` +
				`\"abc\"]; ","status":400}`,
		},
		{
			method: "GET",
			target: "/logs-1/log/1",
			status: 200,
			want:   `{"_index":"logs-1","_type":"log","_id":"1","_version":2,"found":true,"_source":{"k":"Some Key"`,
		},
		{"GET", "/logs-1/_all/1", "", 200, `"found":true`},
		{"GET", "/logs-1/log/9", "", 404, `{"_index":"logs-1","_type":"log","_id":"9","found":false}`},
		{"POST", "/logs-1/log/1/_update", `{"doc":{"n":5}}`, 200, `{"_index":"logs-1","_type":"log","_id":"1","_version":3}`},
		{"DELETE", "/logs-1/log/9", "", 404, `"found":false`},
		{
			method: "POST",
			target: "/_bulk",
			body: `{"create":{"_index":"logs-1","_type":"log","_id":"1"}}` + "\n" + `{"n":1}` + "\n" +
				`{"index":{"_index":"logs-1","_type":"log","_id":"3"}}` + "\n" + `{"n":7}` + "\n" +
				`{"delete":{"_index":"logs-1","_type":"other","_id":"1"}}` + "\n",
			status: 200,
			want: `"errors":true,"items":[{"create":{"_index":"logs-1","_type":"log","_id":"1","status":409,` +
				`"error":"DocumentAlreadyExistsException[[logs-1][0] [log][1]: document already exists]"}},` +
				`{"index":{"_index":"logs-1","_type":"log","_id":"3","_version":1,"status":201}},` +
				`{"delete":{"_index":"logs-1","_type":"other","_id":"1","_version":2,"status":200,"found":true}}]}`,
		},
		{"POST", "/_bulk", `{"index":{"_index":"logs-1"}}` + "\n" + `{"n":1}` + "\n", 400, `type is missing`},
		{
			method: "GET",
			target: "/logs-1/_mapping",
			status: 200,
			want: `{"logs-1":{"mappings":{"log":{"properties":{"@timestamp":{"type":"date","format":"dateOptionalTime"},` +
				`"k":{"type":"string","index":"not_analyzed"},"n":{"type":"long"},"t":{"type":"string"}}},"other":`,
		},
		{"GET", "/logs-1/log/_search?q=t:words", "", 200, `"hits":{"total":1,`},
		{"GET", "/logs-1/other/_search", "", 200, `"hits":{"total":0,`},
		{"GET", "/logs-1/_search?q=words", "", 200, `"hits":{"total":1,`},
		{
			method: "POST",
			target: "/logs-1/_search",
			body: `{"query":{"filtered":{"query":{"match_all":{}},"filter":{"term":{"k":"Some Key"}}}},"size":0,` +
				`"aggs":{"t":{"terms":{"field":"t"}},"d":{"date_histogram":{"field":"@timestamp","interval":"day"}}}}`,
			status: 200,
			want: `"aggregations":{"t":{"doc_count_error_upper_bound":0,"sum_other_doc_count":0,` +
				`"buckets":[{"key":"some","doc_count":1},{"key":"words","doc_count":1}]},` +
				`"d":{"buckets":[{"key_as_string":"2015-10-01T00:00:00.000Z","key":1443657600000,"doc_count":1}]}}`,
		},
		{"GET", "/_cluster/health", "", 200, `"cluster_name":"123456789012:sandbox01","status":"yellow"`},
		{"GET", "/logs-1/_count", "", 200, `{"count":2,"_shards":{"total":5,"successful":5,"failed":0}}`},
		{"GET", "/_cat/indices?h=health,index,pri,rep,docs.count", "", 200, "yellow logs-1 5 1 2\n"},
		{"DELETE", "/logs-1", "", 200, `{"acknowledged":true}`},
		{"HEAD", "/logs-1", "", 404, ""},
	} {
		status, text := do(t, e, c.method, c.target, c.body)
		if status != c.status || !strings.Contains(text, c.want) {
			t.Errorf("%s %s %s: status %d, want %d: %s\nwant %s", c.method, c.target, c.body, status, c.status, text, c.want)
		}
	}
}

func TestVersionsTellThemselvesApart(t *testing.T) {
	t.Parallel()
	for profile, want := range map[string][]string{
		"elasticsearch-1.5.2":  {`"number" : "1.5.2"`, `"tagline" : "You Know, for Search"`},
		"elasticsearch-7.10.2": {`"number" : "7.10.2"`, `"tagline" : "You Know, for Search"`},
		"opensearch-2":         {`"distribution" : "opensearch"`, `"number" : "2.19`, "The OpenSearch Project"},
		"opensearch-3":         {`"distribution" : "opensearch"`, `"number" : "3.3`, "The OpenSearch Project"},
	} {
		e := open(t, engine.Config{Profile: profile})
		banner := must(t, e, "GET", "/", "")
		for _, w := range want {
			if !strings.Contains(banner, w) {
				t.Errorf("%s: the banner lacks %q: %s", profile, w, banner)
			}
		}
		status, text := do(t, e, http.MethodPost, "/_bulk", `{"index":{"_index":"a","_type":"_doc","_id":"1"}}`+"\n{}\n")
		if refused := status == http.StatusBadRequest; refused != strings.HasPrefix(profile, "opensearch") {
			t.Errorf("%s: a bulk with _type: %d: %s", profile, status, text)
		}
	}
	_, err := engine.Open(engine.Config{Profile: "elasticsearch-9"})
	if err == nil || !strings.Contains(err.Error(), "opensearch-2") {
		t.Errorf("error %v, want one that lists the profiles", err)
	}
}

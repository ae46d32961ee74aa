package guard_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/seed56735111/penstock/guard"
)

func strictMode(c *guard.Config) { c.Mode = guard.ModeStrict }

// logsOnly admits alice to everything but the indexes secret and hidden, and to no DELETE of an index.
const logsOnly = `{"Version":"2012-10-17","Statement":[
	{"Effect":"Allow","Principal":{"AWS":"` + alice + `"},"Action":"es:*","Resource":"` + domainARN + `/*"},
	{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"es:*","Resource":["` + domainARN + `/secret","` + domainARN +
	`/secret/*","` + domainARN + `/hidden/*","` + domainARN + `/stream/*"]},
	{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"es:ESHttpDelete","Resource":"` + domainARN + `/logs-2*"}]}`

// TestStrictModeJudgesEveryIndexThatIsTouched has a caller who may touch anything but a few indexes. Parity mode lets
// all of this pass, as the URL alone is judged; what strict mode answers is in the table. The backend has the indexes
// logs-1 (alias logs), logs-2, secret (alias hidden) and the data stream "stream".
func TestStrictModeJudgesEveryIndexThatIsTouched(t *testing.T) {
	t.Parallel()
	parity, strict := newDomain(t, logsOnly), newDomain(t, logsOnly, strictMode)
	for _, c := range []struct {
		method, target, body string
		status               int
	}{
		{"GET", "/", "", 200},
		{"GET", "/_cluster/health", "", 200},
		{"GET", "/logs-1/_search", `{"query":{"match_all":{}}}`, 200},
		{"GET", "/logs-1,logs-2/_search", "", 200},
		{"GET", "/logs-1,secret/_search", "", 403},
		{"GET", "/logs-*/_search", "", 200},
		{"GET", "/s*/_search", "", 403},
		{"GET", "/%2A/_search", "", 403},
		{"GET", "/_all/_search", "", 403},
		{"GET", "/*,-secret,-hidden,-stream,-.ds-*/_search", "", 200},
		{"GET", "/*,-secret,-hidden,-stream/_search", "", 403}, // the index behind the stream
		{"GET", "/.ds-stream-2026.01.01-000001/_search", "", 403},
		{"GET", "/.ds-*/_search", "", 403},
		{"GET", "/*,-secret/_search", "", 403}, // through the alias
		{"GET", "/-logs-1/_search", "", 400},
		{"GET", "/_search", "", 403},
		{"GET", "/_count", "", 403},
		{"POST", "/_search/scroll", `{"scroll_id":"x"}`, 200},
		{"GET", "/%3Clogs-%7Bnow%2Fd%7D%3E/_search", "", 200},
		{"GET", "/%3Csecret-%7Bnow%2Fd%7D%3E/_search", "", 200},
		{"GET", "/%3Cs%7Bnow%2Fd%7D%3E/_search", "", 403},
		{"GET", "/a%2Fb/_search", "", 400},
		{"GET", "/_cat/indices", "", 403},
		{"GET", "/_cat/indices/logs-1", "", 200},
		{"GET", "/_cat/indices/s*", "", 403},
		{"GET", "/_cluster/state/metadata/secret", "", 403},
		{"GET", "/_resolve/index/secret", "", 403},
		{"GET", "/_cat/health", "", 200},
		{"DELETE", "/_data_stream/stream", "", 200},
		{"POST", "/_plugins/_sql", `{"query":"select * from secret"}`, 400},
		{"POST", "/_snapshot/r/s/_restore", `{}`, 400},
		{"PUT", "/logs-1/_shrink/secret", "", 403},
		{"PUT", "/logs-1/_clone/logs-9", "", 200},

		{"POST", "/_bulk", bulk(`{"index":{"_index":"logs-1"}}`, `{}`), 200},
		{
			method: "POST",
			target: "/_bulk",
			body:   bulk(`{"index":{"_index":"logs-1"}}`, `{}`, `{"create":{"_index":"secret","_id":"1"}}`, `{}`),
			status: 403,
		},
		{"POST", "/logs-1/_bulk", bulk(`{"index":{}}`, `{"_index":"secret"}`), 200},
		{"POST", "/logs-1/_bulk", bulk(`{"index":{"_index":"secret"}}`, `{}`), 403},
		{"POST", "/logs-1/doc/_bulk", bulk(`{"index":{"_index":"secret"}}`, `{}`), 403},
		{"PUT", "/logs-1/_doc/_bulk", bulk(`{"index":{"_index":"logs-1"}}`, `{}`), 400},
		{"POST", "/_bulk", bulk(`{"delete":{"_index":"logs-1","_id":"1"}}`), 200},
		{"POST", "/_bulk", bulk(`{"delete":{"_index":"logs-2","_id":"1"}}`), 403},
		{"POST", "/_bulk", bulk(`{"index":{}}`, `{}`), 400},
		{"POST", "/_bulk", bulk(`{"index":{"_index":"logs-1","_index":"secret"}}`, `{}`), 400},
		{"POST", "/_bulk", "not json\n", 400},
		{"POST", "/_bulk?source=x", bulk(`{"index":{"_index":"logs-1"}}`, `{}`), 400},
		{"POST", "/_bulk", "", 200},

		{"GET", "/_mget", `{"docs":[{"_index":"logs-1","_id":"1"}]}`, 200},
		{"GET", "/_mget", `{"docs":[{"_index":"logs-1","_id":"1"},{"_id":"1","_index":"secret"}]}`, 403},
		{"GET", "/logs-1/_mget", `{"ids":["1"]}`, 200},
		{"GET", "/logs-1/_mget", `{"docs":[{"_id":"1"},{"_index":"secret","_id":"2"}]}`, 403},
		{"GET", "/_mget", `{"docs":[{"_id":"1"}]}`, 400},
		{"GET", "/_mget", `{"docs":[]} {"docs":[{"_index":"secret"}]}`, 400},
		{"GET", "/_mget", `[]`, 400},

		{"POST", "/_msearch", bulk(`{"index":"logs-1"}`, `{}`), 200},
		{"POST", "/_msearch", bulk(`{"index":"logs-1"}`, `{}`, `{"index":["logs-2","secret"]}`, `{}`), 403},
		{"POST", "/_msearch", bulk(`{"index":"s*"}`, `{}`), 403},
		{"POST", "/_msearch", bulk(`{}`, `{}`), 403},
		{"POST", "/logs-1/_msearch", bulk(`{}`, `{}`, ``, `{}`), 200},
		{"POST", "/logs-1/_msearch", bulk(`{}`, `{"query":{"terms":{"f":{"index":"secret","id":"1","path":"p"}}}}`), 403},
		{"POST", "/_msearch/template", bulk(`{"index":"logs-1"}`, `{}`), 400},

		{"POST", "/logs-1/_search", `{"query":{"terms":{"user":{"index":"secret","id":"2","path":"followers"}}}}`, 403},
		{"POST", "/logs-1/_search", `{"query":{"more_like_this":{"like":[{"_index":"secret","_id":"1"}]}}}`, 403},
		{"POST", "/logs-1/_search", `{"query":{"match":{"index":"logs-1"}}}`, 200},
		{"POST", "/logs-1/_delete_by_query", `{"query":{"terms":{"a":{"index":"secret"}}}}`, 403},
		{"POST", "/logs-1/_search", `{"query":`, 400},
		{"POST", "/logs-1/_doc", `{"index":"secret","_index":"secret"}`, 200},

		{"POST", "/_reindex", `{"source":{"index":"logs-1"},"dest":{"index":"logs-9"}}`, 200},
		{"POST", "/_reindex", `{"source":{"index":"secret"},"dest":{"index":"logs-9"}}`, 403},
		{"POST", "/_reindex", `{"source":{"index":["logs-1","s*"]},"dest":{"index":"logs-9"}}`, 403},
		{"POST", "/_reindex", `{"source":{"index":"logs-1"},"dest":{"index":"secret"}}`, 403},
		{
			method: "POST",
			target: "/_reindex",
			body:   `{"source":{"index":"logs-1","query":{"terms":{"a":{"index":"secret"}}}},"dest":{"index":"logs-9"}}`,
			status: 403,
		},
		{"POST", "/_reindex", `{"source":{},"dest":{"index":"logs-9"}}`, 400},

		{"POST", "/_aliases", `{"actions":[{"add":{"index":"logs-1","alias":"a"}}]}`, 200},
		{
			method: "POST",
			target: "/_aliases",
			body:   `{"actions":[{"add":{"index":"logs-1","alias":"a"}},{"add":{"index":"secret","alias":"a"}}]}`,
			status: 403,
		},
		{"POST", "/_aliases", `{"actions":[{"add":{"indices":["logs-1","s*"],"aliases":["a","b"]}}]}`, 403},
		{"POST", "/_aliases", `{"actions":[{"remove_index":{"index":"logs-2"}}]}`, 403},
		{"POST", "/_aliases", `{"actions":[{"remove_index":{"index":"logs-1"}}]}`, 200},
		{"POST", "/_aliases", `{"actions":[{"swap":{"index":"logs-1","alias":"a"}}]}`, 400},
		{"POST", "/_aliases", `{"actions":[{"add":{"alias":"a"}}]}`, 400},
		{"GET", "/_aliases", ``, 403},

		// What is not understood completely is refused, in every place of a body.
		{"PUT", "/logs-1/_alias/x", `{"index":"secret"}`, 403},
		{"PUT", "/logs-1/_alias/x", `{"filter":{"term":{"a":1}}}`, 200},
		{"PUT", "/logs-1/_alias/x", `{"filter":{"terms":{"a":{"index":"secret","id":"1","path":"p"}}}}`, 403},
		{"PUT", "/logs-1/_alias/x", ``, 200},
		{"PUT", "/_alias/x", `{"index":"secret"}`, 403},
		{"POST", "/_aliases/x", `{"index":"secret"}`, 403},
		{
			method: "POST",
			target: "/_aliases",
			body:   `{"actions":[{"add":{"index":"logs-1","alias":"a","filter":{"wrapper":{"query":"e30="}}}}]}`,
			status: 400,
		},
		{
			method: "PUT",
			target: "/logs-9",
			body:   `{"settings":{"number_of_shards":1},"mappings":{},"aliases":{"a":{"filter":{"term":{"a":1}}}}}`,
			status: 200,
		},
		{"PUT", "/logs-9", `{"aliases":{"a":{"filter":{"terms":{"a":{"index":"secret","id":"1","path":"p"}}}}}}`, 403},
		{"PUT", "/logs-9", `{"settings":{"index.default_pipeline":"p"}}`, 400},
		{"PUT", "/logs-9", `{"settings":{"index":{"search":{"default_pipeline":"p"}}}}`, 400},
		{"PUT", "/logs-9", `{"settings":{"index":{"default_pipeline":"_none"}}}`, 200},
		{"PUT", "/logs-1/_settings", `{"final_pipeline":"p"}`, 400},
		{"PUT", "/_index_template/t", `{"index_patterns":["logs-*"],"template":{"settings":{"number_of_shards":1}}}`, 200},
		{"PUT", "/_index_template/t", `{"index_patterns":["logs-*","secret"]}`, 403},
		{"PUT", "/_template/t", `{"template":"secret"}`, 403},
		{"PUT", "/_component_template/t", `{"template":{"settings":{"default_pipeline":"p"}}}`, 400},
		{"PUT", "/_ingest/pipeline/p", `{"processors":[]}`, 400},
		{"PUT", "/logs-1/_doc/1?pipeline=p", `{}`, 400},
		{"PUT", "/logs-1/_doc/1?pipeline=_none", `{}`, 200},
		{"POST", "/_bulk", bulk(`{"index":{"_index":"logs-1","pipeline":"p"}}`, `{}`), 400},
		{"POST", "/_bulk", bulk(`{"index":{"_index":"logs-1","target":"secret"}}`, `{}`), 400},
		{"POST", "/_mget?index=secret", `{"ids":["1"]}`, 400},
		{"POST", "/_mtermvectors?index=secret", `{"ids":["1"]}`, 400},
		{"POST", "/logs-1/_mtermvectors", `{"ids":["1"],"parameters":{"_index":"secret"}}`, 403},
		{"POST", "/logs-1/_mtermvectors", `{"ids":["1"],"parameters":{"fields":["a"]}}`, 200},
		{"POST", "/logs-1/_termvectors", `{"_index":"secret","_id":"1"}`, 403},
		{"POST", "/logs-1/_termvectors/1", `{"fields":["a"]}`, 200},
		{
			method: "POST",
			target: "/_reindex",
			body:   `{"source":{"index":"logs-1"},"dest":{"index":"logs-9"},"script":{"source":"ctx._index='secret'"}}`,
			status: 400,
		},
		{"POST", "/_reindex", `{"source":{"index":"logs-1"},"dest":{"index":"logs-9","pipeline":"p"}}`, 400},
		{"POST", "/logs-1/_search/template", `{"source":"{}"}`, 400},
		{"POST", "/logs-1/_search", `{"query":{"wrapper":{"query":"e30="}}}`, 400},
		{
			method: "POST",
			target: "/logs-1/_search",
			body:   `{"query":{"bool":{"should":[{"nested":{"path":"p","query":{"wrapper":{"query":"e30="}}}}]}}}`,
			status: 400,
		},
		{"POST", "/logs-1/_search", `{"query":{"template":{"match_all":{}}}}`, 400},
		{"POST", "/logs-1/_search", `{"query":{"geo_shape":{"f":{"indexed_shape":{"id":"1","index":"secret"}}}}}`, 403},
		{"POST", "/logs-1/_search", `{"query":{"percolate":{"field":"q","index":"secret","id":"1"}}}`, 403},
		{
			method: "POST",
			target: "/logs-1/_search",
			body:   `{"post_filter":{"has_child":{"type":"c","query":{"terms":{"a":{"index":"secret"}}}}}}`,
			status: 403,
		},
		{"POST", "/logs-1/_search", `{"rescore":{"query":{"rescore_query":{"terms":{"a":{"index":"secret"}}}}}}`, 403},
		{
			method: "POST",
			target: "/logs-1/_search",
			body:   `{"highlight":{"fields":[{"f":{"highlight_query":{"terms":{"a":{"index":"secret"}}}}}]}}`,
			status: 403,
		},
		{
			method: "POST",
			target: "/logs-1/_search",
			body:   `{"sort":[{"a":{"nested":{"path":"p","filter":{"terms":{"a":{"index":"secret"}}}}}}]}`,
			status: 403,
		},
		{
			method: "POST",
			target: "/logs-1/_search",
			body: `{"collapse":{"field":"f","inner_hits":{"name":"n",` +
				`"highlight":{"highlight_query":{"terms":{"a":{"index":"secret"}}}}}}}`,
			status: 403,
		},
		{
			method: "POST",
			target: "/logs-1/_search",
			body: `{"aggs":{"a":{"terms":{"field":"f"},` +
				`"aggs":{"b":{"filters":{"filters":[{"terms":{"a":{"index":"secret"}}}]}}}}}}`,
			status: 403,
		},
		{
			method: "POST",
			target: "/logs-1/_search",
			body:   `{"aggs":{"a":{"significant_terms":{"field":"f","background_filter":{"terms":{"a":{"index":"secret"}}}}}}}`,
			status: 403,
		},
		{"POST", "/logs-1/_search", `{"aggs":{"a":{"oracle":{}}}}`, 400},
		{
			method: "POST",
			target: "/logs-1/_search",
			body:   `{"suggest":{"s":{"text":"x","phrase":{"field":"f","collate":{"query":{"source":"{}"}}}}}}`,
			status: 400,
		},
		{"POST", "/logs-1/_search", `{"search_pipeline":{"request_processors":[]}}`, 400},
		{"POST", "/logs-1/_search", `{"index":"secret"}`, 400},
		{"POST", "/logs-1/_search?search_pipeline=p", `{}`, 400},
		{"POST", "/logs-1/_search?q=a;index=secret", `{}`, 400},
		{"POST", "/_msearch", bulk(`{"index":"logs-1","indices":"secret"}`, `{}`), 403},
		{"POST", "/_msearch", bulk(`{"indices":"secret","index":"logs-1"}`, `{}`), 403},
		{"POST", "/_msearch", bulk(`{"index":"logs-1","target":"secret"}`, `{}`), 400},
		{
			method: "POST",
			target: "/logs-1/_rank_eval",
			body: `{"requests":[{"id":"q","request":{"query":{"match_all":{}}},"ratings":[{"_index":"secret","_id":"1",` +
				`"rating":1}]}],"metric":{}}`,
			status: 403,
		},
		{"POST", "/logs-1/_field_caps?fields=*", `{"index_filter":{"terms":{"a":{"index":"secret"}}}}`, 403},
		{
			method: "POST",
			target: "/_scripts/painless/_execute",
			body:   `{"script":{"source":"1"},"context":"filter","context_setup":{"index":"secret","document":{}}}`,
			status: 403,
		},
		{"POST", "/_cluster/allocation/explain", `{"index":"secret"}`, 403},
		{"POST", "/_cluster/allocation/explain", ``, 403},
		{"GET", "/views/v/_search", ``, 400},
		{"GET", "/logs-1/%5Fsearch", ``, 400},
		{"GET", "/%5Fall/_search", ``, 400},
		{"PUT", "/logs-1/_mapping/_bulk", bulk(`{"index":{"_index":"secret"}}`, `{}`), 400},
		{"GET", "/other:secret/_search", ``, 400},
		{"GET", "/%3C%7Bnow%7B%27secret%27%7D%7D%3E/_search", ``, 400},
		{"GET", "/%3C%7Bnow%7BMMMM%7D%7D%3E/_search", ``, 400},
		{"GET", "/logs-1,%20secret/_search", ``, 400},
		{"POST", "/_reindex", `{"source":{"index":["logs-1 "]},"dest":{"index":"logs-9"}}`, 400},
		{"PUT", "/logs-9", `{"mappings":{"properties":{"type":{"type":"keyword"},"q":{"type":"percolator"}}}}`, 400},
		{"PUT", "/logs-1/_mapping", `{"properties":{"a":{"type":"text","fields":{"q":{"type":"percolator"}}}}}`, 400},
		{
			method: "PUT",
			target: "/logs-1/_mapping",
			body: `{"properties":{"type":{"type":"keyword"},"percolator":{"type":"text"}},` +
				`"dynamic_templates":[{"a":{"mapping":{"type":"keyword"}}}]}`,
			status: 200,
		},
		{
			method: "PUT",
			target: "/_index_template/t",
			body: `{"index_patterns":["logs-*"],"template":{"mappings":` +
				`{"dynamic_templates":[{"a":{"mapping":{"type":"percolator"}}}]}}}`,
			status: 400,
		},
		{"PUT", "/logs-1/.percolator/1", `{"query":{"match_all":{}}}`, 400},
		{"POST", "/_search", `{"pit":{"id":"x","keep_alive":"1m"},"query":{"match_all":{}}}`, 200},
		{"POST", "/_search", `{"pit":{"id":"x"},"query":{"terms":{"a":{"index":"secret"}}}}`, 403},
		{"POST", "/_search", `{"query":{"match_all":{}}}`, 403},
		{"GET", "/_search?q=a", ``, 403},
		{"GET", "/_cluster/health?level=indices", ``, 403},
		{"GET", "/_nodes/stats?level=shards", ``, 403},
		{"GET", "/_tasks?detailed", ``, 403},
		{"POST", "/_unheard/of", `{}`, 400},
	} {
		if status, text := parity.do(t, alice, c.method, c.target, c.body); status != http.StatusOK {
			t.Errorf("parity %s %s %s: %d %s", c.method, c.target, c.body, status, text)
		}
		strict.reached()
		status, text := strict.do(t, alice, c.method, c.target, c.body)
		if status != c.status {
			t.Errorf("strict %s %s %s: %d %s, want %d", c.method, c.target, c.body, status, text, c.status)
		}
		if reached := len(strict.reached()) > 0; reached != (c.status == http.StatusOK) {
			t.Errorf("strict %s %s %s: reached the backend: %v", c.method, c.target, c.body, reached)
		}
	}
}

func bulk(lines ...string) string { return strings.Join(lines, "\n") + "\n" }

func TestStrictModeLooksIntoCompressedBodies(t *testing.T) {
	t.Parallel()
	d := newDomain(t, logsOnly, strictMode)
	for _, c := range []struct {
		encoding, index string
		status          int
	}{{"gzip", "logs-1", 200}, {"gzip", "secret", 403}, {"deflate", "logs-1", 400}, {"", "logs-1", 400}} {
		var z bytes.Buffer
		w := gzip.NewWriter(&z)
		_, _ = io.WriteString(w, bulk(`{"index":{"_index":"`+c.index+`"}}`, `{}`))
		w.Close()
		r := d.request(t, "POST", "/_bulk", z.String())
		if c.encoding != "" {
			r.Header.Set("Content-Encoding", c.encoding)
		}
		if resp, text := send(t, d.sign(t, r, alice, z.String())); resp.StatusCode != c.status {
			t.Errorf("%q %s: %d %s, want %d", c.encoding, c.index, resp.StatusCode, text, c.status)
		}
	}
}

// TestStrictNeverAllowsWhatParityRefuses asks both modes about callers with narrow rights.
func TestStrictNeverAllowsWhatParityRefuses(t *testing.T) {
	t.Parallel()
	const narrow = `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"` + alice + `"},"Action":["es:ESHttpGet","es:ESHttpPost"],"Resource":["` +
		domainARN + `/logs-*"]}]}`
	parity, strict := newDomain(t, narrow), newDomain(t, narrow, strictMode)
	for _, c := range []struct {
		method, target, body string
		parity, strict       int
	}{
		{"GET", "/", "", 403, 403},
		{"GET", "/logs-1/_search", "", 200, 200},
		{"GET", "/logs-*/_search", "", 200, 200},
		{"GET", "/logs-1,secret/_search", "", 200, 403},
		{"GET", "/l*/_search", "", 403, 403},
		{"POST", "/_bulk", bulk(`{"index":{"_index":"logs-1"}}`, `{}`), 403, 403},
		{"POST", "/logs-1/_bulk", bulk(`{"index":{}}`, `{}`), 200, 200},
		{"POST", "/logs-1/_bulk", bulk(`{"index":{"_index":"other"}}`, `{}`), 200, 403},
		{"POST", "/logs-1/_bulk", bulk(`{"delete":{"_id":"1"}}`), 200, 403},
		{"DELETE", "/logs-1", "", 403, 403},
		{"GET", "/%6cogs-1/_search", "", 403, 403},
		{"GET", "/logs-1%2F_search", "", 200, 400},
	} {
		if status, text := parity.do(t, alice, c.method, c.target, c.body); status != c.parity {
			t.Errorf("parity %s %s: %d %s, want %d", c.method, c.target, status, text, c.parity)
		}
		if status, text := strict.do(t, alice, c.method, c.target, c.body); status != c.strict {
			t.Errorf("strict %s %s: %d %s, want %d", c.method, c.target, status, text, c.strict)
		}
	}
}

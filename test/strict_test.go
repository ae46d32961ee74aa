package test

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/seed56735111/penstock/guard"
	"github.com/seed56735111/penstock/internal/realtest"
)

// leak is a way to reach an index whose name is not in the path.
type leak struct {
	name, method, target, body string
	// before is sent to the node by itself, as METHOD TARGET BODY.
	before []string
	// shows is what the answer holds when the index was reached; or look is a path of the node that then holds it.
	shows, look string
}

// lookup is a query for the documents whose word is that of a document in secret.
const lookup = `{"query":{"terms":{"word.keyword":{"index":"secret","id":"1","path":"word"}}}}`

func leaks() []leak {
	const hit = `"_id":"found"`
	return []leak{
		{
			name: "alias with the index in the body", method: "PUT", target: "/app-1/_alias/x", body: `{"index":"secret"}`,
			look: "/_alias/x", shows: `"secret"`,
		},
		{
			name: "alias with the index in the body, no index in the path", method: "PUT", target: "/_alias/x",
			body: `{"index":"secret"}`, look: "/_alias/x", shows: `"secret"`,
		},
		{
			name: "alias by another name of the API", method: "PUT", target: "/_aliases/x", body: `{"index":"secret"}`,
			look: "/_alias/x", shows: `"secret"`,
		},
		{
			name: "_mget with a parameter", method: "POST", target: "/_mget?index=secret", body: `{"ids":["1"]}`,
			shows: "classified",
		},
		{
			name: "_mtermvectors with a parameter", method: "POST", target: "/_mtermvectors?index=secret&ids=1",
			body: `{"ids":["1"],"parameters":{"fields":["word"]}}`, shows: "classified",
		},
		{
			name: "_mtermvectors with parameters", method: "POST", target: "/app-1/_mtermvectors",
			body: `{"ids":["1"],"parameters":{"_index":"secret","fields":["word"]}}`, shows: "classified",
		},
		{
			name: "_termvectors with an index in the body", method: "POST", target: "/app-1/_termvectors",
			body: `{"_index":"secret","_id":"1","fields":["word"]}`, shows: "classified",
		},
		{
			name: "_reindex with a script", method: "POST", target: "/_reindex?refresh=true", look: "/secret/_count",
			shows: `"count":2`,
			body: `{"source":{"index":"app-1"},"dest":{"index":"app-2"},"script":{"source":"ctx._index = 'secret'; ` +
				`ctx._id = 'new'"}}`,
		},
		{
			name: "_reindex through a pipeline", method: "POST", target: "/_reindex?refresh=true", look: "/secret/_count",
			shows: `"count":2`,
			before: []string{
				`PUT /_ingest/pipeline/p {"processors":[{"set":{"field":"_index","value":"secret"}},{"set":{"field":"_id",` +
					`"value":"new"}}]}`,
			},
			body: `{"source":{"index":"app-1"},"dest":{"index":"app-2","pipeline":"p"}}`,
		},
		{
			name: "a document through a pipeline", method: "PUT", target: "/app-1/_doc/new?pipeline=p&refresh=true",
			look: "/secret/_count", shows: `"count":2`,
			before: []string{`PUT /_ingest/pipeline/p {"processors":[{"set":{"field":"_index","value":"secret"}}]}`},
			body:   `{"word":"x"}`,
		},
		{
			name: "_bulk through a pipeline", method: "POST", target: "/_bulk?refresh=true", look: "/secret/_count",
			shows:  `"count":2`,
			before: []string{`PUT /_ingest/pipeline/p {"processors":[{"set":{"field":"_index","value":"secret"}}]}`},
			body:   `{"index":{"_index":"app-1","_id":"new","pipeline":"p"}}` + "\n" + `{"word":"x"}` + "\n",
		},
		{
			name: "a pipeline being defined", method: "PUT", target: "/_ingest/pipeline/q",
			body: `{"processors":[{"set":{"field":"_index","value":"secret"}}]}`, look: "/_ingest/pipeline", shows: `"q"`,
		},
		{
			name: "an index with a pipeline", method: "PUT", target: "/app-3",
			body: `{"settings":{"index":{"default_pipeline":"q"}}}`, look: "/app-3/_settings", shows: `default_pipeline`,
		},
		{
			name: "_search/template, a string", method: "POST", target: "/app-1/_search/template",
			body: `{"source":` + quote(lookup) + `}`, shows: hit,
		},
		{
			name: "_search/template, an object", method: "POST", target: "/app-1/_search/template",
			body: `{"source":` + lookup + `}`, shows: hit,
		},
		{
			name: "_msearch/template", method: "POST", target: "/app-1/_msearch/template",
			body: "{}\n" + `{"source":` + quote(lookup) + "}\n", shows: hit,
		},
		{
			name: "wrapper query", method: "POST", target: "/app-1/_search",
			body: `{"query":{"wrapper":{"query":"` +
				base64Of(`{"terms":{"word.keyword":{"index":"secret","id":"1","path":"word"}}}`) + `"}}}`,
			shows: hit,
		},
		{name: "terms lookup", method: "POST", target: "/app-1/_search", body: lookup, shows: hit},
		{
			name: "terms lookup in an aggregation", method: "POST", target: "/app-1/_search",
			body:  `{"size":0,"aggs":{"a":{"filter":{"terms":{"word.keyword":{"index":"secret","id":"1","path":"word"}}}}}}`,
			shows: `"doc_count":1`,
		},
		{
			name: "like a document", method: "POST", target: "/app-1/_search",
			body: `{"query":{"more_like_this":{"fields":["word"],"like":[{"_index":"secret","_id":"1"}],"min_term_freq":1,` +
				`"min_doc_freq":1}}}`,
			shows: hit,
		},
		{
			name: "_msearch with index and indices", method: "POST", target: "/_msearch",
			body: `{"index":"app-1","indices":"secret"}` + "\n{}\n", shows: "classified",
		},
		{
			name: "_msearch with indices and index", method: "POST", target: "/_msearch",
			body:  `{"indices":"secret","index":"app-1"}` + "\n{}\n" + `{"indices":"app-1","index":"secret"}` + "\n{}\n",
			shows: "classified",
		},
		{name: "_search with a parameter", method: "POST", target: "/_search?index=secret", body: `{}`, shows: "classified"},
		{name: "_count with a parameter", method: "POST", target: "/_count?index=secret", body: `{}`, shows: `"count":1`},
		{
			name: "allocation of an index in the body", method: "POST", target: "/_cluster/allocation/explain",
			body: `{"index":"secret","shard":0,"primary":true}`, shows: `"secret"`,
		},
		{
			name: "a document that is a query", method: "PUT", target: "/app-4", look: "/app-4/_mapping", shows: "percolator",
			body: `{"mappings":{"properties":{"word":{"type":"text"},"q":{"type":"percolator"}}}}`,
		},
		{
			name: "the index behind a data stream", method: "GET", target: "/.ds-*/_search", shows: "classified",
			before: []string{
				`PUT /_index_template/t {"index_patterns":["secret-*"],"data_stream":{}}`,
				`POST /secret-ds/_doc?refresh=true {"@timestamp":"2026-11-24T12:00:00Z","word":"classified"}`,
			},
		},
		{
			name: "an index pattern of a template", method: "PUT", target: "/_index_template/t",
			body: `{"index_patterns":["secret"],"template":{"aliases":{"app-alias":{}}}}`, look: "/_index_template/t",
			shows: `"secret"`,
		},
	}
}

// TestStrictModeHasNoLeakOnARealNode reaches an index that is denied through a guard in parity mode, which shows that
// the node takes that way, and is refused in strict mode, with nothing done.
func TestStrictModeHasNoLeakOnARealNode(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"2.19.1", "3.3.0"} {
		t.Run(version, func(t *testing.T) {
			node := realtest.StartOpenSearch(t, version).URL
			parity, strict := strictGuard(t, node, guard.ModeParity), strictGuard(t, node, guard.ModeStrict)
			for _, l := range leaks() {
				t.Run(l.name, func(t *testing.T) {
					prepare(t, node)
					if got := l.try(t, node, parity); !strings.Contains(got, l.shows) {
						t.Errorf("no leak in parity mode, so the row shows nothing: want %s in %.600s", l.shows, got)
					}
					if l.look != "" {
						prepare(t, node)
					}
					if got := l.try(t, node, strict); strings.Contains(got, l.shows) {
						t.Errorf("strict mode leaks %s: %.600s", l.shows, got)
					} else if l.look == "" && !strings.Contains(got, "strict mode cannot tell") &&
						!strings.Contains(got, "explicit deny") {
						t.Errorf("not refused: %.600s", got)
					}
				})
			}
			t.Run("ids that the engine takes pass in parity mode", func(t *testing.T) {
				prepare(t, node)
				for raw, id := range map[string]string{
					"https%3A%2F%2Fhost%2Fpath%2F": "https://host/path/",
					"a%2F":                         "a/",
					"a%5Cb":                        `a\b`,
					"a;b":                          "a;b",
					"%2E%2E":                       "..",
					"..%2Fsecret%2F_doc%2F1":       "../secret/_doc/1",
				} {
					ask(t, parity, "PUT", "/app-1/_doc/"+raw, `{"word":"id"}`, http.StatusCreated)
					got := ask(t, parity, "GET", "/app-1/_doc/"+raw, "", http.StatusOK)
					if !strings.Contains(got, `"_id":`+quote(id)) {
						t.Errorf("%s is stored as %s, want the id %q", raw, got, id)
					}
				}
			})
			t.Run("what is understood passes", func(t *testing.T) {
				prepare(t, node)
				for _, x := range []exchange{
					{
						method: "POST",
						target: "/app-1/_search?size=5&track_total_hits=true",
						body: `{"query":{"bool":{"filter":[{"match":{"word":"classified"}},{"range":{"n":{"gte":0}}}]}},` +
							`"aggs":{"a":{"terms":{"field":"word.keyword"}}},"sort":[{"n":"asc"},"_doc"],` +
							`"highlight":{"fields":{"word":{}}}}`,
					},
					{
						method: "POST",
						target: "/_bulk",
						body:   `{"index":{"_index":"app-1","_id":"b"}}` + "\n{}\n" + `{"delete":{"_index":"app-1","_id":"b"}}` + "\n",
					},
					{
						method: "POST",
						target: "/_reindex",
						body: `{"source":{"index":"app-1","query":{"match_all":{}}},"dest":{"index":"app-2","op_type":"create"},` +
							`"conflicts":"proceed"}`,
					},
					{method: "PUT", target: "/app-2/_alias/y", body: `{"filter":{"term":{"n":1}}}`},
					{method: "POST", target: "/app-1/_update_by_query", body: `{"script":{"source":"ctx._source.n += 1"}}`},
					{method: "GET", target: "/app-*/_search"},
					{method: "GET", target: "/_cluster/health"},
				} {
					if status, _, answer := send(t, strict, x); status >= 300 {
						t.Errorf("%s %s %s: %d %v", x.method, x.target, x.body, status, answer)
					}
				}
			})
		})
	}
}

// try sends the request to the guard, and returns the answer, or what the node shows then.
func (l leak) try(t *testing.T, node, guarded string) string {
	t.Helper()
	for _, line := range l.before {
		parts := strings.SplitN(line, " ", 3)
		if answer := ask(t, node, parts[0], parts[1], parts[2], 0); strings.Contains(answer, `"error"`) {
			t.Fatalf("%s: %s", line, answer)
		}
	}
	answer := ask(t, guarded, l.method, l.target, l.body, 0)
	if l.look != "" {
		return ask(t, node, "GET", l.look, "", 0)
	}
	return answer
}

// prepare leaves the indexes app-1 and secret with a document each, and nothing else.
func prepare(t *testing.T, node string) {
	t.Helper()
	for _, target := range []string{
		"/_data_stream/secret-ds", "/app-*,secret", "/_index_template/t", "/_ingest/pipeline/*",
	} {
		ask(t, node, "DELETE", target, "", 0)
	}
	const one = `{"settings":{"number_of_shards":1,"number_of_replicas":0}}`
	ask(t, node, "PUT", "/app-1", one, http.StatusOK)
	ask(t, node, "PUT", "/secret", one, http.StatusOK)
	ask(t, node, "PUT", "/secret/_doc/1?refresh=true", `{"word":"classified","n":1}`, http.StatusCreated)
	ask(t, node, "PUT", "/app-1/_doc/found?refresh=true", `{"word":"classified","n":1}`, http.StatusCreated)
	ask(t, node, "PUT", "/app-1/_doc/other?refresh=true", `{"word":"dull","n":2}`, http.StatusCreated)
}

func ask(t *testing.T, base, method, target, body string, want int) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, base+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || want != 0 && resp.StatusCode != want {
		t.Fatalf("%s %s %s: %d %.400s, %v", method, target, body, resp.StatusCode, text, err)
	}
	return string(text)
}

// strictGuard stands before a node. Everyone may do everything, but nothing with secret.
func strictGuard(t *testing.T, node string, mode guard.Mode) string {
	t.Helper()
	backend, err := guard.NewForward(node, nil)
	if err != nil {
		t.Fatal(err)
	}
	const domain = "arn:aws:es:eu-west-1:123456789012:domain/sandbox01"
	policy, err := guard.ParseAccessPolicy(fmt.Appendf(nil, `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":"*","Action":"es:*","Resource":"%[1]s/*"},
		{"Effect":"Deny","Principal":"*","Action":"es:*","Resource":["%[1]s/secret","%[1]s/secret/*","%[1]s/secret-ds/*"]}]}`,
		domain))
	if err != nil {
		t.Fatal(err)
	}
	g, err := guard.New(guard.Config{
		Backend: backend, Account: "123456789012", Region: "eu-west-1", Name: "sandbox01", Policy: guard.FixedPolicy(policy),
		Mode: mode,
	})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(g)
	t.Cleanup(srv.Close)
	return srv.URL
}

func quote(s string) string { return strconv.Quote(s) }

func base64Of(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

package engine_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed56735111/penstock/engine"
)

func zipped(t testing.TB, r io.Reader) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.Copy(z, r); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestBodiesMayBeZippedAndHaveALimit(t *testing.T) {
	if testing.Short() {
		t.Skip("large inputs are left out: -short")
	}
	t.Parallel()
	e := open(t, engine.Config{MaxContentLength: 10000})
	for _, c := range []struct {
		name, encoding string
		body           []byte
		status         int
	}{
		{"plain", "", []byte(lines("logs", 0, 5)), http.StatusOK},
		{"zipped", "gzip", zipped(t, strings.NewReader(lines("logs", 0, 5))), http.StatusOK},
		{"too large", "", []byte(lines("logs", 0, 20)), http.StatusRequestEntityTooLarge},
		{
			"too large once unzipped", "gzip", zipped(t, strings.NewReader(lines("logs", 0, 20))),
			http.StatusRequestEntityTooLarge,
		},
		{"a bomb", "gzip", zipped(t, io.LimitReader(zeros{}, 1<<30)), http.StatusRequestEntityTooLarge},
		{"not zipped", "gzip", []byte("{}"), http.StatusBadRequest},
		{"broken off", "gzip", zipped(t, strings.NewReader(lines("logs", 0, 5)))[:60], http.StatusBadRequest},
		{"empty", "gzip", nil, http.StatusBadRequest},
		{"another encoding", "br", []byte("{}"), http.StatusUnsupportedMediaType},
	} {
		r := httptest.NewRequest(http.MethodPost, "/_bulk", bytes.NewReader(c.body))
		r.Header.Set("Content-Type", "application/x-ndjson")
		if c.encoding != "" {
			r.Header.Set("Content-Encoding", c.encoding)
		}
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		if w.Code != c.status {
			t.Errorf("%s: status %d, want %d: %.300s", c.name, w.Code, c.status, w.Body.String())
		}
	}
	if n := count(t, e, "logs"); n != 5 {
		t.Errorf("%d documents, want 5", n)
	}
}

func TestAnswersHaveALimit(t *testing.T) {
	t.Parallel()
	e := open(t, engine.Config{MaxContentLength: 10000})
	const n = 60
	ids := []string{}
	for i := range n {
		must(t, e, "POST", "/_bulk", lines("logs", i, 1))
		ids = append(ids, fmt.Sprintf(`"%d"`, i))
	}
	for _, c := range []struct {
		target, body string
		status       int
	}{
		{"/logs/_search", `{"size":30}`, http.StatusOK},
		{"/logs/_search", `{"size":100}`, http.StatusTooManyRequests},
		{"/logs/_search", `{"size":100,"_source":false}`, http.StatusOK},
		{"/logs/_mget", `{"ids":[` + strings.Join(ids[:30], ",") + `]}`, http.StatusOK},
		{"/logs/_mget", `{"ids":[` + strings.Join(ids, ",") + `]}`, http.StatusTooManyRequests},
	} {
		if status, text := do(t, e, "POST", c.target, c.body); status != c.status {
			t.Errorf("%s %s: status %d, want %d: %.200s", c.target, c.body, status, c.status, text)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// hostile are bodies that are large, deep, wide or nonsense.
func hostile() map[string]string {
	deep := func(open, inside, closed string, n int) string {
		return strings.Repeat(open, n) + inside + strings.Repeat(closed, n)
	}
	var wide, names strings.Builder
	for i := range 30000 {
		fmt.Fprintf(&wide, `,"f%d":{"a":%d}`, i, i)
		fmt.Fprintf(&names, `,{"term":{"f%d":1}}`, i)
	}
	return map[string]string{
		"deep objects":       deep(`{"a":`, "1", "}", 50000),
		"deep lists":         `{"a":` + deep("[", "1", "]", 50000) + "}",
		"lists just allowed": `{"a":` + deep("[", "1", "]", 900) + "}",
		"unclosed":           strings.Repeat(`{"a":[`, 50000),
		"wide":               "{" + wide.String()[1:] + "}",
		"dots":               `{"` + strings.Repeat("a.", 50000) + `a":1}`,
		"only dots":          `{"` + strings.Repeat(".", 50000) + `":1}`,
		"one long name":      `{"` + strings.Repeat("n", 200000) + `":1}`,
		"one long word":      `{"a":"` + strings.Repeat("w", 500000) + `"}`,
		"many numbers":       `{"a":[` + strings.Repeat("1,", 100000) + `1]}`,
		"many different":     `{"a":[` + strings.Repeat(`{"x":1.5,"y":[true]},`, 20000) + `{}]}`,
		"long number":        `{"a":` + strings.Repeat("9", 100000) + "}",
		"large exponent":     `{"a":1e999999999}`,
		"small exponent":     `{"a":-1e-999999999}`,
		"bad text":           "{\"a\":\"\xff\xfe\"}",
		"half a pair":        `{"a":"\ud800","b":"\udc00\ud800","c":"\ud83d\ude00"}`,
		"zero byte":          `{"a\u0000b":"\u0000"}`,
		"nested bools":       `{"query":` + deep(`{"bool":{"must":[`, `{"match_all":{}}`, `]}}`, 300) + "}",
		"nested constants":   `{"query":` + deep(`{"constant_score":{"filter":`, `{"match_all":{}}`, `}}`, 300) + "}",
		"nested aggregations": `{"aggs":` +
			deep(`{"a":{"terms":{"field":"n"},"aggs":`, `{"b":{"avg":{"field":"n"}}}`, `}}`, 300) + "}",
		"many clauses": `{"query":{"bool":{"should":[` + names.String()[1:] + `]}}}`,
		"many terms":   `{"query":{"terms":{"n":[` + strings.Repeat("1,", 80000) + `1]}}}`,
		"long match":   `{"query":{"match":{"t":"` + strings.Repeat("a b ", 20000) + `"}}}`,
		"wild":         `{"query":{"wildcard":{"t":"` + strings.Repeat("*a", 5000) + `"}}}`,
		"parentheses":  `{"query":{"query_string":{"query":"` + strings.Repeat("(", 20000) + `"}}}`,
		"operators":    `{"query":{"query_string":{"query":"` + strings.Repeat("a AND ", 20000) + `b"}}}`,
		"date math":    `{"query":{"range":{"d":{"gte":"now` + strings.Repeat("+999999999y", 1000) + `"}}}}`,
		"far dates":    `{"query":{"range":{"d":{"gte":"now-999999999y","lt":"now+999999999y/y"}}}}`,
		"many bars":    `{"size":0,"aggs":{"a":{"date_histogram":{"field":"d","fixed_interval":"1ms"}}}}`,
		"far bounds": `{"size":0,"aggs":{"a":{"date_histogram":{"field":"d","calendar_interval":"second",` +
			`"extended_bounds":{"min":"0001-01-01","max":"9999-01-01"}}}}}`,
		"far sources": `{"_source":["` + strings.Repeat("*.", 2000) + `*"]}`,
		"sort":        `{"sort":[` + strings.Repeat(`"n",`, 5000) + `"n"]}`,
	}
}

func TestHostileBodiesAreRefusedOrAnswered(t *testing.T) {
	if testing.Short() {
		t.Skip("large inputs are left out: -short")
	}
	t.Parallel()
	e := open(t, engine.Config{})
	must(t, e, "POST", "/_bulk",
		`{"index":{"_index":"s","_id":"1"}}`+"\n"+
			`{"n":1,"t":"some words aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab","d":"2001-01-01"}`+"\n"+
			`{"index":{"_index":"s","_id":"2"}}`+"\n"+`{"n":2,"t":"other words","d":"2021-01-01"}`+"\n")
	for name, body := range hostile() {
		for _, c := range [][2]string{
			{"POST", "/s/_search"},
			{"POST", "/s/_count"},
			{"PUT", "/new/_doc/1"},
			{"POST", "/s/_update/1"},
			{"PUT", "/made"},
			{"PUT", "/s/_mapping"},
			{"PUT", "/_index_template/t"},
			{"PUT", "/_component_template/t"},
			{"PUT", "/_template/t"},
			{"POST", "/_mget"},
			{"POST", "/s/_search?pretty&filter_path=**.a"},
		} {
			status, text := do(t, e, c[0], c[1], body)
			if status >= 500 && status != http.StatusNotImplemented && status != http.StatusServiceUnavailable {
				t.Errorf("%s: %s %s: status %d: %.300s", name, c[0], c[1], status, text)
			}
			if len(text) > 10<<20 {
				t.Errorf("%s: %s %s: an answer of %d bytes to a body of %d", name, c[0], c[1], len(text), len(body))
			}
		}
		line := strings.ReplaceAll(body, "\n", " ")
		for _, bulk := range []string{
			line + "\n",
			`{"index":{"_index":"b","_id":"1"}}` + "\n" + line + "\n",
			`{"update":{"_index":"s","_id":"1"}}` + "\n" + line + "\n",
		} {
			if status, text := do(t, e, "POST", "/_bulk", bulk); status >= 500 && status != http.StatusNotImplemented {
				t.Errorf("%s: _bulk: status %d: %.300s", name, status, text)
			}
		}
	}
	got := must(t, e, "GET", "/s/_search?q=n:1&filter_path=hits.total.value", "")
	if got != `{"hits":{"total":{"value":1}}}` {
		t.Errorf("after all that: %s", got)
	}
}

// What the real engines do and this one does not must never be passed over.
func TestWhatIsNotOfferedSaysSoAndNamesTheWayOut(t *testing.T) {
	t.Parallel()
	e := open(t, engine.Config{})
	must(t, e, "PUT", "/s/_doc/1", `{"t":"words","n":1,"d":"2015-05-13"}`)
	for _, request := range []string{
		"GET /_nodes", "GET /_stats", "GET /s/_stats", "GET /_cluster/state", "PUT /_cluster/settings {}", "GET /_tasks",
		"POST /_reindex {}", "POST /_aliases {}", "PUT /s/_alias/x",
		"POST /s/_close", "POST /s/_open", "POST /s/_forcemerge", "PUT /s/_settings {}", "GET /_cat/shards",
		"GET /_cat/nodes", "PUT /_ingest/pipeline/p {}", "GET /_data_stream/d", "POST /_msearch",
		"POST /s/_update_by_query {}", "GET /s/_analyze", "GET /s/_explain/1", "GET /s/_termvectors/1",
		"GET /s/_doc/1?stored_fields=t",
		`POST /s/_search {"query":{"regexp":{"t":"w.*"}}}`, `POST /s/_search {"query":{"fuzzy":{"t":"wrds"}}}`,
		`POST /s/_search {"query":{"match":{"t":{"query":"wrds","fuzziness":1}}}}`,
		`POST /s/_search {"query":{"query_string":{"query":"wrds~"}}}`,
		`POST /s/_search {"query":{"query_string":{"query":"/w.*/"}}}`,
		`POST /s/_search {"query":{"nested":{"path":"x","query":{"match_all":{}}}}}`,
		`POST /s/_search {"query":{"match_all":{"_name":"x"}}}`,
		`POST /s/_search {"query":{"multi_match":{"query":"a","type":"cross_fields"}}}`,
		`POST /s/_search {"query":{"terms":{"t":{"index":"s","id":"1","path":"t"}}}}`,
		`POST /s/_search {"highlight":{"fields":{"t":{}}}}`, `POST /s/_search {"script_fields":{"x":{"script":"1"}}}`,
		`POST /s/_search {"explain":true}`, `POST /s/_search {"profile":true}`, `POST /s/_search {"fields":["t"]}`,
		`POST /s/_search {"collapse":{"field":"n"}}`, `POST /s/_search {"sort":[{"_script":{}}]}`,
		`POST /s/_search {"sort":[{"n":{"mode":"median"}}]}`,
		`POST /s/_search {"aggs":{"a":{"percentiles":{"field":"n"}}}}`,
		`POST /s/_search {"aggs":{"a":{"terms":{"field":"n","script":"1"}}}}`,
		`POST /s/_search {"aggs":{"a":{"terms":{"field":"n","include":"[0-9]"}}}}`,
		`POST /s/_search {"aggs":{"a":{"terms":{"field":"n","min_doc_count":0}}}}`,
		`POST /s/_search {"aggs":{"a":{"date_histogram":{"field":"d","interval":"day","hard_bounds":{"min":"2015"}}}}}`,
		`POST /s/_update/1 {"script":"ctx._source.n++"}`, `PUT /m {"mappings":{"properties":{"a":{"type":"join"}}}}`,
		`PUT /m {"mappings":{"properties":{"a":{"type":"text","analyzer":"english"}}}}`,
		`PUT /m {"mappings":{"properties":{"a":{"type":"text","copy_to":"b"}}}}`,
		`PUT /m {"mappings":{"_source":{"enabled":false}}}`,
		`PUT /m {"settings":{"index.blocks.write":true}}`, `PUT /m {"settings":{"default_pipeline":"p"}}`,
		`PUT /m {"settings":{"analysis":{"analyzer":{"default":{"type":"english"}}}}}`,
		`PUT /m {"aliases":{"a":{"filter":{}}}}`,
		`PUT /_index_template/t {"index_patterns":["x"],"data_stream":{}}`,
	} {
		method, rest, _ := strings.Cut(request, " ")
		target, body, _ := strings.Cut(rest, " ")
		status, text := do(t, e, method, target, body)
		if status != http.StatusNotImplemented || !strings.Contains(text, "penstock domain --engine URL") {
			t.Errorf("%s: status %d: %s", request, status, text)
		}
	}
	if status, _ := do(t, e, "HEAD", "/m", ""); status != http.StatusNotFound {
		t.Errorf("an index was made of what is not offered: %d", status)
	}
}

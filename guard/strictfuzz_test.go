package guard

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// FuzzStrict asks strict mode about any request: it must not panic, and whatever it asks for has to be a path.
func FuzzStrict(f *testing.F) {
	for _, s := range [][3]string{
		{
			"POST", "/a/_search",
			`{"query":{"bool":{"must":[{"terms":{"f":{"index":"b"}}}]}},` +
				`"aggs":{"x":{"filters":{"filters":{"y":{"match_all":{}}}}}}}`,
		},
		{"POST", "/_bulk?refresh", "{\"index\":{\"_index\":\"a\"}}\n{}\n"},
		{"POST", "/_msearch", "{\"index\":[\"a\"]}\n{}\n\n{}\n"},
		{"POST", "/_reindex", `{"source":{"index":"a"},"dest":{"index":"b"}}`},
		{"PUT", "/_index_template/t", `{"index_patterns":["a*"],"template":{"mappings":{},"aliases":{"x":{}}}}`},
		{"POST", "/_aliases", `{"actions":[{"add":{"index":"a","alias":"b"}}]}`},
		{"GET", "/%3Ca-%7Bnow%2Fd%7D%3E,*,-b/_mget", `{"docs":[{"_index":"c"},"1"]}`},
	} {
		f.Add(s[0], s[1], s[2])
	}
	f.Fuzz(func(t *testing.T, method, raw, body string) {
		target, err := ParseTarget(raw)
		if err != nil {
			return
		}
		s := strict{
			method: method, target: target, header: http.Header{},
			names: func() ([]string, error) { return []string{"a", "secret", ".ds-s-000001"}, nil },
			body:  func() (io.Reader, error) { return strings.NewReader(body), nil },
		}
		n := 0
		for q, err := range s.questions() {
			if err != nil {
				return
			}
			if !strings.HasPrefix(q.Path, "/") || len(q.Path) < 2 || q.Method == "" {
				t.Fatalf("%s %s %s: asks for %+v", method, raw, body, q)
			}
			n++
		}
		// Two readings of the same request are the same.
		again := 0
		for range s.questions() {
			again++
		}
		if n != again {
			t.Errorf("%s %s %s: %d questions, then %d", method, raw, body, n, again)
		}
	})
}

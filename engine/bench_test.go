package engine_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/seed56735111/penstock/engine"
)

// BenchmarkBulk indexes documents of 25 fields, 1,000 a request.
func BenchmarkBulk(b *testing.B) {
	for _, kind := range []string{"memory", "disk"} {
		b.Run(kind, func(b *testing.B) {
			cfg := engine.Config{}
			if kind == "disk" {
				cfg.Dir = b.TempDir()
			}
			e := open(b, cfg)
			const n = 1000
			body := lines("logs", 0, n)
			b.SetBytes(int64(len(body)))
			i := 0
			for b.Loop() {
				must(b, e, "POST", fmt.Sprintf("/_bulk?routing=%d", i), lines("logs", i*n, n))
				i++
			}
			b.ReportMetric(float64(i*n)/b.Elapsed().Seconds(), "docs/s")
		})
	}
}

// BenchmarkSearch searches 20,000 documents.
func BenchmarkSearch(b *testing.B) {
	e := open(b, engine.Config{})
	const n = 2000
	for i := range 10 {
		must(b, e, "POST", "/_bulk", lines("logs", i*n, n))
	}
	for _, c := range []struct{ name, body string }{
		{"match", `{"query":{"match":{"request_url":"path 17"}}}`},
		{"phrase", `{"query":{"match_phrase":{"user_agent":"Linux x86_64"}}}`},
		{
			name: "range",
			body: `{"query":{"range":{"@timestamp":{"gte":"2015-05-13T03:00:00Z","lt":"2015-05-13T04:00:00Z"}}},` +
				`"sort":[{"sent_bytes":"desc"}]}`,
		},
		{"histogram", `{"size":0,"aggs":{"h":{"date_histogram":{"field":"@timestamp","calendar_interval":"hour"}}}}`},
		{
			name: "terms",
			body: `{"size":0,"aggs":{"s":{"terms":{"field":"elb_status_code"},"aggs":{"b":{"avg":{"field":"sent_bytes"}}}}}}`,
		},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				must(b, e, "POST", "/logs/_search", c.body)
			}
		})
	}
}

// BenchmarkUniqueTerms counts a million documents by a keyword whose values are all different.
func BenchmarkUniqueTerms(b *testing.B) {
	const n = 1_000_000
	e := open(b, engine.Config{})
	must(b, e, "PUT", "/logs", `{"mappings":{"properties":{"key":{"type":"keyword"}}}}`)
	for i := 0; i < n; i += 20_000 {
		var body strings.Builder
		for k := i; k < i+20_000; k++ {
			fmt.Fprintf(&body, "{\"create\":{\"_id\":\"%d\"}}\n{\"key\":\"session-%016x\"}\n", k, uint64(k)*0x9e3779b97f4a7c15)
		}
		must(b, e, "POST", "/logs/_bulk", body.String())
	}
	for b.Loop() {
		must(b, e, "POST", "/logs/_search", `{"size":0,"aggs":{"k":{"terms":{"field":"key"}}}}`)
	}
}

// BenchmarkMillion keeps a million documents of 25 fields in memory and says what they take.
func BenchmarkMillion(b *testing.B) {
	const n, request = 1_000_000, 2000
	for b.Loop() {
		e := open(b, engine.Config{})
		size := 0
		for i := 0; i < n; i += request {
			body := lines("logs", i, request)
			size += len(body)
			must(b, e, "POST", "/_bulk", body)
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.HeapAlloc)/n, "B/doc")
		b.ReportMetric(float64(size)/n, "request-B/doc")
		b.ReportMetric(float64(m.Sys)/n, "system-B/doc")
		must(b, e, "DELETE", "/logs", "")
	}
}

package engine_test

import (
	"fmt"
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
		{"range", `{"query":{"range":{"@timestamp":{"gte":"2015-05-13T03:00:00Z","lt":"2015-05-13T04:00:00Z"}}},"sort":[{"sent_bytes":"desc"}]}`},
		{"histogram", `{"size":0,"aggs":{"h":{"date_histogram":{"field":"@timestamp","calendar_interval":"hour"}}}}`},
		{"terms", `{"size":0,"aggs":{"s":{"terms":{"field":"elb_status_code"},"aggs":{"b":{"avg":{"field":"sent_bytes"}}}}}}`},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				must(b, e, "POST", "/logs/_search", c.body)
			}
		})
	}
}

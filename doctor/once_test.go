package doctor_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/seed56735111/penstock/doctor"
)

// What several checks look at is asked for once.
func TestTheWalkAsksForNothingTwice(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	asked := map[string]int{}
	w := &world{
		behind: engineWith(map[string]string{
			"GET /logs-1/_settings":  `200 {"logs-1":{"settings":{"index.blocks.read_only_allow_delete":"false"}}}`,
			"GET /_cluster/settings": `501 {"error":{"type":"not_implemented","reason":"not here"},"status":501}`,
			"GET /logs-1/_mapping":   `200 {"logs-1":{"mappings":{"properties":{"a":{"type":"keyword"}}}}}`,
		}),
		alter: func(r *http.Request) {
			path, _, _ := strings.Cut(r.URL.Opaque, "?")
			mu.Lock()
			defer mu.Unlock()
			asked[r.Method+" "+path]++
		},
		set: func(c *doctor.Config) { c.Index = "logs-1" },
	}
	report := doctor.Walk(t.Context(), w.open(t))
	if !report.OK {
		t.Errorf("%+v", report)
	}
	for _, call := range []string{
		"GET /_cluster/settings", "GET /_cluster/health", "GET /_cat/allocation", "GET /logs-1/_settings",
		"GET /logs-1/_mapping",
	} {
		if asked[call] != 1 {
			t.Errorf("%s is asked %d times", call, asked[call])
		}
	}
}

package engine_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed56735111/penstock/engine"
)

// page is a part of an answer to a scroll.
type page struct {
	ID   string `json:"_scroll_id"`
	Hits struct {
		Total struct{ Value int }
		Hits  []struct {
			Index string `json:"_index"`
			ID    string `json:"_id"`
		}
	}
	Aggregations map[string]any
}

// scrolled is an engine with 500 documents in each of two indexes.
func scrolled(t *testing.T) *engine.Engine {
	t.Helper()
	e := open(t, engine.Config{})
	var b strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&b, "{\"index\":{\"_index\":\"s%d\",\"_id\":\"%d\"}}\n{\"n\":%d}\n", i%2, i, i%7)
	}
	must(t, e, "POST", "/_bulk", b.String())
	return e
}

// Every document comes once and in order, as it was when the scroll began, whatever happens to the indexes meanwhile.
func TestAScrollReadsEverythingOnce(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"size":70,"sort":["_doc"],"aggs":{"n":{"max":{"field":"n"}}}}`, `{"size":70,"query":{"match":{"n":3}}}`,
		`{"size":70,"sort":[{"n":"desc"}]}`, `{"size":1000}`,
	} {
		e := scrolled(t)
		var p page
		decode(t, must(t, e, "POST", "/s0,s1/_search?scroll=1m", body), &p)
		if has := p.Aggregations != nil; has != strings.Contains(body, "aggs") {
			t.Errorf("%s: the first page has the aggregations %v", body, p.Aggregations)
		}
		must(t, e, "DELETE", "/s0/_doc/994", "")
		must(t, e, "PUT", "/s1/_doc/more", `{"n":3}`)
		seen, want := map[string]bool{}, p.Hits.Total.Value
		for len(p.Hits.Hits) > 0 {
			for _, h := range p.Hits.Hits {
				if seen[h.ID] {
					t.Fatalf("%s: %s comes twice", body, h.ID)
				}
				seen[h.ID] = true
			}
			id := p.ID
			p = page{}
			decode(t, must(t, e, "POST", "/_search/scroll", fmt.Sprintf(`{"scroll":"1m","scroll_id":%q}`, id)), &p)
			if p.Hits.Total.Value != want || p.Aggregations != nil {
				t.Errorf("%s: a later page has %d hits in all, want %d, and the aggregations %v", body, p.Hits.Total.Value, want,
					p.Aggregations)
			}
		}
		if len(seen) != want || seen["more"] || want < 140 {
			t.Errorf("%s: %d documents came, want %d", body, len(seen), want)
		}
		if got := must(t, e, "DELETE", "/_search/scroll", fmt.Sprintf(`{"scroll_id":[%q]}`, p.ID)); got !=
			`{"succeeded":true,"num_freed":1}` {
			t.Errorf("the end of a scroll is answered with %s", got)
		}
		if status, text := do(t, e, "GET", "/_search/scroll?scroll_id="+p.ID, ""); status != http.StatusNotFound ||
			!strings.Contains(text, "search_context_missing_exception") {
			t.Errorf("a scroll that has ended is answered with %d %s", status, text)
		}
	}
}

// A scroll ends when nobody reads on, and what cannot be scrolled is refused.
func TestWhatIsNoScroll(t *testing.T) {
	t.Parallel()
	e := scrolled(t)
	for _, tt := range []struct {
		request, body string
		status        int
		says          string
	}{
		{"POST /s0/_search?scroll=1m", `{"from":1}`, 400, "using [from] is not allowed in a scroll context"},
		{"POST /s0/_search?scroll=1m", `{"size":0}`, 400, "[size] cannot be [0] in a scroll context"},
		{"POST /s0/_search?scroll=1m", `{"size":10001}`, 400, "Batch size is too large"},
		{"POST /s0/_search?scroll=1m", `{"track_total_hits":false}`, 400, "disabling [track_total_hits]"},
		{"POST /s0/_search?scroll=1m", `{"sort":["n"],"search_after":[1]}`, 400, "cannot be used in a scroll context"},
		{"POST /s0/_search?scroll=2d", `{}`, 400, "Keep alive for request (2d) is too large"},
		{"POST /s0/_search?scroll=soon", `{}`, 400, "as a time value"},
		{"POST /_search/scroll", `{"scroll":"1m"}`, 400, "scrollId is missing"},
		{"POST /_search/scroll", `{"scroll_id":"x"}`, 400, "Cannot parse scroll id"},
		{"POST /_search/scroll", `{"scroll_id":"x","size":1}`, 400, "Unknown parameter [size]"},
		{"DELETE /_search/scroll", ``, 400, "no scroll ids specified"},
		{"DELETE /_search/scroll/_all", ``, 404, `"num_freed":0`},
		{"PUT /_search/scroll", `{}`, 405, "allowed"},
	} {
		method, target, _ := strings.Cut(tt.request, " ")
		if status, text := do(t, e, method, target, tt.body); status != tt.status || !strings.Contains(text, tt.says) {
			t.Errorf("%s %s: %d %s\nwant %d and %s", tt.request, tt.body, status, text, tt.status, tt.says)
		}
	}
	var p page
	decode(t, must(t, e, "GET", "/s0/_search?scroll=1ms", ""), &p)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if status, _ := do(t, e, "GET", "/_search/scroll/"+p.ID, ""); status == http.StatusNotFound {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("a scroll of a millisecond does not end")
		}
	}
	// An index may go away under a scroll.
	decode(t, must(t, e, "GET", "/s0/_search?scroll=1m", ""), &p)
	must(t, e, "DELETE", "/s0", "")
	if status, text := do(t, e, "GET", "/_search/scroll?scroll_id="+p.ID, ""); status >= http.StatusInternalServerError {
		t.Errorf("a scroll without its index is answered with %d %s", status, text)
	}
	must(t, e, "DELETE", "/_search/scroll/_all", "")
	for range 500 {
		must(t, e, "GET", "/s1/_search?scroll=1m", "")
	}
	if status, text := do(t, e, "GET", "/s1/_search?scroll=1m", ""); status != http.StatusTooManyRequests {
		t.Errorf("one scroll too many is answered with %d %s", status, text)
	}
	if got := must(t, e, "DELETE", "/_search/scroll/_all", ""); got != `{"succeeded":true,"num_freed":500}` {
		t.Errorf("the end of all scrolls is answered with %s", got)
	}
}

// A page that is too much for one answer is not passed over: asked for again, it fails again.
func TestAPageThatFailsIsNotSkipped(t *testing.T) {
	t.Parallel()
	e := open(t, engine.Config{MaxContentLength: 10000})
	const size, long = 5, 9000 // five such documents are more than four times MaxContentLength
	for i := range 3 * size {
		pad := ""
		if i/size == 1 {
			pad = strings.Repeat("x", long)
		}
		must(t, e, "PUT", fmt.Sprintf("/s/_doc/%d", i), fmt.Sprintf(`{"n":%d,"pad":%q}`, i, pad))
	}
	var p page
	decode(t, must(t, e, "POST", "/s/_search?scroll=1m", fmt.Sprintf(`{"size":%d,"sort":["n"]}`, size)), &p)
	for range 2 {
		status, text := do(t, e, "GET", "/_search/scroll?scroll_id="+p.ID, "")
		if status != http.StatusTooManyRequests || !strings.Contains(text, "Data too large") {
			t.Errorf("the second page: %d %.300s, want 429", status, text)
		}
	}
}

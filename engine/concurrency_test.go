package engine_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seed56735111/penstock/engine"
)

func TestConcurrentBulksCreateEachDocumentOnce(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"memory", "disk"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			cfg := engine.Config{}
			if kind == "disk" {
				cfg.Dir = t.TempDir()
			}
			e := open(t, cfg)
			const writers, requests, docs = 6, 5, 120
			var created, conflicts atomic.Int64
			var wg sync.WaitGroup
			for w := range writers {
				wg.Go(func() {
					order := rand.New(rand.NewPCG(1, uint64(w)))
					for range requests {
						var b strings.Builder
						for range docs {
							// Each twice in one request, too, and in an index that nobody has made yet.
							id := order.IntN(400)
							fmt.Fprintf(&b, `{"create":{"_index":"logs-%d","_id":"%d"}}`+"\n"+`{"id":%d,"w%d":1}`+"\n", id%4, id, id, w)
						}
						var answer struct {
							Items []struct{ Create struct{ Status int } }
						}
						decode(t, must(t, e, "POST", "/_bulk", b.String()), &answer)
						for _, item := range answer.Items {
							switch item.Create.Status {
							case http.StatusCreated:
								created.Add(1)
							case http.StatusConflict:
								conflicts.Add(1)
							default:
								t.Errorf("status %d", item.Create.Status)
							}
						}
					}
				})
			}
			wg.Wait()
			if total := created.Load() + conflicts.Load(); total != writers*requests*docs {
				t.Errorf("%d outcomes, want %d", total, writers*requests*docs)
			}
			if n := int64(count(t, e, "logs-*")); n != created.Load() {
				t.Errorf("%d documents, but %d were created", n, created.Load())
			}
		})
	}
}

func TestSearchesAndDeletionsGoOnWhileIndexesAreWritten(t *testing.T) {
	t.Parallel()
	e := open(t, engine.Config{})
	stop := make(chan struct{})
	var others sync.WaitGroup
	repeat := func(method, target, body string) {
		others.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if status, text := do(t, e, method, target, body); status >= http.StatusInternalServerError {
					t.Errorf("%s %s: %d: %s", method, target, status, text)
					return
				}
			}
		})
	}
	repeat("POST", "/logs-*/_search",
		`{"query":{"range":{"n":{"gte":0}}},"sort":["n"],"aggs":{"k":{"terms":{"field":"k.keyword"}}}}`)
	repeat("GET", "/_cat/indices", "")
	repeat("GET", "/logs-1/_doc/1", "")
	repeat("DELETE", "/logs-0", "")
	var writers sync.WaitGroup
	for w := range 3 {
		writers.Go(func() {
			for i := range 60 {
				body := fmt.Sprintf(`{"index":{"_index":"logs-%d"}}`+"\n"+`{"n":%d,"k":"v%d","f%d":1}`+"\n", i%3, i, i%5, w*100+i)
				if text := must(t, e, "POST", "/_bulk", strings.Repeat(body, 3)); strings.Contains(text, `"errors":true`) {
					t.Errorf("an item failed: %s", text)
				}
			}
		})
	}
	writers.Wait()
	close(stop)
	others.Wait()
	// The two that nobody deleted are whole.
	if n := count(t, e, "logs-1,logs-2"); n != 3*2*20*3 {
		t.Errorf("%d documents, want %d", n, 3*2*20*3)
	}
}

// A store in memory has a part for every write; it must not come to consist of them all.
func TestManySmallWritesStaySearchable(t *testing.T) {
	t.Parallel()
	e := open(t, engine.Config{})
	const n = 700
	for i := range n {
		must(t, e, "PUT", fmt.Sprintf("/logs/_doc/%d", i%500), fmt.Sprintf(`{"n":%d,"t":"word%d common","k":"a"}`, i, i))
		if i%3 == 0 {
			must(t, e, "DELETE", fmt.Sprintf("/logs/_doc/%d", i%500), "")
		}
	}
	want := map[int]bool{}
	for i := range n {
		want[i%500] = i%3 != 0
	}
	documents := 0
	for _, there := range want {
		if there {
			documents++
		}
	}
	if got := count(t, e, "logs"); got != documents {
		t.Errorf("%d documents, want %d", got, documents)
	}
	var answer struct {
		Hits struct {
			Total struct{ Value int }
			Hits  []struct {
				ID     string          `json:"_id"`
				Source struct{ N int } `json:"_source"`
			}
		}
	}
	decode(t, must(t, e, "POST", "/logs/_search", `{"size":1000,"query":{"match":{"t":"common"}},"sort":["n"]}`), &answer)
	if answer.Hits.Total.Value != documents {
		t.Errorf("%d hits, want %d", answer.Hits.Total.Value, documents)
	}
	last := -1
	for _, h := range answer.Hits.Hits {
		if h.Source.N <= last || fmt.Sprint(h.Source.N%500) != h.ID {
			t.Errorf("hit %s has n %d after %d", h.ID, h.Source.N, last)
		}
		last = h.Source.N
	}
}

func TestAClosedEngineSaysSo(t *testing.T) {
	t.Parallel()
	e := open(t, engine.Config{})
	must(t, e, "PUT", "/logs/_doc/1", `{"a":1}`)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{"/logs/_doc/2", "/other/_doc/1"} {
		if status, text := do(t, e, "PUT", target, `{"a":1}`); status < http.StatusBadRequest {
			t.Errorf("PUT %s: %d: %s", target, status, text)
		}
	}
}

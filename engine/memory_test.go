package engine_test

import (
	"runtime"
	"testing"

	"github.com/seed56735111/penstock/engine"
)

// TestAnIndexKeepsNoRequests holds that what is left of a large request is its documents: words and records that were
// made on the way take ten times as much. It is alone, because it measures the heap.
func TestAnIndexKeepsNoRequests(t *testing.T) { //nolint:paralleltest // the heap is everybody's
	const n, most = 2000, 8 << 10
	e := open(t, engine.Config{})
	before := heap()
	must(t, e, "POST", "/_bulk", lines("logs", 0, n))
	kept := heap() - before
	t.Logf("%d bytes a document", kept/n)
	if kept > n*most {
		t.Errorf("%d documents keep %d bytes, more than %d each", n, kept, most)
	}
	must(t, e, "GET", "/logs/_count", "")
}

// heap is what lives, without what pools would keep.
func heap() int64 {
	for range 3 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

package cli

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestMemoryIsGivenBackAfterWrites holds that a domain gives memory back a while after the last write, and that reading
// neither brings that about nor puts it off.
func TestMemoryIsGivenBackAfterWrites(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var given atomic.Int32
		h := newResting(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), func() { given.Add(1) })
		ask := func(method string) {
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(method, "/_bulk", nil))
		}
		after := func(d time.Duration, want int32) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			if got := given.Load(); got != want {
				t.Fatalf("given back %d times, want %d", got, want)
			}
		}
		after(2*rests, 1) // what starting has taken
		ask(http.MethodPost)
		after(rests-time.Millisecond, 1)
		ask(http.MethodPost)
		after(rests-time.Millisecond, 1)
		ask(http.MethodGet)
		after(time.Millisecond, 2)
		ask(http.MethodGet)
		after(2*rests, 2)
	})
}

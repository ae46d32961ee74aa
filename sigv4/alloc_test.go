//go:build !race

package sigv4_test

import (
	"net/http"
	"testing"

	"github.com/seed56735111/penstock/sigv4"
)

// Not under the race detector, which takes memory of its own and empties pools.
func TestSigningTakesAtMostEightAllocations(t *testing.T) {
	s := &sigv4.Signer{Region: testRegion, Service: "es"}
	hash := sigv4.HashPayload([]byte("{}"))
	r := newRequest(t, http.MethodPost, "/logs-*/_search?q=a+b&v&format=json")
	r.Header.Set("Content-Type", "application/json")
	base := r.Header
	allocations := testing.AllocsPerRun(200, func() {
		r.Header = make(http.Header, 8)
		r.Header["Content-Type"] = base["Content-Type"]
		if err := s.Sign(r, testSession, hash, testTime); err != nil {
			t.Fatal(err)
		}
	})
	if allocations > 8 {
		t.Errorf("%v allocations, want 8 at most, the header map among them", allocations)
	}
}

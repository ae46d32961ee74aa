//go:build !race

package sha2x

import "testing"

// Not under the race detector, which takes memory of its own.
func TestWritePairAllocatesNothing(t *testing.T) {
	data, a, b := bytesOf(4096, 10), New(), New()
	WritePair(a, data, b, data)
	if n := testing.AllocsPerRun(100, func() { WritePair(a, data, b, data) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

package store

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/seed56735111/penstock/engine/internal/mapping"
)

func TestNumberKeysSortAsNumbersDo(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 7))
	for range 50000 {
		a, b := int64(r.Uint64()>>r.IntN(64)), -int64(r.Uint64()>>r.IntN(64))
		if (a < b) != (NumberKey(a, 0) < NumberKey(b, 0)) {
			t.Fatalf("%d and %d", a, b)
		}
		if n, times, ok := KeyNumber([]byte(NumberKey(a, 0))); n != a || times != 1 || !ok {
			t.Fatalf("%d comes back as %d, %d times", a, n, times)
		}
		if n, times, ok := KeyNumber([]byte(repeatKey(b, 300))); n != b || times != 300 || !ok {
			t.Fatalf("%d comes back as %d, %d times", b, n, times)
		}
		if strings.ContainsRune(NumberKey(a, 0)+repeatKey(b, 300), 0xff) {
			t.Fatalf("the key of %d or %d has a byte that bleve puts between values", a, b)
		}
		x, y := float64(a)/3, float64(b)/7
		if (x < y) != (mapping.Sortable(x) < mapping.Sortable(y)) || mapping.Unsortable(mapping.Sortable(y)) != y {
			t.Fatalf("%v and %v", x, y)
		}
	}
}

package shape

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
)

func TestPositionsAreWrittenAsStrconvDoes(t *testing.T) {
	t.Parallel()
	positions := []int64{0, 1, 35, 36, 1295, 1296, math.MaxInt64, -1, math.MinInt64}
	for range 1000 {
		positions = append(positions, rand.Int64()>>rand.IntN(63))
	}
	for _, n := range positions {
		if got, want := string(appendBase36(nil, n)), strconv.FormatInt(n, 36); got != want {
			t.Errorf("%d becomes %s, want %s", n, got, want)
		}
	}
}

package decode

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Files that ask for more while they hold some never wait for each other for ever, and have no more together than there
// is.
func TestNoFileWaitsForEverForMemory(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		synctest.Test(t, func(t *testing.T) {
			const most = 1000
			p := newPages(most)
			random := rand.New(rand.NewPCG(seed, 1))
			var held, peak atomic.Int64
			var wg sync.WaitGroup
			for range 2 + random.IntN(8) {
				steps := make([]int64, 1+random.IntN(5))
				for i := range steps {
					steps[i] = 1 + random.Int64N(most/int64(1+random.IntN(10)))
				}
				wg.Go(func() {
					s, has := share{pages: p}, int64(0)
					for _, n := range steps {
						if n > has {
							s.hold(n)
							now := held.Add(n - has)
							has = n
							for old := peak.Load(); now > old && !peak.CompareAndSwap(old, now); old = peak.Load() {
							}
						}
						time.Sleep(time.Duration(n))
					}
					held.Add(-has)
					s.free()
				})
			}
			wg.Wait() // a deadlock fails the bubble
			if peak.Load() > most+3*most/4 {
				t.Errorf("seed %d: %d held at once", seed, peak.Load())
			}
			if p.common != 3*most/4 || p.taken {
				t.Errorf("seed %d: in the end %d of the common part are free, reserve taken %v", seed, p.common, p.taken)
			}
		})
	}
}

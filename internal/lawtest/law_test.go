package lawtest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/bulk"
	"github.com/seed56735111/penstock/domain"
	"github.com/seed56735111/penstock/source"
)

var (
	seed  = flag.Uint64("seed", 0, "run the law under this seed alone")
	seeds = flag.Int("seeds", 600, "number of seeds")
)

// rounds is how often what was given back may come again. The last ones have no faults.
const (
	rounds      = 14
	faultRounds = 6
)

// TestLaw runs a world through schedules of faults until everything is acknowledged, then once more.
func TestLaw(t *testing.T) {
	t.Parallel()
	if *seed != 0 {
		runLaw(t, *seed)
		return
	}
	n := *seeds
	if testing.Short() {
		n /= 6
	}
	for s := range n {
		t.Run(fmt.Sprint(s+1), func(t *testing.T) {
			t.Parallel()
			runLaw(t, uint64(s+1))
		})
	}
}

func runLaw(t *testing.T, seed uint64) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t, seed)
		defer h.domain.wg.Wait()
		for round := 1; h.left() > 0; round++ {
			if round > rounds {
				t.Fatalf("seed %d: %d items are still there after %d rounds; run it alone with -run TestLaw -seed %d", seed,
					h.left(), rounds, seed)
			}
			h.round(round)
			if t.Failed() {
				t.Fatalf("seed %d, round %d: run it alone with -run TestLaw -seed %d", seed, round, seed)
			}
		}
		h.again()
		if t.Failed() {
			t.Errorf("seed %d: run it alone with -run TestLaw -seed %d", seed, seed)
		}
	})
}

// history is one world with its faults.
type history struct {
	t      *testing.T
	rand   *rand.Rand
	domain *Domain
	world  *World
	share  float64
	kinds  []fault
	brake  int
	// The same of the readings.
	readingShare float64
	readingKinds []readingFault
}

func newHistory(t *testing.T, seed uint64) *history {
	r := rand.New(rand.NewPCG(seed, 2026))
	d := &Domain{
		rand: rand.New(rand.NewPCG(seed, 1)), docs: map[string]string{}, reported: map[int]int64{}, flaky: map[string]int{},
	}
	w := newWorld(r, d)
	d.Violation, w.Violation = t.Errorf, t.Errorf
	h := &history{t: t, rand: r, domain: d, world: w, share: []float64{0, 0.1, 0.3, 0.6, 0.95}[r.IntN(5)]}
	for f := throttle; f < faults; f++ {
		if r.IntN(3) == 0 {
			h.kinds = append(h.kinds, f)
		}
	}
	h.readingShare = []float64{0, 0.1, 0.5}[r.IntN(3)]
	for f := cutOff; f < readingFaults; f++ {
		if r.IntN(3) == 0 {
			h.readingKinds = append(h.readingKinds, f)
		}
	}
	w.s3 = source.NewS3(source.S3Config{
		AWS: aws.Config{
			Region: "us-east-1", Credentials: aws.AnonymousCredentials{}, HTTPClient: &store{w}, RetryMaxAttempts: 1,
		},
		EndpointURL: "http://localhost", PathStyle: true,
	})
	return h
}

func (h *history) left() (n int) {
	for _, it := range h.world.items {
		if !it.done {
			n++
		}
	}
	return n
}

// round runs the pipeline once over what is left.
func (h *history) round(n int) {
	h.domain.Share, h.domain.Kinds, h.world.LetterFaults = h.share, h.kinds, 0
	h.world.ReadingShare, h.world.ReadingKinds = h.readingShare, h.readingKinds
	if h.rand.IntN(3) == 0 {
		h.world.LetterFaults = 0.3
	}
	h.world.AgainShare = []float64{0, 0.3}[h.rand.IntN(2)]
	h.domain.shut, h.brake = h.rand.IntN(3) == 0, h.rand.IntN(3)*h.rand.IntN(15)
	interrupt, abort := time.Duration(0), false
	if h.rand.IntN(4) == 0 {
		interrupt, abort = time.Duration(h.rand.IntN(5000))*time.Millisecond, h.rand.IntN(2) == 0
	}
	if n > faultRounds {
		h.domain.Share, h.world.ReadingShare, h.world.LetterFaults, interrupt = 0, 0, 0, 0
		h.domain.shut, h.brake, h.world.AgainShare = false, 0, 0
	}
	h.run(interrupt, abort)
}

// again ships everything once more without faults: no document is added, and every count is known beforehand.
func (h *history) again() {
	var records, ok, dead, dropped, noop int64
	for _, it := range h.world.items {
		it.done = false
		for _, o := range it.objects {
			o.breaks, o.crashes, o.altered = 0, 0, false
			records += int64(len(o.kinds))
			for _, kind := range o.kinds {
				switch kind {
				case "ok", "raw":
					ok++
				case "drop":
					dropped++
				case "noop":
					dropped++
					noop++
				default:
					dead++
				}
			}
			if o.corrupt {
				records, dead = records+1, dead+1
			}
		}
	}
	h.domain.Share, h.world.ReadingShare, h.world.LetterFaults, h.domain.shut, h.brake = 0, 0, 0, false, 0
	h.world.AgainShare = 0
	got := h.run(0, false)
	if got.Records != records || got.Delivered != 0 || got.Duplicate != ok || got.DeadLettered != dead ||
		got.Dropped != dropped || got.DroppedByDomain != noop || got.Unacknowledged != 0 {
		h.t.Errorf("everything once more: %+v, want %d records: %d duplicate, %d dead-lettered, %d dropped", got, records, ok,
			dead, dropped)
	}
	if n := int64(len(h.domain.docs)); n != ok {
		h.t.Errorf("the domain holds %d documents, want %d", n, ok)
	}
	for key, l := range h.world.letters {
		if l.Gone {
			h.t.Errorf("the record of the letter %s is gone, and everything was shipped without a fault", key.id)
		}
	}
	if n := int64(len(h.world.letters)); n != dead {
		h.t.Errorf("there are %d dead letters, want %d", n, dead)
	}
	if h.left() > 0 {
		h.t.Errorf("%d items were given back without a fault", h.left())
	}
}

// run runs the pipeline and holds its counts against what the world and the domain know.
func (h *history) run(interrupt time.Duration, abort bool) penstock.Counts {
	h.world.begin()
	clear(h.domain.reported)
	clear(h.domain.flaky)
	before := h.traces()
	// A reading that breaks off is not checked against the sum, so nobody learns that its bytes were false. In this world
	// people ship such an object again with Overwrite.
	overwrite := h.world.wasAltered(nil)
	h.domain.MayReplace = func(id string) bool {
		name, _, _ := strings.Cut(id, "/")
		return overwrite || h.world.wasAltered(h.world.find(name))
	}
	endpoint, err := domain.New(domain.Config{URL: lawDomain, Transport: h.domain})
	if err != nil {
		h.t.Fatal(err)
	}
	writer := bulk.New(bulk.Config{
		BatchBytes:  200 + h.rand.IntN(4000),
		BatchDocs:   1 + h.rand.IntN(30),
		MaxInFlight: 1 + h.rand.IntN(8),
		Linger:      time.Duration(1+h.rand.IntN(2000)) * time.Millisecond,
		RetryBudget: time.Minute,
		Gzip:        h.rand.IntN(4) == 0,
		Overwrite:   overwrite,
	}, endpoint)
	stop := make(chan struct{})
	ctx, cancel := context.WithCancel(h.t.Context())
	defer cancel()
	p := penstock.Pipeline{
		Source:      h.world,
		Decoder:     h.world,
		Recognizer:  h.world,
		Shaper:      h.world,
		Deliverer:   writer,
		DeadLetters: h.world,
		Domain:      lawDomain,
		Workers:     1 + h.rand.IntN(4),
		OpenAhead:   h.rand.IntN(3) * h.rand.IntN(6),
		InHand:      h.rand.IntN(20),
		Grace:       time.Duration(1+h.rand.IntN(5000)) * time.Millisecond,
		Abort:       stop,
		Brake:       h.brake,
	}
	var killed atomic.Bool
	end := sync.OnceFunc(func() { close(stop) })
	h.world.Kill = func() {
		killed.Store(true)
		h.world.loseAll()
		cancel()
		end()
	}
	if interrupt > 0 {
		timer := time.AfterFunc(interrupt, func() {
			h.world.loseAll()
			cancel()
			if abort {
				end()
			}
		})
		defer timer.Stop()
	}
	result := p.Run(ctx)
	closing, done := context.WithTimeout(context.Background(), time.Second)
	defer done()
	_ = writer.Close(closing)
	h.check(result.Counts, result.Err(), interrupt > 0 || killed.Load())
	if _, braked := errors.AsType[*penstock.BrakeError](result.Fatal); braked && h.traces() != before {
		h.t.Errorf("stopped by the brake, and it left traces: %+v, before it %+v", h.traces(), before)
	}
	return result.Counts
}

// traces are what a run that the brake stopped must not leave: dead letters, and documents of records that did not
// match their format.
type traces struct{ letters, unparsed int }

func (h *history) traces() (t traces) {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	h.domain.mu.Lock()
	defer h.domain.mu.Unlock()
	t.letters = len(h.world.letters)
	for _, body := range h.domain.docs {
		if strings.Contains(body, `"kind":"raw"`) {
			t.unparsed++
		}
	}
	return t
}

func (h *history) check(c penstock.Counts, runErr error, interrupted bool) {
	h.t.Helper()
	w, d := h.world, h.domain
	if !c.Balanced() {
		h.t.Errorf("counts do not add up: %+v", c)
	}
	if emitted, dropped := w.read(); c.Records != emitted || c.Dropped-c.DroppedByDomain != dropped {
		h.t.Errorf("%d records and %d dropped, want %d and %d: %+v", c.Records, c.Dropped, emitted, dropped, c)
	}
	// After an interrupt, a failure of the run or an altered reading, the domain has outcomes that are in no count.
	// Otherwise the counts are the domain's own.
	exact := runErr == nil && !interrupted && !w.anyAltered
	for _, v := range []struct {
		name      string
		got, want int64
	}{
		{"delivered", c.Delivered, d.reported[201]},
		{"duplicate", c.Duplicate, d.reported[409] + d.reported[replaced]},
		{"dropped by the domain", c.DroppedByDomain, d.reported[200]},
	} {
		if v.got > v.want || exact && v.got != v.want {
			h.t.Errorf("%d %s, and the domain said so of %d: %+v, %v", v.got, v.name, v.want, c, runErr)
		}
	}
	isOpen := func(it *worldItem) bool { return !it.done && it.settled == 0 }
	if slices.ContainsFunc(w.items, isOpen) && runErr == nil && !interrupted {
		h.t.Error("an item was neither acknowledged nor given back, and the run says that all is well")
	}
	if given := c.ItemsGivenBack; given == 0 && c.Unacknowledged > 0 {
		h.t.Errorf("%d records unacknowledged, and no item given back", c.Unacknowledged)
	}
}

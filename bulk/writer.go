// Package bulk writes documents to a domain with _bulk requests: bounded in bytes, count and number under way, with an
// outcome for each document and the only retry loop of the program.
package bulk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/domain"
)

// Domain is what the writer needs of a domain; *domain.Domain is one.
type Domain interface {
	Endpoint() string
	NewRequest(ctx context.Context, method, target string, body []byte) (*http.Request, error)
	Do(req *http.Request) (*http.Response, error)
}

// Config has the budgets. Zero fields have the defaults.
type Config struct {
	// BatchBytes is the size, before compression, at which a request is sent: 5 MiB. A single document may be larger.
	BatchBytes int
	// BatchDocs is the number of documents at which a request is sent: 20,000.
	BatchDocs int
	// MaxInFlight is the number of requests under way at once: 4. Throttling lowers it for a while.
	MaxInFlight int
	// Linger is how long a document waits for its request to fill: 1 s. Nobody waits when every delivery waits.
	Linger time.Duration
	// RetryBudget is how long a batch is retried before the run gives up: 5 minutes.
	RetryBudget time.Duration
	// StartupTimeout takes the place of RetryBudget until the domain has answered for the first time: 8 s. An endpoint
	// that is down or wrong is reported soon, an outage in the middle is waited out.
	StartupTimeout time.Duration
	// Gzip compresses request bodies.
	Gzip bool
	// Overwrite uses the index action instead of create: a document that is there already is replaced, and counted as
	// a duplicate.
	Overwrite bool
	// DocType is the mapping type to name, for engines before version 7; empty leaves it out.
	DocType string
	// BreakerShare is the share of a batch that may be refused for reasons of the system (limits of shards or fields, a
	// missing index) before the run stops instead of emptying a bucket into the dead letters: 0.5. It counts in batches
	// of at least BreakerFloor documents, 20.
	BreakerShare float64
	BreakerFloor int
	// Logger is told of retries; nil discards.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	def := func(p *int, v int) {
		if *p <= 0 {
			*p = v
		}
	}
	span := func(p *time.Duration, v time.Duration) {
		if *p <= 0 {
			*p = v
		}
	}
	def(&c.BatchBytes, 5<<20)
	def(&c.BatchDocs, 20_000)
	def(&c.MaxInFlight, 4)
	def(&c.BreakerFloor, 20)
	span(&c.Linger, time.Second)
	span(&c.RetryBudget, 5*time.Minute)
	span(&c.StartupTimeout, 8*time.Second)
	if c.BreakerShare <= 0 {
		c.BreakerShare = 0.5
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Stats are the writer's counters since it was made.
type Stats struct {
	Requests, Retries int64
	// BytesOut were sent, retries included; RetriedBytes is their share.
	BytesOut, RetriedBytes int64
	InFlight               int64
	Delivered, Duplicate   int64
	Rejected               int64
}

// Writer is the one writer that all deliveries share. It is safe for concurrent use.
type Writer struct {
	cfg    Config
	domain Domain
	ctx    context.Context //nolint:containedctx // ends the work of the writer's own goroutines
	cancel context.CancelFunc
	wg     sync.WaitGroup
	slots  *slots
	free   stack
	signs  atomic.Bool // somebody asks for the SHA-256 of bodies

	mu       sync.Mutex
	filling  *batch
	timer    *time.Timer
	open     int // deliveries begun and not waiting
	answered bool
	maxBytes int // learnt from the domain, 0 when it never complained
	failed   error
	stats    Stats
}

var _ penstock.Deliverer = (*Writer)(nil)

// New returns a writer. Close must be called when all deliveries are over.
func New(cfg Config, d Domain) *Writer {
	cfg = cfg.withDefaults()
	ctx, cancel := context.WithCancel(context.Background())
	w := &Writer{cfg: cfg, domain: d, ctx: ctx, cancel: cancel, slots: newSlots(cfg.MaxInFlight)}
	w.timer = time.AfterFunc(time.Hour, w.lingered)
	w.timer.Stop()
	return w
}

// Close waits for the requests under way and ends the writer. When ctx ends first, the requests are cut off; their
// deliveries fail.
func (w *Writer) Close(ctx context.Context) error {
	w.mu.Lock()
	w.flush()
	w.timer.Stop()
	w.mu.Unlock()
	done := make(chan struct{})
	go func() {
		w.wg.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		w.fail(context.Cause(ctx))
		w.cancel()
		<-done
	}
	w.cancel()
	return nil
}

// Stats returns the counters.
func (w *Writer) Stats() Stats {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.stats
	s.InFlight = int64(w.slots.used())
	return s
}

// FatalError ends the run: every other batch would fail the same way, or the patience is over. Sources keep what was not
// delivered.
type FatalError struct{ Err error }

func (e *FatalError) Error() string { return "deliver: " + e.Err.Error() }
func (e *FatalError) Unwrap() error { return e.Err }

// Fatal is always true.
func (e *FatalError) Fatal() bool { return true }

// fail makes every delivery fail from now on. Only the first failure counts.
func (w *Writer) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failed == nil {
		w.failed = &FatalError{Err: err}
		w.cancel()
	}
}

func (w *Writer) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failed
}

// Begin is part of penstock.Deliverer.
func (w *Writer) Begin(reject penstock.RejectFunc) penstock.Delivery {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open++
	return &delivery{w: w, reject: reject, changed: make(chan struct{}, 1)}
}

// delivery is the documents of one object. Its fields below pending are guarded by the writer's mutex.
type delivery struct {
	w       *Writer
	reject  penstock.RejectFunc
	changed chan struct{} // one token: pending has become zero, or err is set

	pending int64
	out     penstock.Outcome
	err     error
}

// Add is part of penstock.Delivery.
func (d *delivery) Add(ctx context.Context, doc penstock.Document) error {
	w := d.w
	need := actionSize(doc, w.cfg.DocType) + len(doc.Body) + 1
	w.mu.Lock()
	for {
		if err := d.trouble(); err != nil {
			w.mu.Unlock()
			return err
		}
		if w.filling != nil && w.fits(need) {
			break
		}
		if w.filling != nil {
			w.flush()
		}
		w.mu.Unlock()
		b, err := w.take(ctx)
		if err != nil {
			return err
		}
		w.mu.Lock()
		if w.filling == nil {
			w.filling = b
			w.timer.Reset(w.cfg.Linger)
			continue
		}
		w.put(b)
	}
	b := w.filling
	b.add(d, doc, w.cfg)
	d.pending++
	if len(b.body) >= w.limit() || len(b.docs) >= w.cfg.BatchDocs {
		w.flush()
		w.mu.Unlock()
		return nil
	}
	if !b.endsPart() || !w.signs.Load() || !b.sum.TryLock() { // who holds the lock takes this part too, or the next one does
		w.mu.Unlock()
		return nil
	}
	body := b.body
	w.mu.Unlock()
	b.sum.take(body)
	b.sum.Unlock()
	return nil
}

func (d *delivery) trouble() error {
	if d.err != nil {
		return d.err
	}
	return d.w.failed
}

// limit is the number of body bytes at which a batch is sent.
func (w *Writer) limit() int {
	if w.maxBytes > 0 {
		return min(w.cfg.BatchBytes, w.maxBytes*9/10)
	}
	return w.cfg.BatchBytes
}

func (w *Writer) fits(need int) bool {
	b := w.filling
	return len(b.docs) == 0 || len(b.body)+need <= w.limit()
}

// take gets a batch to fill; while all of them are under way it blocks, which is the backpressure.
func (w *Writer) take(ctx context.Context) (*batch, error) {
	if err := w.slots.acquire(ctx, w.ctx); err != nil {
		if f := w.failure(); f != nil {
			return nil, f
		}
		return nil, err
	}
	if b := w.free.take(); b != nil {
		return b, nil
	}
	return newBatch(w.cfg.BatchBytes), nil
}

// put gives a batch back that was not needed.
func (w *Writer) put(b *batch) {
	w.slots.release()
	w.free.put(b)
}

// flush sends the batch being filled. w.mu is held.
func (w *Writer) flush() {
	b := w.filling
	if b == nil {
		return
	}
	w.filling = nil
	w.timer.Stop()
	if len(b.docs) == 0 {
		w.put(b)
		return
	}
	w.wg.Go(func() { w.send(b) })
}

func (w *Writer) lingered() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.flush()
}

// Wait is part of penstock.Delivery.
func (d *delivery) Wait(ctx context.Context) (penstock.Outcome, error) {
	w := d.w
	w.mu.Lock()
	w.open--
	if w.open == 0 {
		w.flush() // everybody waits: nothing more will come
	}
	for d.pending > 0 && d.trouble() == nil {
		w.mu.Unlock()
		select {
		case <-d.changed:
		case <-w.ctx.Done():
			w.mu.Lock()
			if w.failed == nil {
				w.failed = &FatalError{Err: errors.New("the writer is closed")}
			}
			continue
		case <-ctx.Done():
			w.mu.Lock()
			defer w.mu.Unlock()
			if d.err == nil {
				d.err = context.Cause(ctx)
			}
			return d.out, d.err
		}
		w.mu.Lock()
	}
	defer w.mu.Unlock()
	if d.pending == 0 {
		return d.out, d.err // a failure of the others is not this one's
	}
	return d.out, d.trouble()
}

// slots bounds the batches in hand. Throttling takes slots out of use, success puts them back one at a time.
type slots struct {
	mu     sync.Mutex
	limit  int // now
	max    int
	inUse  int
	good   int // answers in a row without throttling
	signal chan struct{}
}

func newSlots(n int) *slots { return &slots{limit: n, max: n, signal: make(chan struct{}, 1)} }

func (s *slots) used() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.inUse
}

// acquire blocks until a slot is free. One batch being filled beside those under way is allowed.
func (s *slots) acquire(ctx, stop context.Context) error {
	for {
		s.mu.Lock()
		if s.inUse <= s.limit {
			s.inUse++
			more := s.inUse <= s.limit
			s.mu.Unlock()
			if more {
				s.wake()
			}
			return nil
		}
		s.mu.Unlock()
		select {
		case <-s.signal:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-stop.Done():
			return context.Cause(stop)
		}
	}
}

func (s *slots) wake() {
	select {
	case s.signal <- struct{}{}:
	default:
	}
}

func (s *slots) release() {
	s.mu.Lock()
	s.inUse--
	s.mu.Unlock()
	s.wake()
}

// throttled halves the number of requests under way.
func (s *slots) throttled() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limit, s.good = max(1, s.limit/2), 0
}

// succeeded lets it grow by one after as many good answers as there are requests under way.
func (s *slots) succeeded() {
	s.mu.Lock()
	s.good++
	if s.limit < s.max && s.good >= s.limit {
		s.limit++
		s.good = 0
	}
	s.mu.Unlock()
	s.wake()
}

// jitter returns a random pause whose bound doubles with every attempt, from 100 ms to 30 s (full jitter).
func jitter(attempt int) time.Duration {
	const first, longest = 100 * time.Millisecond, 30 * time.Second
	bound := min(first<<min(attempt, 10), longest)
	return time.Duration(rand.Int64N(int64(bound))) + time.Millisecond //nolint:gosec // jitter, not a secret
}

// describeFailure says after how long the writer gave up.
func describeFailure(err error, after time.Duration) error {
	return fmt.Errorf("gave up after %v: %w", after.Round(time.Second), err)
}

var _ Domain = (*domain.Domain)(nil)

// Package bulk writes documents to a domain with _bulk requests: bounded in bytes, count and number under way, with an
// outcome for each document and the only retry loop of the program.
package bulk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/domain"
	"github.com/seed56735111/penstock/internal/sha2x"
)

// Domain is what the writer needs of a domain; *domain.Domain is one.
type Domain interface {
	Endpoint() string
	NewRequest(ctx context.Context, method, target string, body []byte) (*http.Request, error)
	Do(req *http.Request) (*http.Response, error)
}

// Config has the budgets. Zero fields have the defaults.
type Config struct {
	// BatchBytes is the size, before compression, at which a request is sent: 2 MiB. A larger document is sent by itself,
	// when nothing else is in hand.
	BatchBytes int
	// BatchDocs is the number of documents at which a request is sent: 10,000. A short document costs as much memory for
	// its bookkeeping as for its bytes.
	BatchDocs int
	// MaxInFlight is the number of requests under way at once: 4. Throttling lowers it for a while.
	MaxInFlight int
	// Linger is how long a document waits for its request to fill: 1 s. When every delivery waits for its outcome and
	// nobody holds on for more of them, the request is sent at once.
	Linger time.Duration
	// RetryBudget is how long a batch is retried before the run gives up: 5 minutes.
	RetryBudget time.Duration
	// StartupTimeout takes the place of RetryBudget until the domain has answered for the first time: 8 s. An endpoint
	// that is down or wrong is reported soon, an outage in the middle is waited out.
	StartupTimeout time.Duration
	// Gzip compresses request bodies.
	Gzip bool
	// Overwrite treats every document as if it had Replace: the index action instead of create. Data streams refuse it.
	Overwrite bool
	// IndexInPath names the index in the path of a request, /INDEX/_bulk, and in no action, so that a policy for some
	// indexes holds; domains with rest.action.multi.allow_explicit_index set to false take nothing else. The documents
	// of a batch for several indexes are sent in as many requests, one after the other.
	IndexInPath bool
	// DocType is the mapping type to name, for engines before version 7; empty leaves it out.
	DocType string
	// NoIDs leaves the ids out, for collections that take none. A document that is sent twice is then stored twice.
	NoIDs bool
	// Share is with the writers of other domains, when there are some: a document that is larger than a batch is sent when
	// none of them has anything in hand. Nil is for one alone.
	Share *Share
	// Known says that the banner has shown that this is a domain. StartupTimeout no longer applies, and a redirect or a
	// page in place of an answer is a failure that may pass, not the sign of a wrong address.
	Known bool
	// Logger is told of retries; nil discards.
	Logger *slog.Logger
}

// The sizes of a batch when Config says none.
const (
	DefaultBatchBytes = 2 << 20
	DefaultBatchDocs  = 10_000
)

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
	def(&c.BatchBytes, DefaultBatchBytes)
	def(&c.BatchDocs, DefaultBatchDocs)
	def(&c.MaxInFlight, 4)
	span(&c.Linger, time.Second)
	span(&c.RetryBudget, 5*time.Minute)
	span(&c.StartupTimeout, 8*time.Second)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Share == nil {
		c.Share = NewShare()
	}
	return c
}

// Stats are the writer's counters since it was made.
type Stats struct {
	Requests, Retries int64
	// BytesOut is what was sent, retries included; RetriedBytes is what the retries sent.
	BytesOut, RetriedBytes int64
	InFlight               int64
	// HeldBack is by how many throttling lowers the number of requests under way now.
	HeldBack int64
	// Outcome counts the documents whose outcome is known.
	penstock.Outcome
}

// Writer is the one writer that all deliveries share. It is safe for concurrent use.
type Writer struct {
	cfg    Config
	domain Domain
	ctx    context.Context //nolint:containedctx // ends the work of the writer's own goroutines
	cancel context.CancelFunc
	wg     sync.WaitGroup
	slots  *slots        // requests under way; throttling takes some out of use
	hands  chan struct{} // a token for each batch in hand: being filled, waiting for a slot, or under way
	answer chan struct{} // one token: for a large answer, until its items are settled
	free   stack
	signs  atomic.Bool // somebody asks for the SHA-256 of bodies
	pairs  bool        // two bodies are summed together faster than one by one
	step   int         // sumStep
	lanes  []*lane

	meeting  meeting
	maxBytes atomic.Int64 // learnt from the domain, 0 when it never complained
	trouble  atomic.Bool  // failed or unfit is set, or a delivery's err

	letters context.Context //nolint:containedctx // ends the storing of rejections, after the work itself has ended
	release context.CancelFunc

	stored  chan struct{} // closed when the domain has stored the first document, or had it already
	started sync.Once

	mu       sync.Mutex // may be locked while a lane's is held, never the other way round
	open     int        // deliveries begun and not waiting, and holds
	answered bool
	failed   error
	unfit    map[string]*IndexError // indexes that take no documents
	stats    Stats
}

// lane is a batch that is being filled by some of the deliveries, so that readers on several processors seldom wait for
// each other. There are at most half as many as requests, so that partial batches never take all that there may be in
// hand: a lane has a second one only when there is one to spare.
type lane struct {
	w     *Writer
	users int // deliveries begun and not waiting; guarded by the writer's mutex

	mu      sync.Mutex
	filling *batch
	second  *batch // filled in turns with the first one, see nextPart; nil when there is no first one
	timer   *time.Timer
}

var _ penstock.Deliverer = (*Writer)(nil)

// New returns a writer. Close must be called when all deliveries are over.
func New(cfg Config, d Domain) *Writer {
	cfg = cfg.withDefaults()
	ctx, cancel := context.WithCancel(context.Background())
	w := &Writer{
		cfg: cfg, domain: d, ctx: ctx, cancel: cancel,
		slots: newSlots(cfg.MaxInFlight), hands: make(chan struct{}, cfg.MaxInFlight+1),
		step: sumStep, answer: make(chan struct{}, 1), stored: make(chan struct{}), unfit: map[string]*IndexError{},
	}
	w.pairs = cfg.MaxInFlight > 1 && sha2x.Paired()
	cfg.Share.join(w)
	w.letters, w.release = context.WithCancel(context.Background())
	for range max(1, min(runtime.GOMAXPROCS(0), cfg.MaxInFlight/2)) {
		l := &lane{w: w}
		l.timer = time.AfterFunc(time.Hour, l.flush)
		l.timer.Stop()
		w.lanes = append(w.lanes, l)
	}
	return w
}

// Close waits for the requests under way and ends the writer. When ctx ends first, the requests are cut off; their
// deliveries fail.
func (w *Writer) Close(ctx context.Context) error {
	w.flush()
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
		w.release()
		<-done
	}
	w.cancel()
	w.release()
	w.cfg.Share.leave(w)
	return nil
}

// Stats returns the counters.
func (w *Writer) Stats() Stats {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.stats
	s.InFlight, s.HeldBack = w.slots.state()
	return s
}

// FatalError ends the run: every other batch would fail the same way, or the patience is over. Sources keep what was
// not delivered.
type FatalError struct{ Err error }

func (e *FatalError) Error() string { return "deliver: " + e.Err.Error() }
func (e *FatalError) Unwrap() error { return e.Err }

// Fatal is always true.
func (e *FatalError) Fatal() bool { return true }

// IndexError says that an index takes no documents, whatever is in them, until somebody changes it. Nothing more is
// sent to it; the objects that write to it are given back, and the others go on.
type IndexError struct {
	Index string
	// Why says what is wrong with the index, as the end of a sentence about it.
	Why string
	Err *domain.Error
}

func (e *IndexError) Error() string {
	return fmt.Sprintf("index %s takes no documents, %s: %v", e.Index, e.Why, e.Err)
}

func (e *IndexError) Unwrap() error { return e.Err }

// Fatal is always false: other indexes may be fine.
func (e *IndexError) Fatal() bool { return false }

// Temporary is always true: when the index is mended, what is given back arrives.
func (e *IndexError) Temporary() bool { return true }

// refuseIndex remembers that an index takes no documents.
func (w *Writer) refuseIndex(index, why string, cause *domain.Error) *IndexError {
	w.mu.Lock()
	defer w.mu.Unlock()
	if known := w.unfit[index]; known != nil {
		return known
	}
	e := &IndexError{Index: index, Why: why, Err: cause}
	w.unfit[index] = e
	w.trouble.Store(true)
	w.cfg.Logger.WarnContext(w.ctx, "index takes no documents",
		"index", index, "why", why, "type", cause.Type, "reason", cause.Reason)
	return e
}

// Stored returns a channel that is closed when the domain has stored a document, or had it already.
func (w *Writer) Stored() <-chan struct{} { return w.stored }

// fail makes every delivery fail from now on. Only the first failure counts.
func (w *Writer) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failed == nil {
		w.failed = &FatalError{Err: err}
		w.trouble.Store(true)
		w.cancel()
	}
}

func (w *Writer) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failed
}

// Begin begins the documents of one object. Reject hears of those that the domain will never take.
func (w *Writer) Begin(reject penstock.RejectFunc) penstock.Delivery {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open++
	l := slices.MinFunc(w.lanes, func(a, b *lane) int { return a.users - b.users })
	l.users++
	return &delivery{w: w, lane: l, reject: reject, changed: make(chan struct{}, 1)}
}

// Hold is part of penstock.Deliverer. The bound is Linger.
func (w *Writer) Hold() (release func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open++
	return sync.OnceFunc(w.letGo)
}

// letGo ends a delivery's adding, or a hold. What there is is sent when nothing more will come.
func (w *Writer) letGo() {
	w.mu.Lock()
	w.open--
	last := w.open == 0
	w.mu.Unlock()
	if last {
		w.flush()
	}
}

// delivery is the documents of one object.
type delivery struct {
	w       *Writer
	lane    *lane
	reject  penstock.RejectFunc
	changed chan struct{} // one token: out or err has changed
	added   int64         // belongs to the caller of Add and Wait

	// Guarded by the writer's mutex:
	out  penstock.Outcome
	err  error
	back int64 // documents of indexes that take none: they have no outcome and will get none
	why  error // of the first of them
}

var _ penstock.Delivery = (*delivery)(nil)

func (d *delivery) Add(ctx context.Context, doc penstock.Document) error {
	w, l := d.w, d.lane
	need := actionSize(doc, w.cfg.DocType) + doc.Size() + 1
	if need > w.cfg.BatchBytes {
		return d.addAlone(ctx, doc, need)
	}
	l.mu.Lock()
	for {
		if err := d.failure(doc.Index); err != nil {
			l.mu.Unlock()
			return err
		}
		if l.filling != nil && l.fits(need) {
			break
		}
		if l.send(); l.filling != nil {
			continue
		}
		l.mu.Unlock()
		b, err := w.take(ctx)
		if err != nil {
			return err
		}
		l.mu.Lock()
		if l.filling == nil {
			l.filling = b
			l.timer.Reset(w.cfg.Linger)
			continue
		}
		w.put(b)
	}
	b := l.filling
	b.add(d, &doc, &w.cfg)
	d.added++
	if len(b.body) >= w.limit() || len(b.docs) >= w.cfg.BatchDocs {
		l.send()
		l.mu.Unlock()
		return nil
	}
	var now work
	if b.endsPart(w.step) && w.signs.Load() {
		now = l.nextPart()
	}
	l.mu.Unlock()
	now.do()
	return nil
}

// addAlone sends a document that is larger than a batch by itself, when nothing else is in hand, and waits for its
// outcome: that is what bounds memory.
func (d *delivery) addAlone(ctx context.Context, doc penstock.Document, need int) error {
	if err := d.failure(doc.Index); err != nil {
		return err
	}
	w := d.w
	release, err := w.takeAll(ctx)
	if err != nil {
		return err
	}
	b := w.free.takeAlone(need)
	b.begun = w.arrived()
	b.add(d, &doc, &w.cfg)
	d.added++
	sent := make(chan struct{})
	w.wg.Go(func() {
		defer close(sent)
		defer release()
		w.send(b)
	})
	select {
	case <-sent:
		return nil
	case <-ctx.Done():
		b.lent.Lock()
		defer b.lent.Unlock()
		b.raw = bytes.Clone(b.raw) // the caller wants its record back
		return context.Cause(ctx)
	}
}

// failure says why the delivery can no longer succeed when its next document is for index.
func (d *delivery) failure(index string) error {
	if !d.w.trouble.Load() {
		return nil
	}
	d.w.mu.Lock()
	defer d.w.mu.Unlock()
	if err := d.broken(); err != nil {
		return err
	}
	if d.why != nil {
		return d.why
	}
	if e := d.w.unfit[index]; e != nil {
		return e
	}
	return nil
}

// broken says why the delivery failed, whatever index comes next. The writer's mutex is held.
func (d *delivery) broken() error {
	if d.err != nil {
		return d.err
	}
	return d.w.failed
}

// limit is the number of body bytes at which a batch is sent.
func (w *Writer) limit() int {
	if learnt := int(w.maxBytes.Load()); learnt > 0 {
		return min(w.cfg.BatchBytes, learnt*9/10)
	}
	return w.cfg.BatchBytes
}

func (l *lane) fits(need int) bool {
	b := l.filling
	return len(b.docs) == 0 || len(b.body)+need <= l.w.limit()
}

// take gets a batch to fill; while all of them are under way it blocks, which is the backpressure.
func (w *Writer) take(ctx context.Context) (*batch, error) {
	if err := w.token(ctx, w.hands, nil); err != nil {
		return nil, err
	}
	return w.fresh(), nil
}

// fresh returns a batch to fill, for which there is a token.
func (w *Writer) fresh() *batch {
	b := w.free.take()
	if b == nil {
		b = newBatch(w.cfg.BatchBytes)
	}
	b.begun, b.since = w.arrived(), time.Now()
	return b
}

// token takes a token. While there is none, and often ticks, what is being filled is sent.
func (w *Writer) token(ctx context.Context, tokens chan struct{}, often <-chan time.Time) error {
	for {
		select {
		case tokens <- struct{}{}:
			return nil
		case <-often:
			w.flush()
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-w.ctx.Done():
			if f := w.failure(); f != nil {
				return f
			}
			return context.Cause(w.ctx)
		}
	}
}

// freeHands gives back the tokens of n batches in hand.
func (w *Writer) freeHands(n int) {
	for range n {
		<-w.hands
	}
}

// put gives a batch back that was not needed.
func (w *Writer) put(b *batch) {
	w.free.put(b) // first: whoever gets the token then finds it
	<-w.hands
}

// send sends the batch being filled; the second one then takes its place. l.mu is held.
func (l *lane) send() {
	b := l.filling
	if b == nil {
		return
	}
	l.w.meeting.leave(b)
	l.filling, l.second = l.second, nil
	l.timer.Stop()
	if l.filling != nil {
		l.timer.Reset(l.w.cfg.Linger - time.Since(l.filling.since))
	}
	if len(b.docs) == 0 {
		l.w.put(b)
		return
	}
	l.w.wg.Go(func() { l.w.send(b) })
}

// flush sends what there is.
func (l *lane) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.send()
	l.send()
}

func (w *Writer) flush() {
	for _, l := range w.lanes {
		l.flush()
	}
}

func (d *delivery) Wait(ctx context.Context) (penstock.Outcome, error) {
	w := d.w
	w.letGo()
	w.mu.Lock()
	d.lane.users--
	for d.pending() && d.broken() == nil {
		w.mu.Unlock()
		select {
		case <-d.changed:
		case <-w.ctx.Done():
			w.fail(errors.New("the writer is closed"))
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
	switch {
	case d.pending():
		return d.out, d.broken()
	case d.err != nil || d.why == nil:
		return d.out, d.err // a failure of the others is not this one's
	}
	return d.out, d.why
}

// pending reports whether there are documents whose outcome is still to come. The writer's mutex is held.
func (d *delivery) pending() bool { return d.out.Known()+d.back < d.added }

// slots bounds the requests under way. Throttling takes slots out of use, success puts them back one at a time.
type slots struct {
	mu     sync.Mutex
	limit  int // now
	max    int
	inUse  int
	good   int // answers in a row without throttling
	signal chan struct{}
}

func newSlots(n int) *slots { return &slots{limit: n, max: n, signal: make(chan struct{}, 1)} }

// state returns how many slots are in use, and how many throttling took away.
func (s *slots) state() (used, heldBack int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int64(s.inUse), int64(s.max - s.limit)
}

// acquire blocks until a slot is free.
func (s *slots) acquire(stop context.Context) error {
	for {
		s.mu.Lock()
		if s.inUse < s.limit {
			s.inUse++
			more := s.inUse < s.limit
			s.mu.Unlock()
			if more {
				s.wake()
			}
			return nil
		}
		s.mu.Unlock()
		select {
		case <-s.signal:
		case <-stop.Done():
			return context.Cause(stop)
		}
	}
}

// take uses a slot even when none is free, for a caller that will release one.
func (s *slots) take() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inUse++
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

// succeeded raises the limit by one after as many good answers in a row as it allows requests.
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

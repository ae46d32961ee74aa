package bulk

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/domain"
	"github.com/seed56735111/penstock/internal/quote"
)

// target is the path of a batch's requests. It asks for what is needed of each item only; status and id keep every item
// in its place. The status tells a document that the domain's pipeline dropped from a created one, but not from one
// that replaced another: with the index action the result is asked for too.
func (w *Writer) target(b *batch) string {
	bulk := "/_bulk?filter_path=took,errors,items.*._id,items.*.status,items.*.error"
	if b.replaces {
		bulk += ",items.*.result"
	}
	if !w.cfg.IndexInPath {
		return bulk
	}
	// Old engines read a plus sign in a path as a space.
	return "/" + strings.ReplaceAll(url.PathEscape(b.indexes[0]), "+", "%2B") + bulk
}

// maxAnswer bounds a response: 4 KiB for a document is far more than the longest error.
func maxAnswer(docs int) int64 { return 1<<20 + int64(docs)*4096 }

// send waits for a slot, delivers a batch, however many requests it takes, and puts it down.
func (w *Writer) send(b *batch) {
	if b.alone {
		defer w.freeHands(cap(w.hands))
	} else {
		defer w.freeHands(1)
	}
	if w.slots.acquire(w.ctx) == nil { // otherwise the writer is at its end, and so are the deliveries
		parts := []*batch{b}
		if w.cfg.IndexInPath && len(b.indexes) > 1 {
			parts = b.byIndex()
		}
		for _, part := range parts {
			part.begun = b.begun
			w.deliver(part, time.Now())
		}
		w.slots.release()
	}
	keep := cap(b.body) <= 2*w.cfg.BatchBytes
	if b.alone {
		keep = len(w.cfg.Share.others(w)) == 0 // they would have it beside their batches
	}
	if keep && b.lease.free() {
		b.reset()
		w.free.put(b)
	}
}

// deliver is the retry loop: the documents whose outcome is not final are sent again, with pauses, until the budget is
// over. It returns when every document has its outcome or the writer has failed.
func (w *Writer) deliver(b *batch, began time.Time) {
	n := &narrowing{w: w, before: b.begun}
	n.deliver(b, began)
	n.end()
}

// narrowing is the delivery of one batch, in as many requests as it takes. A request that is refused as a whole for
// what is in it is halved until the document at fault is by itself.
type narrowing struct {
	w      *Writer
	before int64 // documents of all batches that had arrived when this one was begun; -1 for the last attempt
	taken  bool  // some of its documents were not refused in this way
	alone  []lone
}

// lone is a document that was refused as a whole request.
type lone struct {
	batch *batch
	err   *domain.Error
}

// stubborn is how many documents may be refused one by one, with none taken, before the fault is taken for the run's.
const stubborn = 20

func (n *narrowing) deliver(b *batch, began time.Time) {
	w := n.w
	for attempt := 0; ; attempt++ {
		if b = w.sift(b); b == nil {
			return
		}
		r := w.attempt(b, attempt > 0, n.before)
		n.taken = n.taken || r.taken
		if r.refusal != nil && len(b.docs) == 1 {
			if n.alone = append(n.alone, lone{b, r.refusal}); len(n.alone) >= stubborn && !n.taken {
				w.fail(r.refusal)
			}
			return
		}
		if r.parts != nil {
			for _, part := range r.parts {
				if w.failure() != nil {
					return
				}
				n.deliver(part, time.Now())
			}
			return
		}
		if r.again == nil {
			return
		}
		if r.progress {
			began, attempt = time.Now(), 0 // the budget is for standing still
		}
		if r.fatal || w.failure() != nil {
			w.fail(r.err)
			return
		}
		b = r.again
		pause := max(jitter(attempt), r.pause)
		if waited := time.Since(began); waited+pause > w.budget(r.err) {
			if !r.suspects || n.before < 0 || w.arrived() == 0 {
				w.fail(describeFailure(r.err, waited))
				return
			}
			n.before = -1 // others arrived earlier, if not meanwhile: it is the documents' own fault
		}
		w.cfg.Logger.InfoContext(w.ctx, "retrying", "documents", len(b.docs), "attempt", attempt+1,
			"pause", pause.String(), "reason", r.err.Error())
		if r.suspects {
			w.slots.release() // what may be these documents' own fault does not hold others back
		}
		slept := w.sleep(pause)
		if r.suspects && w.slots.acquire(w.ctx) != nil {
			w.slots.take()
			return
		}
		if !slept {
			return
		}
	}
}

// end rejects the documents that were refused by themselves, unless nothing shows that the domain takes any.
func (n *narrowing) end() {
	w := n.w
	for _, l := range n.alone {
		if w.failure() != nil {
			return
		}
		if !n.taken && !w.hasAnswered() && !wholeFaults[canonicalType(l.err.Type)] {
			w.fail(l.err)
			return
		}
		w.rejectAll(l.batch, l.err)
	}
}

// wholeFaults are the types of refusals of a whole request that only what is in it can cause.
var wholeFaults = map[string]bool{
	"action_request_validation_exception": true, "json_parse_exception": true, "x_content_parse_exception": true,
	"mapper_parsing_exception": true,
}

// sift leaves out the documents of indexes that take none. It returns nil when no others are left.
func (w *Writer) sift(b *batch) *batch {
	if !w.trouble.Load() {
		return b
	}
	w.mu.Lock()
	why := make([]*IndexError, len(b.indexes))
	found := false
	for i, name := range b.indexes {
		why[i] = w.unfit[name]
		found = found || why[i] != nil
	}
	w.mu.Unlock()
	if !found {
		return b
	}
	s := newSettlement(w, b)
	left := b.pick(0, len(b.docs), func(i int) bool {
		e := why[b.docs[i].index]
		if e != nil {
			s.giveBack(i, e)
		}
		return e == nil
	})
	s.done()
	if len(left.docs) == 0 {
		return nil
	}
	return left
}

// arrived is the number of documents that the domain has taken, or had already.
func (w *Writer) arrived() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stats.Delivered + w.stats.Duplicate + w.stats.Dropped
}

// budget is how long a batch may go without progress. An endpoint that takes a connection and then stays silent is not
// a wrong one.
func (w *Writer) budget(err error) time.Duration {
	if _, silent := errors.AsType[*domain.StallError](err); silent || w.isKnown() {
		return w.cfg.RetryBudget
	}
	return w.cfg.StartupTimeout
}

// hasAnswered reports whether the domain has answered as one does.
func (w *Writer) hasAnswered() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.answered
}

func (w *Writer) sleep(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-w.ctx.Done():
		return false
	}
}

// round is what one request came to.
type round struct {
	again    *batch        // documents to be sent again; nil when there are none
	parts    []*batch      // smaller batches to be sent in its place
	refusal  *domain.Error // the request was refused for what is in it
	taken    bool          // the domain answered item by item
	suspects bool          // whatever is to be sent again may itself be at fault
	progress bool          // some documents got their final outcome
	fatal    bool
	err      error         // why again
	pause    time.Duration // at least this long before
}

// attempt sends one request and settles every document whose outcome is final.
func (w *Writer) attempt(b *batch, isRetry bool, before int64) round {
	began := time.Now()
	resp, err := w.post(b, isRetry)
	if err != nil {
		return w.unanswered(b, err)
	}
	if w.cfg.Logger.Enabled(w.ctx, slog.LevelDebug) {
		w.cfg.Logger.DebugContext(w.ctx, "request answered", "documents", len(b.docs), "bytes", len(b.body),
			"status", resp.StatusCode, "seconds", time.Since(began).Seconds())
	}
	defer func() { _ = resp.Body.Close() }()
	done, err := w.readAnswer(b, resp.Body)
	defer done()
	if err != nil {
		return round{again: b, err: fmt.Errorf("read _bulk response: %w", err)}
	}
	body := b.answer.body.Bytes()
	if resp.StatusCode != http.StatusOK {
		e := domain.ClassifyResponse(resp, body)
		e.Endpoint = w.domain.Endpoint()
		return w.refused(b, e)
	}
	return w.items(b, resp, body, before)
}

// largeAnswer is the size beyond which answers are read one at a time, so that many refusals do not fill the memory.
const largeAnswer = 1 << 20

// readAnswer reads an answer into its batch. done is called when its items are settled.
func (w *Writer) readAnswer(b *batch, r io.Reader) (done func(), err error) {
	done = func() {}
	b.answer.body.Reset()
	const usual = 96 // for each document; the buffer grows by doubling
	b.answer.body.Grow(min(largeAnswer, usual*len(b.docs)) + bytes.MinRead)
	n, err := b.answer.body.ReadFrom(io.LimitReader(r, largeAnswer))
	if err != nil || n < largeAnswer {
		return done, err
	}
	if err := w.token(w.ctx, w.answer, nil); err != nil {
		return done, err
	}
	done = func() { <-w.answer }
	_, err = b.answer.body.ReadFrom(io.LimitReader(r, maxAnswer(len(b.docs))-n))
	return done, err
}

// unanswered is a request without an answer. What became of the documents is not known; sending them again is safe,
// because they have ids.
func (w *Writer) unanswered(b *batch, err error) round {
	if w.ctx.Err() != nil {
		return round{again: b, fatal: true, err: err}
	}
	return round{again: b, fatal: penstock.IsFatal(err), err: err}
}

// refused is an answer that is about the whole request.
func (w *Writer) refused(b *batch, e *domain.Error) round {
	if e.Kind == domain.NotADomain && w.isKnown() {
		e.Kind = domain.Unavailable // something in between, for a while
	}
	switch e.Kind {
	case domain.TooLarge:
		w.learn(e.Limit, len(b.body))
		if len(b.docs) == 1 {
			return w.rejectAll(b, e)
		}
		return round{parts: b.halves()}
	case domain.Throttled:
		w.slots.throttled()
		return round{again: b, err: e, pause: e.RetryAfter}
	case domain.Blocked:
		return round{again: b, err: e, pause: max(e.RetryAfter, blockedPause)}
	case domain.Unavailable, domain.Unknown, domain.Unreachable:
		w.markAnswered(e.Kind == domain.Unavailable && e.Type != "")
		return round{again: b, err: e, pause: e.RetryAfter}
	case domain.BadRequest:
		return w.badRequest(b, e)
	}
	return round{again: b, fatal: true, err: e}
}

// badRequest is a refusal of the whole request that a retry would meet again. One index or one document may be its
// cause.
func (w *Writer) badRequest(b *batch, e *domain.Error) round {
	r := refusalOf(e.Status, itemError{Type: e.Type, Reason: e.Reason})
	switch {
	case r.class == indexFault && len(b.indexes) > 1:
		return round{parts: b.byIndex()}
	case r.class == indexFault:
		return round{again: b, progress: true, err: w.refuseIndex(b.indexes[0], r.why, e)} // sift then leaves nothing
	case r.class == noIDs:
		return round{again: b, fatal: true, err: &IDsError{Err: e}}
	case r.class != unknown || e.Status != http.StatusBadRequest:
		return round{again: b, fatal: true, err: e}
	case len(b.docs) == 1:
		return round{refusal: e}
	}
	return round{parts: b.halves()}
}

// IDsError says that a serverless collection takes no ids.
type IDsError struct{ Err error }

func (e *IDsError) Error() string { return "the collection takes no document ids: " + e.Err.Error() }
func (e *IDsError) Unwrap() error { return e.Err }

// isKnown reports whether the domain has shown that it is one.
func (w *Writer) isKnown() bool { return w.cfg.Known || w.hasAnswered() }

// blockedPause is how long to wait at least before writing to a domain that blocks writes.
const blockedPause = 5 * time.Second

// rejectAll rejects the document of a request that was refused as a whole.
func (w *Writer) rejectAll(b *batch, e *domain.Error) round {
	s := newSettlement(w, b)
	for i := range b.docs {
		s.reject(i, e.Status, e.Type, e.Reason)
	}
	s.done()
	return round{progress: true}
}

// learn remembers the largest request that the domain takes.
func (w *Writer) learn(limit int64, sent int) {
	const smallest = 64 << 10
	n := int64(sent) / 2
	if limit > 0 && !w.cfg.Gzip {
		n = limit
	}
	n = max(n, smallest)
	w.mu.Lock()
	defer w.mu.Unlock()
	if known := w.maxBytes.Load(); known == 0 || n < known {
		w.maxBytes.Store(n)
		w.cfg.Logger.InfoContext(w.ctx, "learnt the request limit", "bytes", n)
	}
}

func (w *Writer) markAnswered(yes bool) {
	if !yes {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answered = true
}

// post sends the batch.
func (w *Writer) post(b *batch, isRetry bool) (*http.Response, error) {
	payload := b.body
	sum := func() [sha256.Size]byte {
		w.signs.Store(true)
		return b.sum.of(payload)
	}
	if w.cfg.Gzip {
		z, err := compress(b.body)
		if err != nil {
			return nil, err
		}
		payload = z
		sum = func() [sha256.Size]byte { return sha256.Sum256(payload) }
	}
	req, err := w.domain.NewRequest(w.ctx, http.MethodPost, w.target(b), nil)
	if err != nil {
		return nil, &FatalError{Err: err}
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	if w.cfg.Gzip {
		req.Header.Set("Content-Encoding", "gzip")
	}
	req.ContentLength = int64(len(payload))
	req.Body = b.lease.reader(payload, sum)
	req.GetBody = func() (io.ReadCloser, error) { return b.lease.reader(payload, sum), nil }
	w.mu.Lock()
	w.stats.Requests++
	w.stats.BytesOut += int64(len(payload))
	if isRetry {
		w.stats.Retries++
		w.stats.RetriedBytes += int64(len(payload))
	}
	w.mu.Unlock()
	return w.domain.Do(req)
}

func compress(body []byte) ([]byte, error) {
	var z bytes.Buffer
	z.Grow(len(body) / 4)
	g, err := gzip.NewWriterLevel(&z, gzip.BestSpeed)
	if err != nil {
		return nil, fmt.Errorf("compress request: %w", err)
	}
	if _, err := g.Write(body); err != nil {
		return nil, fmt.Errorf("compress request: %w", err)
	}
	if err := g.Close(); err != nil {
		return nil, fmt.Errorf("compress request: %w", err)
	}
	return z.Bytes(), nil
}

// verdicts collects the classes of the items of one response.
type verdicts struct {
	classes []class
	items   []item
	counts  [unknown + 1]int
}

// items settles the documents by the items of a response. Nothing is settled before the whole response is read and
// every item is known to be about the document in its place: a response that is wrong about one item is not trusted
// about the others.
func (w *Writer) items(b *batch, resp *http.Response, body []byte, before int64) round {
	v := verdicts{classes: resized(&b.answer.classes, len(b.docs)), items: resized(&b.answer.items, len(b.docs))}
	mismatch := false
	n, err := parseResponse(body, v.items, func(i int) []byte { return b.written(&b.docs[i]) })
	for i := range v.items[:min(n, len(v.items))] {
		it, e := &v.items[i], &b.docs[i]
		if len(it.id) > 0 && e.idEnd > e.id && !w.cfg.NoIDs &&
			!bytes.Equal(it.id, b.written(e)) && !sameText(it.id, b.id(e)) {
			mismatch = true
		}
		ie := itemError{}
		if len(it.err) > 0 {
			ie = parseItemError(it.err)
		}
		c := classify(it, ie, !e.replace)
		v.classes[i] = c
		v.counts[c]++
	}
	switch {
	case err != nil && n == 0 && !bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")):
		e := &domain.Error{
			Endpoint: w.domain.Endpoint(), Kind: domain.NotADomain, Status: resp.StatusCode,
			Reason: domain.Classify(http.StatusOK, resp.Header, body).Reason,
		}
		if w.isKnown() {
			e.Kind = domain.Unavailable
		}
		return round{again: b, fatal: !w.isKnown(), err: e}
	case err != nil:
		return round{again: b, err: err}
	case n != len(b.docs):
		return round{again: b, err: fmt.Errorf("%d items for %d documents", n, len(b.docs))}
	case mismatch:
		return round{again: b, err: errors.New("items are not about the documents that were sent")}
	}
	w.markAnswered(true)
	return w.settleItems(b, &v, before)
}

// resized returns n elements, whatever is in them.
func resized[T any](s *[]T, n int) []T {
	*s = slices.Grow((*s)[:0], n)[:n]
	return *s
}

// sameText compares the inside of a JSON string with plain text.
func sameText(escaped, plain []byte) bool {
	return string(quote.AppendExact(nil, plain)) == string(escaped) || unquoted(escaped) == string(plain)
}

// suspectRounds is how often a failure that may be the document's own is waited out.
const suspectRounds = 3

func (w *Writer) settleItems(b *batch, v *verdicts, before int64) round {
	if err := w.runFault(v); err != nil {
		return round{again: b, fatal: true, err: err}
	}
	if v.counts[throttled] > 0 {
		w.slots.throttled()
	} else {
		w.slots.succeeded()
	}
	// Others arrived while a document failed: then it is not the domain that fails.
	others := v.counts[delivered]+v.counts[duplicate]+v.counts[dropped] > 0
	if !others && v.counts[suspect] > 0 {
		others = w.arrived() > before
	}
	s := newSettlement(w, b)
	var reason error
	again, suspects := 0, 0
	for i, c := range v.classes {
		e := &b.docs[i]
		if c == suspect {
			if e.rounds++; e.rounds >= suspectRounds && others {
				c = poison
			}
		}
		v.classes[i] = c
		switch c {
		case delivered, duplicate, dropped:
			s.counted(i, c)
		case poison:
			ie := parseItemError(v.items[i].err)
			s.reject(i, v.items[i].status, ie.Type, ie.text())
		case indexFault, createOnly:
			why, failure := refusalOf(v.items[i].status, parseItemError(v.items[i].err)).why, w.itemFailure(&v.items[i])
			if c == createOnly && !w.cfg.Overwrite || e.extras && strings.HasPrefix(failure.Reason, noPipeline) {
				// Documents that are new, or do not go through that pipeline, it takes.
				s.giveBack(i, &IndexError{Index: b.indexes[e.index], Why: why, Err: failure})
			} else {
				s.giveBack(i, w.refuseIndex(b.indexes[e.index], why, failure))
			}
		default:
			again++
			if c == suspect {
				suspects++
			}
			if reason == nil {
				ie := parseItemError(v.items[i].err)
				reason = fmt.Errorf("item with %d %s: %s", v.items[i].status, ie.Type, ie.text())
			}
		}
	}
	s.done()
	if again == 0 {
		return round{taken: true, progress: true}
	}
	r := round{taken: true, progress: again < len(b.docs), suspects: suspects == again, err: reason}
	if v.counts[blocked] > 0 {
		r.pause = blockedPause
	}
	if again == len(b.docs) {
		r.again = b
		return r
	}
	r.again = b.keep(func(i int) bool {
		switch v.classes[i] {
		case retry, throttled, blocked, suspect, unknown:
			return true
		}
		return false
	})
	return r
}

// runFault returns what is wrong when every other request would be refused too. Nothing of the batch is dead-lettered
// then: its sources keep it.
func (w *Writer) runFault(v *verdicts) error {
	if v.counts[config]+v.counts[noIDs] == 0 {
		return nil
	}
	i := slices.IndexFunc(v.classes, func(c class) bool { return c == config || c == noIDs })
	e := w.itemFailure(&v.items[i])
	switch {
	case v.classes[i] == noIDs:
		return &IDsError{Err: e}
	case e.Type == "security_exception" || e.Status == http.StatusUnauthorized:
		e.Kind, e.Cause = domain.Refused, domain.CauseFineGrain
	case e.Status == http.StatusForbidden:
		e.Kind = domain.Refused
	}
	return e
}

// itemFailure is the failure of one item as an error.
func (w *Writer) itemFailure(it *item) *domain.Error {
	ie := parseItemError(it.err)
	return &domain.Error{
		Endpoint: w.domain.Endpoint(), Kind: domain.BadRequest, Status: it.status, Type: ie.Type, Reason: ie.text(),
	}
}

// settlement gives the deliveries of a batch their outcomes, with one lock for all.
type settlement struct {
	w    *Writer
	b    *batch
	sums map[*delivery]*sum
	last *delivery
	at   *sum
}

// sum is what one batch did for one delivery.
type sum struct {
	out  penstock.Outcome
	err  error
	back int64
	why  error
}

func newSettlement(w *Writer, b *batch) *settlement {
	return &settlement{w: w, b: b, sums: map[*delivery]*sum{}}
}

func (s *settlement) of(d *delivery) *sum {
	if d == s.last {
		return s.at
	}
	v := s.sums[d]
	if v == nil {
		v = new(sum)
		s.sums[d] = v
	}
	s.last, s.at = d, v
	return v
}

func (s *settlement) counted(i int, c class) {
	v := s.of(s.b.docs[i].delivery)
	switch c {
	case delivered:
		v.out.Delivered++
	case dropped:
		v.out.Dropped++
	default:
		v.out.Duplicate++
	}
}

// reject hands a document to its delivery's reject function. The document counts as rejected only when it is put away;
// otherwise the delivery fails.
func (s *settlement) reject(i, status int, kind, reason string) {
	e := &s.b.docs[i]
	v := s.of(e.delivery)
	if v.err != nil {
		return
	}
	s.b.lent.Lock()
	defer s.b.lent.Unlock()
	x := s.b.extrasOf(e)
	r := penstock.Rejection{
		Document: penstock.Document{
			Index: s.b.indexes[e.index], ID: s.b.id(e), Head: s.b.body[e.body:e.end], Raw: s.b.rawOf(e),
			Offset: e.offset, Length: e.length, RawSum: e.rawSum,
			Routing: []byte(x.Routing), Pipeline: x.Pipeline,
		},
		Status: status, Type: kind, Reason: reason,
	}
	if err := e.delivery.reject(s.w.letters, r); err != nil {
		v.err = err
		return
	}
	v.out.Rejected++
}

// giveBack leaves a document without an outcome, because its index takes none.
func (s *settlement) giveBack(i int, why *IndexError) {
	v := s.of(s.b.docs[i].delivery)
	v.back++
	if v.why == nil {
		v.why = why
	}
}

func (s *settlement) done() {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	for d, v := range s.sums {
		d.out.Add(v.out)
		s.w.stats.Add(v.out)
		if v.out.Delivered+v.out.Duplicate+v.out.Dropped > 0 {
			s.w.started.Do(func() { close(s.w.stored) })
		}
		d.back += v.back
		if d.why == nil {
			d.why = v.why
		}
		if v.err != nil && d.err == nil {
			d.err = v.err
			s.w.trouble.Store(true)
		}
		select {
		case d.changed <- struct{}{}:
		default:
		}
	}
}

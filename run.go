package penstock

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"log/slog"
	"math"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Pipeline connects the stages. Source, Decoder, Recognizer, Shaper, Deliverer and DeadLetters must be set.
type Pipeline struct {
	Source      Source
	Decoder     Decoder
	Recognizer  Recognizer
	Shaper      Shaper
	Deliverer   Deliverer
	DeadLetters DeadLetters

	// Domain names the domain in dead letters, which are replayed to the same one. Domains has the names of other targets.
	Domain  string
	Domains map[string]string
	// Workers is the number of items being read at once, 4 when zero.
	Workers int
	// OpenAhead is how many remote objects are opened before a worker is free for them; zero opens none ahead.
	OpenAhead int
	// InHand bounds the items that are read or being read and not settled yet, 2,048 when zero. Items whose reading is
	// over cost some 6 KB each: letting them wait together is what fills a batch from many small objects.
	InHand int
	// Grace is how long the items in hand may go on after ctx has ended, 30 s when zero.
	Grace time.Duration
	// Abort, when it is closed, ends the grace period at once.
	Abort <-chan struct{}
	// Pause, when it is closed, stops the reading of objects at the next record. What was read is delivered, and the
	// items are given back with a *PausedError for each object that is not read to its end. Run takes no more items.
	Pause <-chan struct{}
	// Brake stops the run with a *BrakeError when so many records are refused or unparsed before anything is stored; zero
	// leaves it out. Until then no letter is stored, and no unparsed record of an object that can be read again is
	// delivered.
	Brake int
	// Observe is told about every object when its outcome is known. Calls do not overlap.
	Observe func(ObjectReport)
	// Progress, when set, is kept up to date while Run works.
	Progress *Progress
	// Logger is told of items given back and of recovered panics; nil discards.
	Logger *slog.Logger
}

// Progress is a live view of a run for a display; it lags behind by up to a thousand records per object in hand.
type Progress struct {
	Objects, Records, BytesIn, DeadLettered atomic.Int64
}

// ObjectReport is what became of one object.
type ObjectReport struct {
	Object string
	// Formats are the formats of the entries with records, in order of appearance and without repetition.
	Formats []string
	// Skipped says why the object holds no records.
	Skipped string
	// Indexes are those that documents were made for, in order of appearance. The last one has no name when there are more
	// than a thousand: it stands for the others.
	Indexes []IndexCount
	// Routes say what became of the records by route and rule, where there are some.
	Routes  RouteCounts
	Counts  Counts
	Elapsed time.Duration
	// Err is why the object's item is given back; nil when everything in it has a final state.
	Err error
}

// IndexCount says how many documents were made for an index of a target.
type IndexCount struct {
	Target, Index string
	Documents     int64
}

// maxIndexes bounds the indexes of one report.
const maxIndexes = 1000

// Run takes items from the source until there are no more and returns what became of them. It ends before the source
// when that breaks off and when a failure concerns the whole run; an object that fails alone is in the counts and in
// its report. When ctx ends, Run takes no more items and finishes those in hand within the grace period.
func (p *Pipeline) Run(ctx context.Context) Result {
	r := &run{Pipeline: p}
	return r.run(ctx)
}

// run is the state of one Run.
type run struct {
	*Pipeline
	mu     sync.Mutex
	result Result
	stop   context.CancelFunc // take no more items
	pause  atomic.Bool        // Pause is closed
	brakes *brakes
	ahead  *ahead
	// Letters that wait for their records, and who reads those again.
	spool   *spool
	recalls *ahead
	seed    maphash.Seed
}

func (r *run) run(ctx context.Context) Result {
	workers := r.Workers
	if workers <= 0 {
		workers = 4
	}
	inHand := r.InHand
	if inHand <= 0 {
		inHand = 2048
	}
	if r.Logger == nil {
		r.Logger = slog.New(slog.DiscardHandler)
	}
	if r.Progress == nil {
		r.Progress = new(Progress)
	}
	intake, stop := context.WithCancel(ctx)
	defer stop()
	r.stop = stop
	// Detached: the end of ctx means "take no more", and what is in hand goes on until the grace period is over.
	work, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	go r.endGrace(ctx, work, func() {
		cancel(&InterruptedError{Before: "it was known what became of everything", Err: context.Canceled})
	})
	go r.awaitPause(work)
	r.brakes, r.ahead = newBrakes(r.Pipeline), newAhead(r.OpenAhead)
	r.spool, r.recalls, r.seed = newSpool(), newAhead(maxRecalls), maphash.MakeSeed()
	defer r.spool.close()

	reading := make(chan struct{}, workers) // one token for each item being read
	hand := make(chan struct{}, inHand)     // one token for each item not settled
	var wg sync.WaitGroup
	readers := &crew{wg: &wg, work: make(chan func())}
	var sourceErr error
	held := newHolding(r.Deliverer, inHand)
	defer held.end()
	for item, err := range r.Source.Items(intake) {
		if err != nil {
			sourceErr = err
			break
		}
		first := r.ahead.object(&item)
		if !held.acquire(intake, hand) || first == nil && !acquire(intake, reading) ||
			first != nil && !r.ahead.acquire(intake, first.Size) {
			// Taken but not begun: give it back.
			r.settle(work, item, context.Cause(intake))
			break
		}
		r.brakes.begin()
		held.begin()
		readers.do(func() {
			letGo := sync.OnceFunc(func() { <-hand })
			var open *early
			if first != nil {
				if open = r.ahead.open(intake, work, first, reading); open == nil {
					r.settle(work, item, context.Cause(intake)) // not begun
					held.read()
					r.brakes.end()
					letGo()
					return
				}
				defer open.close()
			}
			shipments := r.readItem(work, item, open, letGo)
			<-reading
			held.read()
			wg.Go(func() { // the stack that reading took is not kept while many items wait
				defer r.brakes.end()
				defer letGo()
				for _, h := range shipments {
					h.await(work) // here, where it takes the smallest stack
				}
				r.finish(work, item, shipments)
			})
		})
	}
	r.brakes.end()
	held.end()
	readers.end()
	interrupted := context.Cause(ctx) // the end of ctx after this is none of the source's
	wg.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result.ended(interrupted, sourceErr)
	return r.result
}

// crew runs functions, each in a goroutine that had another one before when there is one free: the stacks that reading
// takes are not grown for every object.
type crew struct {
	wg   *sync.WaitGroup
	work chan func()
}

func (c *crew) do(f func()) {
	select {
	case c.work <- f:
	default:
		c.wg.Go(func() {
			f()
			for f := range c.work {
				f()
			}
		})
	}
}

// end says that there is nothing more to do.
func (c *crew) end() { close(c.work) }

func acquire(ctx context.Context, tokens chan struct{}) bool {
	if ctx.Err() != nil {
		return false
	}
	select {
	case tokens <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// awaitPause ends the intake and the reading when Pause is closed.
func (r *run) awaitPause(work context.Context) {
	select {
	case <-work.Done():
	case <-r.Pause:
		r.pause.Store(true)
		r.stop()
	}
}

// endGrace cancels the work when ctx has ended and the grace period after it is over, or at once on Abort.
func (r *run) endGrace(ctx, work context.Context, cancel context.CancelFunc) {
	select {
	case <-work.Done():
		return
	case <-r.Abort:
		cancel()
		return
	case <-ctx.Done():
	}
	grace := r.Grace
	if grace <= 0 {
		grace = 30 * time.Second
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-work.Done():
	case <-r.Abort:
	case <-timer.C:
	}
	cancel()
}

// readItem reads the objects of one item, of which the first may be open already. letGo makes room for another item in
// hand.
func (r *run) readItem(ctx context.Context, item Item, open *early, letGo func()) []*shipment {
	shipments := make([]*shipment, 0, len(item.Objects))
	for i := range item.Objects {
		h := &shipment{
			run: r, object: &item.Objects[i], early: open, letGo: letGo, begun: time.Now(),
		}
		open = nil
		shipments = append(shipments, h)
		if r.pause.Load() {
			h.err = &PausedError{Next: Place{Object: h.object.Name}}
			continue
		}
		h.read(ctx)
		if IsFatal(h.err) {
			break
		}
	}
	return shipments
}

// finish waits for the outcome of an item that was read, and settles it.
func (r *run) finish(ctx context.Context, item Item, shipments []*shipment) {
	var failures []ObjectFailure
	for _, h := range shipments {
		h.wait(ctx)
		if h.err != nil {
			failures = append(failures, ObjectFailure{Object: h.object.Name, Err: h.err})
		}
	}
	var err error
	if len(failures) > 0 {
		err = &ItemError{Failures: failures}
	}
	if IsFatal(err) {
		r.fail(err)
	}
	r.settle(ctx, item, err)
	for _, h := range shipments {
		r.report(h)
	}
}

// settle tells the item's source; an acknowledgement that cannot be told means that the item comes again, which adds
// no document.
func (r *run) settle(ctx context.Context, item Item, err error) {
	if item.Settle != nil {
		// Also after the grace period: giving an item back must not be cut short by what made it fail.
		if serr := item.Settle(context.WithoutCancel(ctx), err); serr != nil {
			r.Logger.WarnContext(ctx, "item not settled", "item", item.ID, "error", serr)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result.settled(item.ID, err)
}

func (r *run) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.result.Fatal == nil {
		r.result.Fatal = err
	}
	r.stop()
}

func (r *run) report(h *shipment) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result.Add(h.counts)
	r.result.Routes.Add(h.routes)
	if r.Observe != nil {
		r.Observe(ObjectReport{
			Object: h.object.Name, Formats: h.formats, Skipped: h.skipped, Indexes: h.indexes, Routes: h.routes,
			Counts: h.counts, Elapsed: time.Since(h.begun), Err: h.err,
		})
	}
}

// shipment is one object on its way: open, decode, recognise, parse, shape, add, wait.
type shipment struct {
	*run
	object     *Object
	early      *early // the object, when it was opened ahead
	letGo      func()
	begun      time.Time
	entries    []*entryDelivery
	awaited    int // entries
	formats    []string
	skipped    string
	indexes    []IndexCount
	routes     RouteCounts
	index      int // the one of indexes that was counted last
	indexPlace map[indexName]int
	counts     Counts
	reported   int64        // records already in Progress
	summed     bool         // the stream is: letters wait for its end
	letters    []*letterBox // of what has no document, one for each brake
	altered    error        // why this is the second reading, whose documents replace those of the first
	sent       int64        // documents that the altered reading delivered
	panicked   bool
	resumed    bool     // the entry that an earlier reading was paused in has come
	reading    *Reading // of the entry at hand
	identity   Identity // of what was opened
	number     int      // of the entry at hand, from 1
	file       File     // of the entry at hand
	content    Content  // of the last record
	err        error
}

// entryDelivery is the documents of one entry for one target.
type entryDelivery struct {
	Delivery
	reject  RejectFunc
	place   Place
	number  int      // of the entry in its object, from 1
	recalls bool     // its records can be read again
	rules   []string // that run on its documents
	target  string
	brake   *brake           // of the target
	beside  []*entryDelivery // for other targets, of the first one
	added   int64
	held    []Document // unparsed, until the brake is open
	letters letterBox  // of the rejected ones
	out     Outcome
	err     error // of Wait
}

// letterBox holds letters back and stores them in groups, so that many of them do not cost a sync each, and few of an
// altered reading are stored at all.
type letterBox struct {
	brake *brake
	mu    sync.Mutex
	held  []Letter
	size  int
	// aside are letters that wait for their records.
	aside  []aside
	taken  int64 // letters put into the box
	stored int64 // those of them that are stored
	void   bool  // the letters are about bytes that are not the object's: not to be stored
}

const (
	maxHeldLetters = 256
	maxHeldBytes   = 1 << 20
)

// put takes a letter, which must own its slices, and keeps it from being stored while the brake holds. The error is a
// *BrakeError when no more is to be sent.
func (b *letterBox) put(ctx context.Context, store DeadLetters, l Letter) (hold bool, err error) {
	hold, stop := b.brake.refused(&l)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.taken++
	if b.void {
		return hold, stop
	}
	b.held = append(b.held, l)
	b.size += len(l.Document) + len(l.Raw)
	if hold || len(b.held) < maxHeldLetters && b.size < maxHeldBytes {
		return hold, stop
	}
	return hold, b.store(ctx, store)
}

// flush stores what is held.
func (b *letterBox) flush(ctx context.Context, store DeadLetters) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.store(ctx, store)
}

// release stores what the brake has let go. The error is a *BrakeError when it does not.
func (b *letterBox) release(ctx context.Context, store DeadLetters) error {
	if err := b.brake.failure(); err != nil && b.holds() {
		return err
	}
	return b.flush(ctx, store)
}

// store is flush for those who hold the lock.
func (b *letterBox) store(ctx context.Context, store DeadLetters) error {
	if len(b.held) == 0 {
		return nil
	}
	if err := store.Put(ctx, b.held...); err != nil {
		return &LetterError{Err: err}
	}
	b.stored += int64(len(b.held))
	b.held, b.size = nil, 0
	return nil
}

// counts returns how many letters were put into the box and how many are stored.
func (b *letterBox) counts() (taken, stored int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.taken, b.stored
}

// holds reports whether there are letters that are not stored.
func (b *letterBox) holds() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.held)+len(b.aside) > 0
}

// discard throws away what is held and what is still to come.
func (b *letterBox) discard() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held, b.size, b.void = nil, 0, true
}

// forget throws away the letters that wait for their records.
func (b *letterBox) forget(s *spool) {
	for _, one := range b.takeAside() {
		s.drop(one.in)
	}
}

func (h *shipment) read(ctx context.Context) {
	h.counts.Objects = 1
	defer func() {
		h.Progress.Objects.Add(1)
		h.progress()
		defer func() { h.reading = nil }() // it has buffers, and many objects may wait
		if v := recover(); v != nil {
			// One object must not take the others with it. Its item is given back.
			h.panicked = true
			if h.reading != nil && h.reading.shaping {
				h.counts.Records++ // the one in hand
			}
			h.err = fmt.Errorf("internal error: %v", v)
			h.Logger.ErrorContext(ctx, "recovered from a panic",
				"object", h.object.Name, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
		}
	}()
	h.err = h.pass(ctx)
	if altered, ok := errors.AsType[*AlteredError](h.err); ok {
		h.err = h.again(ctx, altered)
	}
}

// pass reads the object once.
func (h *shipment) pass(ctx context.Context) error {
	stream, err, opened := h.early.take()
	if !opened {
		stream, err = h.object.Open(ctx)
	}
	if err != nil {
		return err
	}
	defer func() { _ = stream.Close() }()
	h.summed, h.file, h.content = stream.Summed, stream.Identity.File, Content{}
	h.identity, h.number = stream.Identity, 0
	counted := &countingReader{r: stream, live: &h.Progress.BytesIn, idles: h.object.Linger > 0}
	defer func() { h.counts.BytesIn += counted.n.Load() }()
	for entry, err := range h.Decoder.Entries(stream.Identity.Key, counted) {
		h.number++
		if err == nil {
			err = h.entry(ctx, stream.Identity, entry)
		} else {
			err = h.abandon(ctx, h.place(stream.Identity, entry.Name, ""), h.brakes.unplaced, "", err)
		}
		if err != nil {
			return err
		}
	}
	if h.summed {
		// What looks corrupt, or like nothing to be read, may be altered: the end of the stream knows.
		_, err = io.Copy(io.Discard, counted)
	}
	return err
}

// again reads an object once more whose bytes were altered on their way. Documents of them are in the domain under the
// ids that belong to the true records, so the second reading replaces what is there.
func (h *shipment) again(ctx context.Context, altered *AlteredError) error {
	h.Logger.WarnContext(ctx, "object altered on its way, reading it again", "object", h.object.Name, "error", altered)
	for _, box := range h.letters {
		box.discard()
	}
	for _, d := range h.entries {
		d.letters.discard()
		d.letters.forget(h.spool)
		h.counts.Unacknowledged += int64(len(d.held))
		d.held = nil
	}
	// Before anything is sent again: a late rejection must not come after the true record's outcome.
	if err := h.outcomes(ctx); err != nil {
		return errors.Join(altered, err)
	}
	h.sent, h.altered = h.counts.Delivered, altered
	h.counts = Counts{Objects: 1, BytesIn: h.counts.BytesIn}
	h.formats, h.skipped, h.resumed = nil, "", false
	h.indexes, h.indexPlace, h.routes = nil, nil, nil
	err := h.pass(ctx)
	if _, paused := errors.AsType[*PausedError](err); paused {
		err = errors.New("paused") // to go on from there would not replace the rest
	}
	return err
}

// entry reads one entry. The error it returns ends the object.
func (h *shipment) entry(ctx context.Context, id Identity, e Entry) error {
	reading, err := h.Read(h.object, id, e)
	if reading == nil {
		return h.abandon(ctx, h.place(id, e.Name, ""), h.brakes.unplaced, "", err)
	}
	if reading.Skip != "" {
		h.skipped = reading.Skip
		return nil
	}
	h.file, h.content = reading.Identity.File, Content{}
	place := h.place(id, e.Name, reading.Format)
	h.addFormat(reading.Format)
	if err != nil {
		return h.abandon(ctx, place, h.brakes.target(reading.Target), reading.Target, err)
	}
	d := h.begin(reading, place, reading.Target)
	h.reading = reading
	defer func() { h.routes.Add(reading.Routes()) }()
	for s, err := range reading.Documents(h.resume(place)) {
		if s == nil {
			place.Offset = reading.Next
			return h.abandon(ctx, place, d.brake, reading.Target, err)
		}
		if !s.Behind && h.pause.Load() {
			place.Offset = s.Offset
			return &PausedError{Next: place}
		}
		h.content = s.Content
		if err := h.record(ctx, d, s, err); err != nil {
			return err
		}
	}
	return nil
}

// begin begins the delivery of an entry to a target.
func (h *shipment) begin(reading *Reading, place Place, target string) *entryDelivery {
	d := &entryDelivery{
		place: place, number: h.number, target: target, brake: h.brakes.target(target), recalls: h.mayRecall(reading),
	}
	if reading.redacts != nil {
		d.rules = reading.redacts.RulesRun()
	}
	d.letters.brake = d.brake
	d.reject = func(ctx context.Context, r Rejection) error { return h.reject(ctx, d, r) }
	d.Delivery = h.Deliverer.Begin(d.reject)
	h.entries = append(h.entries, d)
	return d
}

// besides returns the delivery of the same entry to another target: records of several log groups may go several ways.
func (h *shipment) besides(d *entryDelivery, target string) *entryDelivery {
	for _, one := range d.beside {
		if one.target == target {
			return one
		}
	}
	one := h.begin(h.reading, d.place, target)
	d.beside = append(d.beside, one)
	return one
}

// resume returns the offset before which the records of an entry were dealt with by an earlier reading. Entries before
// the one that was paused in are passed over whole.
func (h *shipment) resume(place Place) int64 {
	from := h.object.Resume
	if from == nil || h.resumed || from.Version != place.Version || from.ETag != place.ETag {
		return 0
	}
	if from.Entry != place.Entry {
		return math.MaxInt64
	}
	h.resumed = true
	return from.Offset
}

// record counts a record and sends its document, or puts away what has none.
func (h *shipment) record(ctx context.Context, d *entryDelivery, s *Shaped, err error) error {
	h.counts.Records++
	if h.counts.Records&1023 == 0 {
		h.progress()
	}
	if s.Unparsed {
		h.counts.Unparsed++
	}
	if s.Time.IsZero() && !s.Unread {
		h.counts.Undated++
	}
	if s.Repaired {
		h.counts.Repaired++
	}
	if err != nil {
		return h.without(ctx, d, err)
	}
	doc := s.Document
	if doc.Target != d.target {
		d = h.besides(d, doc.Target)
	}
	if err := d.brake.failure(); err != nil {
		h.counts.Unacknowledged++
		return err
	}
	doc.Replace = doc.Replace || h.altered != nil
	if s.Unparsed {
		if held, err := h.holdBack(d, &s.Record, doc); held || err != nil {
			return err
		}
	}
	if len(d.held) > 0 && !d.brake.holds() {
		if err := h.addHeld(ctx, d, d.Delivery); err != nil {
			h.counts.Unacknowledged++ // the record in hand
			return err
		}
	}
	if d.recalls && s.Redacted == nil && len(doc.Raw) > 0 && !doc.RawInTail() {
		doc.RawSum = h.sumOf(doc.Raw)
	}
	d.added++
	h.countIndex(&doc)
	return d.Add(ctx, doc)
}

// without ends a record that has no document: a rule leaves it out, it becomes a dead letter, or the object ends with
// it.
func (h *shipment) without(ctx context.Context, d *entryDelivery, err error) error {
	if errors.Is(err, ErrDrop) {
		h.counts.Dropped++
		return nil
	}
	re, ok := errors.AsType[*RecordError](err)
	if !ok {
		h.counts.Unacknowledged++
		return err
	}
	place := d.place
	place.Offset, place.Length = re.Offset, re.Length
	target := cmp.Or(re.Target, d.target)
	return h.letter(ctx, h.brakes.target(target), Letter{
		ID: string(re.ID), Reason: re.Reason, Detail: re.Err.Error(), Source: place, Document: re.Document,
		Raw: cloned(re.Raw), Routing: string(re.Routing), Pipeline: re.Pipeline, Rules: re.Rules,
		Domain: h.domain(target),
	})
}

// holdBack keeps the document of an unparsed record until the run is known to be a good one.
func (h *shipment) holdBack(d *entryDelivery, r *Record, doc Document) (held bool, err error) {
	hold, err := d.brake.unparsed(d.place, r, doc.Size()+len(doc.Raw))
	if err != nil {
		h.counts.Unacknowledged++
		return false, err
	}
	if held = hold && !h.object.Once && h.altered == nil; held {
		d.held = append(d.held, doc.clone())
	}
	return held, nil
}

// addHeld sends the documents that were held back.
func (h *shipment) addHeld(ctx context.Context, d *entryDelivery, to Delivery) error {
	for len(d.held) > 0 {
		doc := d.held[0]
		d.held = d.held[1:]
		d.added++
		h.countIndex(&doc)
		if err := to.Add(ctx, doc); err != nil {
			return err
		}
	}
	d.held = nil
	return nil
}

// indexName names an index of a target.
type indexName struct{ target, index string }

// countIndex counts a document. Most of them are for the same index as the one before.
func (h *shipment) countIndex(d *Document) {
	if h.index >= len(h.indexes) || h.indexes[h.index].Index != d.Index || h.indexes[h.index].Target != d.Target {
		h.index = h.indexAt(indexName{d.Target, d.Index})
	}
	h.indexes[h.index].Documents++
}

// indexAt finds an index among those of the object, or adds it.
func (h *shipment) indexAt(name indexName) int {
	at, ok := h.indexPlace[name]
	switch {
	case ok:
		return at
	case len(h.indexes) > maxIndexes:
		return maxIndexes
	case len(h.indexes) == maxIndexes:
		name = indexName{}
	}
	if h.indexPlace == nil {
		h.indexPlace = map[indexName]int{}
	}
	h.indexPlace[name] = len(h.indexes)
	h.indexes = append(h.indexes, IndexCount{Target: name.target, Index: name.index})
	return len(h.indexes) - 1
}

// abandon ends an object that cannot be read on. What is wrong with the bytes themselves becomes a dead letter by
// reference, one record in the accounting; anything else gives the item back.
func (h *shipment) abandon(ctx context.Context, place Place, b *brake, target string, err error) error {
	oe, ok := errors.AsType[*ObjectError](err)
	if !ok {
		return err
	}
	h.counts.Records++
	place.Length = -1
	return h.letter(ctx, b, Letter{Domain: h.domain(target), Reason: oe.Reason, Detail: oe.Error(), Source: place})
}

// letter puts a record away that never became a document.
func (h *shipment) letter(ctx context.Context, b *brake, l Letter) error {
	if l.ID == "" {
		l.ID = letterID(l, h.file, h.content)
	}
	l.Time, l.Domain = time.Now().UTC(), cmp.Or(l.Domain, h.Domain)
	l.Document = bytes.Clone(l.Document)
	h.Progress.DeadLettered.Add(1)
	box := h.box(b)
	hold, err := box.put(ctx, h.DeadLetters, l)
	if err != nil || hold || h.summed {
		return err
	}
	return box.flush(ctx, h.DeadLetters)
}

// box returns the letters that wait for a brake.
func (h *shipment) box(b *brake) *letterBox {
	for _, box := range h.letters {
		if box.brake == b {
			return box
		}
	}
	box := &letterBox{brake: b}
	h.letters = append(h.letters, box)
	return box
}

// cloned returns a copy of a record for a letter; nil when nothing of it may leave.
func cloned(raw []byte) []byte {
	if len(raw) == 0 {
		return nil
	}
	return bytes.Clone(raw)
}

// domain is the name of a target's domain in letters.
func (h *shipment) domain(target string) string {
	if target == "" {
		return h.Domain
	}
	return h.Domains[target]
}

// reject puts a document away that the domain will never take.
func (h *shipment) reject(ctx context.Context, d *entryDelivery, r Rejection) error {
	place := d.place
	place.Offset, place.Length = r.Offset, cmp.Or(r.Length, int64(len(r.Raw)))
	reason := ReasonRejected
	switch r.Status {
	case 413:
		reason = ReasonTooLarge
	case 409:
		reason = ReasonConflict
	}
	h.Progress.DeadLettered.Add(1)
	l := Letter{
		ID: string(r.ID), Time: time.Now().UTC(), Reason: reason, Type: r.Type, Detail: r.Reason, Status: r.Status,
		Source: place, Domain: h.domain(r.Target), Index: r.Index, Document: r.Body(), Raw: cloned(r.Raw),
		Routing: string(r.Routing), Pipeline: r.Pipeline, Rules: d.rules,
	}
	if len(r.Raw) == 0 && r.RawSum != 0 {
		return h.setAside(ctx, d, l, r.RawSum)
	}
	_, err := d.letters.put(ctx, h.DeadLetters, l)
	return err
}

// wait learns the outcome of every entry and completes the counts.
func (h *shipment) wait(ctx context.Context) {
	err := h.outcomes(ctx)
	_, paused := errors.AsType[*PausedError](h.err)
	switch {
	case h.err == nil, paused && err != nil:
		h.err = err // a paused reading can go on only when what it read has arrived
	case IsFatal(err) && !IsFatal(h.err):
		h.err = errors.Join(err, h.err) // the run must hear of it, whatever else went wrong with this object
	}
	c := &h.counts
	// What replaced a document of the altered reading is as new in the domain as that one was.
	isNew := min(h.sent, c.Duplicate)
	c.Delivered, c.Duplicate = c.Delivered+isNew, c.Duplicate-isNew
	if h.panicked {
		// The record in hand at the panic was counted as read and as nothing else.
		c.Unacknowledged += c.Records - (c.Delivered + c.Duplicate + c.DeadLettered + c.Dropped + c.Unacknowledged)
	}
	if h.err != nil {
		c.ObjectsGivenBack = 1
		if h.altered != nil {
			h.err = fmt.Errorf("%w; read again: %w", h.altered, h.err)
		}
	}
}

// await waits for the entries of a reading.
func (h *shipment) await(ctx context.Context) {
	for ; h.awaited < len(h.entries); h.awaited++ {
		d := h.entries[h.awaited]
		d.out, d.err = d.Wait(ctx)
		if d.out.Delivered+d.out.Duplicate+d.out.Dropped > 0 {
			d.brake.stored()
		}
	}
}

// outcomes waits for the entries of a reading, stores the letters that are held back and counts.
func (h *shipment) outcomes(ctx context.Context) error {
	h.await(ctx)
	comesAgain := h.err != nil || slices.ContainsFunc(h.entries, func(d *entryDelivery) bool { return d.err != nil })
	var ended error
	if waiting := h.waiting(); len(waiting) > 0 {
		h.letGo()
		ended = h.brakes.wait(ctx, waiting)
	}
	var failed error
	fail := func(err error) {
		switch {
		case failed == nil:
			failed = err
		case IsFatal(err) && !IsFatal(failed):
			failed = errors.Join(err, failed)
		}
	}
	fail(ended)
	for _, box := range h.letters {
		err := ended
		if err == nil {
			err = box.release(ctx, h.DeadLetters)
		}
		fail(err)
		taken, stored := box.counts()
		h.counts.DeadLettered += stored
		h.counts.Unacknowledged += taken - stored
	}
	if !comesAgain && failed == nil {
		fail(h.recall(ctx, h.entries...))
	}
	for _, d := range h.entries {
		fail(h.outcome(ctx, d, ended))
		d.letters.forget(h.spool) // those of an object that comes again come with it
	}
	h.entries, h.letters, h.awaited = nil, nil, 0 // they are counted
	return failed
}

// waiting returns the brakes that still hold something back, each once.
func (h *shipment) waiting() (brakes []*brake) {
	add := func(b *brake) {
		if b.holds() && !slices.Contains(brakes, b) {
			brakes = append(brakes, b)
		}
	}
	for _, box := range h.letters {
		if box.holds() {
			add(box.brake)
		}
	}
	for _, d := range h.entries {
		if d.holds() {
			add(d.brake)
		}
	}
	return brakes
}

// holds reports whether something waits for the brake.
func (d *entryDelivery) holds() bool { return len(d.held) > 0 || d.letters.holds() }

func (h *shipment) outcome(ctx context.Context, d *entryDelivery, ended error) error {
	out, err := d.out, d.err
	mayStore := ended == nil
	if stop := d.brake.failure(); stop != nil && d.holds() {
		mayStore, err = false, cmp.Or(err, stop)
	}
	if mayStore {
		if err == nil && h.err == nil && len(d.held) > 0 {
			err = h.sendHeld(ctx, d, &out)
		}
		if serr := d.letters.flush(ctx, h.DeadLetters); err == nil {
			err = serr
		}
	}
	_, stored := d.letters.counts()
	stored = min(out.Rejected, stored)
	unknown, unstored := d.added-out.Known()+int64(len(d.held)), out.Rejected-stored
	h.counts.Delivered += out.Delivered
	h.counts.Duplicate += out.Duplicate
	h.counts.Dropped += out.Dropped
	h.counts.DroppedByDomain += out.Dropped
	h.counts.DeadLettered += stored
	h.counts.Unacknowledged += unknown + unstored
	if err == nil && mayStore && (unknown != 0 || unstored != 0 && !d.letters.void && !d.letters.holds()) {
		err = fmt.Errorf("await delivery: %d documents without an outcome", unknown+unstored)
	}
	return err
}

// sendHeld delivers the documents that were held back to the end of the reading.
func (h *shipment) sendHeld(ctx context.Context, d *entryDelivery, out *Outcome) error {
	late := h.Deliverer.Begin(d.reject)
	err := h.addHeld(ctx, d, late)
	known, werr := late.Wait(ctx)
	out.Add(known)
	if werr != nil {
		return werr
	}
	return err
}

func (h *shipment) place(id Identity, entry, format string) Place {
	return Place{
		Object: h.object.Name, Bucket: id.Bucket, Key: id.Key, Version: id.Version, ETag: id.ETag,
		Entry: entry, Format: format,
	}
}

func (h *shipment) addFormat(name string) {
	if !slices.Contains(h.formats, name) {
		h.formats = append(h.formats, name)
	}
}

func (h *shipment) progress() {
	h.Progress.Records.Add(h.counts.Records - h.reported)
	h.reported = h.counts.Records
}

// letterID names a letter about a record that never became a document. A letter about a file is known by what the ids
// of its documents are made of, and not by the name under which the file was met: that goes with rotation to another
// one.
func letterID(l Letter, f File, c Content) string {
	parts := []string{l.Source.Object, l.Source.Version, l.Source.ETag, l.Source.Entry, l.Reason}
	if f.Path != "" {
		name := f.Stem
		if name == "" || c == (Content{}) {
			name = f.Path // nothing that was read tells generations apart
		}
		parts = []string{f.Machine, name, fmt.Sprintf("%x-%x", c.Hi, c.Lo), l.Source.Entry, l.Reason}
	}
	s := sha256.New()
	for _, part := range parts {
		_, _ = fmt.Fprintf(s, "%d:%s", len(part), part)
	}
	_, _ = fmt.Fprintf(s, "%d", l.Source.Offset)
	return hex.EncodeToString(s.Sum(nil)[:16])
}

// countingReader counts the stored bytes as they are read.
type countingReader struct {
	r    io.Reader
	n    atomic.Int64 // a decoder may read ahead in a goroutine of its own
	live *atomic.Int64
	// idles says that reads may return ErrIdle.
	idles bool
}

// Idles is part of Idler.
func (c *countingReader) Idles() bool { return c.idles }

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.count(n)
	return n, err
}

func (c *countingReader) count(n int) {
	c.n.Add(int64(n))
	c.live.Add(int64(n))
}

// Places is part of Placed.
func (c *countingReader) Places() Places {
	if p, ok := c.r.(Placed); ok {
		return CountedPlaces(p.Places(), c.count)
	}
	return nil
}

// CountedPlaces tells count how many bytes come of each reading by place. It takes nil for what has no places, and
// returns it.
func CountedPlaces(p Places, count func(n int)) Places {
	if p == nil {
		return nil
	}
	return &countedPlaces{p, count}
}

type countedPlaces struct {
	Places
	count func(n int)
}

func (c *countedPlaces) ReadAt(p []byte, at int64) (int, error) {
	n, err := c.Places.ReadAt(p, at)
	c.count(n)
	return n, err
}

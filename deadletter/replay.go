package deadletter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/seed56735111/penstock"
)

// Replayable is what a replay reads from.
type Replayable interface {
	// Letters yields the newest letter of each key. An error is the last.
	Letters(ctx context.Context) iter.Seq2[penstock.Letter, error]
	// Remove takes letters out that Letters has given.
	Remove(ctx context.Context, marks ...Mark) error
}

// ReplayCounts says what became of the letters. Letters is always the sum of the others. A letter of several documents
// counts once: as delivered when one of them is new in the domain.
type ReplayCounts struct {
	Letters   int64 `json:"letters"`
	Delivered int64 `json:"delivered"`
	Duplicate int64 `json:"duplicate"`
	// DroppedByDomain were taken and left out by the domain's own pipeline: they are out of the store.
	DroppedByDomain int64 `json:"dropped_by_domain"`
	// Dropped were left out by a rule that had not run on them: they are out of the store.
	Dropped int64 `json:"dropped"`
	// Again were refused once more and stay in the store.
	Again int64 `json:"again"`
	// Unshaped hold a record of which no document could be made, or one without an index: they stay in the store.
	Unshaped int64 `json:"unshaped"`
	// ByReference have no record in them: it has to be read from its source again.
	ByReference int64 `json:"by_reference"`
	// Unacknowledged have no known outcome, because the replay broke off: they stay in the store.
	Unacknowledged int64 `json:"unacknowledged"`
}

// ReplayOptions say which letters are sent, and as what. The zero value sends all under their old ids and indexes.
type ReplayOptions struct {
	// Choose picks letters; nil picks all.
	Choose func(penstock.Letter) bool
	// Documents makes the documents to send of a letter that holds its record: one, or those of the parts that rules split
	// it into, or ErrDrop when a rule leaves it out. They are valid until the next call. Nil sends the letter's document
	// to its index.
	Documents func(penstock.Letter) ([]penstock.Document, error)
	// Logger is told why a letter is unshaped; nil discards.
	Logger *slog.Logger
}

// replayGroup is how many letters share a delivery. A letter is taken out only when its whole group is settled, so a
// crash sends at most a group again, which adds no document.
const replayGroup = 1000

// Replay sends the documents of letters to d. What arrives is taken out of the store; what is refused again stays in
// it.
func Replay(ctx context.Context, s Replayable, d penstock.Deliverer, o ReplayOptions) (ReplayCounts, error) {
	if o.Documents == nil {
		o.Documents = func(l penstock.Letter) ([]penstock.Document, error) {
			doc, err := DocumentOf(l)
			return []penstock.Document{doc}, err
		}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	var c ReplayCounts
	err := c.replay(ctx, s, d, o)
	c.Unacknowledged = c.Letters -
		(c.Delivered + c.Duplicate + c.DroppedByDomain + c.Dropped + c.Again + c.Unshaped + c.ByReference)
	return c, err
}

// DocumentOf returns the document that a letter holds, or an error when it has none or no index for it.
func DocumentOf(l penstock.Letter) (penstock.Document, error) {
	if l.Document == nil || l.Index == "" {
		return penstock.Document{}, errors.New("no document with an index")
	}
	return penstock.Document{
		Index: l.Index, ID: []byte(l.ID), Head: l.Document, Raw: l.Raw, Offset: l.Source.Offset,
		Routing: []byte(l.Routing), Pipeline: l.Pipeline,
	}, nil
}

func (c *ReplayCounts) replay(ctx context.Context, s Replayable, d penstock.Deliverer, o ReplayOptions) error {
	r := &replaying{store: s, deliverer: d, counts: c, open: map[place]*group{}, closed: map[place]bool{}}
	for l, err := range s.Letters(ctx) {
		if err != nil {
			return r.broken(ctx, err)
		}
		if o.Choose != nil && !o.Choose(l) {
			continue
		}
		c.Letters++
		if l.Document == nil && l.Raw == nil {
			c.ByReference++
			continue
		}
		docs, err := o.Documents(l)
		if errors.Is(err, penstock.ErrDrop) {
			if err := r.drop(ctx, MarkOf(l)); err != nil {
				return r.broken(ctx, err)
			}
			continue
		}
		if err != nil {
			c.Unshaped++
			o.Logger.WarnContext(ctx, "letter left", "id", l.ID, "object", l.Source.Object, "error", err)
			continue
		}
		if len(docs) == 1 {
			err = r.add(ctx, MarkOf(l), docs[0])
		} else {
			err = r.addParts(ctx, MarkOf(l), docs)
		}
		if err != nil {
			return r.broken(ctx, err)
		}
	}
	if err := errors.Join(r.finishAll(ctx), r.removeDropped(ctx)); err != nil {
		return err
	}
	return r.failed
}

// maxGroups bounds the indexes whose letters are under way at once.
const maxGroups = 50

// replaying is a replay under way. The letters of an index share deliveries of their own: an index that takes nothing
// keeps its letters, and the others go on.
type replaying struct {
	store     Replayable
	deliverer penstock.Deliverer
	counts    *ReplayCounts
	open      map[place]*group
	closed    map[place]bool // indexes that failed
	failed    error          // of the first of them
	dropped   []Mark         // letters to take out that rules leave out
}

// drop takes a letter out that a rule leaves out, some of them together.
func (r *replaying) drop(ctx context.Context, m Mark) error {
	if r.dropped = append(r.dropped, m); len(r.dropped) < replayGroup {
		return nil
	}
	return r.removeDropped(ctx)
}

func (r *replaying) removeDropped(ctx context.Context) error {
	if len(r.dropped) == 0 {
		return nil
	}
	if err := r.store.Remove(ctx, r.dropped...); err != nil {
		return err
	}
	r.counts.Dropped += int64(len(r.dropped))
	r.dropped = nil
	return nil
}

// place is an index of a target.
type place struct{ target, index string }

func (p place) compare(q place) int {
	return cmp.Or(strings.Compare(p.target, q.target), strings.Compare(p.index, q.index))
}

func (r *replaying) add(ctx context.Context, m Mark, doc penstock.Document) error {
	at := place{doc.Target, doc.Index}
	if r.closed[at] {
		return nil
	}
	key := sent{at, string(doc.ID)}
	g := r.open[at]
	if g != nil && g.has(key) {
		// Two letters of one document: which of them a refusal means must be known.
		if err := r.finish(ctx, at); err != nil || r.closed[at] {
			return err
		}
		g = nil
	}
	if g == nil {
		if len(r.open) >= maxGroups {
			if err := r.finishAll(ctx); err != nil {
				return err
			}
		}
		g = newGroup(r.deliverer)
		r.open[at] = g
	}
	if err := g.delivery.Add(ctx, doc); err != nil {
		ferr := r.finish(ctx, at)
		return errors.Join(r.indexFailed(ctx, at, fmt.Errorf("replay %s: %w", m.ID, err)), ferr)
	}
	g.marks[key] = m // not before it is taken: what Wait knows nothing of must not be taken out
	if len(g.marks) >= replayGroup {
		return r.finish(ctx, at)
	}
	return nil
}

// addParts delivers the documents of one letter by themselves: it is taken out when all of them have arrived, and sent
// again as a whole otherwise, which adds what is missing.
func (r *replaying) addParts(ctx context.Context, m Mark, docs []penstock.Document) error {
	if err := r.finishAll(ctx); err != nil {
		return err
	}
	g := newGroup(r.deliverer)
	for i := range docs {
		at := place{docs[i].Target, docs[i].Index}
		if r.closed[at] {
			g.wait(ctx)
			return nil
		}
		if err := g.delivery.Add(ctx, docs[i]); err != nil {
			g.wait(ctx)
			return r.indexFailed(ctx, at, fmt.Errorf("replay %s: %w", m.ID, err))
		}
	}
	g.wait(ctx)
	switch {
	case g.err != nil:
		return r.indexFailed(ctx, place{docs[0].Target, docs[0].Index}, g.err)
	case g.out.Rejected > 0:
		r.counts.Again++
		return nil
	case g.out.Delivered > 0:
		r.counts.Delivered++
	case g.out.Duplicate > 0:
		r.counts.Duplicate++
	default:
		r.counts.DroppedByDomain++
	}
	return r.store.Remove(ctx, m)
}

// indexFailed keeps a failure for the end that says of itself that it does not concern the others, and returns any
// other.
func (r *replaying) indexFailed(ctx context.Context, at place, err error) error {
	if f, ok := errors.AsType[penstock.Fatal](err); !ok || f.Fatal() || ctx.Err() != nil {
		return err
	}
	r.closed[at] = true
	if r.failed == nil {
		r.failed = err
	}
	return nil
}

// broken ends the groups after a failure, and returns it.
func (r *replaying) broken(ctx context.Context, err error) error {
	if ferr := r.finishAll(ctx); ferr != nil && ctx.Err() == nil && !errors.Is(err, ferr) {
		return errors.Join(err, ferr)
	}
	return err
}

// finishAll waits for all groups together, so that their documents share requests.
func (r *replaying) finishAll(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, g := range r.open {
		wg.Go(func() { g.wait(ctx) })
	}
	wg.Wait()
	var errs []error
	for _, at := range slices.SortedFunc(maps.Keys(r.open), place.compare) {
		errs = append(errs, r.finish(ctx, at))
	}
	return errors.Join(errs...)
}

// finish takes out what has arrived of a group.
func (r *replaying) finish(ctx context.Context, at place) error {
	g := r.open[at]
	delete(r.open, at)
	g.wait(ctx)
	r.counts.Delivered += g.out.Delivered
	r.counts.Duplicate += g.out.Duplicate
	r.counts.DroppedByDomain += g.out.Dropped
	r.counts.Again += g.out.Rejected
	if g.err != nil {
		// Which of them arrived is not known: they stay and are sent again another time.
		return r.indexFailed(ctx, at, g.err)
	}
	return r.store.Remove(ctx, g.arrived()...)
}

// sent is a document as the domain knows it.
type sent struct {
	place
	id string
}

// group is a run of letters that are delivered and taken out together.
type group struct {
	delivery penstock.Delivery
	marks    map[sent]Mark
	waited   bool
	out      penstock.Outcome
	err      error
	mu       sync.Mutex
	refused  map[sent]bool // guarded by mu
}

func newGroup(d penstock.Deliverer) *group {
	g := &group{marks: map[sent]Mark{}, refused: map[sent]bool{}}
	g.delivery = d.Begin(g.reject)
	return g
}

func (g *group) has(key sent) bool {
	_, ok := g.marks[key]
	return ok
}

// reject remembers what has to stay.
func (g *group) reject(_ context.Context, r penstock.Rejection) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refused[sent{place{r.Target, r.Index}, string(r.ID)}] = true
	return nil
}

// wait learns the outcome, once.
func (g *group) wait(ctx context.Context) {
	if !g.waited {
		g.waited = true
		g.out, g.err = g.delivery.Wait(ctx)
	}
}

// arrived are the letters that were not refused.
func (g *group) arrived() []Mark {
	g.mu.Lock()
	defer g.mu.Unlock()
	var marks []Mark
	for key, m := range g.marks {
		if !g.refused[key] {
			marks = append(marks, m)
		}
	}
	return marks
}

package deadletter

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
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

// ReplayCounts says what became of the letters. Letters is always the sum of the others.
type ReplayCounts struct {
	Letters   int64 `json:"letters"`
	Delivered int64 `json:"delivered"`
	Duplicate int64 `json:"duplicate"`
	// DroppedByDomain were taken and left out by the domain's own pipeline: they are out of the store.
	DroppedByDomain int64 `json:"dropped_by_domain"`
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
	// Document makes the document to send of a letter that holds its record; it is valid until the next call. Nil sends the
	// letter's document to its index.
	Document func(penstock.Letter) (penstock.Document, error)
	// Logger is told why a letter is unshaped; nil discards.
	Logger *slog.Logger
}

// replayGroup is how many letters share a delivery. A letter is taken out only when its whole group is settled, so a crash
// sends at most a group again, which adds no document.
const replayGroup = 1000

// Replay sends the documents of letters to d. What arrives is taken out of the store; what is refused again stays in it.
func Replay(ctx context.Context, s Replayable, d penstock.Deliverer, o ReplayOptions) (ReplayCounts, error) {
	if o.Document == nil {
		o.Document = DocumentOf
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	var c ReplayCounts
	err := c.replay(ctx, s, d, o)
	c.Unacknowledged = c.Letters - (c.Delivered + c.Duplicate + c.DroppedByDomain + c.Again + c.Unshaped + c.ByReference)
	return c, err
}

// DocumentOf returns the document that a letter holds, or an error when it has none or no index for it.
func DocumentOf(l penstock.Letter) (penstock.Document, error) {
	if l.Document == nil || l.Index == "" {
		return penstock.Document{}, errors.New("no document with an index")
	}
	return penstock.Document{Index: l.Index, ID: []byte(l.ID), Head: l.Document, Raw: l.Raw, Offset: l.Source.Offset}, nil
}

func (c *ReplayCounts) replay(ctx context.Context, s Replayable, d penstock.Deliverer, o ReplayOptions) error {
	g := &group{store: s, deliverer: d, counts: c}
	for l, err := range s.Letters(ctx) {
		if err != nil {
			return g.broken(ctx, err)
		}
		if o.Choose != nil && !o.Choose(l) {
			continue
		}
		c.Letters++
		if l.Document == nil && l.Raw == nil {
			c.ByReference++
			continue
		}
		doc, err := o.Document(l)
		if err != nil {
			c.Unshaped++
			o.Logger.WarnContext(ctx, "letter left", "id", l.ID, "object", l.Source.Object, "error", err)
			continue
		}
		if err := g.add(ctx, MarkOf(l), doc); err != nil {
			return g.broken(ctx, err)
		}
	}
	return g.finish(ctx)
}

// sent is a document as the domain knows it.
type sent struct{ index, id string }

// group is a run of letters that are delivered and taken out together.
type group struct {
	store     Replayable
	deliverer penstock.Deliverer
	counts    *ReplayCounts
	delivery  penstock.Delivery
	marks     map[sent]Mark
	mu        sync.Mutex
	refused   map[sent]bool // guarded by mu
}

func (g *group) add(ctx context.Context, m Mark, doc penstock.Document) error {
	key := sent{doc.Index, string(doc.ID)}
	if _, ok := g.marks[key]; ok {
		// Two letters of one document: which of them a refusal means must be known.
		if err := g.finish(ctx); err != nil {
			return err
		}
	}
	if g.delivery == nil {
		g.mu.Lock()
		g.marks, g.refused = map[sent]Mark{}, map[sent]bool{}
		g.mu.Unlock()
		g.delivery = g.deliverer.Begin(g.reject)
	}
	if err := g.delivery.Add(ctx, doc); err != nil {
		return fmt.Errorf("replay %s: %w", m.ID, err)
	}
	g.marks[key] = m // not before it is taken: what Wait knows nothing of must not be taken out
	if len(g.marks) >= replayGroup {
		return g.finish(ctx)
	}
	return nil
}

// reject remembers what has to stay.
func (g *group) reject(_ context.Context, r penstock.Rejection) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refused[sent{r.Index, string(r.ID)}] = true
	return nil
}

// broken ends the group after a failure, and returns it.
func (g *group) broken(ctx context.Context, err error) error {
	if ferr := g.finish(ctx); ferr != nil && ctx.Err() == nil && !errors.Is(err, ferr) {
		return errors.Join(err, ferr)
	}
	return err
}

func (g *group) finish(ctx context.Context) error {
	if g.delivery == nil {
		return nil
	}
	out, err := g.delivery.Wait(ctx)
	g.delivery = nil
	g.counts.Delivered += out.Delivered
	g.counts.Duplicate += out.Duplicate
	g.counts.DroppedByDomain += out.Dropped
	g.counts.Again += out.Rejected
	if err != nil {
		return err // which of them arrived is not known: they stay and are sent again another time
	}
	var arrived []Mark
	g.mu.Lock()
	defer g.mu.Unlock()
	for key, m := range g.marks {
		if !g.refused[key] {
			arrived = append(arrived, m)
		}
	}
	clear(g.marks)
	return g.store.Remove(ctx, arrived...)
}

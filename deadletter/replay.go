package deadletter

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"

	"github.com/seed56735111/penstock"
)

// Store is what a replay reads from.
type Store interface {
	Letters(ctx context.Context) iter.Seq2[penstock.Letter, error]
	MarkReplayed(ctx context.Context, ids ...string) error
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
	// ByReference have no document in them: the record has to be read from its source again.
	ByReference int64 `json:"by_reference"`
	// Unacknowledged have no known outcome, because the replay broke off: they stay in the store.
	Unacknowledged int64 `json:"unacknowledged"`
}

// replayGroup is how many letters share a delivery. A letter is marked only when its whole group is settled, so a crash
// sends at most a group again, which adds no document.
const replayGroup = 1000

// Replay sends the documents of the letters that choose picks (nil picks all) to d, under their old ids and indexes. What
// arrives is taken out of the store; what is refused again stays in it.
func Replay(ctx context.Context, s Store, d penstock.Deliverer, choose func(penstock.Letter) bool) (ReplayCounts, error) {
	var c ReplayCounts
	err := c.replay(ctx, s, d, choose)
	c.Unacknowledged = c.Letters - (c.Delivered + c.Duplicate + c.DroppedByDomain + c.Again + c.ByReference)
	return c, err
}

func (c *ReplayCounts) replay(ctx context.Context, s Store, d penstock.Deliverer, choose func(penstock.Letter) bool) error {
	g := &group{store: s, deliverer: d, counts: c}
	for l, err := range s.Letters(ctx) {
		if err != nil {
			return g.broken(ctx, err)
		}
		if choose != nil && !choose(l) {
			continue
		}
		c.Letters++
		if l.Document == nil || l.Index == "" {
			c.ByReference++
			continue
		}
		if err := g.add(ctx, l); err != nil {
			return g.broken(ctx, err)
		}
	}
	return g.finish(ctx)
}

// group is a run of letters that are delivered and marked together.
type group struct {
	store     Store
	deliverer penstock.Deliverer
	counts    *ReplayCounts
	delivery  penstock.Delivery
	ids       map[string]bool
	mu        sync.Mutex
	refused   map[string]bool // guarded by mu
}

func (g *group) add(ctx context.Context, l penstock.Letter) error {
	if g.delivery == nil {
		g.ids, g.refused = map[string]bool{}, map[string]bool{}
		g.delivery = g.deliverer.Begin(g.reject)
	}
	err := g.delivery.Add(ctx, penstock.Document{Index: l.Index, ID: []byte(l.ID), Head: l.Document, Raw: l.Raw, Offset: l.Source.Offset})
	if err != nil {
		return fmt.Errorf("replay %s: %w", l.ID, err)
	}
	g.ids[l.ID] = true // not before it is taken: what Wait knows nothing of must not be marked
	if len(g.ids) >= replayGroup {
		return g.finish(ctx)
	}
	return nil
}

// reject remembers what has to stay.
func (g *group) reject(_ context.Context, r penstock.Rejection) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refused[string(r.ID)] = true
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
	var arrived []string
	g.mu.Lock()
	defer g.mu.Unlock()
	for id := range g.ids {
		if !g.refused[id] {
			arrived = append(arrived, id)
		}
	}
	return g.store.MarkReplayed(ctx, arrived...)
}

package penstock

import (
	"context"
	"sync"
	"time"
)

// patience is how long a source that has given nothing is waited for before what has been read is sent.
const patience = 20 * time.Millisecond

// holding tells the deliverer whether more is coming, so that many small objects share their requests. It lets go when
// nothing is being read and nothing will be soon: the source has ended, or has given nothing for a while, or the hand
// is full, half of it or more with what is not sent yet. A source that waits for its items to be settled before it
// gives more is so never waited for.
type holding struct {
	deliverer Deliverer
	inHand    int

	mu      sync.Mutex
	release func() // of the hold, nil when there is none
	reading int    // items
	unsent  int    // items read since the last time it let go
	full    bool   // the hand is, and another item is there
	ended   bool   // the source has
	timer   *time.Timer
}

func newHolding(d Deliverer, inHand int) *holding {
	h := &holding{deliverer: d, inHand: inHand}
	h.timer = time.AfterFunc(time.Hour, h.tired)
	h.timer.Stop()
	return h
}

// begin says that an item is about to be read.
func (h *holding) begin() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reading++
	h.timer.Stop()
	if h.release == nil {
		h.release = h.deliverer.Hold()
	}
}

// read says that an item has been read.
func (h *holding) read() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reading--
	h.unsent++
	h.look()
}

// look lets go, or begins to wait for more, when nothing is being read. The lock is held.
func (h *holding) look() {
	switch {
	case h.reading > 0:
	case h.ended, h.full && 2*h.unsent >= h.inHand:
		h.letGo()
	default:
		h.timer.Reset(patience)
	}
}

// acquire takes a token of the hand for another item.
func (h *holding) acquire(ctx context.Context, hand chan struct{}) bool {
	select {
	case hand <- struct{}{}:
		return ctx.Err() == nil
	default:
	}
	h.fill(true)
	defer h.fill(false)
	return acquire(ctx, hand)
}

func (h *holding) fill(full bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.full = full; full {
		h.look()
	}
}

// end says that no more items will come.
func (h *holding) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.timer.Stop()
	h.ended = true
	h.look()
}

// tired lets go when nothing has come for a while.
func (h *holding) tired() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.reading == 0 {
		h.letGo()
	}
}

// letGo ends the hold. The lock is held, so that no hold begins before the deliverer has been told.
func (h *holding) letGo() {
	if h.release != nil {
		h.release()
		h.release = nil
	}
	h.unsent = 0
}

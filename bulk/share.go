package bulk

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Share joins the writers of one process that write to several domains, so that together they hold no more than the sum
// of their budgets, or one large document.
type Share struct {
	alone chan struct{} // one token: for the one that is about to take all hands

	mu      sync.Mutex
	writers []*Writer
}

// NewShare returns a Share for Config.Share.
func NewShare() *Share { return &Share{alone: make(chan struct{}, 1)} }

func (s *Share) join(w *Writer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writers = append(s.writers, w)
}

func (s *Share) leave(w *Writer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writers = slices.DeleteFunc(s.writers, func(one *Writer) bool { return one == w })
}

// others are the writers beside w.
func (s *Share) others(w *Writer) []*Writer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.writers), func(one *Writer) bool { return one == w })
}

// takeAll waits until no batch is in hand, of the others that share with w neither, and lets nobody take one until
// release is called and the hands of w are free. What is being filled is sent for it.
func (w *Writer) takeAll(ctx context.Context) (release func(), err error) {
	if err := w.token(ctx, w.cfg.Share.alone, nil); err != nil {
		return nil, err
	}
	defer func() { <-w.cfg.Share.alone }()
	if err := w.takeHands(ctx); err != nil {
		return nil, err
	}
	var taken []*Writer
	release = func() {
		for _, one := range taken {
			one.freeHands(cap(one.hands))
		}
	}
	for _, one := range w.cfg.Share.others(w) {
		switch err := one.takeHands(ctx); {
		case err == nil:
			one.free.drop()
			taken = append(taken, one)
		case ctx.Err() != nil:
			release()
			w.freeHands(cap(w.hands))
			return nil, err
		default: // it has failed, and lets go of everything
		}
	}
	return release, nil
}

// takeHands takes the tokens of all batches.
func (w *Writer) takeHands(ctx context.Context) error {
	const often = 5 * time.Millisecond // others may begin to fill one meanwhile
	again := time.NewTicker(often)
	defer again.Stop()
	for n := range cap(w.hands) {
		if err := w.token(ctx, w.hands, again.C); err != nil {
			w.freeHands(n)
			return err
		}
	}
	return nil
}

// drop lets go of all batches.
func (s *stack) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batches, s.alone = nil, nil
}

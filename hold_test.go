package penstock_test

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed56735111/penstock"
)

// batching is a deliverer that sends when every delivery waits and nobody holds, and after a second.
type batching struct {
	mu      sync.Mutex
	open    int
	waiting chan struct{} // closed when what is waiting is sent
	timer   *time.Timer
	n       int
	sent    []int // documents of each batch
}

func (b *batching) Begin(penstock.RejectFunc) penstock.Delivery {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open++
	return &batched{b: b}
}

func (b *batching) Hold() (release func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open++
	return sync.OnceFunc(b.letGo)
}

func (b *batching) letGo() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open--; b.open == 0 {
		b.send()
	}
}

func (b *batching) send() {
	if b.n == 0 {
		return
	}
	b.timer.Stop()
	close(b.waiting)
	b.sent, b.waiting, b.n = append(b.sent, b.n), nil, 0
}

type batched struct {
	b    *batching
	last chan struct{}
	n    int64
}

func (d *batched) Add(context.Context, penstock.Document) error {
	b := d.b
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.n == 0 {
		b.waiting = make(chan struct{})
		b.timer = time.AfterFunc(time.Second, func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.send()
		})
	}
	b.n++
	d.n++
	d.last = b.waiting
	return nil
}

func (d *batched) Wait(context.Context) (penstock.Outcome, error) {
	d.b.letGo()
	if d.last != nil {
		<-d.last
		time.Sleep(50 * time.Millisecond) // the domain answers
	}
	return penstock.Outcome{Delivered: d.n}, nil
}

// paced gives items, and calls before ahead of each of them.
type paced struct {
	items  []penstock.Item
	before func(i int)
}

func (p paced) Items(context.Context) iter.Seq2[penstock.Item, error] {
	return func(yield func(penstock.Item, error) bool) {
		for i, item := range p.items {
			p.before(i)
			if !yield(item, nil) {
				return
			}
		}
	}
}

// remote makes it take a while until an object's first byte.
func remote(o *penstock.Object, first time.Duration) {
	open := o.Open
	o.Remote, o.Open = true, func(ctx context.Context) (*penstock.Stream, error) {
		select {
		case <-time.After(first):
			return open(ctx)
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func TestSmallObjectsShareTheirRequests(t *testing.T) {
	t.Parallel()
	const answer, linger = 50 * time.Millisecond, time.Second
	for name, tt := range map[string]struct {
		items, inHand int
		first         time.Duration // until a remote object's first byte
		before        func(settled chan struct{}) func(i int)
		batches       int // at most
		within        time.Duration
	}{
		"what a source gives at once is sent when it ends": {
			items: 100, before: func(chan struct{}) func(int) { return func(int) {} },
			batches: 1, within: answer,
		},
		"a full hand is sent at once, then each half of it": {
			items: 12, inHand: 4, before: func(chan struct{}) func(int) { return func(int) {} },
			batches: 6, within: 6 * answer,
		},
		"a source that waits until its items are settled is not waited for": {
			items: 9, before: func(settled chan struct{}) func(int) {
				return func(i int) {
					for range min(i, 3*(1-min(i%3, 1))) {
						<-settled
					}
				}
			},
			batches: 3, within: 3*answer + 2*20*time.Millisecond,
		},
		"remote objects are waited for together": {
			items: 128, first: 30 * time.Millisecond, before: func(chan struct{}) func(int) { return func(int) {} },
			batches: 1, within: 2*30*time.Millisecond + answer,
		},
		"a source that waits until its items are settled waits for no send that waits for it": {
			items: 9, first: 30 * time.Millisecond, before: func(settled chan struct{}) func(int) {
				return func(i int) {
					for range min(i, 3*(1-min(i%3, 1))) {
						<-settled
					}
				}
			},
			batches: 3, within: 3*(30*time.Millisecond+answer) + 2*20*time.Millisecond,
		},
		"a slow source keeps nothing waiting": {
			items: 3, before: func(chan struct{}) func(int) {
				return func(int) { time.Sleep(300 * time.Millisecond) }
			},
			batches: 3, within: 3*300*time.Millisecond + answer,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, domain := new(stages), new(batching)
				settled := make(chan struct{}, tt.items)
				source := paced{before: tt.before(settled)}
				for i := range tt.items {
					item := s.item(fmt.Sprint(i), "ok\n")
					if tt.first > 0 {
						remote(&item.Objects[0], tt.first)
					}
					inner := item.Settle
					item.Settle = func(ctx context.Context, err error) error {
						defer func() { settled <- struct{}{} }()
						return inner(ctx, err)
					}
					source.items = append(source.items, item)
				}
				p := s.pipeline()
				p.Source, p.Deliverer, p.InHand, p.OpenAhead = source, domain, tt.inHand, 64
				begun := time.Now()
				result := p.Run(t.Context())
				if took := time.Since(begun); took > tt.within || took >= linger+answer {
					t.Errorf("took %v, not %v", took, tt.within)
				}
				if err := result.Err(); err != nil || result.Delivered != int64(tt.items) {
					t.Errorf("%+v, error %v", result, err)
				}
				if len(domain.sent) > tt.batches || domain.open != 0 {
					t.Errorf("batches of %v, not %d at most; %d still open", domain.sent, tt.batches, domain.open)
				}
			})
		})
	}
}

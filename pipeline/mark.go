package pipeline

import (
	"context"
	"iter"
	"sync"

	"github.com/seed56735111/penstock"
)

// Mark gives the items of a source and knows up to which of them everything is settled.
type Mark struct {
	penstock.Source
	mu      sync.Mutex
	next    int64
	open    []openItem // in the order in which they were given, without gaps
	given   int64      // the first one that was given back, -1 for none
	reached string
	passed  func(id string) // nil, or told of the mark as it moves on
}

// openItem is an item that the mark has not passed.
type openItem struct {
	number  int64
	id      string
	settled bool
}

// NewMark returns a mark before the first item of a source.
func NewMark(s penstock.Source) *Mark { return &Mark{Source: s, given: -1} }

var _ penstock.Source = (*Mark)(nil)

// Items is part of penstock.Source.
func (m *Mark) Items(ctx context.Context) iter.Seq2[penstock.Item, error] {
	return func(yield func(penstock.Item, error) bool) {
		for item, err := range m.Source.Items(ctx) {
			if err == nil {
				item.Settle = m.watch(item)
			}
			if !yield(item, err) {
				return
			}
		}
	}
}

// watch returns how to settle an item so that the mark hears of it.
func (m *Mark) watch(item penstock.Item) func(context.Context, error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	number := m.next
	m.next++
	if m.given < 0 {
		m.open = append(m.open, openItem{number: number, id: item.ID})
	}
	return func(ctx context.Context, err error) error {
		m.settle(number, err == nil)
		if item.Settle == nil {
			return nil
		}
		return item.Settle(ctx, err)
	}
}

func (m *Mark) settle(number int64, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.open) == 0 {
		return
	}
	i := number - m.open[0].number
	if i < 0 || i >= int64(len(m.open)) {
		return // passed already, or behind one that was given back
	}
	if !ok {
		m.given, m.open = number, m.open[:i] // the mark will not pass it
		return
	}
	m.open[i].settled = true
	moved := false
	for len(m.open) > 0 && m.open[0].settled {
		m.reached, m.open, moved = m.open[0].id, m.open[1:], true
	}
	if moved && m.passed != nil {
		m.passed(m.reached)
	}
}

// Reached is the item up to which everything is settled, empty when there is none.
func (m *Mark) Reached() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.reached
}

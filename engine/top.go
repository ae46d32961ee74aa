package engine

import (
	"container/heap"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/wire"
)

// candidate is a document that may be on the page.
type candidate struct {
	s     *searcher
	doc   uint32
	score float32
	seq   int64
	keys  []sortValue
}

// top keeps the first documents of those that are added.
type top struct {
	r         *searchRequest
	searchers []*searcher
	keep      int
	total     int
	best      float32
	heap      []*candidate
	after     []sortValue
}

func (r *searchRequest) newTop(searchers []*searcher) (*top, error) {
	t := &top{r: r, searchers: searchers, keep: r.from + r.size}
	if r.after == nil {
		return t, nil
	}
	if len(searchers) == 0 {
		return t, nil
	}
	s := searchers[0]
	if len(r.sort) == 0 {
		return nil, s.shardFailure(wire.Illegal("Sort must contain at least one field."))
	}
	if len(r.after.Items) != len(r.sort) {
		return nil, s.shardFailure(wire.Illegal("search_after has %d value(s) but sort has %d.", len(r.after.Items), len(r.sort)))
	}
	for i := range r.sort {
		v, err := s.afterValue(&r.sort[i], &r.after.Items[i])
		if err != nil {
			return nil, err
		}
		t.after = append(t.after, v)
	}
	return t, nil
}

// afterValue reads one value of search_after.
func (s *searcher) afterValue(k *sortKey, n *wire.Node) (sortValue, error) {
	failed := func() error {
		e := wire.Illegal("Failed to parse search_after value for field [%s].", k.field)
		if f, _ := s.m.Find(k.field); f != nil && (f.Class == mapping.Whole || f.Class == mapping.Floating) {
			e = e.Because(wire.NumberFormat(n.Text))
		}
		return s.shardFailure(e)
	}
	if n.Kind == wire.NullKind {
		return sortValue{}, nil
	}
	switch k.field {
	case "_score":
		v, err := strconv.ParseFloat(n.Text, 32)
		if err != nil {
			return sortValue{}, failed()
		}
		return sortValue{kind: floatValue, num: mapping.Sortable(v)}, nil
	case "_doc":
		v, err := strconv.ParseInt(n.Text, 10, 64)
		if err != nil {
			return sortValue{}, failed()
		}
		return sortValue{kind: wholeValue, num: v}, nil
	}
	f, _ := s.m.Find(k.field)
	if f == nil {
		return sortValue{kind: textValue, text: n.Text}, nil
	}
	v, err := valueOf(f, n, s.now)
	if err != nil {
		return v, failed()
	}
	return v, nil
}

// valueOf reads a value that somebody gives for one of the field.
func valueOf(f *mapping.Field, n *wire.Node, now time.Time) (sortValue, error) {
	switch f.Class {
	case mapping.Whole, mapping.Truth:
		if n.Text == "true" || n.Text == "false" {
			return sortValue{kind: wholeValue, num: map[string]int64{"true": 1}[n.Text], f: f}, nil
		}
		if f.Unsigned {
			v, err := f.UnsignedNumber(n)
			return sortValue{kind: wholeValue, num: v, f: f}, err
		}
		v, err := strconv.ParseInt(n.Text, 10, 64)
		return sortValue{kind: wholeValue, num: v, f: f}, err
	case mapping.Floating:
		v, err := strconv.ParseFloat(n.Text, 64)
		if f.Kind == "scaled_float" {
			v = math.Round(v * f.Scale)
		}
		return sortValue{kind: floatValue, num: mapping.Sortable(v), f: f}, err
	case mapping.Instant:
		if v, err := strconv.ParseInt(n.Text, 10, 64); err == nil {
			return sortValue{kind: wholeValue, num: v, f: f}, nil
		}
		t, err := f.Format.Math(n.Text, now, time.UTC, false)
		return sortValue{kind: wholeValue, num: f.Instant(t), f: f}, err
	}
	return sortValue{kind: textValue, text: n.Text, f: f}, nil
}

// add takes the hits of one index.
func (t *top) add(s *searcher, h *hits) error {
	if t.total == 0 && len(h.docs) > 0 {
		t.best = h.at(0)
	}
	t.total += len(h.docs)
	for i := range h.docs {
		t.best = max(t.best, h.at(i))
	}
	if t.keep == 0 || len(h.docs) == 0 {
		return t.check(s)
	}
	read, err := t.reader(s)
	if err != nil {
		return err
	}
	for i, doc := range h.docs {
		if i%4096 == 0 {
			if err := s.ctx.Err(); err != nil {
				return err
			}
		}
		c := candidate{s: s, doc: doc, score: h.at(i)}
		if err := read(&c); err != nil {
			return err
		}
		t.offer(&c)
	}
	return nil
}

// check finds errors in the sort without sorting anything.
func (t *top) check(s *searcher) error {
	_, err := t.reader(s)
	return err
}

// offer keeps a candidate when it is among the first so far.
func (t *top) offer(c *candidate) {
	if t.after != nil && !t.isAfter(c) {
		return
	}
	full := len(t.heap) == t.keep
	if full && !t.before(c, t.heap[0]) {
		return
	}
	kept := *c
	kept.keys = slices.Clone(c.keys)
	if !full {
		heap.Push(t, &kept)
		return
	}
	t.heap[0] = &kept
	heap.Fix(t, 0)
}

// Len, Less, Swap, Push and Pop make the heap: the last one of those that are kept is on top.

func (t *top) Len() int           { return len(t.heap) }
func (t *top) Less(i, j int) bool { return t.before(t.heap[j], t.heap[i]) }
func (t *top) Swap(i, j int)      { t.heap[i], t.heap[j] = t.heap[j], t.heap[i] }

// Push adds a candidate.
func (t *top) Push(v any) {
	if c, ok := v.(*candidate); ok {
		t.heap = append(t.heap, c)
	}
}

// Pop takes the last one.
func (t *top) Pop() any {
	c := t.heap[len(t.heap)-1]
	t.heap = t.heap[:len(t.heap)-1]
	return c
}

func (t *top) sorted() []*candidate {
	slices.SortFunc(t.heap, func(a, b *candidate) int {
		if t.before(a, b) {
			return -1
		}
		return 1
	})
	return t.heap
}

// before says which of two comes first: by the keys, then in the order of the indexes and of their changes.
func (t *top) before(a, b *candidate) bool {
	if t.r.sort == nil {
		if a.score != b.score {
			return a.score > b.score
		}
	}
	for i := range a.keys {
		if d := t.r.sort[i].order(a.keys[i], b.keys[i]); d != 0 {
			return d < 0
		}
	}
	if a.s != b.s {
		return a.s.order < b.s.order
	}
	return a.seq < b.seq
}

func (t *top) isAfter(c *candidate) bool {
	for i := range c.keys {
		if d := t.r.sort[i].order(c.keys[i], t.after[i]); d != 0 {
			return d > 0
		}
	}
	return false
}

// order compares two values in the direction of the key.
func (k *sortKey) order(a, b sortValue) int {
	if a.kind == noValue || b.kind == noValue {
		d := 0
		switch {
		case a.kind != noValue:
			d = -1
		case b.kind != noValue:
			d = 1
		}
		if k.first {
			return -d
		}
		return d
	}
	d := a.compare(b)
	if k.desc {
		return -d
	}
	return d
}

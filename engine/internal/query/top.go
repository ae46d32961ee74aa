package query

import (
	"container/heap"
	"slices"
	"strconv"

	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/wire"
)

// Page says which of the documents that a search finds are wanted, and in which order.
type Page struct {
	From, Size int
	Sort       []SortKey  // by score when nil
	After      *wire.Node // what search_after says
	Behind     *Candidate // the last of the page before; nil for the first
}

// ByScore says whether one of the keys is the score. Without keys it is false, although the score decides then too.
func (p *Page) ByScore() bool {
	return slices.ContainsFunc(p.Sort, func(k SortKey) bool { return k.Field == scoreField })
}

// SortedByScore says whether the score is the first key.
func (p *Page) SortedByScore() bool { return len(p.Sort) > 0 && p.Sort[0].Field == scoreField }

// Candidate is a document that may be on the page.
type Candidate struct {
	Searcher *Searcher
	Document uint32
	Score    float32
	Keys     []Value // as the page is sorted
	seq      int64
}

// Top counts the documents that are added, and keeps those up to the end of a page.
type Top struct {
	Total int
	Best  float32 // the highest score

	page  *Page
	keep  int
	heap  []*Candidate
	after []Value
}

// NewTop returns a Top without documents. It refuses a page beyond the window of an index, and values of search_after
// that do not fit the sort.
func NewTop(p *Page, searchers Searchers) (*Top, error) {
	for _, s := range searchers {
		if p.From+p.Size > s.Index.Settings.Window {
			return nil, s.ShardFailure(wire.Illegal("Result window is too large, from + size must be less than or equal to: "+
				"[%d] but was [%d]. See the scroll api for a more efficient way to request large data sets. This limit can be "+
				"set by changing the [index.max_result_window] index level setting.", s.Index.Settings.Window, p.From+p.Size))
		}
	}
	t := &Top{page: p, keep: p.From + p.Size}
	if p.After == nil || len(searchers) == 0 {
		return t, nil
	}
	s := searchers[0]
	if len(p.Sort) == 0 {
		return nil, s.ShardFailure(wire.Illegal("Sort must contain at least one field."))
	}
	if given, want := len(p.After.Items), len(p.Sort); given != want {
		return nil, s.ShardFailure(wire.Illegal("search_after has %d value(s) but sort has %d.", given, want))
	}
	for i := range p.Sort {
		v, err := s.afterValue(&p.Sort[i], &p.After.Items[i])
		if err != nil {
			return nil, err
		}
		t.after = append(t.after, v)
	}
	return t, nil
}

// afterValue reads one value of search_after.
func (s *Searcher) afterValue(k *SortKey, n *wire.Node) (Value, error) {
	failed := func() error {
		e := wire.Illegal("Failed to parse search_after value for field [%s].", k.Field)
		if f, _ := s.Mapping.Find(k.Field); f != nil && (f.Class == mapping.Whole || f.Class == mapping.Floating) {
			e = e.Because(wire.NumberFormat(n.Text))
		}
		return s.ShardFailure(e)
	}
	if n.Kind == wire.NullKind {
		return Value{}, nil
	}
	switch k.Field {
	case scoreField:
		v, err := strconv.ParseFloat(n.Text, 32)
		if err != nil {
			return Value{}, failed()
		}
		return Value{Kind: FloatValue, Num: mapping.Sortable(v)}, nil
	case orderField:
		v, err := strconv.ParseInt(n.Text, 10, 64)
		if err != nil {
			return Value{}, failed()
		}
		return Value{Kind: WholeValue, Num: v}, nil
	}
	f, _ := s.Mapping.Find(k.Field)
	if f == nil {
		return Value{Kind: TextValue, Text: n.Text}, nil
	}
	v, err := ValueOf(f, n, s.Now)
	if err != nil {
		return v, failed()
	}
	return v, nil
}

// Add takes the hits of one index.
func (t *Top) Add(s *Searcher, h *Hits) error {
	if t.Total == 0 && len(h.Docs) > 0 {
		t.Best = h.at(0)
	}
	t.Total += len(h.Docs)
	for i := range h.Docs {
		t.Best = max(t.Best, h.at(i))
	}
	if t.keep == 0 || len(h.Docs) == 0 {
		return t.check(s)
	}
	read, err := t.reader(s)
	if err != nil {
		return err
	}
	for i, doc := range h.Docs {
		if i%4096 == 0 {
			if err := s.ctx.Err(); err != nil {
				return err
			}
		}
		c := Candidate{Searcher: s, Document: doc, Score: h.at(i)}
		if err := read(&c); err != nil {
			return err
		}
		t.offer(&c)
	}
	return nil
}

// check reports errors in the sort for an index of which no document is wanted.
func (t *Top) check(s *Searcher) error {
	_, err := t.reader(s)
	return err
}

// offer keeps a candidate when it is among the first so far.
func (t *Top) offer(c *Candidate) {
	if t.after != nil && !t.isAfter(c) || t.page.Behind != nil && !t.before(t.page.Behind, c) {
		return
	}
	full := len(t.heap) == t.keep
	if full && !t.before(c, t.heap[0]) {
		return
	}
	kept := *c
	kept.Keys = slices.Clone(c.Keys)
	if !full {
		heap.Push((*lastFirst)(t), &kept)
		return
	}
	t.heap[0] = &kept
	heap.Fix((*lastFirst)(t), 0)
}

// lastFirst is a heap of the documents that are kept: the last of them is on top.
type lastFirst Top

func (h *lastFirst) Len() int           { return len(h.heap) }
func (h *lastFirst) Less(i, j int) bool { return (*Top)(h).before(h.heap[j], h.heap[i]) }
func (h *lastFirst) Swap(i, j int)      { h.heap[i], h.heap[j] = h.heap[j], h.heap[i] }

// Push adds a candidate.
func (h *lastFirst) Push(v any) {
	if c, ok := v.(*Candidate); ok {
		h.heap = append(h.heap, c)
	}
}

// Pop is never called: once there are as many candidates as are kept, one replaces another.
func (h *lastFirst) Pop() any { return nil }

// Chosen are the documents of the page, in order.
func (t *Top) Chosen() []*Candidate {
	slices.SortFunc(t.heap, func(a, b *Candidate) int {
		if t.before(a, b) {
			return -1
		}
		return 1
	})
	return t.heap[min(t.page.From, len(t.heap)):]
}

// before says which of two comes first: by the keys, then by the order of the indexes, then by the order of the changes
// to documents.
func (t *Top) before(a, b *Candidate) bool {
	if t.page.Sort == nil {
		if a.Score != b.Score {
			return a.Score > b.Score
		}
	}
	for i := range a.Keys {
		if d := t.page.Sort[i].order(a.Keys[i], b.Keys[i]); d != 0 {
			return d < 0
		}
	}
	if a.Searcher != b.Searcher {
		return a.Searcher.order < b.Searcher.order
	}
	return a.seq < b.seq
}

func (t *Top) isAfter(c *Candidate) bool {
	for i := range c.Keys {
		if d := t.page.Sort[i].order(c.Keys[i], t.after[i]); d != 0 {
			return d > 0
		}
	}
	return false
}

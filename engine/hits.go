package engine

import (
	"context"
	"math"
	"math/bits"
	"slices"
	"time"

	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/store"
)

// hits are documents by their numbers, in order, with their scores.
type hits struct {
	docs   []uint32
	scores []float32 // nil: all have the same
	score  float32
}

func (h *hits) at(i int) float32 {
	if h.scores == nil {
		return h.score
	}
	return h.scores[i]
}

// boosted multiplies the scores.
func (h *hits) boosted(boost float32) *hits {
	if boost == 1 {
		return h
	}
	h.score *= boost
	for i := range h.scores {
		h.scores[i] *= boost
	}
	return h
}

// constant gives all documents one score.
func (h *hits) constant(score float32) *hits { return &hits{docs: h.docs, score: score} }

// and keeps what both have, and adds the scores.
func (h *hits) and(o *hits) *hits {
	out := &hits{scores: []float32{}}
	i, j := 0, 0
	for i < len(h.docs) && j < len(o.docs) {
		switch a, b := h.docs[i], o.docs[j]; {
		case a < b:
			i++
		case a > b:
			j++
		default:
			out.docs = append(out.docs, a)
			out.scores = append(out.scores, h.at(i)+o.at(j))
			i++
			j++
		}
	}
	return out
}

// set is documents without scores.
type set []uint64

const wordBits = 64

func newSet(size int) set { return make(set, (size+wordBits-1)/wordBits) }

func (s set) add(doc uint32)      { s[doc/wordBits] |= 1 << (doc % wordBits) }
func (s set) has(doc uint32) bool { return s[doc/wordBits]&(1<<(doc%wordBits)) != 0 }

func (s set) addAll(docs []uint32) set {
	for _, d := range docs {
		s.add(d)
	}
	return s
}

// docs are the documents of the set in order.
func (s set) docs() []uint32 {
	n := 0
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	out := make([]uint32, 0, n)
	for i, w := range s {
		for ; w != 0; w &= w - 1 {
			out = append(out, uint32(i*wordBits+bits.TrailingZeros64(w))) //nolint:gosec // bleve counts documents in 32 bits
		}
	}
	return out
}

// tally adds up several lists.
type tally struct {
	counts []uint16
	scores []float32
	best   bool // the best score counts, and a part of the others
	top    []float32
}

func newTally(size int, best bool) *tally {
	t := &tally{counts: make([]uint16, size), scores: make([]float32, size), best: best}
	if best {
		t.top = make([]float32, size)
	}
	return t
}

func (t *tally) add(h *hits) {
	for i, d := range h.docs {
		v := h.at(i)
		t.counts[d]++
		t.scores[d] += v
		if t.best {
			t.top[d] = max(t.top[d], v)
		}
	}
}

// hits are the documents that are in at least so many lists.
func (t *tally) hits(least int, tie float32) *hits {
	out := &hits{scores: []float32{}}
	for d, n := range t.counts {
		if int(n) < max(least, 1) {
			continue
		}
		v := t.scores[d]
		if t.best {
			v = t.top[d] + tie*(v-t.top[d])
		}
		out.docs = append(out.docs, uint32(d))
		out.scores = append(out.scores, v)
	}
	return out
}

// searcher looks into one index as it is at one moment.
type searcher struct {
	ctx   context.Context //nolint:containedctx // it lives as long as the request
	x     *store.Index
	snap  *store.Snapshot
	st    *store.State
	m     *mapping.Mapping
	now   time.Time
	node  string
	old   bool // before OpenSearch 3
	order int  // of the index among those that are searched
	all   []uint32
}

// live are all documents.
func (s *searcher) live() []uint32 {
	if s.all == nil {
		s.all = s.snap.Live()
	}
	return s.all
}

// reader goes through the documents that have a term.
func (s *searcher) reader(field, term string, positions bool) (store.TermDocs, error) {
	if err := s.ctx.Err(); err != nil {
		return nil, err
	}
	return s.snap.TermFieldReader(s.ctx, []byte(term), field, true, true, positions)
}

// having returns the documents that have a term, without scores.
func (s *searcher) having(field, term string) ([]uint32, error) {
	r, err := s.reader(field, term, false)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	out := make([]uint32, 0, r.Count())
	var doc store.TermDoc
	for {
		d, err := r.Next(&doc)
		if err != nil || d == nil {
			return out, err
		}
		out = append(out, uint32(d.ID.Value())) //nolint:gosec // bleve counts documents in 32 bits
	}
}

// The parameters of BM25, as the engines have them.
const (
	saturation = 1.2
	lengthPart = 0.75
)

// bm25 scores one term, or one phrase, in one field.
type bm25 struct {
	weight float32
	norms  [256]float32
	normed bool
}

// newBM25 takes how many documents have each of the terms.
func (s *searcher) newBM25(field string, f *mapping.Field, found []uint64, boost float32) *bm25 {
	l := s.st.Lengths[field]
	docs := float64(max(l.Docs, 1))
	if n, err := s.snap.DocCount(); err == nil {
		docs = min(docs, float64(n))
	}
	idf := 0.0
	for _, n := range found {
		idf += float64(float32(math.Log(1 + (docs-float64(n)+0.5)/(float64(n)+0.5))))
	}
	b := &bm25{weight: boost * float32(idf), normed: f.Norms}
	if s.old { // the engines had this factor until Lucene left it out
		b.weight = boost * (saturation + 1) * float32(idf)
	}
	average := float32(float64(max(l.Words, 1)) / float64(max(l.Docs, 1)))
	for i := range b.norms {
		b.norms[i] = 1 / (saturation * ((1 - lengthPart) + lengthPart*float32(byteLength(i))/average))
	}
	return b
}

// score is that of a document in which the term is so often. Bleve gives the length as one over its root.
func (b *bm25) score(frequency, norm float64) float32 {
	n := 1
	if b.normed && norm > 0 {
		n = lengthByte(uint64(math.Round(1 / (norm * norm))))
	}
	return b.weight - b.weight/(1+float32(frequency)*b.norms[n])
}

// lengthByte and byteLength keep a length in a byte, exactly up to 40, as Lucene does: scores are the same then.
func lengthByte(n uint64) int {
	const free = 24
	if n < free {
		return int(n)
	}
	return free + int4(n-free)
}

func int4(n uint64) int {
	const keep = 4
	size := bits.Len64(n)
	if size < keep {
		return int(n) //nolint:gosec // small
	}
	shift := size - keep
	return int(n>>shift)&7 | (shift+1)<<3 //nolint:gosec // four bits
}

func byteLength(i int) uint64 {
	const free = 24
	if i < free {
		return uint64(i) //nolint:gosec // a byte
	}
	i -= free
	low, shift := uint64(i&7), i>>3-1
	if shift < 0 {
		return free + low
	}
	return free + (low|8)<<shift
}

// scored finds a term in a field, with scores.
func (s *searcher) scored(field string, f *mapping.Field, term string, boost float32) (*hits, error) {
	r, err := s.reader(field, term, false)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	n := r.Count()
	out := &hits{docs: make([]uint32, 0, n), scores: make([]float32, 0, n)}
	b := s.newBM25(field, f, []uint64{n}, boost)
	var doc store.TermDoc
	for {
		d, err := r.Next(&doc)
		if err != nil || d == nil {
			return out, err
		}
		out.docs = append(out.docs, uint32(d.ID.Value())) //nolint:gosec // bleve counts documents in 32 bits
		out.scores = append(out.scores, b.score(float64(max(d.Freq, 1)), d.Norm))
	}
}

// place is where the words of a phrase are in one document.
type place struct {
	norm      float64
	positions []int
}

// phrase finds words that stand one after the other, or nearly so.
func (s *searcher) phrase(field string, f *mapping.Field, words []string, slop int, boost float32) (*hits, error) {
	found := make([]uint64, len(words))
	var places []map[uint32]place
	for i, word := range words {
		at, n, err := s.places(field, word, places)
		if err != nil {
			return nil, err
		}
		found[i] = n
		places = append(places, at)
	}
	last := places[len(places)-1]
	docs := make([]uint32, 0, len(last))
	for d := range last {
		docs = append(docs, d)
	}
	slices.Sort(docs)
	b := s.newBM25(field, f, found, boost)
	out := &hits{scores: []float32{}}
	for _, d := range docs {
		lists := make([][]int, len(words))
		for i := range words {
			lists[i] = places[i][d].positions
		}
		if n := phrases(words, lists, slop); n > 0 {
			out.docs = append(out.docs, d)
			out.scores = append(out.scores, b.score(n, last[d].norm))
		}
	}
	return out, nil
}

// places finds where a word is, in the documents that have all words before it.
func (s *searcher) places(field, word string, before []map[uint32]place) (map[uint32]place, uint64, error) {
	r, err := s.reader(field, word, true)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = r.Close() }()
	out := map[uint32]place{}
	var doc store.TermDoc
	for {
		d, err := r.Next(&doc)
		if err != nil || d == nil {
			return out, r.Count(), err
		}
		n := uint32(d.ID.Value()) //nolint:gosec // bleve counts documents in 32 bits
		if len(before) > 0 {
			if _, ok := before[len(before)-1][n]; !ok {
				continue
			}
		}
		p := place{norm: d.Norm, positions: make([]int, 0, len(d.Vectors))}
		for _, v := range d.Vectors {
			p.positions = append(p.positions, int(v.Pos)) //nolint:gosec // a position in a text
		}
		slices.Sort(p.positions)
		out[n] = p
	}
}

// phrases says how often the words stand in their order, each one place after the last; with slop, how nearly.
func phrases(words []string, lists [][]int, slop int) float64 {
	if slop > 0 {
		return newSloppy(words, lists, slop).frequency()
	}
	count := 0.0
	for _, first := range lists[0] {
		whole := true
		for i := 1; i < len(lists) && whole; i++ {
			_, whole = slices.BinarySearch(lists[i], first+i)
		}
		if whole {
			count++
		}
	}
	return count
}

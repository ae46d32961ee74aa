package query

import (
	"slices"

	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/store"
)

// place is where the words of a phrase are in one document.
type place struct {
	norm      float64
	positions []int
}

// phrase finds words that stand one after the other, or nearly so.
func (s *Searcher) phrase(field string, f *mapping.Field, words []string, slop int, boost float32) (*Hits, error) {
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
	out := &Hits{scores: []float32{}}
	for _, d := range docs {
		lists := make([][]int, len(words))
		for i := range words {
			lists[i] = places[i][d].positions
		}
		if n := phrases(words, lists, slop); n > 0 {
			out.Docs = append(out.Docs, d)
			out.scores = append(out.scores, b.score(n, last[d].norm))
		}
	}
	return out, nil
}

// places finds where a word is, in the documents that have all words before it.
func (s *Searcher) places(field, word string, before []map[uint32]place) (map[uint32]place, uint64, error) {
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

// phrases counts the places where the words stand one after the other. With slop, words that are further apart count
// less.
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

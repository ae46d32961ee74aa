package query

import (
	"math/bits"
)

// Hits are documents by their numbers, in order, with their scores.
type Hits struct {
	Docs   []uint32
	scores []float32 // nil: all have the same
	score  float32
}

func (h *Hits) at(i int) float32 {
	if h.scores == nil {
		return h.score
	}
	return h.scores[i]
}

// boosted multiplies the scores.
func (h *Hits) boosted(boost float32) *Hits {
	if boost == 1 {
		return h
	}
	h.score *= boost
	for i := range h.scores {
		h.scores[i] *= boost
	}
	return h
}

// Constant gives all documents one score.
func (h *Hits) Constant(score float32) *Hits { return &Hits{Docs: h.Docs, score: score} }

// And keeps what both have, and adds the scores.
func (h *Hits) And(o *Hits) *Hits {
	out := &Hits{scores: []float32{}}
	i, j := 0, 0
	for i < len(h.Docs) && j < len(o.Docs) {
		switch a, b := h.Docs[i], o.Docs[j]; {
		case a < b:
			i++
		case a > b:
			j++
		default:
			out.Docs = append(out.Docs, a)
			out.scores = append(out.scores, h.at(i)+o.at(j))
			i++
			j++
		}
	}
	return out
}

// Set is documents without scores.
type Set []uint64

const wordBits = 64

func newSet(size int) Set { return make(Set, (size+wordBits-1)/wordBits) }

func (s Set) add(doc uint32) { s[doc/wordBits] |= 1 << (doc % wordBits) }

// Has says whether a document is in the set.
func (s Set) Has(doc uint32) bool { return s[doc/wordBits]&(1<<(doc%wordBits)) != 0 }

func (s Set) addAll(docs []uint32) Set {
	for _, d := range docs {
		s.add(d)
	}
	return s
}

// docs are the documents of the set in order.
func (s Set) docs() []uint32 {
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

// tally adds up the scores of several lists of hits, and counts in how many lists each document is.
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

func (t *tally) add(h *Hits) {
	for i, d := range h.Docs {
		v := h.at(i)
		t.counts[d]++
		t.scores[d] += v
		if t.best {
			t.top[d] = max(t.top[d], v)
		}
	}
}

// hits are the documents that are in at least this many lists. Tie is the part that lesser scores add to the best one.
func (t *tally) hits(least int, tie float32) *Hits {
	out := &Hits{scores: []float32{}}
	for d, n := range t.counts {
		if int(n) < max(least, 1) {
			continue
		}
		v := t.scores[d]
		if t.best {
			v = t.top[d] + tie*(v-t.top[d])
		}
		out.Docs = append(out.Docs, uint32(d))
		out.scores = append(out.scores, v)
	}
	return out
}

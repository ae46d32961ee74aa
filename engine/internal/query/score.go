package query

import (
	"math"
	"math/bits"

	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/store"
)

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

// newBM25 prepares the scores of a term or a phrase. Found is how many documents have each of its words.
func (s *Searcher) newBM25(field string, f *mapping.Field, found []uint64, boost float32) *bm25 {
	l := s.state.Lengths[field]
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

// score is that of a document in which the term occurs frequency times. The norm is bleve's: one over the square root
// of the number of words.
func (b *bm25) score(frequency, norm float64) float32 {
	n := 1
	if b.normed && norm > 0 {
		n = lengthByte(uint64(math.Round(1 / (norm * norm))))
	}
	return b.weight - b.weight/(1+float32(frequency)*b.norms[n])
}

// lengthByte and byteLength keep a length in a byte, exactly up to 40, as Lucene does, so that scores are the same.
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
func (s *Searcher) scored(field string, f *mapping.Field, term string, boost float32) (*Hits, error) {
	r, err := s.reader(field, term, false)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	n := r.Count()
	out := &Hits{Docs: make([]uint32, 0, n), scores: make([]float32, 0, n)}
	b := s.newBM25(field, f, []uint64{n}, boost)
	var doc store.TermDoc
	for {
		d, err := r.Next(&doc)
		if err != nil || d == nil {
			return out, err
		}
		out.Docs = append(out.Docs, uint32(d.ID.Value())) //nolint:gosec // bleve counts documents in 32 bits
		out.scores = append(out.scores, b.score(float64(max(d.Freq, 1)), d.Norm))
	}
}

package store

import (
	"sort"
	"sync"

	zap "github.com/blevesearch/zapx/v17"
)

// exactBuffers has bleve write segments to buffers of their size, as far as it is known from the last one. Segments in
// memory stay in them, and a hundred documents more than there are, as by default, is most of it where batches are
// small. The setting is one of the process.
var exactBuffers = sync.OnceFunc(func() {
	const spare = 1.04 // a buffer that is too small by a byte grows to twice its size
	zap.NewSegmentBufferNumResultsBump, zap.NewSegmentBufferNumResultsFactor = 0, spare
})

// A segment that is written anew has leastPortion documents, or the mostPortions'th part of all. One that has less than
// half of it is small, and manySmall of them are merged.
const (
	leastPortion = 1000
	mostPortions = 256
	manySmall    = 64
)

// counts are the documents of each segment that are there, and those that are replaced or deleted.
func (s *Snapshot) counts() (live, dead []int) {
	for _, segment := range s.Segments() {
		n := int(segment.LiveSize())
		live, dead = append(live, n), append(dead, int(segment.FullSize())-n)
	}
	return live, dead
}

// liveOf are the numbers of the documents of some segments.
func (s *Snapshot) liveOf(segments []int) []uint32 {
	all := s.Live()
	var docs []uint32
	for _, i := range segments {
		docs = append(docs, all[at(all, s.starts[i]):at(all, s.starts[i+1])]...)
	}
	return docs
}

// at is where the numbers from one on begin.
func at(docs []uint32, number uint64) int {
	return sort.Search(len(docs), func(i int) bool { return uint64(docs[i]) >= number })
}

// merging says which segments are worth being written anew, with how many documents in each new one: those that are
// small, when they are many, or all, when more of their documents are gone than there.
func merging(live, dead []int) (segments []int, portion int) {
	all, gone := 0, 0
	for i := range live {
		all += live[i]
		gone += dead[i]
	}
	portion = max(leastPortion, all/mostPortions)
	isGone := gone > max(all, leastPortion)
	for i := range live {
		if isGone || live[i] < portion/2 {
			segments = append(segments, i)
		}
	}
	if !isGone && len(segments) < manySmall {
		return nil, portion
	}
	return segments, portion
}

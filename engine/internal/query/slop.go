package query

import (
	"cmp"
	"math"
	"slices"
)

// sloppy counts the places in one document where words stand nearly in their order, the nearer the more. It goes
// through the positions as Lucene's matcher does, step by step, so that the same places count the same.
type sloppy struct {
	slop    int
	words   []*phraseWord
	queue   []*phraseWord // by position
	repeats [][]*phraseWord
	end     int
}

// phraseWord is a word of the phrase with its positions in the document.
type phraseWord struct {
	offset    int   // in the phrase
	positions []int // in the document
	at        int   // which of them is next
	position  int   // the one at hand, less the offset
	group     int   // of the same word in the phrase, -1 when it is there once
	index     int   // in the group
}

func (w *phraseWord) next() bool {
	if w.at >= len(w.positions) {
		return false
	}
	w.position = w.positions[w.at] - w.offset
	w.at++
	return true
}

// place is where the word is in the document.
func (w *phraseWord) place() int { return w.position + w.offset }

// newSloppy takes the words of a phrase and their positions in one document.
func newSloppy(words []string, lists [][]int, slop int) *sloppy {
	s := &sloppy{slop: slop, end: math.MinInt}
	groups := map[string][]*phraseWord{}
	for i, word := range words {
		w := &phraseWord{offset: i, positions: lists[i], group: -1}
		s.words = append(s.words, w)
		groups[word] = append(groups[word], w)
	}
	for i, word := range words {
		if g := groups[word]; len(g) > 1 && g[0].offset == i {
			for j, w := range g {
				w.group, w.index = len(s.repeats), j
			}
			s.repeats = append(s.repeats, g)
		}
	}
	return s
}

// frequency is the sum of 1/(1+distance) over all matches.
func (s *sloppy) frequency() float64 {
	if !s.start() {
		return 0
	}
	sum := float32(0) // its rounding decides between documents that are as good as equal
	for {
		length, more := s.match()
		if length <= s.slop {
			sum += 1 / float32(1+length)
		}
		if !more {
			return float64(sum)
		}
	}
}

// start puts every word at its first position. A word that the phrase has several times gets different positions.
func (s *sloppy) start() bool {
	for _, w := range s.words {
		if !w.next() {
			return false
		}
	}
	for _, group := range s.repeats {
		for j := 1; j < len(group); j++ {
			for range j {
				if !group[j].next() {
					return false
				}
			}
		}
	}
	for _, w := range s.words {
		s.end = max(s.end, w.position)
		s.push(w)
	}
	return true
}

// push and pop keep the queue as a heap. It is Lucene's heap to the letter, since apart changes words that are in it,
// and what comes out then depends on how it is laid out.
func (s *sloppy) push(w *phraseWord) {
	s.queue = append(s.queue, w)
	i := len(s.queue) - 1
	for i > 0 && w.before(s.queue[(i-1)/2]) {
		s.queue[i] = s.queue[(i-1)/2]
		i = (i - 1) / 2
	}
	s.queue[i] = w
}

func (s *sloppy) pop() *phraseWord {
	out, last := s.queue[0], len(s.queue)-1
	w := s.queue[last]
	s.queue = s.queue[:last]
	if last == 0 {
		return out
	}
	i := 0
	for {
		child := 2*i + 1
		if child >= last {
			break
		}
		if child+1 < last && s.queue[child+1].before(s.queue[child]) {
			child++
		}
		if !s.queue[child].before(w) {
			break
		}
		s.queue[i] = s.queue[child]
		i = child
	}
	s.queue[i] = w
	return out
}

func (w *phraseWord) before(o *phraseWord) bool {
	return cmp.Or(cmp.Compare(w.position, o.position), cmp.Compare(w.offset, o.offset)) < 0
}

func (s *sloppy) advance(w *phraseWord) bool {
	if !w.next() {
		return false
	}
	s.end = max(s.end, w.position)
	return true
}

// match goes on to the next match within the slop; more is false when it is the last one, and may be none.
func (s *sloppy) match() (length int, more bool) {
	w := s.pop()
	length = s.end - w.position
	for next := s.queue[0].position; s.advance(w) && s.apart(w); {
		if w.position <= next {
			length = min(length, s.end-w.position)
			continue
		}
		s.push(w)
		if length <= s.slop {
			return length, true
		}
		w = s.pop()
		next = s.queue[0].position
		length = s.end - w.position
	}
	return length, false
}

// apart moves repeated words on until they stand at different places.
func (s *sloppy) apart(w *phraseWord) bool {
	if w.group < 0 {
		return true
	}
	group, first := s.repeats[w.group], w.index
	moved := map[*phraseWord]bool{} // those in the queue
	for {
		at := slices.IndexFunc(group, func(o *phraseWord) bool { return o != w && o.place() == w.place() })
		if at < 0 {
			break
		}
		if o := group[at]; o.position < w.position || o.position == w.position && o.offset < w.offset {
			w = o
		}
		if !s.advance(w) {
			return false
		}
		if at != first {
			moved[group[at]] = true
		}
	}
	var queued []*phraseWord
	for len(moved) > 0 && len(s.queue) > 0 {
		o := s.pop()
		queued = append(queued, o)
		delete(moved, o)
	}
	for _, o := range slices.Backward(queued) {
		s.push(o)
	}
	return true
}

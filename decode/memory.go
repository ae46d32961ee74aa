package decode

import "sync"

// pages share the memory for pages and blocks among the files that are read at once. No two files ever wait for each
// other: as long as there is room, each has what it needs of a part that is common to all. One that needs more waits
// for the reserve, which one file has at a time, and has to itself until it is read. All that a file may have is in the
// reserve, so who has it waits for nobody; and what a file may have does not depend on the others.
type pages struct {
	mu     sync.Mutex
	freed  sync.Cond
	common int64 // free
	taken  bool  // the reserve
}

// newPages returns the memory for files that have at most so many bytes each.
func newPages(most int64) *pages {
	p := &pages{common: 3 * most / 4}
	p.freed.L = &p.mu
	return p
}

// share is what a file has of them.
type share struct {
	*pages
	common  int64
	reserve bool
}

// hold sees that a file has so many bytes. It blocks until it has.
func (s *share) hold(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.reserve && n > s.common {
		switch {
		case n-s.common <= s.pages.common:
			s.pages.common -= n - s.common
			s.common = n
		case !s.taken:
			s.taken, s.reserve = true, true
			s.release()
		default:
			s.freed.Wait()
		}
	}
}

// free gives everything back.
func (s *share) free() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reserve {
		s.taken, s.reserve = false, false
	}
	s.release()
}

// release gives back what is of the common part. s.mu is held.
func (s *share) release() {
	s.pages.common += s.common
	s.common = 0
	s.freed.Broadcast()
}

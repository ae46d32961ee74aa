package sigv4

import (
	"slices"
	"sync"
	"time"
)

const (
	// turnBytes is how long a body is that waits for its turn.
	turnBytes = 1 << 20
	// turnLength is how long a turn is at most: a slow client must not keep others waiting. answerLength is how much of
	// it the domain has for its answer.
	turnLength   = 100 * time.Millisecond
	answerLength = 25 * time.Millisecond
	// turnPatience is how long a body waits for its turn at most.
	turnPatience = time.Second
)

// turns let bodies that come at the same time pass one after the other: side by side they would take more memory, and
// the rest of the machine no less time. A turn ends with the answer.
type turns struct {
	mu      sync.Mutex
	taken   int64
	waiting []*turn // the first came first
}

// turn is that of one body.
type turn struct {
	of         *turns
	size, room int64
	begun      chan struct{} // closed when it may begin
	over       bool
}

// take waits until a body of the size may come, or until it has waited long enough. At most room bytes come at a time.
func (t *turns) take(size, room int64) *turn {
	mine := &turn{of: t, size: size, room: room, begun: make(chan struct{})}
	t.mu.Lock()
	t.waiting = append(t.waiting, mine)
	t.next()
	t.mu.Unlock()
	limit := time.NewTimer(turnPatience)
	defer limit.Stop()
	select {
	case <-mine.begun:
		time.AfterFunc(turnLength, mine.end)
	case <-limit.C:
		mine.end()
	}
	return mine
}

// next begins the turns that there is room for, and one in any case. t.mu is held.
func (t *turns) next() {
	for len(t.waiting) > 0 {
		first := t.waiting[0]
		if t.taken > 0 && t.taken+first.size > first.room {
			return
		}
		t.taken += first.size
		t.waiting = slices.Delete(t.waiting, 0, 1)
		close(first.begun)
	}
}

// end is for others to begin. It may be called again.
func (m *turn) end() {
	t := m.of
	t.mu.Lock()
	defer t.mu.Unlock()
	if m.over {
		return
	}
	m.over = true
	if i := slices.Index(t.waiting, m); i >= 0 {
		t.waiting = slices.Delete(t.waiting, i, i+1)
	} else {
		t.taken -= m.size
	}
	t.next()
}

// sent says that the body was sent.
func (m *turn) sent() { time.AfterFunc(answerLength, m.end) }

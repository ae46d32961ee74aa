package sigv4

import (
	"slices"
	"time"
)

const (
	// turnBytes is how long a body is that waits for its turn.
	turnBytes = 1 << 20
	// turnPause is how long a turn lasts while nothing of the body comes or goes, and turnLength how long it is at most:
	// a slow client must not keep others waiting. answerLength is how long the domain has for its answer.
	turnPause    = 200 * time.Millisecond
	turnLength   = 500 * time.Millisecond
	answerLength = 50 * time.Millisecond
	// turnPatience is how long a body waits for its turn at most.
	turnPatience = time.Second
)

// turn is that of one body. Of the bodies that come at the same time a few pass side by side: more would take more
// memory, and the rest of the machine no less time. A turn ends with the answer.
type turn struct {
	budget *Budget
	size   int64
	begun  chan struct{} // closed when it may begin
	over   bool

	// Of one that has begun:
	at    time.Time
	pause *time.Timer
}

// turn waits until a body of the size may come, or until it has waited long enough. It is nil when none has to wait.
func (b *Budget) turn(size int64) *turn {
	if b == nil || b.AtOnce <= 0 {
		return nil
	}
	mine := &turn{budget: b, size: size, begun: make(chan struct{})}
	b.mu.Lock()
	b.waiting = append(b.waiting, mine)
	b.next()
	b.mu.Unlock()
	limit := time.NewTimer(turnPatience)
	defer limit.Stop()
	select {
	case <-mine.begun:
		mine.at, mine.pause = time.Now(), time.AfterFunc(turnPause, mine.end)
	case <-limit.C:
		mine.end()
	}
	return mine
}

// next begins the turns that there is room for, and one in any case. b.mu is held.
func (b *Budget) next() {
	for len(b.waiting) > 0 {
		first := b.waiting[0]
		if b.coming > 0 && b.coming+first.size > b.AtOnce {
			return
		}
		b.coming += first.size
		b.waiting = slices.Delete(b.waiting, 0, 1)
		close(first.begun)
	}
}

// end is for others to begin. It may be called again, and on nil.
func (t *turn) end() {
	if t == nil {
		return
	}
	b := t.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	if t.over {
		return
	}
	t.over = true
	if i := slices.Index(b.waiting, t); i >= 0 {
		b.waiting = slices.Delete(b.waiting, i, i+1)
	} else {
		b.coming -= t.size
	}
	b.next()
}

// moved says that something of the body has come or gone.
func (t *turn) moved() {
	if t == nil || t.pause == nil {
		return
	}
	if left := turnLength - time.Since(t.at); left > 0 {
		t.pause.Reset(min(left, turnPause))
	}
}

// sent says that the body was sent.
func (t *turn) sent() {
	if t != nil {
		time.AfterFunc(answerLength, t.end)
	}
}

package bulk

import (
	"crypto/sha256"
	"sync"

	"github.com/seed56735111/penstock/internal/sha2x"
)

// bodySum is the SHA-256 of the body, taken while it is filled, when what was just written is still in the processor's
// cache. The lock guards the other fields.
type bodySum struct {
	sync.Mutex
	digest *sha2x.Digest
	done   int // bytes of the body
}

// sumStep is how many bytes of the body are summed at a time, a power of two.
const sumStep = 64 << 10

// begin makes the sum ready.
func (s *bodySum) begin() {
	if s.digest == nil {
		s.digest = sha2x.New()
	}
}

// take sums what the body has gained since the last time.
func (s *bodySum) take(body []byte) {
	s.begin()
	s.digest.Write(body[s.done:])
	s.done = len(body)
}

// takePair sums as much of two bodies as both have gained.
func takePair(s *bodySum, body []byte, t *bodySum, other []byte) {
	s.begin()
	t.begin()
	n := min(len(body)-s.done, len(other)-t.done)
	sha2x.WritePair(s.digest, body[s.done:][:n], t.digest, other[t.done:][:n])
	s.done, t.done = s.done+n, t.done+n
}

// of returns the sum of the finished body.
func (s *bodySum) of(body []byte) [sha256.Size]byte {
	s.Lock()
	defer s.Unlock()
	s.take(body)
	return s.digest.Sum()
}

func (s *bodySum) reset() {
	s.Lock()
	defer s.Unlock()
	s.done = 0
	if s.digest != nil {
		s.digest.Reset()
	}
}

// endsPart reports whether the last document has ended a part of the body, of step bytes, for the sum. A position in
// another part differs in a bit that is no lower than that of step.
func (b *batch) endsPart(step int) bool {
	return b.docs[len(b.docs)-1].start^len(b.body) >= step
}

// work is what is to be summed now: of one body, of two, or nothing. The sums are locked until it is done.
type work struct {
	a, b *bodySum
	p, q []byte
}

func (w work) do() {
	switch {
	case w.a == nil:
		return
	case w.b == nil:
		w.a.take(w.p)
	default:
		takePair(w.a, w.p, w.b, w.q)
		w.b.Unlock()
	}
	w.a.Unlock()
}

// workOn returns the work on one body. When its sum is locked, that is none: this part is summed with the next one, or
// when the body is finished.
func workOn(b *batch) work {
	if !b.sum.TryLock() {
		return work{}
	}
	return work{a: &b.sum, p: b.body}
}

// meeting is where a body with a part that is not summed yet is found by the next one, so that both are summed
// together. None is held up: a body that is finished before is summed alone.
type meeting struct {
	mu   sync.Mutex
	b    *batch // nil when nobody is there
	body []byte // as far as it had come
}

// come returns the work on b and on the one that is there. When nobody is, b stays and there is no work; when it stayed
// since its part before, nobody else has come, and the work is on b alone.
func (m *meeting) come(b *batch) (now work, alone bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	other := m.b
	if other == b {
		m.b, m.body = nil, nil
		return workOn(b), true
	}
	now = workOn(b)
	if now.a == nil {
		return now, false
	}
	if other != nil && other.sum.TryLock() {
		now.b, now.q = &other.sum, m.body
		m.b, m.body = nil, nil
		return now, false
	}
	b.sum.Unlock()
	m.b, m.body = b, b.body
	return work{}, false
}

// leave is for a batch that is about to be sent.
func (m *meeting) leave(b *batch) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.b == b {
		m.b, m.body = nil, nil
	}
}

// nextPart is called when the last document has ended a part of the body being filled, and returns what to sum. When no
// other lane has a body to be summed together with, the lane fills two batches, a part each in turns. l.mu is held.
func (l *lane) nextPart() work {
	b, w := l.filling, l.w
	if !w.pairs {
		return workOn(b)
	}
	now, alone := w.meeting.come(b)
	if b.replaces { // in one request these documents stay in their order
		return now
	}
	if alone && l.second == nil {
		l.second = l.beside(b)
	}
	if l.second != nil {
		l.filling, l.second = l.second, b
	}
	return now
}

// beside returns a batch to be filled beside b, if there is one without waiting. b is half full: what is little is one
// request, and two that are full are not sent at the same time.
func (l *lane) beside(b *batch) *batch {
	w := l.w
	if 2*len(b.body) < w.limit() && 2*len(b.docs) < w.cfg.BatchDocs {
		return nil
	}
	select {
	case w.hands <- struct{}{}:
		return w.fresh()
	default:
		return nil
	}
}

package penstock

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
)

// Starter is a Deliverer that tells when the domain has stored the first document, or was found to have it.
type Starter interface {
	// Stored returns a channel that is closed then.
	Stored() <-chan struct{}
}

// BrakeError says that a run was stopped because nothing was stored while Pipeline.Brake records were refused or
// unparsed. None of their letters is stored.
type BrakeError struct {
	// Refused records are those that were to become dead letters, Unparsed ones did not match the grammar of their format.
	Refused, Unparsed int64
	// First says what was wrong with the first of them.
	First string
}

func (e *BrakeError) Error() string {
	what := fmt.Sprintf("%d records were refused and %d did not match their format", e.Refused, e.Unparsed)
	switch {
	case e.Unparsed == 0:
		what = fmt.Sprintf("%d records were refused", e.Refused)
	case e.Refused == 0:
		what = fmt.Sprintf("%d records did not match their format", e.Unparsed)
	}
	return fmt.Sprintf("nothing was stored while %s; the first: %s", what, e.First)
}

// Fatal is always true.
func (e *BrakeError) Fatal() bool { return true }

// maxBraked bounds the bytes of what is held back: more is let go, whatever comes of it.
const maxBraked = 8 << 20

// brake holds back letters and unparsed records until it is known whether the run is a good one: the domain has
// stored a document, or the run has come to its end. With a wrong format or mapping it would fill the dead letters
// with a whole bucket, and occupy the ids that belong to the records of the right format.
type brake struct {
	limit   int64
	started <-chan struct{} // something is stored; nil when nobody tells
	open    atomic.Bool     // nothing is held back any longer

	mu      sync.Mutex
	seen    BrakeError
	bytes   int
	active  int           // the source and the items that do not wait for the brake
	decided chan struct{} // closed when it is open or pulled
	pulled  bool
}

func newBrake(limit int, d Deliverer) *brake {
	b := &brake{limit: int64(limit), active: 1, decided: make(chan struct{})}
	if s, ok := d.(Starter); ok {
		b.started = s.Stored()
	}
	if limit <= 0 {
		b.release()
	}
	return b
}

// holds reports whether letters and unparsed records are to be held back.
func (b *brake) holds() bool {
	if b.open.Load() {
		return false
	}
	select {
	case <-b.started:
		b.release()
		return !b.open.Load() // it may be pulled by now
	default:
		return true
	}
}

// release lets everything go.
func (b *brake) release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.releaseLocked()
}

func (b *brake) releaseLocked() {
	if !b.pulled && !b.open.Swap(true) {
		close(b.decided)
	}
}

// refused counts a record that is to become a letter, unparsed one that did not match its format. hold says whether
// size bytes of it are held back. The error is a *BrakeError when the run is to be stopped.
func (b *brake) refused(l *Letter) (hold bool, err error) {
	return b.count(len(l.Document)+len(l.Raw), func() string {
		if l.Type != "" {
			return l.Type + ": " + l.Detail
		}
		return l.Reason + ": " + l.Detail
	}, func(e *BrakeError) { e.Refused++ })
}

func (b *brake) unparsed(place Place, r *Record, size int) (hold bool, err error) {
	return b.count(size, func() string {
		return fmt.Sprintf("byte %d of %s is not in the format %s", r.Offset, place.Object, place.Format)
	}, func(e *BrakeError) { e.Unparsed++ })
}

func (b *brake) count(size int, what func() string, add func(*BrakeError)) (hold bool, err error) {
	if !b.holds() {
		return false, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.pulled:
		return true, b.failure()
	case b.open.Load():
		return false, nil
	}
	if b.seen.First == "" {
		b.seen.First = what()
	}
	add(&b.seen)
	b.bytes += size
	if b.seen.Refused+b.seen.Unparsed >= b.limit {
		b.pulled = true
		close(b.decided)
		return true, b.failure()
	}
	if b.bytes > maxBraked {
		b.releaseLocked()
		return false, nil
	}
	return true, nil
}

func (b *brake) failure() error {
	e := b.seen
	return &e
}

// begin and end count those from whom the domain may still get something to store.
func (b *brake) begin() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.active++
}

func (b *brake) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.active--; b.active == 0 {
		b.releaseLocked() // the end of the run: what there is is what there is
	}
}

// wait blocks an item that has nothing left but what is held back, until it may be let go. The error is a *BrakeError
// when it may not.
func (b *brake) wait(ctx context.Context) error {
	if !b.holds() {
		return nil
	}
	b.end()
	defer b.begin()
	select {
	case <-b.decided:
	case <-b.started:
		b.release()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pulled {
		return b.failure()
	}
	return nil
}

// clone returns a document with bytes of its own.
func (d Document) clone() Document {
	d.ID, d.Head, d.Tail, d.Raw = bytes.Clone(d.ID), d.Body(), nil, bytes.Clone(d.Raw)
	d.Routing = bytes.Clone(d.Routing)
	return d
}

package penstock

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
)

// Starter is a Deliverer that tells when something is stored, or was found to be there.
type Starter interface {
	// Stored returns a channel that is closed then.
	Stored() <-chan struct{}
}

// TargetStarter is a Starter that tells the same of each target.
type TargetStarter interface {
	Starter
	// StoredIn returns a channel that is closed when the target has something.
	StoredIn(target string) <-chan struct{}
}

// BrakeError says that nothing was stored while Pipeline.Brake records were refused or unparsed, and that no more is
// sent. None of their letters is stored.
type BrakeError struct {
	// Target is the name of the target that is meant, or what its domain is called when it has none. It is empty when the
	// run has one target, or when the records could not be told to belong to one.
	Target string
	// Others says that other targets go on: what is for this one is given back.
	Others bool
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
	where := "nothing was stored"
	if e.Target != "" {
		where += " in " + e.Target
	}
	return fmt.Sprintf("%s while %s; the first: %s", where, what, e.First)
}

// Fatal reports whether the run has no other target to send to.
func (e *BrakeError) Fatal() bool { return !e.Others }

// maxBraked bounds the bytes of what all brakes hold back: more is let go, whatever comes of it.
const maxBraked = 8 << 20

// brakes are those of a run: one for each target, and one for records of which the target is not known, because they
// could not be read. With one target they are the same.
type brakes struct {
	of       map[string]*brake
	unplaced *brake

	up      atomic.Int64 // targets whose brake is not pulled
	stopped atomic.Bool  // the run is
	mu      sync.Mutex
	active  int // the source and the items that do not wait for a brake
}

func newBrakes(p *Pipeline) *brakes {
	all := &brakes{of: map[string]*brake{}, active: 1}
	starter, _ := p.Deliverer.(Starter)
	one := func(name string, started <-chan struct{}) *brake {
		return &brake{
			all: all, name: name, limit: int64(p.Brake), bound: maxBraked, started: started, decided: make(chan struct{}),
		}
	}
	all.unplaced = one("", nil)
	if starter != nil {
		all.unplaced.started = starter.Stored()
	}
	names := p.targets()
	all.up.Store(int64(len(names)))
	if len(names) > 1 {
		of, _ := p.Deliverer.(TargetStarter)
		all.unplaced.bound = maxBraked / (len(names) + 1)
		for target, name := range names {
			b := one(name, nil)
			if b.bound = all.unplaced.bound; of != nil {
				b.started = of.StoredIn(target)
			}
			all.of[target] = b
		}
	}
	if p.Brake <= 0 {
		all.release()
	}
	return all
}

// targets are those that documents may go to, with what people know them by.
func (p *Pipeline) targets() map[string]string {
	names := map[string]string{}
	for target := range p.Domains {
		names[target] = "the target " + target
	}
	if p.Domain != "" || len(names) == 0 {
		names[""] = p.Domain
	}
	return names
}

// target returns the brake of a target.
func (a *brakes) target(name string) *brake {
	if b, ok := a.of[name]; ok {
		return b
	}
	return a.unplaced
}

func (a *brakes) release() {
	for _, b := range a.of {
		b.release()
	}
	a.unplaced.release()
}

// begin and end count those from whom the domains may still get something to store.
func (a *brakes) begin() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.active++
}

func (a *brakes) end() {
	a.mu.Lock()
	a.active--
	last := a.active == 0
	a.mu.Unlock()
	if last {
		a.release() // the end of the run: what there is is what there is
	}
}

// pull stops the run, and with it what is for any target of which nothing is known yet.
func (a *brakes) pull(cause BrakeError) {
	a.stopped.Store(true)
	for _, b := range a.of {
		b.pull(cause)
	}
	a.unplaced.pull(cause)
}

// wait blocks an item that has nothing left but what these brakes hold back, until each is let go or pulled.
func (a *brakes) wait(ctx context.Context, these []*brake) error {
	these = slices.DeleteFunc(these, func(b *brake) bool { return !b.holds() })
	if len(these) == 0 {
		return nil
	}
	a.end()
	defer a.begin()
	for _, b := range these {
		select {
		case <-b.decided:
		case <-b.started:
			b.stored()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// brake holds back letters and unparsed records until it is known whether the run is a good one: something is stored
// in the target, or the run has come to its end. With a wrong format or mapping it would fill the dead letters with a
// whole bucket, and occupy the ids that belong to the records of the right format.
type brake struct {
	all     *brakes
	name    string
	limit   int64
	bound   int             // of bytes
	started <-chan struct{} // something is stored; nil when nobody tells
	open    atomic.Bool     // nothing is held back any longer
	pulled  atomic.Bool     // nothing is sent any longer

	mu      sync.Mutex
	seen    BrakeError
	bytes   int
	decided chan struct{} // closed when it is open or pulled
}

// holds reports whether letters and unparsed records are to be held back.
func (b *brake) holds() bool {
	if b.open.Load() {
		return false
	}
	select {
	case <-b.started:
		b.stored()
		return !b.open.Load() // it may be pulled by now
	default:
		return true
	}
}

// stored says that the target has something.
func (b *brake) stored() {
	b.release()
	b.all.unplaced.release()
}

// release lets everything go.
func (b *brake) release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.pulled.Load() && !b.open.Swap(true) {
		close(b.decided)
	}
}

// refused counts a record that is to become a letter, unparsed one that did not match its format. hold says whether
// size bytes of it are held back. The error is a *BrakeError when no more is to be sent.
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
	if seen, tooLarge := b.add(size, what, add); seen.Refused+seen.Unparsed >= b.limit {
		b.enough(seen)
	} else if tooLarge {
		b.release()
	}
	err = b.failure()
	return err != nil || !b.open.Load(), err
}

// add counts one more of what is held back.
func (b *brake) add(size int, what func() string, add func(*BrakeError)) (seen BrakeError, tooLarge bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open.Load() || b.pulled.Load() {
		return BrakeError{}, false
	}
	if b.seen.First == "" {
		b.seen.First = what()
	}
	add(&b.seen)
	b.bytes += size
	return b.seen, b.bytes > b.bound
}

// enough stops what is for the target, and the run when no other is left.
func (b *brake) enough(seen BrakeError) {
	seen.Target = b.name
	switch {
	case b == b.all.unplaced:
		b.all.pull(seen)
	case b.pull(seen) && b.all.up.Add(-1) == 0:
		b.all.pull(seen)
	}
}

// pull stops what is for the target, unless that is open or stopped already.
func (b *brake) pull(cause BrakeError) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open.Load() || b.pulled.Swap(true) {
		return false
	}
	b.seen = cause
	close(b.decided)
	return true
}

// failure is a *BrakeError when nothing is to be sent any longer, otherwise nil.
func (b *brake) failure() error {
	if !b.pulled.Load() {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.seen
	e.Others = !b.all.stopped.Load()
	return &e
}

// clone returns a document with bytes of its own.
func (d Document) clone() Document {
	d.ID, d.Head, d.Tail, d.Raw = bytes.Clone(d.ID), d.Body(), nil, bytes.Clone(d.Raw)
	d.Routing = bytes.Clone(d.Routing)
	return d
}

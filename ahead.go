package penstock

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
)

const (
	// aheadBytes bounds the stored bytes of what is opened ahead.
	aheadBytes = 8 << 20
	// wholeBytes is up to which size an object is read whole while it waits for a worker. Of a larger one the answer has
	// begun, and waits in the connection.
	wholeBytes = 32 << 10
)

// ahead opens objects before a worker is free for them, so that many requests wait for their answers together while few
// workers bound the CPU. What it has opened is bounded by number and by bytes.
type ahead struct {
	most int

	mu     sync.Mutex
	number int
	bytes  int64
	freed  chan struct{} // one token: there is room again
}

func newAhead(most int) *ahead { return &ahead{most: most, freed: make(chan struct{}, 1)} }

// object is the one of an item that is opened ahead; nil when none is: it is here already, or it is too large for the
// beginning of its answer to matter.
func (a *ahead) object(item *Item) *Object {
	if a.most <= 0 || len(item.Objects) == 0 {
		return nil
	}
	if o := &item.Objects[0]; o.Remote && o.Size >= 0 && o.Size <= aheadBytes {
		return o
	}
	return nil
}

// acquire waits for room for an object of this size.
func (a *ahead) acquire(ctx context.Context, size int64) bool {
	for ctx.Err() == nil {
		a.mu.Lock()
		if a.number < a.most && a.bytes+size <= aheadBytes {
			a.number++
			a.bytes += size
			a.mu.Unlock()
			a.tell() // there may be room for another one that waits
			return true
		}
		a.mu.Unlock()
		select {
		case <-a.freed:
		case <-ctx.Done():
		}
	}
	return false
}

func (a *ahead) release(size int64) {
	a.mu.Lock()
	a.number--
	a.bytes -= size
	a.mu.Unlock()
	a.tell()
}

func (a *ahead) tell() {
	select {
	case a.freed <- struct{}{}:
	default:
	}
}

// early is an object that was opened ahead.
type early struct {
	stream *Stream
	err    error
	taken  bool // by the one who reads it
	cancel context.CancelCauseFunc
}

// open opens an object, for which there is room, and waits for a worker. It returns nil when intake ends before there
// is one: what was opened is closed then. Work is what the reading goes on under.
func (a *ahead) open(intake, work context.Context, o *Object, workers chan struct{}) *early {
	ctx, cancel := context.WithCancelCause(work)
	e := &early{cancel: cancel}
	goOn := context.AfterFunc(intake, func() { cancel(context.Cause(intake)) })
	e.begin(ctx, o)
	worker := acquire(intake, workers)
	a.release(o.Size)
	if worker && goOn() {
		return e
	}
	if worker {
		<-workers // the intake has ended in this moment
	}
	e.close()
	return nil
}

// begin opens the object, and reads it whole when it is small.
func (e *early) begin(ctx context.Context, o *Object) {
	defer func() {
		if recover() != nil {
			e.taken = true // the worker opens it again, and tells of the panic
		}
	}()
	e.stream, e.err = o.Open(ctx)
	if e.err == nil && o.Size <= wholeBytes {
		e.stream.ReadCloser = readWhole(e.stream.ReadCloser, o.Size)
	}
}

// take returns what was opened, once; for the second reading of an object there is nothing.
func (e *early) take() (stream *Stream, err error, ok bool) {
	if e == nil || e.taken {
		return nil, nil, false
	}
	e.taken = true
	return e.stream, e.err, true
}

// close ends what nobody has taken, and the context of what somebody has.
func (e *early) close() {
	if stream, err, ok := e.take(); ok && err == nil {
		_ = stream.Close()
	}
	e.cancel(nil)
}

// whole is an object in memory, with the end of its reading.
type whole struct {
	stored bytes.Reader
	err    error
}

// readWhole reads r to its end and closes it. When that is not within size bytes, what is read goes before the rest.
func readWhole(r io.ReadCloser, size int64) io.ReadCloser {
	buf := make([]byte, 0, size+1) // the end shows when there is room behind it
	for len(buf) < cap(buf) {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err != nil {
			_ = r.Close()
			w := &whole{err: err}
			w.stored.Reset(buf)
			return w
		}
	}
	return &begun{Reader: io.MultiReader(bytes.NewReader(buf), r), Closer: r}
}

// Read is part of io.Reader.
func (w *whole) Read(p []byte) (int, error) {
	n, err := w.stored.Read(p)
	if errors.Is(err, io.EOF) {
		err = w.err
	}
	return n, err
}

// Close is part of io.Closer.
func (w *whole) Close() error { return nil }

// Places is part of Placed. There are none of what broke off, or is not what was stored.
func (w *whole) Places() Places {
	if !errors.Is(w.err, io.EOF) {
		return nil
	}
	return wholePlaces{&w.stored}
}

// wholePlaces are the bytes of an object in memory.
type wholePlaces struct{ stored *bytes.Reader }

// ReadAt is part of Places.
func (p wholePlaces) ReadAt(b []byte, at int64) (int, error) { return p.stored.ReadAt(b, at) }

// Size is part of Places.
func (p wholePlaces) Size() int64 { return p.stored.Size() }

// Far is part of Places.
func (p wholePlaces) Far() bool { return false }

// End is part of Places.
func (p wholePlaces) End() error { return nil }

// begun is an object whose beginning has been read.
type begun struct {
	io.Reader
	io.Closer
}

package source

import (
	"context"
	"io"
	"iter"
	"time"

	"github.com/seed56735111/penstock"
)

// Stdin gives standard input as one object. Its date of last resort, for records without a time, is now. Linger is how
// long what it has given may wait for more.
func Stdin(r io.Reader, linger time.Duration) penstock.Source { return stdin{r, linger} }

type stdin struct {
	r      io.Reader
	linger time.Duration
}

// Items is part of penstock.Source.
func (s stdin) Items(ctx context.Context) iter.Seq2[penstock.Item, error] {
	return func(yield func(penstock.Item, error) bool) {
		if ctx.Err() == nil {
			id := penstock.Identity{Key: "-", Modified: time.Now()}
			yield(liveItem(ctx, "-", s.linger, id, func() (io.ReadCloser, error) { return io.NopCloser(s.r), nil }), nil)
		}
	}
}

// liveItem is the item of a stream that comes while it is read. No more of it is taken when take has ended.
func liveItem(
	take context.Context, name string, linger time.Duration, id penstock.Identity, open func() (io.ReadCloser, error),
) penstock.Item {
	return penstock.Item{ID: name, Objects: []penstock.Object{{
		Name: name, Size: -1, Once: true, Linger: linger,
		Open: func(ctx context.Context) (*penstock.Stream, error) {
			return &penstock.Stream{ReadCloser: newLive(ctx, take, linger, name, open), Identity: id}, nil
		},
	}}}
}

const liveBuffer = 64 << 10

// live reads a stream that may keep its reader waiting for any time. What waits for it is a goroutine of its own: Read
// returns when the stream goes on, when the reader is to be told that it idles, and when nothing more is to be read.
type live struct {
	ctx, take context.Context //nolint:containedctx // live as long as the object is read
	linger    time.Duration
	name      string
	open      func() (io.ReadCloser, error)
	r         io.ReadCloser // nil until it is open

	started bool
	filled  chan chunk    // what was read
	free    chan []byte   // buffers to read into: two, one of which is being handed over
	closed  chan struct{} // the reader has gone
	rest    []byte
	buf     []byte // that rest is in
	end     error
}

type chunk struct {
	buf []byte
	n   int
	err error
}

func newLive(ctx, take context.Context, linger time.Duration, name string, open func() (io.ReadCloser, error)) *live {
	return &live{
		ctx: ctx, take: take, linger: linger, name: name, open: open,
		filled: make(chan chunk), free: make(chan []byte, 2), closed: make(chan struct{}),
	}
}

// pump opens and reads the stream. Nothing can end a read that waits: the goroutine stays until the stream goes on or
// the process ends.
func (l *live) pump() {
	r := l.r
	if r == nil {
		var err error
		if r, err = l.open(); err != nil {
			l.hand(chunk{err: err})
			return
		}
	}
	defer func() { _ = r.Close() }()
	for {
		var buf []byte
		select {
		case buf = <-l.free:
		case <-l.closed:
			return
		}
		n, err := r.Read(buf)
		if !l.hand(chunk{buf: buf, n: n, err: err}) || err != nil {
			return
		}
	}
}

func (l *live) hand(c chunk) bool {
	select {
	case l.filled <- c:
		return true
	case <-l.closed:
		return false
	}
}

// lastBytes is how long the bytes that were being read when no more were to be taken may take to come.
const lastBytes = 50 * time.Millisecond

// Read gives what has come. It returns penstock.ErrIdle when nothing has for a while.
func (l *live) Read(p []byte) (int, error) {
	if !l.started {
		l.started = true
		l.free <- make([]byte, liveBuffer)
		l.free <- make([]byte, liveBuffer)
		go l.pump()
	}
	if len(l.rest) == 0 && l.end == nil {
		if err := l.next(); err != nil {
			return 0, err
		}
	}
	if len(l.rest) == 0 {
		return 0, l.end
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}

// next waits for more.
func (l *live) next() error {
	if l.buf != nil {
		l.free <- l.buf
		l.buf = nil
	}
	var idle <-chan time.Time
	if l.linger > 0 {
		t := time.NewTimer(max(l.linger/4, time.Millisecond))
		defer t.Stop()
		idle = t.C
	}
	name := l.name
	if name == "-" {
		name = "standard input"
	}
	select {
	case c := <-l.filled:
		l.got(c)
	case <-idle:
		return penstock.ErrIdle
	case <-l.ctx.Done():
		l.end = context.Cause(l.ctx)
	case <-l.take.Done():
		select {
		case c := <-l.filled:
			l.got(c)
		case <-time.After(lastBytes):
		}
		if l.end == nil {
			l.end = &penstock.InterruptedError{Before: name + " was at its end", Err: context.Canceled}
		}
	}
	return nil
}

func (l *live) got(c chunk) {
	l.buf, l.rest, l.end = c.buf, c.buf[:c.n], c.err
}

// Close lets go of the stream.
func (l *live) Close() error {
	close(l.closed)
	if !l.started && l.r != nil {
		return l.r.Close()
	}
	return nil
}

// Concat gives the items of one source after those of the other.
func Concat(sources ...penstock.Source) penstock.Source { return concat(sources) }

type concat []penstock.Source

// Items is part of penstock.Source.
func (c concat) Items(ctx context.Context) iter.Seq2[penstock.Item, error] {
	return func(yield func(penstock.Item, error) bool) {
		for _, s := range c {
			for it, err := range s.Items(ctx) {
				if !yield(it, err) {
					return
				}
				if err != nil {
					return
				}
			}
		}
	}
}

package domain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// direct is a connection that writes a request's body straight from memory. net/http copies a body in pieces of 32 KiB,
// each with a system call of its own, and a bulk body has megabytes. Over TLS it changes nothing: TLS writes records of
// its own size.
type direct struct{ net.Conn }

// ReadFrom writes a request's body. net/http calls it with a reader that ends after Content-Length bytes.
func (c direct) ReadFrom(r io.Reader) (int64, error) {
	if body, ok := r.(*io.LimitedReader); ok {
		if whole, ok := body.R.(io.WriterTo); ok {
			n, err := whole.WriteTo(&promised{conn: c.Conn, left: body.N})
			body.N -= n
			return n, err
		}
	}
	return io.Copy(c.Conn, r)
}

// promised writes at most as many bytes of a body as Content-Length says.
type promised struct {
	conn net.Conn
	left int64
}

func (p *promised) Write(b []byte) (int, error) {
	fit := b[:min(int64(len(b)), p.left)]
	if len(fit) == 0 {
		return 0, io.ErrShortWrite
	}
	n, err := p.conn.Write(fit)
	p.left -= int64(n)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	return n, err
}

// DialFunc makes a connection.
type DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error)

// dialDirect makes the connections of dial direct ones.
func dialDirect(dial DialFunc) DialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return direct{c}, nil
	}
}

// DefaultStallTimeout is how long a connection may be silent when no other time is set.
const DefaultStallTimeout = time.Minute

// WithStallTimeout makes the connections of dial fail with a *StallError when a read or write waits and no byte has
// come or gone for as long as stall. TCP itself waits for ever for a peer that neither answers nor reads, while its
// machine is up.
func WithStallTimeout(dial DialFunc, stall time.Duration) DialFunc {
	if stall <= 0 {
		stall = DefaultStallTimeout
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &watched{Conn: c, stall: stall}, nil
	}
}

// watched is a connection that fails when it is silent for too long. A byte in one direction counts for the other too:
// an answer may take its time while the request is still being sent.
type watched struct {
	net.Conn
	stall time.Duration
	dead  atomic.Bool  // it was silent for too long
	last  atomic.Int64 // when a byte came or went, in nanoseconds since started
	// When the deadlines were set, likewise.
	readSet, writeSet atomic.Int64
}

// stallSteps is how many times a silence is checked before it is too long.
const stallSteps = 4

// started is the zero of the clock of all connections.
var started = time.Now()

func (c *watched) Read(p []byte) (int, error) {
	return c.within(p, &c.readSet, c.SetReadDeadline, c.Conn.Read, "answer")
}

func (c *watched) Write(p []byte) (written int, err error) {
	return c.within(p, &c.writeSet, c.SetWriteDeadline, c.Conn.Write, "reading")
}

// within does one read or write in steps. A write that a step's end has cut short goes on where it was.
func (c *watched) within(
	p []byte, set *atomic.Int64, deadline func(time.Time) error, do func([]byte) (int, error), missing string,
) (done int, err error) {
	began := time.Since(started)
	for now := began; ; {
		// Moving a deadline costs as much as reading a small answer: one that was just set is good enough.
		const recent = 8
		n, step := 0, c.stall/stallSteps
		if before := set.Load(); before == 0 || now-time.Duration(before) > step/recent {
			set.Store(int64(max(now, 1)))
			err = deadline(started.Add(now + step))
		}
		if err == nil {
			n, err = do(p[done:])
			done += n
		}
		now = time.Since(started)
		if n > 0 {
			c.last.Store(int64(now))
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			silent := now - max(began, time.Duration(c.last.Load()))
			if silent < c.stall-c.stall/(2*stallSteps) {
				set.Store(0)
				continue
			}
			c.dead.Store(true)
		}
		// The other direction may have found the silence, and the connection is closed since then.
		if err != nil && c.dead.Load() {
			err = &StallError{Missing: missing, After: c.stall}
		}
		return done, err
	}
}

// StallError says that a connection was silent for too long.
type StallError struct {
	// Missing is what the peer did not do: "answer" or "reading".
	Missing string
	After   time.Duration
}

var _ net.Error = (*StallError)(nil)

func (e *StallError) Error() string {
	return fmt.Sprintf("no %s: not a byte in either direction for %v", e.Missing, e.After)
}

// Timeout is always true.
func (e *StallError) Timeout() bool { return true }

// Temporary is always true.
func (e *StallError) Temporary() bool { return true }

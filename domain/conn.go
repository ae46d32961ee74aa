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

// direct is a connection that writes a request's body from where it lies. net/http copies a body in pieces of 32 KiB,
// each with a system call of its own; a bulk body is some megabytes in one piece. Over TLS it has nothing to do:
// there the pieces are records.
type direct struct{ net.Conn }

// ReadFrom is what net/http calls for a request's body, limited to as many bytes as the header promised.
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

// promised is the part of a connection that a body may use.
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

// DefaultStallTimeout is how long a connection may be silent when nothing else is said.
const DefaultStallTimeout = time.Minute

// Attended makes the connections of dial fail when no byte has come or gone for as long as stall, while somebody
// waits for one. TCP itself would wait for a peer that neither answers nor reads for as long as the peer's machine is
// up.
func Attended(dial DialFunc, stall time.Duration) DialFunc {
	if stall <= 0 {
		stall = DefaultStallTimeout
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &attended{Conn: c, stall: stall}, nil
	}
}

// attended is a connection with an eye on its silence. A byte in one direction is a sign of life for the other: who
// waits for an answer is patient while the request is still on its way.
type attended struct {
	net.Conn
	stall time.Duration
	dead  atomic.Bool  // it was silent for too long
	last  atomic.Int64 // when a byte came or went, in nanoseconds since started
}

// stallSteps is how many times a silence is looked at before it is too long.
const stallSteps = 4

// started is the zero of the clock of all connections.
var started = time.Now()

// Read is part of net.Conn.
func (c *attended) Read(p []byte) (int, error) {
	return c.within(p, c.SetReadDeadline, c.Conn.Read, "answer")
}

// Write is part of net.Conn.
func (c *attended) Write(p []byte) (written int, err error) {
	return c.within(p, c.SetWriteDeadline, c.Conn.Write, "reading")
}

// within does one operation in steps. A write that is cut short by the end of a step goes on where it was.
func (c *attended) within(
	p []byte, deadline func(time.Time) error, do func([]byte) (int, error), missing string,
) (done int, err error) {
	began := time.Since(started)
	for {
		n := 0
		if err = deadline(time.Now().Add(c.stall / stallSteps)); err == nil {
			n, err = do(p[done:])
			done += n
		}
		now := time.Since(started)
		if n > 0 {
			c.last.Store(int64(now))
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			silent := now - max(began, time.Duration(c.last.Load()))
			if silent < c.stall-c.stall/(2*stallSteps) {
				continue
			}
			c.dead.Store(true)
		}
		if err != nil && c.dead.Load() { // found by the other direction, maybe, after which the connection was closed
			err = &StallError{Missing: missing, After: c.stall}
		}
		return done, err
	}
}

// StallError says that a connection was silent for too long.
type StallError struct {
	// Missing is what did not come: an answer, or somebody reading what is sent.
	Missing string
	After   time.Duration
}

func (e *StallError) Error() string {
	return fmt.Sprintf("no %s: not a byte in either direction for %v", e.Missing, e.After)
}

// Timeout is part of net.Error, and always true.
func (e *StallError) Timeout() bool { return true }

// Temporary is always true.
func (e *StallError) Temporary() bool { return true }

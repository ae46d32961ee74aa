package domain

import (
	"context"
	"io"
	"net"
)

// direct is a connection that writes a request's body from where it lies. net/http copies a body in pieces of 32 KiB, each
// with a system call of its own; a bulk body is some megabytes in one piece. Over TLS it has nothing to do: there the pieces
// are records.
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

// dialDirect makes the connections of dial direct ones.
func dialDirect(dial func(ctx context.Context, network, addr string) (net.Conn, error)) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return direct{c}, nil
	}
}

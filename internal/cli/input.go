package cli

import (
	"io"
	"os"
	"sync/atomic"

	"github.com/seed56735111/penstock"
)

// openInput opens a file, or standard input for "-". Closing leaves standard input open.
func openInput(stdin io.Reader, name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(stdin), nil
	}
	return os.Open(name)
}

// readFileOrInput reads a file, or standard input for "-", whole.
func readFileOrInput(stdin io.Reader, name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(stdin)
	}
	return os.ReadFile(name)
}

// readBounded reads a file, or standard input for "-", and no more than limit bytes of it.
func readBounded(stdin io.Reader, name string, limit int64) ([]byte, error) {
	f, err := openInput(stdin, name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, limit))
}

// countedReader counts what is read. The count may be loaded while another goroutine reads.
type countedReader struct {
	r io.Reader
	n atomic.Int64
}

func (c *countedReader) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n.Add(int64(n))
	return n, err
}

// Places is part of penstock.Placed.
func (c *countedReader) Places() penstock.Places {
	if p, ok := c.r.(penstock.Placed); ok {
		return penstock.CountedPlaces(p.Places(), func(n int) { c.n.Add(int64(n)) })
	}
	return nil
}

package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/seed56735111/penstock"
)

// dryRun is a Deliverer that writes documents to standard output, one a line, and a DeadLetters that only tells. It
// sends nothing and leaves nothing behind.
type dryRun struct {
	mu      sync.Mutex
	out     *bufio.Writer
	err     io.Writer
	linger  time.Duration // how long a document waits to be written
	waiting bool          // some do
	letters int           // told of
}

var (
	_ penstock.Deliverer   = (*dryRun)(nil)
	_ penstock.DeadLetters = (*dryRun)(nil)
	_ penstock.Delivery    = (*dryDelivery)(nil)
)

func newDryRun(out, err io.Writer, linger time.Duration) *dryRun {
	return &dryRun{out: bufio.NewWriterSize(out, 64<<10), err: err, linger: linger}
}

// Hold is part of penstock.Deliverer.
func (*dryRun) Hold() (release func()) { return func() {} }

func (d *dryRun) Begin(penstock.RejectFunc) penstock.Delivery { return &dryDelivery{dryRun: d} }

type dryDelivery struct {
	*dryRun
	n int64
}

// Add writes the document, after linger at the latest.
func (d *dryDelivery) Add(_ context.Context, doc penstock.Document) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, part := range [][]byte{doc.Head, doc.Tail, []byte("\n")} {
		if _, err := d.out.Write(part); err != nil {
			return &outputError{err}
		}
	}
	d.n++
	if !d.waiting {
		d.waiting = true
		time.AfterFunc(d.linger, d.flush)
	}
	return nil
}

// flush writes what has waited. An error comes again with the next document, or at the end.
func (d *dryRun) flush() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.waiting = false
	_ = d.out.Flush()
}

// Wait writes what has waited: a preview counts as delivered when standard output has it.
func (d *dryDelivery) Wait(context.Context) (penstock.Outcome, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.out.Flush(); err != nil {
		return penstock.Outcome{}, &outputError{err}
	}
	return penstock.Outcome{Delivered: d.n}, nil
}

// Put tells of the first letters and counts the others. It stores none.
func (d *dryRun) Put(_ context.Context, letters ...penstock.Letter) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range letters {
		if d.letters++; d.letters > shownRows {
			if d.letters == shownRows+1 {
				_, _ = fmt.Fprintln(d.err, "penstock: would be dead-lettered: … and more; the sum at the end counts them")
			}
			continue
		}
		_, _ = fmt.Fprintf(d.err, "penstock: would be dead-lettered: %s byte %d: %s: %s\n", printable(l.Source.Object),
			l.Source.Offset, l.Reason, printable(l.Detail))
	}
	return nil
}

// outputError says that standard output cannot be written; there is no point in going on.
type outputError struct{ err error }

func (e *outputError) Error() string { return "write standard output: " + e.err.Error() }
func (e *outputError) Unwrap() error { return e.err }
func (e *outputError) Fatal() bool   { return true }

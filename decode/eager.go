package decode

import (
	"bufio"
	"errors"
	"io"
	"iter"

	"github.com/seed56735111/penstock"
)

// eager decompresses a stream that comes while it is read: it gives what could be decoded before it waits for more. The
// codecs know nothing of that. They run as a coroutine, which their input leaves when the stream idles.
type eager struct {
	next func() ([]byte, error, bool)
	stop func()
	rest []byte
	err  error
}

func (d *Decoder) eager(kind container, r io.Reader) *eager {
	e := new(eager)
	e.next, e.stop = iter.Pull2(func(yield func([]byte, error) bool) {
		in := &idleInput{r: r, yield: yield}
		codec, release, err := d.decompress(kind, bufio.NewReaderSize(in, innerBuffer))
		if err == nil {
			err = in.copy(codec, kind)
			release()
		}
		yield(nil, err)
	})
	return e
}

func (e *eager) Read(p []byte) (int, error) {
	for len(e.rest) == 0 {
		if e.err != nil {
			return 0, e.err
		}
		rest, err, _ := e.next()
		if errors.Is(err, penstock.ErrIdle) {
			return 0, err
		}
		e.rest, e.err = rest, err
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

// idleInput is the input of the codec in a coroutine.
type idleInput struct {
	r     io.Reader
	yield func([]byte, error) bool
	held  []byte // decoded, and not yet given
}

func (i *idleInput) Read(p []byte) (int, error) {
	for {
		n, err := i.r.Read(p)
		if n > 0 || !errors.Is(err, penstock.ErrIdle) {
			return n, err
		}
		if err := i.give(); err != nil {
			return 0, err
		}
		if !i.yield(nil, penstock.ErrIdle) {
			return 0, errStopped
		}
	}
}

// Write gives decoded bytes.
func (i *idleInput) Write(p []byte) (int, error) {
	if len(p) > 0 && !i.yield(p, nil) {
		return 0, errStopped
	}
	return len(p), nil
}

func (i *idleInput) give() error {
	held := i.held
	i.held = i.held[:0]
	_, err := i.Write(held)
	return err
}

// copy gives what the codec decodes, and returns how that ended, io.EOF in good order.
func (i *idleInput) copy(codec io.Reader, kind container) error {
	if w, ok := codec.(io.WriterTo); ok {
		if _, err := w.WriteTo(i); err != nil {
			return err
		}
		return io.EOF
	}
	buf, least := make([]byte, outerBuffer), 0
	if kind == xzStream {
		// It waits until all that it is asked for has come, so it is asked for one byte at a time.
		buf, least = buf[:1], outerBuffer
	}
	for {
		n, err := codec.Read(buf)
		if i.held = append(i.held, buf[:n]...); err == nil && len(i.held) < least {
			continue
		}
		if gerr := i.give(); gerr != nil {
			return gerr
		}
		if err != nil {
			return err
		}
	}
}

// patient reads a stream that idles for those who cannot be told.
type patient struct{ r io.Reader }

func (p patient) Read(b []byte) (int, error) {
	for {
		n, err := p.r.Read(b)
		if n > 0 || !errors.Is(err, penstock.ErrIdle) {
			return n, err
		}
	}
}

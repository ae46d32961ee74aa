package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
)

// BodyTooLargeError says that a body is longer than the bound on bodies.
type BodyTooLargeError struct {
	// Limit is the bound in bytes.
	Limit int64
}

func (e *BodyTooLargeError) Error() string {
	return fmt.Sprintf("request body is over %d bytes", e.Limit)
}

// payload is a body that was read to its end: the first part in memory, the rest in a file that has no name any more.
type payload struct {
	chunks [][]byte
	inMem  int64
	file   *os.File
	size   int64
	hash   string

	closing sync.Once
}

const (
	firstChunk = 32 << 10
	maxChunk   = 1 << 20
)

// spool reads r to its end and hashes it. At most inMemory bytes stay in memory; dir is where the file is made, "" for
// the system's place. A body over limit is a *[BodyTooLargeError].
func spool(r io.Reader, length, inMemory, limit int64, dir string) (*payload, error) {
	p := &payload{}
	if r == nil || r == http.NoBody {
		p.hash = EmptyPayloadHash
		return p, nil
	}
	if length > limit {
		return nil, &BodyTooLargeError{Limit: limit}
	}
	h := sha256.New()
	src := io.TeeReader(io.LimitReader(r, limit+1), h)
	err := p.fill(src, length, inMemory, dir)
	switch {
	case err != nil:
	case p.size > limit:
		err = &BodyTooLargeError{Limit: limit}
	case length > 0 && p.size != length:
		err = fmt.Errorf("body has %d bytes, Content-Length says %d", p.size, length)
	}
	if err != nil {
		_ = p.Close()
		return nil, err
	}
	p.hash = hex.EncodeToString(h.Sum(nil))
	return p, nil
}

func (p *payload) fill(src io.Reader, length, inMemory int64, dir string) error {
	// Chunks grow with what has arrived, not with what was announced.
	size := int64(firstChunk)
	for p.inMem < inMemory {
		size = min(size, inMemory-p.inMem)
		if length > p.inMem {
			size = min(size, length-p.inMem)
		}
		chunk := make([]byte, size)
		n, err := io.ReadFull(src, chunk)
		if n > 0 {
			p.chunks = append(p.chunks, chunk[:n])
			p.inMem += int64(n)
			p.size = p.inMem
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read body: %w", err)
		}
		size = min(2*size, maxChunk)
		if p.inMem == length {
			// Most bodies end here: see the end without taking another chunk.
			var one [1]byte
			if _, err := io.ReadFull(src, one[:]); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return fmt.Errorf("read body: %w", err)
			}
			p.size++
			return nil // longer than announced: spool says so
		}
	}
	file, err := os.CreateTemp(dir, "sigv4-body-*")
	if err != nil {
		return fmt.Errorf("spool body: %w", err)
	}
	p.file = file
	// Without a name nobody else can open it, and it is gone with the process. Where an open file cannot be removed,
	// Close does it.
	_ = os.Remove(file.Name())
	n, err := io.Copy(file, src)
	p.size += n
	if err != nil {
		return fmt.Errorf("spool body: %w", err)
	}
	return nil
}

// Close gives the file back. Readers fail from then on.
func (p *payload) Close() error {
	var err error
	p.closing.Do(func() {
		if p.file != nil {
			err = p.file.Close()
			_ = os.Remove(p.file.Name())
		}
	})
	return err
}

// open returns a reader from the first byte on. Readers are independent of each other.
func (p *payload) open() io.ReadCloser {
	if p.size == 0 {
		return http.NoBody
	}
	return &payloadReader{p: p}
}

type payloadReader struct {
	p   *payload
	off int64
	// chunk is the chunk that off lies in, and skip how far into it.
	chunk int
	skip  int
}

// Read is part of io.Reader.
func (r *payloadReader) Read(b []byte) (int, error) {
	if r.chunk < len(r.p.chunks) {
		c := r.p.chunks[r.chunk]
		n := copy(b, c[r.skip:])
		r.skip += n
		r.off += int64(n)
		if r.skip == len(c) {
			r.chunk, r.skip = r.chunk+1, 0
		}
		return n, nil
	}
	if r.off >= r.p.size {
		return 0, io.EOF
	}
	n, err := r.p.file.ReadAt(b, r.off-r.p.inMem)
	r.off += int64(n)
	if n > 0 || errors.Is(err, io.EOF) && r.off >= r.p.size {
		return n, nil
	}
	return n, err
}

// WriteTo spares a copy of what is in memory.
func (r *payloadReader) WriteTo(w io.Writer) (int64, error) {
	start := r.off
	for r.chunk < len(r.p.chunks) {
		n, err := w.Write(r.p.chunks[r.chunk][r.skip:])
		r.off += int64(n)
		if err != nil {
			r.skip += n
			return r.off - start, err
		}
		r.chunk, r.skip = r.chunk+1, 0
	}
	if r.off < r.p.size {
		at := r.off - r.p.inMem
		n, err := io.Copy(w, io.NewSectionReader(r.p.file, at, r.p.size-r.off))
		r.off += n
		return r.off - start, err
	}
	return r.off - start, nil
}

// Close does nothing: the payload outlives its readers.
func (r *payloadReader) Close() error { return nil }

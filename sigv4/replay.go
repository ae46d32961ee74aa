package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
)

// replay is a body that each attempt reads from the start. It closes the caller's body when nobody reads it any more.
type replay struct {
	size   int64
	hash   string
	source func() (io.ReadCloser, error)

	mu      sync.Mutex
	readers int // RoundTrip itself counts as one
	close   func()
}

// PayloadHasher may be implemented by the Body of a request that has GetBody and ContentLength, when the caller takes
// the SHA-256 while the body is made. [Transport] then reads the body once, to send it. The service refuses a wrong
// sum.
type PayloadHasher interface {
	PayloadSHA256() [sha256.Size]byte
}

// newReplay hashes the body of req. It closes the body when it fails.
func (t *Transport) newReplay(req *http.Request) (*replay, error) {
	b := &replay{readers: 1, hash: EmptyPayloadHash, close: func() {}}
	if req.Body == nil || req.Body == http.NoBody {
		return b, nil
	}
	closeBody := func() { _ = req.Body.Close() }
	var err error
	switch {
	case req.Method == http.MethodHead:
		closeBody()
	case req.GetBody != nil:
		b.source, b.close = req.GetBody, closeBody
		if known, ok := req.Body.(PayloadHasher); ok && req.ContentLength > 0 {
			sum := known.PayloadSHA256()
			b.size, b.hash = req.ContentLength, hex.EncodeToString(sum[:])
			break
		}
		b.size, b.hash, err = hashBody(req.GetBody, req.ContentLength)
		if err != nil {
			closeBody()
		}
	default:
		var p *payload
		p, err = spooling{
			inMemory: orDefault(t.SpoolBytes, defaultSpool), limit: orDefault(t.MaxBody, defaultMaxBody),
			dir: t.SpoolDir, pool: &t.core.chunks, budget: t.Budget,
		}.spool(req.Body, req.ContentLength)
		closeBody()
		if err == nil {
			b.source = p.open
			b.size, b.hash, b.close = p.size, p.hash, func() { _ = p.Close() }
		}
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

func orDefault(n, def int64) int64 {
	if n > 0 {
		return n
	}
	return def
}

func hashBody(open func() (io.ReadCloser, error), length int64) (size int64, hash string, err error) {
	rc, err := open()
	if err != nil {
		return 0, "", fmt.Errorf("read body: %w", err)
	}
	defer rc.Close()
	h := sha256.New()
	size, err = io.Copy(h, rc)
	if err != nil {
		return 0, "", fmt.Errorf("read body: %w", err)
	}
	if length > 0 && size != length {
		return 0, "", fmt.Errorf("body has %d bytes, Content-Length says %d", size, length)
	}
	var sum [sha256.Size]byte
	return size, hex.EncodeToString(h.Sum(sum[:0])), nil
}

// open returns the body from its start.
func (b *replay) open() (io.ReadCloser, error) {
	b.mu.Lock()
	if b.readers == 0 {
		b.mu.Unlock()
		return nil, errors.New("the request is over")
	}
	b.readers++
	b.mu.Unlock()
	rc, err := b.source()
	if err != nil {
		b.release()
		return nil, err
	}
	return &replayReader{ReadCloser: rc, body: b}, nil
}

// release counts one reader less.
func (b *replay) release() {
	b.mu.Lock()
	b.readers--
	last := b.readers == 0
	b.mu.Unlock()
	if last {
		b.close()
	}
}

// replayReader is one reading of the body, for one attempt.
type replayReader struct {
	io.ReadCloser

	body *replay
	once sync.Once
}

// WriteTo lets a body in memory be sent without a copy.
func (r *replayReader) WriteTo(w io.Writer) (int64, error) { return io.Copy(w, r.ReadCloser) }

// Close ends this reading.
func (r *replayReader) Close() error {
	err := r.ReadCloser.Close()
	r.once.Do(r.body.release)
	return err
}

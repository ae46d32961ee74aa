package edge

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

const (
	// spoolInMemory is how much of a body stays in memory; the rest goes to a file without a name.
	spoolInMemory = 1 << 20
	// spoolAhead bounds the memory that is taken because of a Content-Length, before any byte has come.
	spoolAhead = 64 << 10
	// drainLimit and drainTime bound what is still read of a request that is refused for its size. Some clients read an
	// answer only after they have written everything.
	drainLimit = 128 << 20
	drainTime  = 10 * time.Second
	// bodyPace is how many bytes of a body have to arrive in a second, after the patience.
	bodyPace = 16 << 10
	// DefaultPatience is the patience when none is set.
	DefaultPatience = 30 * time.Second
)

// ErrTooLarge says that a body is longer than the domain takes.
var ErrTooLarge = errors.New("request body over the limit")

// ErrSlow says that a body arrives too slowly.
var ErrSlow = errors.New("the request body comes too slowly")

// pacedReader reads a request's body, and fails when the body arrives too slowly. Otherwise a client that sends a byte
// now and then could hold a connection, and the body so far, for ever.
type pacedReader struct {
	r        io.Reader
	control  *http.ResponseController
	started  time.Time
	patience time.Duration
	got      int64
}

func (p *pacedReader) Read(b []byte) (int, error) {
	deadline := p.started.Add(p.patience + time.Duration(p.got)*time.Second/bodyPace)
	// Not every ResponseWriter can set a deadline. Without one a slow body fails at its next byte. At the end of the body
	// net/http removes the deadline.
	_ = p.control.SetReadDeadline(deadline)
	n, err := p.r.Read(b)
	p.got += int64(n)
	if errors.Is(err, os.ErrDeadlineExceeded) || err == nil && time.Now().After(deadline) {
		return n, ErrSlow
	}
	return n, err
}

// Body is a request body that was read to its end.
type Body struct {
	mem  []byte
	file *os.File
	// Size is its length in bytes.
	Size int64
	// Sum is its SHA-256, if ReadBody was asked for it.
	Sum [sha256.Size]byte
}

// ReadBody reads the whole body of r: nothing is answered, and nothing reaches the backend, before the client has sent
// everything. The hash is computed only when hashed is true. The caller closes the result.
func ReadBody(
	w http.ResponseWriter, r *http.Request, limit int64, dir string, patience time.Duration, hashed bool,
) (*Body, error) {
	b := &Body{}
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		if hashed {
			b.Sum = sha256.Sum256(nil)
		}
		return b, nil
	}
	if r.ContentLength > limit {
		// A client that waits for 100 Continue has not sent anything.
		if !strings.EqualFold(r.Header.Get("Expect"), "100-continue") {
			drain(w, r)
		}
		return nil, ErrTooLarge
	}
	var h hash.Hash
	paced := &pacedReader{r: r.Body, control: http.NewResponseController(w), started: time.Now(), patience: patience}
	src := io.LimitReader(paced, limit+1)
	if hashed {
		h = sha256.New()
		src = io.TeeReader(src, h)
	}
	if err := b.fill(src, r.ContentLength, dir); err != nil {
		b.Close()
		return nil, err
	}
	if b.Size > limit {
		b.Close()
		drain(w, r)
		return nil, ErrTooLarge
	}
	if hashed {
		h.Sum(b.Sum[:0])
	}
	return b, nil
}

// fill keeps the first part of src in memory and spools to a file when there is more.
func (b *Body) fill(src io.Reader, length int64, dir string) error {
	var buf bytes.Buffer
	if length > 0 {
		// One byte more lets ReadFrom see the end without growing again.
		buf.Grow(int(min(length, spoolAhead)) + bytes.MinRead)
	}
	n, err := buf.ReadFrom(io.LimitReader(src, spoolInMemory))
	b.mem, b.Size = buf.Bytes(), n
	if err != nil {
		return fmt.Errorf("read request body: %w", err)
	}
	if n < spoolInMemory {
		return nil
	}
	file, err := os.CreateTemp(dir, "penstock-body-*")
	if err != nil {
		return &SpoolError{err}
	}
	b.file = file
	// Without a name nobody else can open the file, and it goes with the process. Windows cannot remove an open file:
	// there Close removes it.
	_ = os.Remove(file.Name())
	more, err := io.Copy(spoolWriter{file}, src)
	b.Size += more
	if serr := (*SpoolError)(nil); errors.As(err, &serr) {
		return serr
	}
	if err != nil {
		return fmt.Errorf("read request body: %w", err)
	}
	return nil
}

// SpoolError says that our side could not keep a body, which is not the client's fault.
type SpoolError struct{ err error }

func (e *SpoolError) Error() string { return "spool request body: " + e.err.Error() }
func (e *SpoolError) Unwrap() error { return e.err }

type spoolWriter struct{ w io.Writer }

func (s spoolWriter) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	if err != nil {
		return n, &SpoolError{err}
	}
	return n, nil
}

// Reader returns a new reader of the whole body. Readers do not share a position.
func (b *Body) Reader() io.ReadCloser {
	if b.Size == 0 {
		return http.NoBody
	}
	if b.file == nil {
		return io.NopCloser(bytes.NewReader(b.mem))
	}
	rest := b.Size - int64(len(b.mem))
	return io.NopCloser(io.MultiReader(bytes.NewReader(b.mem), io.NewSectionReader(b.file, 0, rest)))
}

// Close removes the part of the body that is in a file. A reader of it fails from then on. The part in memory stays
// valid, because a transport may read it after its handler has returned.
func (b *Body) Close() {
	if b == nil || b.file == nil {
		return
	}
	_ = b.file.Close()
	_ = os.Remove(b.file.Name())
}

// drain reads on, within bounds, what the client is still sending.
func drain(w http.ResponseWriter, r *http.Request) {
	// Not every ResponseWriter can set a deadline. The bound in bytes holds for all.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(drainTime))
	_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, drainLimit))
}

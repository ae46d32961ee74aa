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

// payload is a body that was read to its end: the first part is in memory, the rest in a file without a name.
type payload struct {
	chunks [][]byte
	pooled []*chunk // what large ones lie in
	inMem  int64
	file   *os.File
	size   int64
	hash   string
	pool   *sync.Pool
	// budget is what memory and disk were taken from, nil when there is no bound on all bodies together.
	budget       *Budget
	memory, disk int64
	turn         *turn // of a large body

	mu sync.Mutex
	// users counts the owner, until Close, and the open readers. The last one frees memory and file: a transport can
	// still be reading when the request is answered.
	users  int
	closed bool
}

// The sizes of chunks. Each is chunkFactor times the one before, up to maxChunk. Chunks of that size are used again.
const (
	firstChunk  = 1 << 10
	chunkFactor = 8
	maxChunk    = 256 << 10
)

// spooling says where a body waits.
type spooling struct {
	// inMemory is how much of it stays in memory at most, limit how long it may be.
	inMemory, limit int64
	// dir is where the rest goes, in the system's temporary directory when empty.
	dir string
	// pool is where large chunks come from and go back to.
	pool   *sync.Pool
	budget *Budget
}

// spool reads r to its end and hashes it. A body over the limit is a *[BodyTooLargeError], one that the budget has no
// room for a *[BusyError].
func (s spooling) spool(r io.Reader, length int64) (*payload, error) {
	p := &payload{pool: s.pool, budget: s.budget, users: 1}
	if r == nil || r == http.NoBody {
		p.hash = EmptyPayloadHash
		return p, nil
	}
	if length > s.limit {
		return nil, &BodyTooLargeError{Limit: s.limit}
	}
	h := sha256.New()
	src := io.TeeReader(io.LimitReader(r, s.limit+1), h)
	err := p.fill(src, length, s.inMemory, s.dir)
	switch {
	case err != nil:
	case p.size > s.limit:
		err = &BodyTooLargeError{Limit: s.limit}
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
	for size := int64(firstChunk); p.inMem < inMemory; size = min(chunkFactor*size, maxChunk) {
		if p.turn == nil && max(length, p.inMem) > turnBytes {
			p.turn = p.budget.turn(min(orDefault(length, inMemory), inMemory))
		}
		more, err := p.fillChunk(src, min(size, inMemory-p.inMem), length)
		if errors.Is(err, errNoMemory) {
			break
		}
		p.turn.moved()
		if err != nil || !more {
			return err
		}
	}
	file, err := os.CreateTemp(dir, "sigv4-body-*")
	if err != nil {
		return fmt.Errorf("spool body: %w", err)
	}
	p.file = file
	// Without a name nobody else can open the file, and it goes with the process. Windows cannot remove an open file:
	// there Close removes it.
	_ = os.Remove(file.Name())
	n, err := io.Copy(diskWriter{file, p}, src)
	p.size += n
	if err != nil {
		return fmt.Errorf("spool body: %w", err)
	}
	return nil
}

// fillChunk reads one chunk of at most size bytes. It reports whether there is more.
func (p *payload) fillChunk(src io.Reader, size, length int64) (more bool, err error) {
	if rest := length - p.inMem; rest > 0 {
		size = min(size, rest)
	}
	chunk, err := p.chunk(size)
	if err != nil {
		return false, err
	}
	n, err := readFull(src, chunk)
	if n > 0 {
		p.chunks = append(p.chunks, chunk[:n])
	}
	p.inMem += int64(n)
	p.size = p.inMem
	if err == nil && p.inMem == length {
		// Most bodies end here: look for the end without taking another chunk. A byte more than announced is an error of
		// spool.
		var one [1]byte
		n, err = readFull(src, one[:])
		p.size += int64(n)
		more = false
	} else {
		more = err == nil
	}
	if err != nil && err != io.EOF { //nolint:errorlint // an error that wraps io.EOF is no end
		return false, fmt.Errorf("read body: %w", err)
	}
	return more, nil
}

// readFull fills b. When there is less, the error is the reader's own, and io.EOF means the end of the body.
// io.ReadFull would say io.ErrUnexpectedEOF also of a body that ends.
func readFull(r io.Reader, b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		var m int
		m, err = r.Read(b[n:])
		n += m
	}
	if n == len(b) && err == io.EOF {
		err = nil // the next call sees it again
	}
	return n, err
}

// errNoMemory says that the budget has no memory for another chunk.
var errNoMemory = errors.New("no memory left for bodies")

// chunk returns memory for size bytes.
func (p *payload) chunk(size int64) ([]byte, error) {
	whole := size
	if size > maxChunk/chunkFactor {
		whole = maxChunk
	}
	if !p.budget.takeMemory(whole) {
		return nil, errNoMemory
	}
	p.memory += whole
	if whole < maxChunk {
		return make([]byte, size), nil
	}
	c := takeChunk(p.pool)
	p.pooled = append(p.pooled, c)
	return c.bytes[:size], nil
}

// Close ends the use by the owner. Open readers go on; opening another fails.
func (p *payload) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	p.closed = true
	return p.release()
}

// release counts one user less. p.mu is held.
func (p *payload) release() error {
	p.users--
	if p.users > 0 {
		p.turn.sent()
		return nil
	}
	defer p.turn.end()
	for _, c := range p.pooled {
		p.pool.Put(c)
	}
	p.chunks, p.pooled = nil, nil
	p.budget.giveBack(p.memory, p.disk)
	if p.file == nil {
		return nil
	}
	err := p.file.Close()
	_ = os.Remove(p.file.Name()) // only where it could not be removed while open
	return err
}

// open returns a reader from the first byte on. Readers are independent of each other.
func (p *payload) open() (io.ReadCloser, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errBodyClosed
	}
	if p.size == 0 {
		return http.NoBody, nil
	}
	p.users++
	return &payloadReader{p: p}, nil
}

var errBodyClosed = errors.New("read body: closed")

// payloadReader reads a payload for one user. Close may come while a read is under way.
type payloadReader struct {
	p   *payload
	off int64
	// chunk is the chunk that off lies in, and skip how far into it.
	chunk int
	skip  int

	mu           sync.Mutex
	busy, closed bool
}

// begin marks a read as under way, so that Close leaves the memory to it.
func (r *payloadReader) begin() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return errBodyClosed
	}
	r.busy = true
	return nil
}

func (r *payloadReader) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.busy = false
	if r.closed {
		r.drop()
	}
}

// Close ends this reader.
func (r *payloadReader) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil
	}
	r.closed = true
	if !r.busy {
		r.drop()
	}
	return nil
}

func (r *payloadReader) drop() {
	r.p.mu.Lock()
	defer r.p.mu.Unlock()
	_ = r.p.release()
}

func (r *payloadReader) Read(b []byte) (int, error) {
	if err := r.begin(); err != nil {
		return 0, err
	}
	defer r.end()
	if r.chunk < len(r.p.chunks) {
		c := r.p.chunks[r.chunk]
		n := copy(b, c[r.skip:])
		r.advance(n)
		return n, nil
	}
	if r.off >= r.p.size {
		return 0, io.EOF
	}
	n, err := r.p.file.ReadAt(b, r.off-r.p.inMem)
	r.off += int64(n)
	if n > 0 {
		return n, nil
	}
	return 0, err
}

// WriteTo spares a copy of what is in memory.
func (r *payloadReader) WriteTo(w io.Writer) (int64, error) {
	if err := r.begin(); err != nil {
		return 0, err
	}
	defer r.end()
	start := r.off
	for r.chunk < len(r.p.chunks) {
		n, err := w.Write(r.p.chunks[r.chunk][r.skip:])
		r.advance(n)
		r.p.turn.moved()
		if err != nil {
			return r.off - start, err
		}
	}
	if r.off >= r.p.size {
		return r.off - start, nil
	}
	n, err := io.Copy(w, io.NewSectionReader(r.p.file, r.off-r.p.inMem, r.p.size-r.off))
	r.off += n
	return r.off - start, err
}

// advance moves n bytes on in the chunks.
func (r *payloadReader) advance(n int) {
	r.off += int64(n)
	r.skip += n
	if r.skip == len(r.p.chunks[r.chunk]) {
		r.chunk, r.skip = r.chunk+1, 0
	}
}

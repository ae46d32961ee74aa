package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"sync"
)

// Keeper keeps request bodies that somebody has to read before they are sent. A [Transport] then sends them without
// reading them once more for the hash. It is safe for concurrent use and must not be copied after first use.
type Keeper struct {
	// Memory bounds how much of a body stays in memory; 0 is 8 MiB.
	Memory int64
	// MaxBody bounds a body; 0 is 100 MiB.
	MaxBody int64
	// Dir is where temporary files are made; empty is the system's directory.
	Dir string
	// Budget bounds all bodies that are kept together, with those of transports that share it. Nil is no bound.
	Budget *Budget

	chunks sync.Pool
}

// Kept is a body that was read to its end. It is the Body of a request that is sent once; Open begins again. Close
// frees it when nobody reads it any more.
type Kept struct {
	p   *payload
	sum [sha256.Size]byte

	mu     sync.Mutex
	reader io.ReadCloser
}

var _ PayloadHasher = (*Kept)(nil)

// Keep reads the body of r to its end and makes the result the body of r, with its length and GetBody. The caller
// closes the result. A body over the bound is a *[BodyTooLargeError], one that the budget has no room for a
// *[BusyError].
func (k *Keeper) Keep(r *http.Request) (*Kept, error) {
	p, err := spooling{
		inMemory: orDefault(k.Memory, defaultSpool), limit: orDefault(k.MaxBody, defaultMaxBody),
		dir: k.Dir, pool: &k.chunks, budget: k.Budget,
	}.spool(r.Body, r.ContentLength)
	if err != nil {
		return nil, fmt.Errorf("keep request body: %w", err)
	}
	kept := &Kept{p: p}
	_, _ = hex.Decode(kept.sum[:], []byte(p.hash)) // made by hex itself
	r.Body, r.GetBody, r.ContentLength, r.TransferEncoding = kept, kept.Open, p.size, nil
	if p.size == 0 {
		r.Body = http.NoBody
	}
	return kept, nil
}

// Open returns the body from its start. Readers are independent of each other.
func (k *Kept) Open() (io.ReadCloser, error) { return k.p.open() }

// PayloadSHA256 is the hash of the body.
func (k *Kept) PayloadSHA256() [sha256.Size]byte { return k.sum }

// Read implements io.Reader.
func (k *Kept) Read(b []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.reader == nil {
		var err error
		if k.reader, err = k.Open(); err != nil {
			return 0, err
		}
	}
	return k.reader.Read(b)
}

// Close ends the use of the body. Readers that are open go on.
func (k *Kept) Close() error {
	k.mu.Lock()
	if k.reader != nil {
		_ = k.reader.Close() // frees memory only
	}
	k.mu.Unlock()
	return k.p.Close()
}

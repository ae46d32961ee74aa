// Package sha2x takes the SHA-256 of two streams in turns, in little more than half the time: a processor's SHA
// instructions wait for each other within a stream, and not across two.
//
// Only whole blocks of both streams go that way, on amd64 processors that have the instructions. Everything else is the
// standard library, as is everything in FIPS 140-3 mode.
package sha2x

import (
	"bytes"
	"crypto/fips140"
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"hash"
	"sync"
)

// Digest is the hash of one stream. The zero value is not ready for use; see New. It is not safe for concurrent use.
type Digest struct {
	std  hash.Hash
	size int // bytes written since Reset
	// words are the state between two blocks while it is moved on, kept is the whole state as std writes and reads it.
	words [8]uint32
	kept  []byte
}

// New returns the digest of an empty stream.
func New() *Digest { return &Digest{std: sha256.New()} }

// Write adds to the stream.
func (d *Digest) Write(p []byte) {
	d.size += len(p)
	d.std.Write(p)
}

// Sum returns the hash of what was written so far.
func (d *Digest) Sum() (sum [sha256.Size]byte) {
	d.std.Sum(sum[:0])
	return sum
}

// Reset begins an empty stream.
func (d *Digest) Reset() {
	d.size = 0
	d.std.Reset()
}

// Paired reports whether WritePair is faster than two calls of Write.
func Paired() bool { return inTurns() != nil }

// WritePair is a.Write(p) and b.Write(q). The two digests are different ones.
func WritePair(a *Digest, p []byte, b *Digest, q []byte) { writePair(inTurns(), a, p, b, q) }

// turns moves the states of two streams on by n blocks each, which p and q have; n is 1 or more.
type turns func(a, b *[8]uint32, p, q []byte, n int)

// inTurns is nil when streams are hashed one after the other. It is decided once.
var inTurns = sync.OnceValue(func() turns {
	return judged(instructions(), fips140.Enabled())
})

// judged returns t when it is allowed and says what the standard library says.
func judged(t turns, fips bool) turns {
	if t == nil || fips {
		return nil
	}
	var data [1000]byte
	var x byte
	for i := range data {
		x = 5*x + 3
		data[i] = x
	}
	p, q := data[1:], data[200:]
	a, b := New(), New()
	a.Write(p[:10])
	if !writePair(t, a, p[10:], b, q) || a.Sum() != sha256.Sum256(p) || b.Sum() != sha256.Sum256(q) {
		return nil
	}
	return t
}

// writePair reports whether whole blocks were hashed in turns.
func writePair(t turns, a *Digest, p []byte, b *Digest, q []byte) (inTurns bool) {
	if t != nil {
		p, q = a.toBlock(p), b.toBlock(q)
		n := min(len(p), len(q)) / sha256.BlockSize
		if inTurns = n > 0 && a.takeState() && b.takeState(); inTurns {
			done := n * sha256.BlockSize
			t(&a.words, &b.words, p, q, n)
			a.putState(p[:done])
			b.putState(q[:done])
			p, q = p[done:], q[done:]
		}
	}
	a.Write(p)
	b.Write(q)
	return inTurns
}

// toBlock writes what is missing of a block and returns the rest.
func (d *Digest) toBlock(p []byte) []byte {
	n := min(-d.size&(sha256.BlockSize-1), len(p))
	d.Write(p[:n])
	return p[n:]
}

// What the standard library writes as the state of a SHA-256: its name, eight words, the beginning of a block, and the
// number of bytes so far.
const (
	stateName  = "sha\x03"
	stateWords = len(stateName)
	stateSize  = stateWords + sha256.Size + sha256.BlockSize + 8
)

// takeState takes the eight words out of std. It reports whether they are where they are expected.
func (d *Digest) takeState() bool {
	out, ok := d.std.(encoding.BinaryAppender)
	if !ok {
		return false
	}
	var err error
	d.kept, err = out.AppendBinary(d.kept[:0])
	if err != nil || len(d.kept) != stateSize || !bytes.HasPrefix(d.kept, []byte(stateName)) ||
		binary.BigEndian.Uint64(d.kept[stateSize-8:]) != uint64(d.size) { //nolint:gosec // never negative
		return false
	}
	for i := range d.words {
		d.words[i] = binary.BigEndian.Uint32(d.kept[stateWords+4*i:])
	}
	return true
}

// putState puts the eight words back, which p has moved on.
func (d *Digest) putState(p []byte) {
	for i, w := range d.words {
		binary.BigEndian.PutUint32(d.kept[stateWords+4*i:], w)
	}
	binary.BigEndian.PutUint64(d.kept[stateSize-8:], uint64(d.size+len(p))) //nolint:gosec // never negative
	in, ok := d.std.(encoding.BinaryUnmarshaler)
	if !ok || in.UnmarshalBinary(d.kept) != nil {
		d.Write(p) // std is where it was
		return
	}
	d.size += len(p)
}

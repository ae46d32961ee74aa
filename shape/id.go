package shape

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/bits"
	"strconv"

	"github.com/zeebo/xxh3"

	"github.com/seed56735111/penstock"
)

// scheme is part of every id. Another way to make ids needs another scheme, and doubles what was shipped before.
const scheme = "penstock 1"

// ids makes the ids of the records of one entry: 128 bits that stand for the object and its entry, then the record's
// position, which alone tells the records of an entry apart.
//
// The bytes behind an identity that is not pinned can change under the same name. There the content up to and including
// the record takes part in the 128 bits: a file that has grown gets new ids for its new records only, and one that has
// been changed or replaced gets new ids from the first change on.
type ids struct {
	base   [16]byte
	pinned bool
	chain  xxh3.Uint128 // of the content so far
	buf    [22 + 1 + 13]byte
}

func newIDs(id penstock.Identity, entry string) *ids {
	// With a version id the ETag says nothing more; without one it is the version.
	version := id.Version
	if version == "" {
		version = "etag " + id.ETag
	}
	h := sha256.New()
	for _, part := range []string{scheme, id.Bucket, id.Key, version, entry} {
		_, _ = fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	s := &ids{pinned: id.Pinned()}
	copy(s.base[:], h.Sum(nil))
	s.write(s.base)
	s.buf[22] = '-'
	return s
}

func (s *ids) write(sum [16]byte) {
	base64.RawURLEncoding.Encode(s.buf[:22], sum[:])
}

// next returns the id of the next record, valid until the one after it.
func (s *ids) next(r *penstock.Record) []byte {
	if !s.pinned {
		s.add(r.Raw)
		sum := s.base
		binary.LittleEndian.PutUint64(sum[:], binary.LittleEndian.Uint64(sum[:])^s.chain.Hi)
		binary.LittleEndian.PutUint64(sum[8:], binary.LittleEndian.Uint64(sum[8:])^s.chain.Lo)
		s.write(sum)
	}
	return strconv.AppendInt(s.buf[:23], r.Offset, 36)
}

// add takes a record's bytes into the chain. The rotations keep all 128 bits of what came before.
func (s *ids) add(raw []byte) {
	x := xxh3.Hash128Seed(raw, s.chain.Lo)
	const odd = 0x9E3779B97F4A7C15
	s.chain.Hi = bits.RotateLeft64(s.chain.Hi*odd, 29) + x.Hi
	s.chain.Lo = bits.RotateLeft64(s.chain.Lo*odd, 31) ^ x.Lo
}

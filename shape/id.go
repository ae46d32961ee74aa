package shape

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/zeebo/xxh3"

	"github.com/seed56735111/penstock"
)

// scheme is part of every id, and fileScheme of those of files. Another way to make ids needs another scheme, and
// doubles what was shipped before.
const (
	scheme     = "penstock 1"
	fileScheme = "penstock file 1"
)

// ids makes the ids of the records of one entry: 128 bits that stand for the object and its entry, then the record's
// position, which alone tells the records of an entry apart.
//
// The bytes behind an identity that is not pinned can change under the same name. There the content up to and including
// the record takes part in the 128 bits: what has grown gets new ids for its new records only, and what has been
// changed or replaced gets new ids from the first change on. For a file that is all of its plain bytes, however they
// are split into records; for standard input it is the records.
type ids struct {
	base   [16]byte
	pinned bool
	file   bool
	chain  xxh3.Uint128 // of the records so far
	buf    [22 + 1 + 14]byte
	part   []byte // the id of a part of a record
}

// IDs returns what makes the ids of an entry's records: it is called for each of them, in their order, and its result
// is valid until the next.
func IDs(id penstock.Identity, entry string) func(r *penstock.Record) []byte {
	s := new(ids)
	s.begin(id, entry)
	return s.next
}

func (s *ids) begin(id penstock.Identity, entry string) {
	*s = ids{pinned: id.Pinned(), file: id.IsFile(), base: identityOf(id, entry)}
	s.write(s.base)
	s.buf[22] = '-'
}

// identityOf returns the bits that stand for an object and its entry.
func identityOf(id penstock.Identity, entry string) (sum [16]byte) {
	var parts [5]string
	switch {
	case id.IsFile() && id.File.Stem == "":
		parts = [...]string{fileScheme, id.File.Machine, "path", id.File.Path, entry}
	case id.IsFile():
		parts = [...]string{fileScheme, id.File.Machine, "stem", id.File.Stem, entry}
	case id.Version != "":
		// With a version id the ETag says nothing more; without one it is the version.
		parts = [...]string{scheme, id.Bucket, id.Key, id.Version, entry}
	default:
		parts = [...]string{scheme, id.Bucket, id.Key, "etag " + id.ETag, entry}
	}
	var buf [512]byte
	text := buf[:0]
	for _, part := range parts {
		text = append(appendInt(text, int64(len(part))), ':')
		text = append(text, part...)
	}
	full := sha256.Sum256(text)
	copy(sum[:], full[:])
	return sum
}

func (s *ids) write(sum [16]byte) {
	base64.RawURLEncoding.Encode(s.buf[:22], sum[:])
}

// next returns the id of the next record, valid until the one after it. A part of a record comes behind its record.
func (s *ids) next(r *penstock.Record) []byte {
	if r.Part != nil {
		s.part = r.AppendPart(appendBase36(append(s.part[:0], s.buf[:23]...), r.Offset))
		return s.part
	}
	switch {
	case s.file:
		s.mix(r.Content.Hi, r.Content.Lo)
	case !s.pinned:
		s.add(r.Raw)
		s.mix(s.chain.Hi, s.chain.Lo)
	}
	return appendBase36(s.buf[:23], r.Offset)
}

// mix writes what stands for the object and for its content.
func (s *ids) mix(hi, lo uint64) {
	sum := s.base
	binary.LittleEndian.PutUint64(sum[:], binary.LittleEndian.Uint64(sum[:])^hi)
	binary.LittleEndian.PutUint64(sum[8:], binary.LittleEndian.Uint64(sum[8:])^lo)
	s.write(sum)
}

// add takes a record's bytes into the chain. The rotations keep all 128 bits of what came before.
func (s *ids) add(raw []byte) {
	x := xxh3.Hash128Seed(raw, s.chain.Lo)
	const odd = 0x9E3779B97F4A7C15
	s.chain.Hi = bits.RotateLeft64(s.chain.Hi*odd, 29) + x.Hi
	s.chain.Lo = bits.RotateLeft64(s.chain.Lo*odd, 31) ^ x.Lo
}

// WithPart returns a document that says which part of its record it is. One that was a part before is one of that.
func WithPart(document, part []byte) []byte {
	if was := find(document, penstock.NameMeta+".part"); len(was) > 1 && was[0] == '"' {
		at := cap(document) - cap(was) + len(was) - 1 // its last quote
		return slices.Concat(document[:at], []byte{'.'}, part, document[at:])
	}
	meta := find(document, penstock.NameMeta)
	if len(meta) < 2 || meta[0] != '{' {
		return document
	}
	at := cap(document) - cap(meta) + len(meta) - 1 // its last brace
	return slices.Concat(document[:at], []byte(`,"part":"`), part, []byte(`"`), document[at:])
}

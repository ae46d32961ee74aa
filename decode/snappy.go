package decode

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"

	"github.com/klauspost/compress/snappy"
)

// Snappy comes in four forms. The framing format has a magic and checksums, and the library reads it. The stream of
// snappy-java ("xerial") has a magic, and then blocks, each behind its length. Hadoop's has no magic: behind the plain
// length of a group come blocks, each behind its length, until the group is whole. A block alone has nothing around it.

// xerialMagic begins a stream of snappy-java; two versions of four bytes follow it.
const (
	xerialMagic  = "\x82SNAPPY\x00"
	xerialHeader = len(xerialMagic) + 8
)

// maxSnappyBlock is the largest block of a stream, stored or plain. Writers make blocks of 32 to 256 KiB.
const maxSnappyBlock = 8 << 20

// maxSnappyGroup is the largest group of Hadoop's that is recognised: no text begins with bytes that low.
const maxSnappyGroup = 0x08ffffff

// isHadoopSnappy wants two lengths that can be true, and a block that can begin like this.
func isHadoopSnappy(head []byte) bool {
	if len(head) < 10 {
		return false
	}
	group, stored := binary.BigEndian.Uint32(head), int(binary.BigEndian.Uint32(head[4:]))
	if group == 0 || group > maxSnappyGroup || stored > maxSnappyBlock {
		return false
	}
	plain, ok := snappyBegins(head[8:])
	return ok && plain <= min(int(group), maxSnappyBlock) && stored <= snappy.MaxEncodedLen(plain)
}

// snappyBegins reports whether a block can begin like this, and how long it says that it is: its first element is a
// literal, because there is nothing to copy yet, and no longer than the block.
func snappyBegins(head []byte) (plain int, ok bool) {
	n, size := binary.Uvarint(head)
	if size <= 0 || size >= len(head) || n == 0 || n > maxSnappyGroup {
		return 0, false
	}
	tag := head[size]
	length := uint64(tag>>2) + 1 // from 60 on the length follows in bytes of its own
	return int(n), tag&3 == 0 && (length <= n || tag>>2 >= 60)
}

// snappyBlocks reads the streams that have blocks behind their lengths.
type snappyBlocks struct {
	r      *bufio.Reader
	hadoop bool
	left   int64 // plain bytes that are missing in the group
	stored bytes.Buffer
	buf    []byte // for plain blocks
	plain  []byte // of the block in hand, what was not read
	err    error
}

func newSnappyBlocks(r *bufio.Reader, hadoop bool) *snappyBlocks {
	return &snappyBlocks{r: r, hadoop: hadoop}
}

func (s *snappyBlocks) Read(p []byte) (int, error) {
	for len(s.plain) == 0 && s.err == nil {
		s.err = s.block()
	}
	if len(s.plain) == 0 {
		return 0, s.err
	}
	n := copy(p, s.plain)
	s.plain = s.plain[n:]
	return n, nil
}

// block reads the next block. io.EOF is the end in good order.
func (s *snappyBlocks) block() error {
	switch {
	case s.hadoop && s.left == 0:
		n, err := s.length()
		s.left = int64(n)
		return err // of an empty group nothing follows
	case !s.hadoop:
		// Streams may follow each other; a length has no such bytes.
		if head, _ := s.r.Peek(len(xerialMagic)); string(head) == xerialMagic {
			_, err := io.CopyN(io.Discard, s.r, int64(xerialHeader))
			return cutOff(err)
		}
	}
	n, err := s.length()
	if err != nil {
		if s.hadoop {
			err = cutOff(err)
		}
		return err
	}
	if n > maxSnappyBlock {
		return OverLimit("snappy block of %d bytes, more than %d", n, maxSnappyBlock)
	}
	s.stored.Reset()
	if _, err := io.CopyN(&s.stored, s.r, int64(n)); err != nil {
		return cutOff(err)
	}
	plain, err := snappy.DecodedLen(s.stored.Bytes())
	switch {
	case err != nil:
		return err
	case plain > maxSnappyBlock:
		return OverLimit("snappy block of %d bytes, more than %d", plain, maxSnappyBlock)
	case s.hadoop && int64(plain) > s.left:
		return errors.New("block is longer than its group")
	}
	if s.buf, err = snappy.Decode(s.buf[:cap(s.buf)], s.stored.Bytes()); err != nil {
		return err
	}
	s.plain = s.buf
	s.left -= int64(plain)
	return nil
}

// length reads a length of four bytes. io.EOF means that there is none.
func (s *snappyBlocks) length() (uint32, error) {
	var b [4]byte
	_, err := io.ReadFull(s.r, b[:])
	return binary.BigEndian.Uint32(b[:]), err
}

// cutOff makes an end where none may be an error.
func cutOff(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// A block alone is told by its name and by decoding, which needs all of it in memory.
const (
	snappySuffix    = ".snappy"
	maxSnappyObject = 16 << 20 // stored or plain
)

// snappyBlock returns what is in a block that is the whole of an entry named like one, or the bytes as they are.
func snappyBlock(name string, br *bufio.Reader) (_ io.Reader, decoded bool) {
	if !strings.HasSuffix(strings.ToLower(name), snappySuffix) {
		return br, false
	}
	head, _ := br.Peek(16) // what is wrong with the source is found when it is read
	if plain, ok := snappyBegins(head); !ok || plain > maxSnappyObject {
		return br, false
	}
	stored, err := io.ReadAll(io.LimitReader(br, maxSnappyObject+1))
	if err != nil {
		return io.MultiReader(bytes.NewReader(stored), &ended{err}), false
	}
	if len(stored) <= maxSnappyObject {
		if plain, err := snappy.Decode(nil, stored); err == nil {
			return bytes.NewReader(plain), true
		}
	}
	return io.MultiReader(bytes.NewReader(stored), br), false
}

// ended is a reader that has come to an error.
type ended struct{ err error }

func (e *ended) Read([]byte) (int, error) { return 0, e.err }

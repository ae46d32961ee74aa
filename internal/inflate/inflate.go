// Package inflate decompresses gzip streams more than twice as fast as the general libraries, because decompression is
// the largest single cost of shipping a log file. It reads all members of a stream as one.
//
// The decoder keeps up to 63 bits of input in a register, decodes with tables of 11 bits (lengths and literals, one or
// two of them) and 9 bits (distances), and copies matches 16 bytes at a time into a buffer with slack behind its end. A
// chunk of output is handed over when the buffer is full; its last 32 KiB stay in front of the next one as history (RFC
// 1951, 2).
package inflate

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

// Errors of a stream that is not what it should be. A stream that ends too early is io.ErrUnexpectedEOF.
var (
	ErrHeader   = errors.New("gzip: invalid header")
	ErrCorrupt  = errors.New("gzip: corrupt data")
	ErrChecksum = errors.New("gzip: invalid checksum")
	ErrTrailing = errors.New("gzip: garbage after the last member")
)

const (
	history      = 32 << 10                 // the farthest distance of a match
	chunk        = 192 << 10                // output decoded before it is handed over
	slack        = 2*lookups + 258 + 2*step // past the end of a chunk: pairs, a match, and its copy rounded up
	inputSize    = 64 << 10
	registerSize = 8
)

// state is what comes next in the input.
type state uint8

const (
	atHeader state = iota // of the first member: anything else is an error
	atNextHeader
	atBlock
	inStored
	inHuffman
	atTrailer
	atEnd
)

// Reader decompresses a gzip stream. It is for one goroutine.
type Reader struct {
	src    io.Reader
	to     io.Writer // where WriteTo hands over what is decoded before it asks src for more; nil otherwise
	srcErr error     // io.EOF or what the source said; the input that came before it is decoded first

	in  []byte // input
	pos int    // next byte to load into bits
	b   uint64 // bits loaded and not consumed, lowest first
	nb  uint   // number of them

	out        []byte // history, then the chunk, then slack
	start, end int    // decoded and not yet read: out[start:end]
	written    int64  // by WriteTo

	state   state
	last    bool // the block is its member's last one
	fixed   bool // lit and dist are those of fixed blocks
	stored  int  // bytes left in a stored block
	crc     uint32
	size    uint32 // of the member so far, modulo 2^32
	sum     int    // out[:sum] is in crc and size already
	window  int    // bytes of the member that a match may reach back to, at most history
	err     error  // given once out is empty
	lit     [litTableSize]uint32
	dist    [distTableSize]uint32
	lengths [maxLit + maxDist]uint8
}

// NewReader returns a Reader of the gzip stream in src. It reads ahead in src.
func NewReader(src io.Reader) *Reader {
	r := &Reader{in: make([]byte, 0, inputSize), out: make([]byte, history+chunk+slack)}
	r.Reset(src)
	return r
}

// Reset makes r read another stream and keeps its buffers.
func (r *Reader) Reset(src io.Reader) {
	r.src, r.to, r.srcErr, r.err = src, nil, nil, nil
	r.in, r.pos, r.b, r.nb = r.in[:0], 0, 0, 0
	r.start, r.end, r.sum = history, history, history
	r.state, r.last, r.stored, r.crc, r.size, r.window = atHeader, false, 0, 0, 0, 0
}

// Read gives decompressed bytes. An error comes only after everything that could be decoded before it.
func (r *Reader) Read(p []byte) (int, error) {
	for r.start == r.end {
		if r.err != nil {
			return 0, r.err
		}
		if len(p) == 0 {
			return 0, nil
		}
		r.next()
	}
	n := copy(p, r.out[r.start:r.end])
	r.start += n
	return n, nil
}

// WriteTo writes what is decompressed, and everything that can be before it asks for more input: the input may be long
// in coming.
func (r *Reader) WriteTo(w io.Writer) (int64, error) {
	r.to = w
	defer func() { r.to = nil }()
	before := r.written
	for r.err == nil {
		r.next()
		if err := r.handOver(); err != nil {
			break
		}
	}
	err := r.err
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return r.written - before, err
}

// handOver writes what is decoded and not yet read. A failure of the writer is where the stream ends.
func (r *Reader) handOver() error {
	n, err := r.to.Write(r.out[r.start:r.end])
	r.start += n
	r.written += int64(n)
	if err != nil {
		r.srcErr, r.err = err, err
	}
	return err
}

// next decodes until the chunk is full or the stream ends.
func (r *Reader) next() {
	// The chunk was read to its end: its tail becomes the history of the next one.
	if r.end > history {
		keep := min(r.end, history)
		copy(r.out[history-keep:history], r.out[r.end-keep:r.end])
		r.start, r.end, r.sum = history, history, history
	}
	for r.err == nil && r.end < history+chunk {
		switch r.state {
		case atHeader, atNextHeader:
			r.err = r.header()
		case atBlock:
			r.err = r.block()
		case inStored:
			r.err = r.copyStored()
		case inHuffman:
			r.err = r.huffman()
		case atTrailer:
			r.err = r.trailer()
		case atEnd:
			r.err = io.EOF
		}
	}
	r.account()
}

// account adds the output since the last call to the checksum of the member.
func (r *Reader) account() {
	if fresh := r.out[r.sum:r.end]; len(fresh) > 0 {
		r.crc = crc32.Update(r.crc, crc32.IEEETable, fresh)
		r.size += uint32(len(fresh))
		r.window = min(r.window+len(fresh), history)
		r.sum = r.end
	}
}

// fill makes at least want bytes of input available from pos on, or as many as there are: then srcErr is set.
func (r *Reader) fill(want int) {
	const maxEmpty = 100 // reads in a row without bytes and without an error
	empty := 0
	for len(r.in)-r.pos < want && r.srcErr == nil {
		if r.pos > registerSize {
			// Bytes that are in the register may be given back: keep them.
			n := copy(r.in[:cap(r.in)], r.in[r.pos-registerSize:])
			r.in, r.pos = r.in[:n], registerSize
		}
		if r.to != nil && r.handOver() != nil {
			return
		}
		n, err := r.src.Read(r.in[len(r.in):inputSize])
		if empty++; n > 0 {
			empty = 0
		} else if err == nil && empty == maxEmpty {
			err = io.ErrNoProgress
		}
		r.in = r.in[:len(r.in)+n]
		if err != nil {
			r.srcErr = err
		}
	}
}

// ended returns the error for input that stops here.
func (r *Reader) ended() error {
	if r.srcErr == nil || errors.Is(r.srcErr, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return r.srcErr
}

// bits consumes n bits, at most 32.
func (r *Reader) bits(n uint) (uint, error) {
	for r.nb < n {
		r.fill(1)
		if r.pos >= len(r.in) {
			return 0, r.ended()
		}
		r.b |= uint64(r.in[r.pos]) << r.nb
		r.pos++
		r.nb += 8
	}
	v := uint(r.b & (1<<n - 1))
	r.b >>= n
	r.nb -= n
	return v, nil
}

// align gives whole bytes in the register back to the input and drops the rest of the byte in hand.
func (r *Reader) align() {
	r.pos -= int(r.nb >> 3)
	r.b, r.nb = 0, 0
}

// header reads the header of a member (RFC 1952, 2.3), or finds that there is none.
func (r *Reader) header() error {
	r.fill(10)
	head := r.in[r.pos:]
	if r.state == atNextHeader {
		if done, err := r.padded(); done || err != nil {
			return err
		}
		head = r.in[r.pos:]
		if len(head) < 2 || head[0] != 0x1f || head[1] != 0x8b {
			if len(head) == 1 && head[0] == 0x1f {
				return r.ended()
			}
			return ErrTrailing
		}
	}
	if len(head) < 10 {
		if len(head) == 0 && errors.Is(r.srcErr, io.EOF) {
			return io.EOF
		}
		return r.ended()
	}
	if head[0] != 0x1f || head[1] != 0x8b || head[2] != 8 {
		return ErrHeader
	}
	flags := head[3]
	sum := crc32.ChecksumIEEE(head[:10])
	r.pos += 10
	if err := r.headerFields(flags, sum); err != nil {
		return err
	}
	r.state, r.crc, r.size, r.window, r.sum = atBlock, 0, 0, 0, r.end
	return nil
}

// padded skips the zero bytes that tape and block devices leave behind a stream, and reports whether nothing follows.
func (r *Reader) padded() (bool, error) {
	for {
		r.fill(10)
		for r.pos < len(r.in) && r.in[r.pos] == 0 {
			r.pos++
		}
		if r.pos < len(r.in) {
			r.fill(10)
			return false, nil
		}
		if r.srcErr != nil {
			if !errors.Is(r.srcErr, io.EOF) {
				return false, r.srcErr
			}
			r.state = atEnd
			return true, nil
		}
	}
}

// headerFields skips the optional fields of a header.
func (r *Reader) headerFields(flags byte, sum uint32) error {
	next := func() (byte, error) {
		r.fill(1)
		if r.pos >= len(r.in) {
			return 0, r.ended()
		}
		c := r.in[r.pos]
		r.pos++
		sum = ^(crc32.IEEETable[byte(^sum)^c] ^ ^sum>>8)
		return c, nil
	}
	if flags&4 != 0 { // extra
		var n [2]byte
		for i := range n {
			c, err := next()
			if err != nil {
				return err
			}
			n[i] = c
		}
		for range binary.LittleEndian.Uint16(n[:]) {
			if _, err := next(); err != nil {
				return err
			}
		}
	}
	for _, flag := range []byte{8, 16} { // name, comment
		for flags&flag != 0 {
			c, err := next()
			if err != nil {
				return err
			}
			if c == 0 {
				break
			}
		}
	}
	if flags&2 != 0 { // header checksum
		want := uint16(sum & 0xffff)
		lo, err := next()
		if err != nil {
			return err
		}
		hi, err := next()
		if err != nil {
			return err
		}
		if uint16(lo)|uint16(hi)<<8 != want {
			return ErrHeader
		}
	}
	return nil
}

// trailer checks the member's checksum and length.
func (r *Reader) trailer() error {
	r.align()
	r.account()
	r.fill(8)
	tail := r.in[r.pos:]
	if len(tail) < 8 {
		return r.ended()
	}
	if binary.LittleEndian.Uint32(tail) != r.crc || binary.LittleEndian.Uint32(tail[4:]) != r.size {
		return ErrChecksum
	}
	r.pos += 8
	r.state = atNextHeader
	return nil
}

// block reads the header of a block (RFC 1951, 3.2.3).
func (r *Reader) block() error {
	if r.last {
		r.last, r.state = false, atTrailer
		return nil
	}
	v, err := r.bits(3)
	if err != nil {
		return err
	}
	r.last = v&1 != 0
	switch v >> 1 {
	case 0:
		r.align()
		r.fill(4)
		head := r.in[r.pos:]
		if len(head) < 4 {
			return r.ended()
		}
		n := binary.LittleEndian.Uint16(head)
		if n != ^binary.LittleEndian.Uint16(head[2:]) {
			return ErrCorrupt
		}
		r.pos += 4
		r.stored, r.state = int(n), inStored
		return nil
	case 1:
		r.fixedTables()
	case 2:
		if err := r.dynamicTables(); err != nil {
			return err
		}
	default:
		return ErrCorrupt
	}
	r.state = inHuffman
	return nil
}

func (r *Reader) copyStored() error {
	for r.stored > 0 && r.end < history+chunk {
		r.fill(1)
		if r.pos >= len(r.in) {
			return r.ended()
		}
		n := copy(r.out[r.end:min(r.end+r.stored, history+chunk)], r.in[r.pos:])
		r.end += n
		r.pos += n
		r.stored -= n
	}
	if r.stored == 0 {
		r.state = atBlock
	}
	return nil
}

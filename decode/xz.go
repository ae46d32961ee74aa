package decode

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
)

var errWindow = errors.New("window too large")

// xzGuard passes an xz file through and looks at the dictionary size in the header of every block: the library
// allocates what it says, up to 4 GiB for a file of a hundred bytes. It follows the framing of the format (The .xz File
// Format, 2 to 5, and the chunks of LZMA2) and leaves it to the library to find anything else wrong.
type xzGuard struct {
	r     *bufio.Reader
	step  func(*xzGuard) error // reads the next piece of framing
	ready []byte               // framing that was read and not given on
	pass  int64                // bytes to give on unseen before the next step
	check int64                // size of a block's checksum
	size  int64                // of the block or of the index so far
	left  uint64               // numbers of the index to come
	err   error

	betweenStreams bool
}

func (g *xzGuard) Read(p []byte) (int, error) {
	for {
		switch {
		case len(g.ready) > 0:
			n := copy(p, g.ready)
			g.ready = g.ready[n:]
			return n, nil
		case g.err != nil:
			return 0, g.err
		case g.pass > 0:
			n, err := g.r.Read(p[:min(int64(len(p)), g.pass)])
			g.pass -= int64(n)
			return n, g.tooEarly(err)
		}
		if g.step == nil {
			g.step = (*xzGuard).stream
		}
		g.ready = g.ready[:0]
		g.err = g.step(g)
	}
}

// take reads n more bytes of framing.
func (g *xzGuard) take(n int) ([]byte, error) {
	at := len(g.ready)
	g.ready = append(g.ready, make([]byte, n)...)
	m, err := io.ReadFull(g.r, g.ready[at:])
	g.ready = g.ready[:at+m]
	g.size += int64(m)
	return g.ready[at:], g.tooEarly(err)
}

// tooEarly turns an end inside of a stream into an error: the library takes one between two blocks for the end.
func (g *xzGuard) tooEarly(err error) error {
	if errors.Is(err, io.EOF) && (!g.betweenStreams || len(g.ready) > 0) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// unknown gives the rest on: it is for the library to say what is wrong with it.
func (g *xzGuard) unknown() error {
	g.pass, g.betweenStreams = math.MaxInt64, true
	return nil
}

// stream reads the header of a stream, or four bytes of padding before one.
func (g *xzGuard) stream() error {
	g.betweenStreams = true
	magic, err := g.take(4)
	g.betweenStreams = false
	if err != nil || bytes.Equal(magic, make([]byte, 4)) {
		return err
	}
	rest, err := g.take(8)
	if err != nil {
		return err
	}
	g.check = [16]int64{0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64}[rest[3]&15]
	g.step = (*xzGuard).block
	return nil
}

// block reads the header of a block, or the first byte of the index.
func (g *xzGuard) block() error {
	g.size = 0
	first, err := g.take(1)
	if err != nil {
		return err
	}
	if first[0] == 0 {
		g.step = (*xzGuard).index
		return nil
	}
	head, err := g.take(4*int(first[0]) + 3)
	if err != nil {
		return err
	}
	if dictionary(head) > maxWindow {
		g.ready = nil // not even the header gets through
		return errWindow
	}
	g.size, g.step = 0, (*xzGuard).chunk
	return nil
}

// dictionary finds the size of the dictionary in a block header that begins with its flags, 0 when it names none.
func dictionary(head []byte) uint64 {
	flags, rest := head[0], head[1:]
	number := func() uint64 {
		v, n := binary.Uvarint(rest)
		rest = rest[max(n, 0):]
		return v
	}
	for _, flag := range []byte{0x40, 0x80} { // compressed and uncompressed size
		if flags&flag != 0 {
			number()
		}
	}
	const lzma2 = 0x21
	for range flags&3 + 1 {
		id, size := number(), number()
		if size > uint64(len(rest)) {
			return 0
		}
		if bits := rest; id == lzma2 && size == 1 {
			return (2 | uint64(bits[0]&1)) << (bits[0]/2 + 11)
		}
		rest = rest[size:]
	}
	return 0
}

// chunk reads the header of an LZMA2 chunk, or the end of a block.
func (g *xzGuard) chunk() error {
	control, err := g.take(1)
	if err != nil {
		return err
	}
	switch c := control[0]; {
	case c == 0:
		g.pass = -g.size&3 + g.check // padding to four bytes, and the checksum
		g.step = (*xzGuard).block
		return nil
	case c <= 2:
		n, err := g.take(2)
		if err != nil {
			return err
		}
		g.pass = int64(binary.BigEndian.Uint16(n)) + 1
	case c < 0x80:
		return g.unknown()
	default:
		n, err := g.take(4)
		if err != nil {
			return err
		}
		g.pass = int64(binary.BigEndian.Uint16(n[2:])) + 1
		if c >= 0xc0 {
			g.pass++ // the properties
		}
	}
	g.size += g.pass
	return nil
}

// index reads the number of records in the index.
func (g *xzGuard) index() error {
	n, err := g.number()
	if err != nil {
		return err
	}
	if n > math.MaxUint64/2 {
		return g.unknown()
	}
	g.left, g.step = 2*n, (*xzGuard).record
	return nil
}

// record reads one number of a record, or the end of the index and of the stream.
func (g *xzGuard) record() error {
	if g.left == 0 {
		g.pass = -g.size&3 + 4 + 12 // padding, checksum, footer
		g.step = (*xzGuard).stream
		return nil
	}
	g.left--
	_, err := g.number()
	return err
}

func (g *xzGuard) number() (uint64, error) {
	var v uint64
	for shift := uint(0); shift < 63; shift += 7 {
		b, err := g.take(1)
		if err != nil {
			return 0, err
		}
		v |= uint64(b[0]&0x7f) << shift
		if b[0] < 0x80 {
			break
		}
	}
	return v, nil
}

package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The encodings of values ("Encodings.md" of the Parquet format).
const (
	encodingPlain           = 0
	encodingPlainDictionary = 2
	encodingRLE             = 3
	encodingBitPacked       = 4
	encodingDelta           = 5
	encodingDeltaLength     = 6
	encodingDeltaBytes      = 7
	encodingDictionary      = 8
	encodingSplit           = 9
)

// value is one value of a column: a number in bits, or bytes that are valid until the next value of the column.
type value struct {
	bits  uint64
	bytes []byte
}

// reader gives the values of a page one after the other.
type reader interface {
	next(v *value) error
}

// readerOf returns what reads the values of a page, at most n.
func readerOf(c *columnSchema, encoding int32, page []byte, n int, dictionary []value) (reader, error) {
	switch encoding {
	case encodingPlain:
		if c.physical == boolean {
			return &bools{page: page}, nil
		}
		return &plain{page: page, physical: c.physical, length: c.length}, nil
	case encodingPlainDictionary, encodingDictionary:
		if len(page) == 0 {
			return nil, io.ErrUnexpectedEOF
		}
		h, err := newHybrid(page[1:], int(page[0]))
		return &indexed{indexes: h, dictionary: dictionary}, err
	case encodingRLE:
		if c.physical != boolean || len(page) < 4 {
			break
		}
		if length := int64(binary.LittleEndian.Uint32(page)); length <= int64(len(page)-4) {
			h, err := newHybrid(page[4:4+length], 1)
			return &ones{h}, err
		}
		return nil, io.ErrUnexpectedEOF
	case encodingDelta:
		if c.physical != int32s && c.physical != int64s {
			break
		}
		d, err := newDelta(page)
		return &deltas{d, c.physical == int32s}, err
	case encodingDeltaLength, encodingDeltaBytes:
		if c.physical != byteArray && (c.physical != fixed || encoding == encodingDeltaLength) {
			break
		}
		return newStrings(page, n, encoding == encodingDeltaBytes)
	case encodingSplit:
		width := c.width()
		if width == 0 || len(page)%width != 0 {
			break
		}
		return &split{page: page, physical: c.physical, width: width, n: len(page) / width, buf: make([]byte, width)}, nil
	}
	return nil, fmt.Errorf("encoding %d of %d values of type %d in %d bytes", encoding, n, c.physical, len(page))
}

// plain reads values one behind the other.
type plain struct {
	page     []byte
	physical physical
	length   int
}

func (p *plain) next(v *value) error {
	n := p.length
	switch p.physical {
	case int32s, float:
		n = 4
	case int64s, double:
		n = 8
	case int96:
		n = 12
	case byteArray:
		if len(p.page) < 4 {
			return io.ErrUnexpectedEOF
		}
		length := binary.LittleEndian.Uint32(p.page)
		if p.page = p.page[4:]; uint64(length) > uint64(len(p.page)) {
			return io.ErrUnexpectedEOF
		}
		n = int(length)
	case boolean, fixed:
	}
	if n > len(p.page) {
		return io.ErrUnexpectedEOF
	}
	v.set(p.page[:n], p.physical)
	p.page = p.page[n:]
	return nil
}

// set takes a value as it is stored.
func (v *value) set(b []byte, p physical) {
	switch p {
	case int32s, float:
		v.bits = uint64(binary.LittleEndian.Uint32(b))
	case int64s, double:
		v.bits = binary.LittleEndian.Uint64(b)
	case boolean, int96, byteArray, fixed:
		v.bytes = b
	}
}

// bools reads booleans that have a bit each.
type bools struct {
	page []byte
	at   int
}

func (p *bools) next(v *value) error {
	if p.at>>3 >= len(p.page) {
		return io.ErrUnexpectedEOF
	}
	v.bits = uint64(p.page[p.at>>3] >> (p.at & 7) & 1)
	p.at++
	return nil
}

// ones reads booleans in runs.
type ones struct{ *hybrid }

func (p *ones) next(v *value) error {
	n, err := p.hybrid.next()
	v.bits = uint64(n)
	return err
}

// indexed reads values that are in the dictionary.
type indexed struct {
	indexes    *hybrid
	dictionary []value
}

func (p *indexed) next(v *value) error {
	i, err := p.indexes.next()
	if err != nil {
		return err
	}
	if int64(i) >= int64(len(p.dictionary)) {
		return fmt.Errorf("value %d of a dictionary of %d", i, len(p.dictionary))
	}
	*v = p.dictionary[i]
	return nil
}

// hybrid reads numbers of a few bits, in runs of one number and in groups of eight that are packed.
type hybrid struct {
	in    []byte
	width int
	run   uint64 // how many times value comes
	value uint32
	group []byte // packed numbers, from bit at on
	at    int
	left  uint64 // of them
}

func newHybrid(in []byte, width int) (*hybrid, error) {
	if width > 32 {
		return nil, fmt.Errorf("numbers of %d bits", width)
	}
	return &hybrid{in: in, width: width}, nil
}

func (h *hybrid) next() (uint32, error) {
	for {
		switch {
		case h.run > 0:
			h.run--
			return h.value, nil
		case h.left > 0:
			h.left--
			n := uint32(unpack(h.group, h.at, h.width)) //nolint:gosec // at most 32 bits
			h.at += h.width
			return n, nil
		}
		head, n := binary.Uvarint(h.in)
		if n <= 0 {
			return 0, io.ErrUnexpectedEOF
		}
		h.in = h.in[n:]
		if head&1 == 0 {
			bytes := (h.width + 7) / 8
			if len(h.in) < bytes {
				return 0, io.ErrUnexpectedEOF
			}
			var b [4]byte
			copy(b[:], h.in[:bytes])
			h.run, h.value, h.in = head>>1, binary.LittleEndian.Uint32(b[:]), h.in[bytes:]
			continue
		}
		// The last group may be cut off after the last number that is needed.
		groups := head >> 1
		size := min(uint64(len(h.in)), groups*uint64(h.width)) //nolint:gosec // at most 32
		if groups > 1<<32 {
			return 0, fmt.Errorf("%d groups of numbers", groups)
		}
		h.group, h.at, h.in = h.in[:size], 0, h.in[size:]
		h.left = 8 * groups
		if h.width > 0 {
			h.left = min(h.left, 8*size/uint64(h.width))
			if h.left == 0 {
				return 0, io.ErrUnexpectedEOF
			}
		}
	}
}

// unpack returns the number of some bits, up to 64, from a bit on, the lowest bit first. Bits behind the end are zero.
func unpack(b []byte, at, width int) uint64 {
	i, shift := at>>3, at&7
	if width+shift <= 64 && i+8 <= len(b) {
		return binary.LittleEndian.Uint64(b[i:]) >> shift & (1<<width - 1)
	}
	var n uint64
	for done := 0; done < width && i < len(b); i++ {
		n |= uint64(b[i]>>shift) << done
		done += 8 - shift
		shift = 0
	}
	if width < 64 {
		n &= 1<<width - 1
	}
	return n
}

// delta reads numbers by their differences, in blocks of miniblocks.
type delta struct {
	in       []byte
	mini     int // numbers in a miniblock
	minis    int // miniblocks in a block
	total    uint64
	last     int64
	first    bool // last is the next number
	minimum  int64
	widths   []byte // of the miniblocks that are left in the block
	group    []byte // the miniblock at hand
	at, left int
}

var errDelta = errors.New("no block of differences")

func newDelta(in []byte) (*delta, error) {
	d := &delta{in: in}
	size, minis, total, first := d.uvarint(), d.uvarint(), d.uvarint(), d.uvarint()
	const most = 1 << 20
	if d.in == nil || minis == 0 || size == 0 || size > most || minis > most || size%minis != 0 || size/minis%8 != 0 {
		return nil, errDelta
	}
	d.mini, d.minis, d.total = int(size/minis), int(minis), total //nolint:gosec // small
	d.last, d.first = zigzag(first), true
	return d, nil
}

func zigzag(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }

func (d *delta) uvarint() uint64 {
	v, n := binary.Uvarint(d.in)
	if n <= 0 {
		d.in = nil
		return 0
	}
	d.in = d.in[n:]
	return v
}

func (d *delta) next() (int64, error) {
	if d.total == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	d.total--
	if d.first {
		d.first = false
		return d.last, nil
	}
	if d.left == 0 {
		if err := d.miniblock(); err != nil {
			return 0, err
		}
	}
	d.left--
	width := int(d.widths[0])
	d.last += d.minimum + int64(unpack(d.group, d.at, width)) //nolint:gosec // differences wrap around
	d.at += width
	if d.left == 0 {
		d.widths = d.widths[1:]
	}
	return d.last, nil
}

func (d *delta) miniblock() error {
	if len(d.widths) == 0 {
		d.minimum = zigzag(d.uvarint())
		if len(d.in) < d.minis {
			return io.ErrUnexpectedEOF
		}
		d.widths, d.in = d.in[:d.minis], d.in[d.minis:]
	}
	width := int(d.widths[0])
	size := d.mini / 8 * width
	if width > 64 {
		return errDelta
	}
	if size > len(d.in) {
		// Nothing need be behind the last number that is needed.
		if needed := (int(min(d.total+1, uint64(d.mini)))*width + 7) / 8; needed > len(d.in) { //nolint:gosec // small
			return io.ErrUnexpectedEOF
		}
		size = len(d.in)
	}
	d.group, d.in, d.at, d.left = d.in[:size], d.in[size:], 0, d.mini
	return nil
}

// deltas are numbers as values.
type deltas struct {
	*delta
	narrow bool
}

func (p *deltas) next(v *value) error {
	n, err := p.delta.next()
	v.bits = uint64(n) //nolint:gosec // the bits of the number
	if p.narrow {
		v.bits = uint64(uint32(n)) //nolint:gosec // differences wrap around
	}
	return err
}

// strings reads bytes whose lengths come first, and that may begin as the ones before.
type strings struct {
	prefixes, lengths []uint32
	page              []byte
	last              []byte
	buf               []byte
}

func newStrings(page []byte, most int, shared bool) (*strings, error) {
	s := &strings{}
	var err error
	if shared {
		if s.prefixes, page, err = numbers(page, most); err != nil {
			return nil, err
		}
	}
	s.lengths, s.page, err = numbers(page, most)
	return s, err
}

// numbers reads up to most numbers, which take 4 bytes of memory each, and returns what is behind them.
func numbers(page []byte, most int) ([]uint32, []byte, error) {
	d, err := newDelta(page)
	if err != nil {
		return nil, nil, err
	}
	if d.total > uint64(most) { //nolint:gosec // not negative
		return nil, nil, fmt.Errorf("%d lengths of %d values", d.total, most)
	}
	all := make([]uint32, 0, d.total)
	for d.total > 0 {
		v, err := d.next()
		if err != nil {
			return nil, nil, err
		}
		if v < 0 || v > 1<<31 {
			return nil, nil, fmt.Errorf("a length of %d", v)
		}
		all = append(all, uint32(v))
	}
	return all, d.in, nil
}

func (p *strings) next(v *value) error {
	if len(p.lengths) == 0 {
		return io.ErrUnexpectedEOF
	}
	n := int(p.lengths[0])
	if p.lengths = p.lengths[1:]; n > len(p.page) {
		return io.ErrUnexpectedEOF
	}
	v.bytes, p.page = p.page[:n], p.page[n:]
	if p.prefixes == nil {
		return nil
	}
	prefix := int(p.prefixes[0])
	if p.prefixes = p.prefixes[1:]; prefix > len(p.last) {
		return fmt.Errorf("%d bytes of a value of %d", prefix, len(p.last))
	}
	if prefix+n > maxPage {
		return fmt.Errorf("a value of %d bytes", prefix+n)
	}
	p.buf = append(append(p.buf[:0], p.last[:prefix]...), v.bytes...)
	p.buf, p.last = p.last, p.buf
	v.bytes = p.last
	return nil
}

// split reads values whose first bytes come before all second ones.
type split struct {
	page     []byte
	physical physical
	width    int
	n, at    int
	buf      []byte
}

func (p *split) next(v *value) error {
	if p.at == p.n {
		return io.ErrUnexpectedEOF
	}
	for i := range p.width {
		p.buf[i] = p.page[i*p.n+p.at]
	}
	p.at++
	v.set(p.buf, p.physical)
	return nil
}

// packed reads levels as the oldest files have them: packed, the highest bit first.
type packed struct {
	in        []byte
	at, width int
}

func (p *packed) next() (uint32, error) {
	var n uint32
	for range p.width {
		if p.at>>3 >= len(p.in) {
			return 0, io.ErrUnexpectedEOF
		}
		n = n<<1 | uint32(p.in[p.at>>3]>>(7-p.at&7)&1)
		p.at++
	}
	return n, nil
}

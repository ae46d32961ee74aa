package parquet

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/bits"

	"github.com/seed56735111/penstock/decode"
)

// columnSchema is what the schema says of a column with values.
type columnSchema struct {
	name              string
	physical          physical
	length            int // of fixed
	defined, repeated int // the highest levels
}

// width is how many bytes each value has, 0 when they differ.
func (c *columnSchema) width() int {
	switch c.physical {
	case int32s, float:
		return 4
	case int64s, double:
		return 8
	case fixed:
		return c.length
	case boolean, int96, byteArray:
	}
	return 0
}

// maxPage is the largest page. Writers make pages of 1 MiB.
const maxPage = 256 << 20

// column is where the reading of a column is. One page of it is in memory.
type column struct {
	*columnSchema
	*memory
	f     io.ReaderAt
	head  *[]byte // for the heads of pages, of all columns
	store *[]byte // for pages as they are stored, of all columns
	codec codec
	// at is where the next page begins, end where the file ends at the latest.
	at, end int64
	left    int64 // values in the pages to come
	inPage  int   // values left in the page
	empty   int   // pages without a value, one behind the other

	decoded     []byte // the page
	words       []byte // of the dictionary
	dictionary  []value
	defines     bool  // the dictionary has come
	beside      int64 // memory that the page takes beside its bytes
	definitions levels
	repetitions levels
	values      reader
	// Of the next value, when it is known.
	known               bool
	definition, repeats int
	value               value
}

// levels gives the level of each value.
type levels interface {
	next() (uint32, error)
}

// none are levels that are all zero.
type none struct{}

func (none) next() (uint32, error) { return 0, nil }

// begin begins a column of a group. It reads nothing yet.
func (c *column) begin(f *decode.RandomAccess, ch *chunk) (err error) {
	c.f, c.at, c.end, c.left = f, ch.start(), ch.end(f.Size), ch.values
	c.inPage, c.empty, c.known, c.defines = 0, 0, false, false
	c.codec, err = codecOf(ch.codec)
	return err
}

// start is where the first page begins.
func (ch *chunk) start() int64 {
	if ch.dictionary > 0 {
		return min(ch.dictionary, ch.data)
	}
	return ch.data
}

// end is where the pages end at the latest. Writers have left out the head of the dictionary's page in what they say of
// the size.
func (ch *chunk) end(size int64) int64 {
	const beyond = 100
	return min(ch.start()+ch.size+beyond, size)
}

// span is where the pages are.
func (ch *chunk) span(size int64) span { return span{ch.start(), ch.end(size)} }

// check sees whether a column can be read at all, and is in the file.
func (ch *chunk) check(s *columnSchema, size int64) error {
	switch {
	case ch.elsewhere:
		return &decode.UnsupportedError{Container: "Parquet with columns in other files"}
	case ch.encrypted:
		return errEncrypted
	}
	if _, err := codecOf(ch.codec); err != nil {
		return err
	}
	if at := ch.start(); at < 0 || ch.size < 0 || at > size || ch.size > size-at || ch.values < 0 {
		return fmt.Errorf("column %q of %d values and %d bytes at %d of %d", s.name, ch.values, ch.size, at, size)
	}
	return nil
}

// check sees whether there is room for what a page says that it has.
func (h *pageHeader) check(values, bytes int64) error {
	switch {
	case h.stored < 0 || h.decoded < 0 || int64(h.stored) > bytes:
		return fmt.Errorf("%d bytes, %d when decoded, and %d are left", h.stored, h.decoded, bytes)
	case h.decoded > maxPage:
		return decode.OverLimit("Parquet page of more than %d bytes", maxPage)
	case h.values < 0 || h.kind != dictionaryPage && int64(h.values) > values:
		return fmt.Errorf("%d values, and %d are left", h.values, values)
	case h.definition < 0 || h.repetition < 0 || int64(h.definition)+int64(h.repetition) > int64(min(h.stored, h.decoded)):
		return fmt.Errorf("levels of %d and %d bytes in a page of %d", h.definition, h.repetition, h.stored)
	}
	return nil
}

var errColumnEnds = errors.New("a column has fewer values than the rows need")

// peek finds out the levels of the next value. It reports false at the end of the group.
func (c *column) peek() (more bool, err error) {
	if c.known {
		return true, nil
	}
	for c.inPage == 0 {
		if c.left <= 0 {
			return false, nil
		}
		if err := c.page(); err != nil {
			return false, fmt.Errorf("page of column %q: %w", c.name, err)
		}
	}
	c.inPage--
	d, err := c.definitions.next()
	if err != nil {
		return false, fmt.Errorf("definition levels of column %q: %w", c.name, err)
	}
	r, err := c.repetitions.next()
	if err != nil {
		return false, fmt.Errorf("repetition levels of column %q: %w", c.name, err)
	}
	c.definition, c.repeats, c.known = int(d), int(r), true
	if c.definition > c.defined || c.repeats > c.repeated {
		return false, fmt.Errorf("levels %d and %d of column %q, at most %d and %d", d, r, c.name, c.defined, c.repeated)
	}
	return true, nil
}

// must is peek where there is to be another value.
func (c *column) must() error {
	more, err := c.peek()
	if err == nil && !more {
		err = fmt.Errorf("column %q: %w", c.name, errColumnEnds)
	}
	return err
}

// next returns the next value, nil for null. It is valid until the one after it.
func (c *column) next() (*value, error) {
	if err := c.must(); err != nil {
		return nil, err
	}
	c.known = false
	if c.definition < c.defined {
		return nil, nil // that is what null is here
	}
	if err := c.values.next(&c.value); err != nil {
		return nil, fmt.Errorf("values of column %q: %w", c.name, err)
	}
	return &c.value, nil
}

// page reads the next page.
func (c *column) page() error {
	h, err := c.header()
	if err != nil {
		return err
	}
	c.at += h.length
	if err := h.check(c.left, c.end-c.at); err != nil {
		return err
	}
	if *c.store, err = c.bytes(*c.store, int(h.stored)); err != nil {
		return err
	}
	stored := *c.store
	if n, err := c.f.ReadAt(stored, c.at); n < len(stored) {
		return unexpected(err)
	}
	c.at += int64(h.stored)
	if h.summed && int32(crc32.ChecksumIEEE(stored)) != h.sum { //nolint:gosec // the bits of the sum
		return errors.New("the checksum does not match")
	}
	switch h.kind {
	case dictionaryPage:
		return c.takeDictionary(&h, stored)
	case dataPage:
		err = c.takePage(&h, stored)
	case dataPage2:
		err = c.takePage2(&h, stored)
	}
	// Else it is an index.
	if c.empty++; c.inPage > 0 {
		c.empty = 0
	}
	if err == nil && c.empty > maxEmpty {
		err = decode.OverLimit("Parquet column with more than %d pages without a value one behind the other", maxEmpty)
	}
	return err
}

// maxEmpty is how many pages without a value there may be one behind the other. Each takes a byte or more of the file.
const maxEmpty = 1000

func (c *column) takeDictionary(h *pageHeader, stored []byte) error {
	if h.encoding != encodingPlain && h.encoding != encodingPlainDictionary {
		return fmt.Errorf("encoding %d of a dictionary", h.encoding)
	}
	if c.physical == boolean {
		return errors.New("a dictionary of booleans")
	}
	if c.defines {
		return errors.New("a second dictionary")
	}
	var err error
	if c.words, err = c.decompress(c.words, int(h.decoded), stored); err != nil {
		return err
	}
	if n := int(h.values); n > cap(c.dictionary) {
		if err := c.use(ofValue * int64(n-cap(c.dictionary))); err != nil {
			return err
		}
		c.dictionary = make([]value, n)
	}
	c.dictionary, c.defines = c.dictionary[:h.values], true
	p := plain{page: c.words, physical: c.physical, length: c.length}
	for i := range c.dictionary {
		if err := p.next(&c.dictionary[i]); err != nil {
			return err
		}
	}
	return nil
}

// ofValue is what a value takes of memory.
const ofValue = 40

// decompress decompresses into a buffer of the size that there is to be.
func (c *column) decompress(buf []byte, n int, stored []byte) ([]byte, error) {
	buf, err := c.bytes(buf, n)
	if err != nil {
		return nil, err
	}
	return c.codec(buf, stored)
}

func (c *column) takePage(h *pageHeader, stored []byte) error {
	var err error
	if c.decoded, err = c.decompress(c.decoded, int(h.decoded), stored); err != nil {
		return err
	}
	rest := c.decoded
	if c.repetitions, rest, err = levelsOf(rest, c.repeated, h.levels[1], int(h.values)); err != nil {
		return err
	}
	if c.definitions, rest, err = levelsOf(rest, c.defined, h.levels[0], int(h.values)); err != nil {
		return err
	}
	return c.take(h, rest)
}

// levelsOf returns the levels that a page of version 1 begins with, and what is behind them.
func levelsOf(page []byte, highest int, encoding int32, n int) (levels, []byte, error) {
	width := bits.Len(uint(highest))
	if width == 0 {
		return none{}, page, nil
	}
	if encoding == encodingBitPacked {
		size := (int64(n)*int64(width) + 7) / 8
		if size > int64(len(page)) {
			return nil, nil, io.ErrUnexpectedEOF
		}
		return &packed{in: page[:size], width: width}, page[size:], nil
	}
	in := &plain{page: page, physical: byteArray}
	var v value
	if err := in.next(&v); err != nil {
		return nil, nil, err
	}
	h, err := newHybrid(v.bytes, width)
	return h, in.page, err
}

func (c *column) takePage2(h *pageHeader, stored []byte) error {
	var err error
	if c.decoded, err = c.bytes(c.decoded, int(h.decoded)); err != nil {
		return err
	}
	// The levels come first, and are not compressed.
	both := int(h.repetition + h.definition)
	copy(c.decoded, stored[:both])
	c.repetitions = levelsOf2(c.decoded[:h.repetition], c.repeated)
	c.definitions = levelsOf2(c.decoded[h.repetition:both], c.defined)
	codec := c.codec
	if h.plain {
		codec = uncompressed
	}
	values, err := codec(c.decoded[both:], stored[both:])
	if err != nil {
		return err
	}
	return c.take(h, values)
}

func levelsOf2(b []byte, highest int) levels {
	if highest == 0 {
		return none{}
	}
	return &hybrid{in: b, width: bits.Len(uint(highest))}
}

// take takes what is behind the levels.
func (c *column) take(h *pageHeader, rest []byte) error {
	beside := int64(0)
	switch h.encoding {
	case encodingDeltaLength:
		beside = 4 * int64(h.values)
	case encodingDeltaBytes: // and a value that is made of those before, twice
		beside = 8*int64(h.values) + 2*int64(h.decoded)
	}
	if err := c.use(beside - c.beside); err != nil {
		return err
	}
	c.beside = beside
	dictionary := c.dictionary
	if !c.defines {
		dictionary = nil
	}
	values, err := readerOf(c.columnSchema, h.encoding, rest, int(h.values), dictionary)
	if err != nil {
		values = failing{err} // a page of nulls need not have any
	}
	c.values, c.inPage = values, int(h.values)
	c.left -= int64(h.values)
	return nil
}

// failing are values that cannot be read, in a page that need not have any.
type failing struct{ err error }

func (f failing) next(*value) error { return f.err }

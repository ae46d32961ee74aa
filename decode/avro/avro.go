// Package avro reads the rows of Apache Avro object container files as JSON objects, with bounds on the memory that a
// file may ask for.
package avro

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/seed56735111/penstock/decode"
)

const (
	magic = "Obj\x01"
	// maxMeta is the longest value in the header: the schema.
	maxMeta = 4 << 20
	// maxBlock is the longest block, stored or decompressed. Writers make blocks of 64 KiB.
	maxBlock = 16 << 20
	syncSize = 16
)

// Open reads the header of a file.
func Open(r io.Reader, hold decode.HoldFunc) (decode.Rows, error) {
	f := &file{r: bufio.NewReaderSize(r, 64<<10)}
	head := make([]byte, len(magic))
	if _, err := io.ReadFull(f.r, head); err != nil {
		return nil, unexpected(err)
	}
	if string(head) != magic {
		return nil, errors.New("no header")
	}
	meta, err := f.header()
	if err != nil {
		return nil, fmt.Errorf("read header: %w", err)
	}
	if f.root, err = parseSchema(meta["avro.schema"]); err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	name := string(meta["avro.codec"])
	if f.decompress, err = codec(name); err != nil {
		return nil, err
	}
	f.plain = name == "" || name == "null"
	// A block as it is stored and as it is read.
	if err := hold(2 * maxBlock); err != nil {
		return nil, err
	}
	return f, nil
}

// file is an object container file ("Object Container Files" in the Avro specification).
type file struct {
	r          *bufio.Reader
	root       *schema
	decompress func(dst, src []byte) ([]byte, error)
	plain      bool // nothing is compressed
	sync       [syncSize]byte
	stored     []byte
	block      []byte
	in         input // what is left of the block
	left       int64 // rows in it
	cut        error // the file ends within the block, whose rows before that are whole
}

func (f *file) long() (int64, error) {
	n, err := binary.ReadVarint(f.r)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (f *file) bytes() ([]byte, error) {
	n, err := f.long()
	switch {
	case err != nil:
		return nil, err
	case n < 0:
		return nil, fmt.Errorf("a length of %d", n)
	case n > maxMeta:
		return nil, decode.OverLimit("Avro schema of more than %d bytes", maxMeta)
	}
	return readFull(f.r, nil, int(n))
}

// header reads the map behind the magic, and the marker that stands behind each block.
func (f *file) header() (map[string][]byte, error) {
	meta := map[string][]byte{}
	for {
		n, err := f.long()
		if err != nil {
			return nil, err
		}
		if n == 0 {
			break
		}
		if n < 0 { // the size in bytes follows
			if _, err := f.long(); err != nil {
				return nil, err
			}
			n = -n
		}
		for ; n != 0; n-- {
			key, err := f.bytes()
			if err != nil {
				return nil, err
			}
			value, err := f.bytes()
			if err != nil {
				return nil, err
			}
			if k := string(key); k == "avro.schema" || k == "avro.codec" {
				meta[k] = value
			}
		}
	}
	_, err := io.ReadFull(f.r, f.sync[:])
	return meta, unexpected(err)
}

// Next appends the next row to dst. A value that is no record becomes {"value":…}.
func (f *file) Next(dst []byte) ([]byte, error) {
	for f.left == 0 {
		if f.cut != nil {
			return dst, f.cut
		}
		if len(f.in.rest) > 0 {
			return dst, fmt.Errorf("%d bytes behind the last row of a block", len(f.in.rest))
		}
		if err := f.next(); err != nil {
			return dst, err
		}
	}
	f.left--
	f.in.made = len(dst)
	dst, err := f.row(dst)
	if err != nil && f.cut != nil {
		err = f.cut
	}
	return dst, err
}

func (f *file) row(dst []byte) ([]byte, error) {
	if f.root.kind == record {
		return f.in.append(dst, f.root, 0)
	}
	dst, err := f.in.append(append(dst, `{"value":`...), f.root, 0)
	return append(dst, '}'), err
}

// next reads the next block.
func (f *file) next() error {
	if _, err := f.r.Peek(1); err != nil {
		return err
	}
	count, err := f.long()
	if err != nil {
		return err
	}
	size, err := f.long()
	switch {
	case err != nil:
		return err
	case count < 0 || size < 0:
		return fmt.Errorf("a block of %d rows and %d bytes", count, size)
	case size > maxBlock:
		return decode.OverLimit("Avro block of more than %d bytes", maxBlock)
	}
	if err = f.read(int(size)); err != nil {
		return err
	}
	if f.block, err = f.decompress(f.block[:0], f.stored); err != nil {
		return err
	}
	f.in, f.left = input{rest: f.block, most: maxBlock}, count
	if count > int64(len(f.block)) && count > maxEmpty {
		return decode.OverLimit("Avro block with more than %d rows without a byte", maxEmpty)
	}
	return nil
}

// read reads what a block holds, and the marker behind it. A file may end within either: what is there of a block that
// is not compressed, and a block without the end of its marker, have whole rows.
func (f *file) read(size int) (err error) {
	if f.stored, err = readFull(f.r, f.stored, size); err != nil {
		if f.plain && errors.Is(err, io.ErrUnexpectedEOF) {
			f.cut, err = err, nil
		}
		return err
	}
	var mark [syncSize]byte
	n, err := io.ReadFull(f.r, mark[:])
	switch err = unexpected(err); {
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return err
	case !bytes.Equal(mark[:n], f.sync[:n]):
		return errors.New("no marker behind a block")
	}
	f.cut = err
	return nil
}

// maxEmpty is how many elements without a byte there may be: values such as null take none, so any number of them can
// be asserted.
const maxEmpty = 1 << 16

// readFull reads n bytes; the buffer grows with what is there, whatever n says.
func readFull(r io.Reader, buf []byte, n int) ([]byte, error) {
	buf = buf[:0]
	for len(buf) < n {
		step := min(n-len(buf), max(len(buf), 64<<10))
		if cap(buf)-len(buf) < step {
			grown := make([]byte, len(buf), len(buf)+step)
			copy(grown, buf)
			buf = grown
		}
		k, err := io.ReadFull(r, buf[len(buf):len(buf)+step])
		buf = buf[:len(buf)+k]
		if err != nil {
			return buf, unexpected(err)
		}
	}
	return buf, nil
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Close lets go of nothing: the buffers are the file's own.
func (f *file) Close() {}

// length reads a length that there must be bytes for.
func (in *input) length() (int, error) {
	n, err := in.long()
	if err == nil && (n < 0 || n > int64(len(in.rest))) {
		err = fmt.Errorf("a length of %d, and %d bytes are left", n, len(in.rest))
	}
	return int(min(n, math.MaxInt32)), err
}

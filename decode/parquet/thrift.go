package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The types of the compact protocol of Thrift
// (https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md).
const (
	thriftTrue = iota + 1
	thriftFalse
	thriftByte
	thriftI16
	thriftI32
	thriftI64
	thriftDouble
	thriftBinary
	thriftList
	thriftSet
	thriftMap
	thriftStruct
)

// maxThrift is how deep values may be in each other.
const maxThrift = 16

var errDepth = errors.New("nested too deep")

// input reads values of the compact protocol. After an error it gives zero values, and the error stays.
type input struct {
	rest []byte
	err  error
	deep int
}

func (in *input) fail(err error) {
	if in.err == nil {
		in.err = err
	}
	in.rest = nil
}

func (in *input) take(n uint64) []byte {
	if n > uint64(len(in.rest)) {
		in.fail(io.ErrUnexpectedEOF)
		return nil
	}
	b := in.rest[:n]
	in.rest = in.rest[n:]
	return b
}

func (in *input) byte() byte {
	if b := in.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (in *input) uvarint() uint64 {
	v, n := binary.Uvarint(in.rest)
	if n <= 0 {
		in.fail(io.ErrUnexpectedEOF)
		return 0
	}
	in.rest = in.rest[n:]
	return v
}

// number reads a value of any type of integer.
func (in *input) number() int64 {
	return zigzag(in.uvarint())
}

func (in *input) i32() int32 {
	n := in.number()
	if int64(int32(n)) != n { //nolint:gosec // that is what is looked at
		in.fail(fmt.Errorf("%d where a number of 32 bits is", n))
	}
	return int32(n) //nolint:gosec // looked at
}

// binary reads bytes, which are a part of the input.
func (in *input) binary() []byte { return in.take(in.uvarint()) }

// fields reads a structure: read is given the number and the type of each field and reports whether it has read its
// value, which is passed over otherwise.
func (in *input) fields(read func(id int16, kind byte) bool) {
	if in.deep++; in.deep > maxThrift {
		in.fail(errDepth)
	}
	id := int16(0)
	for in.err == nil {
		b := in.byte()
		if b == 0 {
			break
		}
		if delta := b >> 4; delta != 0 {
			id += int16(delta)
		} else {
			id = int16(in.number()) //nolint:gosec // a number that is none is none that anybody looks for
		}
		if kind := b & 15; in.err == nil && !read(id, kind) && kind != thriftTrue && kind != thriftFalse {
			in.skip(kind)
		}
	}
	in.deep--
}

// list reads a list, of which each element has a byte at least.
func (in *input) list(read func(kind byte)) {
	b := in.byte()
	n := uint64(b >> 4)
	if n == 15 {
		n = in.uvarint()
	}
	if n > uint64(len(in.rest)) {
		in.fail(io.ErrUnexpectedEOF)
	}
	for ; n > 0 && in.err == nil; n-- {
		read(b & 15)
	}
}

func (in *input) skip(kind byte) {
	switch kind {
	case thriftTrue, thriftFalse, thriftByte:
		in.take(1)
	case thriftI16, thriftI32, thriftI64:
		in.uvarint()
	case thriftDouble:
		in.take(8)
	case thriftBinary:
		in.binary()
	case thriftList, thriftSet:
		if in.deep++; in.deep > maxThrift {
			in.fail(errDepth)
		}
		in.list(in.skip)
		in.deep--
	case thriftStruct:
		in.fields(func(int16, byte) bool { return false })
	default:
		in.fail(fmt.Errorf("a value of type %d, which there is none of", kind))
	}
}

package parquet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/seed56735111/penstock/decode"
	"github.com/seed56735111/penstock/internal/inflate"
)

// codec decompresses src into dst, all of which is to be filled.
type codec func(dst, src []byte) ([]byte, error)

var errSize = errors.New("a page decompresses to another size than it says")

// codecOf returns how the pages of a column are compressed, by the number that the Parquet format gives it.
func codecOf(n int32) (codec, error) {
	switch n {
	case 0:
		return uncompressed, nil
	case 1:
		return unsnap, nil
	case 2:
		return stream(func(r io.Reader) io.Reader { return inflate.NewReader(r) }), nil
	case 3:
		return nil, &decode.UnsupportedError{Container: "Parquet with LZO pages"}
	case 4:
		return stream(func(r io.Reader) io.Reader { return brotli.NewReader(r) }), nil
	case 5:
		return unlz4Framed, nil
	case 6:
		return unzstd, nil
	case 7:
		return unlz4, nil
	}
	return nil, fmt.Errorf("compression %d, which there is none of", n)
}

func uncompressed(dst, src []byte) ([]byte, error) {
	if len(dst) != len(src) {
		return nil, errSize
	}
	copy(dst, src)
	return dst, nil
}

func stream(open func(io.Reader) io.Reader) codec {
	return func(dst, src []byte) ([]byte, error) {
		if len(dst) == 0 && len(src) == 0 {
			return dst, nil
		}
		r := open(bytes.NewReader(src))
		if _, err := io.ReadFull(r, dst); err != nil {
			return nil, err
		}
		var more [1]byte
		if n, _ := r.Read(more[:]); n > 0 {
			return nil, errSize
		}
		return dst, nil
	}
}

func unsnap(dst, src []byte) ([]byte, error) {
	if len(dst) == 0 && len(src) == 0 {
		return dst, nil
	}
	if n, err := snappy.DecodedLen(src); err != nil || n != len(dst) {
		return nil, errors.Join(err, errSize)
	}
	return snappy.Decode(dst, src)
}

// zstds keeps decoders; each has buffers of its own.
var zstds = sync.Pool{New: func() any {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxPage),
		zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		panic("parquet: " + err.Error()) // the options are constants
	}
	return d
}}

func unzstd(dst, src []byte) ([]byte, error) {
	d, _ := zstds.Get().(*zstd.Decoder)
	defer zstds.Put(d)
	var head zstd.Header
	if err := head.Decode(src); err == nil && head.HasFCS && head.FrameContentSize > uint64(len(dst)) {
		return nil, errSize
	}
	out, err := d.DecodeAll(src, dst[:0:len(dst)])
	if err == nil && len(out) != len(dst) || errors.Is(err, zstd.ErrDecoderSizeExceeded) {
		err = errSize
	}
	return out, err
}

func unlz4(dst, src []byte) ([]byte, error) {
	if len(dst) == 0 && len(src) == 0 {
		return dst, nil
	}
	n, err := lz4.UncompressBlock(src, dst)
	if err == nil && n != len(dst) {
		err = errSize
	}
	return dst, err
}

// unlz4Framed reads LZ4 as Hadoop frames it: blocks behind their two sizes. Some writers have left the frame out.
func unlz4Framed(dst, src []byte) ([]byte, error) {
	const head = 8
	rest, done := src, 0
	for len(rest) >= head {
		size, stored := int64(binary.BigEndian.Uint32(rest)), int64(binary.BigEndian.Uint32(rest[4:]))
		if size > int64(len(dst)-done) || stored > int64(len(rest)-head) {
			break
		}
		n, err := lz4.UncompressBlock(rest[head:head+stored], dst[done:done+int(size)])
		if err != nil || int64(n) != size {
			break
		}
		done, rest = done+n, rest[head+stored:]
	}
	if len(rest) == 0 && done == len(dst) {
		return dst, nil
	}
	return unlz4(dst, src)
}

package avro

import (
	"bytes"
	"compress/bzip2"
	"compress/flate"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"github.com/seed56735111/penstock/decode"
)

// codec returns how the blocks of a file are decompressed.
func codec(name string) (func(dst, src []byte) ([]byte, error), error) {
	switch name {
	case "", "null":
		return func(dst, src []byte) ([]byte, error) { return append(dst, src...), nil }, nil
	case "deflate":
		return stream(func(r io.Reader) (io.Reader, error) { return flate.NewReader(r), nil }), nil
	case "bzip2":
		return stream(func(r io.Reader) (io.Reader, error) { return bzip2.NewReader(r), nil }), nil
	case "xz":
		return stream(func(r io.Reader) (io.Reader, error) { return xz.ReaderConfig{DictCap: maxBlock}.NewReader(r) }), nil
	case "snappy":
		return unsnap, nil
	case "zstandard":
		z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxBlock))
		if err != nil {
			return nil, err
		}
		return func(dst, src []byte) ([]byte, error) {
			dst, err := z.DecodeAll(src, dst)
			if errors.Is(err, zstd.ErrDecoderSizeExceeded) {
				err = tooLarge()
			}
			return dst, err
		}, nil
	}
	return nil, &decode.UnsupportedError{Container: "Avro with codec " + name}
}

func tooLarge() error {
	return decode.OverLimit("Avro block that decompresses to more than %d bytes", maxBlock)
}

// stream decompresses with a reader.
func stream(open func(io.Reader) (io.Reader, error)) func(dst, src []byte) ([]byte, error) {
	return func(dst, src []byte) ([]byte, error) {
		r, err := open(bytes.NewReader(src))
		if err != nil {
			return dst, err
		}
		b := bytes.NewBuffer(dst)
		n, err := io.Copy(b, io.LimitReader(r, maxBlock+1))
		if n > maxBlock {
			err = tooLarge()
		}
		return b.Bytes(), unexpected(err)
	}
}

// unsnap decompresses a block that a checksum of the decompressed bytes follows.
func unsnap(dst, src []byte) ([]byte, error) {
	const sum = 4
	if len(src) < sum {
		return dst, io.ErrUnexpectedEOF
	}
	want, src := binary.BigEndian.Uint32(src[len(src)-sum:]), src[:len(src)-sum]
	if n, err := snappy.DecodedLen(src); err != nil || n > maxBlock {
		if err == nil {
			err = tooLarge()
		}
		return dst, err
	}
	out, err := snappy.Decode(dst[:cap(dst)], src)
	if err == nil && crc32.ChecksumIEEE(out) != want {
		err = errors.New("checksum of a block does not match")
	}
	return out, err
}

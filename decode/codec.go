package decode

import (
	"archive/zip"
	"bufio"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/internal/inflate"
)

// maxWindow is the most memory that a stream may ask for to look back in. The zstd tool makes no larger windows without
// being told to, and the xz tool none above half of it.
const maxWindow = 128 << 20

// decompress opens one compression. No codec has goroutines of its own: objects are read in parallel, not parts of one.
// release may be called once, and the reader not be used after it.
func (d *Decoder) decompress(kind container, r *bufio.Reader) (_ io.Reader, release func(), err error) {
	release = func() {}
	switch kind {
	case gzipStream:
		z, ok := d.gzips.Get().(*inflate.Reader)
		if !ok {
			z = inflate.NewReader(nil)
		}
		z.Reset(r)
		return z, func() { z.Reset(nil); d.gzips.Put(z) }, nil
	case zstdStream:
		return d.zstd(r)
	case bzip2Stream:
		return bzip2.NewReader(r), release, nil
	case xzStream:
		z, err := xz.NewReader(&xzGuard{r: r})
		return z, release, err
	case lz4Stream:
		return &multiLZ4{src: r, r: lz4.NewReader(r)}, release, nil
	case xerialStream, hadoopStream:
		return newSnappyBlocks(r, kind == hadoopStream), release, nil
	default:
		return snappy.NewReader(r), release, nil
	}
}

func (d *Decoder) zstd(r io.Reader) (io.Reader, func(), error) {
	z, ok := d.zstds.Get().(*zstd.Decoder)
	if !ok {
		var err error
		z, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, nil, err
		}
	}
	release := func() {
		_ = z.Reset(nil) // lets go of r; it cannot fail
		d.zstds.Put(z)
	}
	if err := z.Reset(r); err != nil {
		return nil, nil, err
	}
	return &heldBlock{z: z}, release, nil
}

// heldBlock reads a zstd stream. The library keeps a block that it has decoded to itself when the checksum behind it is
// missing or wrong; here it comes before the error, as it does from every other compression.
type heldBlock struct {
	z   *zstd.Decoder
	err error
}

func (h *heldBlock) Read(p []byte) (int, error) {
	if h.err == nil {
		n, err := h.z.Read(p)
		if err == nil || errors.Is(err, io.EOF) {
			return n, err
		}
		h.err = err
		if n > 0 {
			return n, nil
		}
	}
	n, _ := h.z.Read(p)
	if n > 0 {
		return n, nil
	}
	return 0, h.err
}

// WriteTo gives every block when it is decoded.
func (h *heldBlock) WriteTo(w io.Writer) (int64, error) { return h.z.WriteTo(w) }

// decodeError says what is wrong with the data of a container. What a container around it said stays.
func decodeError(kind container, err error) error {
	if _, ok := errors.AsType[*layerError](err); ok {
		return err
	}
	if _, ok := errors.AsType[*penstock.ObjectError](err); ok {
		return err
	}
	switch {
	case errors.Is(err, errWindow), errors.Is(err, zstd.ErrWindowSizeExceeded),
		errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return OverLimit("%v data needs a window of more than %d MiB", kind, maxWindow>>20)
	case errors.Is(err, zip.ErrAlgorithm):
		return &UnsupportedError{Container: "zip (with this compression method)"}
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return &layerError{kind: kind, what: "cut off", err: io.ErrUnexpectedEOF}
	}
	return &layerError{kind: kind, what: "corrupt", err: err}
}

// layerError is damage in the data of one container.
type layerError struct {
	kind container
	what string
	err  error
}

func (e *layerError) Error() string { return fmt.Sprintf("%v data is %s: %v", e.kind, e.what, e.err) }
func (e *layerError) Unwrap() error { return e.err }

// multiLZ4 reads lz4 frames that follow each other as one stream.
type multiLZ4 struct {
	src *bufio.Reader
	r   *lz4.Reader
}

// WriteTo gives every block when it is decoded, of all frames.
func (m *multiLZ4) WriteTo(w io.Writer) (int64, error) { return m.r.WriteTo(w) }

func (m *multiLZ4) Read(p []byte) (int, error) {
	for {
		n, err := m.r.Read(p)
		if !errors.Is(err, io.EOF) || n > 0 {
			return n, err
		}
		if _, err := m.src.Peek(1); err != nil {
			return 0, err
		}
		m.r.Reset(m.src)
	}
}

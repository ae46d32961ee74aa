package guard

import (
	"compress/gzip"
	"errors"
	"io"
)

// maxInflated bounds what a compressed body may become when it has to be looked into.
const maxInflated = 1 << 30

// errInflated says that a compressed body is too large to be looked into.
var errInflated = errors.New("the body decompresses to more than 1 GiB")

// newGzipReader decompresses r, within a bound.
func newGzipReader(r io.Reader) (io.Reader, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	return &boundedReader{r: z, left: maxInflated, err: errInflated}, nil
}

// boundedReader fails, and does not end, at its bound.
type boundedReader struct {
	r    io.Reader
	left int64
	err  error
}

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, b.err
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

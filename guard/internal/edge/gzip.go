package edge

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// maxInflated bounds the size of a compressed body after decompression.
const maxInflated = 1 << 30

// errInflated says that a compressed body is over maxInflated.
var errInflated = errors.New("the body decompresses to more than 1 GiB")

// newGzipReader decompresses r, up to maxInflated.
func newGzipReader(r io.Reader) (io.Reader, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	return &BoundedReader{R: z, Left: maxInflated, Err: errInflated}, nil
}

// BoundedReader reads up to a bound. There it fails, where io.LimitReader ends.
type BoundedReader struct {
	R    io.Reader
	Left int64
	Err  error
}

func (b *BoundedReader) Read(p []byte) (int, error) {
	if b.Left <= 0 {
		return 0, b.Err
	}
	n, err := b.R.Read(p[:min(int64(len(p)), b.Left)])
	b.Left -= int64(n)
	return n, err
}

// DecodedBody undoes the Content-Encoding of a body.
func DecodedBody(h http.Header, r io.Reader) (io.Reader, error) {
	switch encoding := h.Get("Content-Encoding"); encoding {
	case "", "identity":
		return r, nil
	case "gzip":
		return newGzipReader(r)
	default:
		return nil, fmt.Errorf("content encoding %q cannot be read", encoding)
	}
}

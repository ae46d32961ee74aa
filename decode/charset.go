package decode

import (
	"errors"
	"io"

	"golang.org/x/text/transform"

	"github.com/seed56735111/penstock"
)

// charsetReader reads text in an encoding as UTF-8. What cannot be in it becomes U+FFFD. Unlike a transform.Reader it
// goes on after penstock.ErrIdle.
type charsetReader struct {
	r       io.Reader
	decoder transform.Transformer
	in      [4096]byte
	from    int // of what is read and not decoded
	to      int
	out     [3 * 4096]byte
	text    []byte // of out, not given out yet
	err     error  // that came behind what is read
}

func (c *charsetReader) Read(p []byte) (int, error) {
	for len(c.text) == 0 {
		n, used, err := c.decoder.Transform(c.out[:], c.in[c.from:c.to], errors.Is(c.err, io.EOF))
		c.text, c.from = c.out[:n], c.from+used
		switch {
		case n > 0:
		case err != nil && !errors.Is(err, transform.ErrShortSrc):
			return 0, err
		case c.err != nil:
			err := c.err
			if errors.Is(err, penstock.ErrIdle) {
				c.err = nil
			}
			return 0, err
		default:
			c.fill()
		}
	}
	n := copy(p, c.text)
	c.text = c.text[n:]
	return n, nil
}

// fill reads more behind what is not decoded yet: the beginning of a character.
func (c *charsetReader) fill() {
	c.to = copy(c.in[:], c.in[c.from:c.to])
	c.from = 0
	n, err := c.r.Read(c.in[c.to:])
	c.to += n
	c.err = err
}

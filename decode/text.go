package decode

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/seed56735111/penstock"
)

// guessBytes is how much of a text without a byte order mark is looked at.
const guessBytes = 512

// transcoded leaves out a UTF-8 byte order mark, turns UTF-16 and UTF-32 into UTF-8, and lines that end in carriage
// returns alone into lines. Offsets count the bytes that come out. known says that the text itself told what it is in.
func (o *object) transcoded(br *bufio.Reader) (text io.Reader, known bool, err error) {
	size := guessBytes
	if o.live {
		size = 3 // more may not come for long
	}
	head, err := br.Peek(size)
	if err != nil && !errors.Is(err, io.EOF) && len(head) == 0 {
		return nil, false, err
	}
	wide := func(mark, unit int, order binary.ByteOrder) (io.Reader, bool, error) {
		_, _ = br.Discard(mark) // just peeked
		return &utfReader{r: br, order: order, unit: unit}, true, nil
	}
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		_, _ = br.Discard(3) // just peeked
		return br, true, nil
	case bytes.HasPrefix(head, []byte("\xff\xfe\x00\x00")):
		return wide(4, 4, binary.LittleEndian)
	case bytes.HasPrefix(head, []byte("\x00\x00\xfe\xff")):
		return wide(4, 4, binary.BigEndian)
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		return wide(2, 2, binary.LittleEndian)
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		return wide(2, 2, binary.BigEndian)
	case isWide(head, 2, 0):
		return wide(0, 2, binary.LittleEndian)
	case isWide(head, 2, 1):
		return wide(0, 2, binary.BigEndian)
	case isWide(head, 4, 0):
		return wide(0, 4, binary.LittleEndian)
	case isWide(head, 4, 3):
		return wide(0, 4, binary.BigEndian)
	}
	if o.Encoding != nil {
		return Recoded(br, o.Encoding), false, nil
	}
	if !o.live && returns(head) {
		return &crReader{r: br}, false, nil
	}
	return br, false, nil
}

// isWide reports whether text is of characters of so many bytes each, of which that at a place is printable ASCII and
// the others are zero, in nine of ten characters, and a line ends in it.
func isWide(head []byte, unit, place int) bool {
	if bytes.IndexByte(head, 0) < 0 {
		return false
	}
	n, plain, ends := len(head)/unit, 0, 0
	for i := range n {
		c := head[i*unit : (i+1)*unit]
		zeros := bytes.Count(c, []byte{0})
		switch value := c[place]; {
		case zeros != unit-1:
		case value == '\n' || value == '\r':
			ends++
			plain++
		case value == '\t' || value >= 0x20 && value < 0x7f:
			plain++
		}
	}
	return n >= 8 && 10*plain >= 9*n && (ends > 0 || len(head) == guessBytes)
}

// returns reports whether this is text whose lines end in carriage returns alone.
func returns(head []byte) bool {
	for _, c := range head {
		if c < 0x20 && c != '\r' && c != '\t' && c != 0x1b {
			return false
		}
	}
	return bytes.Count(head, []byte{'\r'}) > 1
}

// crReader reads carriage returns as line ends, but for those before one.
type crReader struct {
	r   *bufio.Reader
	err error // that came while looking ahead
}

func (c *crReader) Read(p []byte) (int, error) {
	if c.err != nil && c.r.Buffered() == 0 {
		return 0, c.err
	}
	n, err := c.r.Read(p)
	for i := range p[:n] {
		if p[i] != '\r' {
			continue
		}
		next := byte(0)
		if i+1 < n {
			next = p[i+1]
		} else if b, ahead := c.r.Peek(1); len(b) > 0 {
			next = b[0]
		} else {
			c.err = ahead
		}
		if next != '\n' {
			p[i] = '\n'
		}
	}
	return n, err
}

// utfReader reads UTF-16 and UTF-32 as UTF-8. Halves without their other half become U+FFFD.
type utfReader struct {
	r     *bufio.Reader
	order binary.ByteOrder
	unit  int // bytes of a character, or of half a pair
	out   []byte
	high  rune // the first half of a pair, 0 for none
	err   error
}

func (u *utfReader) Read(p []byte) (int, error) {
	for len(u.out) == 0 && u.err == nil {
		u.fill()
	}
	if len(u.out) == 0 {
		err := u.err
		if errors.Is(err, penstock.ErrIdle) {
			u.err = nil
		}
		return 0, err
	}
	n := copy(p, u.out)
	u.out = u.out[n:]
	return n, nil
}

// ended ends the text, or a part of it while the stream idles, in front of the last bytes.
func (u *utfReader) ended(last []byte, err error) {
	if errors.Is(err, penstock.ErrIdle) {
		u.err = err
		return
	}
	if u.high != 0 {
		u.out = utf8.AppendRune(u.out, utf8.RuneError)
		u.high = 0
	}
	if len(last) > 0 && errors.Is(err, io.EOF) {
		err = fmt.Errorf("UTF-%d text ends in the middle of a character: %w", 8*u.unit, io.ErrUnexpectedEOF)
	}
	u.err = err
}

func (u *utfReader) fill() {
	u.out = u.out[:0]
	for len(u.out) < 4096 {
		b, err := u.r.Peek(u.unit)
		if len(b) < u.unit {
			u.ended(b, err)
			return
		}
		c := u.character(b)
		_, _ = u.r.Discard(u.unit) // just peeked
		if u.high != 0 {
			if r := utf16.DecodeRune(u.high, c); r != utf8.RuneError {
				u.out, u.high = utf8.AppendRune(u.out, r), 0
				continue
			}
			u.out, u.high = utf8.AppendRune(u.out, utf8.RuneError), 0
		}
		switch {
		case c >= 0xd800 && c < 0xdc00:
			u.high = c
		default:
			u.out = utf8.AppendRune(u.out, c) // a second half alone is RuneError by itself
		}
	}
}

// character returns the next one. What is none is RuneError once it is written.
func (u *utfReader) character(b []byte) rune {
	if u.unit == 2 {
		return rune(u.order.Uint16(b))
	}
	if c := u.order.Uint32(b); c <= utf8.MaxRune && (c < 0xd800 || c > 0xdfff) {
		return rune(c)
	}
	return utf8.RuneError
}

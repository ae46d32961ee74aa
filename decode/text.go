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

// transcoded leaves out a UTF-8 byte order mark and turns UTF-16 that announces itself into UTF-8. Offsets count the
// bytes that come out.
func (o *object) transcoded(br *bufio.Reader) (io.Reader, error) {
	head, err := br.Peek(3)
	if err != nil && !errors.Is(err, io.EOF) && len(head) == 0 {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		_, _ = br.Discard(3) // just peeked
		return br, nil
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		return o.utf16(br, binary.LittleEndian), nil
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		return o.utf16(br, binary.BigEndian), nil
	}
	return br, nil
}

func (o *object) utf16(br *bufio.Reader, order binary.ByteOrder) io.Reader {
	_, _ = br.Discard(2) // just peeked
	return &utf16Reader{r: br, order: order}
}

// utf16Reader reads UTF-16 as UTF-8. Halves without their other half become U+FFFD.
type utf16Reader struct {
	r     *bufio.Reader
	order binary.ByteOrder
	out   []byte
	high  rune // the first half of a pair, 0 for none
	err   error
}

func (u *utf16Reader) Read(p []byte) (int, error) {
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
func (u *utf16Reader) ended(last []byte, err error) {
	if errors.Is(err, penstock.ErrIdle) {
		u.err = err
		return
	}
	if u.high != 0 {
		u.out = utf8.AppendRune(u.out, utf8.RuneError)
		u.high = 0
	}
	if len(last) > 0 && errors.Is(err, io.EOF) {
		err = fmt.Errorf("UTF-16 text ends in the middle of a character: %w", io.ErrUnexpectedEOF)
	}
	u.err = err
}

func (u *utf16Reader) fill() {
	u.out = u.out[:0]
	for len(u.out) < 4096 {
		b, err := u.r.Peek(2)
		if len(b) < 2 {
			u.ended(b, err)
			return
		}
		c := rune(u.order.Uint16(b))
		_, _ = u.r.Discard(2) // just peeked
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

package deadletter

import (
	"bytes"
	"errors"
	"io"
)

const firstLineBuffer = 64 << 10

// textLine is one line of a part. Its bytes are valid until the next one is asked for.
type textLine struct {
	offset   int64  // of the first byte in the part
	bytes    []byte // without the ending; of an overlong line the beginning
	length   int64  // without the ending, also when the line is too long to hold
	overlong bool   // bytes are not the whole line
}

// lineReader splits a stream into lines that end in LF or CRLF. A CR elsewhere belongs to its line. It allocates a
// buffer that grows up to the bound and nothing per line. A line over the bound is read to its end and not held.
type lineReader struct {
	r     io.Reader
	max   int
	buf   []byte
	start int // of what is not given out
	end   int // of what is read
	at    int64
	err   error
}

// newLineReader returns a reader of the lines in r; maxLine is the longest one to hold, in bytes.
func newLineReader(r io.Reader, maxLine int) *lineReader {
	return &lineReader{r: r, max: maxLine, buf: make([]byte, min(firstLineBuffer, maxLine+2))}
}

// next returns the next line, a last one without an ending included. After it comes io.EOF, or the error of the source:
// with such an error comes what was read of the line that it broke off. That is not a line, and no record should be
// made of it: read again, the same offset has a longer one.
func (l *lineReader) next() (textLine, error) {
	searched := l.start
	for {
		if i := bytes.IndexByte(l.buf[searched:l.end], '\n'); i >= 0 {
			return l.take(searched + i), nil
		}
		searched = l.end
		if l.err != nil {
			return l.rest()
		}
		if l.end == len(l.buf) {
			if l.start == 0 && len(l.buf) >= l.max+2 {
				return l.overlong()
			}
			searched -= l.start
			l.room()
		}
		l.read()
	}
}

func (l *lineReader) take(end int) textLine {
	line := l.buf[l.start:end]
	out := textLine{offset: l.at}
	l.at += int64(end + 1 - l.start)
	l.start = end + 1
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	out.bytes, out.length = line, int64(len(line))
	if len(line) > l.max {
		out.overlong, out.bytes = true, line[:l.max]
	}
	return out
}

func (l *lineReader) rest() (textLine, error) {
	if l.start == l.end {
		return textLine{}, l.err
	}
	line := l.buf[l.start:l.end]
	out := textLine{offset: l.at, bytes: line, length: int64(len(line))}
	if len(line) > l.max {
		out.overlong, out.bytes = true, line[:l.max]
	}
	l.at += int64(len(line))
	l.start = l.end
	return out, l.broken()
}

// broken returns the error of the source when it is not its end.
func (l *lineReader) broken() error {
	if errors.Is(l.err, io.EOF) {
		return nil
	}
	return l.err
}

// room makes space behind the bytes in hand.
func (l *lineReader) room() {
	if l.start > 0 {
		copy(l.buf, l.buf[l.start:l.end])
		l.end -= l.start
		l.start = 0
		if l.end < len(l.buf)/2 || len(l.buf) >= l.max+2 {
			return
		}
	}
	bigger := make([]byte, min(2*len(l.buf), l.max+2))
	copy(bigger, l.buf[:l.end])
	l.buf = bigger
}

func (l *lineReader) read() {
	const patience = 100 // empty reads in a row, as in bufio
	for range patience {
		n, err := l.r.Read(l.buf[l.end:])
		l.end += n
		l.err = err
		if n > 0 || err != nil {
			return
		}
	}
	l.err = io.ErrNoProgress
}

// overlong reads to the end of a line that fills the whole buffer and keeps its beginning.
func (l *lineReader) overlong() (textLine, error) {
	line := textLine{offset: l.at, bytes: bytes.Clone(l.buf[:l.max]), overlong: true}
	length, lastCR := int64(0), false
	var err error
	for {
		part := l.buf[l.start:l.end]
		i := bytes.IndexByte(part, '\n')
		if i >= 0 {
			part = part[:i]
		}
		length, lastCR = withPart(length, part, lastCR)
		l.at += int64(len(part))
		l.start += len(part)
		if i >= 0 {
			l.start++ // the ending; a CR before it is not part of the line
			l.at++
			break
		}
		l.start, l.end = 0, 0
		if l.err != nil {
			if lastCR { // no ending follows, so the CR belongs to the line
				length++
			}
			err = l.broken()
			break
		}
		l.read()
	}
	line.length = length
	return line, err
}

// withPart adds the length of a part of a line, holding back a CR at its end that may be the line's ending.
func withPart(length int64, part []byte, heldCR bool) (int64, bool) {
	if len(part) == 0 {
		return length, heldCR
	}
	if heldCR {
		length++
	}
	length += int64(len(part))
	if part[len(part)-1] != '\r' {
		return length, false
	}
	return length - 1, true
}

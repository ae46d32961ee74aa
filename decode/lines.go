package decode

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"math"
)

// DefaultMaxLine is the longest line that a LineReader holds when it is not told otherwise.
const DefaultMaxLine = 16 << 20

const firstLineBuffer = 64 << 10

// Line is one line of an entry. Its bytes are valid until the next call.
type Line struct {
	// Offset is the position of the first byte in the entry.
	Offset int64
	// Bytes is the line without its ending. Of an overlong line it is the beginning.
	Bytes []byte
	// Length is the number of bytes without the ending, also when the line is too long to hold.
	Length int64
	// Overlong says that Bytes is not the whole line. Hash is the SHA-256 of the whole then.
	Overlong bool
	Hash     [sha256.Size]byte
}

// LineReader splits a stream into lines that end in LF or CRLF. A CR elsewhere belongs to its line. It allocates a
// buffer that grows up to the bound and nothing per line. A line over the bound is read to its end and not held.
type LineReader struct {
	r     io.Reader
	max   int
	buf   []byte
	start int // of what is not given out
	end   int // of what is read
	at    int64
	err   error
}

// NewLineReader returns a reader of the lines in r; maxLine is the longest one to hold, in bytes, DefaultMaxLine when
// 0.
func NewLineReader(r io.Reader, maxLine int) *LineReader {
	if maxLine <= 0 {
		maxLine = DefaultMaxLine
	}
	maxLine = min(maxLine, math.MaxInt-2)
	return &LineReader{r: r, max: maxLine, buf: make([]byte, min(firstLineBuffer, maxLine+2))}
}

// Next returns the next line, a last one without an ending included. After it comes io.EOF, or the error of the source:
// with such an error comes what was read of the line that it broke off. That is not a line, and no record should be
// made of it: read again, the same offset has a longer one.
func (l *LineReader) Next() (Line, error) {
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

// Peek returns the bytes that come next without consuming them: n of them, or fewer at the end of the stream or when
// n is over the bound of a line. They are valid until the next call.
func (l *LineReader) Peek(n int) []byte {
	for l.end-l.start < n && l.err == nil {
		if l.end == len(l.buf) {
			if l.start == 0 && len(l.buf) >= l.max+2 {
				break
			}
			l.room()
		}
		l.read()
	}
	return l.buf[l.start:min(l.end, l.start+n)]
}

func (l *LineReader) take(end int) Line {
	line := l.buf[l.start:end]
	out := Line{Offset: l.at}
	l.at += int64(end + 1 - l.start)
	l.start = end + 1
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	out.Bytes, out.Length = line, int64(len(line))
	if len(line) > l.max {
		out.Overlong, out.Hash, out.Bytes = true, sha256.Sum256(line), line[:l.max]
	}
	return out
}

func (l *LineReader) rest() (Line, error) {
	if l.start == l.end {
		return Line{}, l.err
	}
	line := l.buf[l.start:l.end]
	out := Line{Offset: l.at, Bytes: line, Length: int64(len(line))}
	if len(line) > l.max {
		out.Overlong, out.Hash, out.Bytes = true, sha256.Sum256(line), line[:l.max]
	}
	l.at += int64(len(line))
	l.start = l.end
	return out, l.broken()
}

// broken returns the error of the source when it is not its end.
func (l *LineReader) broken() error {
	if errors.Is(l.err, io.EOF) {
		return nil
	}
	return l.err
}

// room makes space behind the bytes in hand.
func (l *LineReader) room() {
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

func (l *LineReader) read() {
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
func (l *LineReader) overlong() (Line, error) {
	line := Line{Offset: l.at, Bytes: bytes.Clone(l.buf[:l.max]), Overlong: true}
	sum := sha256.New()
	length, lastCR := int64(0), false
	var err error
	for {
		part := l.buf[l.start:l.end]
		i := bytes.IndexByte(part, '\n')
		if i >= 0 {
			part = part[:i]
		}
		length, lastCR = hashPart(sum, part, length, lastCR)
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
				_, _ = sum.Write([]byte{'\r'})
				length++
			}
			err = l.broken()
			break
		}
		l.read()
	}
	line.Length = length
	sum.Sum(line.Hash[:0])
	return line, err
}

// hashPart adds a part of a line, holding back a CR at its end that may be the line's ending.
func hashPart(sum hash.Hash, part []byte, length int64, heldCR bool) (int64, bool) {
	if len(part) == 0 {
		return length, heldCR
	}
	if heldCR {
		_, _ = sum.Write([]byte{'\r'})
		length++
	}
	held := part[len(part)-1] == '\r'
	if held {
		part = part[:len(part)-1]
	}
	_, _ = sum.Write(part)
	return length + int64(len(part)), held
}

package format

import (
	"bytes"
	"errors"
	"io"
)

const (
	// pad is how many zero bytes always follow the data in a window. They end every scanning loop without a test for the
	// end of the data, and let eight bytes be loaded from any position in it.
	pad = 16
	// sampleBytes is how much of an entry the recogniser looks at, and one byte more to tell whether that is all.
	sampleBytes = 64 << 10
	// windowBytes is the size to which a window grows for anything longer than a sample.
	windowBytes = 256 << 10
)

// window is the part of an entry that is in memory. Records are slices of it, valid until the next fill.
type window struct {
	r     io.Reader
	buf   []byte
	start int   // first byte not consumed
	end   int   // end of the data; buf[end:end+pad] is zero
	base  int64 // offset in the entry of buf[0]
	limit int   // most bytes that may be held
	err   error // what the reader said at last
}

// reset begins a new entry, of which no more than limit bytes are held at once.
func (w *window) reset(r io.Reader, limit int) {
	if w.buf == nil {
		w.buf = make([]byte, sampleBytes+1+pad)
	}
	*w = window{r: r, buf: w.buf, limit: limit}
	clear(w.buf[:pad])
}

// bytes returns the data that is not consumed, with pad zero bytes behind it.
func (w *window) bytes() []byte { return w.buf[w.start : w.end+pad] }

// len returns the number of bytes that are not consumed.
func (w *window) len() int { return w.end - w.start }

// offset returns the position in the entry of the first byte that is not consumed.
func (w *window) offset() int64 { return w.base + int64(w.start) }

// advance consumes n bytes.
func (w *window) advance(n int) { w.start += n }

// ended reports whether no more data will come.
func (w *window) ended() bool { return w.err != nil }

// failure returns the error that ended the entry early, nil at a proper end.
func (w *window) failure() error {
	if w.err == nil || errors.Is(w.err, io.EOF) && !errors.Is(w.err, io.ErrUnexpectedEOF) {
		return nil
	}
	return w.err
}

// maxEmptyReads is how often a reader may return nothing and no error before it is given up.
const maxEmptyReads = 100

// fill adds data. It reports false when there is none: the entry has ended, or the window holds its limit. The parsers look
// at a record that is not complete again from its beginning, so a long one grows by a half at least: otherwise small reads
// would cost time with the square of its length.
func (w *window) fill() bool {
	if w.err != nil {
		return false
	}
	w.makeRoom()
	room := w.buf[w.end : len(w.buf)-pad]
	room = room[:min(len(room), w.limit-w.len())]
	if len(room) == 0 {
		return false
	}
	least := 1
	if w.len() >= sampleBytes {
		least = min(w.len()/2, len(room))
	}
	added, empty := 0, 0
	for added < least && w.err == nil {
		n, err := w.r.Read(room[added:])
		added += n
		w.err = err
		if n > 0 {
			empty = 0
		} else if empty++; empty == maxEmptyReads && err == nil {
			w.err = io.ErrNoProgress
		}
	}
	w.end += added
	clear(w.buf[w.end : w.end+pad])
	return added > 0
}

// makeRoom moves the data to the front of the buffer, or to a larger one, when the space behind it is small.
func (w *window) makeRoom() {
	free := len(w.buf) - pad - w.end
	if free >= len(w.buf)/2 {
		return
	}
	data := w.buf[w.start:w.end]
	if len(data) > len(w.buf)/2 || len(w.buf) < windowBytes && w.base+int64(w.end) >= sampleBytes {
		size := max(windowBytes, 2*len(w.buf))
		size = min(size, w.limit+pad)
		if size > len(w.buf) {
			grown := make([]byte, size)
			copy(grown, data)
			w.base += int64(w.start)
			w.buf, w.start, w.end = grown, 0, len(data)
			return
		}
	}
	copy(w.buf, data)
	w.base += int64(w.start)
	w.start, w.end = 0, len(data)
}

// sample reads ahead until there is enough for recognition or the entry has ended, and returns what is there. It depends on
// the entry alone, not on the sizes of the reads.
func (w *window) sample() []byte {
	limit := w.limit
	w.limit = sampleBytes + 1
	for w.len() < w.limit && w.fill() {
	}
	w.limit = limit
	return w.bytes()[:w.len()]
}

// line returns the next line without its line ending, and the number of bytes to consume for it. ok is false when the
// line is not complete and cannot be completed: the entry has ended without a byte, or the line is longer than the window.
func (w *window) line(max int) (text []byte, size int, ok bool) {
	searched := 0
	for {
		data := w.buf[w.start:w.end]
		if i := bytes.IndexByte(data[searched:], '\n'); i >= 0 {
			size = searched + i + 1
			text = trimCR(data[:size-1])
			return text, size, len(text) <= max
		}
		searched = len(data)
		if searched > max+len("\r") {
			return nil, 0, false
		}
		if !w.fill() {
			text = trimCR(w.buf[w.start:w.end])
			return text, w.len(), len(text) > 0 && len(text) <= max && w.ended() && w.failure() == nil
		}
	}
}

// discardLine consumes the rest of a line, with its line ending, and returns the length of the line without it.
func (w *window) discardLine() int64 {
	var n int64
	cr := false // the last byte seen is a carriage return
	for {
		data := w.buf[w.start:w.end]
		i := bytes.IndexByte(data, '\n')
		if i >= 0 {
			n += int64(i)
			if i > 0 && data[i-1] == '\r' || i == 0 && cr {
				n--
			}
			w.advance(i + 1)
			return n
		}
		if len(data) > 0 {
			cr = data[len(data)-1] == '\r'
		}
		n += int64(len(data))
		w.advance(len(data))
		if !w.fill() {
			return n
		}
	}
}

func trimCR(b []byte) []byte {
	if n := len(b); n > 0 && b[n-1] == '\r' {
		return b[:n-1]
	}
	return b
}

package entry

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/internal/quote"
)

const (
	// Pad is how many zero bytes always follow the data in a window. They end every scanning loop without a test for the
	// end of the data, and let eight bytes be loaded from any position in it.
	Pad = quote.Pad
	// SampleBytes is how much of an entry the recogniser looks at, and one byte more to tell whether that is all.
	SampleBytes = 64 << 10
	// windowBytes is the size to which a window grows for anything longer than a sample.
	windowBytes = 256 << 10
	// smallBytes is the size beyond which a window must have the one token that large windows share.
	smallBytes = 1 << 20
)

// Large is what bounds the memory of all readers of long records together: one of them at a time holds a record that
// does not fit into a small window, and the others wait for it when they come to one of theirs. Nil is no bound.
type Large chan struct{}

// NewLarge returns the token of readers that share a bound.
func NewLarge() Large { return make(Large, 1) }

// Window is the part of an entry that is in memory. Records are slices of it, valid until the next fill.
type Window struct {
	r     io.Reader
	buf   []byte
	start int   // first byte not consumed
	end   int   // end of the data; buf[end:end+Pad] is zero
	base  int64 // offset in the entry of buf[0]
	limit int   // most bytes that may be held
	err   error // what the reader said at last

	// Linger is how long what has come of a stream that comes while it is read may wait for more; 0 for other streams.
	Linger time.Duration

	content *content
	came    time.Time // when the last bytes came, of a stream that lingers
	last    byte      // that was read

	large Large
	holds bool // the token of large
	calm  int  // how often in a row there was little data when room was made
	shed  bool // the window was large, and is small again
}

// reset begins a new entry, of which no more than limit bytes are held at once.
func (w *Window) reset(r io.Reader, limit int) {
	if w.buf == nil {
		w.buf = make([]byte, SampleBytes+1+Pad)
	}
	c := w.content
	if c == nil {
		c = new(content)
	}
	c.on = false
	*w = Window{r: r, buf: w.buf, limit: limit, content: c, Linger: w.Linger, large: w.large}
	clear(w.buf[:Pad])
}

// Bytes returns the data that is not consumed, with Pad zero bytes behind it.
func (w *Window) Bytes() []byte { return w.buf[w.start : w.end+Pad] }

// Len returns the number of bytes that are not consumed.
func (w *Window) Len() int { return w.end - w.start }

// Offset returns the position in the entry of the first byte that is not consumed.
func (w *Window) Offset() int64 { return w.base + int64(w.start) }

// Advance consumes n bytes.
func (w *Window) Advance(n int) { w.start += n }

// Ended reports whether no more data will come.
func (w *Window) Ended() bool { return w.err != nil }

// Failure returns the error that ended the entry early, nil at a proper end. The end of a line is one, also in a file
// that may go on.
func (w *Window) Failure() error {
	if w.err == nil || errors.Is(w.err, io.EOF) && !errors.Is(w.err, io.ErrUnexpectedEOF) {
		return nil
	}
	if growing := w.Growing(); growing != nil {
		if w.last == '\n' {
			return nil
		}
		return &penstock.GrowingError{Object: growing.Object, What: "its last line, which has no line end,"}
	}
	return w.err
}

// Growing returns the end of a file that was written to a moment ago; nil too when it is known to be none, as that of a
// compressed stream which is not complete.
func (w *Window) Growing() *penstock.GrowingError {
	if w.err == nil || !w.content.on {
		return nil
	}
	if growing, ok := errors.AsType[*penstock.GrowingError](w.err); ok && growing.What == "" {
		return growing
	}
	return nil
}

// IsOpen reports whether a record that ends with the data in the window, and has no line end, may go on behind it: in a
// file that is written to.
func (w *Window) IsOpen() bool {
	return w.content.on && (w.Fill() || w.Failure() != nil)
}

// maxEmptyReads is how often a reader may return nothing and no error before it is given up.
const maxEmptyReads = 100

// Fill adds data. It reports false when there is none: the entry has ended, or the window holds its limit. The parsers
// look at a record that is not complete again from its beginning, so a long one grows by a half at least: otherwise
// small reads would cost time with the square of its length.
func (w *Window) Fill() bool {
	for {
		added, idle := w.fill()
		if !idle {
			return added
		}
	}
}

// FillSoon is Fill, but for that it gives up when a stream that comes while it is read has had its linger time since
// the last bytes came; idle tells.
func (w *Window) FillSoon() (added, idle bool) { return w.fillUntil(w.came) }

func (w *Window) fillUntil(since time.Time) (added, idle bool) {
	for {
		if added, idle = w.fill(); !idle || time.Since(since) >= w.Linger {
			return added, idle
		}
	}
}

// fill is one attempt to add data.
func (w *Window) fill() (added, idle bool) {
	if w.err != nil {
		return false, false
	}
	w.makeRoom()
	room := w.buf[w.end : len(w.buf)-Pad]
	room = room[:min(len(room), w.limit-w.Len())]
	if len(room) == 0 {
		return false, false
	}
	least := 1
	if w.Len() >= SampleBytes {
		least = min(w.Len()/2, len(room))
	}
	count, empty := 0, 0
	for count < least && w.err == nil {
		n, err := w.r.Read(room[count:])
		count += n
		if w.Linger > 0 && errors.Is(err, penstock.ErrIdle) {
			idle = count == 0
			break
		}
		w.err = err
		if n > 0 {
			empty = 0
		} else if empty++; empty == maxEmptyReads && err == nil {
			w.err = io.ErrNoProgress
		}
	}
	w.end += count
	clear(w.buf[w.end : w.end+Pad])
	if count > 0 {
		w.last = w.buf[w.end-1]
		if w.Linger > 0 {
			w.came = time.Now()
		}
	}
	return count > 0, idle
}

// makeRoom moves the data to the front of the buffer, or to a larger one, when the space behind it is small.
func (w *Window) makeRoom() {
	free := len(w.buf) - Pad - w.end
	if free >= len(w.buf)/2 {
		return
	}
	w.takeIn(w.base + int64(w.start))
	data := w.buf[w.start:w.end]
	if w.isCalm(len(data)) {
		w.move(make([]byte, windowBytes))
		w.release()
		w.shed = true
		return
	}
	if len(data) > len(w.buf)/2 || len(w.buf) < windowBytes && w.base+int64(w.end) >= SampleBytes {
		size := max(windowBytes, 2*len(w.buf))
		if size > smallBytes {
			size = 4 * len(w.buf) // fewer steps leave less behind for the collector
		}
		size = min(size, w.limit+Pad)
		if size > len(w.buf) {
			if size > smallBytes {
				w.acquire()
			}
			if size > hugeBytes {
				runtime.GC() // as in Buffer
			}
			w.move(make([]byte, size))
			return
		}
	}
	w.move(w.buf)
}

// move makes the data the beginning of a buffer.
func (w *Window) move(buf []byte) {
	n := copy(buf, w.buf[w.start:w.end])
	w.base += int64(w.start)
	w.buf, w.start, w.end = buf, 0, n
}

// isCalm reports whether a large window has not been needed for as long as it takes to read it full twice.
func (w *Window) isCalm(held int) bool {
	if !w.holds || held > windowBytes/2 {
		w.calm = 0
		return false
	}
	w.calm++
	return w.calm > 2
}

// acquire waits for the token of large windows. Who has it never waits for another reader, so it comes back.
func (w *Window) acquire() {
	if w.large != nil && !w.holds {
		w.large <- struct{}{}
		w.holds = true
	}
}

func (w *Window) release() {
	if w.holds {
		w.holds = false
		<-w.large
	}
	w.calm = 0
}

// sample reads ahead until there is enough for recognition or the entry has ended, and returns what is there. It
// depends on the entry alone, not on the sizes of the reads, but for a stream that comes while it is read: what of that
// waits for longer than its linger time, and can be a record, is enough.
func (w *Window) sample() []byte {
	limit := w.limit
	w.limit = SampleBytes + 1
	if w.Linger > 0 {
		w.linger()
	} else {
		for w.Len() < w.limit && w.Fill() {
		}
	}
	w.limit = limit
	return w.Bytes()[:w.Len()]
}

// linger reads ahead until what there is has waited for long enough.
func (w *Window) linger() {
	var began time.Time
	for w.Len() < w.limit {
		if added, idle := w.fillUntil(began); !added && !idle {
			return
		}
		if w.Len() == 0 {
			continue
		}
		if began.IsZero() {
			began = time.Now()
		}
		if time.Since(began) >= w.Linger && w.isLine() {
			return
		}
	}
}

// isLine reports whether there is a line in the window, or the beginning of a value that may go without a line end.
func (w *Window) isLine() bool {
	b := w.Bytes()[:w.Len()]
	return bytes.IndexByte(b, '\n') >= 0 || b[0] == '{' || b[0] == '['
}

// line returns the next line without its line ending, and the number of bytes to consume for it. ok is false when the
// line is not complete and cannot be completed: the entry has ended without a byte, or the line is longer than the
// window.
func (w *Window) line(max int) (text []byte, size int, ok bool) {
	searched := 0
	for {
		data := w.buf[w.start:w.end]
		if i := bytes.IndexByte(data[searched:], '\n'); i >= 0 {
			size = searched + i + 1
			text = TrimCR(data[:size-1])
			return text, size, len(text) <= max
		}
		searched = len(data)
		if searched > max+len("\r") {
			return nil, 0, false
		}
		if !w.Fill() {
			text = TrimCR(w.buf[w.start:w.end])
			return text, w.Len(), len(text) > 0 && len(text) <= max && w.Ended() && w.Failure() == nil
		}
	}
}

// DiscardLine consumes the rest of a line, with its line ending, and returns the length of the line without it.
func (w *Window) DiscardLine() int64 {
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
			w.Advance(i + 1)
			return n
		}
		if len(data) > 0 {
			cr = data[len(data)-1] == '\r'
		}
		n += int64(len(data))
		w.Advance(len(data))
		if !w.Fill() {
			return n
		}
	}
}

// TrimCR returns a line without the carriage return at its end.
func TrimCR(b []byte) []byte {
	if n := len(b); n > 0 && b[n-1] == '\r' {
		return b[:n-1]
	}
	return b
}

package entry

import (
	"bytes"
	"errors"

	"github.com/zeebo/xxh3"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/internal/quote"
)

// datedBytes is how much of a file is looked through for a line that tells its generation from the others. It is a part
// of the scheme of ids, as is everything here.
const datedBytes = 64 << 10

// content follows the plain bytes of a file, for the ids of its records.
type content struct {
	on     bool
	hasher xxh3.Hasher
	at     int64 // how many bytes the hasher has taken in
	// dated is where the first time in the file ends; leading stands for the bytes up to the end of its line, and with
	// them for every record that ends before.
	dated   int64
	leading penstock.Content
}

// begin starts with the beginning of a file. It reports whether there is a line with a time in it, and whether that
// line goes on behind the bytes that are there.
func (c *content) begin(beginning []byte) (dated, open bool) {
	c.on, c.at, c.dated, c.leading = true, 0, 0, penstock.Content{}
	c.hasher.Reset()
	beginning = beginning[:min(len(beginning), datedBytes)]
	end := endOfTime(beginning)
	if end == 0 {
		return false, len(beginning) < datedBytes
	}
	line := bytes.IndexByte(beginning[end:], '\n')
	open = line < 0 && len(beginning) < datedBytes
	if line += end; line < end {
		line = len(beginning)
	}
	c.dated, c.leading = int64(end), penstock.Content(xxh3.Hash128(beginning[:line]))
	return true, open
}

// take takes in bytes that follow those before.
func (c *content) take(b []byte) {
	_, _ = c.hasher.Write(b) // it never fails
	c.at += int64(len(b))
}

// sum returns what stands for a record that ends here.
func (c *content) sum() penstock.Content {
	if c.at < c.dated {
		return c.leading
	}
	return penstock.Content(c.hasher.Sum128())
}

// endOfTime returns where the first thing ends that looks like a time: hh:mm:ss, or ten digits in a row. It is 0 when
// there is none.
func endOfTime(b []byte) int {
	digits := 0
	for i, c := range b {
		switch {
		case quote.IsDigit(c):
			if digits++; digits == 10 {
				return i + 1
			}
			continue
		case c == ':' && digits >= 2 && i+6 <= len(b) && b[i+3] == ':' && isTimeOfDay(b[i-2:i+6]):
			return i + 6
		}
		digits = 0
	}
	return 0
}

// isTimeOfDay looks at the digits of hh:mm:ss.
func isTimeOfDay(b []byte) bool {
	return b[0] <= '2' && (b[0] < '2' || b[1] <= '3') &&
		quote.IsDigit(b[3]) && b[3] <= '5' && quote.IsDigit(b[4]) && quote.IsDigit(b[6]) && b[6] <= '6' && quote.IsDigit(b[7])
}

// FollowContent has the records of a file say what they stand for. It reports whether the file has no line that tells
// its generation from others; the error says why nobody knows yet.
func (r *Reader) FollowContent() (undated bool, err error) {
	dated, open := r.content.begin(r.Sample())
	if !open {
		return !dated, nil
	}
	if growing := r.Growing(); growing != nil {
		return false, &penstock.GrowingError{
			Object: growing.Object, What: "its beginning, which has no line with a time yet,",
		}
	}
	if _, final := errors.AsType[*penstock.ObjectError](r.Failure()); !final {
		err = r.Failure() // the next reading may find such a line
	}
	return !dated, err
}

// contentUpTo returns what stands for a record that ends at a position of the entry; it is zero for what is no file.
func (w *Window) contentUpTo(end int64) penstock.Content {
	if !w.content.on {
		return penstock.Content{}
	}
	w.takeIn(end)
	return w.content.sum()
}

// takeIn takes the bytes up to a position of the entry into its content. They must be in the window still.
func (w *Window) takeIn(end int64) {
	if c := w.content; c.on && end > c.at {
		c.take(w.buf[c.at-w.base : end-w.base])
	}
}

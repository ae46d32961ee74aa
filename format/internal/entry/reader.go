// Package entry holds one entry while it is read: a window on its bytes, the sample by which its format is told, and
// the records that are handed over.
package entry

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format/internal/times"
	"github.com/seed56735111/penstock/internal/quote"
)

// Yield hands a record or an error to the consumer; false means that it wants no more.
type Yield = func(penstock.Record, error) bool

// Reader reads an entry for the grammar of its format. Its buffers are used again for other entries.
type Reader struct {
	Window
	// Name is that of the object or archive member, Attr what the object's source knows, Stored when it was stored.
	Name   string
	Attr   map[string]string
	Stored time.Time
	// Table is the kind of file whose rows the entry has, empty for bytes.
	Table string
	// Zone is where the clocks stood that wrote times without a zone, nil for UTC.
	Zone *time.Location
	// Max is the longest record in bytes.
	Max int
	// JSON is the last record's, when it is not a part of the window.
	JSON []byte
	// Message reads a text that stands in a record as the one record of a format that it is; ok is false when it is none.
	// The record is valid until the next call.
	Message func(text []byte) (rec penstock.Record, ok bool)
	// Stray, when set, is the same for what is no record of the entry's format. Prose says that it may be any text, and no
	// damaged record.
	Stray func(text []byte, prose bool) (rec penstock.Record, ok bool)
	// Framed, when set, is told of the bytes that frame records without being one.
	Framed func(offset, length int64)
	// Asked is the position in the entry of the line that EachEvent asks about.
	Asked int64

	latest time.Time // a time that a record may have
	seq    int64     // of the next record
	turn   uint64    // counts entries
	text   []byte
	lines  [MostLines][]byte // of the sample
	count  int               // of them; -1 before they are split
	states []state
}

// NewReader returns a Reader that shares a bound for long records with others.
func NewReader(large Large) *Reader { return &Reader{Window: Window{large: large}} }

// Begin begins another entry, of which records of up to max bytes are read, and looks at its sample.
func (r *Reader) Begin(in io.Reader, max int) {
	r.reset(in, max+len("\r\n"))
	r.turn++
	r.Max, r.JSON, r.seq, r.count = max, r.JSON[:0], 0, -1
	r.text = r.sample()
}

// Turn tells the entries apart that are read one after the other.
func (r *Reader) Turn() uint64 { return r.turn }

// Release lets go of the entry. It reports whether the buffers are of a size to be kept for another one.
func (r *Reader) Release() bool {
	r.r, r.Attr, r.text, r.Framed, r.Message, r.Stray = nil, nil, nil, nil, nil, nil
	clear(r.lines[:])
	r.release()
	return cap(r.buf) <= 2*windowBytes && cap(r.JSON) <= 2*windowBytes
}

// State returns what a grammar keeps with a Reader from one entry to the next, by a key of its own.
func State[T any](r *Reader, key any, make func() *T) *T {
	for i := range r.states {
		if r.states[i].key == key {
			return r.states[i].of.(*T)
		}
	}
	s := make()
	r.states = append(r.states, state{key, s})
	return s
}

// state is what a grammar keeps. There are few: to look at each takes less time than a map does.
type state struct{ key, of any }

// errTooLong is the cause in the RecordError of an overlong record.
var errTooLong = errors.New("longer than the longest record allowed")

// Emit hands over a record and counts it.
func (r *Reader) Emit(rec penstock.Record, y Yield) bool {
	rec.Seq = r.seq
	if !rec.Time.IsZero() {
		rec.Time = r.Instant(rec.Time)
	}
	rec.Content = r.contentUpTo(rec.Offset + int64(len(rec.Raw)))
	r.seq++
	if r.shed {
		r.shed, r.JSON = false, nil // as large as the window was
	}
	return y(rec, nil)
}

// hugeBytes is the length from which a record is worth a collection before its JSON is made.
const hugeBytes = 4 << 20

// Buffer returns JSON, empty, for writing a record of n bytes. A long record does not make it grow step by step.
func (r *Reader) Buffer(n int) []byte {
	if n > smallBytes && cap(r.JSON) < n {
		r.JSON = nil // let go of it before there is another one
		if n > hugeBytes {
			runtime.GC() // which by itself comes when there is more already
		}
		r.JSON = make([]byte, 0, n+n/8+smallBytes)
	}
	return r.JSON[:0]
}

// earliest is the time before which no record is: what seems to be is a counter, or a clock that was not set.
var earliest = time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)

// Instant returns the time of a record, in UTC or penstock.UnknownZone, or none for one that cannot be: before 1990, or
// more than a day after the object was stored. A stream, and a file that may have grown since, are held against the
// clock.
func (r *Reader) Instant(t time.Time) time.Time {
	t = times.Placed(t, r.Zone)
	if t.Before(earliest) {
		return time.Time{}
	}
	const day = 24 * time.Hour
	if t.After(r.Stored.Add(day)) {
		if !r.Stored.IsZero() && !r.content.on && r.Linger == 0 {
			return time.Time{}
		}
		if t.After(r.latest) { // the clock is asked only for what is later than all before
			if r.latest = time.Now().Add(day); t.After(r.latest) {
				return time.Time{}
			}
		}
	}
	return t
}

// EmitOverlong reports a record that is too long to hold.
func (r *Reader) EmitOverlong(offset, length int64, y Yield) bool {
	r.seq++
	return y(penstock.Record{}, &penstock.RecordError{
		Reason: penstock.ReasonOverlong, Offset: offset, Length: length, Content: r.contentUpTo(r.Offset()),
		Err: fmt.Errorf("%w (%d bytes)", errTooLong, r.Max),
	})
}

// EmitFailure passes on what ended the entry early, if anything did.
func (r *Reader) EmitFailure(y Yield) {
	if err := r.Failure(); err != nil {
		y(penstock.Record{}, err)
	}
}

// BreaksOff reports whether an entry that has ended within a record is not known to be complete, and says so: what is
// there is left for the next reading of a file that may go on.
func (r *Reader) BreaksOff(what string, y Yield) bool {
	err := r.Failure()
	if growing := r.Growing(); growing != nil {
		err = &penstock.GrowingError{Object: growing.Object, What: what}
	}
	if err != nil {
		y(penstock.Record{}, err)
	}
	return err != nil
}

// OfAnother returns the record of what is none of the entry's format, when it is one of another.
func (r *Reader) OfAnother(offset int64, raw []byte, prose bool) (rec penstock.Record, ok bool) {
	if r.Stray == nil || len(raw) > MaxEventBytes {
		return rec, false
	}
	if rec, ok = r.Stray(raw, prose); ok {
		rec.Offset, rec.Raw = offset, raw
	}
	return rec, ok
}

// EmitUnparsed hands over bytes that are no record of the format, with the reason. A line that begins with a time, or
// has one as access logs do, keeps it. What is a record of another format is one.
func (r *Reader) EmitUnparsed(offset int64, raw []byte, reason func([]byte) []byte, y Yield) bool {
	if rec, ok := r.OfAnother(offset, raw, false); ok {
		return r.Emit(rec, y)
	}
	r.JSON = append(r.Buffer(len(raw)), `{"message":"`...)
	r.JSON = quote.AppendLines(r.JSON, raw)
	r.JSON = append(r.JSON, `","parse_error":"`...)
	r.JSON = reason(r.JSON)
	r.JSON = append(r.JSON, `"}`...)
	return r.Emit(penstock.Record{Offset: offset, Raw: raw, JSON: r.JSON, Time: r.foreignTime(raw), Unparsed: true}, y)
}

// EmitProse hands over text between records that are none: as what it fits, or as a message, with its time.
func (r *Reader) EmitProse(offset int64, raw []byte, y Yield) bool {
	rec, ok := r.OfAnother(offset, raw, true)
	if !ok {
		r.JSON = append(r.Buffer(len(raw)), `{"message":"`...)
		r.JSON = append(quote.AppendLines(r.JSON, raw), `"}`...)
		rec = penstock.Record{Offset: offset, Raw: raw, JSON: r.JSON, Time: r.foreignTime(raw)}
	}
	return r.Emit(rec, y)
}

// foreignTime returns the time of a line that is no record of the format, if it has one where logs have it.
func (r *Reader) foreignTime(raw []byte) (t time.Time) {
	if len(raw) == 0 || raw[0] == '{' {
		return t
	}
	file := times.File{Stored: r.Stored}
	times.Starts(raw, func(_, at int) bool {
		t, _ = file.Leading(raw[at:])
		return false
	})
	const near = 256
	for i, c := range raw[:min(len(raw), near)] {
		if c == '[' && t.IsZero() {
			t, _ = times.CLF(raw[i+1:])
		}
	}
	return t
}

// Frame takes note of bytes that frame records without being one: the line that names the fields, the brackets of an
// array. Every byte of an entry that is not white space is in a record, in a RecordError, or in a frame.
func (r *Reader) Frame(offset, length int64) {
	if r.Framed != nil {
		r.Framed(offset, length)
	}
}

// Because returns a reason that is a sentence without anything to quote in it.
func Because(sentence string) func([]byte) []byte {
	return func(dst []byte) []byte { return append(dst, sentence...) }
}

// Unexpected returns the reason that a byte is not what the grammar allows there. The position is one in the message.
func Unexpected(what string, raw []byte, at int) func([]byte) []byte {
	return func(dst []byte) []byte {
		dst = append(dst, "not "...)
		dst = append(dst, what...)
		if at >= len(raw) {
			return append(dst, ": ends too early"...)
		}
		dst = append(dst, ": unexpected byte 0x"...)
		dst = append(dst, quote.HexDigits[raw[at]>>4], quote.HexDigits[raw[at]&15])
		dst = append(dst, " at position "...)
		return strconv.AppendInt(dst, int64(at-bytes.Count(raw[:at], []byte("\r\n"))), 10)
	}
}

package format

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"github.com/seed56735111/penstock"
)

// yield hands a record or an error to the consumer; false means that it wants no more.
type yield = func(penstock.Record, error) bool

// reader is what the parsers of all formats have in common.
type reader struct {
	*window
	max  int    // longest record in bytes
	seq  int64  // of the next record
	json []byte // the last record's JSON, when it is not a part of the window
}

// errTooLong is the cause in the RecordError of an overlong record.
var errTooLong = errors.New("longer than the longest record allowed")

// emit hands over a record and counts it.
func (r *reader) emit(rec penstock.Record, y yield) bool {
	rec.Seq = r.seq
	r.seq++
	return y(rec, nil)
}

// emitOverlong reports a record that is too long to hold.
func (r *reader) emitOverlong(offset, length int64, y yield) bool {
	r.seq++
	return y(penstock.Record{}, &penstock.RecordError{
		Reason: penstock.ReasonOverlong, Offset: offset, Length: length, Err: fmt.Errorf("%w (%d bytes)", errTooLong, r.max),
	})
}

// emitFailure passes on what ended the entry early, if anything did.
func (r *reader) emitFailure(y yield) {
	if err := r.failure(); err != nil {
		y(penstock.Record{}, err)
	}
}

// emitUnparsed hands over bytes that are no record of the format, with the reason.
func (r *reader) emitUnparsed(offset int64, raw []byte, reason func([]byte) []byte, y yield) bool {
	r.json = append(r.json[:0], `{"message":"`...)
	r.json = appendLines(r.json, raw)
	r.json = append(r.json, `","parse_error":"`...)
	r.json = reason(r.json)
	r.json = append(r.json, `"}`...)
	return r.emit(penstock.Record{Offset: offset, Raw: raw, JSON: r.json, Unparsed: true}, y)
}

// because returns a reason that is a sentence without anything to quote in it.
func because(sentence string) func([]byte) []byte {
	return func(dst []byte) []byte { return append(dst, sentence...) }
}

// unexpected returns the reason that a byte is not what the grammar allows there. The position is one in the message.
func unexpected(what string, raw []byte, at int) func([]byte) []byte {
	return func(dst []byte) []byte {
		dst = append(dst, "not "...)
		dst = append(dst, what...)
		if at >= len(raw) {
			return append(dst, ": ends too early"...)
		}
		dst = append(dst, ": unexpected byte 0x"...)
		dst = append(dst, hexDigits[raw[at]>>4], hexDigits[raw[at]&15])
		dst = append(dst, " at position "...)
		return strconv.AppendInt(dst, int64(at-bytes.Count(raw[:at], []byte("\r\n"))), 10)
	}
}

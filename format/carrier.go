package format

import (
	"bytes"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/events"
)

// carrier is the grammar of a format whose records carry those of another one as text: each message goes to the format
// that it fits. What the carrier has beside it is kept under a name, and the time is the carrier's, when it has one and
// the message has no @timestamp.
type carrier struct {
	// Grammar is how the carrier's own records are told and read.
	entry.Grammar
	// name is what the carrier's own fields are kept under, message the one of them that is looked into.
	name, message string
	// open, when set, reports whether a message goes on in the next record. What it is given ends with padding.
	open func(fields, message []byte) bool
	// object says that the message is a JSON object. A record that has none is still the carrier's, with all its fields
	// under name.
	object bool
	// blank says that a record without a message has an empty one.
	blank bool
	// same is the field whose value is the same in all parts of a message.
	same string
}

// carriers is the key under which the reader of a carrier is kept with an entry's buffers.
type carriers struct{}

// carried reads the records of a carrier and what they carry.
type carried struct {
	*carrier
	out   *entry.Reader
	yield entry.Yield
	take  entry.Yield // the method record, bound once

	seq    int64
	failed bool
	fields []byte // of the carrier's record at hand, padded
	text   []byte // its message, plain
	next   []byte // the fields of the record behind it, padded
	// parts says that rec is held back because its message goes on. Its bytes are in raw then.
	parts bool
	rec   penstock.Record
	raw   []byte

	inner penstock.Record // what the message holds; its JSON is in json
	json  []byte
	doc   []byte
}

// Documented returns the fields of the carrier's own.
func (c *carrier) Documented() []entry.Field {
	all := []entry.Field{{Name: "message", Type: entry.Text}}
	for _, f := range c.Grammar.Documented() {
		if f.Name != c.message {
			all = append(all, entry.Field{Name: c.name + "." + f.Name, Type: f.Type})
		}
	}
	return all
}

// Read reads an entry to its end.
func (c *carrier) Read(r *entry.Reader, y entry.Yield) {
	s := entry.State(r, carriers{}, func() *carried {
		s := &carried{}
		s.take = s.record
		return s
	})
	s.carrier, s.out, s.yield, s.seq, s.failed, s.parts = c, r, y, 0, false, false
	c.Grammar.Read(r, s.take)
	if !s.failed {
		s.flush()
	}
	s.out, s.yield = nil, nil
	if cap(s.text)+cap(s.raw)+cap(s.doc) > mostKept {
		s.text, s.raw, s.doc, s.json, s.fields, s.next = nil, nil, nil, nil, nil, nil
	}
}

// mostKept is how large the buffers of a reader of carriers may be to be kept for another entry.
const mostKept = 1 << 20

// record takes a record of the carrier's, or the error that came in place of one.
func (s *carried) record(rec penstock.Record, err error) bool {
	if err != nil {
		if _, ok := err.(*penstock.RecordError); !ok { //nolint:errorlint // that is what a Reader hands over
			s.failed = true
			return s.yield(rec, err)
		}
		s.seq++
		more := s.flush() && s.yield(rec, err)
		s.failed = s.failed || !more
		return more
	}
	if !s.accept(rec) {
		s.failed = true
		return false
	}
	return true
}

func (s *carried) accept(rec penstock.Record) bool {
	if rec.Unparsed {
		return s.flush() && s.emit(rec)
	}
	fields := events.Padded(s.next[:0], rec.JSON)
	s.next = fields
	start, end, ok := events.Text(fields, s.message)
	if s.object {
		return s.lifted(rec)
	}
	switch {
	case !ok && (!s.blank || len(events.Member(fields, s.message)) > 0):
		return s.flush() && s.emit(rec)
	case !ok:
		start, end = 0, 0
	}
	if s.parts && !s.joins(fields, end-start) && !s.flush() {
		return false
	}
	if !s.parts {
		s.rec, s.text, s.raw = rec, s.text[:0], s.raw[:0]
		s.fields, s.next = s.next, s.fields
	}
	begun := len(s.text)
	s.text = events.AppendText(s.text, fields[start:end])
	if s.parts {
		s.extend(rec)
	}
	if s.open == nil || !s.open(fields, s.text[begun:]) {
		return s.finish()
	}
	if !s.parts {
		s.parts = true
		s.raw = append(s.raw, rec.Raw...)
	}
	return true
}

// lifted hands over a record whose message is an object: its members stand at the top of the document.
func (s *carried) lifted(rec penstock.Record) bool {
	s.fields, s.next = s.next, s.fields
	value := events.Member(s.fields, s.message)
	if len(value) > 0 && value[0] == '{' {
		s.rec, s.text = rec, append(s.text[:0], value...)
		return s.finish()
	}
	s.json = append(s.json[:0], "{}"...)
	rec.JSON, rec.Top = s.document(""), 0
	return s.emit(rec)
}

// joins reports whether the record behind a part goes on with it.
func (s *carried) joins(fields []byte, size int) bool {
	return len(s.text)+size <= entry.MaxEventBytes &&
		bytes.Equal(events.Member(s.fields, s.same), events.Member(fields, s.same))
}

// extend adds the bytes of a further part to those of the record, and what stands between them: line ends.
func (s *carried) extend(rec penstock.Record) {
	for gap := rec.Offset - s.rec.Offset - int64(len(s.raw)); gap > 0; gap-- {
		if gap == 2 {
			s.raw = append(s.raw, '\r')
		} else {
			s.raw = append(s.raw, '\n')
		}
	}
	s.raw = append(s.raw, rec.Raw...)
	s.rec.Content = rec.Content
}

// flush hands over the record that is held back, if there is one.
func (s *carried) flush() bool {
	return !s.parts || s.finish()
}

// finish hands over the record at hand with what its message holds.
func (s *carried) finish() bool {
	if s.parts {
		s.rec.Raw, s.parts = s.raw, false
	}
	rec := s.rec
	s.look(bytes.TrimRight(s.text, "\r\n"))
	rec.JSON = s.document(s.message)
	rec.Top = s.inner.Top
	rec.Repaired = rec.Repaired || s.inner.Repaired
	if rec.Time.IsZero() || s.inner.Top&penstock.TopTimestamp != 0 {
		rec.Time = s.inner.Time
	}
	return s.emit(rec)
}

func (s *carried) emit(rec penstock.Record) bool {
	rec.Seq = s.seq
	s.seq++
	return s.yield(rec, nil)
}

// look reads a message as the one record that it holds of a format that it fits, or else as text.
func (s *carried) look(text []byte) {
	var ok bool
	if s.inner, ok = s.out.Message(text); ok {
		s.json = append(s.json[:0], s.inner.JSON...)
		return
	}
	s.inner = penstock.Record{}
	s.json = events.AppendMessage(s.json[:0], text)
}

// document makes the document: what the carrier has beside the message, under its name, and what was found in the
// message.
func (s *carried) document(message string) []byte {
	dst := append(s.doc[:0], `{"`...)
	dst = append(dst, s.name...)
	for bytes.Contains(s.json, dst[1:]) {
		dst = append(dst, '_')
	}
	dst = append(dst, `":{`...)
	from := len(dst)
	dst = events.AppendMembers(dst, s.fields, message, s.name)
	if len(dst) == from {
		dst = append(dst[:0], '{')
	} else {
		dst = append(dst, '}')
		if len(s.json) > len("{}") {
			dst = append(dst, ',')
		}
	}
	s.doc = append(dst, s.json[1:]...)
	return s.doc
}

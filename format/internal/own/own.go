// Package own reads formats of the user's own: lines, or events of several lines, whose fields a pattern takes out.
package own

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/lines"
	"github.com/seed56735111/penstock/format/internal/times"
	"github.com/seed56735111/penstock/internal/extract"
	"github.com/seed56735111/penstock/internal/quote"
)

// Schema is what a format is. Its records are texts that a pattern fits as a whole, and whose values are what they
// have to be.
type Schema struct {
	// Record is what a record is called in messages: "a billing record".
	Record string
	// Pattern takes the fields out. Kinds says what they are; what it does not name is a Keyword.
	Pattern extract.Extractor
	Kinds   map[string]Kind
	// Begins, when set, reports whether a line begins an event. Otherwise each line is a record.
	Begins func(line []byte) bool
	// Time are the fields that have the time of a record, with a space between them. Layout is how it is written, in any
	// notation when nil.
	Time   []string
	Layout *times.Layout
	// Quote, when it is not 0, is written twice where it stands in a value.
	Quote byte
	// Header says that a line which has the names of the fields as its values is no record.
	Header bool
}

// Format is a Schema made ready. It is the grammar of a format.
type Format struct {
	*Schema
	fields []field
	time   []*field
	starts lines.Bytes
	misfit func([]byte) []byte
	noTime func([]byte) []byte
}

// field is a field of the pattern.
type field struct {
	extract.Field
	kind   Kind
	isTime bool // it has the time of the record and nothing else
	key    string
	other  string // the key of a value that is not of the kind
	wrong  func([]byte) []byte
}

var _ entry.Grammar = (*Format)(nil)

// New returns the format of a schema.
func New(s *Schema) *Format {
	f := &Format{Schema: s, starts: lines.All()}
	f.misfit = entry.Because("not " + s.Record + ": the pattern does not fit")
	for _, one := range s.Pattern.Fields() {
		kind := s.Kinds[one.Name]
		f.fields = append(f.fields, field{
			Field: one, kind: kind, key: `,"` + one.Name + `":`, other: `,"` + one.Name + `_text":"`,
			wrong: entry.Because(fmt.Sprintf("not %s: %s is not %s", s.Record, one.Name, kind)),
		})
	}
	for _, name := range s.Time {
		for i := range f.fields {
			if f.fields[i].Name == name {
				f.fields[i].isTime = len(s.Time) == 1
				f.time = append(f.time, &f.fields[i])
			}
		}
	}
	f.noTime = entry.Because(fmt.Sprintf("not %s: %s is not its time", s.Record, strings.Join(s.Time, " ")))
	if prefix := s.Pattern.Prefix(); prefix != "" && s.Begins == nil && !s.Header {
		f.starts = lines.Of(prefix[:1])
	}
	return f
}

// Starts returns the bytes with which a record of the format may begin.
func (f *Format) Starts() lines.Bytes { return f.starts }

// Documented returns the fields that a document may have.
func (f *Format) Documented() []entry.Field {
	all := make([]entry.Field, 0, len(f.fields))
	for i := range f.fields {
		all = append(all, entry.Field{Name: f.fields[i].Name, Type: f.fields[i].kind.Type()})
	}
	return all
}

// Closed reports whether records have no fields but those that are documented. A time that nobody can tell has a name
// of its own.
func (f *Format) Closed() bool {
	return !slices.ContainsFunc(f.fields, func(one field) bool { return one.kind == Time })
}

// Told looks for a line that is a record.
func (f *Format) Told(r *entry.Reader) bool { return f.Fits(r) > 0 }

// Fits returns how many of the first lines are records, or parts of events.
func (f *Format) Fits(r *entry.Reader) (n int) {
	p := f.reader(r)
	if f.Begins == nil {
		for _, line := range r.Lines(entry.FirstLines) {
			if p.fits(line) || p.isHeader(line) {
				n++
			}
		}
		return n
	}
	seen := 0
	for rest := r.Sample(); len(rest) > 0 && seen < entry.FirstLines; {
		size, count := f.event(rest)
		cut := size == len(rest) && !r.Whole() && seen > 0
		if count > 0 && !cut && p.fits(bytes.TrimRight(rest[:size], "\r\n")) {
			n += min(count, entry.FirstLines-seen)
		}
		rest, seen = rest[size:], seen+count
	}
	return n
}

// event returns how long the event is that a text begins with, and how many of its lines are not blank.
func (f *Format) event(text []byte) (size, count int) {
	for size < len(text) {
		line := text[size:]
		if end := bytes.IndexByte(line, '\n'); end >= 0 {
			line = line[:end+1]
		}
		if size > 0 && f.Begins(bytes.TrimRight(line, "\r\n")) {
			break
		}
		if size += len(line); len(bytes.TrimSpace(line)) > 0 {
			count++
		}
	}
	return size, count
}

// Read reads an entry to its end.
func (f *Format) Read(r *entry.Reader, y entry.Yield) {
	p := f.reader(r)
	each := func(raw []byte, offset int64) bool { return p.record(raw, offset, y) }
	if f.Begins != nil {
		r.EachEvent(y, f.Begins, nil, each)
		return
	}
	r.EachLine(y, each)
}

// reader reads the records of an entry.
type reader struct {
	*entry.Reader
	*Format
	spans  []extract.Span
	joined []byte
	when   []byte // the time of the record at hand, of several fields
}

// readers is the key under which the reader is kept with an entry's buffers.
type readers struct{}

func (f *Format) reader(r *entry.Reader) *reader {
	p := entry.State(r, readers{}, func() *reader { return &reader{} })
	p.Reader, p.Format = r, f
	return p
}

// fits reports whether a text is a record.
func (r *reader) fits(text []byte) bool {
	var rec penstock.Record
	return r.document(text, &rec) == nil
}

// isHeader reports whether a line has the names of the fields.
func (r *reader) isHeader(line []byte) bool {
	if !r.Header {
		return false
	}
	var ok bool
	if r.spans, ok = r.Pattern.Match(r.spans[:0], line); !ok {
		return false
	}
	return r.names(line)
}

// names reports whether the values of the line at hand are the names of the fields.
func (r *reader) names(line []byte) bool {
	for i := range r.fields {
		if string(bytes.TrimSpace(r.spans[i].Of(line))) != r.fields[i].Name {
			return false
		}
	}
	return true
}

// record hands over a text as a record.
func (r *reader) record(raw []byte, offset int64, y entry.Yield) bool {
	rec := penstock.Record{Offset: offset, Raw: raw}
	if wrong := r.document(raw, &rec); wrong != nil {
		if r.isHeader(raw) {
			r.Frame(offset, int64(len(raw)))
			return true
		}
		return r.EmitUnparsed(offset, raw, wrong, y)
	}
	return r.Emit(rec, y)
}

// document makes the document of a text, in JSON, and the record's time. It returns the reason when the text is none.
func (r *reader) document(text []byte, rec *penstock.Record) (wrong func([]byte) []byte) {
	var ok bool
	if r.spans, ok = r.Pattern.Match(r.spans[:0], text); !ok || r.Header && r.names(text) {
		return r.misfit
	}
	plain := quote.IsPlain(text)
	b := append(r.Buffer(len(text)), '{')
	for i := range r.fields {
		f := &r.fields[i]
		value := r.value(f, text)
		switch {
		case f.isTime && isNothing(value):
			return r.noTime
		case isNothing(value):
		case f.isTime:
			if rec.Time, ok = r.timeOf(value); !ok {
				return r.noTime
			}
			if f.kind == Time {
				b = r.instant(b, f, value, rec.Time)
			} else {
				b, _ = r.append(b, f, value, plain)
			}
		default:
			if b, ok = r.append(b, f, value, plain); !ok {
				return f.wrong
			}
		}
	}
	if len(r.time) > 1 {
		if rec.Time, ok = r.timeOf(r.whole(text)); !ok {
			return r.noTime
		}
	}
	if len(b) == 1 {
		return r.misfit // a record without a value
	}
	b[1] = '{' // over the first comma
	r.JSON = append(b, '}')
	rec.JSON = r.JSON[1:]
	return nil
}

// value returns the value of a field, empty for none.
func (r *reader) value(f *field, text []byte) []byte {
	if len(f.Spans) == 1 {
		span := r.spans[f.Spans[0]]
		if !span.Is() {
			return nil
		}
		value := span.Of(text)
		if r.Quote != 0 && bytes.IndexByte(value, r.Quote) >= 0 && span.Start > 0 && text[span.Start-1] == r.Quote {
			return r.unquoted(value)
		}
		return value
	}
	r.joined = r.joined[:0]
	for _, n := range f.Spans {
		switch {
		case !r.spans[n].Is():
		case !f.Joined:
			return r.spans[n].Of(text)
		default:
			if len(r.joined) > 0 {
				r.joined = append(r.joined, ' ')
			}
			r.joined = append(r.joined, r.spans[n].Of(text)...)
		}
	}
	return r.joined
}

// unquoted returns a value in which each quote is written twice.
func (r *reader) unquoted(value []byte) []byte {
	r.joined = r.joined[:0]
	for i := 0; i < len(value); i++ {
		r.joined = append(r.joined, value[i])
		if value[i] == r.Quote {
			i++
		}
	}
	return r.joined
}

// whole returns the values of the fields that have the time.
func (r *reader) whole(text []byte) []byte {
	r.when = r.when[:0]
	for i, f := range r.time {
		if i > 0 {
			r.when = append(r.when, ' ')
		}
		r.when = append(r.when, r.value(f, text)...)
	}
	return r.when
}

// timeOf reads the time of a record. It is zero when nobody knows the year.
func (r *reader) timeOf(value []byte) (time.Time, bool) {
	if r.Layout != nil {
		return r.Layout.Read(value, r.Stored)
	}
	return anyTime(value, r.Stored)
}

// anyTime reads a time in any notation, and nothing else.
func anyTime(value []byte, stored time.Time) (time.Time, bool) {
	if t, ok := times.Any(value); ok {
		return t, true
	}
	file := times.File{Stored: stored}
	t, n := file.Leading(value)
	return t, n > 0 && n == len(value)
}

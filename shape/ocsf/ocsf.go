// Package ocsf writes records as events of the Open Cybersecurity Schema Framework (https://schema.ocsf.io), by the
// mappings that AWS publishes for its own logs (github.com/ocsf/examples). There is one file for each format: a table
// of attributes and of the fields that they are made of. What no attribute is made of is kept under "unmapped".
package ocsf

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/internal/quote"
)

// Version is that of the schema.
const Version = "1.5.0"

// Formats are the formats whose records have a mapping.
func Formats() []string {
	var all []string
	for _, s := range sources() {
		all = append(all, s.format)
	}
	return all
}

// UnmappedError says that the records of a format have no mapping.
type UnmappedError struct{ Format string }

func (e *UnmappedError) Error() string {
	return fmt.Sprintf("format %s has no mapping to OCSF, only these have: %s", e.Format, strings.Join(Formats(), ", "))
}

// Shaper makes the documents of another shaper events. Ids, index names and drop rules go by the record as it was read.
type Shaper struct {
	penstock.Shaper
	original bool
	plans    map[string][]*plan
}

var _ penstock.Shaper = (*Shaper)(nil)

// NewShaper returns a Shaper around another one. With original each record is kept as it was read, in raw_data.
func NewShaper(inner penstock.Shaper, original bool) *Shaper {
	s := &Shaper{Shaper: inner, original: original, plans: map[string][]*plan{}}
	for _, one := range sources() {
		s.plans[one.format] = one.plans()
	}
	return s
}

// Entry is part of penstock.Shaper. An entry of a format without a mapping is an object error: it becomes a dead letter
// by reference.
func (s *Shaper) Entry(o *penstock.Object, id penstock.Identity, entry, format string) (penstock.EntryShaper, error) {
	plans := s.plans[format]
	if plans == nil {
		return nil, &penstock.ObjectError{Reason: penstock.ReasonUnshaped, Err: &UnmappedError{format}}
	}
	inner, err := s.Shaper.Entry(o, id, entry, format)
	if err != nil {
		return nil, err
	}
	e := &shaper{EntryShaper: inner, original: s.original}
	for _, p := range plans {
		e.writers = append(e.writers, newWriter(p))
	}
	return e, nil
}

// shaper makes events of the records of one entry.
type shaper struct {
	penstock.EntryShaper
	original bool
	writers  []*writer
	record   penstock.Record // what the inner shaper gets
	buf      []byte
}

// Shape is part of penstock.EntryShaper.
func (e *shaper) Shape(r *penstock.Record) (penstock.Document, error) {
	e.record = *r
	e.record.Top = 0 // a record's own names are below unmapped, and in nobody's way
	doc, err := e.EntryShaper.Shape(&e.record)
	unnamed, ok := errors.AsType[*penstock.RecordError](err) // a document that lacks an index
	if err != nil && (!ok || unnamed.Document == nil || len(doc.Tail) == 0) {
		return doc, err
	}
	at, text := when(r, doc.Head)
	b := e.buf[:0]
	if doc.Tail[0] == '}' { // the Head ends without a comma, because nothing stands behind it
		b = append(b, ',')
	}
	w, class := e.class(r)
	b = w.event(b, class, at, text)
	if e.original {
		b = append(quote.Append(append(b, `,"raw_data":"`...), r.Text()), '"')
	}
	e.buf = append(b, '}')
	doc.Tail = e.buf
	if unnamed != nil {
		unnamed.Document = doc.Body()
	}
	return doc, err
}

// class finds out which class a record is of, and which of the plans finds its fields.
func (e *shaper) class(r *penstock.Record) (w *writer, class int) {
	if !r.Unparsed {
		for _, w := range e.writers {
			w.read(r.JSON)
			if class := w.plan.choose(w); class > 0 {
				return w, class
			}
		}
	}
	w = e.writers[0]
	w.read(r.JSON)
	return w, 0
}

// when returns the time of a document, and as it is written there.
func when(r *penstock.Record, head []byte) (at time.Time, text []byte) {
	const begin = `{"` + penstock.NameTime + `":"`
	rest, ok := bytes.CutPrefix(head, []byte(begin))
	if !ok {
		return time.Time{}, nil
	}
	text = rest[:bytes.IndexByte(rest, '"')]
	if year := r.Time.Year(); !r.Time.IsZero() && year >= 0 && year <= 9999 {
		return r.Time, text
	}
	at, _ = time.Parse(time.RFC3339Nano, string(text)) // zero for no time
	return at, text
}

// Field is an attribute that events of a format may have, as a path, and the type that an index should give it.
type Field struct{ Name, Type string }

// Fields returns the attributes that the events of a format may have, nil for a format without a mapping.
func Fields(format string) []Field {
	for _, s := range sources() {
		if s.format != format {
			continue
		}
		var all []Field
		p := s.plan("")
		for _, class := range p.classes {
			all = class.fields(p, all, "")
		}
		slices.SortStableFunc(all, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
		return slices.CompactFunc(all, func(a, b Field) bool { return a.Name == b.Name })
	}
	return nil
}

// Mapped returns the fields of a format that attributes are made of, as paths.
func Mapped(format string) []string {
	for _, s := range sources() {
		if s.format == format {
			return slices.Sorted(maps.Keys(s.plan("").index))
		}
	}
	return nil
}

// Row is a line of the mapping of a format: an attribute of a class, what it is made of, and when.
type Row struct{ Class, Attribute, From, When string }

// Rows returns the mapping of a format, for people. Lines without a class are for all of them.
func Rows(format string) []Row {
	var all []Row
	for _, s := range sources() {
		if s.format != format {
			continue
		}
		for _, l := range parse("", s.all) {
			all = append(all, Row{"", l.target, l.text, l.when})
		}
		for _, c := range s.classes {
			for _, l := range parse("activity = "+c.activity, c.table) {
				all = append(all, Row{c.name, l.target, l.text, l.when})
			}
		}
	}
	return all
}

// sources are the mappings.
func sources() []source {
	return []source{cloudtrail(), vpcflow(), route53resolver(), waf(), eksaudit(), securityhub()}
}

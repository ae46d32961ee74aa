package shape

import (
	"bytes"
	"errors"
	"strings"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/internal/quote"
)

// Naming says what documents have beside the records' own fields, or in their place. Ids, index names and drop rules go
// by the record as it was read.
type Naming struct {
	// Names, when set, are the names that fields of a format have instead of their own ones, as pairs. What is in an
	// object keeps its name and is there twice.
	Names func(format string) [][2]string
	// Objects are names that have others below them in some document. A value of such a name at the top of a record that
	// is no object is called labels.NAME instead, so that one index takes both.
	Objects []string
	// Original keeps the record as it was read in event.original.
	Original bool
}

// Shaper returns a shaper that does so with the documents of another one, and that one itself when there is nothing to
// do.
func (n Naming) Shaper(inner penstock.Shaper) penstock.Shaper {
	if n.Names == nil && !n.Original {
		return inner
	}
	return &naming{inner, n}
}

type naming struct {
	penstock.Shaper
	Naming
}

// Entry is part of penstock.Shaper.
func (s *naming) Entry(o *penstock.Object, id penstock.Identity, entry, format string) (penstock.EntryShaper, error) {
	inner, err := s.Shaper.Entry(o, id, entry, format)
	if err != nil {
		return nil, err
	}
	e := &namingEntry{EntryShaper: inner, original: s.Original, objects: s.Objects, names: map[string]string{}}
	if s.Names == nil {
		return e, nil
	}
	for _, pair := range s.Names(format) {
		if strings.Contains(pair[0], ".") {
			e.deep = append(e.deep, pair)
		} else {
			e.names[pair[0]] = pair[1]
		}
	}
	return e, nil
}

type namingEntry struct {
	penstock.EntryShaper
	original bool
	objects  []string
	names    map[string]string // of members
	deep     [][2]string       // of what is in objects
	buf      []byte
}

// Shape is part of penstock.EntryShaper.
func (e *namingEntry) Shape(r *penstock.Record) (penstock.Document, error) {
	doc, err := e.EntryShaper.Shape(r)
	if err == nil {
		return e.renamed(r, doc), nil
	}
	// The document of a letter is what is sent later, and has the same names.
	if re, ok := errors.AsType[*penstock.RecordError](err); ok && re.Document != nil {
		doc = e.renamed(r, doc)
		re.Document = doc.Body()
	}
	return doc, err
}

// renamed returns a document with the names that its fields are to have.
func (e *namingEntry) renamed(r *penstock.Record, doc penstock.Document) penstock.Document {
	original := e.original && len(r.Text()) > 0 // nothing of it may leave
	if doc.Tail == nil {                        // the whole of it is the Head
		if original {
			last := bytes.LastIndexByte(doc.Head, '}')
			e.buf = append(e.buf[:0], doc.Head[:last]...)
			e.buf = e.appendOriginal(e.buf, doc.Head, r.Text())
			doc.Head = append(e.buf, '}')
			e.buf = doc.Head
		}
		return doc
	}
	b := e.buf[:0]
	tail := doc.Tail
	if original && tail[0] == '}' { // the Head ends without a comma, because nothing stands behind it
		b = append(b, ',')
	}
	for i := 0; i < len(tail) && tail[i] == '"'; {
		end, _ := quote.StringEnd(tail, i)
		name, start := tail[i+1:end-1], quote.Space(tail, quote.Space(tail, end)+1)
		next, _ := quote.ValueEnd(tail, start)
		if named, ok := e.names[string(name)]; ok && e.fits(r.JSON, named) {
			b = append(append(append(b, '"'), named...), '"')
		} else if e.isAside(name, tail[start:next]) {
			b = append(append(append(b, '"'), e.aside(r.JSON, string(name))...), '"')
		} else {
			b = append(b, tail[i:end]...)
		}
		b = append(b, tail[end:next]...)
		if i = quote.Space(tail, next); i < len(tail) && tail[i] == ',' {
			b = append(b, ',')
			i = quote.Space(tail, i+1)
		}
	}
	for _, pair := range e.deep {
		value := find(r.JSON, pair[0])
		if _, ok := scalar(value); ok && e.fits(r.JSON, pair[1]) {
			b = separate(b)
			b = append(b, '"')
			b = append(b, pair[1]...)
			b = append(b, '"', ':')
			b = append(b, value...)
		}
	}
	if original {
		b = e.appendOriginal(b, r.JSON, r.Text())
	}
	e.buf = append(b, '}')
	doc.Tail = e.buf
	return doc
}

// fits reports whether a name with dots can stand beside the members of a record: none of them is what the name leads
// through, but one that gets another name itself.
func (e *namingEntry) fits(object []byte, name string) bool {
	first, _, _ := strings.Cut(name, ".")
	if _, renamed := e.names[first]; renamed {
		return true
	}
	value := find(object, first)
	return value == nil || value[0] == '{' && find(object, name) == nil || e.isAside([]byte(first), value)
}

// isAside reports whether a member gets another name because its own one is that of an object.
func (e *namingEntry) isAside(name, value []byte) bool {
	if len(e.objects) == 0 || value[0] == '{' || value[0] == 'n' ||
		value[0] == '[' && value[quote.Space(value, 1)] == '{' {
		return false
	}
	for _, object := range e.objects { //nolint:modernize // slices.Contains takes a string, which would have to be made
		if string(name) == object {
			return true
		}
	}
	return false
}

// aside returns the name that a member has whose own one is that of an object.
func (e *namingEntry) aside(object []byte, name string) string {
	name = Aside(name)
	for !e.fits(object, name) {
		name += "_"
	}
	return name
}

// Aside returns what a field is called whose own name is that of an object: the schema keeps labels for what it has no
// place for.
func Aside(name string) string { return "labels." + name }

// appendOriginal appends the record as it was read.
func (e *namingEntry) appendOriginal(b, object, raw []byte) []byte {
	b = separate(b)
	if e.fits(object, "event.original") {
		b = append(b, `"event.original":"`...)
	} else {
		b = append(b, `"event_original":"`...)
	}
	return append(quote.Append(b, raw), '"')
}

// separate appends the comma that a further member wants.
func separate(b []byte) []byte {
	if len(b) > 0 && b[len(b)-1] != ',' && b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	return b
}

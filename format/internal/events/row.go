// Package events reads formats whose records are JSON: those that a [Row] describes, and JSON of any kind.
package events

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/times"
)

// Row is the schema of a format whose records are JSON objects with known names, one behind the other or in an
// envelope. Paths are names with dots between them; they go through arrays.
type Row struct {
	// Names are names and paths by which the format is told: its first record has at least Least of them. A path may be
	// one name with dots in it. The records may be lines, objects over several lines or the elements of an array.
	Names []string
	Least int
	// Is are paths with the beginning of a value, quotes included, that the first record must have there.
	Is map[string]string
	// Not are paths with the beginning of a value that a record of another format has there.
	Not map[string]string
	// Envelope is the name of the array in a top-level object whose elements are the records, beside those that every
	// format has, such as "Records". The records may stand alone too.
	Envelope string
	// Beside is the name under which each record has what the envelope has before the array. Without it that is a record
	// of its own.
	Beside string
	// Empty decides by the object's name about an envelope with nothing in it.
	Empty func(name string) bool
	// Within is the path of an object, or an array of objects, which may have all the paths of the schema in it instead of
	// the record itself: "detail", of what EventBridge delivers. Each object of such an array is a record, which has
	// everything else of the value too.
	Within string

	// Lifted says that the records are not documents but have them in a member, so that names which an index keeps for
	// itself stay.
	Lifted bool

	// Times are the paths of the record's time, the best one first, before the names that all JSON is searched for.
	Times []string
	// Layout, when set, is how the times at these paths are written. What it does not fit may be in any notation.
	Layout *times.Layout
	// ID is the path of the event's own id.
	ID string
	// Opaque are paths whose values are written as JSON text, because they have other names and types in every record.
	Opaque []string
	// More, when set, appends members that are made of others, each with a comma before it, to a document without its end.
	// The record is padded, as by Padded.
	More func(dst, record []byte) []byte
	// Rewrite, when set, appends the document that becomes of a record, which is padded, as by Padded.
	Rewrite func(dst, record []byte) []byte
	// Fields are the documented fields that an index should not guess the types of.
	Fields []entry.Field

	prepare sync.Once
	known   *known
}

// Told looks at the names of the first record.
func (f *Row) Told(r *entry.Reader) bool {
	s := lookAt(r)
	i, ok := s.start()
	if !ok {
		return false
	}
	if name, first := f.envelope(s, i); name != "" {
		if first < len(s.text) && s.text[first] == ']' {
			return f.Empty != nil && f.Empty(r.Name)
		}
		return f.has(s, first, "")
	}
	if s.text[i] == '[' {
		i = skipSeparators(s.text, i+1)
	}
	return (f.has(s, i, "") || f.Within != "" && f.has(s, i, f.Within+".")) && s.shape() != notJSON
}

// envelope returns the name of the array with the records in the object at i, and where its first element begins: the
// schema's own, or one in which any service may have its records. The name is empty for other objects.
func (f *Row) envelope(s *look, i int) (name string, first int) {
	if f.Envelope != "" {
		if first, ok := s.envelope(i, f.Envelope); ok {
			return f.Envelope, first
		}
	}
	return s.enveloping(i)
}

// has reports whether the object at i is a record of the format, which has its paths below another one.
func (f *Row) has(s *look, i int, below string) bool {
	found := 0
	if below == "" {
		for name := range s.members(i) {
			if slices.Contains(f.Names, string(name)) {
				found++
			}
		}
	}
	for _, path := range f.Names {
		if (below != "" || strings.Contains(path, ".")) && s.value(i, below+path) > 0 {
			found++
		}
	}
	if found < f.Least {
		return false
	}
	for path, head := range f.Not {
		if at := s.value(i, below+path); at > 0 && bytes.HasPrefix(s.text[at:], []byte(head)) {
			return false
		}
	}
	for path, head := range f.Is {
		if at := s.value(i, below+path); at == 0 || !bytes.HasPrefix(s.text[at:], []byte(head)) {
			return false
		}
	}
	return true
}

// TimedBy has the time of records read from one of these paths or names first. It is called before anything is read.
func (f *Row) TimedBy(paths []string) entry.Grammar {
	f.Times = append(named(paths), f.Times...)
	return f
}

// TimedBy is the same for JSON of any kind.
func (f Any) TimedBy(paths []string) entry.Grammar {
	f.Times = NewTimes(paths)
	return f
}

// Read reads an entry to its end.
func (f *Row) Read(r *entry.Reader, y entry.Yield) {
	f.prepare.Do(func() {
		f.known = newKnown(f.paths(f.Times), f.paths(f.Opaque))
		if path := strings.Split(f.Within, "."); len(path) > 1 && len(f.Times) > 0 {
			f.known.lists = f.known.deep(path) // the paths of the times begin there
		}
		f.known.lifted, f.known.more, f.known.anew = f.Lifted, f.More, f.Rewrite
		f.known.layout = f.Layout
	})
	p := newReader(r, f.known)
	s := lookAt(r)
	start, _ := s.start()
	envelope, _ := f.envelope(s, start)
	p.envelope, p.beside, p.array = cmp.Or(envelope, f.Envelope), f.Beside, true
	p.mixed = r.Stray != nil && start > s.first
	p.array = !p.mixed
	p.records(y)
}

// paths returns paths and the same ones within the object that may have them.
func (f *Row) paths(paths []string) []string {
	all := slices.Clone(paths)
	if f.Within != "" {
		for _, path := range paths {
			if !strings.HasPrefix(path, oneName) {
				all = append(all, f.Within+"."+path)
			}
		}
	}
	return all
}

// Documented returns the fields whose types are known.
func (f *Row) Documented() []entry.Field {
	var all []entry.Field
	if f.ID != "" {
		all = append(all, entry.Field{Name: f.ID, Type: entry.Keyword})
	}
	all = append(all, f.Fields...)
	for _, path := range f.Opaque {
		all = append(all, entry.Field{Name: path, Type: entry.Flat})
	}
	return all
}

// Any is JSON of any kind: objects, each on a line, or everything else.
type Any struct {
	Lines bool
	// Times, when set, are where the time is.
	Times *Times
}

// Told looks at the layout alone.
func (f Any) Told(r *entry.Reader) bool {
	shape := lookAt(r).shape()
	return shape == jsonLines || !f.Lines && shape != notJSON
}

// Fits returns how many of the first lines are objects when each of them is on a line; 1 for other JSON.
func (f Any) Fits(r *entry.Reader) (n int) {
	switch {
	case !f.Told(r):
		return 0
	case !f.Lines:
		return 1
	}
	for _, line := range r.Lines(entry.FirstLines) {
		if isObject(line) {
			n++
		}
	}
	return max(1, n)
}

// Read reads an entry to its end.
func (f Any) Read(r *entry.Reader, y entry.Yield) {
	k := generic()
	if f.Times != nil {
		k = f.Times.known
	}
	p := newReader(r, k)
	p.mixed = f.Lines && r.Stray != nil
	if !f.Lines {
		p.envelope, p.array = envelopeName, true
		if s := lookAt(r); s.shape() == jsonEnvelope {
			p.envelope, _ = s.enveloping(s.first)
		}
	}
	p.records(y)
}

// Documented returns nothing: the names are those that the records have.
func (Any) Documented() []entry.Field { return nil }

// Index tells of many rows which ones may fit an entry, for the price of looking at the first names once.
type Index struct {
	rows      []*Row
	names     map[string][]int // the rows that have a name, by their numbers
	within    map[string][]int // the rows whose records may be in the object of a name
	envelopes map[string]bool
}

// maxRows is how many rows an index takes.
const maxRows = 128

// MayFit reports the numbers of the rows that have a chance with an entry.
func (x *Index) MayFit(r *entry.Reader, may func(row int)) {
	s := lookAt(r)
	i, ok := s.start()
	if !ok {
		return
	}
	if s.text[i] == '[' {
		i = skipSeparators(s.text, i+1)
	}
	if i == len(s.text) || s.text[i] != '{' {
		return
	}
	var counts [maxRows]int8
	for name, value := range s.members(i) {
		x.count(&counts, name)
		for _, n := range x.within[string(name)] {
			may(n)
		}
		if s.text[value] != '[' || !x.envelopes[string(name)] && listName(name) == "" {
			continue
		}
		first := skipSeparators(s.text, value+1)
		for name := range s.members(first) {
			x.count(&counts, name)
		}
		if first < len(s.text) && s.text[first] == ']' {
			for n, row := range x.rows {
				if row.Envelope == string(name) && row.Empty != nil {
					may(n)
				}
			}
		}
	}
	for n, row := range x.rows {
		if int(counts[n]) >= row.Least {
			may(n)
		}
	}
}

func (x *Index) count(counts *[maxRows]int8, name []byte) {
	for _, n := range x.names[string(name)] {
		counts[n]++
	}
}

// NewIndex returns an index of rows, whose numbers are their places among them.
func NewIndex(rows []*Row) *Index {
	x := &Index{rows: rows, names: map[string][]int{}, within: map[string][]int{}, envelopes: map[string]bool{}}
	for n, row := range rows {
		for _, path := range row.Names {
			first, _, deeper := strings.Cut(path, ".")
			x.names[first] = append(x.names[first], n)
			if deeper {
				x.names[path] = append(x.names[path], n) // it may be one name
			}
		}
		if first, _, _ := strings.Cut(row.Within, "."); first != "" {
			x.within[first] = append(x.within[first], n)
		}
		if row.Envelope != "" {
			x.envelopes[row.Envelope] = true
		}
	}
	return x
}

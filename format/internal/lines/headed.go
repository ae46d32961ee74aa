package lines

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/seed56735111/penstock/format/internal/entry"
)

// Headed is the grammar of a format whose entries name their fields in a line before the records. Such a line may come again, with
// other names.
type Headed struct {
	// Record is what a record is called in messages: "a flow log record".
	Record string
	// Prefix comes before the names in the line that has them, empty for none.
	Prefix string
	// Comment begins lines that are no records: they frame them. Empty for none.
	Comment string
	// DayPrefix comes before the date of records that have no field for it, empty for none.
	DayPrefix string
	// Known are the documented fields by the names that a header gives them; a document has small letters, digits and _ of
	// these. Other fields are text.
	Known []Field
	// Least is how many known names a header has at least.
	Least int
	// Default are the names of the fields in entries without a header, when it is known. Such entries are told by the checks and
	// the time of these fields.
	Default []string
	// Layout is how the fields of a line are set apart, and the names in a header, in which spaces do too.
	Layout

	prepare    sync.Once
	known      map[string]Field // by the names of headers
	separators string           // in a header
	fallback   *plan            // of Default
}

// Starts returns the bytes with which a line begins that tells the format.
func (f *Headed) Starts() Bytes {
	var s Bytes
	if f.Prefix != "" {
		s = Of(f.Prefix[:1])
	} else {
		for i := range f.Known {
			s = s.With(Of(f.Known[i].Name[:1]))
		}
	}
	if f.ready(); f.fallback != nil {
		s = s.With(f.fallback.fields[0].starts(f.Bare))
	}
	return s
}

// Told looks for a line that names fields, or for a record with the default ones.
func (f *Headed) Told(r *entry.Reader) bool { return f.Fits(r) > 0 }

// Fits returns how many of the first lines are records, or stand behind a line that names fields.
func (f *Headed) Fits(r *entry.Reader) (n int) {
	f.ready()
	first := r.Lines(entry.FirstLines)
	for i, line := range first {
		if f.names(line) != nil {
			return n + len(first) - i
		}
		if f.fallback == nil {
			continue
		}
		if end, ok := f.fallback.begins(line); ok && end == len(line) {
			n++
		}
	}
	return n
}

// Read reads an entry. Its headers frame the records.
func (f *Headed) Read(r *entry.Reader, y entry.Yield) {
	f.ready()
	l := newLineReader(r, f.fallback)
	h := entry.State(r, f, func() *header { return &header{} })
	r.EachLine(y, func(line []byte, offset int64) bool {
		if f.Prefix == "" || line[0] == f.Prefix[0] {
			if h.is(line) || h.set(f, line) {
				l.plan = h.plan
				r.Frame(offset, int64(len(line)))
				return true
			}
		}
		switch {
		case f.Comment != "" && bytes.HasPrefix(line, []byte(f.Comment)):
			if day, ok := bytes.CutPrefix(line, []byte(f.DayPrefix)); ok && f.DayPrefix != "" {
				day, _, _ = bytes.Cut(bytes.TrimSpace(day), []byte{' '})
				l.day = append(l.day[:0], day...)
			}
			r.Frame(offset, int64(len(line)))
			return true
		case l.plan == nil:
			return r.EmitUnparsed(offset, line, entry.Because("not "+f.Record+": before the names of the fields"), y)
		}
		return l.record(line, offset, y)
	})
}

// Documented returns the fields that a document may have.
func (f *Headed) Documented() []entry.Field {
	fields := slices.Clone(f.Known)
	for i := range fields {
		fields[i].Name = documentName(fields[i].Name)
	}
	return documented(fields)
}

// With returns the grammar with the parameter fields: the names of the fields in entries that have no header.
func (f *Headed) With(key, value string) (entry.Grammar, error) {
	if key != "fields" {
		return nil, fmt.Errorf("no parameter is called %q: there is fields", key)
	}
	names := strings.FieldsFunc(value, func(c rune) bool { return c == ' ' || c == '\t' || c == ',' })
	for _, name := range names {
		if documentName(name) == "" {
			return nil, fmt.Errorf("%q is no name of a field", name)
		}
	}
	if len(names) == 0 {
		return nil, errors.New("the parameter fields has no names")
	}
	return &Headed{
		Record: f.Record, Prefix: f.Prefix, Comment: f.Comment, DayPrefix: f.DayPrefix, Known: f.Known, Least: f.Least,
		Default: names, Layout: f.Layout,
	}, nil
}

func (f *Headed) ready() {
	f.prepare.Do(func() {
		f.known, f.separators = map[string]Field{}, " \t"
		if f.Separator != 0 {
			f.separators += string(rune(f.Separator))
		}
		for _, field := range f.Known {
			f.known[field.Name] = field
		}
		if len(f.Default) > 0 {
			f.fallback = f.planOf(f.Default)
		}
	})
}

// header is the line with names that was seen last in the entries of a format, and what follows from it.
type header struct {
	line []byte
	plan *plan
}

func (h *header) is(line []byte) bool { return h.plan != nil && bytes.Equal(h.line, line) }

// set takes a line for the header, if it is one.
func (h *header) set(f *Headed, line []byte) bool {
	names := f.names(line)
	if names == nil {
		return false
	}
	h.line, h.plan = append(h.line[:0], line...), f.planOf(names)
	return true
}

// names returns the names in a header, nil when the line is none.
func (f *Headed) names(line []byte) []string {
	rest, ok := bytes.CutPrefix(line, []byte(f.Prefix))
	if !ok || len(line) > maxHeader {
		return nil
	}
	known := 0
	for text := rest; ; {
		text = bytes.TrimLeft(text, f.separators)
		if len(text) == 0 {
			break
		}
		end := bytes.IndexAny(text, f.separators)
		if end < 0 {
			end = len(text)
		}
		if _, ok := f.known[string(text[:end])]; ok {
			known++
		} else if known == 0 && f.Prefix == "" {
			return nil // a record, most often
		}
		text = text[end:]
	}
	if known < f.Least {
		return nil
	}
	return strings.FieldsFunc(string(rest), func(c rune) bool { return strings.ContainsRune(f.separators, c) })
}

// maxHeader is how long a line of names may be.
const maxHeader = 16 << 10

// planOf returns the plan of records with the named fields. No two names of a document are the same, whatever a header says.
func (f *Headed) planOf(names []string) *plan {
	taken := map[string]bool{}
	fields := make([]Field, len(names))
	for i, name := range names {
		field := f.known[name]
		field.Name = documentName(name)
		for try := 0; field.Name == "" || clashes(field, taken); try++ {
			field.Kind, field.Name = Text, "x_"+documentName(name)
			if try > 0 {
				field.Name += fmt.Sprint("_", i+try)
			}
		}
		for _, one := range documented([]Field{field}) {
			taken[one.Name] = true
		}
		fields[i] = field
	}
	return newPlan(f.Record, len(fields), f.Layout, fields)
}

// clashes reports whether a field would be called like another one, like those that have no name, or as the shape stage calls
// its own.
func clashes(field Field, taken map[string]bool) bool {
	for _, one := range documented([]Field{field}) {
		if taken[one.Name] || one.Name == "aws" || one.Name == "penstock" || strings.HasPrefix(one.Name, "field_") {
			return true
		}
	}
	return false
}

// documentName returns what a field is called in a document: cs(User-Agent) becomes cs_user_agent.
func documentName(name string) string {
	b := make([]byte, 0, len(name))
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			b = append(b, c)
		case c >= 'A' && c <= 'Z':
			b = append(b, c|0x20)
		case len(b) > 0 && b[len(b)-1] != '_':
			b = append(b, '_')
		}
	}
	return strings.TrimRight(string(b), "_")
}

package lines

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format/internal/entry"
)

// Headed is the grammar of a format whose entries name their fields in a line before the records. Such a line may come
// again, with other names.
type Headed struct {
	// Record is what a record is called in messages: "a flow log record".
	Record string
	// Prefix comes before the names in the line that has them, empty for none.
	Prefix string
	// Comment begins lines that are no records: they frame them. Empty for none.
	Comment string
	// DayPrefix comes before the date of records that have no field for it, empty for none.
	DayPrefix string
	// Types comes before the types of the fields, in a line behind their names, and TypeOf says what they mean to fields
	// that are not known. Unset comes before what stands for no value. Empty for none.
	Types, Unset string
	TypeOf       func(name string) Kind
	// Nothing is a text that stands for no value beside a dash, empty for none.
	Nothing string
	// Known are the documented fields by the names that a header gives them; a document has small letters, digits and _ of
	// these. Other fields are text.
	Known []Field
	// Least is how many known names a header has at least.
	Least int
	// Marks, when set, are names of which a header has at least one.
	Marks []string
	// BareHeader says that a header may go without its Prefix.
	BareHeader bool
	// Columns are the fields of entries without a header, as far as they are known, and of lines that have fewer fields
	// than their header says.
	Columns []Columns
	// Lenient says that a value which is not of its field's kind is a text, NAME_text, and that brackets and a quote
	// without an end belong to the value. Otherwise such a line is no record.
	Lenient bool
	// Layout is how the fields of a line are set apart, and the names in a header, in which spaces do too. A header
	// between whose names another byte stands says so of its records.
	Layout
	// Tabs says that in lines which have tabs these are what sets the fields apart.
	Tabs bool

	prepare    sync.Once
	starts     Bytes            // of headers
	headers    Bytes            // the same, and what may stand before the first name
	known      map[string]Field // by the names of headers
	separators string           // in a header
	fallbacks  []fallback       // of Columns
}

// Columns are the fields of lines without a header, by their names. Entries of such lines are told by the checks and
// the times of these fields.
type Columns struct {
	Names []string
	// Least is how many of them a line has at least, all when zero. More says that others may follow.
	Least int
	More  bool
}

// fallback is how entries of some columns are read.
type fallback struct {
	plans
	more bool
}

// plans are the plans of records with the same fields. tabbed, when there is one, is for lines that have tabs.
type plans struct{ plain, tabbed *plan }

// of returns the plan of a line.
func (p plans) of(line []byte) *plan {
	if p.tabbed != nil && bytes.IndexByte(line, '\t') >= 0 {
		return p.tabbed
	}
	return p.plain
}

// fits reports whether a line is made of the columns.
func (f *fallback) fits(line []byte) bool {
	p := f.of(line)
	end, ok := p.begins(line)
	return ok && (f.more || end == len(line))
}

// Starts returns the bytes with which a line begins that tells the format.
func (f *Headed) Starts() Bytes {
	f.ready()
	s := f.starts
	for _, one := range f.fallbacks {
		s = s.With(one.plain.fields[0].starts(f.Bare))
	}
	return s
}

// MayBeDated reports whether a line may begin like a date as in 2026-11-24.
func (f *Headed) MayBeDated() bool {
	f.ready()
	return f.headers.Has('2') || slices.ContainsFunc(f.fallbacks, func(one fallback) bool { return !one.plain.undated })
}

// Told looks for a line that names fields, or for a record with known columns.
func (f *Headed) Told(r *entry.Reader) bool { return f.Fits(r) > 0 }

// Fits returns how many of the first lines are records, or stand behind a line that names fields. There may be many
// comments before that line.
func (f *Headed) Fits(r *entry.Reader) (n int) {
	f.ready()
	first, comments := r.Lines(entry.FirstLines), 0
	for _, line := range first {
		if f.names(line) != nil {
			return entry.FirstLines
		}
		if f.isComment(line) {
			comments++
		} else if f.fallback(line) != nil {
			n++
		}
	}
	if comments < len(first) || comments == 0 {
		return n
	}
	for _, line := range r.Lines(maxComments)[comments:] {
		if f.names(line) != nil {
			return 1
		}
		if !f.isComment(line) {
			break
		}
	}
	return 0
}

// maxComments is how many comments may stand before a header.
const maxComments = 20

func (f *Headed) isComment(line []byte) bool {
	return f.Comment != "" && bytes.HasPrefix(line, []byte(f.Comment))
}

// fallback returns how a line is read that is a record of an entry without a header, nil when it is none.
func (f *Headed) fallback(line []byte) *fallback {
	for i := range f.fallbacks {
		if f.fallbacks[i].fits(line) {
			return &f.fallbacks[i]
		}
	}
	return nil
}

// headless returns how an entry is read as long as it has no header: by the columns that most of its first lines have.
func (f *Headed) headless(r *entry.Reader) (best plans) {
	most := -1
	for i := range f.fallbacks {
		n := 0
		for _, line := range r.Lines(entry.FirstLines) {
			if f.fallbacks[i].fits(line) {
				n++
			}
		}
		if n > most {
			best, most = f.fallbacks[i].plans, n
		}
	}
	return best
}

// Read reads an entry. Its headers frame the records.
func (f *Headed) Read(r *entry.Reader, y entry.Yield) {
	f.ready()
	now := f.headless(r)
	l := newLineReader(r, now.plain)
	l.instead = func(line []byte) *plan {
		if f := f.fallback(line); f != nil {
			return f.of(line)
		}
		return nil
	}
	h := entry.State(r, f, func() *header { return &header{} })
	h.unset = h.unset[:0]
	r.EachLine(y, func(line []byte, offset int64) bool {
		if f.headers.Has(line[0]) && (h.is(line) || h.set(f, line)) {
			now = h.plans
			r.Frame(offset, int64(len(line)))
			return true
		}
		switch {
		case f.isComment(line):
			if f.Types != "" {
				now = h.typed(f, line, now)
			}
			if day, ok := bytes.CutPrefix(line, []byte(f.DayPrefix)); ok && f.DayPrefix != "" {
				day, _, _ = bytes.Cut(bytes.TrimSpace(day), []byte{' '})
				l.day = append(l.day[:0], day...)
			}
			r.Frame(offset, int64(len(line)))
			return true
		case now.plain == nil:
			return r.EmitUnparsed(offset, line, entry.Because("not "+f.Record+": before the names of the fields"), y)
		}
		l.plan = now.of(line)
		return l.record(line, offset, y)
	})
}

// Documented returns the fields that a document may have.
func (f *Headed) Documented() []entry.Field {
	fields := slices.Clone(f.Known)
	for i := range fields {
		fields[i].Name = DocumentName(fields[i].Name)
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
		if DocumentName(name) == "" {
			return nil, fmt.Errorf("%q is no name of a field", name)
		}
	}
	if len(names) == 0 {
		return nil, errors.New("the parameter fields has no names")
	}
	return &Headed{
		Record: f.Record, Prefix: f.Prefix, Comment: f.Comment, DayPrefix: f.DayPrefix, Known: f.Known, Least: f.Least,
		Marks: f.Marks, Types: f.Types, Unset: f.Unset, TypeOf: f.TypeOf, Nothing: f.Nothing,
		BareHeader: f.BareHeader, Columns: []Columns{{Names: names}}, Lenient: f.Lenient, Layout: f.Layout, Tabs: f.Tabs,
	}, nil
}

func (f *Headed) ready() {
	f.prepare.Do(func() {
		f.known, f.separators = map[string]Field{}, " \t,;|"
		if f.Separator != 0 {
			f.separators += string(rune(f.Separator))
		}
		if f.Prefix != "" {
			f.starts = Of(f.Prefix[:1])
		}
		bare := f.Prefix == "" || f.BareHeader
		for _, field := range f.Known {
			f.known[field.Name] = field
			if bare {
				f.starts = f.starts.With(Of(field.Name[:1]))
			}
		}
		if f.headers = f.starts; bare {
			f.headers = f.headers.With(Of(f.separators))
		}
		for _, c := range f.Columns {
			f.fallbacks = append(f.fallbacks, fallback{f.plansOf(c.Names, c.Least, 0, nil), c.More})
		}
	})
}

// header is the line with names that was seen last in the entries of a format, and what follows from it.
type header struct {
	line []byte
	plans
	// types and unset are the lines behind it that say more of the fields, and exact are the plans with that.
	types, unset []byte
	exact        plans
}

// typed returns the plans of the records behind a comment: those at hand, unless it says more of the fields.
func (h *header) typed(f *Headed, line []byte, now plans) plans {
	types, isTypes := bytes.CutPrefix(line, []byte(f.Types))
	unset, isUnset := bytes.CutPrefix(line, []byte(f.Unset))
	switch {
	case isUnset && f.Unset != "":
		h.unset = append(h.unset[:0], bytes.TrimSpace(unset)...)
	case !isTypes || h.plain == nil || now.plain == nil:
	case h.exact.plain != nil && bytes.Equal(h.types, types) && h.exact.plain.unset == string(h.unset):
		return h.exact
	case len(types) <= maxHeader:
		h.types = append(h.types[:0], types...)
		var kinds []Kind
		for name := range strings.FieldsFuncSeq(string(types), f.isSeparator) {
			kinds = append(kinds, f.TypeOf(name))
		}
		h.exact = f.plansOf(f.names(h.line), 0, f.separator(h.line), kinds)
		h.exact.plain.unset = string(h.unset)
		return h.exact
	}
	return now
}

func (f *Headed) isSeparator(c rune) bool { return strings.ContainsRune(f.separators, c) }

func (h *header) is(line []byte) bool { return h.plain != nil && bytes.Equal(h.line, line) }

// set takes a line for the header, if it is one.
func (h *header) set(f *Headed, line []byte) bool {
	names := f.names(line)
	if names == nil {
		return false
	}
	h.line, h.plans = append(h.line[:0], line...), f.plansOf(names, 0, f.separator(line), nil)
	h.exact = plans{}
	return true
}

// names returns the names in a header, nil when the line is none.
func (f *Headed) names(line []byte) []string {
	rest, ok := bytes.CutPrefix(line, []byte(f.Prefix))
	if !ok && !f.BareHeader || len(line) > maxHeader || (!ok || f.Prefix == "") && !f.headers.Has(line[0]) {
		return nil
	}
	known, marked := 0, len(f.Marks) == 0
	for text := rest; ; {
		text = bytes.TrimLeft(text, f.separators)
		if len(text) == 0 {
			break
		}
		end := bytes.IndexAny(text, f.separators)
		if end < 0 {
			end = len(text)
		}
		if field, isKnown := f.known[string(text[:end])]; isKnown {
			known++
			marked = marked || slices.Contains(f.Marks, field.Name)
		} else if known == 0 && (!ok || f.Prefix == "") {
			return nil // a record, most often
		}
		text = text[end:]
	}
	if known < f.Least || !marked {
		return nil
	}
	if rest = bytes.TrimSpace(rest); f.Tabs && bytes.IndexByte(rest, '\t') >= 0 {
		return strings.Split(string(rest), "\t") // names with spaces in them
	}
	return strings.FieldsFunc(string(rest), f.isSeparator)
}

// separator returns the byte between the names of a header, 0 for spaces and tabs.
func (f *Headed) separator(line []byte) byte {
	line = bytes.TrimLeft(bytes.TrimPrefix(line, []byte(f.Prefix)), " \t")
	if i := bytes.IndexAny(line, f.separators); i >= 0 && line[i] != ' ' && line[i] != '\t' {
		return line[i]
	}
	return 0
}

// maxHeader is how long a line of names may be.
const maxHeader = 16 << 10

// plansOf returns the plans of records with the named fields, of which they have at least some, all when that is zero.
// No two names of a document are the same, whatever a header says. Fields that are not known have the kinds, if any.
func (f *Headed) plansOf(names []string, least int, separator byte, kinds []Kind) (p plans) {
	taken := map[string]bool{}
	fields := make([]Field, len(names))
	for i, name := range names {
		field, ok := f.known[name]
		if !ok && i < len(kinds) {
			field.Kind = kinds[i]
		}
		field.Name = DocumentName(name)
		for try := 0; field.Name == "" || f.clashes(field, taken); try++ {
			field.Kind, field.Name = Text, "x_"+DocumentName(name)
			if try > 0 {
				field.Name += fmt.Sprint("_", i+try)
			}
		}
		for _, one := range documented([]Field{field}) {
			taken[one.Name], taken[one.Name+other] = true, f.Lenient
		}
		fields[i] = field
	}
	f.onlyOne(Day, fields)
	f.onlyOne(Clock, fields)
	if least == 0 {
		least = len(fields)
	}
	layout := f.Layout
	if separator != 0 {
		layout.Separator = separator
	}
	p.plain = f.plan(least, layout, fields)
	if f.Tabs && separator == 0 {
		layout.Separator = '\t'
		p.tabbed = f.plan(least, layout, fields)
	}
	return p
}

// onlyOne leaves one field of a kind, the one that is known first, such as a time in UTC before that of the machine.
func (f *Headed) onlyOne(kind Kind, fields []Field) {
	of := func(name string) func(Field) bool {
		return func(field Field) bool { return field.Kind == kind && field.Name == name }
	}
	for _, known := range f.Known {
		if known.Kind != kind {
			continue
		}
		best := slices.IndexFunc(fields, of(DocumentName(known.Name)))
		if best < 0 {
			continue
		}
		for i := range fields {
			if i != best && fields[i].Kind == kind {
				fields[i].Kind = Text
			}
		}
		return
	}
}

func (f *Headed) plan(least int, layout Layout, fields []Field) *plan {
	p := newPlan(f.Record, least, layout, fields)
	p.nothing = f.Nothing
	if f.Lenient {
		p.allow()
	}
	return p
}

// other ends the names of values that are not of their field's kind.
const other = "_text"

// clashes reports whether a field would be called like another one, like those that have no name, or as the shape stage
// calls its own.
func (f *Headed) clashes(field Field, taken map[string]bool) bool {
	for _, one := range documented([]Field{field}) {
		if taken[one.Name] || one.Name == penstock.NameAWS || one.Name == penstock.NameMeta ||
			strings.HasPrefix(one.Name, "field_") {
			return true
		}
		if _, used := taken[one.Name+other]; used && f.Lenient {
			return true
		}
	}
	return false
}

// DocumentName returns what a field is called in a document: cs(User-Agent) becomes cs_user_agent, clientIp client_ip.
func DocumentName(name string) string {
	b := make([]byte, 0, len(name))
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			b = append(b, c)
		case c >= 'A' && c <= 'Z':
			if i > 0 && name[i-1] >= 'a' && name[i-1] <= 'z' {
				b = append(b, '_')
			}
			b = append(b, c|0x20)
		case len(b) > 0 && b[len(b)-1] != '_':
			b = append(b, '_')
		}
	}
	return strings.TrimRight(string(b), "_")
}

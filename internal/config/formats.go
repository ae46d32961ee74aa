package config

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed56735111/penstock/format"
	"github.com/seed56735111/penstock/pipeline"
)

// Format is a format of the user's own.
type Format struct {
	pipeline.Definition
	// Line is where it stands in the file.
	Line    int
	Samples []Sample
}

// Sample is a text with what a format is expected to make of it.
type Sample struct {
	// Line is where it stands in the file, Text what it holds.
	Line int
	Text string
	// Fields are some of the document's, with map[string]any for objects, []any for lists, nil for what there is not, and
	// texts as they are written.
	Fields map[string]any
	// Time is the record's, zero when nothing is expected of it.
	Time time.Time
	// Unparsed says that the text is no record of the format.
	Unparsed bool
}

// Definitions are the formats of the user's own. A nil File has none.
func (f *File) Definitions() []pipeline.Definition {
	if f == nil {
		return nil
	}
	var all []pipeline.Definition
	for i := range f.Formats {
		all = append(all, f.Formats[i].Definition)
	}
	return all
}

// ofFormats is a text that may name a format of the file's.
type ofFormats struct{ test func(*finder, string) error }

func (t ofFormats) check(f *finder, key string, n *node) {
	if v, ok := f.one(key, n); ok {
		f.tell(key, n, t.test(f, v))
	}
}

func (ofFormats) schema() map[string]any { return text{}.schema() }

// texts is an object with names of the user's own and a value for each.
func texts(of form) entries { return entries{want: "an object with a value for each name", of: of} }

// anything is an object with anything in it.
type anything struct{}

func (anything) check(f *finder, key string, n *node) {
	if !f.is(object, key, n, "an object with fields") {
		return
	}
	f.doubled(n)
}

// doubled reports keys that stand twice in an object, or in what is in it.
func (f *finder) doubled(n *node) {
	for m := range f.distinct(n) {
		f.doubled(m.value)
	}
	for _, item := range n.items {
		f.doubled(item)
	}
}

func (anything) schema() map[string]any { return map[string]any{"type": "object"} }

// definition is a format.
type definition struct{}

func (definition) schema() map[string]any { return definitionKeys().schema() }

func (definition) check(f *finder, key string, n *node) {
	before := len(f.found)
	definitionKeys().check(f, key, n)
	if len(f.found) > before || n.kind != object {
		return
	}
	d := definitionOf(n)
	wrong, doubts := d.Check()
	for _, e := range wrong {
		f.wrong(n.within(e.Key).place, "%s", said(e))
	}
	for _, e := range doubts {
		f.warn(n.within(e.Key).place, "%s", said(e))
	}
	if len(wrong) == 0 {
		f.samples(n, &d)
	}
}

// said is what is wrong with a format, beside its place.
func said(e *format.DefinitionError) string {
	if e.Key == "" {
		return e.Err.Error()
	}
	return e.Key + ": " + e.Err.Error()
}

// within returns the value at a key, or at one of those above it: time.layout. A key below the first one may have dots.
func (n *node) within(key string) *node {
	first, rest, _ := strings.Cut(key, ".")
	inner := n.member(first)
	switch {
	case inner == nil:
		return n
	case rest == "":
		return inner
	case inner.member(rest) != nil:
		return inner.member(rest)
	}
	return inner
}

// samples reports what no record of a format can have.
func (f *finder) samples(n *node, d *pipeline.Definition) {
	list := n.member("samples")
	if list == nil || d.JSON != nil {
		return
	}
	var known []string
	for _, field := range pipeline.Formats(*d)[0].Fields {
		known = append(known, field.Name, field.Name+"_text")
	}
	for _, s := range list.items {
		fields, unparsed := s.member("fields"), s.member("unparsed")
		if fields == nil {
			continue
		}
		if unparsed != nil && isTrue(unparsed) {
			f.wrong(fields.place, "fields means nothing beside unparsed: the text is no record")
			continue
		}
		for _, m := range fields.members {
			if !slices.Contains(known, m.key) {
				f.wrong(m.place, "the format has no field %s; it has %s", quoted(m.key), strings.Join(fieldNames(known), ", "))
			}
		}
	}
}

// fieldNames are names without those of values that are not of their kind.
func fieldNames(known []string) []string {
	return slices.DeleteFunc(slices.Clone(known), func(name string) bool { return strings.HasSuffix(name, "_text") })
}

func isTrue(n *node) bool {
	truth, err := strconv.ParseBool(n.text)
	return truth && err == nil
}

// definitionKeys are those of a format.
func definitionKeys() keys {
	return keys{
		{name: "name", usage: "what documents, routes and counts call it", form: text{}, required: true},
		{name: "about", usage: "what it is, for penstock formats", form: text{}},
		{name: "dissect", usage: "a pattern with fields such as %{name} and the text between them", form: text{}},
		{name: "regex", usage: "a regular expression of Go with named groups, for a record as a whole", form: text{}},
		{name: "grok", usage: "a grok pattern, for a record as a whole", form: text{}},
		{name: "patterns", usage: "patterns that grok may name beside the known ones", form: texts(text{})},
		{name: "delimiter", usage: "what stands between the columns", form: text{}},
		{name: "quote", usage: "a character around values that may have the delimiter in them", form: text{}},
		{name: "columns", usage: "names of the columns; an empty one leaves a value out", form: several{text{}, "a column"}},
		{name: "json", usage: "which JSON objects are records", form: jsonKeys()},
		{name: "start", usage: "a regular expression for lines that begin an event of several", form: text{}},
		{name: "types", usage: "types of fields; without one a field is a keyword", form: texts(words(format.Types()))},
		{name: "time", usage: "where the time of a record is", form: keys{
			{name: "field", usage: "the field, or several with a space between them", form: many{text{}}, required: true},
			{name: "layout", usage: "as in strftime, Go or Java, or iso or epoch; any notation without it", form: text{}},
			{name: "zone", usage: "of times without one, such as Europe/Berlin", form: text{}},
		}},
		{name: "samples", usage: "texts with what is expected of them, for penstock formats test", form: several{keys{
			{name: "line", usage: "a record, which may have several lines", form: text{}, required: true},
			{name: "fields", usage: "some of the fields that it has", form: anything{}},
			{name: "time", usage: "its time, as in RFC 3339", form: text{testTime}},
			{name: "unparsed", usage: "it is no record of the format", form: boolean{}},
		}, "a sample"}},
	}
}

func jsonKeys() keys {
	return keys{
		{name: "names", usage: "names and paths that a record has, all of them", form: many{text{}}, required: true},
		{name: "where", usage: "paths with the text that a record has there", form: texts(text{})},
		{name: "envelope", usage: "the name of the array that has the records", form: text{}},
		{name: "opaque", usage: "paths of objects that are kept as JSON text", form: many{text{}}},
	}
}

func testTime(v string) error {
	if _, err := time.Parse(time.RFC3339Nano, v); err != nil {
		return errors.New("it is no time such as 2026-11-24T09:00:00Z")
	}
	return nil
}

// define takes note of formats, for what names them elsewhere in the file.
func (f *finder) define(formats *node) {
	if formats == nil {
		return
	}
	for _, n := range formats.items[:min(len(formats.items), format.MostDefinitions)] {
		name := n.member("name")
		if name == nil || name.kind != scalar || slices.Contains(f.own, name.text) {
			continue
		}
		f.own = append(f.own, name.text)
		var wrong finder
		definitionKeys().check(&wrong, "a format", n)
		if len(wrong.found) > 0 {
			continue
		}
		d := definitionOf(n)
		if mistakes, _ := d.Check(); len(mistakes) == 0 {
			f.defined = append(f.defined, d)
		}
	}
}

// relateFormats reports what is wrong between formats.
func relateFormats(f *finder, formats *node) {
	if formats == nil || formats.kind != list {
		return
	}
	if n := len(formats.items); n > format.MostDefinitions {
		f.wrong(formats.place, "%d formats are more than %d", n, format.MostDefinitions)
	}
	seen := map[string]*node{}
	for _, n := range formats.items {
		f.second("format", n.member("name"), seen)
	}
}

// definitionOf makes a definition of a node without mistakes of shape.
func definitionOf(n *node) pipeline.Definition {
	d := pipeline.Definition{
		Name: n.textAt("name"), About: n.textAt("about"), Dissect: n.textAt("dissect"), Regex: n.textAt("regex"),
		Grok: n.textAt("grok"), Patterns: n.mapAt("patterns"), Delimiter: n.textAt("delimiter"), Quote: n.textAt("quote"),
		Columns: n.listAt("columns"), Start: n.textAt("start"), Types: n.mapAt("types"),
	}
	if j := n.member("json"); j != nil {
		d.JSON = &format.JSONDefinition{
			Names: j.listAt("names"), Where: j.mapAt("where"), Envelope: j.textAt("envelope"), Opaque: j.listAt("opaque"),
		}
	}
	if t := n.member("time"); t != nil {
		d.Time = format.TimeDefinition{Fields: t.listAt("field"), Layout: t.textAt("layout"), Zone: t.textAt("zone")}
	}
	return d
}

// formatOf makes a format of a node without mistakes.
func formatOf(n *node) Format {
	f := Format{Definition: definitionOf(n), Line: n.line}
	if list := n.member("samples"); list != nil {
		for _, item := range list.items {
			s := Sample{Line: item.line, Text: item.textAt("line")}
			if fields := item.member("fields"); fields != nil {
				s.Fields, _ = valueFrom(fields).(map[string]any)
			}
			s.Time, _ = time.Parse(time.RFC3339Nano, item.textAt("time"))
			if unparsed := item.member("unparsed"); unparsed != nil {
				s.Unparsed = isTrue(unparsed)
			}
			f.Samples = append(f.Samples, s)
		}
	}
	return f
}

// valueFrom is a node as expected values are compared.
func valueFrom(n *node) any {
	switch n.kind {
	case object:
		all := map[string]any{}
		for _, m := range n.members {
			all[m.key] = valueFrom(m.value)
		}
		return all
	case list:
		all := []any{}
		for _, item := range n.items {
			all = append(all, valueFrom(item))
		}
		return all
	case scalar:
		return n.text
	default:
		return nil
	}
}

// formatsAgainst compares formats of one name.
func (f *File) formatsAgainst(old *File, found *finder) {
	before := map[string]*Format{}
	for i := range old.Formats {
		before[old.Formats[i].Name] = &old.Formats[i]
	}
	for i := range f.Formats {
		is := &f.Formats[i]
		at := place{is.Line, 1}
		was, ok := before[is.Name]
		delete(before, is.Name)
		switch {
		case !ok:
			found.warn(at, "format %q is new: what it takes goes where its name is in the index, or by routes for it", is.Name)
		case !reflect.DeepEqual(is.Definition, was.Definition):
			found.warn(at, "format %q is defined otherwise than before; records that begin at other places have other ids",
				is.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		found.warn(place{1, 1}, "format %q is gone: what it took is recognised as something else", name)
	}
}

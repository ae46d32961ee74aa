package format

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/events"
	"github.com/seed56735111/penstock/format/internal/own"
	"github.com/seed56735111/penstock/format/internal/times"
	"github.com/seed56735111/penstock/internal/extract"
)

// Definition is a format of the user's own. One of Dissect, Regex, Grok, Delimiter and JSON says what its records are.
type Definition struct {
	// Name is what documents, routes and counts call it, About what it is.
	Name, About string
	// Dissect, Regex and Grok are patterns that fit a record as a whole, as package extract reads them. Patterns are
	// those that the grok pattern may name beside the known ones.
	Dissect, Regex, Grok string
	Patterns             map[string]string
	// Delimiter stands between Columns, of which an empty name leaves the value out. Values may be between Quote.
	Delimiter, Quote string
	Columns          []string
	// JSON says which objects are records.
	JSON *JSONDefinition
	// Start is a regular expression for the lines that begin an event. Without it each line is a record.
	Start string
	// Types are those of fields, by [Types]. Of JSON they are what an index should map the field as.
	Types map[string]string
	// Time are the fields with the time of a record, or paths in JSON.
	Time TimeDefinition
}

// JSONDefinition says which JSON objects are records of a format. Paths are names with dots between them.
type JSONDefinition struct {
	// Names are paths that the first record has, all of them, and Where those with a text that it has there.
	Names []string
	Where map[string]string
	// Envelope is the name of the array of records in an object, empty for none.
	Envelope string
	// Opaque are paths of objects that are kept as JSON text.
	Opaque []string
}

// TimeDefinition says where the time of a record is. Lines have it in Fields, with a space between them; JSON in the
// first of them that there is. Layout is as docs/own-formats.md explains, empty for any notation. Zone is that of times
// without one.
type TimeDefinition struct {
	Fields       []string
	Layout, Zone string
}

// MostDefinitions is how many formats of the user's own there may be.
const MostDefinitions = 40

// Types are the types that the fields of a Definition may have. The first one is that of fields without a type.
func Types() []string { return own.Kinds() }

// DefinitionError says what is wrong with a Definition, or with a part of it by the name of its key.
type DefinitionError struct {
	Name string
	// Key is a key of the configuration file, with a dot before one that is within: time.layout.
	Key string
	Err error
}

func (e *DefinitionError) Error() string {
	if e.Key == "" {
		return fmt.Sprintf("format %q: %v", e.Name, e.Err)
	}
	return fmt.Sprintf("format %q: %s: %v", e.Name, e.Key, e.Err)
}

func (e *DefinitionError) Unwrap() error { return e.Err }

func (d *Definition) wrong(key, format string, args ...any) *DefinitionError {
	return &DefinitionError{d.Name, key, fmt.Errorf(format, args...)}
}

// elsewhere are formats that are recognised outside of this package.
var elsewhere = []string{"cloudwatch", "cwl-compat"}

var ownName = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

const longestName = 40

// Check reports all that is wrong with a definition, and as doubts what is most likely not meant.
func (d *Definition) Check() (wrong, doubts []*DefinitionError) {
	f, wrong := d.schema()
	if len(wrong) > 0 {
		return wrong, nil
	}
	if g, ok := f.grammar.(*own.Format); ok {
		_, doubts = d.tooMuch(g)
	}
	return nil, doubts
}

// key is the one of the keys that say what records are, empty unless there is exactly one.
func (d *Definition) key() string {
	key := ""
	for name, given := range map[string]bool{
		"dissect": d.Dissect != "", "regex": d.Regex != "", "grok": d.Grok != "", "delimiter": d.Delimiter != "",
		"json": d.JSON != nil,
	} {
		switch {
		case given && key != "":
			return ""
		case given:
			key = name
		}
	}
	return key
}

// schema makes the format, or says all that is wrong.
func (d *Definition) schema() (schema, []*DefinitionError) {
	var wrong []*DefinitionError
	if !ownName.MatchString(d.Name) || len(d.Name) > longestName {
		wrong = append(wrong, d.wrong("name", "%q is no name of a format: small letters, digits and dashes between them, "+
			"%d at most", d.Name, longestName))
	}
	builtIn := func(f schema) bool { return f.name == d.Name }
	if slices.ContainsFunc(table(), builtIn) || slices.Contains(elsewhere, d.Name) {
		wrong = append(wrong, d.wrong("name", "%q is a format that penstock knows; take another name", d.Name))
	}
	if d.Time.Zone != "" {
		if _, err := times.Place(d.Time.Zone); err != nil {
			wrong = append(wrong, &DefinitionError{d.Name, "time.zone", err})
		}
	}
	var layout *times.Layout
	if d.Time.Layout != "" {
		var err error
		if layout, err = times.ParseLayout(d.Time.Layout); err != nil {
			wrong = append(wrong, &DefinitionError{d.Name, "time.layout", err})
		}
	}
	if len(d.Time.Fields) == 0 && (d.Time.Layout != "" || d.Time.Zone != "") {
		wrong = append(wrong, d.wrong("time", "the field with the time is not said"))
	}
	const mostTimes = 4
	if len(d.Time.Fields) > mostTimes {
		wrong = append(wrong, d.wrong("time.field", "more than %d fields", mostTimes))
	}
	for name, typ := range d.Types {
		if !slices.Contains(Types(), typ) {
			wrong = append(wrong, d.wrong("types."+name, "%q is no type: want %s", typ, strings.Join(Types(), " or ")))
		}
	}
	f := schema{name: d.Name, about: d.About}
	if f.about == "" {
		f.about = "a format of the configuration file"
	}
	key := d.key()
	switch key {
	case "":
		wrong = append(wrong, d.wrong("", "one of dissect, regex, grok, delimiter and json says what records are"))
	case "json":
		row, more := d.row()
		wrong = append(wrong, more...)
		row.Layout = layout
		f.told, f.grammar = "JSON whose first record has "+strings.Join(d.JSON.Names, " and "), row
	default:
		s, more := d.lines(key)
		wrong = append(wrong, more...)
		f.told = "its " + key + " pattern fits most of the first lines"
		if len(wrong) == 0 {
			s.Layout = layout
			g := own.New(s)
			wrong, _ = d.tooMuch(g)
			f.grammar = g
		}
	}
	return f, wrong
}

// lines makes the schema of records that are lines or events.
func (d *Definition) lines(key string) (*own.Schema, []*DefinitionError) {
	var wrong []*DefinitionError
	s := &own.Schema{Record: "a record of " + d.Name, Kinds: map[string]own.Kind{}, Time: d.Time.Fields}
	if d.Start != "" {
		start, err := regexp.Compile(d.Start)
		switch {
		case err != nil:
			wrong = append(wrong, d.wrong("start", "the regular expression is wrong: %w", err))
		case start.MatchString(""):
			wrong = append(wrong, d.wrong("start", "it matches the empty line, and so every one; begin it with ^"))
		default:
			s.Begins = start.Match
		}
	}
	var err error
	o := extract.Options{Lines: d.Start != ""}
	switch key {
	case "dissect":
		s.Pattern, err = extract.Dissect(d.Dissect)
	case "regex":
		s.Pattern, err = extract.Regexp(d.Regex, o)
	case "grok":
		s.Pattern, err = extract.Grok(d.Grok, d.Patterns, o)
	case "delimiter":
		s.Header = true
		if len(d.Quote) > 1 {
			wrong = append(wrong, d.wrong("quote", "%q is not one character of ASCII", d.Quote))
		} else if d.Quote != "" {
			s.Quote = d.Quote[0]
		}
		s.Pattern, err = extract.Columns(d.Delimiter, s.Quote, d.Columns)
	}
	if err != nil {
		return s, append(wrong, &DefinitionError{d.Name, key, err})
	}
	return s, append(wrong, d.fields(s)...)
}

// grokTypes are the types that grok patterns say behind a name.
var grokTypes = map[string]own.Kind{
	"": own.Keyword, "string": own.Keyword, "int": own.Integer, "long": own.Integer, "integer": own.Integer,
	"float": own.Decimal, "double": own.Decimal, "bool": own.Boolean, "boolean": own.Boolean,
}

// fields looks at the names of fields, and gives them their kinds.
func (d *Definition) fields(s *own.Schema) (wrong []*DefinitionError) {
	key := d.key()
	var known []string
	for _, f := range s.Pattern.Fields() {
		if err := checkField(f.Name, known); err != nil {
			wrong = append(wrong, &DefinitionError{d.Name, key, err})
		}
		known = append(known, f.Name)
		kind, ok := grokTypes[f.Type]
		if !ok {
			wrong = append(wrong, d.wrong(key, "%s: %q is no type of grok", f.Name, f.Type))
		}
		if f.Name == "message" && f.Type == "" {
			kind = own.Text
		}
		s.Kinds[f.Name] = kind
	}
	for _, name := range slices.Sorted(maps.Keys(d.Types)) {
		if !slices.Contains(known, name) {
			wrong = append(wrong, d.wrong("types."+name, "the format has no field %q; it has %s", name,
				strings.Join(known, ", ")))
		}
		if n := slices.Index(Types(), d.Types[name]); n >= 0 {
			s.Kinds[name] = own.Kind(n) //nolint:gosec // there are seven
		}
	}
	for _, name := range d.Time.Fields {
		if !slices.Contains(known, name) {
			wrong = append(wrong, d.wrong("time.field", "the format has no field %q; it has %s", name,
				strings.Join(known, ", ")))
		}
	}
	return wrong
}

var ownField = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*$`)

// checkField looks at the name of a field beside others. A name with dots is one in objects, in an index.
func checkField(name string, others []string) error {
	top, _, _ := strings.Cut(name, ".")
	switch {
	case !ownField.MatchString(name):
		return fmt.Errorf("%q is no name of a field: letters, digits, underscores and dashes, with dots between them", name)
	case len(name) > 200: //nolint:mnd // a mapping has a bound too
		return errors.New("the name of a field is longer than 200 bytes")
	case top == "penstock", top == "aws", name == "event.original":
		return fmt.Errorf("%q is a name that penstock writes itself; take another one", name)
	}
	for _, other := range others {
		if strings.HasPrefix(name, other+".") || strings.HasPrefix(other, name+".") {
			return fmt.Errorf("%q and %q: an index takes no field that is a value and an object", other, name)
		}
	}
	return nil
}

// The bounds of paths in JSON, which the reader of JSON has.
const (
	mostPaths   = 8
	longestPart = 39
)

// checkPaths looks at names with dots between them.
func checkPaths(all []string) error {
	if len(all) > mostPaths {
		return fmt.Errorf("more than %d fields are named", mostPaths)
	}
	for _, path := range all {
		for part := range strings.SplitSeq(path, ".") {
			if part == "" || len(part) > longestPart || strings.ContainsAny(part, "\"\\ \t\r\n") {
				return fmt.Errorf("%q is no path: names with dots between them, of %d bytes at most", path, longestPart)
			}
		}
	}
	return nil
}

// row makes the schema of records in JSON.
func (d *Definition) row() (*events.Row, []*DefinitionError) {
	var wrong []*DefinitionError
	paths := func(key string, all []string) {
		if err := checkPaths(all); err != nil {
			wrong = append(wrong, &DefinitionError{d.Name, key, err})
		}
	}
	j := d.JSON
	paths("json.names", j.Names)
	paths("json.where", slices.Collect(maps.Keys(j.Where)))
	paths("json.opaque", j.Opaque)
	paths("time.field", d.Time.Fields)
	if j.Envelope != "" {
		paths("json.envelope", []string{strings.ReplaceAll(j.Envelope, ".", "")})
	}
	if len(j.Names) == 0 {
		wrong = append(wrong, d.wrong("json.names", "no name is said that tells a record"))
	}
	if d.Start != "" {
		wrong = append(wrong, d.wrong("start", "JSON is told by its brackets; leave it out"))
	}
	row := &events.Row{
		Names: j.Names, Least: len(j.Names), Envelope: j.Envelope, Opaque: j.Opaque, Times: d.Time.Fields,
		Is: map[string]string{},
	}
	for path, text := range j.Where {
		if strings.ContainsAny(text, "\"\\\r\n") {
			wrong = append(wrong, d.wrong("json.where", "%q has a quote, a backslash or the end of a line in it", text))
		}
		row.Is[path] = `"` + text + `"`
	}
	for _, name := range slices.Sorted(maps.Keys(d.Types)) {
		if n := slices.Index(Types(), d.Types[name]); n >= 0 {
			row.Fields = append(row.Fields, entry.Field{Name: name, Type: own.Kind(n).Type()}) //nolint:gosec // seven
		}
	}
	return row, wrong
}

// probes are lines that have nothing in common.
func probes() []string {
	return []string{
		"x",
		"the quick brown fox jumps over the lazy dog",
		`{"time":"2026-11-24T10:00:00Z","n":1}`,
		"2026-11-24 10:00:00,123 INFO [main] com.example.App - started",
		`203.0.113.9 - - [24/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 17`,
		`level=info msg="it is done" n=17`,
		"17,Berlin,open",
		"<34>Nov 24 10:00:00 host su: 'su root' failed for lonvick on /dev/pts/8",
	}
}

// tooMuch reports a pattern that takes everything, and doubts one that takes much that has nothing in common.
func (d *Definition) tooMuch(g *own.Format) (wrong, doubts []*DefinitionError) {
	key := d.key()
	if _, empty := g.Pattern.Match(nil, nil); empty {
		return []*DefinitionError{d.wrong(key, "the pattern fits the empty line, and so tells nothing; "+
			"say more of what stands between the fields")}, nil
	}
	var taken []string
	r := entry.NewReader(entry.NewLarge())
	for _, line := range probes() {
		r.Begin(bytes.NewReader([]byte(line)), defaultMaxRecord)
		if g.Fits(r) > 0 {
			taken = append(taken, line)
		}
	}
	switch n := len(taken); {
	case n == len(probes()):
		return []*DefinitionError{d.wrong(key, "the pattern fits every line, and so tells nothing; "+
			"say more of what stands between the fields")}, nil
	case n >= len(probes())/2:
		return nil, []*DefinitionError{d.wrong(key, "the pattern fits lines of other formats too, such as %q; "+
			"a type, a time or more text between the fields tells them apart", taken[n-1])}
	}
	return nil, nil
}

// tableWith is the table with formats of the user's own before all others.
func tableWith(definitions []Definition) ([]schema, error) {
	if len(definitions) > MostDefinitions {
		return nil, fmt.Errorf("%d formats of the user's own are more than %d", len(definitions), MostDefinitions)
	}
	all := make([]schema, 0, len(definitions))
	for i := range definitions {
		d := &definitions[i]
		f, wrong := d.schema()
		if len(wrong) > 0 {
			return nil, wrong[0]
		}
		if slices.ContainsFunc(all, func(other schema) bool { return other.name == d.Name }) {
			return nil, d.wrong("name", "a second format is called so")
		}
		all = append(all, f)
	}
	return append(all, table()...), nil
}

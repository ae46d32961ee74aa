// Package config reads penstock.yaml: settings, and what no flag can say; and the cases of policy tests, which are
// files of the same kind. It knows the place of each value, reports every mistake of a file at once, and writes the
// JSON Schema of what it takes.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/pflag"

	"github.com/seed56735111/penstock/internal/lazyregexp"
	"github.com/seed56735111/penstock/internal/settings"
	"github.com/seed56735111/penstock/pipeline"
	"github.com/seed56735111/penstock/rules"
)

// MaxBytes is the longest file that is read.
const MaxBytes = 1 << 20

// File is a file without mistakes.
type File struct {
	Path string
	// Values are the settings, by their keys.
	Values map[string]settings.Value
	// Targets are the settings of named targets.
	Targets map[string]map[string]settings.Value
	// Tables are those that rules look into.
	Tables []rules.TableSource
	// Keys are where the secrets of keys are, by their names.
	Keys map[string]pipeline.KeySource
	// Always are the rules for all records.
	Always []rules.Rule
	// Routes say what becomes of entries, in their order.
	Routes []pipeline.Route
	places map[string]place // of the routes, by name
	// rulePlaces are those of the rules of each route, by its name, which is empty for Always.
	rulePlaces map[string][]place
	// Formats are those of the user's own, in their order.
	Formats []Format
	// RouteValues are the settings of each route, in the order of the file.
	RouteValues []RouteValue
	price       float64
	// Tests are those of the routes, in their order.
	Tests []RouteTest
	// Warnings are what is most likely not meant.
	Warnings []Mistake
}

// RouteValue is what a route says of one key, match left out.
type RouteValue struct {
	Route, Key string
	settings.Value
}

// Parse reads a file in YAML or JSON. Its error is a *MistakesError with all that is wrong.
func Parse(path string, data []byte) (*File, error) {
	f := &finder{}
	root := read(path, data, f)
	if root != nil {
		f.define(root.member("formats"))
		f.tables = tablesOf(root.member("tables"))
		root.secrets(f)
		top().check(f, "the file", root)
		if root.kind == object {
			relate(f, root)
		}
	}
	found := f.sorted()
	if slices.ContainsFunc(found, func(m Mistake) bool { return !m.Warning }) {
		return nil, &MistakesError{Path: path, Mistakes: found}
	}
	return build(path, root, found), nil
}

// read makes a tree of the text. It returns nil when something is wrong with the text as a whole.
func read(name string, data []byte, f *finder) *node {
	if len(data) > MaxBytes {
		f.wrong(place{1, 1}, "more than %d bytes", MaxBytes)
		return nil
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(data) {
		at := place{1, 1}
		if !bytes.HasPrefix(data, []byte("\xff\xfe")) && !bytes.HasPrefix(data, []byte("\xfe\xff")) { // not UTF-16
			at = firstInvalid(data)
		}
		f.wrong(at, "this is no UTF-8: save the file in that encoding")
		return nil
	}
	begin := bytes.TrimLeft(data, " \t\r\n")
	ext := path.Ext(name)
	if ext == ".json" || ext != ".yaml" && ext != ".yml" && bytes.HasPrefix(begin, []byte("{")) {
		return readJSON(data, f)
	}
	return readYAML(string(data), f)
}

// firstInvalid is the place of the first byte that is no UTF-8.
func firstInvalid(data []byte) place {
	at := place{1, 1}
	for len(data) > 0 {
		r, n := utf8.DecodeRune(data)
		switch {
		case r == utf8.RuneError && n == 1:
			return at
		case r == '\n':
			at = place{at.line + 1, 1}
		default:
			at.column++
		}
		data = data[n:]
	}
	return at
}

// top are the keys of the file.
func top() keys {
	all := keys{
		{name: "$schema", usage: "the schema that an editor completes from", form: text{}},
		{name: "version", usage: "of the shape of this file", form: version{}},
		{
			name: "targets", usage: "domains by name, and who signs for each; --target chooses one",
			form: named{target()},
		},
		{name: "tables", usage: "tables by name, for rules that look into them", form: named{tableForm{}}},
		{
			name: "keys", usage: "keys of hashes: where the secret of each is, never the secret itself",
			form: named{keyForm{}},
		},
		{name: "price_per_gb", usage: "what a GB of documents costs, for ship --count", form: price},
		{name: "always", usage: "rules for all records, before those of their route", form: rulesForm},
		{
			name: "formats", usage: "formats of your own, tried before those that are built in",
			form: several{definition{}, "a format"},
		},
		{
			name: "routes", usage: "what becomes of entries by where they are from and what they hold; the first that matches",
			form: several{routeKeys(), "a route"},
		},
	}
	for _, s := range settings.Table() {
		all = append(all, keyOf(s))
	}
	return all
}

// target are the keys of a named target.
func target() keys {
	var all keys
	for _, s := range settings.Table() {
		if slices.Contains(settings.TargetKeys(), s.Key()) {
			one := keyOf(s)
			one.required = s.Name == "domain"
			all = append(all, one)
		}
	}
	return all
}

// keyOf is the key of a setting.
func keyOf(s settings.Setting) key {
	usage := s.Usage
	if s.Unit != "" {
		usage += " (" + s.Unit + ")"
	}
	if s.Default != "" {
		usage += "; default " + s.Default
	}
	return key{name: s.Key(), usage: usage, form: formOf(s)}
}

func formOf(s settings.Setting) form {
	switch s.Type() {
	case settings.IsBoolean:
		return boolean{}
	case settings.IsCount:
		return count
	case settings.IsSize:
		return size
	case settings.IsDuration:
		return duration
	case settings.IsRules:
		return ruleTexts{tests[s.Key()]}
	case settings.IsText:
	}
	if w := choices[s.Key()]; w != nil {
		return w
	}
	switch s.Key() {
	case "format":
		return ofFormats{(*finder).testFormat}
	case "time_zone":
		return ofFormats{func(f *finder, v string) error { return f.testRead(&pipeline.Read{TimeZone: v}) }}
	}
	return text{tests[s.Key()]}
}

// version is the only one that there is.
type version struct{}

func (version) check(f *finder, key string, n *node) {
	if v, ok := f.one(key, n); ok && v != "1" {
		f.wrong(n.place, "%s is %s, and this penstock reads version 1", key, quoted(v))
	}
}

func (version) schema() map[string]any { return map[string]any{"enum": []any{1, "1"}} }

// ruleTexts are texts: a list of them, or one with a line for each.
type ruleTexts struct{ test func(string) error }

func (r ruleTexts) check(f *finder, key string, n *node) {
	if n.kind == list {
		for _, item := range n.items {
			v, ok := f.one(key, item)
			if ok && strings.ContainsAny(v, "\r\n") {
				f.wrong(item.place, "%s has a line break; each rule is an item of the list", key)
			} else if ok && r.test != nil {
				f.tell(key, item, r.test(v))
			}
		}
		return
	}
	v, ok := f.one(key, n)
	for one := range strings.Lines(v) {
		if one = strings.TrimSpace(one); ok && one != "" && r.test != nil {
			f.tell(key, n, r.test(one))
		}
	}
}

func (ruleTexts) schema() map[string]any {
	one := text{}.schema()
	item := text{}.schema()
	item["pattern"] = `^[^\r\n]*$`
	return map[string]any{"anyOf": []any{one, map[string]any{"type": "array", "items": item}}}
}

// relate reports what is wrong between the parts of a file.
func relate(f *finder, root *node) {
	targets := root.member("targets")
	if chosen := root.member("target"); chosen != nil && chosen.kind == scalar && chosen.text != "" {
		f.target(chosen, targets)
	}
	relateFormats(f, root.member("formats"))
	f.relateTables(root.member("tables"))
	if all := root.member("keys"); all != nil {
		for _, m := range all.members {
			f.keys = append(f.keys, m.key)
		}
	}
	always := root.member("always")
	f.relateRules(nil, always, "")
	relateRoutes(f, root.member("routes"), root)
	relateRetentions(f, root)
}

// target reports a name of a target that there is not.
func (f *finder) target(n, targets *node) {
	var known []string
	if targets != nil {
		for _, m := range targets.members {
			known = append(known, m.key)
		}
	}
	if slices.Contains(known, n.text) {
		return
	}
	f.wrong(n.place, "%s", noTarget(n.text, known))
}

func noTarget(name string, known []string) string {
	said := fmt.Sprintf("no target is called %s", quoted(name))
	if near := meant(name, known); near != "" {
		return said + near
	}
	if len(known) == 0 {
		return said + "; the file has no targets"
	}
	slices.Sort(known)
	return said + "; there are " + strings.Join(known, ", ")
}

// build makes a File of a tree without mistakes.
func build(path string, root *node, warnings []Mistake) *File {
	file := &File{Path: path, Values: valuesOf(path, root), Warnings: warnings}
	file.Tables = tablesOf(root.member("tables"))
	file.Keys = keysOf(root.member("keys"))
	file.price, _ = strconv.ParseFloat(root.textAt("price_per_gb"), 64)
	file.rulePlaces = map[string][]place{}
	always, from := rulesIn(root.member("always"))
	file.Always, file.rulePlaces[""] = always, placesOf(from)
	if routes := root.member("routes"); routes != nil {
		file.Routes, file.places = routesOf(routes), map[string]place{}
		for _, r := range routes.items {
			name := r.member("name").text
			file.places[name] = r.place
			_, from := rulesIn(r.member("rules"))
			file.rulePlaces[name] = placesOf(from)
			for _, m := range r.members {
				if v, ok := valueOfMember(path, m); ok && m.key != "name" {
					file.RouteValues = append(file.RouteValues, RouteValue{name, m.key, v})
				}
			}
			file.Tests = append(file.Tests, testsOf(name, r.member("tests"))...)
		}
	}
	if formats := root.member("formats"); formats != nil {
		for _, n := range formats.items {
			file.Formats = append(file.Formats, formatOf(n))
		}
	}
	if targets := root.member("targets"); targets != nil {
		file.Targets = map[string]map[string]settings.Value{}
		for _, m := range targets.members {
			file.Targets[m.key] = valuesOf(path, m.value)
		}
	}
	return file
}

// placesOf are where nodes begin.
func placesOf(nodes []*node) []place {
	all := make([]place, 0, len(nodes))
	for _, n := range nodes {
		all = append(all, n.place)
	}
	return all
}

// amount is one of money, above nothing and below a million.
type amount struct{ number }

var price = amount{number{
	pattern: lazyregexp.New(`^[0-9]{1,6}(\.[0-9]+)?$`), needs: lazyregexp.New(`[1-9]`),
	want: "a price such as 0.24",
}}

func (a amount) schema() map[string]any {
	return map[string]any{"anyOf": []any{
		map[string]any{"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1_000_000}, a.number.schema(),
	}}
}

// Price is what a GB of documents costs, 0 when the file does not say. A nil File does not.
func (f *File) Price() float64 {
	if f == nil {
		return 0
	}
	return f.price
}

// valuesOf returns the settings among the members of an object.
func valuesOf(path string, n *node) map[string]settings.Value {
	values := map[string]settings.Value{}
	for _, m := range n.members {
		if v, ok := valueOfMember(path, m); ok && m.key != "routes" {
			values[m.key] = v
		}
	}
	return values
}

// valueOfMember returns what a member says of a setting: one value, or a list of texts.
func valueOfMember(path string, m member) (settings.Value, bool) {
	v := settings.Value{Text: m.value.text, Line: m.value.line, Column: m.value.column}
	v.From = fmt.Sprintf("%s:%d:%d", path, v.Line, v.Column)
	switch m.value.kind {
	case list:
		if slices.ContainsFunc(m.value.items, func(item *node) bool { return item.kind != scalar }) {
			return v, false
		}
		v.Text = strings.Join(textsOf(m.value), "\n")
	case object, null, unknown:
		return v, false
	case scalar:
	}
	return v, true
}

// Settings returns what the file says about settings, with a target of its own by name. An empty name is the one that
// the file names, or none. A nil File says nothing.
func (f *File) Settings(target string) (settings.File, error) {
	if f == nil {
		if target != "" {
			return settings.File{}, fmt.Errorf("target %q: %w", target, errNoFile)
		}
		return settings.File{}, nil
	}
	if target == "" {
		target = f.Values["target"].Text
	}
	out := settings.File{Values: f.Values}
	if target == "" {
		return out, nil
	}
	var ok bool
	if out.Target, ok = f.Targets[target]; !ok {
		return out, fmt.Errorf("%s: %s", f.Path, noTarget(target, f.TargetNames()))
	}
	return out, nil
}

// TargetNames are the names of the targets, sorted. A nil File has none.
func (f *File) TargetNames() []string {
	if f == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(f.Targets))
}

// TargetsFor returns the targets that routes send to, with what the file and the environment say of each. Base has what
// is the same for all of them.
func (f *File) TargetsFor(
	routes []pipeline.Route, base *pipeline.Target, lookup func(string) (string, bool),
) (map[string]pipeline.Target, error) {
	var all map[string]pipeline.Target
	for i := range routes {
		name := routes[i].Target
		if _, known := all[name]; known || name == "" || routes[i].Skip != "" {
			continue
		}
		said, err := f.Settings(name)
		if err != nil {
			return nil, fmt.Errorf("route %q: %w", routes[i].Name, err)
		}
		var t pipeline.Target
		flags := pflag.NewFlagSet(name, pflag.ContinueOnError)
		settings.Flags{FlagSet: flags}.Target(&t)
		if err := settings.Apply(flags, lookup, said); err != nil {
			return nil, err
		}
		t.AWS.Stall, t.AWS.Live, t.UserAgent = base.AWS.Stall, base.AWS.Live, base.UserAgent
		if all == nil {
			all = map[string]pipeline.Target{}
		}
		all[name] = t
	}
	return all, nil
}

var errNoFile = errors.New("there is no configuration file that has targets; --config names one")

// Schema is the JSON Schema of a file.
func Schema() map[string]any {
	s := top().schema()
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = "penstock.yaml"
	return s
}

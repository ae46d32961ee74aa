// Package migrate reads the configurations of other shippers and writes ours, with a note for everything that has no
// counterpart.
package migrate

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/seed56735111/penstock/internal/config"
	"github.com/seed56735111/penstock/internal/lazyregexp"
)

// Kind is the program whose configuration is read.
type Kind string

// The programs.
const (
	SIEM      Kind = "siem"
	Forwarder Kind = "elastic-serverless-forwarder"
	Filebeat  Kind = "filebeat"
	FluentBit Kind = "fluent-bit"
	Vector    Kind = "vector"
	Logstash  Kind = "logstash"
)

// Kinds are all of them.
func Kinds() []Kind { return []Kind{SIEM, Forwarder, Filebeat, FluentBit, Vector, Logstash} }

// Note says what became of a line that is not carried over as it is.
type Note struct {
	Line int
	// Option is what stands there, Text what is to be known about it.
	Option, Text string
	// Block is code that is not translated, as it is written.
	Block string
	// Nearest are rules of ours that come near.
	Nearest []string
}

// Result is our configuration.
type Result struct {
	Kind  Kind
	File  []byte
	Notes []Note // by their lines
}

// ErrUnknown is the error for a file of which it cannot be told whose it is.
var ErrUnknown = errors.New("no configuration of a program that is known")

// readers read the configurations.
var readers = map[Kind]func(b *builder, name string, text []byte) error{
	SIEM: readSIEM, Forwarder: readForwarder, Filebeat: readFilebeat, FluentBit: readFluentBit, Vector: readVector,
	Logstash: readLogstash,
}

// Read reads the configuration of a program. An empty kind is told by what is in the file.
func Read(name string, text []byte, kind Kind) (*Result, error) {
	text = bytes.ReplaceAll(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")), []byte("\r\n"), []byte("\n"))
	if kind == "" {
		kind = tell(text)
	}
	read := readers[kind]
	if read == nil {
		return nil, ErrUnknown
	}
	b := &builder{name: name}
	if err := read(b, name, text); err != nil {
		return nil, err
	}
	slices.SortStableFunc(b.notes, func(x, y Note) int { return cmp.Compare(x.Line, y.Line) })
	return &Result{Kind: kind, File: b.file(), Notes: b.notes}, nil
}

// marks tell the programs by lines that only they have, in this order.
var marks = []struct {
	kind Kind
	line *lazyregexp.Regexp
}{
	{Logstash, lazyregexp.New(`(?m)^\s*(input|output|filter)\s*\{`)},
	{FluentBit, lazyregexp.New(`(?mi)^\s*\[(INPUT|OUTPUT|SERVICE)\]\s*$`)},
	{FluentBit, lazyregexp.New(`(?ms)^pipeline:\s*$.*^\s+outputs:`)},
	{Vector, lazyregexp.New(`(?m)^(sources|sinks|transforms)\s*:|^\s*\[?(sources|sinks|transforms)\.|"sinks"\s*:`)},
	{Filebeat, lazyregexp.New(`(?m)^(filebeat(\.inputs)?|output\.elasticsearch)\s*:`)},
	{Forwarder, lazyregexp.New(`(?m)^"?inputs"?\s*:`)},
	{SIEM, lazyregexp.New(`(?m)^\[[A-Za-z0-9_-]+\]\s*$`)},
}

// tell says whose configuration a text is.
func tell(text []byte) Kind {
	for _, m := range marks {
		if m.line.Match(text) {
			return m.kind
		}
	}
	return ""
}

// builder collects what becomes of a configuration.
type builder struct {
	name     string // of the file that is read
	settings []setting
	formats  []string // as they are written
	always   []string // rules
	routes   []*route
	notes    []Note
}

// setting is a key with its value or values.
type setting struct {
	key    string
	values []string
	isList bool
	raw    bool // the value is written as it is
}

// route is one of ours.
type route struct {
	name     string
	match    []setting
	settings []setting
	rules    []string
}

// note says what is to be known about a line.
func (b *builder) note(line int, option, format string, args ...any) {
	b.notes = append(b.notes, Note{Line: line, Option: option, Text: fmt.Sprintf(format, args...)})
}

// block quotes code, with the rules that come nearest.
func (b *builder) block(line int, option, code string, nearest ...string) {
	text := "code is not translated"
	nearest = slices.DeleteFunc(nearest, func(rule string) bool { return !exists(rule) })
	if len(nearest) > 0 {
		text += "; what comes nearest"
	}
	b.notes = append(b.notes, Note{Line: line, Option: option, Text: text, Block: code, Nearest: nearest})
}

// accepted reports what check says of a file, nil when it takes it.
func accepted(file string) error {
	_, err := config.Parse("penstock.yaml", []byte(file))
	if e, ok := errors.AsType[*config.MistakesError](err); ok {
		return errors.New(e.Mistakes[0].Text)
	}
	return err
}

// has reports whether a key is set.
func (b *builder) has(key string) bool {
	return slices.ContainsFunc(b.settings, func(s setting) bool { return s.key == key })
}

// set sets a key. What check would refuse becomes a note.
func (b *builder) set(line int, option, key string, values ...string) {
	one := setting{key: key, values: values}
	if len(values) == 0 || values[0] == "" {
		return
	}
	if slices.ContainsFunc(values, isReference) {
		b.note(line, option, "its value comes from elsewhere; set PENSTOCK_%s to it", strings.ToUpper(key))
		return
	}
	if at := slices.IndexFunc(b.settings, func(s setting) bool { return s.key == key }); at >= 0 {
		if slices.Equal(b.settings[at].values, values) {
			return
		}
		b.note(line, option, "%s is set already; this value, %s, needs a target or a route of its own", key,
			quote(strings.Join(values, ", ")))
		return
	}
	if err := accepted(one.text("")); err != nil {
		b.note(line, option, "%s cannot be %s: %s", key, quote(strings.Join(values, ", ")), err)
		return
	}
	b.settings = append(b.settings, one)
}

// reference is a value that is filled in from a variable or a store of secrets.
var reference = lazyregexp.New(`\$\{[^}]*\}|^arn:aws[a-z-]*:secretsmanager:|^\$[A-Z_]+$|^SECRET\[`)

func isReference(v string) bool { return reference.MatchString(v) }

// add adds a route. Whatever of it check would refuse becomes a note.
func (b *builder) add(line int, r *route) *route {
	r.name = routeName(r.name)
	for n := 2; slices.ContainsFunc(b.routes, func(other *route) bool { return other.name == r.name }); n++ {
		r.name = fmt.Sprintf("%s-%d", strings.TrimRight(r.name, "-0123456789"), n)
	}
	keep := r.settings
	r.settings = nil
	for _, s := range keep {
		b.routeSet(line, r, s.key, s)
	}
	var all strings.Builder
	all.WriteString(b.formatsText() + "routes:\n")
	for _, other := range slices.Concat(b.routes, []*route{r}) {
		if len(other.match) > 0 {
			all.WriteString(other.text())
		}
	}
	if err := accepted(all.String()); err != nil {
		b.note(line, r.name, "the route is left out: %s", err)
		return r
	}
	b.routes = append(b.routes, r)
	return r
}

// routeSet sets a key of a route.
func (b *builder) routeSet(line int, r *route, option string, s setting) {
	for _, has := range r.settings {
		if has.key == s.key && slices.Equal(has.values, s.values) {
			return
		}
		if has.key == s.key || has.key == "skip" || s.key == "skip" {
			b.note(line, option, "the route %s has %s already; %s needs a match of its own", r.name, has.key,
				quote(strings.Join(s.values, ", ")))
			return
		}
	}
	alone := &route{name: "x", settings: []setting{s}}
	if err := accepted(b.formatsText() + "routes:\n" + alone.text()); err != nil {
		b.note(line, option, "%s of the route %s cannot be %s: %s", s.key, r.name, quote(strings.Join(s.values, ", ")), err)
		return
	}
	r.settings = append(r.settings, s)
}

// verbs are those that rules have.
var verbs = sync.OnceValue(func() map[string]any {
	at := any(config.Schema())
	for _, key := range []string{"properties", "routes", "items", "properties", "rules", "items", "properties"} {
		inner, ok := at.(map[string]any)
		if !ok {
			return nil
		}
		at = inner[key]
	}
	known, _ := at.(map[string]any)
	return known
})

var verbOf = lazyregexp.New(`^\{? *([a-z_]+):`)

// exists reports whether there is the verb that a rule has.
func exists(rule string) bool {
	m := verbOf.FindStringSubmatch(rule)
	if m == nil || m[1] == "formats" || m[1] == "routes" {
		return true // no rule, but words
	}
	_, ok := verbs()[m[1]]
	return ok
}

// rule adds a rule to a route, or with none for all records. One that check refuses becomes a note.
func (b *builder) rule(line int, r *route, option, rule string) {
	if !exists(rule) {
		b.note(line, option, "no counterpart")
		return
	}
	if r == nil {
		r = &route{}
		defer func() { b.always = append(b.always, r.rules...) }()
	}
	alone := &route{name: "x", rules: []string{rule}}
	if slices.ContainsFunc(r.settings, func(s setting) bool { return s.key == "skip" }) {
		b.note(line, option, "the route %s leaves everything out; the rule %s needs one that does not", r.name, rule)
		return
	}
	if err := accepted("routes:\n" + alone.text()); err != nil {
		b.notes = append(b.notes, Note{
			Line: line, Option: option, Text: "not carried over; the rule that comes nearest", Nearest: []string{rule},
		})
		return
	}
	r.rules = append(r.rules, rule)
}

var notInNames = lazyregexp.New(`[^A-Za-z0-9._-]+`)

// routeName makes a name of a route of any text.
func routeName(s string) string {
	s = strings.Trim(notInNames.ReplaceAllString(s, "-"), "-._")
	return cmp.Or(s[:min(len(s), 48)], "route")
}

// rest is the route for what no other takes.
func (b *builder) rest() *route {
	for _, r := range b.routes {
		if len(r.match) == 0 {
			return r
		}
	}
	r := &route{name: "rest"}
	b.routes = append(b.routes, r)
	return r
}

// quote writes a text as YAML has it.
func quote(s string) string {
	if strings.ContainsAny(s, "\n\t") || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return fmt.Sprintf("%q", s)
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

// plain are values that need no quotes.
var plain = lazyregexp.New(`^[A-Za-z0-9][A-Za-z0-9._/-]*$`)

func scalar(s string) string {
	if plain.MatchString(s) {
		return s
	}
	return quote(s)
}

// text writes a key with its values, a line for each.
func (s setting) text(indent string) string {
	switch {
	case s.raw:
		return indent + s.key + ": " + s.values[0] + "\n"
	case !s.isList && len(s.values) == 1:
		return indent + s.key + ": " + scalar(s.values[0]) + "\n"
	}
	var b strings.Builder
	b.WriteString(indent + s.key + ":\n")
	for _, v := range s.values {
		b.WriteString(indent + "  - " + scalar(v) + "\n")
	}
	return b.String()
}

func (r *route) text() string {
	var b strings.Builder
	b.WriteString("  - name: " + scalar(r.name) + "\n")
	if len(r.match) > 0 {
		b.WriteString("    match:\n")
		for _, m := range r.match {
			b.WriteString(m.text("      "))
		}
	}
	for _, s := range r.settings {
		b.WriteString(s.text("    "))
	}
	if len(r.rules) > 0 {
		b.WriteString("    rules:\n")
		for _, rule := range r.rules {
			b.WriteString("      - " + rule + "\n")
		}
	}
	return b.String()
}

// regex is a pattern of a match that is a regular expression.
func regex(key, expression string) setting {
	return setting{key: key, values: []string{"{ regex: " + quote(expression) + " }"}, raw: true}
}

func (b *builder) formatsText() string {
	if len(b.formats) == 0 {
		return ""
	}
	return "formats:\n" + strings.Join(b.formats, "")
}

// file writes our configuration.
func (b *builder) file() []byte {
	var out strings.Builder
	out.WriteString("version: 1\n")
	for _, s := range b.settings {
		out.WriteString(s.text(""))
	}
	out.WriteString(b.formatsText())
	if len(b.always) > 0 {
		out.WriteString("always:\n")
		for _, rule := range b.always {
			out.WriteString("  - " + rule + "\n")
		}
	}
	// What takes everything comes last; it says nothing when it sets nothing.
	slices.SortStableFunc(b.routes, func(x, y *route) int { return min(len(y.match), 1) - min(len(x.match), 1) })
	if n := len(b.routes); n > 0 && len(b.routes[n-1].match)+len(b.routes[n-1].settings)+len(b.routes[n-1].rules) == 0 {
		b.routes = b.routes[:n-1]
	}
	if len(b.routes) > 0 {
		out.WriteString("routes:\n")
		for _, r := range b.routes {
			out.WriteString(r.text())
		}
	}
	return []byte(out.String())
}

// Comments are the notes as comments of a file in YAML.
func Comments(name string, notes []Note) string {
	if len(notes) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# What %s has beyond that, by its lines:\n", name)
	for _, n := range notes {
		fmt.Fprintf(&b, "# %d: %s: %s\n", n.Line, oneLine(n.Option), oneLine(n.Text))
		for line := range strings.Lines(n.Block) {
			fmt.Fprintf(&b, "#     | %s\n", strings.TrimRight(visible(line), " \n"))
		}
		for _, rule := range n.Nearest {
			fmt.Fprintf(&b, "#     - %s\n", oneLine(rule))
		}
	}
	return b.String()
}

func oneLine(s string) string { return strings.ReplaceAll(visible(s), "\n", " ") }

// visible takes away what would end a comment, or move the cursor of a terminal.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' {
			return ' '
		}
		if r != '\n' && (r < ' ' || r == 0x7f || 0x80 <= r && r < 0xa0 || r == '\u2028' || r == '\u2029' ||
			0x202a <= r && r <= 0x202e || 0x2066 <= r && r <= 0x2069) {
			return '\ufffd'
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}

// secret says of an option that its value is a secret.
const secret = "secrets are no settings: the domain is reached with the credentials of the AWS chain"

// option says what becomes of an option of another program: it is the value of a key of ours, or a note is made.
type option struct {
	// to is our key; say is the note. With both, the note stands beside the key.
	to, say string
	// rule is the rule that does the same; the note has it.
	rule string
	// as, when set, makes our value; with ok false there is none, and say is the note.
	as func(v string) (string, bool)
	// off are values that say nothing.
	off []string
}

// take does with an option what the table says. Names have no case. One that is not in the table gets a note.
func (b *builder) take(table map[string]option, line int, name string, values ...string) {
	b.takeAs(table, line, name, name, values...)
}

func (b *builder) takeAs(table map[string]option, line int, shown, name string, values ...string) {
	o, ok := table[strings.ToLower(name)]
	if !ok {
		b.note(line, shown, "no counterpart")
		return
	}
	if len(values) == 1 && slices.Contains(o.off, strings.ToLower(values[0])) {
		return
	}
	if o.as != nil && !slices.ContainsFunc(values, isReference) {
		for i, v := range values {
			if v, ok = o.as(v); !ok {
				b.note(line, shown, "%s", cmp.Or(o.say, "no counterpart"))
				return
			}
			values[i] = v
		}
	}
	if o.to != "" {
		b.set(line, shown, o.to, values...)
	}
	switch {
	case o.rule != "" && exists(o.rule):
		b.note(line, shown, "a rule of a route does it: %s", o.rule)
	case o.rule != "":
		b.note(line, shown, "no counterpart")
	case o.say != "" && o.as == nil:
		b.note(line, shown, "%s", o.say)
	}
}

// takeAll does so with every value of an object. The names of those inside are those of the path.
func (b *builder) takeAll(table map[string]option, prefix string, t *config.Tree) {
	for i := range t.Members {
		m := &t.Members[i]
		path := prefix + m.Key
		_, known := table[strings.ToLower(path)]
		switch {
		case len(m.Members) > 0 && !known:
			b.takeAll(table, path+".", m)
		default:
			values := texts(m)
			b.takeAs(table, m.Line, path, path, values...)
		}
	}
}

// texts are the texts of a value, or of the items of a list.
func texts(t *config.Tree) []string {
	if len(t.Items) == 0 {
		return []string{t.Text}
	}
	all := make([]string, 0, len(t.Items))
	for i := range t.Items {
		all = append(all, t.Items[i].Text)
	}
	return all
}

// constants are a rule that gives fields texts, in the order of the pairs.
func constants(pairs ...string) string {
	var all []string
	for i := 0; i+1 < len(pairs); i += 2 {
		all = append(all, quote(pairs[i])+": "+quote(literal(pairs[i+1])))
	}
	return "set: { " + strings.Join(all, ", ") + " }"
}

// literal is a text in which braces stand for themselves.
func literal(s string) string { return strings.NewReplacer("{", "{{", "}", "}}").Replace(s) }

var identifier = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$`)

// fieldInExpression is a field as an expression has it.
func fieldInExpression(name string) string {
	if identifier.MatchString(name) {
		return name
	}
	return "field('" + strings.ReplaceAll(strings.ReplaceAll(name, `\`, `\\`), "'", `\'`) + "')"
}

// copied is a rule that gives a field the value of another one.
func copied(from, to string) string {
	return "compute: { " + quote(to) + ": " + quote(fieldInExpression(from)) + " }"
}

// streamParts are the type, the dataset and the namespace in the name of a data stream.
func streamParts(name string) (kind, dataset, namespace string, ok bool) {
	parts := strings.Split(name, "-")
	if len(parts) != 3 || strings.ContainsAny(name, "{}") {
		return "", "", "", false
	}
	return parts[0], parts[1], parts[2], true
}

// yes are the spellings of true that programs take.
func yes(v string) (string, bool) {
	switch strings.ToLower(v) {
	case "true", "on", "yes", "1":
		return "true", true
	}
	return "", false
}

// isURL takes an endpoint that is written in full.
func isURL(v string) (string, bool) { return v, strings.Contains(v, "://") }

// isGzip makes true of the one compression that there is for requests.
func isGzip(v string) (string, bool) { return "true", v == "gzip" }

// seconds makes a duration of a number of seconds.
func seconds(v string) (string, bool) { return v + "s", v != "" }

// first takes one value of a list of hosts that are one domain.
func asURL(v string) (string, bool) {
	if !strings.Contains(v, "://") {
		v = "https://" + v
	}
	return strings.TrimSuffix(strings.TrimSuffix(v, "/"), ":443"), true
}

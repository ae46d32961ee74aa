package config

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/seed56735111/penstock/internal/lazyregexp"
	"github.com/seed56735111/penstock/internal/settings"
)

// form is what a value of the file may be. The check and the JSON Schema are made of the same forms.
type form interface {
	// check reports what is wrong with the value of a key.
	check(c *finder, key string, n *node)
	// schema is the form in the words of JSON Schema, draft 2020-12.
	schema() map[string]any
}

// one returns the text of a value that is neither a list nor an object.
func (f *finder) one(key string, n *node) (string, bool) {
	switch n.kind {
	case scalar:
		return n.text, true
	case unknown:
	case null:
		f.wrong(n.place, "%s has no value; leave the key out, or write one", key)
	default:
		f.wrong(n.place, "%s is %s, want one value", key, n.kind)
	}
	return "", false
}

// is reports whether a value is of a kind, and complains when it is of another.
func (f *finder) is(k kind, key string, n *node, want string) bool {
	if n.kind != k && n.kind != unknown {
		f.wrong(n.place, "%s is %s, want %s", key, n.kind, want)
	}
	return n.kind == k
}

// text is one value of any kind, taken as it is written. A nil test takes all of them.
type text struct{ test func(string) error }

func (t text) check(f *finder, key string, n *node) {
	if v, ok := f.one(key, n); ok && t.test != nil {
		f.tell(key, n, t.test(v))
	}
}

// tell reports an error about the value of a key.
func (f *finder) tell(key string, n *node, err error) {
	if err != nil {
		f.wrong(n.place, "%s: %s", key, err)
	}
}

func (text) schema() map[string]any {
	return map[string]any{"type": []string{"string", "number", "boolean"}}
}

// words is one of a few words. An empty text is the default, as in a variable.
type words []string

func (w words) check(f *finder, key string, n *node) {
	v, ok := f.one(key, n)
	if !ok || v == "" || slices.Contains(w, v) {
		return
	}
	if near := settings.Nearest(v, w); near != "" {
		f.wrong(n.place, "%s is %q; did you mean %q?", key, v, near)
		return
	}
	f.wrong(n.place, "%s is %q, want %s", key, v, strings.Join(w, " or "))
}

func (w words) schema() map[string]any { return map[string]any{"enum": append([]string{""}, w...)} }

// boolean is true or false, in the spellings that flags and variables take.
type boolean struct{}

// spellings are those of [strconv.ParseBool].
var spellings = []any{
	true, false, "true", "false", "True", "False", "TRUE", "FALSE", "t", "f", "T", "F", "1", "0", 1, 0,
}

func (boolean) check(f *finder, key string, n *node) {
	if v, ok := f.one(key, n); ok {
		if _, err := strconv.ParseBool(v); err != nil {
			f.wrong(n.place, "%s: %q is neither true nor false", key, v)
		}
	}
}

func (boolean) schema() map[string]any { return map[string]any{"enum": spellings} }

// number is a value that is written in figures, with or without a unit. Pattern tells it for the check and the schema.
type number struct {
	pattern *lazyregexp.Regexp
	// needs, when set, is a second pattern that the text has to have.
	needs *lazyregexp.Regexp
	// most is the largest one without a unit, zero when there has to be a unit.
	most int64
	want string
}

var (
	count = number{
		pattern: lazyregexp.New(`^0*[1-9][0-9]{0,8}$`), most: 999_999_999, want: "a number from 1 on",
	}
	size = number{
		pattern: lazyregexp.New(`^0*[1-9]([0-9]{0,14} *B?|[0-9]{0,11} *[KM]i?B|[0-9]{0,8} *Gi?B)$`),
		most:    999_999_999_999_999, want: "a size such as 1048576, 512KiB or 5MiB",
	}
	duration = number{
		// Each unit once, the longest first, so that no sum is too long for a time.
		pattern: lazyregexp.New(strings.ReplaceAll(`^\+?(Dh)?(Dm)?(Ds)?(Dms)?(D[uµ]s)?([0-9]{1,9}ns)?$`,
			"D", `([0-9]{1,6}(\.[0-9]{0,3})?|\.[0-9]{1,3})`)),
		needs: lazyregexp.New(`[1-9]`), want: "a time such as 500ms, 10s or 1m30s",
	}
)

// retention is how long indexes stay, in days or hours.
var retention = number{pattern: lazyregexp.New(`^[1-9][0-9]{0,4}[dh]$`), want: "a time such as 30d or 12h"}

func (k number) check(f *finder, key string, n *node) {
	v, ok := f.one(key, n)
	if !ok {
		return
	}
	if !k.pattern.MatchString(v) || k.needs != nil && !k.needs.MatchString(v) {
		f.wrong(n.place, "%s: %q is not %s", key, v, k.want)
	}
}

func (k number) schema() map[string]any {
	one := map[string]any{"type": "string", "pattern": k.pattern.String()}
	if k.needs != nil {
		one["allOf"] = []any{map[string]any{"pattern": k.needs.String()}}
	}
	if k.most == 0 {
		return one
	}
	return map[string]any{"anyOf": []any{map[string]any{"type": "integer", "minimum": 1, "maximum": k.most}, one}}
}

// many is one value, or a list of them.
type many struct{ of form }

func (m many) check(f *finder, key string, n *node) {
	if n.kind != list {
		m.of.check(f, key, n)
		return
	}
	if len(n.items) == 0 {
		f.wrong(n.place, "%s is an empty list; leave the key out, or write a value", key)
	}
	for _, item := range n.items {
		m.of.check(f, key, item)
	}
}

func (m many) schema() map[string]any {
	of := m.of.schema()
	return map[string]any{"anyOf": []any{of, map[string]any{"type": "array", "items": of, "minItems": 1}}}
}

// distinct yields the members of an object, and reports those whose key stands there already.
func (f *finder) distinct(n *node) iter.Seq[*member] {
	return func(yield func(*member) bool) {
		seen := map[string]place{}
		for i := range n.members {
			m := &n.members[i]
			if first, ok := seen[m.key]; ok {
				f.wrong(m.place, "%s stands here again; it is in line %d already", quoted(m.key), first.line)
				continue
			}
			seen[m.key] = m.place
			if !yield(m) {
				return
			}
		}
	}
}

// keys is an object whose keys are known.
type keys []key

// key is one of them.
type key struct {
	name, usage string
	form        form
	required    bool
}

func (k keys) check(f *finder, name string, n *node) {
	if !f.is(object, name, n, "an object with keys") {
		return
	}
	for m := range f.distinct(n) {
		at := slices.IndexFunc(k, func(one key) bool { return one.name == m.key })
		if at < 0 {
			f.wrong(m.place, "unknown key %s%s", quoted(m.key), k.near(m.key))
			continue
		}
		k[at].form.check(f, m.key, m.value)
	}
	for _, one := range k {
		if one.required && n.member(one.name) == nil {
			f.wrong(n.place, "%s lacks the key %q", name, one.name)
		}
	}
}

func (k keys) has(name string) bool {
	return slices.ContainsFunc(k, func(one key) bool { return one.name == name })
}

// fewKeys is how many keys are listed to somebody who looks for one.
const fewKeys = 24

// meant asks whether one of some names is meant by a word that is close to it; empty when none is.
func meant(word string, names []string) string {
	near := settings.Nearest(word, names)
	if near == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", near)
}

// near says which key may be meant.
func (k keys) near(word string) string {
	names := make([]string, 0, len(k))
	for _, one := range k {
		names = append(names, one.name)
	}
	// As in a flag, or in another spelling.
	plain := strings.ToLower(strings.NewReplacer("-", "_", " ", "_").Replace(word))
	if near := meant(plain, names); near != "" {
		return near
	}
	if len(names) > fewKeys {
		return ""
	}
	slices.Sort(names)
	return "; known here are " + strings.Join(names, ", ")
}

func (k keys) schema() map[string]any {
	properties := map[string]any{}
	out := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	var required []string
	for _, one := range k {
		s := maps.Clone(one.form.schema())
		s["description"] = one.usage
		properties[one.name] = s
		if one.required {
			required = append(required, one.name)
		}
	}
	if required != nil {
		out["required"] = required
	}
	return out
}

// entries is an object with keys of the user's own, of any text. A nil test takes all of them.
type entries struct {
	want string // in a sentence
	test func(string) error
	of   form
}

func (e entries) check(f *finder, key string, n *node) {
	if !f.is(object, key, n, e.want) {
		return
	}
	for m := range f.distinct(n) {
		if e.test != nil {
			if err := e.test(m.key); err != nil {
				f.wrong(m.place, "%s: %s", key, err)
			}
		}
		e.of.check(f, m.key, m.value)
	}
}

func (e entries) schema() map[string]any {
	return map[string]any{"type": "object", "additionalProperties": e.of.schema()}
}

// named is an object with names of the user's own.
type named struct{ of form }

// names are what targets and the like are called: short, and without what a shell or a log would show otherwise.
var names = lazyregexp.New(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// isName reports what is no name.
func (f *finder) isName(at place, v string) {
	if !names.MatchString(v) {
		f.wrong(at, "%s is no name: letters, digits, dots, dashes and underscores", quoted(v))
	}
}

// second reports the name of one of a list that another one has already. Seen has those before it.
func (f *finder) second(what string, name *node, seen map[string]*node) {
	if name == nil || name.kind != scalar {
		return
	}
	if first, ok := seen[name.text]; ok {
		f.wrong(name.place, "a second %s is called %s; the first is in line %d", what, quoted(name.text), first.line)
		return
	}
	seen[name.text] = name
}

func (m named) check(f *finder, key string, n *node) {
	if !f.is(object, key, n, "an object with a name for each") {
		return
	}
	for one := range f.distinct(n) {
		f.isName(one.place, one.key)
		m.of.check(f, one.key, one.value)
	}
}

func (m named) schema() map[string]any {
	return map[string]any{
		"type": "object", "propertyNames": map[string]any{"pattern": names.String()}, "additionalProperties": m.of.schema(),
	}
}

// several is a list.
type several struct {
	of   form
	what string // each of them is
}

func (l several) check(f *finder, key string, n *node) {
	if !f.is(list, key, n, "a list") {
		return
	}
	for _, item := range n.items {
		l.of.check(f, l.what, item)
	}
}

func (l several) schema() map[string]any {
	return map[string]any{"type": "array", "items": l.of.schema()}
}

// quoted is a key as part of a message, not longer than helps.
func quoted(key string) string {
	const most = 60
	if len(key) > most {
		key = key[:most] + "…"
	}
	return strconv.Quote(key)
}

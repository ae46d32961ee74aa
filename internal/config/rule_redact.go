package config

import (
	"slices"
	"strconv"
	"strings"

	"github.com/seed56735111/penstock/pipeline"
	"github.com/seed56735111/penstock/redact"
	"github.com/seed56735111/penstock/rules"
)

// redactVerb takes out what must not leave.
func redactVerb() ruleVerb {
	return ruleVerb{
		key{name: "redact", usage: "take out what must not leave: fields, or what looks like a secret", form: redactForm{}},
		func(n *node) rules.Verb {
			v := rules.Redact{Fields: n.listAt("fields"), With: n.textAt("with"), Key: n.textAt("key")}
			for _, kind := range n.listAt("detect") {
				v.Detect = append(v.Detect, redact.Kind(kind))
			}
			return v
		},
	}
}

type redactForm struct{}

func redactKeys() keys {
	var kinds exactly
	for _, k := range redact.Kinds() {
		kinds = append(kinds, string(k))
	}
	return keys{
		{name: "fields", usage: "fields that must not leave", form: many{text{testFilled}}},
		{name: "detect", usage: "kinds of secrets to look for in all of the record", form: many{kinds}},
		{
			name: "with", usage: "what stands in its place: nothing, a mask, or a keyed hash that still joins", required: true,
			form: exactly{rules.WithRemove, rules.WithMask, rules.WithHash},
		},
		{name: "key", usage: "the key of a hash, one of keys", form: text{testFilled}},
	}
}

func (redactForm) check(f *finder, name string, n *node) {
	redactKeys().check(f, name, n)
	if n.kind != object {
		return
	}
	fields, detect, key := n.member("fields"), n.member("detect"), n.member("key")
	switch {
	case fields == nil && detect == nil:
		f.wrong(n.place, "%s has neither fields nor detect", name)
	case fields != nil && detect != nil:
		f.wrong(detect.place, "fields and detect are two rules")
	}
	switch isHash := n.textAt("with") == rules.WithHash; {
	case isHash && key == nil:
		f.wrong(n.place, "a hash needs a key: without one, anybody can try what was hashed")
	case !isHash && key != nil && n.member("with") != nil:
		f.wrong(key.place, "a key is for a hash alone")
	}
}

func (redactForm) schema() map[string]any {
	s := redactKeys().schema()
	s["oneOf"] = []any{
		map[string]any{"required": []string{"fields"}}, map[string]any{"required": []string{"detect"}},
	}
	s["if"] = map[string]any{"properties": map[string]any{"with": map[string]any{"const": rules.WithHash}}}
	s["then"] = map[string]any{"required": []string{"key"}}
	s["else"] = map[string]any{"not": map[string]any{"required": []string{"key"}}}
	return s
}

// exactly is one of some words.
type exactly []string

func (w exactly) check(f *finder, key string, n *node) {
	v, ok := f.one(key, n)
	if !ok || slices.Contains(w, v) {
		return
	}
	f.wrong(n.place, "%s: %s is none of %s%s", key, quoted(v), strings.Join(w, ", "), meant(v, w))
}

func (w exactly) schema() map[string]any { return map[string]any{"enum": []string(w)} }

// keyForm is where the secret of a key is.
type keyForm struct{}

func testReference(v string) error {
	_, err := redact.ParseReference(v)
	return err
}

// mostKeys bounds the numbers of keys.
const mostKeys = 999

func keyKeys() keys {
	return keys{
		{name: "from", usage: "env:NAME, file:PATH or ssm:NAME", form: reference{}, required: true},
		{
			name: "number", usage: "goes in front of every hash; 1 by default, and one more for a new secret",
			form: keyNumber{},
		},
	}
}

func (keyForm) check(f *finder, key string, n *node) {
	if n.kind == object {
		keyKeys().check(f, key, n)
		return
	}
	reference{}.check(f, key, n)
}

func (keyForm) schema() map[string]any {
	return map[string]any{"anyOf": []any{reference{}.schema(), keyKeys().schema()}}
}

// reference says where a secret is.
type reference struct{}

func (reference) check(f *finder, key string, n *node) {
	if v, ok := f.one(key, n); ok {
		f.tell(key, n, testReference(v))
	}
}

func (reference) schema() map[string]any {
	return map[string]any{"type": "string", "pattern": `^(env|file|ssm):[\s\S]+$`}
}

// keyNumber is the number of a key.
type keyNumber struct{}

func (keyNumber) check(f *finder, key string, n *node) {
	v, ok := f.one(key, n)
	if number, err := strconv.Atoi(v); ok && (err != nil || number < 1 || number > mostKeys || strconv.Itoa(number) != v) {
		f.wrong(n.place, "%s: want a number from 1 to %d", key, mostKeys)
	}
}

func (keyNumber) schema() map[string]any {
	return map[string]any{"anyOf": []any{
		map[string]any{"type": "integer", "minimum": 1, "maximum": mostKeys},
		map[string]any{"type": "string", "pattern": `^[1-9][0-9]{0,2}$`},
	}}
}

// keysOf are the keys of a file.
func keysOf(n *node) map[string]pipeline.KeySource {
	if n == nil || n.kind != object {
		return nil
	}
	all := map[string]pipeline.KeySource{}
	for _, m := range n.members {
		from, number := m.value.text, 1
		if m.value.kind == object {
			from = m.value.textAt("from")
			if v, err := strconv.Atoi(m.value.textAt("number")); err == nil {
				number = v
			}
		}
		if r, err := redact.ParseReference(from); err == nil {
			all[m.key] = pipeline.KeySource{Reference: r, Number: number}
		}
	}
	return all
}

// isKey reports a name of a key that there is not.
func (f *finder) isKey(n *node, v rules.Redact) {
	at := n.member("redact").member("key")
	if at == nil || slices.Contains(f.keys, v.Key) {
		return
	}
	said := "no key has this name" // which is not told: it may be the secret itself
	switch near := meant(v.Key, f.keys); {
	case near != "":
		said += near
	case len(f.keys) == 0:
		said += "; the file has no keys"
	default:
		said += "; there are " + strings.Join(f.keys, ", ")
	}
	f.wrong(at.place, "key: %s", said)
}

// likeNeighbours warns of a route for everything that redacts less than the routes before it.
func (f *finder) likeNeighbours(routes, always *node) {
	general := redactionsOf(always)
	var others []string
	var kinds []redact.Kind
	for _, r := range routes.items {
		own := redactionsOf(r.member("rules"))
		if !takesAll(r.member("match")) {
			if len(own) > 0 {
				others = append(others, r.textAt("name"))
			}
			for _, v := range own {
				kinds = append(kinds, v.Detect...)
			}
			continue
		}
		if len(others) == 0 || r.member("skip") != nil {
			return
		}
		missing := slices.DeleteFunc(slices.Clone(kinds), func(k redact.Kind) bool {
			return slices.ContainsFunc(slices.Concat(general, own), func(v rules.Redact) bool {
				return slices.Contains(v.Detect, k)
			})
		})
		if len(own) == 0 || len(missing) > 0 {
			f.warn(r.place, "this route takes everything else and redacts less than %s; what all records need stands in always",
				strings.Join(others, ", "))
		}
		return
	}
}

// redactionsOf are the redactions among rules.
func redactionsOf(n *node) []rules.Redact {
	var all []rules.Redact
	list, _ := rulesIn(n)
	for _, r := range list {
		if v, ok := r.Verb.(rules.Redact); ok && !r.Shadow {
			all = append(all, v)
		}
	}
	return all
}

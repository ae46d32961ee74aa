package rules

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed56735111/penstock/internal/quote"
	"github.com/seed56735111/penstock/redact"
	"github.com/seed56735111/penstock/rules/expr"
)

// The words for what stands in the place of what is redacted.
const (
	WithRemove = "remove"
	WithMask   = "mask"
	WithHash   = "hash"
)

// Redact takes out of records what must not leave: fields, or what looks like a secret anywhere in them. It takes it
// out of everything that holds the same bytes: other fields, such as the one that a field was split from, the record as
// it was read, and what errors tell of it.
type Redact struct {
	Fields []string
	// Detect are the kinds of secrets to look for. Either Fields or Detect is set.
	Detect []redact.Kind
	// With is one of the words above.
	With string
	// Key is the name of the key of a hash.
	Key string
}

// Word is part of Verb.
func (Redact) Word() string { return "redact" }

// ErrNoKey is why a hash without a key cannot be.
var ErrNoKey = errors.New("a hash needs a key: name one of keys")

// Compile is part of Verb.
func (v Redact) Compile(env *Env) (Action, error) {
	with, err := v.with(env)
	if err != nil {
		return nil, err
	}
	switch {
	case len(v.Fields) == 0 && len(v.Detect) == 0:
		return nil, errors.New("it has neither fields nor kinds to detect")
	case len(v.Fields) > 0 && len(v.Detect) > 0:
		return nil, errors.New("fields and detect are two rules")
	}
	for _, kind := range v.Detect {
		if !slices.Contains(redact.Kinds(), kind) {
			return nil, &PartError{"detect", fmt.Errorf("%q is no kind of secret", kind)}
		}
	}
	for _, name := range v.Fields {
		if err := checkName(name); err != nil {
			return nil, &PartError{"fields", err}
		}
		if err := env.Field(name); err != nil {
			return nil, &PartError{"fields", err}
		}
	}
	if env.Stages.ShowSecrets {
		return nothing{}, nil
	}
	if len(v.Detect) > 0 {
		return &detecting{redact.New(v.Detect), with, v.Detect}, nil
	}
	all := &redacting{with: with}
	for _, name := range v.Fields {
		all.paths = append(all.paths, expr.NewPath(name))
	}
	return all, nil
}

func (v Redact) with(env *Env) (redact.With, error) {
	if v.With != WithHash && v.Key != "" {
		return redact.With{}, &PartError{"key", errors.New("a key is for a hash alone")}
	}
	switch v.With {
	case WithRemove:
		return redact.Remove, nil
	case WithMask:
		return redact.Mask, nil
	case WithHash:
		if v.Key == "" {
			return redact.With{}, ErrNoKey
		}
		if env.Stages.Key == nil {
			return redact.With{}, &PartError{"key", fmt.Errorf("there is no key %q", v.Key)}
		}
		k, err := env.Stages.Key(v.Key)
		if err != nil {
			return redact.With{}, &PartError{"key", err}
		}
		return redact.Hash(k), nil
	}
	return redact.With{}, &PartError{"with", fmt.Errorf("%q is none of remove, mask, hash", v.With)}
}

// nothing is what a redaction does when secrets are to be shown.
type nothing struct{}

// Apply is part of Action.
func (nothing) Apply(*Record) (Verdict, error) { return Nothing, nil }

// redacting redacts fields.
type redacting struct {
	paths []*expr.Path
	with  redact.With
}

// Redacts is part of Redactor.
func (*redacting) Redacts() {}

// Apply is part of Action.
func (a *redacting) Apply(r *Record) (Verdict, error) {
	did := Nothing
	for _, p := range a.paths {
		// A field may be there twice: in an object, and under its name with dots.
		for n := 1; n <= p.Len(); n++ {
			at := r.find(p.Name(n))
			if at < 0 {
				continue
			}
			value, ok := p.Below(r.members[at].value, n)
			if !ok && n < p.Len() {
				hits, err := a.inLists(r, at, p.Rest(n))
				if err != nil {
					r.secrets.failed = true
					return did, err
				}
				if hits > 0 {
					did = Done
				}
			}
			if !ok || string(value) == "null" {
				continue
			}
			did = Done
			if a.with == redact.Remove {
				r.keepFrom(value, nil, a.with)
				r.cut(at, value)
				continue
			}
			made := r.Made(a.with.AppendValue(r.Room(), value))
			r.keepFrom(value, made, a.with)
			r.splice(at, value, made)
		}
	}
	return did, nil
}

// deepest bounds how deep lists and objects are looked into.
const deepest = 100

// inLists redacts a field of the elements of lists that are in the value of a member.
func (a *redacting) inLists(r *Record, at int, path string) (hits int, err error) {
	value := r.members[at].value
	if bytes.IndexByte(value, '[') < 0 {
		return 0, nil
	}
	w := within{redacting: a, record: r}
	made := w.value(nil, value, path, 0)
	if w.failed {
		return 0, errNotRedacted
	}
	if w.hits > 0 {
		r.replace(at, member{name: r.members[at].name, value: made, start: -1})
	}
	return w.hits, nil
}

// within redacts a field of elements.
type within struct {
	*redacting
	record *Record
	hits   int
	failed bool
}

// value appends a value without what path leads to in it, through lists.
func (w *within) value(dst, value []byte, path string, depth int) []byte {
	if value[0] != '[' && value[0] != '{' {
		return append(dst, value...)
	}
	if depth == deepest {
		w.failed = true
		return append(dst, value...)
	}
	dst = append(dst, value[0])
	if value[0] == '{' {
		w.failed = !eachMember(value, func(name, of []byte) bool {
			dst = w.member(dst, name, of, path, depth)
			return true
		}) || w.failed
		return append(dst, '}')
	}
	for i := quote.Space(value, 1); i < len(value) && value[i] != ']'; {
		end, ok := quote.ValueEnd(value, i)
		if !ok {
			w.failed = true
			break
		}
		dst = w.value(dst, value[i:end], path, depth+1)
		if i = quote.Space(value, end); i < len(value) && value[i] == ',' {
			dst = append(dst, ',')
			i = quote.Space(value, i+1)
		}
	}
	return append(dst, ']')
}

// member appends a member of an object without what path leads to in it.
func (w *within) member(dst, name, value []byte, path string, depth int) []byte {
	plain := string(name)
	if bytes.IndexByte(name, '\\') >= 0 {
		plain = string(quote.AppendUnquoted(nil, name))
	}
	rest, below := strings.CutPrefix(path, plain+".")
	here := plain == path && string(value) != "null"
	if here {
		w.hits++
		w.record.keepFrom(value, nil, w.with)
		if w.with == redact.Remove {
			return dst
		}
	}
	if last := dst[len(dst)-1]; last != '{' {
		dst = append(dst, ',')
	}
	dst = append(append(append(dst, '"'), name...), '"', ':')
	switch {
	case here:
		return w.with.AppendValue(dst, value)
	case below:
		return w.value(dst, value, rest, depth+1)
	}
	return append(dst, value...)
}

// detecting redacts what looks like a secret.
type detecting struct {
	*redact.Detector
	with  redact.With
	kinds []redact.Kind // of this rule
}

// Redacts is part of Redactor.
func (*detecting) Redacts() {}

// errNotRedacted is why a record goes out without its text.
var errNotRedacted = errors.New("the record cannot be taken apart")

// Apply is part of Action.
func (a *detecting) Apply(r *Record) (Verdict, error) {
	r.secrets.detectors = append(r.secrets.detectors, a)
	var hits int
	if r.secrets.json, hits = a.AppendJSONKinds(
		r.secrets.json[:0], r.JSON(), a.with, r.typed, &r.secrets.found,
	); hits == 0 {
		return a.did(r), nil
	}
	after := r.Made(append(r.Room(), r.secrets.json...))
	// Members keep their order and their number.
	at := 0
	ok := eachMember(after, func(name, value []byte) bool {
		for at < len(r.members) && r.members[at].name == nil {
			at++
		}
		if at == len(r.members) {
			return false
		}
		if m := &r.members[at]; !bytes.Equal(m.value, value) || !bytes.Equal(m.name, name) {
			r.replace(at, member{name: name, value: value, start: -1})
		}
		at++
		return true
	})
	if !ok {
		r.secrets.failed = true
		return Nothing, errNotRedacted
	}
	return a.did(r), nil
}

// did says whether something of its own kinds was found, also by the first rule that looks for those of others.
func (a *detecting) did(r *Record) Verdict {
	if r.secrets.found.Has(a.kinds...) {
		return Done
	}
	return Nothing
}

// together lets the first rule that detects secrets in every record look for those of all such rules: what one of them
// leaves may no longer show what another looks for, such as a secret beside the id of its key.
func (c *Chain) together() {
	var first *detecting
	by := map[redact.Kind]redact.With{}
	var all []redact.Kind
	for i := range c.rules {
		one := &c.rules[i]
		a, ok := one.action.(*detecting)
		if !ok || one.Shadow || one.when != nil {
			continue
		}
		if first == nil {
			first = a
		}
		for _, kind := range a.kinds {
			if _, before := by[kind]; !before {
				by[kind] = a.with
				all = append(all, kind)
			}
		}
	}
	if first != nil && len(all) > len(first.kinds) {
		first.Detector, first.with = redact.New(all), redact.Each(by)
	}
}

// eachMember calls yield with the members of an object until that returns false. It reports whether it came to the end.
func eachMember(b []byte, yield func(name, value []byte) bool) bool {
	i := quote.Space(b, 0)
	if i >= len(b) || b[i] != '{' {
		return false
	}
	for i = quote.Space(b, i+1); i < len(b) && b[i] == '"'; {
		end, ok := quote.StringEnd(b, i)
		if !ok {
			return false
		}
		value := quote.Space(b, quote.Space(b, end)+1)
		next, ok := quote.ValueEnd(b, value)
		if !ok || !yield(b[i+1:end-1], b[value:next]) {
			return false
		}
		if i = quote.Space(b, next); i >= len(b) || b[i] != ',' {
			break
		}
		i = quote.Space(b, i+1)
	}
	return i < len(b) && b[i] == '}'
}

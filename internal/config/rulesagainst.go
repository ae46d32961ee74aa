package config

import (
	"maps"
	"reflect"
	"slices"

	"github.com/seed56735111/penstock/rules"
)

// keysAgainst compares the keys of hashes.
func (f *File) keysAgainst(old *File, found *finder) {
	for _, name := range slices.Sorted(maps.Keys(f.Keys)) {
		if was, ok := old.Keys[name]; ok && was != f.Keys[name] {
			found.warn(place{1, 1}, "key %q is from elsewhere: hashes by another key do not join with those before", name)
		}
	}
}

// rulesAgainst compares the rules of a route, or those for all records when it has no name: those that do the same are
// the same whatever they are called, and of the others those of one name.
func (f *File) rulesAgainst(route string, is, was []rules.Rule, found *finder) {
	at := f.rulePlaces[route]
	of := "route " + quoted(route) + ": rule"
	behind := f.places[route]
	if route == "" {
		of, behind = "for all records: rule", place{1, 1}
	}
	match, taken := pairs(is, was)
	last := -1
	for i := range is {
		r, n := &is[i], match[i]
		if n < 0 {
			found.warn(at[i], "%s %s is new: %s", of, quoted(r.Name), effect(r))
			continue
		}
		if n < last {
			found.warn(at[i], "%s %s stood before %s: it does its work on what that has left", of, quoted(r.Name),
				quoted(was[last].Name))
		} else {
			last = n
		}
		switch b := &was[n]; {
		case sameRule(r, b):
		case r.Shadow != b.Shadow && r.Shadow:
			found.warn(at[i], "%s %s is in the shadow now and only counts; without that, %s", of, quoted(r.Name), effect(b))
		case r.Shadow != b.Shadow:
			found.warn(at[i], "%s %s is not in the shadow any more: %s", of, quoted(r.Name), effect(r))
		case r.Verb.Word() != b.Verb.Word():
			found.warn(at[i], "%s %s was a %s and is a %s: %s", of, quoted(r.Name), b.Verb.Word(), r.Verb.Word(), effect(r))
		default:
			found.warn(at[i], "%s %s is changed: %s", of, quoted(r.Name), effect(r))
		}
	}
	for n := range was {
		if !taken[n] {
			found.warn(behind, "%s %s is gone, by which %s", of, quoted(was[n].Name), effect(&was[n]))
		}
	}
}

// pairs finds for each rule the one that it was, or -1, and says which of those before are one of these.
func pairs(is, was []rules.Rule) (match []int, taken []bool) {
	match, taken = make([]int, len(is)), make([]bool, len(was))
	for i := range match {
		match[i] = -1
	}
	for _, same := range []func(a, b *rules.Rule) bool{
		func(a, b *rules.Rule) bool { return a.Name == b.Name && sameRule(a, b) },
		sameRule,
		func(a, b *rules.Rule) bool { return a.Name == b.Name },
	} {
		for i := range is {
			for n := 0; n < len(was) && match[i] < 0; n++ {
				if !taken[n] && same(&is[i], &was[n]) {
					match[i], taken[n] = n, true
				}
			}
		}
	}
	return match, taken
}

// sameRule reports whether two rules do the same.
func sameRule(a, b *rules.Rule) bool {
	return a.When == b.When && a.DeadLetter == b.DeadLetter && a.Shadow == b.Shadow && reflect.DeepEqual(a.Verb, b.Verb)
}

// effect is what a rule does to the records that it is for, as a clause.
func effect(r *rules.Rule) string {
	if r.Shadow {
		return "it counts, and does nothing"
	}
	which := "records"
	if r.When != "" {
		which = "records for which " + r.When
	}
	const twice = ", where what was shipped before is there a second time when it is shipped again"
	switch v := r.Verb.(type) {
	case rules.Drop, rules.Sample:
		return which + " are left out"
	case rules.Keep:
		return which + " are not left out by rules behind it"
	case rules.Redact:
		return which + " are redacted"
	case rules.Index:
		return which + " go to " + quoted(v.Pattern) + twice
	case rules.DataStream:
		return which + " go to " + quoted(v.Name) + twice
	case rules.Routing:
		return which + " go to the shard by " + quoted(v.Value) + twice
	case rules.Split:
		return which + " become one for each element of " + quoted(v.Field) + ", under other ids"
	case rules.Pipeline:
		return which + " go through the pipeline " + quoted(v.Name)
	}
	return which + " are changed by " + r.Verb.Word() + " before they are sent; what is there stays as it is"
}

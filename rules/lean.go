package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed56735111/penstock/internal/quote"
)

// Lean takes out fields that say nothing, also in objects.
type Lean struct {
	// What are some of LeanKinds; all of them when empty.
	What []string
}

// LeanKinds are what is taken out: null, "" and "-".
func LeanKinds() []string { return []string{"null", "empty", "dash"} }

// Word is part of Verb.
func (Lean) Word() string { return "lean" }

// Compile is part of Verb.
func (l Lean) Compile(*Env) (Action, error) {
	var a leaning
	for _, what := range l.What {
		if !slices.Contains(LeanKinds(), what) {
			return nil, fmt.Errorf("%q is none of %s", what, strings.Join(LeanKinds(), ", "))
		}
	}
	has := func(kind string) bool { return len(l.What) == 0 || slices.Contains(l.What, kind) }
	a.null, a.empty, a.dash = has("null"), has("empty"), has("dash")
	return a, nil
}

type leaning struct{ null, empty, dash bool }

// says reports whether a value is one to take out.
func (l leaning) says(value []byte) bool {
	switch string(value) {
	case "null":
		return l.null
	case `""`:
		return l.empty
	case `"-"`:
		return l.dash
	}
	return false
}

// Apply is part of Action.
func (l leaning) Apply(r *Record) (Verdict, error) {
	did := Nothing
	for i := range r.members {
		m := &r.members[i]
		switch {
		case m.name == nil:
		case l.says(m.value):
			r.replace(i, member{start: -1})
			did = Done
		case m.value[0] == '{':
			room, changed := l.appendObject(r.Room(), m.value)
			if changed {
				r.replace(i, member{name: m.name, value: r.Made(room), start: -1})
				did = Done
			}
		}
	}
	return did, nil
}

// appendObject appends an object without the members that say nothing.
func (l leaning) appendObject(dst, object []byte) (out []byte, changed bool) {
	dst = append(dst, '{')
	begin := len(dst)
	for i := quote.Space(object, 1); i < len(object) && object[i] == '"'; {
		end, _ := quote.StringEnd(object, i)
		at := quote.Space(object, quote.Space(object, end)+1)
		next, _ := quote.ValueEnd(object, at)
		value := object[at:next]
		if l.says(value) {
			changed = true
		} else {
			if len(dst) > begin {
				dst = append(dst, ',')
			}
			dst = append(append(dst, object[i:end]...), ':')
			if value[0] == '{' {
				var inside bool
				dst, inside = l.appendObject(dst, value)
				changed = changed || inside
			} else {
				dst = append(dst, value...)
			}
		}
		if i = quote.Space(object, next); i < len(object) && object[i] == ',' {
			i = quote.Space(object, i+1)
		}
	}
	return append(dst, '}'), changed
}

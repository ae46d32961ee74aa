package rules

import (
	"fmt"

	"github.com/seed56735111/penstock/rules/expr"
)

// Rename gives fields other names. A record that has a field of the new name already fails.
type Rename struct {
	// Fields are the old names with the new ones.
	Fields []Assignment
}

// Word is part of Verb.
func (Rename) Word() string { return "rename" }

// Compile is part of Verb.
func (n Rename) Compile(env *Env) (Action, error) {
	all := make(renaming, 0, len(n.Fields))
	for _, a := range n.Fields {
		if _, err := NewTarget(a.Field); err != nil {
			return nil, &PartError{a.Field, err}
		}
		if err := env.Field(a.Field); err != nil {
			return nil, &PartError{a.Field, err}
		}
		target, err := NewTarget(a.Value)
		if err != nil {
			return nil, &PartError{a.Field, err}
		}
		all = append(all, renamed{expr.NewPath(a.Field), target})
	}
	for _, a := range n.Fields {
		env.Knows(a.Value, env.Schema[a.Field])
	}
	return all, nil
}

type renaming []renamed

type renamed struct {
	from *expr.Path
	to   *Target
}

// Apply is part of Action.
func (n renaming) Apply(r *Record) (Verdict, error) {
	did := Nothing
	for i := range n {
		value, at := r.locate(n[i].from)
		if at < 0 {
			continue
		}
		if _, taken := r.locate(n[i].to.path); taken >= 0 {
			return did, fmt.Errorf("there is a field %q already", n[i].to.path)
		}
		if m := &r.members[at]; len(n[i].to.below) == 0 && len(value) == len(m.value) {
			r.touch(n[i].to.name)
			r.replace(at, member{name: n[i].to.name, value: value, start: -1})
			r.escapes = unknown
			did = Done
			continue
		}
		r.Remove(n[i].from)
		if err := r.Set(n[i].to, value); err != nil {
			return did, err
		}
		did = Done
	}
	return did, nil
}

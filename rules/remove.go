package rules

import "github.com/seed56735111/penstock/rules/expr"

// Remove takes fields out.
type Remove struct{ Fields []string }

// Word is part of Verb.
func (Remove) Word() string { return "remove" }

// Compile is part of Verb.
func (m Remove) Compile(env *Env) (Action, error) {
	all := make(removing, 0, len(m.Fields))
	for _, name := range m.Fields {
		if _, err := NewTarget(name); err != nil {
			return nil, &PartError{name, err}
		}
		if err := env.Field(name); err != nil {
			return nil, &PartError{name, err}
		}
		all = append(all, expr.NewPath(name))
	}
	return all, nil
}

type removing []*expr.Path

// Apply is part of Action.
func (m removing) Apply(r *Record) (Verdict, error) {
	did := Nothing
	for _, path := range m {
		if r.Remove(path) {
			did = Done
		}
	}
	return did, nil
}

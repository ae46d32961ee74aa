package rules

import "github.com/seed56735111/penstock/rules/expr"

// Compute gives fields the values of expressions. An expression without a value, as of a field that the record does not
// have, leaves its field as it is.
type Compute struct{ Fields []Assignment }

// Word is part of Verb.
func (Compute) Word() string { return "compute" }

// Compile is part of Verb.
func (c Compute) Compile(env *Env) (Action, error) {
	all := make(computing, 0, len(c.Fields))
	for _, a := range c.Fields {
		target, err := NewTarget(a.Field)
		if err != nil {
			return nil, &PartError{a.Field, err}
		}
		value, err := env.Expression(a.Value, expr.Unknown)
		if err != nil {
			return nil, &PartError{a.Field, err}
		}
		all = append(all, computed{target, value})
		env.Knows(a.Field, value.Type())
	}
	return all, nil
}

type computing []computed

type computed struct {
	target *Target
	value  *expr.Program
}

// Apply is part of Action.
func (c computing) Apply(r *Record) (Verdict, error) {
	did := Nothing
	for i := range c {
		room, ok := c[i].value.AppendJSON(r.Room(), r)
		if !ok {
			continue
		}
		if err := r.Set(c[i].target, r.Made(room)); err != nil {
			return did, err
		}
		did = Done
	}
	return did, nil
}

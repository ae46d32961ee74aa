package rules

import (
	"github.com/seed56735111/penstock/rules/expr"
)

// Set gives fields texts. A text with a placeholder that stands for nothing leaves its field as it is.
type Set struct{ Fields []Assignment }

// Assignment is a field and what it gets.
type Assignment struct{ Field, Value string }

// Word is part of Verb.
func (Set) Word() string { return "set" }

// Compile is part of Verb.
func (s Set) Compile(env *Env) (Action, error) {
	all := make(setting, 0, len(s.Fields))
	for _, a := range s.Fields {
		target, err := NewTarget(a.Field)
		if err != nil {
			return nil, &PartError{a.Field, err}
		}
		value, err := NewText(a.Value, env)
		if err != nil {
			return nil, &PartError{a.Field, err}
		}
		all = append(all, one{target, value})
	}
	for _, a := range s.Fields {
		env.Knows(a.Field, expr.Text)
	}
	return all, nil
}

type setting []one

type one struct {
	target *Target
	text   *Text
}

// Apply is part of Action.
func (s setting) Apply(r *Record) (Verdict, error) {
	did := Nothing
	for i := range s {
		room := append(r.Room(), '"')
		room, ok := s[i].text.Append(room, r)
		if !ok {
			continue
		}
		if err := r.Set(s[i].target, r.Made(append(room, '"'))); err != nil {
			return did, err
		}
		did = Done
	}
	return did, nil
}

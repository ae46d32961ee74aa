package rules

import (
	"errors"

	"github.com/seed56735111/penstock/internal/quote"
	"github.com/seed56735111/penstock/rules/expr"
)

// Lookup puts what a table has for the value of a field into an object.
type Lookup struct {
	// Table is the name of the table, Field the field whose value is looked up, Into the field that becomes the object.
	Table, Field, Into string
	// Fields are those of the table that are taken; none is all of them.
	Fields []string
}

// Word is part of Verb.
func (Lookup) Word() string { return "lookup" }

// Compile is part of Verb.
func (l Lookup) Compile(env *Env) (Action, error) {
	if env.Stages.Table == nil {
		return nil, &PartError{"table", errors.New("there are no tables")}
	}
	table, err := env.Stages.Table(l.Table)
	if err != nil {
		return nil, &PartError{"table", err}
	}
	if err := env.Field(l.Field); err != nil {
		return nil, &PartError{"field", err}
	}
	a := looking{table: table, field: expr.NewPath(l.Field)}
	if a.into, err = NewTarget(l.Into); err != nil {
		return nil, &PartError{"into", err}
	}
	for _, name := range l.Fields {
		to, err := NewTarget(l.Into + "." + name)
		if err != nil {
			return nil, &PartError{"fields", err}
		}
		a.fields = append(a.fields, taken{expr.NewPath(name), to})
	}
	env.Knows(l.Into, expr.Object)
	return &a, nil
}

// looking looks a value up.
type looking struct {
	table  *Table
	field  *expr.Path
	into   *Target
	fields []taken
}

// taken is a field of a table, and where it goes.
type taken struct {
	from *expr.Path
	to   *Target
}

// Apply is part of Action.
func (a *looking) Apply(r *Record) (Verdict, error) {
	key := r.textOf(a.field)
	if value, ok := r.Member(a.field); key == nil && ok && len(value) > 0 && (value[0] == '-' || quote.IsDigit(value[0])) {
		key = value // a number, as it is written
	}
	if len(key) == 0 {
		return Nothing, nil
	}
	object, ok := a.table.Find(key)
	if !ok {
		return Nothing, nil
	}
	if a.fields == nil {
		return Done, r.Set(a.into, object)
	}
	did := Nothing
	for i := range a.fields {
		value, ok := expr.JSON(object).Member(a.fields[i].from)
		if !ok {
			continue
		}
		if err := r.Set(a.fields[i].to, value); err != nil {
			return did, err
		}
		did = Done
	}
	return did, nil
}

package agg

import (
	"slices"

	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/query"
	"github.com/seed56735111/penstock/engine/internal/wire"
)

// value is one value of a document's field.
type value struct {
	query.Value
	times int
}

// each calls visit for every document with the values that its field has.
func (r *runner) each(a *aggregation, docs []Doc, visit func(i int, values []value) error) error {
	var s *query.Searcher
	var f *mapping.Field
	var read func(uint32, func(string, []byte)) error
	var values, missing []value
	for i, d := range docs {
		if d.Searcher != s {
			s = d.Searcher
			var err error
			if f, err = r.field(a, s); err != nil {
				return err
			}
			if read, err = s.Values([]string{mapping.FieldPrefix + a.field}); err != nil {
				return err
			}
			if missing = nil; a.missing != nil {
				of := f
				if of == nil {
					of = guessed(a.missing)
				}
				v, err := query.ValueOf(of, a.missing, s.Now)
				if err != nil {
					return wire.NumberFormat(a.missing.Text)
				}
				missing = []value{{v, 1}}
			}
		}
		if i%4096 == 0 {
			if err := s.Err(); err != nil {
				return err
			}
		}
		values = values[:0]
		if a.field == "_index" {
			values = append(values, value{query.Value{Kind: query.TextValue, Text: s.Index.Name}, 1})
		} else if f != nil {
			if err := read(d.Number, func(_ string, term []byte) { values = take(values, f, term) }); err != nil {
				return err
			}
		}
		if len(values) == 0 {
			values = append(values, missing...)
		}
		if err := visit(i, values); err != nil {
			return err
		}
	}
	return nil
}

// guessed is a field that takes the value of missing, for an index whose mapping has no such field.
func guessed(n *wire.Node) *mapping.Field {
	if n.Kind == wire.NumberKind {
		return mapping.NewLeaf("double")
	}
	return mapping.NewLeaf("keyword")
}

// take adds the value that a term of the index stands for.
func take(values []value, f *mapping.Field, term []byte) []value {
	v, times, ok := query.StoredValue(f, term)
	if !ok {
		return values
	}
	if times > 1 { // instead of the one that is there
		for i := range values {
			if values[i].Num == v.Num {
				values[i].times = times
				return values
			}
		}
	}
	return append(values, value{v, times})
}

// field returns the field of an aggregation, when the mapping has it.
func (r *runner) field(a *aggregation, s *query.Searcher) (*mapping.Field, error) {
	if a.field == "_index" {
		return nil, nil // no field of the mapping
	}
	if query.IsSpecial(a.field) {
		return nil, wire.NotOffered("aggregating [%s]", a.field)
	}
	f, inside := s.Mapping.Find(a.field)
	if f == nil || f.IsObject() || inside && !f.IsFlat() {
		return nil, nil // no document has a value
	}
	if inside {
		return nil, wire.NotOffered("aggregating inside of the field [%s]", a.field)
	}
	if err := s.Readable(a.field, f); err != nil {
		return nil, err
	}
	if a.kind == "date_histogram" && a.interval == (interval{}) {
		return nil, s.ShardFailure(wire.Illegal("Invalid interval specified, must be non-null and non-empty"))
	}
	numeric := f.Class == mapping.Whole || f.Class == mapping.Floating || f.Class == mapping.Instant ||
		f.Class == mapping.Truth
	switch {
	case a.kind == "date_histogram" && f.Class != mapping.Instant && f.Class != mapping.Whole:
		return nil, unfit(s, a, f)
	case slices.Contains([]string{"stats", "min", "max", "avg", "sum"}, a.kind) && !numeric:
		return nil, unfit(s, a, f)
	}
	return f, nil
}

func unfit(s *query.Searcher, a *aggregation, f *mapping.Field) error {
	return s.ShardFailure(wire.Illegal("Field [%s] of type [%s] is not supported for aggregation [%s]",
		a.field, f.Kind, a.kind))
}

package engine

import (
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/store"
	"github.com/seed56735111/penstock/engine/internal/wire"
)

// docAt is a document of one of the indexes that are searched.
type docAt struct {
	s   *searcher
	doc uint32
}

// aggregation works out what is asked for, over documents that are in order.
type aggregation struct {
	searchers []*searcher
	c         *call
	buckets   int
}

// maxBuckets is how many buckets one answer may have.
const maxBuckets = 65535

func (a *aggregation) count(n int) error {
	if a.buckets += n; a.buckets > maxBuckets {
		return wire.Errorf(503, "search_phase_execution_exception", "").With("phase", "query", "grouped", true, "failed_shards", []any{}).
			Because(wire.Errorf(503, "too_many_buckets_exception", "Trying to create too many buckets. Must be less than or equal to: [%d] but was [%d]. This limit can be set by changing the [search.max_buckets] cluster level setting.", maxBuckets, a.buckets).With("max_buckets", maxBuckets))
	}
	return nil
}

// all works out several aggregations over the same documents.
func (a *aggregation) all(wanted []*agg, docs []docAt) (wire.Object, error) {
	out := make(wire.Object, 0, len(wanted))
	for _, w := range wanted {
		v, err := a.one(w, docs)
		if err != nil {
			return nil, err
		}
		out = append(out, wire.Entry{Name: w.name, Value: v})
	}
	return out, nil
}

func (a *aggregation) one(w *agg, docs []docAt) (wire.Object, error) {
	switch w.kind {
	case "filter":
		kept, err := a.filtered(w.filter, docs)
		if err != nil {
			return nil, err
		}
		return a.bucket(w, nil, kept)
	case "filters":
		return a.filters(w, docs)
	case "terms":
		return a.terms(w, docs)
	case "date_histogram":
		return a.histogram(w, docs)
	}
	return a.metric(w, docs)
}

// bucket is the end of an answer for a number of documents: how many, and the sub-aggregations.
func (a *aggregation) bucket(w *agg, head wire.Object, docs []docAt) (wire.Object, error) {
	subs, err := a.all(w.subs, docs)
	return append(append(head, wire.Entry{Name: "doc_count", Value: len(docs)}), subs...), err
}

func (a *aggregation) filtered(q query, docs []docAt) ([]docAt, error) {
	in := map[*searcher]set{}
	for _, s := range a.searchers {
		h, err := q.run(s)
		if err != nil {
			return nil, err
		}
		in[s] = newSet(s.snap.Size()).addAll(h.docs)
	}
	var out []docAt
	for _, d := range docs {
		if in[d.s].has(d.doc) {
			out = append(out, d)
		}
	}
	return out, nil
}

func (a *aggregation) filters(w *agg, docs []docAt) (wire.Object, error) {
	var named wire.Object
	var items []any
	taken := map[docAt]bool{}
	add := func(name string, docs []docAt) error {
		b, err := a.bucket(w, nil, docs)
		named = append(named, wire.Entry{Name: name, Value: b})
		items = append(items, b)
		return err
	}
	if err := a.count(len(w.filters)); err != nil {
		return nil, err
	}
	for _, f := range w.filters {
		kept, err := a.filtered(f.query, docs)
		if err == nil {
			err = add(f.name, kept)
		}
		if err != nil {
			return nil, err
		}
		if w.other != "" {
			for _, d := range kept {
				taken[d] = true
			}
		}
	}
	if w.other != "" {
		var rest []docAt
		for _, d := range docs {
			if !taken[d] {
				rest = append(rest, d)
			}
		}
		if err := add(w.other, rest); err != nil {
			return nil, err
		}
	}
	if w.anonymous {
		return wire.Obj("buckets", items), nil
	}
	return wire.Obj("buckets", named), nil
}

// value is one value of a document's field.
type value struct {
	sortValue
	times int
}

// each calls visit for every document with the values that its field has.
func (a *aggregation) each(w *agg, docs []docAt, visit func(i int, values []value) error) error {
	var s *searcher
	var f *mapping.Field
	var read func(uint32, func(string, []byte)) error
	var values, missing []value
	for i, d := range docs {
		if d.s != s {
			s = d.s
			var err error
			if f, err = a.field(w, s); err != nil {
				return err
			}
			if read, err = s.snap.Values([]string{mapping.FieldPrefix + w.field}); err != nil {
				return err
			}
			if missing = nil; w.missing != nil {
				of := f
				if of == nil {
					of = guessed(w.missing)
				}
				v, err := valueOf(of, w.missing, s.now)
				if err != nil {
					return wire.NumberFormat(w.missing.Text)
				}
				missing = []value{{v, 1}}
			}
		}
		if i%4096 == 0 {
			if err := s.ctx.Err(); err != nil {
				return err
			}
		}
		values = values[:0]
		if w.field == "_index" {
			values = append(values, value{sortValue{kind: textValue, text: s.x.Name}, 1})
		} else if f != nil {
			if err := read(d.doc, func(_ string, term []byte) { values = take(values, f, term) }); err != nil {
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

// guessed is the field that a value stands for where the mapping has none.
func guessed(n *wire.Node) *mapping.Field {
	if n.Kind == wire.NumberKind {
		return mapping.NewLeaf("double")
	}
	return mapping.NewLeaf("keyword")
}

// take adds a value as the index keeps it.
func take(values []value, f *mapping.Field, term []byte) []value {
	switch f.Class {
	case mapping.Whole, mapping.Floating, mapping.Instant:
		n, times, ok := store.KeyNumber(term)
		if !ok {
			return values
		}
		kind := wholeValue
		if f.Class == mapping.Floating {
			kind = floatValue
		}
		if times > 1 { // instead of the one that is there
			for i := range values {
				if values[i].num == n {
					values[i].times = times
					return values
				}
			}
		}
		return append(values, value{sortValue{kind: kind, num: n, f: f}, times})
	case mapping.Truth:
		n := int64(0)
		if string(term) == "T" {
			n = 1
		}
		return append(values, value{sortValue{kind: wholeValue, num: n, f: f}, 1})
	}
	return append(values, value{sortValue{kind: textValue, text: string(term), f: f}, 1})
}

// field returns the field of an aggregation, when the mapping has it.
func (a *aggregation) field(w *agg, s *searcher) (*mapping.Field, error) {
	if w.field == "_index" {
		return nil, nil //nolint:nilnil // no field of the mapping
	}
	if special(w.field) {
		return nil, wire.NotOffered("aggregating [%s]", w.field)
	}
	f, inside := s.m.Find(w.field)
	if f == nil || f.IsObject() || inside && !f.IsFlat() {
		return nil, nil //nolint:nilnil // no document has a value
	}
	if inside {
		return nil, wire.NotOffered("aggregating inside of the field [%s]", w.field)
	}
	if err := s.readable(w.field, f); err != nil {
		return nil, err
	}
	if w.kind == "date_histogram" && w.interval == (interval{}) {
		return nil, s.shardFailure(wire.Illegal("Invalid interval specified, must be non-null and non-empty"))
	}
	numeric := f.Class == mapping.Whole || f.Class == mapping.Floating || f.Class == mapping.Instant || f.Class == mapping.Truth
	switch {
	case w.kind == "date_histogram" && f.Class != mapping.Instant && f.Class != mapping.Whole:
		return nil, s.unfit(w, f)
	case slices.Contains([]string{"stats", "min", "max", "avg", "sum"}, w.kind) && !numeric:
		return nil, s.unfit(w, f)
	}
	return f, nil
}

func (s *searcher) unfit(w *agg, f *mapping.Field) error {
	return s.shardFailure(wire.Illegal("Field [%s] of type [%s] is not supported for aggregation [%s]", w.field, f.Kind, w.kind))
}

func (a *aggregation) metric(w *agg, docs []docAt) (wire.Object, error) {
	count, sum, low, high := 0, 0.0, math.Inf(1), math.Inf(-1)
	distinct := map[string]struct{}{}
	var of *mapping.Field
	lost := 0.0 // of the sum, by rounding
	err := a.each(w, docs, func(_ int, values []value) error {
		for _, v := range values {
			if of == nil {
				of = v.f
			}
			switch w.kind {
			case "cardinality":
				key := v.text
				if v.kind != textValue {
					key = strconv.FormatInt(v.num, 36)
				}
				distinct[key] = struct{}{}
				continue
			case "value_count":
				count += v.times
				continue
			}
			x := v.number()
			low, high = min(low, x), max(high, x)
			// Kahan's sum, as the engines have it.
			y := x*float64(v.times) - lost
			t := sum + y
			lost, sum = t-sum-y, t
			count += v.times
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	shown := func(name string, x float64) wire.Object {
		o := wire.Obj(name, wire.Double(x))
		if text, ok := w.asText(of, x); ok {
			o = append(o, wire.Entry{Name: name + "_as_string", Value: text})
		}
		return o
	}
	none := wire.Obj("value", nil)
	switch w.kind {
	case "cardinality":
		return wire.Obj("value", len(distinct)), nil
	case "value_count":
		return wire.Obj("value", count), nil
	case "sum":
		return shown("value", sum), nil
	case "min", "max", "avg":
		if count == 0 {
			return none, nil
		}
		return shown("value", map[string]float64{"min": low, "max": high, "avg": sum / float64(max(count, 1))}[w.kind]), nil
	}
	if count == 0 {
		return wire.Obj("count", 0, "min", nil, "max", nil, "avg", nil, "sum", wire.Double(0)), nil
	}
	o := wire.Obj("count", count, "min", wire.Double(low), "max", wire.Double(high), "avg", wire.Double(sum/float64(count)), "sum", wire.Double(sum))
	for _, e := range slices.Clone(o)[1:] {
		x, _ := e.Value.(wire.Double)
		if text, ok := w.asText(of, float64(x)); ok {
			o = append(o, wire.Entry{Name: e.Name + "_as_string", Value: text})
		}
	}
	return o, nil
}

// asText is a number in the field's own notation, where that is another one.
func (w *agg) asText(f *mapping.Field, x float64) (string, bool) {
	switch {
	case f == nil:
	case f.Class == mapping.Instant && w.format != nil:
		return w.format.Format(time.UnixMilli(int64(x)).UTC()), true
	case f.Class == mapping.Instant:
		return f.Format.Format(time.UnixMilli(int64(x)).UTC()), true
	case f.Class == mapping.Truth:
		return strconv.FormatBool(x != 0), true
	case f.Unsigned:
		return mapping.JavaDouble(x), true
	}
	return "", false
}

// number is a value as metrics count with it.
func (v sortValue) number() float64 {
	switch {
	case v.f == nil:
		return v.float()
	case v.f.Unsigned:
		return float64(uint64(v.num) ^ 1<<63) //nolint:gosec // bits
	case v.f.Kind == "scaled_float":
		return v.float() / v.f.Scale
	case v.f.Nanos:
		return float64(v.num / int64(time.Millisecond))
	}
	return v.float()
}

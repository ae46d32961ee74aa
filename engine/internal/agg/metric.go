package agg

import (
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/query"
	"github.com/seed56735111/penstock/engine/internal/wire"
)

func (r *runner) metric(a *aggregation, docs []Doc) (wire.Object, error) {
	count, sum, low, high := 0, 0.0, math.Inf(1), math.Inf(-1)
	distinct := map[string]struct{}{}
	var of *mapping.Field
	lost := 0.0 // of the sum, by rounding
	err := r.each(a, docs, func(_ int, values []value) error {
		for _, v := range values {
			if of == nil {
				of = v.Field
			}
			switch a.kind {
			case "cardinality":
				key := v.Text
				if v.Kind != query.TextValue {
					key = strconv.FormatInt(v.Num, 36)
				}
				distinct[key] = struct{}{}
				continue
			case "value_count":
				count += v.times
				continue
			}
			x := number(v.Value)
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
		if text, ok := a.asText(of, x); ok {
			o = append(o, wire.Entry{Name: name + "_as_string", Value: text})
		}
		return o
	}
	none := wire.Obj("value", nil)
	switch a.kind {
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
		return shown("value", map[string]float64{"min": low, "max": high, "avg": sum / float64(max(count, 1))}[a.kind]), nil
	}
	if count == 0 {
		return wire.Obj("count", 0, "min", nil, "max", nil, "avg", nil, "sum", wire.Double(0)), nil
	}
	o := wire.Obj("count", count, "min", wire.Double(low), "max", wire.Double(high),
		"avg", wire.Double(sum/float64(count)), "sum", wire.Double(sum))
	for _, e := range slices.Clone(o)[1:] {
		x, _ := e.Value.(wire.Double)
		if text, ok := a.asText(of, float64(x)); ok {
			o = append(o, wire.Entry{Name: e.Name + "_as_string", Value: text})
		}
	}
	return o, nil
}

// asText is a number in the notation of the field, such as a date. Ok is false for fields of plain numbers.
func (a *aggregation) asText(f *mapping.Field, x float64) (string, bool) {
	switch {
	case f == nil:
	case f.Class == mapping.Instant && a.format != nil:
		return a.format.Format(time.UnixMilli(int64(x)).UTC()), true
	case f.Class == mapping.Instant:
		return f.Format.Format(time.UnixMilli(int64(x)).UTC()), true
	case f.Class == mapping.Truth:
		return strconv.FormatBool(x != 0), true
	case f.Unsigned:
		return mapping.JavaDouble(x), true
	}
	return "", false
}

// number is a value as metrics calculate with it.
func number(v query.Value) float64 {
	switch {
	case v.Field == nil:
		return v.Float()
	case v.Field.Unsigned:
		return float64(uint64(v.Num) ^ 1<<63) //nolint:gosec // bits
	case v.Field.Kind == "scaled_float":
		return v.Float() / v.Field.Scale
	case v.Field.Nanos:
		return float64(v.Num / int64(time.Millisecond))
	}
	return v.Float()
}

package query

import (
	"cmp"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/store"
	"github.com/seed56735111/penstock/engine/internal/wire"
)

// Value is a value of a document's field, as it is sorted, counted and shown.
type Value struct {
	Kind  ValueKind
	Num   int64 // of a float: as Sortable writes it
	Text  string
	Field *mapping.Field // nil where the mapping has none
}

// ValueKind says which part of a Value holds it.
type ValueKind byte

// A Value holds nothing, a whole number, a float, or a text.
const (
	NoValue ValueKind = iota
	WholeValue
	FloatValue
	TextValue
)

// Float is a number, as it is stored.
func (v Value) Float() float64 {
	if v.Kind == FloatValue {
		return mapping.Unsortable(v.Num)
	}
	return float64(v.Num)
}

// Compare orders two values that are there. Texts come after numbers.
func (v Value) Compare(o Value) int {
	switch {
	case v.Kind == TextValue && o.Kind == TextValue:
		return strings.Compare(v.Text, o.Text)
	case v.Kind == o.Kind:
		return cmp.Compare(v.Num, o.Num)
	case v.Kind == TextValue || o.Kind == TextValue:
		return cmp.Compare(v.Kind, o.Kind)
	}
	return cmp.Compare(v.Float(), o.Float())
}

// Shown is a value as an answer shows it, nil where there is none.
func (v Value) Shown() any {
	switch v.Kind {
	case NoValue:
		return nil
	case FloatValue:
		n := mapping.Unsortable(v.Num)
		if v.Field != nil && v.Field.Kind == "scaled_float" {
			n /= v.Field.Scale
		}
		return wire.Double(n)
	case TextValue:
		if v.Field != nil && v.Field.Class == mapping.Address {
			return mapping.AddressText(v.Text)
		}
		return v.Text
	}
	if v.Field != nil && v.Field.Unsigned {
		return uint64(v.Num) ^ 1<<63 //nolint:gosec // bits
	}
	return v.Num
}

// ValueOf reads a value that a request gives for one of the field.
func ValueOf(f *mapping.Field, n *wire.Node, now time.Time) (Value, error) {
	switch f.Class {
	case mapping.Whole, mapping.Truth:
		if n.Text == "true" || n.Text == "false" {
			return Value{Kind: WholeValue, Num: map[string]int64{"true": 1}[n.Text], Field: f}, nil
		}
		if f.Unsigned {
			v, err := f.UnsignedNumber(n)
			return Value{Kind: WholeValue, Num: v, Field: f}, err
		}
		v, err := strconv.ParseInt(n.Text, 10, 64)
		return Value{Kind: WholeValue, Num: v, Field: f}, err
	case mapping.Floating:
		v, err := strconv.ParseFloat(n.Text, 64)
		if f.Kind == "scaled_float" {
			v = math.Round(v * f.Scale)
		}
		return Value{Kind: FloatValue, Num: mapping.Sortable(v), Field: f}, err
	case mapping.Instant:
		if v, err := strconv.ParseInt(n.Text, 10, 64); err == nil {
			return Value{Kind: WholeValue, Num: v, Field: f}, nil
		}
		t, err := f.Format.Math(n.Text, now, time.UTC, false)
		return Value{Kind: WholeValue, Num: f.Instant(t), Field: f}, err
	}
	return Value{Kind: TextValue, Text: n.Text, Field: f}, nil
}

// StoredValue reads a value of the field from the term that the store keeps. A number that a document has several times
// comes with a second term, which says how many times.
func StoredValue(f *mapping.Field, term []byte) (v Value, times int, ok bool) {
	v = Value{Kind: TextValue, Field: f}
	switch f.Class {
	case mapping.Whole, mapping.Floating, mapping.Instant:
		v.Kind = WholeValue
		if f.Class == mapping.Floating {
			v.Kind = FloatValue
		}
		v.Num, times, ok = store.KeyNumber(term)
		return v, times, ok
	case mapping.Truth:
		v.Kind = WholeValue
		if string(term) == "T" {
			v.Num = 1
		}
	default:
		v.Text = string(term)
	}
	return v, 1, true
}

package mapping

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/seed56735111/penstock/engine/internal/wire"
)

// lastNano is the latest time that a date_nanos can be; the first is 1970.
var lastNano = time.Unix(0, math.MaxInt64).UTC()

// Instant is a time in the unit of the field. A time outside of its range becomes the nearest one in it.
func (f *Field) Instant(t time.Time) int64 {
	switch {
	case !f.Nanos:
		return t.UnixMilli()
	case t.After(lastNano):
		return math.MaxInt64
	case t.Year() < 1970:
		return 0
	}
	return t.UnixNano()
}

// holds refuses times that the unit of the field cannot hold.
func (f *Field) holds(t time.Time) error {
	const stamp = "2006-01-02T15:04:05.999999999Z"
	switch {
	case !f.Nanos:
		return nil
	case t.UTC().Year() < 1970:
		return wire.Illegal("date[%s] is before the epoch in 1970 and cannot be stored in nanosecond resolution",
			t.UTC().Format(stamp))
	case t.After(lastNano):
		return wire.Illegal("date[%s] is after 2262-04-11T23:47:16.854775807 and cannot be stored in nanosecond resolution",
			t.UTC().Format(stamp))
	}
	return nil
}

// Time is the reverse of Instant.
func (f *Field) Time(n int64) time.Time {
	if f.Nanos {
		return time.Unix(0, n).UTC()
	}
	return time.UnixMilli(n).UTC()
}

func notNumeric(n *wire.Node) *wire.Failure {
	return wire.Errorf(400, "json_parse_exception", "Current token (%s) not numeric, can not use numeric value "+
		"accessors\n at %s; line: 1, column: %d]", n.RawToken(), wire.SourceText, n.End+1)
}

var typeRanges = map[int][2]int64{
	8: {math.MinInt8, math.MaxInt8}, 16: {math.MinInt16, math.MaxInt16},
	32: {math.MinInt32, math.MaxInt32}, 64: {math.MinInt64, math.MaxInt64},
}

// WholeNumber reads a whole number, cutting off a fraction where the field coerces.
func (f *Field) WholeNumber(n *wire.Node) (int64, error) {
	if n.Kind == wire.BoolKind {
		return 0, notNumeric(n)
	}
	if f.Unsigned {
		return f.UnsignedNumber(n)
	}
	limits := typeRanges[f.Bits]
	if v, err := strconv.ParseInt(n.Text, 10, 64); err == nil && v >= limits[0] && v <= limits[1] {
		return v, nil
	}
	x, ok := new(big.Rat).SetString(bounded(n.Text))
	if !ok && f.Kind == "long" {
		return 0, wire.Illegal("For input string: \"%s\"", n.Text)
	}
	if !ok {
		return 0, wire.NumberFormat(n.Text)
	}
	v := new(big.Int).Quo(x.Num(), x.Denom())
	if !v.IsInt64() || v.Int64() < limits[0] || v.Int64() > limits[1] {
		return 0, f.outOfRange(n, limits)
	}
	if !f.coerce && !x.IsInt() {
		if n.Kind == wire.StringKind {
			return 0, wire.Illegal("Value [%s] has a decimal part", n.Text)
		}
		return 0, wire.Illegal("%s cannot be converted to %s without data loss",
			n.Text, strings.ToUpper(f.Kind[:1])+f.Kind[1:])
	}
	return v.Int64(), nil
}

// bounded refuses exponents that would make a number of a million digits.
func bounded(text string) string {
	const most = 4
	exponent := strings.IndexAny(text, "eE")
	if exponent >= 0 && len(strings.TrimLeft(text[exponent+1:], "+-0")) > most-1 || len(text) > wire.MaxDigits ||
		strings.ContainsAny(text, "/xXoObBpP_") {
		return ""
	}
	return text
}

func (f *Field) outOfRange(n *wire.Node, limits [2]int64) error {
	if n.Kind == wire.StringKind || f.Bits == 8 {
		return wire.Illegal("Value [%s] is out of range for %s %s",
			n.Text, map[bool]string{true: "an", false: "a"}[f.Kind == "integer"], f.Kind)
	}
	text := "Numeric value (" + n.Text + ") out of range of "
	switch f.Kind {
	case "short":
		text += "Java short"
	case "integer":
		text += "int (-2147483648 - 2147483647)"
	default:
		text += "long (" + strconv.FormatInt(limits[0], 10) + " - " + strconv.FormatInt(limits[1], 10) + ")"
	}
	return wire.Errorf(400, "input_coercion_exception", "%s\n at %s; line: 1, column: %d]", text, wire.SourceText, n.End+1)
}

// UnsignedNumber reads a number below 2⁶⁴, and shifts it so that int64 keeps the order.
func (f *Field) UnsignedNumber(n *wire.Node) (int64, error) {
	x, ok := new(big.Rat).SetString(bounded(n.Text))
	if !ok {
		return 0, wire.Illegal("For input string: \"%s\"", n.Text)
	}
	v := new(big.Int).Quo(x.Num(), x.Denom())
	if !v.IsUint64() {
		return 0, wire.Illegal("Value [%s] is out of range for an unsigned long", n.Text)
	}
	return int64(v.Uint64() ^ 1<<63), nil //nolint:gosec // the order is kept
}

// FloatingNumber reads a number with a fraction in the precision of its field. Wide is how the error shows a number
// that is too large: as it was, not as the infinity that became of it.
func (f *Field) FloatingNumber(n *wire.Node, wide bool) (int64, error) {
	if n.Kind == wire.BoolKind {
		return 0, notNumeric(n)
	}
	v, err := strconv.ParseFloat(strings.TrimSpace(n.Text), 64)
	if err != nil && !math.IsInf(v, 0) || strings.ContainsAny(n.Text, "_xXpP") {
		return 0, wire.NumberFormat(n.Text)
	}
	switch f.Kind {
	case "float":
		v = float64(float32(v))
	case "half_float":
		v = roundHalf(v)
	case "scaled_float":
		v = math.Round(v * f.Scale)
	}
	if math.IsNaN(v) || math.IsInf(v, 0) {
		e := infinite{wire.Illegal("[%s] supports only finite values, but got [%s]", f.Kind, JavaDouble(v)), JavaDouble(v)}
		if given, err := strconv.ParseFloat(n.Text, 64); wide && err == nil {
			e.text = JavaDouble(given)
		}
		return 0, e
	}
	return Sortable(v), nil
}

// infinite is the error about a number that is too large for its type.
type infinite struct {
	*wire.Failure
	text string
}

func (e infinite) Unwrap() error { return e.Failure }

// JavaDouble is a number as Java writes it.
func JavaDouble(v float64) string {
	return strings.Trim(string(wire.AppendDouble(nil, v, 64)), `"`)
}

// roundHalf rounds to the eleven bits of a half float.
func roundHalf(v float64) float64 {
	const bits, largest, smallest = 11, 65504, -14
	fraction, exponent := math.Frexp(v)
	exponent = max(exponent, smallest+1)
	scale := math.Ldexp(1, bits-exponent)
	_ = fraction
	if r := math.RoundToEven(v*scale) / scale; math.Abs(r) <= largest {
		return r
	}
	return math.Inf(int(math.Copysign(1, v)))
}

// Sortable maps a float to a whole number that sorts the same way.
func Sortable(v float64) int64 {
	n := int64(math.Float64bits(v)) //nolint:gosec // bits
	if n < 0 {
		n ^= math.MaxInt64
	}
	return n
}

// Unsortable is the reverse of Sortable.
func Unsortable(n int64) float64 {
	if n < 0 {
		n ^= math.MaxInt64
	}
	return math.Float64frombits(uint64(n)) //nolint:gosec // bits
}

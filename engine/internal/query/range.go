package query

import (
	"errors"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/seed56735111/penstock/engine/internal/dates"
	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/store"
	"github.com/seed56735111/penstock/engine/internal/wire"
)

type rangeQuery struct {
	field    string
	from, to *wire.Node
	noFrom   bool // from itself is not in it
	noTo     bool
	format   string
	zone     string
	boost    float32
}

func (p *Parser) ranged(n *wire.Node) (Query, error) {
	f, err := p.oneField("range", n, "[range] query must have a field")
	if err != nil {
		return nil, err
	}
	if f.Node.Kind != wire.ObjectKind {
		return nil, p.FailAt(f.Node.Start, "[range] query does not support [%s]", f.Name)
	}
	q := &rangeQuery{field: f.Name, boost: 1}
	lower, upper := true, true
	bound := func(into **wire.Node, open *bool, isOpen bool) func(*wire.Node) error {
		return func(n *wire.Node) error {
			if n.Kind != wire.NullKind {
				*into = n
			}
			*open = isOpen
			return nil
		}
	}
	options := map[string]any{
		"gte": bound(&q.from, &q.noFrom, false),
		"ge":  bound(&q.from, &q.noFrom, false),
		"gt":  bound(&q.from, &q.noFrom, true),
		"lte": bound(&q.to, &q.noTo, false), "le": bound(&q.to, &q.noTo, false), "lt": bound(&q.to, &q.noTo, true),
		"from":          bound(&q.from, &q.noFrom, false),
		"to":            bound(&q.to, &q.noTo, false),
		"include_lower": &lower,
		"include_upper": &upper,
		"format":        &q.format,
		"time_zone":     &q.zone,
		"boost":         &q.boost,
		"relation":      Only("relation", "intersects", "INTERSECTS"),
	}
	if err := p.options("range", &f.Node, options); err != nil {
		return nil, err
	}
	q.noFrom, q.noTo = q.noFrom || !lower, q.noTo || !upper
	return q, nil
}

func (q *rangeQuery) Run(s *Searcher) (*Hits, error) {
	if IsSpecial(q.field) {
		return nil, wire.NotOffered("the query [range] on [%s]", q.field)
	}
	f, err := s.lookup(q.field)
	if f == nil || err != nil {
		return &Hits{}, err
	}
	if q.from == nil && q.to == nil {
		return (&existsQuery{q.field, q.boost}).Run(s)
	}
	docs, err := s.between(q.field, f, q)
	return &Hits{Docs: docs, score: q.boost}, err
}

// between finds the values of a range.
func (s *Searcher) between(path string, f *mapping.Field, q *rangeQuery) ([]uint32, error) {
	name := mapping.FieldPrefix + path
	switch f.Class {
	case mapping.Exact, mapping.Analysed, mapping.Truth, mapping.Address:
		from, to, err := s.textEnds(f, q)
		if err != nil {
			return nil, err
		}
		d, err := s.snap.FieldDictRange(name, from, to)
		if err != nil {
			return nil, err
		}
		defer func() { _ = d.Close() }()
		return s.collect(name, d, func(term string) bool {
			return (!q.noFrom || q.from == nil || term != string(from)) &&
				(q.to == nil || term < string(to) || !q.noTo && term == string(to))
		})
	case mapping.Instant:
		from, to, err := s.dateEnds(f, q)
		if err != nil {
			return nil, err
		}
		return s.numbers(name, from, to)
	}
	from, to, err := s.numberEnds(f, q)
	if errors.Is(err, errEmptyRange) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return s.numbers(name, from, to)
}

// errEmptyRange says that no number is in a range.
var errEmptyRange = errors.New("no number is in the range")

// textEnds are the first and the last key of a range of texts; nil is open.
func (s *Searcher) textEnds(f *mapping.Field, q *rangeQuery) (from, to []byte, err error) {
	key := func(n *wire.Node) ([]byte, error) {
		switch {
		case n == nil:
			return nil, nil
		case f.Class == mapping.Address:
			ip, err := netip.ParseAddr(n.Text)
			if err != nil {
				return nil, s.wrongText(wire.Illegal("'%s' is not an IP string literal.", n.Text))
			}
			return []byte(mapping.AddressKey(ip)), nil
		case f.Class == mapping.Truth:
			return []byte(map[bool]string{true: "T", false: "F"}[n.Text == "true"]), nil
		case f.Lower:
			return []byte(strings.ToLower(n.Text)), nil
		}
		return []byte(n.Text), nil
	}
	if from, err = key(q.from); err != nil {
		return nil, nil, err
	}
	to, err = key(q.to)
	return from, to, err
}

// dateEnds are the first and the last time of a range. The parts that an end leaves out are filled in so that the range
// is what people mean: lte a day includes the whole day.
func (s *Searcher) dateEnds(f *mapping.Field, q *rangeQuery) (from, to int64, err error) {
	format := f.Format
	if q.format != "" {
		if format, err = dates.ParseFormat(q.format); err != nil {
			return 0, 0, err
		}
	}
	zone := time.UTC
	if q.zone != "" {
		if zone, err = dates.ParseZone(q.zone); err != nil {
			return 0, 0, err
		}
	}
	end := func(n *wire.Node, round bool) (int64, error) {
		t, err := format.Math(n.Text, s.Now, zone, round)
		if err != nil {
			return 0, s.ShardFailure(wire.AsFailure(err))
		}
		v := f.Instant(t)
		if round && !f.Nanos {
			v = t.UnixMilli()
		}
		return v, nil
	}
	from, to = math.MinInt64, math.MaxInt64
	if q.from != nil {
		if from, err = end(q.from, q.noFrom); err != nil {
			return 0, 0, err
		}
		if q.noFrom {
			from++
		}
	}
	if q.to != nil {
		if to, err = end(q.to, !q.noTo); err != nil {
			return 0, 0, err
		}
		if q.noTo {
			to--
		}
	}
	return from, to, nil
}

// numberEnds are the first and the last number of a range.
func (s *Searcher) numberEnds(f *mapping.Field, q *rangeQuery) (from, to int64, err error) {
	from, to = math.MinInt64, math.MaxInt64
	if f.Class == mapping.Floating {
		from, to = mapping.Sortable(math.Inf(-1)), mapping.Sortable(math.Inf(1))
	}
	if q.from != nil {
		if from, err = s.numberEnd(f, q.from, q.noFrom, true); err != nil {
			return 0, 0, err
		}
	}
	if q.to != nil {
		to, err = s.numberEnd(f, q.to, q.noTo, false)
	}
	return from, to, err
}

// numberEnd is the first number of the field that is in a range, or the last one when up is false. It returns
// errEmptyRange where no number of the field can be in the range.
func (s *Searcher) numberEnd(f *mapping.Field, n *wire.Node, open, up bool) (int64, error) {
	text := strings.TrimSpace(n.Text)
	x, bad := strconv.ParseFloat(text, 64)
	if n.Kind == wire.BoolKind || bad != nil && !math.IsInf(x, 0) || math.IsNaN(x) || strings.ContainsAny(text, "_xXpP") {
		return 0, s.wrongText(wire.NumberFormat(n.Text))
	}
	step := int64(-1)
	if up {
		step = 1
	}
	if f.Class == mapping.Floating {
		if f.Kind == "scaled_float" {
			scaled := x * f.Scale
			if r := math.Round(scaled); math.Abs(r-scaled) < 1e-9*math.Max(1, math.Abs(scaled)) {
				x = r
			} else if open = false; up {
				x = math.Ceil(scaled)
			} else {
				x = math.Floor(scaled)
			}
		}
		if f.Kind == "float" {
			x = float64(float32(x))
		}
		v := mapping.Sortable(x)
		if open {
			v += step
		}
		return v, nil
	}
	v, ok, _ := s.number(f, &wire.Node{Kind: wire.NumberKind, Text: text})
	if ok {
		if open {
			if v == math.MaxInt64 && up || v == math.MinInt64 && !up {
				return v, errEmptyRange
			}
			v += step
		}
		return v, nil
	}
	if f.Unsigned {
		x -= 1 << 63
	}
	switch {
	case x >= 1<<63:
		if up {
			return 0, errEmptyRange
		}
		return math.MaxInt64, nil
	case x < -(1 << 63):
		if !up {
			return 0, errEmptyRange
		}
		return math.MinInt64, nil
	case up:
		return int64(math.Ceil(x)), nil
	}
	return int64(math.Floor(x)), nil
}

// numbers finds the numbers from one to another, both included. It looks the middle of a wide range up by a few coarse
// keys, and the ends by fine ones.
func (s *Searcher) numbers(field string, from, to int64) ([]uint32, error) {
	if from > to {
		return nil, nil
	}
	all := newSet(s.snap.Size())
	add := func(from, to uint64, shift uint) error {
		key := func(v uint64) string { return store.NumberKey(int64(v<<shift^store.SignBit), shift) } //nolint:gosec // bits
		docs, err := s.dictionary(field, key(from), key(to))
		all.addAll(docs)
		return err
	}
	low, high := uint64(from)^store.SignBit, uint64(to)^store.SignBit //nolint:gosec // bits
	const step = store.LevelBits
	for i, shift := range store.NumberLevels {
		last := i == len(store.NumberLevels)-1
		if last || low>>step == high>>step || high-low < 1<<step {
			if err := add(low, high, shift); err != nil {
				return nil, err
			}
			break
		}
		// The range has only a part of the first and of the last coarse key: these parts are looked up by finer ones.
		next, before := low>>step, high>>step
		if low&(1<<step-1) != 0 {
			next++
			if err := add(low, next<<step-1, shift); err != nil {
				return nil, err
			}
		}
		if high&(1<<step-1) != 1<<step-1 {
			if err := add(before<<step, high, shift); err != nil {
				return nil, err
			}
			before--
		}
		if next > before {
			break
		}
		low, high = next, before
	}
	return all.docs(), nil
}

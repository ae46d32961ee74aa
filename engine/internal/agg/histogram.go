package agg

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed56735111/penstock/engine/internal/dates"
	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/query"
	"github.com/seed56735111/penstock/engine/internal/wire"
)

// interval is the width of the buckets of a date_histogram.
type interval struct {
	unit  byte // of the calendar; 0 is fixed
	fixed time.Duration
}

func histogramOptions(p *query.Parser, a *aggregation, n *wire.Node) error {
	var offset, given string
	interval := func(name string, calendar, fixed bool) func(*wire.Node) error {
		return func(n *wire.Node) error {
			if given != "" {
				return wire.Illegal("Cannot use [%s] with [%s] configuration option.", name, given)
			}
			given = name
			return a.setInterval(n.Text, calendar, fixed, p.Major)
		}
	}
	a.zone = time.UTC
	if p.Major < mapping.FirstTyped {
		a.least = 1
	}
	options := map[string]any{
		"field":             &a.field,
		"interval":          interval("interval", true, true),
		"calendar_interval": interval("calendar_interval", true, false),
		"fixed_interval":    interval("fixed_interval", false, true),
		"min_doc_count":     &a.least,
		"offset":            &offset,
		"format":            formatInto(a),
		"missing":           &a.missing,
		"keyed":             &a.keyed,
		"order":             func(n *wire.Node) error { return a.parseOrder(n) },
		"script":            query.Unsupported{},
		"time_zone": func(n *wire.Node) (err error) {
			if a.zone, err = dates.ParseZone(n.Text); err != nil {
				return wire.Errorf(400, "zone_rules_exception", "Unknown time-zone ID: %s", n.Text)
			}
			return nil
		},
		"extended_bounds": func(n *wire.Node) error {
			if low, ok := n.Get("min"); ok {
				a.bounds[0] = low
			}
			if high, ok := n.Get("max"); ok {
				a.bounds[1] = high
			}
			return nil
		},
		"hard_bounds":                    query.Unsupported{},
		"pre_zone":                       query.Unsupported{},
		"post_zone":                      query.Unsupported{},
		"pre_zone_adjust_large_interval": query.Unsupported{},
		"factor":                         query.Unsupported{},
	}
	if err := aggMembers(p, a, n, options); err != nil {
		return err
	}
	if a.field == "" {
		return wire.Illegal("Required one of fields [field, script], but none were specified. ")
	}
	if offset != "" {
		d, ok := parseInterval(strings.TrimLeft(offset, "+-"))
		if !ok {
			return wire.Illegal("failed to parse setting [offset] with value [%s] as a time value", offset)
		}
		if a.offset = d; strings.HasPrefix(offset, "-") {
			a.offset = -d
		}
	}
	return nil
}

var calendarUnits = map[string]byte{
	"minute": 'm', "1m": 'm', "hour": 'h', "1h": 'h', "day": 'd', "1d": 'd', "week": 'w', "1w": 'w', "month": 'M',
	"1M": 'M', "quarter": 'q', "1q": 'q', "year": 'y', "1y": 'y', "second": 's', "1s": 's',
}

func (a *aggregation) setInterval(text string, calendar, fixed bool, major int) error {
	if unit, ok := calendarUnits[text]; ok && calendar {
		a.interval.unit = unit
		return nil
	}
	if !fixed {
		return wire.Illegal("The supplied interval [%s] could not be parsed as a calendar interval.", text)
	}
	d, ok := parseInterval(text)
	if !ok || d <= 0 || strings.HasSuffix(text, "w") && major >= mapping.FirstTyped {
		return wire.NotATime("date_histogram.fixedInterval", text)
	}
	a.interval.fixed = d
	return nil
}

// parseInterval reads a time like 30s or 1.5h.
func parseInterval(text string) (time.Duration, bool) {
	units := []struct {
		suffix string
		unit   time.Duration
	}{
		{"ms", time.Millisecond},
		{"s", time.Second},
		{"m", time.Minute},
		{"h", time.Hour},
		{"d", 24 * time.Hour},
		{"w", 7 * 24 * time.Hour},
	}
	for _, u := range units {
		if number, ok := strings.CutSuffix(text, u.suffix); ok {
			v, err := strconv.ParseFloat(number, 64)
			const longest = 1e18
			if err != nil || v < 0 || v*float64(u.unit) > longest {
				return 0, false
			}
			return time.Duration(v * float64(u.unit)), true
		}
	}
	return 0, false
}

// start is the beginning of the interval that a time is in.
func (a *aggregation) start(t time.Time) time.Time {
	t = t.Add(-a.offset).In(a.zone)
	if a.interval.unit != 0 {
		start, _ := dates.Truncate(t, a.interval.unit)
		return start.Add(a.offset)
	}
	return roundDown(t, max(a.interval.fixed.Milliseconds(), 1)).Add(a.offset).In(a.zone)
}

// roundDown is the last multiple of a width, in the zone's local time, that is not after t. When the clocks change
// between the two, it rounds the time before the change.
func roundDown(t time.Time, width int64) time.Time {
	_, shift := t.Zone()
	rest := (t.UnixMilli() + int64(shift)*1000) % width
	if rest < 0 {
		rest += width
	}
	rounded := t.Add(-time.Duration(rest)*time.Millisecond - time.Duration(t.Nanosecond()%int(time.Millisecond)))
	change, _ := t.ZoneBounds()
	if change.IsZero() || !rounded.Before(change) {
		return rounded
	}
	before := change.Add(-time.Millisecond)
	_, shiftBefore := before.Zone()
	if skipped := time.Duration(shift-shiftBefore) * time.Second; rounded.Add(skipped).Compare(change) >= 0 {
		return change // the clocks never showed that time
	}
	return roundDown(before, width)
}

// next is the beginning of the interval after one.
func (a *aggregation) next(start time.Time) time.Time {
	if a.interval.unit == 0 {
		return a.start(start.Add(a.interval.fixed + a.interval.fixed/2))
	}
	n, _ := dates.Advance(start.Add(-a.offset).In(a.zone), a.interval.unit, 1)
	return a.start(n.Add(a.offset))
}

func (r *runner) histogram(a *aggregation, docs []Doc) (wire.Object, error) {
	groups := map[int64]*group{}
	var format *dates.Format
	err := r.each(a, docs, func(i int, values []value) error {
		last := int64(math.MinInt64)
		for _, v := range values {
			t := time.UnixMilli(v.Num)
			if v.Field != nil && v.Field.Class == mapping.Instant {
				t = v.Field.Time(v.Num)
				if format == nil {
					format = v.Field.Format
				}
			}
			key := a.start(t).UnixMilli()
			if key == last {
				continue
			}
			last = key
			g := groups[key]
			if g == nil {
				if len(groups) > maxBuckets {
					return r.count(len(groups))
				}
				g = &group{key: query.Value{Kind: query.WholeValue, Num: key}}
				groups[key] = g
			}
			g.count++
			g.docs = append(g.docs, docs[i])
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	isNumber := format == nil && a.format == nil // whose bars have no text
	if a.format != nil {
		format = a.format
	}
	if format == nil {
		format = dates.Default
	}
	list, err := r.fill(a, groups, format)
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(g *group) bool { return g.count < a.least })
	if err := r.count(len(list)); err != nil {
		return nil, err
	}
	if a.order != nil {
		if list, err = r.first(a, list, a.order, len(list)); err != nil {
			return nil, err
		}
	}
	var named wire.Object
	items := make([]any, 0, len(list))
	for _, g := range list {
		text := format.Format(time.UnixMilli(g.key.Num).In(a.zone))
		head := wire.Obj("key_as_string", text, "key", g.key.Num)
		if isNumber {
			text, head = strconv.FormatInt(g.key.Num, 10), head[1:]
		}
		b, err := r.bucket(a, head, g.docs)
		if err != nil {
			return nil, err
		}
		named = append(named, wire.Entry{Name: text, Value: b})
		items = append(items, b)
	}
	if a.keyed {
		return wire.Obj("buckets", named), nil
	}
	return wire.Obj("buckets", items), nil
}

// fill adds the empty buckets between the first and the last.
func (r *runner) fill(a *aggregation, groups map[int64]*group, format *dates.Format) ([]*group, error) {
	keys := slices.Sorted(maps.Keys(groups))
	var list []*group
	if a.least > 0 {
		for _, k := range keys {
			list = append(list, groups[k])
		}
		return list, nil
	}
	for i, n := range a.bounds {
		if n == nil {
			continue
		}
		t, err := format.Math(n.Text, time.Now(), a.zone, false)
		if err != nil {
			return nil, err
		}
		k := a.start(t).UnixMilli()
		if len(keys) == 0 || i == 0 && k < keys[0] || i == 1 && k > keys[len(keys)-1] {
			keys = append(keys, k)
			slices.Sort(keys)
		}
	}
	if len(keys) == 0 {
		return nil, nil
	}
	for k := keys[0]; k <= keys[len(keys)-1]; {
		g := groups[k]
		if g == nil {
			g = &group{key: query.Value{Kind: query.WholeValue, Num: k}}
		}
		if list = append(list, g); len(list) > maxBuckets {
			return nil, r.count(len(list))
		}
		next := a.next(time.UnixMilli(k).In(a.zone)).UnixMilli()
		k = max(next, k+1)
	}
	return list, nil
}

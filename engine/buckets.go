package engine

import (
	"cmp"
	"container/heap"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed56735111/penstock/engine/internal/dates"
	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/wire"
)

// group is the documents of one bucket.
type group struct {
	key   sortValue
	count int
	last  int // the last document that was counted, as a number of those that are looked at
	docs  []docAt
	body  wire.Object
}

func (a *aggregation) terms(w *agg, docs []docAt) (wire.Object, error) {
	list, err := a.groups(w, docs)
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(g *group) bool { return g.count < w.least })
	order := w.order
	if order == nil {
		order = []bucketOrder{{by: "_count", desc: true}}
	}
	rest := 0
	for _, g := range list {
		rest += g.count
	}
	if list, err = a.first(w, list, order, w.size); err != nil {
		return nil, err
	}
	for _, g := range list {
		rest -= g.count
	}
	buckets, err := a.write(w, list)
	if err != nil {
		return nil, err
	}
	return wire.Obj("doc_count_error_upper_bound", 0, "sum_other_doc_count", rest, "buckets", buckets), nil
}

// groups are the documents by their values. Without sub-aggregations they are only counted: a value that one document has
// costs no list.
func (a *aggregation) groups(w *agg, docs []docAt) ([]*group, error) {
	groups := map[string]*group{}
	var list []*group
	var slab []group
	var key []byte
	err := a.each(w, docs, func(i int, values []value) error {
		for _, v := range values {
			switch v.kind {
			case floatValue:
				key = strconv.AppendFloat(key[:0], v.float(), 'g', -1, 64)
			case textValue:
				key = append(key[:0], v.text...)
			default:
				key = strconv.AppendInt(key[:0], v.num, 36)
			}
			g := groups[string(key)]
			if g == nil {
				if !w.wants(v.sortValue) {
					continue
				}
				if len(slab) == cap(slab) {
					slab = make([]group, 0, min(max(2*cap(slab), 16), 4096))
				}
				slab = append(slab, group{key: v.sortValue})
				g = &slab[len(slab)-1]
				list = append(list, g)
				name := v.text
				if v.kind != textValue {
					name = string(key)
				}
				groups[name] = g
			} else if g.last == i { // a value counts once for a document
				continue
			}
			g.last = i
			g.count++
			if len(w.subs) > 0 {
				g.docs = append(g.docs, docs[i])
			}
		}
		return nil
	})
	return list, err
}

// wants says whether a term may become a bucket.
func (w *agg) wants(v sortValue) bool {
	if w.include == nil && w.exclude == nil {
		return true
	}
	text := v.text
	if v.kind != textValue {
		text = string(wire.Append(nil, v.shown(&sortKey{}, 0)))
	}
	return (w.include == nil || w.include.match(text)) && (w.exclude == nil || !w.exclude.match(text))
}

// first sorts buckets and keeps no more than size of them.
func (a *aggregation) first(w *agg, list []*group, order []bucketOrder, size int) ([]*group, error) {
	if err := a.measure(w, list, order); err != nil {
		return nil, err
	}
	compare := comparison(order)
	if size < len(list) {
		list = smallest(list, size, compare)
	}
	slices.SortFunc(list, compare)
	return list, nil
}

// measure works out the sub-aggregations that buckets are sorted by.
func (a *aggregation) measure(w *agg, list []*group, order []bucketOrder) error {
	for _, o := range order {
		if o.by == "_count" || o.by == "_key" {
			continue
		}
		name, _, _ := strings.Cut(o.by, ".")
		if !slices.ContainsFunc(w.subs, func(s *agg) bool { return s.name == name && slices.Contains(metrics, s.kind) }) {
			return wire.Errorf(400, "aggregation_execution_exception", "Invalid aggregation order path [%s]. The provided aggregation [%s] either does not exist, or is a pipeline aggregation and cannot be used to sort the buckets.", o.by, name)
		}
		for _, g := range list {
			var err error
			if g.body, err = a.all(w.subs, g.docs); err != nil {
				return err
			}
		}
	}
	return nil
}

// comparison is an order of buckets. The key decides where nothing else does.
func comparison(order []bucketOrder) func(x, y *group) int {
	return func(x, y *group) int {
		for _, o := range order {
			d := 0
			switch o.by {
			case "_count":
				d = cmp.Compare(x.count, y.count)
			case "_key":
				d = x.key.compare(y.key)
			default:
				d = cmp.Compare(metricOf(x.body, o.by), metricOf(y.body, o.by))
			}
			if o.desc {
				d = -d
			}
			if d != 0 {
				return d
			}
		}
		return x.key.compare(y.key)
	}
}

// smallest are the first n of a list that is in no order, in no order: a few of a million need no sorting of them all.
func smallest(list []*group, n int, compare func(x, y *group) int) []*group {
	if n == 0 {
		return nil
	}
	h := heaped{list[:n:n], compare}
	heap.Init(h)
	for _, g := range list[n:] {
		if compare(g, h.list[0]) < 0 {
			h.list[0] = g
			heap.Fix(h, 0)
		}
	}
	return h.list
}

// heaped is a heap of buckets with the last of them on top.
type heaped struct {
	list    []*group
	compare func(x, y *group) int
}

func (h heaped) Len() int           { return len(h.list) }
func (h heaped) Less(i, j int) bool { return h.compare(h.list[i], h.list[j]) > 0 }
func (h heaped) Swap(i, j int)      { h.list[i], h.list[j] = h.list[j], h.list[i] }

// Push and Pop are never called: the number of buckets in the heap stays.
func (h heaped) Push(any) {}
func (h heaped) Pop() any { return nil }

// metricOf is the number that a sub-aggregation came to.
func metricOf(o wire.Object, path string) float64 {
	name, part, ok := strings.Cut(path, ".")
	if !ok {
		part = "value"
	}
	for _, e := range o {
		inner, isObject := e.Value.(wire.Object)
		if e.Name != name || !isObject {
			continue
		}
		for _, m := range inner {
			if m.Name != part {
				continue
			}
			switch v := m.Value.(type) {
			case wire.Double:
				return float64(v)
			case int:
				return float64(v)
			}
		}
	}
	return math.Inf(-1)
}

// write makes the buckets of terms.
func (a *aggregation) write(w *agg, list []*group) ([]any, error) {
	if err := a.count(len(list)); err != nil {
		return nil, err
	}
	out := make([]any, 0, len(list))
	for _, g := range list {
		b := wire.Obj("key", g.key.shown(&sortKey{}, 0))
		switch {
		case g.key.f == nil:
		case g.key.f.Class == mapping.Truth:
			b = append(b, wire.Entry{Name: "key_as_string", Value: strconv.FormatBool(g.key.num == 1)})
			if a.c.profile.major < mapping.FirstKeyword {
				b = wire.Obj("key", map[bool]string{true: "T", false: "F"}[g.key.num == 1])
			}
		case g.key.f.Class == mapping.Instant:
			format := g.key.f.Format
			if w.format != nil {
				format = w.format
			}
			t := g.key.f.Time(g.key.num)
			b = wire.Obj("key", t.UnixMilli(), "key_as_string", format.Format(t))
		}
		b = append(b, wire.Entry{Name: "doc_count", Value: g.count})
		if g.body == nil {
			var err error
			if g.body, err = a.all(w.subs, g.docs); err != nil {
				return nil, err
			}
		}
		out = append(out, append(b, g.body...))
	}
	return out, nil
}

// start is the beginning of the bar that a time is in.
func (w *agg) start(t time.Time) time.Time {
	t = t.Add(-w.offset).In(w.zone)
	if w.interval.unit != 0 {
		start, _ := dates.Truncate(t, w.interval.unit)
		return start.Add(w.offset)
	}
	return roundDown(t, max(w.interval.fixed.Milliseconds(), 1)).Add(w.offset).In(w.zone)
}

// roundDown is the last multiple of a width, in the zone's own time, that is not after t. Where a clock change lies between
// the two, the time before it is what is rounded.
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

// next is the beginning of the bar after one.
func (w *agg) next(start time.Time) time.Time {
	if w.interval.unit == 0 {
		return w.start(start.Add(w.interval.fixed + w.interval.fixed/2))
	}
	n, _ := dates.Advance(start.Add(-w.offset).In(w.zone), w.interval.unit, 1)
	return w.start(n.Add(w.offset))
}

func (a *aggregation) histogram(w *agg, docs []docAt) (wire.Object, error) {
	groups := map[int64]*group{}
	var format *dates.Format
	err := a.each(w, docs, func(i int, values []value) error {
		last := int64(math.MinInt64)
		for _, v := range values {
			t := time.UnixMilli(v.num)
			if v.f != nil && v.f.Class == mapping.Instant {
				t = v.f.Time(v.num)
				if format == nil {
					format = v.f.Format
				}
			}
			key := w.start(t).UnixMilli()
			if key == last {
				continue
			}
			last = key
			g := groups[key]
			if g == nil {
				if len(groups) > maxBuckets {
					return a.count(len(groups))
				}
				g = &group{key: sortValue{kind: wholeValue, num: key}}
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
	isNumber := format == nil && w.format == nil // whose bars have no text
	if w.format != nil {
		format = w.format
	}
	if format == nil {
		format = dates.Default
	}
	list, err := a.fill(w, groups, format)
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(g *group) bool { return g.count < w.least })
	if err := a.count(len(list)); err != nil {
		return nil, err
	}
	if w.order != nil {
		if list, err = a.first(w, list, w.order, len(list)); err != nil {
			return nil, err
		}
	}
	var named wire.Object
	items := make([]any, 0, len(list))
	for _, g := range list {
		text := format.Format(time.UnixMilli(g.key.num).In(w.zone))
		head := wire.Obj("key_as_string", text, "key", g.key.num)
		if isNumber {
			text, head = strconv.FormatInt(g.key.num, 10), head[1:]
		}
		b, err := a.bucket(w, head, g.docs)
		if err != nil {
			return nil, err
		}
		named = append(named, wire.Entry{Name: text, Value: b})
		items = append(items, b)
	}
	if w.keyed {
		return wire.Obj("buckets", named), nil
	}
	return wire.Obj("buckets", items), nil
}

// fill puts the bars between the first and the last in that no document is in.
func (a *aggregation) fill(w *agg, groups map[int64]*group, format *dates.Format) ([]*group, error) {
	keys := slices.Sorted(maps.Keys(groups))
	var list []*group
	if w.least > 0 {
		for _, k := range keys {
			list = append(list, groups[k])
		}
		return list, nil
	}
	for i, n := range w.bounds {
		if n == nil {
			continue
		}
		t, err := format.Math(n.Text, time.Now(), w.zone, false)
		if err != nil {
			return nil, err
		}
		k := w.start(t).UnixMilli()
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
			g = &group{key: sortValue{kind: wholeValue, num: k}}
		}
		if list = append(list, g); len(list) > maxBuckets {
			return nil, a.count(len(list))
		}
		next := w.next(time.UnixMilli(k).In(w.zone)).UnixMilli()
		k = max(next, k+1)
	}
	return list, nil
}

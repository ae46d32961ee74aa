package agg

import (
	"cmp"
	"container/heap"
	"math"
	"slices"
	"strings"

	"github.com/seed56735111/penstock/engine/internal/wire"
)

// bucketOrder is what buckets are sorted by: _count, _key, or a metric of a sub-aggregation.
type bucketOrder struct {
	by   string
	desc bool
}

func (a *aggregation) parseOrder(n *wire.Node) error {
	items := n.Items
	if n.Kind == wire.ObjectKind {
		items = []wire.Node{*n}
	}
	for i := range items {
		if len(items[i].Members) != 1 {
			return wire.Illegal("Must specify at least one field for [order]")
		}
		m := &items[i].Members[0]
		o := bucketOrder{by: m.Name}
		switch strings.ToLower(m.Node.Text) {
		case "asc":
		case "desc":
			o.desc = true
		default:
			return wire.Illegal("Unknown order direction [%s]", m.Node.Text)
		}
		if o.by == "_term" || o.by == "_time" {
			o.by = "_key"
		}
		a.order = append(a.order, o)
	}
	return nil
}

// first sorts buckets and keeps no more than size of them.
func (r *runner) first(a *aggregation, list []*group, order []bucketOrder, size int) ([]*group, error) {
	if err := r.measure(a, list, order); err != nil {
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
func (r *runner) measure(a *aggregation, list []*group, order []bucketOrder) error {
	for _, o := range order {
		if o.by == "_count" || o.by == "_key" {
			continue
		}
		name, _, _ := strings.Cut(o.by, ".")
		named := func(s *aggregation) bool { return s.name == name && slices.Contains(metrics, s.kind) }
		if !slices.ContainsFunc(a.subs, named) {
			return wire.Errorf(400, "aggregation_execution_exception",
				"Invalid aggregation order path [%s]. The provided aggregation [%s] either does not exist, or is a pipeline "+
					"aggregation and cannot be used to sort the buckets.", o.by, name)
		}
		for _, g := range list {
			var err error
			if g.body, err = r.all(a.subs, g.docs); err != nil {
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
				d = x.key.Compare(y.key)
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
		return x.key.Compare(y.key)
	}
}

// smallest returns the first n of an unsorted list, unsorted too: to find a few of a million takes no sorting of them
// all.
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

func (h heaped) Len() int { return len(h.list) }

func (h heaped) Less(i, j int) bool { return h.compare(h.list[i], h.list[j]) > 0 }

func (h heaped) Swap(i, j int) { h.list[i], h.list[j] = h.list[j], h.list[i] }

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

package query

import (
	"math"
	"slices"
	"strings"

	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/wire"
)

// SortKey is one of the things by which a page is sorted.
type SortKey struct {
	Field    string
	desc     bool
	first    bool       // documents without a value come first
	missing  *wire.Node // or with this one
	mode     string
	unmapped *mapping.Field // what a field that no mapping has counts as: all documents are without it
}

// NewSortKey is a field to sort by. The order is asc, desc, or empty: scores fall then, values rise.
func NewSortKey(field, order string, major int) (SortKey, error) {
	k := SortKey{Field: field, desc: field == scoreField}
	switch strings.ToLower(order) {
	case "":
	case "asc":
		k.desc = false
	case "desc":
		k.desc = true
	default:
		vendor := "opensearch"
		if major <= mapping.FirstUntyped {
			vendor = "elasticsearch"
		}
		return k, wire.Illegal("No enum constant org.%s.search.sort.SortOrder.%s", vendor, strings.ToUpper(order))
	}
	return k, nil
}

// ParseSort reads what a body says under sort.
func (p *Parser) ParseSort(n *wire.Node) ([]SortKey, error) {
	items := n.Items
	if n.Kind != wire.ArrayKind {
		items = []wire.Node{*n}
	}
	var out []SortKey
	for i := range items {
		item := &items[i]
		switch item.Kind {
		case wire.StringKind:
			k, err := NewSortKey(item.Text, "", p.Major)
			if err != nil {
				return nil, err
			}
			out = append(out, k)
		case wire.ObjectKind:
			for j := range item.Members {
				k, err := p.parseSortKey(&item.Members[j])
				if err != nil {
					return nil, err
				}
				out = append(out, k)
			}
		default:
			return nil, wire.Illegal("malformed sort format, within the sort array, an object, or an actual string are allowed")
		}
	}
	return out, nil
}

func (p *Parser) parseSortKey(m *wire.Member) (SortKey, error) {
	if m.Name == "_script" || m.Name == "_geo_distance" {
		return SortKey{}, wire.NotOffered("sorting by %s", m.Name)
	}
	k := SortKey{Field: m.Name, desc: m.Name == scoreField}
	if m.Node.Kind == wire.StringKind {
		return NewSortKey(m.Name, m.Node.Text, p.Major)
	}
	if m.Node.Kind != wire.ObjectKind {
		return k, wire.Illegal("malformed sort format, either start array, start object, or an actual string are allowed")
	}
	for i := range m.Node.Members {
		o := &m.Node.Members[i]
		line, column := wire.Position(p.Body, o.Node.Start)
		switch o.Name {
		case "order":
			parsed, err := NewSortKey(m.Name, o.Node.Text, p.Major)
			if err != nil {
				return k, wire.Errorf(400, "x_content_parse_exception", "[%d:%d] [field_sort] failed to parse field [order]",
					line, column).Because(err)
			}
			k.desc = parsed.desc
		case "missing":
			k.first = o.Node.Text == "_first"
			if o.Node.Text != "_first" && o.Node.Text != "_last" {
				k.missing = &o.Node
			}
		case "mode":
			if k.mode = o.Node.Text; !slices.Contains([]string{"min", "max", "sum", "avg"}, k.mode) {
				return k, wire.NotOffered("the sort mode [%s]", k.mode)
			}
		case "unmapped_type":
			if _, ok := mapping.LeafTypes()[o.Node.Text]; !ok {
				return k, wire.NotOffered("the unmapped type [%s] of a sort", o.Node.Text)
			}
			k.unmapped = mapping.NewLeaf(o.Node.Text)
		case "ignore_unmapped":
			if o.Node.Text == "true" {
				k.unmapped = mapping.NewLeaf("keyword")
			}
		case "numeric_type":
			return k, wire.NotOffered("the option [numeric_type] of a sort")
		case "nested", "nested_path", "nested_filter":
			return k, wire.NotOffered("sorting by nested fields")
		default:
			line, column := wire.Position(p.Body, o.At)
			return k, wire.Errorf(400, "x_content_parse_exception", "[%d:%d] [field_sort] unknown field [%s]",
				line, column, o.Name)
		}
	}
	return k, nil
}

// Shown is a document's value as a hit shows it. What stands for a missing one depends on the order and on the version.
func (k *SortKey) Shown(v Value, major int) any {
	if v.Kind != NoValue {
		return v.Shown()
	}
	last := k.desc == k.first // the largest value stands for it
	switch f := v.Field; {
	case f == nil || f.Class == mapping.Exact || f.Class == mapping.Analysed || f.Class == mapping.Address:
		return nil
	case f.Unsigned && !last:
		return 0
	case f.Class == mapping.Truth && major > mapping.FirstUntyped && last:
		return math.MaxInt32
	case f.Class == mapping.Truth && major > mapping.FirstUntyped:
		return math.MinInt32
	case f.Class == mapping.Floating && last:
		return "Infinity"
	case f.Class == mapping.Floating:
		return "-Infinity"
	case last:
		return int64(math.MaxInt64)
	}
	return int64(math.MinInt64)
}

// order compares two values in the direction of the key.
func (k *SortKey) order(a, b Value) int {
	if a.Kind == NoValue || b.Kind == NoValue {
		d := 0
		switch {
		case a.Kind != NoValue:
			d = -1
		case b.Kind != NoValue:
			d = 1
		}
		if k.first {
			return -d
		}
		return d
	}
	d := a.Compare(b)
	if k.desc {
		return -d
	}
	return d
}

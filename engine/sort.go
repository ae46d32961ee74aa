package engine

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/store"
	"github.com/seed56735111/penstock/engine/internal/wire"
)

// idField is the name under which a document's id can be sorted by.
const idField = "_id"

// sortKey is one thing to sort by.
type sortKey struct {
	field    string
	desc     bool
	first    bool       // documents without a value come first
	missing  *wire.Node // or with this one
	mode     string
	unmapped *mapping.Field // what a field that no mapping has counts as: all documents are without it
}

func newSortKey(field, order string, major int) (sortKey, error) {
	k := sortKey{field: field, desc: field == "_score"}
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

// parseSort reads what a body says under sort.
func (p *queryParser) parseSort(n *wire.Node) ([]sortKey, error) {
	items := n.Items
	if n.Kind != wire.ArrayKind {
		items = []wire.Node{*n}
	}
	var out []sortKey
	for i := range items {
		item := &items[i]
		switch item.Kind {
		case wire.StringKind:
			name, order := item.Text, ""
			k, err := newSortKey(name, order, p.major)
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

func (p *queryParser) parseSortKey(m *wire.Member) (sortKey, error) {
	if m.Name == "_script" || m.Name == "_geo_distance" {
		return sortKey{}, wire.NotOffered("sorting by %s", m.Name)
	}
	k := sortKey{field: m.Name, desc: m.Name == "_score"}
	if m.Node.Kind == wire.StringKind {
		return newSortKey(m.Name, m.Node.Text, p.major)
	}
	if m.Node.Kind != wire.ObjectKind {
		return k, wire.Illegal("malformed sort format, either start array, start object, or an actual string are allowed")
	}
	for i := range m.Node.Members {
		o := &m.Node.Members[i]
		line, column := wire.Position(p.body, o.Node.Start)
		switch o.Name {
		case "order":
			parsed, err := newSortKey(m.Name, o.Node.Text, p.major)
			if err != nil {
				return k, wire.Errorf(400, "x_content_parse_exception", "[%d:%d] [field_sort] failed to parse field [order]", line, column).Because(err)
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
			line, column := wire.Position(p.body, o.At)
			return k, wire.Errorf(400, "x_content_parse_exception", "[%d:%d] [field_sort] unknown field [%s]", line, column, o.Name)
		}
	}
	return k, nil
}

// sortValue is a document's value for one key.
type sortValue struct {
	kind sortKind
	num  int64
	text string
	f    *mapping.Field
}

type sortKind byte

const (
	noValue sortKind = iota
	wholeValue
	floatValue
	textValue
)

func (v sortValue) float() float64 {
	if v.kind == floatValue {
		return mapping.Unsortable(v.num)
	}
	return float64(v.num)
}

// compare sorts values, whatever the direction, those that are missing apart.
func (v sortValue) compare(o sortValue) int {
	switch {
	case v.kind == textValue && o.kind == textValue:
		return strings.Compare(v.text, o.text)
	case v.kind == o.kind:
		return cmp.Compare(v.num, o.num)
	case v.kind == textValue || o.kind == textValue:
		return cmp.Compare(v.kind, o.kind)
	}
	return cmp.Compare(v.float(), o.float())
}

// shown is a value as a hit shows it.
func (v sortValue) shown(k *sortKey, major int) any {
	switch v.kind {
	case noValue:
		last := k.desc == k.first // the largest value stands for it
		switch {
		case v.f == nil || v.f.Class == mapping.Exact || v.f.Class == mapping.Analysed || v.f.Class == mapping.Address:
			return nil
		case v.f.Unsigned && !last:
			return 0
		case v.f.Class == mapping.Truth && major > mapping.FirstUntyped && last:
			return math.MaxInt32
		case v.f.Class == mapping.Truth && major > mapping.FirstUntyped:
			return math.MinInt32
		case v.f.Class == mapping.Floating && last:
			return "Infinity"
		case v.f.Class == mapping.Floating:
			return "-Infinity"
		case last:
			return int64(math.MaxInt64)
		}
		return int64(math.MinInt64)
	case floatValue:
		n := mapping.Unsortable(v.num)
		if v.f != nil && v.f.Kind == "scaled_float" {
			n /= v.f.Scale
		}
		return wire.Double(n)
	case textValue:
		if v.f != nil && v.f.Class == mapping.Address {
			return mapping.AddressText(v.text)
		}
		return v.text
	}
	if v.f != nil && v.f.Unsigned {
		return uint64(v.num) ^ 1<<63 //nolint:gosec // bits
	}
	return v.num
}

// reader returns a function that reads the keys of documents, which come in order.
func (t *top) reader(s *searcher) (func(*candidate) error, error) {
	columns := []string{store.SeqColumn}
	fields := make([]*mapping.Field, len(t.r.sort))
	for i := range t.r.sort {
		k := &t.r.sort[i]
		if k.field == "_score" || k.field == "_doc" || k.field == idField && !s.x.Typed {
			continue
		}
		f, err := s.sortable(k.field, k.unmapped)
		if err != nil {
			return nil, err
		}
		if fields[i] = f; f != nil {
			columns = append(columns, mapping.FieldPrefix+k.field)
		}
	}
	values, err := s.snap.Values(columns)
	if err != nil {
		return nil, err
	}
	read := map[string]*sortReading{}
	readings := make([]sortReading, len(fields))
	keys := make([]sortValue, len(fields)) // of one candidate at a time; offer copies them
	for i, f := range fields {
		if f != nil {
			readings[i] = sortReading{f: f, k: &t.r.sort[i]}
			read[mapping.FieldPrefix+t.r.sort[i].field] = &readings[i]
		}
	}
	return func(c *candidate) error {
		clear(keys)
		for i := range readings {
			readings[i].value, readings[i].sum, readings[i].count = sortValue{}, 0, 0
		}
		err := values(c.doc, func(column string, term []byte) {
			if column == store.SeqColumn {
				if n, _, ok := store.KeyNumber(term); ok {
					c.seq = n
				}
				return
			}
			if r := read[column]; r != nil {
				r.take(term)
			}
		})
		if err != nil {
			return err
		}
		for i := range fields {
			k := &t.r.sort[i]
			switch {
			case k.field == "_score":
				keys[i] = sortValue{kind: floatValue, num: mapping.Sortable(float64(c.score))}
			case k.field == "_doc":
				const indexBits = 40
				keys[i] = sortValue{kind: wholeValue, num: int64(s.order)<<indexBits | c.seq}
			case k.field == idField && fields[i] == nil:
				d, err := s.snap.Load(c.doc, false)
				if err != nil {
					return err
				}
				keys[i] = sortValue{kind: textValue, text: d.ID}
			case fields[i] != nil:
				if keys[i], err = readings[i].result(s.now); err != nil {
					return err
				}
			}
		}
		c.keys = keys
		return nil
	}, nil
}

// sortReading works out the value of one key from the values of a field.
type sortReading struct {
	f     *mapping.Field
	k     *sortKey
	value sortValue
	sum   float64
	count int
}

func (r *sortReading) take(term []byte) {
	v := sortValue{kind: textValue, f: r.f}
	switch r.f.Class {
	case mapping.Whole, mapping.Floating, mapping.Instant:
		n, times, ok := store.KeyNumber(term)
		if !ok {
			return
		}
		v.kind, v.num = wholeValue, n
		if r.f.Class == mapping.Floating {
			v.kind = floatValue
		}
		r.sum += v.float() * float64(times)
		r.count += times
	case mapping.Truth:
		v.kind, v.num = wholeValue, 0
		if string(term) == "T" {
			v.num = 1
		}
	default:
		v.text = string(term)
	}
	largest := r.k.mode == "max" || r.k.mode == "" && r.k.desc
	switch {
	case r.value.kind == noValue:
		r.value = v
	case largest == (v.compare(r.value) > 0):
		r.value = v
	}
}

func (r *sortReading) result(now time.Time) (sortValue, error) {
	if r.value.kind == noValue {
		if r.k.missing != nil {
			return valueOf(r.f, r.k.missing, now)
		}
		return sortValue{f: r.f}, nil
	}
	if r.count > 0 && (r.k.mode == "sum" || r.k.mode == "avg") {
		v := r.sum
		if r.k.mode == "avg" {
			v /= float64(r.count)
		}
		if r.value.kind == floatValue {
			r.value.num = mapping.Sortable(v)
		} else {
			r.value.num = int64(math.Round(v))
		}
	}
	return r.value, nil
}

// sortable returns a field whose values can be read document by document, or what stands for one that no mapping has.
func (s *searcher) sortable(path string, unmapped *mapping.Field) (*mapping.Field, error) {
	f, inside := s.m.Find(path)
	switch {
	case f == nil && unmapped != nil:
		return unmapped, nil
	case f == nil && special(path):
		return nil, wire.NotOffered("sorting by [%s]", path)
	case f == nil || f.IsObject():
		return nil, s.shardFailure(wire.Errorf(400, "query_shard_exception", "No mapping found for [%s] in order to sort on", path).With("index", s.x.Name, "index_uuid", s.x.UUID))
	case inside:
		return nil, wire.NotOffered("sorting by [%s]", path)
	}
	return f, s.readable(path, f)
}

// readable refuses fields whose values are not kept document by document.
func (s *searcher) readable(path string, f *mapping.Field) error {
	switch {
	case f.Class == mapping.Analysed && !f.Fielddata:
		return s.shardFailure(wire.Illegal("Text fields are not optimised for operations that require per-document field data like aggregations and sorting, so these operations are disabled by default. Please use a keyword field instead. Alternatively, set fielddata=true on [%s] in order to load field data by uninverting the inverted index. Note that this can use significant memory.", path))
	case f.Class == mapping.Unindexed:
		return wire.NotOffered("reading the values of the field [%s], which is a %s", path, f.Kind)
	case f.Class != mapping.Analysed && !f.DocValues:
		return s.shardFailure(wire.Illegal("Can't load fielddata on [%s] because fielddata is unsupported on fields of type [%s]. Use doc values instead.", path, f.Kind))
	}
	return nil
}

package agg

import (
	"slices"
	"strconv"
	"strings"

	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/query"
	"github.com/seed56735111/penstock/engine/internal/wire"
	"github.com/seed56735111/penstock/internal/glob"
)

func termsOptions(p *query.Parser, a *aggregation, n *wire.Node) error {
	a.size, a.least = 10, 1
	options := map[string]any{
		"field":                     &a.field,
		"size":                      sizeInto(p, a),
		"min_doc_count":             &a.least,
		"missing":                   &a.missing,
		"format":                    formatInto(a),
		"shard_size":                query.Ignored,
		"shard_min_doc_count":       query.Ignored,
		"execution_hint":            query.Ignored,
		"collect_mode":              query.Ignored,
		"show_term_doc_count_error": query.Only("show_term_doc_count_error", "false"),
		"script":                    query.Unsupported{},
		"value_type":                query.Unsupported{},
		"order":                     func(n *wire.Node) error { return a.parseOrder(n) },
		"include":                   func(n *wire.Node) (err error) { a.include, err = parseTermFilter(n); return err },
		"exclude":                   func(n *wire.Node) (err error) { a.exclude, err = parseTermFilter(n); return err },
	}
	if err := aggMembers(p, a, n, options); err != nil {
		return err
	}
	if a.field == "" {
		return wire.Illegal("Required one of fields [field, script], but none were specified. ")
	}
	switch {
	case a.least < 0:
		return wire.Illegal("[minDocCount] must be greater than or equal to 0. Found [%d] in [%s]", a.least, a.name)
	case a.least == 0:
		return wire.NotOffered("min_doc_count 0 of the aggregation [terms]")
	}
	return nil
}

func sizeInto(p *query.Parser, a *aggregation) func(*wire.Node) error {
	return func(n *wire.Node) error {
		v, err := strconv.Atoi(n.Text)
		switch {
		case err != nil:
			return wire.NumberFormat(n.Text)
		case v == 0 && p.Major < mapping.FirstKeyword:
			v = maxBuckets
		case v <= 0:
			return wire.Illegal("[size] must be greater than 0. Found [%d] in [%s]", v, a.name)
		}
		a.size = v
		return nil
	}
}

// termFilter says which terms become buckets.
type termFilter struct {
	exact []string
	glob  *glob.Pattern
}

func parseTermFilter(n *wire.Node) (*termFilter, error) {
	switch n.Kind {
	case wire.ArrayKind:
		return &termFilter{exact: n.Texts()}, nil
	case wire.StringKind:
		// Regular expressions in their simplest form: a text, with .* for any.
		if plain := strings.ReplaceAll(n.Text, ".*", "*"); !strings.ContainsAny(plain, `.?+|{}[]()"\#@&<>~`) {
			return &termFilter{glob: glob.New(plain, false)}, nil
		}
	}
	return nil, wire.NotOffered("[include] and [exclude] of the aggregation [terms] with regular expressions or " +
		"partitions")
}

func (f *termFilter) match(text string) bool {
	if f.glob != nil {
		return f.glob.Match(text)
	}
	return slices.Contains(f.exact, text)
}

// group is the documents of one bucket.
type group struct {
	key   query.Value
	count int
	last  int // the last document that was counted, as a number of those that are looked at
	docs  []Doc
	body  wire.Object
}

func (r *runner) terms(a *aggregation, docs []Doc) (wire.Object, error) {
	list, err := r.groups(a, docs)
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(g *group) bool { return g.count < a.least })
	order := a.order
	if order == nil {
		order = []bucketOrder{{by: "_count", desc: true}}
	}
	rest := 0
	for _, g := range list {
		rest += g.count
	}
	if list, err = r.first(a, list, order, a.size); err != nil {
		return nil, err
	}
	for _, g := range list {
		rest -= g.count
	}
	buckets, err := r.write(a, list)
	if err != nil {
		return nil, err
	}
	return wire.Obj("doc_count_error_upper_bound", 0, "sum_other_doc_count", rest, "buckets", buckets), nil
}

// groups sorts the documents into groups by their values. Without sub-aggregations it only counts them, so that a group
// needs no list of documents.
func (r *runner) groups(a *aggregation, docs []Doc) ([]*group, error) {
	groups := map[string]*group{}
	var list []*group
	var slab []group
	var key []byte
	err := r.each(a, docs, func(i int, values []value) error {
		for _, v := range values {
			switch v.Kind {
			case query.FloatValue:
				key = strconv.AppendFloat(key[:0], v.Float(), 'g', -1, 64)
			case query.TextValue:
				key = append(key[:0], v.Text...)
			default:
				key = strconv.AppendInt(key[:0], v.Num, 36)
			}
			g := groups[string(key)]
			if g == nil {
				if !a.wants(v.Value) {
					continue
				}
				if len(slab) == cap(slab) {
					slab = make([]group, 0, min(max(2*cap(slab), 16), 4096))
				}
				slab = append(slab, group{key: v.Value})
				g = &slab[len(slab)-1]
				list = append(list, g)
				name := v.Text
				if v.Kind != query.TextValue {
					name = string(key)
				}
				groups[name] = g
			} else if g.last == i { // a value counts once for a document
				continue
			}
			g.last = i
			g.count++
			if len(a.subs) > 0 {
				g.docs = append(g.docs, docs[i])
			}
		}
		return nil
	})
	return list, err
}

// wants says whether include and exclude let a term become a bucket.
func (a *aggregation) wants(v query.Value) bool {
	if a.include == nil && a.exclude == nil {
		return true
	}
	text := v.Text
	if v.Kind != query.TextValue {
		text = string(wire.Append(nil, v.Shown()))
	}
	return (a.include == nil || a.include.match(text)) && (a.exclude == nil || !a.exclude.match(text))
}

// write makes the buckets of terms.
func (r *runner) write(a *aggregation, list []*group) ([]any, error) {
	if err := r.count(len(list)); err != nil {
		return nil, err
	}
	out := make([]any, 0, len(list))
	for _, g := range list {
		b := wire.Obj("key", g.key.Shown())
		switch {
		case g.key.Field == nil:
		case g.key.Field.Class == mapping.Truth:
			b = append(b, wire.Entry{Name: "key_as_string", Value: strconv.FormatBool(g.key.Num == 1)})
			if r.major < mapping.FirstKeyword {
				b = wire.Obj("key", map[bool]string{true: "T", false: "F"}[g.key.Num == 1])
			}
		case g.key.Field.Class == mapping.Instant:
			format := g.key.Field.Format
			if a.format != nil {
				format = a.format
			}
			t := g.key.Field.Time(g.key.Num)
			b = wire.Obj("key", t.UnixMilli(), "key_as_string", format.Format(t))
		}
		b = append(b, wire.Entry{Name: "doc_count", Value: g.count})
		if g.body == nil {
			var err error
			if g.body, err = r.all(a.subs, g.docs); err != nil {
				return nil, err
			}
		}
		out = append(out, append(b, g.body...))
	}
	return out, nil
}

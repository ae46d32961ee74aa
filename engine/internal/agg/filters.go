package agg

import (
	"github.com/seed56735111/penstock/engine/internal/query"
	"github.com/seed56735111/penstock/engine/internal/wire"
)

type namedFilter struct {
	name  string
	query query.Query
}

func filtersOptions(p *query.Parser, a *aggregation, n *wire.Node) error {
	options := map[string]any{
		"filters": func(n *wire.Node) error {
			for i := range n.Members {
				q, err := p.Parse(&n.Members[i].Node)
				if err != nil {
					return err
				}
				a.filters = append(a.filters, namedFilter{n.Members[i].Name, q})
			}
			a.anonymous = n.Kind == wire.ArrayKind
			for i := range n.Items {
				q, err := p.Parse(&n.Items[i])
				if err != nil {
					return err
				}
				a.filters = append(a.filters, namedFilter{"", q})
			}
			return nil
		},
		"other_bucket": func(n *wire.Node) error {
			if n.Text == "true" && a.other == "" {
				a.other = "_other_"
			}
			return nil
		},
		"other_bucket_key": &a.other,
	}
	if err := aggMembers(p, a, n, options); err != nil {
		return err
	}
	if a.filters == nil {
		return wire.Illegal("[filters] cannot be empty.")
	}
	if len(a.filters) > query.MaxClauses {
		return wire.Illegal("more than %d filters", query.MaxClauses)
	}
	return nil
}

func (r *runner) filtered(q query.Query, docs []Doc) ([]Doc, error) {
	in := map[*query.Searcher]query.Set{}
	for _, s := range r.searchers {
		h, err := q.Run(s)
		if err != nil {
			return nil, err
		}
		in[s] = s.Set(h)
	}
	var out []Doc
	for _, d := range docs {
		if in[d.Searcher].Has(d.Number) {
			out = append(out, d)
		}
	}
	return out, nil
}

func (r *runner) filters(a *aggregation, docs []Doc) (wire.Object, error) {
	var named wire.Object
	var items []any
	taken := map[Doc]bool{}
	add := func(name string, docs []Doc) error {
		b, err := r.bucket(a, nil, docs)
		named = append(named, wire.Entry{Name: name, Value: b})
		items = append(items, b)
		return err
	}
	if err := r.count(len(a.filters)); err != nil {
		return nil, err
	}
	for _, f := range a.filters {
		kept, err := r.filtered(f.query, docs)
		if err == nil {
			err = add(f.name, kept)
		}
		if err != nil {
			return nil, err
		}
		if a.other != "" {
			for _, d := range kept {
				taken[d] = true
			}
		}
	}
	if a.other != "" {
		var rest []Doc
		for _, d := range docs {
			if !taken[d] {
				rest = append(rest, d)
			}
		}
		if err := add(a.other, rest); err != nil {
			return nil, err
		}
	}
	if a.anonymous {
		return wire.Obj("buckets", items), nil
	}
	return wire.Obj("buckets", named), nil
}

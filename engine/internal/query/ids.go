package query

import (
	"slices"

	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/store"
	"github.com/seed56735111/penstock/engine/internal/wire"
)

type idsQuery struct {
	ids   []string
	types []string
	boost float32
}

func (p *Parser) ids(n *wire.Node) (Query, error) {
	q := &idsQuery{boost: 1}
	options := map[string]any{"values": func(n *wire.Node) error { q.ids = n.Texts(); return nil }, "boost": &q.boost}
	if p.Major <= mapping.FirstUntyped {
		options["type"] = func(n *wire.Node) error { q.types = n.Texts(); return nil }
	}
	if err := p.options("ids", n, options); err != nil {
		return nil, err
	}
	return q, nil
}

func (q *idsQuery) Run(s *Searcher) (*Hits, error) { return s.withIDs(q.ids, q.types, q.boost) }

func (s *Searcher) withIDs(ids, types []string, boost float32) (*Hits, error) {
	keys := ids
	if s.Index.Typed {
		if len(types) == 0 {
			types = s.state.Types
		}
		keys = nil
		for _, t := range types {
			for _, id := range ids {
				keys = append(keys, s.Index.Key(t, id))
			}
		}
	}
	docs, err := s.snap.Find(keys)
	slices.Sort(docs)
	return &Hits{Docs: slices.Compact(docs), score: boost}, err
}

func (s *Searcher) ofTypes(types []string, boost float32) (*Hits, error) {
	if !s.Index.Typed {
		if slices.Contains(types, "_doc") {
			return &Hits{Docs: s.live(), score: boost}, nil
		}
		return &Hits{}, nil
	}
	all := newSet(s.snap.Size())
	for _, t := range types {
		docs, err := s.having(store.TypeColumn, t)
		if err != nil {
			return nil, err
		}
		all.addAll(docs)
	}
	return &Hits{Docs: all.docs(), score: boost}, nil
}

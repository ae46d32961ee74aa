package query

import (
	"strings"

	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/store"
	"github.com/seed56735111/penstock/engine/internal/wire"
)

type existsQuery struct {
	field string
	boost float32
}

func (p *Parser) exists(n *wire.Node) (Query, error) {
	q := &existsQuery{boost: 1}
	if err := p.options("exists", n, map[string]any{"field": &q.field, "boost": &q.boost}); err != nil {
		return nil, err
	}
	if f, ok := n.Get("field"); ok && f.Kind == wire.StringKind && q.field == "" {
		return nil, noField()
	}
	if q.field == "" {
		return nil, p.FailAt(n.End-1, "[exists] must be provided with a [field]")
	}
	return q, nil
}

func (q *existsQuery) Run(s *Searcher) (*Hits, error) {
	switch q.field {
	case "_id", "_index", "_source", "_type", "_seq_no", "_version":
		return &Hits{Docs: s.live(), score: q.boost}, nil
	}
	f, inside := s.Mapping.Find(q.field)
	var paths []string
	switch {
	case strings.Contains(q.field, "*"):
		paths = s.expand(q.field)
	case f == nil:
		return &Hits{}, nil
	case inside && f.IsFlat():
		return nil, wire.NotOffered("searching inside of the field [%s], which is a %s", q.field, f.Kind)
	default:
		paths = []string{q.field}
		f.Leaves(q.field+".", func(path string, _ *mapping.Field) { paths = append(paths, path) })
	}
	docs, err := s.existing(paths)
	return &Hits{Docs: docs, score: q.boost}, err
}

// existing finds the documents that have a value in any of the fields.
func (s *Searcher) existing(paths []string) ([]uint32, error) {
	return s.matching(store.PathsColumn, "", func(key string) bool {
		for _, path := range paths {
			if strings.Contains(key, "\x00"+path+"\x00") {
				return true
			}
		}
		return false
	})
}

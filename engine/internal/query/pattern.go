package query

import (
	"strings"

	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/wire"
	"github.com/seed56735111/penstock/internal/glob"
)

// patternQuery finds terms that begin with a text or match wildcards.
type patternQuery struct {
	name  string
	field string
	value string
	fold  bool
	boost float32
}

func (p *Parser) pattern(m *wire.Member, name string) (Query, error) {
	f, err := p.oneField(name, &m.Node, "["+name+"] query must have a field")
	if err != nil {
		return nil, err
	}
	q := &patternQuery{name: name, field: f.Name, value: f.Node.Text, boost: 1}
	if f.Node.Kind == wire.ObjectKind {
		constant := Only("rewrite", "constant_score", "constant_score_auto", "constant_score_boolean",
			"constant_score_blended")
		options := map[string]any{
			"value": &q.value, name: &q.value, "boost": &q.boost, "case_insensitive": &q.fold, "rewrite": constant,
		}
		if err := p.options(name, &f.Node, options); err != nil {
			return nil, err
		}
	}
	return q, nil
}

func (q *patternQuery) Run(s *Searcher) (*Hits, error) {
	var fits func(term string) bool
	head := ""
	switch {
	case q.name == "prefix" && q.fold:
		lower := strings.ToLower(q.value)
		fits = func(term string) bool { return strings.HasPrefix(strings.ToLower(term), lower) }
	case q.name == "prefix":
		head, fits = q.value, func(string) bool { return true }
	default:
		pattern := glob.New(q.value, q.fold)
		if !q.fold {
			head = pattern.Head
		}
		fits = pattern.Match
	}
	switch q.field {
	case "_index":
		if fits(s.Index.Name) && strings.HasPrefix(s.Index.Name, head) {
			return &Hits{Docs: s.live(), score: q.boost}, nil
		}
		return &Hits{}, nil
	case "_id", "_type":
		return nil, wire.NotOffered("the query [%s] on [%s]", q.name, q.field)
	}
	f, err := s.lookup(q.field)
	if f == nil || err != nil {
		return &Hits{}, err
	}
	if f.Class != mapping.Exact && f.Class != mapping.Analysed {
		kinds := "keyword and text"
		if s.Mapping.Major <= mapping.FirstUntyped {
			kinds = "keyword, text and wildcard"
		}
		return nil, s.unfitQuery("Can only use %s queries on %s fields - not on [%s] which is of type [%s]",
			q.name, kinds, q.field, f.Kind)
	}
	docs, err := s.matching(mapping.FieldPrefix+q.field, head, fits)
	return &Hits{Docs: docs, score: q.boost}, err
}

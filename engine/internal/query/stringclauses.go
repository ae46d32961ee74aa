package query

import (
	"strings"

	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/wire"
	"github.com/seed56735111/penstock/engine/internal/words"
)

// boolClause is clauses that must, may or must not match.
type boolClause struct {
	must, may, not []clause
}

func (b *boolClause) find(c *stringContext) (*Hits, error) {
	if len(b.must)+len(b.may)+len(b.not) == 0 {
		return &Hits{}, nil
	}
	q := &boolQuery{boost: 1}
	said := false
	for _, group := range []struct {
		from []clause
		into *[]Query
	}{{b.must, &q.must}, {b.may, &q.should}, {b.not, &q.not}} {
		for _, part := range group.from {
			h, err := part.find(c)
			if err != nil {
				return nil, err
			}
			if h != nil {
				said = true
				*group.into = append(*group.into, found{h})
			}
		}
	}
	if !said {
		return nil, nil // says nothing
	}
	if len(q.must) == 0 {
		q.least = c.q.least
	}
	return q.Run(c.Searcher)
}

// found is a query with its result.
type found struct{ h *Hits }

func (f found) Run(*Searcher) (*Hits, error) { return f.h, nil }

// fieldClause looks into other fields.
type fieldClause struct {
	field string
	inner clause
}

func (f *fieldClause) find(c *stringContext) (*Hits, error) {
	inner := *c
	inner.fields = []weighted{{f.field, 1}}
	return f.inner.find(&inner)
}

type boostClause struct {
	inner clause
	boost float32
}

func (b *boostClause) find(c *stringContext) (*Hits, error) {
	h, err := b.inner.find(c)
	if h == nil || err != nil {
		return nil, err
	}
	copied := *h
	copied.scores = append([]float32(nil), h.scores...)
	if h.scores == nil {
		copied.scores = nil
	}
	return copied.boosted(b.boost), nil
}

// everything matches what has the field, or all documents.
type everything struct{}

func (everything) find(c *stringContext) (*Hits, error) {
	if len(c.fields) == 1 && c.fields[0].pattern != "*" && c.fields[0].pattern != "_all" {
		return (&existsQuery{c.fields[0].pattern, 1}).Run(c.Searcher)
	}
	return &Hits{Docs: c.live(), score: 1}, nil
}

// wordClause is a word or a phrase. One word can be several to an analyzer.
type wordClause struct {
	text   string
	phrase bool
	slop   int
}

func (w *wordClause) find(c *stringContext) (*Hits, error) {
	if len(c.fields) == 1 && c.fields[0].pattern == "_exists_" {
		return (&existsQuery{w.text, 1}).Run(c.Searcher)
	}
	q := &matchQuery{
		text: w.text, fields: c.fields, phrase: w.phrase, slop: w.slop, boost: 1, tie: c.q.tie,
		lenient: c.lenient, analyzer: c.q.analyzer, and: c.q.and,
	}
	if w.slop < 0 {
		q.slop = c.q.slop
	}
	return q.Run(c.Searcher)
}

// patternClause is a word with wildcards.
type patternClause struct{ pattern string }

func (p *patternClause) find(c *stringContext) (*Hits, error) {
	if len(c.fields) == 1 && c.fields[0].pattern == "_exists_" {
		return (&existsQuery{p.pattern, 1}).Run(c.Searcher)
	}
	return c.each(func(path string, f *mapping.Field) (*Hits, error) {
		if f == nil || f.Class != mapping.Exact && f.Class != mapping.Analysed {
			if c.lenient || f == nil || f.IsObject() {
				return &Hits{}, nil
			}
		}
		pattern := p.pattern
		if f.Class == mapping.Analysed && f.Search != words.Whitespace && f.Search != words.WholeText {
			pattern = strings.ToLower(pattern)
		}
		return (&patternQuery{name: "wildcard", field: path, value: pattern, boost: 1}).Run(c.Searcher)
	})
}

// each looks into all fields; the best score counts.
func (c *stringContext) each(find func(path string, f *mapping.Field) (*Hits, error)) (*Hits, error) {
	t := newTally(c.snap.Size(), true)
	for _, w := range c.fields {
		for _, path := range c.expand(w.pattern) {
			f, _ := c.Mapping.Find(path)
			h, err := find(path, f)
			if err != nil {
				if c.lenient && wire.AsFailure(err).Status == 400 {
					continue
				}
				return nil, err
			}
			t.add(h.boosted(w.boost))
		}
	}
	return t.hits(1, c.q.tie), nil
}

// rangeClause is a range.
type rangeClause struct{ rangeQuery }

func (g *rangeClause) find(c *stringContext) (*Hits, error) {
	return c.each(func(path string, f *mapping.Field) (*Hits, error) {
		if f == nil || f.IsObject() {
			return &Hits{}, nil
		}
		q := g.rangeQuery
		q.field, q.boost, q.zone = path, 1, c.q.zone
		return q.Run(c.Searcher)
	})
}

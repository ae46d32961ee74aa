package query

import (
	"strconv"
	"strings"

	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/wire"
)

type (
	matchAll  struct{ boost *float32 }
	matchNone struct{}
)

// maxBools is how deep bool queries may be nested.
const maxBools = 20

// All finds all documents.
func All() Query {
	boost := float32(1)
	return matchAll{&boost}
}

func (q matchAll) Run(s *Searcher) (*Hits, error) {
	return &Hits{Docs: s.live(), score: *q.boost}, nil
}

func (matchNone) Run(*Searcher) (*Hits, error) { return &Hits{}, nil }

type boolQuery struct {
	must, filter, should, not []Query
	least                     string
	boost                     float32
}

func (p *Parser) boolean(n *wire.Node) (Query, error) {
	if p.depth++; p.depth > maxBools {
		return nil, wire.Illegal("The nested depth of the query exceeds the maximum nested depth for bool queries set " +
			"in [indices.query.bool.max_nested_depth]")
	}
	defer func() { p.depth-- }()
	q := &boolQuery{boost: 1}
	for i := range n.Members {
		m := &n.Members[i]
		var into *[]Query
		switch m.Name {
		case "must":
			into = &q.must
		case "filter":
			into = &q.filter
		case "should":
			into = &q.should
		case "must_not", "mustNot":
			into = &q.not
		case "boost":
			if err := p.Option("bool", m, &q.boost); err != nil {
				return nil, err
			}
			continue
		case "minimum_should_match", "minimum_number_should_match":
			q.least = m.Node.Text
			continue
		case "adjust_pure_negative", "disable_coord":
			continue
		case "_name":
			return nil, wire.NotOffered("the option [_name] of the query [bool]")
		default:
			line, column := wire.Position(p.Body, m.At)
			return nil, wire.Errorf(400, "x_content_parse_exception", "[%d:%d] [bool] unknown field [%s]", line, column, m.Name)
		}
		clauses := m.Node.Items
		if m.Node.Kind != wire.ArrayKind {
			clauses = []wire.Node{m.Node}
		}
		for j := range clauses {
			c, err := p.Parse(&clauses[j])
			if err != nil {
				e := wire.AsFailure(err)
				if p.Major < mapping.FirstTyped || e.Status != 400 {
					return nil, err
				}
				at := clauses[j].Start
				if len(clauses[j].Members) > 0 {
					at = clauses[j].Members[0].Node.Start
				}
				line, column := wire.Position(p.Body, at)
				return nil, wire.Errorf(400, "x_content_parse_exception", "[%d:%d] [bool] failed to parse field [%s]",
					line, column, m.Name).Because(e)
			}
			*into = append(*into, c)
		}
	}
	if total := len(q.must) + len(q.filter) + len(q.should) + len(q.not); total > MaxClauses {
		return nil, wire.Errorf(400, "too_many_clauses", "maxClauseCount is set to %d", MaxClauses)
	}
	return q, nil
}

// filtered reads the query of that name, which versions before bool had filters used.
func (p *Parser) filtered(n *wire.Node) (Query, error) {
	q := &boolQuery{boost: 1}
	add := func(into *[]Query) func(*wire.Node) error {
		return func(n *wire.Node) error {
			if len(n.Members) == 0 {
				return nil
			}
			c, err := p.Parse(n)
			*into = append(*into, c)
			return err
		}
	}
	err := p.options("filtered", n, map[string]any{
		"query":    add(&q.must),
		"filter":   add(&q.filter),
		"boost":    &q.boost,
		"strategy": Ignored,
		"_cache":   Ignored,
	})
	if q.must == nil {
		boost := float32(1)
		q.must = []Query{matchAll{&boost}}
	}
	return q, err
}

func (q *boolQuery) Run(s *Searcher) (*Hits, error) {
	var base *Hits
	for _, c := range q.must {
		h, err := c.Run(s)
		if err != nil {
			return nil, err
		}
		if base == nil {
			base = h
		} else {
			base = base.And(h)
		}
	}
	for _, c := range q.filter {
		h, err := c.Run(s)
		if err != nil {
			return nil, err
		}
		if h = h.Constant(0); base == nil {
			base = h
		} else {
			base = base.And(h)
		}
	}
	base, err := q.optional(s, base)
	if err != nil {
		return nil, err
	}
	if len(q.not) > 0 {
		bad := newSet(s.snap.Size())
		for _, c := range q.not {
			h, err := c.Run(s)
			if err != nil {
				return nil, err
			}
			bad.addAll(h.Docs)
		}
		kept := &Hits{scores: []float32{}}
		for i, d := range base.Docs {
			if !bad.Has(d) {
				kept.Docs = append(kept.Docs, d)
				kept.scores = append(kept.scores, base.at(i))
			}
		}
		base = kept
	}
	return base.boosted(q.boost), nil
}

// optional adds the should clauses. minimum_should_match says how many of them have to match.
func (q *boolQuery) optional(s *Searcher, base *Hits) (*Hits, error) {
	if len(q.should) == 0 {
		switch {
		case base != nil:
			return base, nil
		case len(q.not) == 0:
			return &Hits{Docs: s.live(), score: 1}, nil
		}
		return &Hits{Docs: s.live()}, nil
	}
	least := 0
	if base == nil {
		least = 1
	}
	if q.least != "" {
		var err error
		if least, err = shouldMatch(q.least, len(q.should)); err != nil {
			return nil, err
		}
	}
	t := newTally(s.snap.Size(), false)
	for _, c := range q.should {
		h, err := c.Run(s)
		if err != nil {
			return nil, err
		}
		t.add(h)
	}
	if base == nil {
		if least > len(q.should) {
			return &Hits{}, nil
		}
		return t.hits(least, 0), nil
	}
	out := &Hits{scores: []float32{}}
	for i, d := range base.Docs {
		if int(t.counts[d]) >= least {
			out.Docs = append(out.Docs, d)
			out.scores = append(out.scores, base.at(i)+t.scores[d])
		}
	}
	return out, nil
}

// shouldMatch returns how many of the clauses minimum_should_match wants.
func shouldMatch(least string, clauses int) (int, error) {
	least = strings.TrimSpace(least)
	if strings.Contains(least, "<") {
		result := clauses
		for part := range strings.FieldsSeq(least) {
			limit, rule, ok := strings.Cut(part, "<")
			n, err := strconv.Atoi(limit)
			if !ok || err != nil {
				return 0, wire.NumberFormat(limit)
			}
			if clauses <= n {
				return result, nil
			}
			if result, err = shouldMatch(rule, clauses); err != nil {
				return 0, err
			}
		}
		return result, nil
	}
	const whole = 100
	text, percent := strings.CutSuffix(least, "%")
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, wire.NumberFormat(least)
	}
	if percent {
		part := clauses * n / whole
		if n < 0 {
			return max(0, clauses+part), nil
		}
		return part, nil
	}
	if n < 0 {
		return max(0, clauses+n), nil
	}
	return n, nil
}

type constantQuery struct {
	inner Query
	boost float32
}

func (p *Parser) constant(n *wire.Node) (Query, error) {
	q := &constantQuery{boost: 1}
	inner := func(n *wire.Node) (err error) {
		q.inner, err = p.Parse(n)
		return err
	}
	options := map[string]any{"filter": inner, "boost": &q.boost}
	if p.Major < mapping.FirstKeyword {
		options["query"] = inner
	}
	if err := p.options("constant_score", n, options); err != nil {
		return nil, err
	}
	if q.inner == nil {
		return nil, p.FailAt(n.End-1, "[constant_score] requires a 'filter' element")
	}
	return q, nil
}

func (q *constantQuery) Run(s *Searcher) (*Hits, error) {
	h, err := q.inner.Run(s)
	if err != nil {
		return nil, err
	}
	return h.Constant(q.boost), nil
}

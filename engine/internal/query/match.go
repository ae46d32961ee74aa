package query

import (
	"strings"

	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/wire"
	"github.com/seed56735111/penstock/engine/internal/words"
)

// matchQuery looks for the words of a text in fields.
type matchQuery struct {
	text     string
	fields   []weighted // in which the best one counts
	phrase   bool
	slop     int
	and      bool
	least    string // minimum_should_match
	all      bool   // what a text without words finds
	tie      float32
	sum      bool // most_fields
	boost    float32
	lenient  bool
	analyzer *words.Analyzer
}

func (p *Parser) matchOptions(q *matchQuery) map[string]any {
	operator := func(n *wire.Node) error {
		switch strings.ToLower(n.Text) {
		case "and":
			q.and = true
		case "or":
			q.and = false
		default:
			return wire.Illegal("No enum constant org.opensearch.index.query.Operator.%s", strings.ToUpper(n.Text))
		}
		return nil
	}
	zeroTerms := func(n *wire.Node) error {
		q.all = strings.EqualFold(n.Text, "all")
		return nil
	}
	return map[string]any{
		"query":                               &q.text,
		"operator":                            operator,
		"boost":                               &q.boost,
		"slop":                                &q.slop,
		"minimum_should_match":                &q.least,
		"lenient":                             &q.lenient,
		"zero_terms_query":                    zeroTerms,
		"analyzer":                            analyzerInto(&q.analyzer),
		"fuzziness":                           Only("fuzziness", "0"),
		"prefix_length":                       Ignored,
		"max_expansions":                      Ignored,
		"fuzzy_transpositions":                Ignored,
		"fuzzy_rewrite":                       Unsupported{},
		"cutoff_frequency":                    Unsupported{},
		"auto_generate_synonyms_phrase_query": Ignored,
		"rewrite":                             Unsupported{},
	}
}

func (p *Parser) match(m *wire.Member, phrase bool) (Query, error) {
	f, err := p.oneField(m.Name, &m.Node, "No text specified for text query")
	if err != nil {
		return nil, err
	}
	q := &matchQuery{fields: []weighted{{f.Name, 1}}, boost: 1, phrase: phrase}
	switch f.Node.Kind {
	case wire.ObjectKind:
		options := p.matchOptions(q)
		if p.Major < mapping.FirstKeyword {
			options["type"] = func(n *wire.Node) error {
				if n.Text == "phrase" || n.Text == "boolean" {
					q.phrase = n.Text == "phrase"
					return nil
				}
				return wire.NotOffered("the query [match] of the type [%s]", n.Text)
			}
		}
		if phrase {
			ofWords := []string{
				"operator", "minimum_should_match", "fuzziness", "prefix_length", "max_expansions", "lenient",
			}
			for _, name := range ofWords {
				delete(options, name)
			}
		}
		if err := p.options(m.Name, &f.Node, options); err != nil {
			return nil, err
		}
		if _, ok := f.Node.Get("query"); !ok {
			return nil, p.FailAt(f.Node.End-1, "No text specified for text query")
		}
	case wire.ArrayKind:
		return nil, p.FailAt(f.Node.Start, "unknown token [START_ARRAY] after [%s]", f.Name)
	case wire.NullKind:
		return nil, p.FailAt(f.Node.Start, "No text specified for text query")
	default:
		q.text = f.Node.Text
	}
	return q, nil
}

func (p *Parser) multiMatch(n *wire.Node) (Query, error) {
	q := &matchQuery{boost: 1}
	kindOf := "best_fields"
	options := p.matchOptions(q)
	options["type"] = &kindOf
	options["tie_breaker"] = &q.tie
	options["fields"] = func(n *wire.Node) error {
		for _, text := range n.Texts() {
			w, err := parseWeighted(text)
			if err != nil {
				return err
			}
			q.fields = append(q.fields, w)
		}
		return nil
	}
	if err := p.options("multi_match", n, options); err != nil {
		return nil, err
	}
	if _, ok := n.Get("query"); !ok {
		return nil, p.FailAt(n.End-1, "No text specified for multi_match query")
	}
	switch kindOf {
	case "best_fields":
	case "most_fields":
		q.sum = true
	case "phrase":
		q.phrase = true
	case "cross_fields", "phrase_prefix", "bool_prefix":
		return nil, wire.NotOffered("the query [multi_match] of the type [%s]", kindOf)
	default:
		return nil, wire.Illegal("failed to parse [multi_match] query type [%s]. unknown type.", kindOf)
	}
	if q.fields == nil {
		q.fields, q.lenient = []weighted{{"*", 1}}, true
	}
	return q, nil
}

func (q *matchQuery) Run(s *Searcher) (*Hits, error) {
	var found []*Hits
	for _, w := range q.fields {
		for _, path := range s.expand(w.pattern) {
			h, err := q.in(s, path, w.boost)
			if err != nil {
				if e := wire.AsFailure(err); e.Status == 400 && (q.lenient || strings.Contains(w.pattern, "*")) {
					continue
				}
				return nil, err
			}
			if h != nil {
				found = append(found, h)
			}
		}
	}
	switch {
	case len(found) == 0:
		return &Hits{}, nil
	case len(found) == 1:
		return found[0].boosted(q.boost), nil
	}
	t := newTally(s.snap.Size(), !q.sum)
	for _, h := range found {
		t.add(h)
	}
	return t.hits(1, q.tie).boosted(q.boost), nil
}

// in looks for the text in one field. The hits are nil when the text has no words for the field.
func (q *matchQuery) in(s *Searcher, path string, boost float32) (*Hits, error) {
	if IsSpecial(path) {
		return s.term(path, &wire.Node{Kind: wire.StringKind, Text: q.text}, boost, false)
	}
	f, err := s.lookup(path)
	if f == nil || err != nil {
		return &Hits{}, err
	}
	if f.Class != mapping.Analysed {
		return s.term(path, &wire.Node{Kind: wire.StringKind, Text: q.text}, boost, false)
	}
	a := f.Search
	if q.analyzer != nil {
		a = *q.analyzer
	}
	words := a.List(q.text)
	if len(words) > MaxClauses {
		return nil, wire.Errorf(400, "too_many_clauses", "maxClauseCount is set to %d", MaxClauses)
	}
	name := mapping.FieldPrefix + path
	switch {
	case len(words) == 0 && q.all:
		return &Hits{Docs: s.live(), score: boost}, nil
	case len(words) == 0:
		return nil, nil // says nothing
	case len(words) == 1:
		return s.scored(name, f, words[0], boost)
	case q.phrase:
		return s.phrase(name, f, words, q.slop, boost)
	}
	least := 1
	if q.and {
		least = len(words)
	} else if q.least != "" {
		if least, err = shouldMatch(q.least, len(words)); err != nil {
			return nil, err
		}
	}
	if least > len(words) {
		return &Hits{}, nil
	}
	t := newTally(s.snap.Size(), false)
	for _, word := range words {
		h, err := s.scored(name, f, word, boost)
		if err != nil {
			return nil, err
		}
		t.add(h)
	}
	return t.hits(least, 0), nil
}

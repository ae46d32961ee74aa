package engine

import (
	"strconv"
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

type weighted struct {
	pattern string
	boost   float32
}

func (p *queryParser) matchOptions(q *matchQuery) map[string]any {
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
	return map[string]any{
		"query": &q.text, "operator": operator, "boost": &q.boost, "slop": &q.slop, "minimum_should_match": &q.least, "lenient": &q.lenient,
		"zero_terms_query": func(n *wire.Node) error { q.all = strings.EqualFold(n.Text, "all"); return nil },
		"analyzer":         p.analyzerInto(&q.analyzer),
		"fuzziness":        only("fuzziness", "0"), "prefix_length": func(*wire.Node) error { return nil }, "max_expansions": func(*wire.Node) error { return nil },
		"fuzzy_transpositions": func(*wire.Node) error { return nil }, "fuzzy_rewrite": unsupported{}, "cutoff_frequency": unsupported{},
		"auto_generate_synonyms_phrase_query": func(*wire.Node) error { return nil }, "rewrite": unsupported{},
	}
}

func (p *queryParser) analyzerInto(into **words.Analyzer) func(*wire.Node) error {
	return func(n *wire.Node) error {
		a, ok := words.Analyzers()[n.Text]
		if !ok {
			return wire.NotOffered("the analyzer [%s]", n.Text)
		}
		*into = &a
		return nil
	}
}

func (p *queryParser) match(m *wire.Member, phrase bool) (query, error) {
	f, err := p.oneField(m.Name, &m.Node, "No text specified for text query")
	if err != nil {
		return nil, err
	}
	q := &matchQuery{fields: []weighted{{f.Name, 1}}, boost: 1, phrase: phrase}
	switch f.Node.Kind {
	case wire.ObjectKind:
		options := p.matchOptions(q)
		if p.major < mapping.FirstKeyword {
			options["type"] = func(n *wire.Node) error {
				if n.Text == "phrase" || n.Text == "boolean" {
					q.phrase = n.Text == "phrase"
					return nil
				}
				return wire.NotOffered("the query [match] of the type [%s]", n.Text)
			}
		}
		if phrase {
			for _, name := range []string{"operator", "minimum_should_match", "fuzziness", "prefix_length", "max_expansions", "lenient"} {
				delete(options, name)
			}
		}
		if err := p.options(m.Name, &f.Node, options); err != nil {
			return nil, err
		}
		if _, ok := f.Node.Get("query"); !ok {
			return nil, p.failAt(f.Node.End-1, "No text specified for text query")
		}
	case wire.ArrayKind:
		return nil, p.failAt(f.Node.Start, "unknown token [START_ARRAY] after [%s]", f.Name)
	case wire.NullKind:
		return nil, p.failAt(f.Node.Start, "No text specified for text query")
	default:
		q.text = f.Node.Text
	}
	return q, nil
}

func (p *queryParser) multiMatch(n *wire.Node) (query, error) {
	q := &matchQuery{boost: 1}
	kindOf := "best_fields"
	options := p.matchOptions(q)
	options["type"] = &kindOf
	options["tie_breaker"] = &q.tie
	options["fields"] = func(n *wire.Node) error {
		for _, text := range texts(n) {
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
		return nil, p.failAt(n.End-1, "No text specified for multi_match query")
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

func parseWeighted(text string) (weighted, error) {
	name, boost, ok := strings.Cut(text, "^")
	w := weighted{name, 1}
	if ok {
		v, err := strconv.ParseFloat(boost, 32)
		if err != nil {
			return w, wire.NumberFormat(boost)
		}
		w.boost = float32(v)
	}
	return w, nil
}

type termQuery struct {
	field string
	value *wire.Node
	boost float32
	fold  bool
}

// noField is what the engines say of a query about no field.
func noField() error { return wire.Illegal("field name is null or empty") }

func (p *queryParser) term(n *wire.Node) (query, error) {
	if n.Kind == wire.ObjectKind && len(n.Members) == 0 && p.major >= mapping.FirstUntyped {
		return nil, noField()
	}
	f, err := p.oneField("term", n, "[term] query must have a field")
	if err != nil {
		return nil, err
	}
	q := &termQuery{field: f.Name, value: &f.Node, boost: 1}
	switch f.Node.Kind {
	case wire.ObjectKind:
		q.value = nil
		if err := p.options("term", &f.Node, map[string]any{"value": &q.value, "term": &q.value, "boost": &q.boost, "case_insensitive": &q.fold}); err != nil {
			return nil, err
		}
		if q.value == nil || q.value.Kind == wire.NullKind {
			return nil, wire.Illegal("value cannot be null")
		}
	case wire.ArrayKind:
		return nil, p.failAt(f.Node.Start, "[term] query does not support array of values")
	case wire.NullKind:
		return nil, noField()
	}
	return q, nil
}

type termsQuery struct {
	field  string
	values []wire.Node
	boost  float32
}

// maxTerms is how many values a terms query may have.
const maxTerms = 65536

func (p *queryParser) terms(n *wire.Node) (query, error) {
	q := &termsQuery{boost: 1}
	for i := range n.Members {
		m := &n.Members[i]
		switch {
		case m.Name == "boost" && m.Node.Kind == wire.NumberKind:
			if err := p.option("terms", m, &q.boost); err != nil {
				return nil, err
			}
		case m.Name == "_name" || m.Name == "value_type":
			return nil, wire.NotOffered("the option [%s] of the query [terms]", m.Name)
		case p.major < mapping.FirstKeyword && (m.Name == "execution" || m.Name == "_cache" || m.Name == "_cache_key" || m.Name == "minimum_should_match"):
			if m.Name == "minimum_should_match" {
				return nil, wire.NotOffered("the option [%s] of the query [terms]", m.Name)
			}
		case m.Node.Kind == wire.ObjectKind:
			return nil, wire.NotOffered("terms lookup")
		case m.Node.Kind != wire.ArrayKind:
			return nil, p.failAt(m.Node.Start, "[terms] query does not support [%s]", m.Name)
		case q.field != "":
			return nil, p.failAt(m.Node.Start, "[terms] query does not support multiple fields")
		default:
			q.field, q.values = m.Name, m.Node.Items
		}
	}
	if q.field == "" {
		return nil, p.failAt(n.End-1, "[terms] query requires a field name, followed by array of terms or a document lookup specification")
	}
	if len(q.values) > maxTerms {
		return nil, wire.Illegal("The number of terms [%d] used in the Terms Query request has exceeded the allowed maximum of [%d]. This maximum can be set by changing the [index.max_terms_count] index level setting.", len(q.values), maxTerms)
	}
	for i := range q.values {
		if k := q.values[i].Kind; k == wire.NullKind || k == wire.ObjectKind || k == wire.ArrayKind {
			return nil, p.failAt(q.values[i].Start, "No value specified for terms query")
		}
	}
	return q, nil
}

type rangeQuery struct {
	field    string
	from, to *wire.Node
	noFrom   bool // from itself is not in it
	noTo     bool
	format   string
	zone     string
	boost    float32
}

func (p *queryParser) ranged(n *wire.Node) (query, error) {
	f, err := p.oneField("range", n, "[range] query must have a field")
	if err != nil {
		return nil, err
	}
	if f.Node.Kind != wire.ObjectKind {
		return nil, p.failAt(f.Node.Start, "[range] query does not support [%s]", f.Name)
	}
	q := &rangeQuery{field: f.Name, boost: 1}
	lower, upper := true, true
	bound := func(into **wire.Node, open *bool, isOpen bool) func(*wire.Node) error {
		return func(n *wire.Node) error {
			if n.Kind != wire.NullKind {
				*into = n
			}
			*open = isOpen
			return nil
		}
	}
	options := map[string]any{
		"gte": bound(&q.from, &q.noFrom, false), "ge": bound(&q.from, &q.noFrom, false), "gt": bound(&q.from, &q.noFrom, true),
		"lte": bound(&q.to, &q.noTo, false), "le": bound(&q.to, &q.noTo, false), "lt": bound(&q.to, &q.noTo, true),
		"from": bound(&q.from, &q.noFrom, false), "to": bound(&q.to, &q.noTo, false), "include_lower": &lower, "include_upper": &upper,
		"format": &q.format, "time_zone": &q.zone, "boost": &q.boost, "relation": only("relation", "intersects", "INTERSECTS"),
	}
	if err := p.options("range", &f.Node, options); err != nil {
		return nil, err
	}
	q.noFrom, q.noTo = q.noFrom || !lower, q.noTo || !upper
	return q, nil
}

type existsQuery struct {
	field string
	boost float32
}

func (p *queryParser) exists(n *wire.Node) (query, error) {
	q := &existsQuery{boost: 1}
	if err := p.options("exists", n, map[string]any{"field": &q.field, "boost": &q.boost}); err != nil {
		return nil, err
	}
	if f, ok := n.Get("field"); ok && f.Kind == wire.StringKind && q.field == "" {
		return nil, noField()
	}
	if q.field == "" {
		return nil, p.failAt(n.End-1, "[exists] must be provided with a [field]")
	}
	return q, nil
}

type idsQuery struct {
	ids   []string
	types []string
	boost float32
}

func (p *queryParser) ids(n *wire.Node) (query, error) {
	q := &idsQuery{boost: 1}
	options := map[string]any{"values": func(n *wire.Node) error { q.ids = texts(n); return nil }, "boost": &q.boost}
	if p.major <= mapping.FirstUntyped {
		options["type"] = func(n *wire.Node) error { q.types = texts(n); return nil }
	}
	if err := p.options("ids", n, options); err != nil {
		return nil, err
	}
	return q, nil
}

// patternQuery finds terms that begin with a text or match wildcards.
type patternQuery struct {
	name  string
	field string
	value string
	fold  bool
	boost float32
}

func (p *queryParser) pattern(m *wire.Member, name string) (query, error) {
	f, err := p.oneField(name, &m.Node, "["+name+"] query must have a field")
	if err != nil {
		return nil, err
	}
	q := &patternQuery{name: name, field: f.Name, value: f.Node.Text, boost: 1}
	if f.Node.Kind == wire.ObjectKind {
		constant := only("rewrite", "constant_score", "constant_score_auto", "constant_score_boolean", "constant_score_blended")
		if err := p.options(name, &f.Node, map[string]any{"value": &q.value, name: &q.value, "boost": &q.boost, "case_insensitive": &q.fold, "rewrite": constant}); err != nil {
			return nil, err
		}
	}
	return q, nil
}

type boolQuery struct {
	must, filter, should, not []query
	least                     string
	boost                     float32
}

func (p *queryParser) boolean(n *wire.Node) (query, error) {
	if p.depth++; p.depth > maxBools {
		return nil, wire.Illegal("The nested depth of the query exceeds the maximum nested depth for bool queries set in [indices.query.bool.max_nested_depth]")
	}
	defer func() { p.depth-- }()
	q := &boolQuery{boost: 1}
	for i := range n.Members {
		m := &n.Members[i]
		var into *[]query
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
			if err := p.option("bool", m, &q.boost); err != nil {
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
			line, column := wire.Position(p.body, m.At)
			return nil, wire.Errorf(400, "x_content_parse_exception", "[%d:%d] [bool] unknown field [%s]", line, column, m.Name)
		}
		clauses := m.Node.Items
		if m.Node.Kind != wire.ArrayKind {
			clauses = []wire.Node{m.Node}
		}
		for j := range clauses {
			c, err := p.parse(&clauses[j])
			if err != nil {
				e := wire.AsFailure(err)
				if p.major < mapping.FirstTyped || e.Status != 400 {
					return nil, err
				}
				at := clauses[j].Start
				if len(clauses[j].Members) > 0 {
					at = clauses[j].Members[0].Node.Start
				}
				line, column := wire.Position(p.body, at)
				return nil, wire.Errorf(400, "x_content_parse_exception", "[%d:%d] [bool] failed to parse field [%s]", line, column, m.Name).Because(e)
			}
			*into = append(*into, c)
		}
	}
	if total := len(q.must) + len(q.filter) + len(q.should) + len(q.not); total > maxClauses {
		return nil, wire.Errorf(400, "too_many_clauses", "maxClauseCount is set to %d", maxClauses)
	}
	return q, nil
}

type constantQuery struct {
	inner query
	boost float32
}

func (p *queryParser) constant(n *wire.Node) (query, error) {
	q := &constantQuery{boost: 1}
	inner := func(n *wire.Node) (err error) {
		q.inner, err = p.parse(n)
		return err
	}
	options := map[string]any{"filter": inner, "boost": &q.boost}
	if p.major < mapping.FirstKeyword {
		options["query"] = inner
	}
	if err := p.options("constant_score", n, options); err != nil {
		return nil, err
	}
	if q.inner == nil {
		return nil, p.failAt(n.End-1, "[constant_score] requires a 'filter' element")
	}
	return q, nil
}

// filtered is a query with a filter, as it was written before there were filters in bool.
func (p *queryParser) filtered(n *wire.Node) (query, error) {
	q := &boolQuery{boost: 1}
	add := func(into *[]query) func(*wire.Node) error {
		return func(n *wire.Node) error {
			if len(n.Members) == 0 {
				return nil
			}
			c, err := p.parse(n)
			*into = append(*into, c)
			return err
		}
	}
	err := p.options("filtered", n, map[string]any{"query": add(&q.must), "filter": add(&q.filter), "boost": &q.boost, "strategy": func(*wire.Node) error { return nil }, "_cache": func(*wire.Node) error { return nil }})
	if q.must == nil {
		boost := float32(1)
		q.must = []query{matchAll{&boost}}
	}
	return q, err
}

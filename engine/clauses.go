package engine

import (
	"strconv"
	"strings"
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
	analyzer *analyzer
}

type weighted struct {
	pattern string
	boost   float32
}

func (p *queryParser) matchOptions(q *matchQuery) map[string]any {
	operator := func(n *node) error {
		switch strings.ToLower(n.text) {
		case "and":
			q.and = true
		case "or":
			q.and = false
		default:
			return illegal("No enum constant org.opensearch.index.query.Operator.%s", strings.ToUpper(n.text))
		}
		return nil
	}
	return map[string]any{
		"query": &q.text, "operator": operator, "boost": &q.boost, "slop": &q.slop, "minimum_should_match": &q.least, "lenient": &q.lenient,
		"zero_terms_query": func(n *node) error { q.all = strings.EqualFold(n.text, "all"); return nil },
		"analyzer":         p.analyzerInto(&q.analyzer),
		"fuzziness":        only("fuzziness", "0"), "prefix_length": func(*node) error { return nil }, "max_expansions": func(*node) error { return nil },
		"fuzzy_transpositions": func(*node) error { return nil }, "fuzzy_rewrite": unsupported{}, "cutoff_frequency": unsupported{},
		"auto_generate_synonyms_phrase_query": func(*node) error { return nil }, "rewrite": unsupported{},
	}
}

func (p *queryParser) analyzerInto(into **analyzer) func(*node) error {
	return func(n *node) error {
		a, ok := analyzers()[n.text]
		if !ok {
			return notOffered("the analyzer [%s]", n.text)
		}
		*into = &a
		return nil
	}
}

func (p *queryParser) match(m *member, phrase bool) (query, error) {
	f, err := p.oneField(m.name, &m.node, "No text specified for text query")
	if err != nil {
		return nil, err
	}
	q := &matchQuery{fields: []weighted{{f.name, 1}}, boost: 1, phrase: phrase}
	switch f.node.kind {
	case isObject:
		options := p.matchOptions(q)
		if p.major < firstKeyword {
			options["type"] = func(n *node) error {
				if n.text == "phrase" || n.text == "boolean" {
					q.phrase = n.text == "phrase"
					return nil
				}
				return notOffered("the query [match] of the type [%s]", n.text)
			}
		}
		if phrase {
			for _, name := range []string{"operator", "minimum_should_match", "fuzziness", "prefix_length", "max_expansions", "lenient"} {
				delete(options, name)
			}
		}
		if err := p.options(m.name, &f.node, options); err != nil {
			return nil, err
		}
		if _, ok := f.node.get("query"); !ok {
			return nil, p.failAt(f.node.end-1, "No text specified for text query")
		}
	case isArray:
		return nil, p.failAt(f.node.start, "unknown token [START_ARRAY] after [%s]", f.name)
	case isNull:
		return nil, p.failAt(f.node.start, "No text specified for text query")
	default:
		q.text = f.node.text
	}
	return q, nil
}

func (p *queryParser) multiMatch(n *node) (query, error) {
	q := &matchQuery{boost: 1}
	kindOf := "best_fields"
	options := p.matchOptions(q)
	options["type"] = &kindOf
	options["tie_breaker"] = &q.tie
	options["fields"] = func(n *node) error {
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
	if _, ok := n.get("query"); !ok {
		return nil, p.failAt(n.end-1, "No text specified for multi_match query")
	}
	switch kindOf {
	case "best_fields":
	case "most_fields":
		q.sum = true
	case "phrase":
		q.phrase = true
	case "cross_fields", "phrase_prefix", "bool_prefix":
		return nil, notOffered("the query [multi_match] of the type [%s]", kindOf)
	default:
		return nil, illegal("failed to parse [multi_match] query type [%s]. unknown type.", kindOf)
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
			return w, numberFormat(boost)
		}
		w.boost = float32(v)
	}
	return w, nil
}

type termQuery struct {
	field string
	value *node
	boost float32
	fold  bool
}

// noField is what the engines say of a query about no field.
func noField() error { return illegal("field name is null or empty") }

func (p *queryParser) term(n *node) (query, error) {
	if n.kind == isObject && len(n.members) == 0 && p.major >= firstUntyped {
		return nil, noField()
	}
	f, err := p.oneField("term", n, "[term] query must have a field")
	if err != nil {
		return nil, err
	}
	q := &termQuery{field: f.name, value: &f.node, boost: 1}
	switch f.node.kind {
	case isObject:
		q.value = nil
		if err := p.options("term", &f.node, map[string]any{"value": &q.value, "term": &q.value, "boost": &q.boost, "case_insensitive": &q.fold}); err != nil {
			return nil, err
		}
		if q.value == nil || q.value.kind == isNull {
			return nil, illegal("value cannot be null")
		}
	case isArray:
		return nil, p.failAt(f.node.start, "[term] query does not support array of values")
	case isNull:
		return nil, noField()
	}
	return q, nil
}

type termsQuery struct {
	field  string
	values []node
	boost  float32
}

// maxTerms is how many values a terms query may have.
const maxTerms = 65536

func (p *queryParser) terms(n *node) (query, error) {
	q := &termsQuery{boost: 1}
	for i := range n.members {
		m := &n.members[i]
		switch {
		case m.name == "boost" && m.node.kind == isNumber:
			if err := p.option("terms", m, &q.boost); err != nil {
				return nil, err
			}
		case m.name == "_name" || m.name == "value_type":
			return nil, notOffered("the option [%s] of the query [terms]", m.name)
		case p.major < firstKeyword && (m.name == "execution" || m.name == "_cache" || m.name == "_cache_key" || m.name == "minimum_should_match"):
			if m.name == "minimum_should_match" {
				return nil, notOffered("the option [%s] of the query [terms]", m.name)
			}
		case m.node.kind == isObject:
			return nil, notOffered("terms lookup")
		case m.node.kind != isArray:
			return nil, p.failAt(m.node.start, "[terms] query does not support [%s]", m.name)
		case q.field != "":
			return nil, p.failAt(m.node.start, "[terms] query does not support multiple fields")
		default:
			q.field, q.values = m.name, m.node.items
		}
	}
	if q.field == "" {
		return nil, p.failAt(n.end-1, "[terms] query requires a field name, followed by array of terms or a document lookup specification")
	}
	if len(q.values) > maxTerms {
		return nil, illegal("The number of terms [%d] used in the Terms Query request has exceeded the allowed maximum of [%d]. This maximum can be set by changing the [index.max_terms_count] index level setting.", len(q.values), maxTerms)
	}
	for i := range q.values {
		if k := q.values[i].kind; k == isNull || k == isObject || k == isArray {
			return nil, p.failAt(q.values[i].start, "No value specified for terms query")
		}
	}
	return q, nil
}

type rangeQuery struct {
	field    string
	from, to *node
	noFrom   bool // from itself is not in it
	noTo     bool
	format   string
	zone     string
	boost    float32
}

func (p *queryParser) ranged(n *node) (query, error) {
	f, err := p.oneField("range", n, "[range] query must have a field")
	if err != nil {
		return nil, err
	}
	if f.node.kind != isObject {
		return nil, p.failAt(f.node.start, "[range] query does not support [%s]", f.name)
	}
	q := &rangeQuery{field: f.name, boost: 1}
	lower, upper := true, true
	bound := func(into **node, open *bool, isOpen bool) func(*node) error {
		return func(n *node) error {
			if n.kind != isNull {
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
	if err := p.options("range", &f.node, options); err != nil {
		return nil, err
	}
	q.noFrom, q.noTo = q.noFrom || !lower, q.noTo || !upper
	return q, nil
}

type existsQuery struct {
	field string
	boost float32
}

func (p *queryParser) exists(n *node) (query, error) {
	q := &existsQuery{boost: 1}
	if err := p.options("exists", n, map[string]any{"field": &q.field, "boost": &q.boost}); err != nil {
		return nil, err
	}
	if f, ok := n.get("field"); ok && f.kind == isString && q.field == "" {
		return nil, noField()
	}
	if q.field == "" {
		return nil, p.failAt(n.end-1, "[exists] must be provided with a [field]")
	}
	return q, nil
}

type idsQuery struct {
	ids   []string
	types []string
	boost float32
}

func (p *queryParser) ids(n *node) (query, error) {
	q := &idsQuery{boost: 1}
	options := map[string]any{"values": func(n *node) error { q.ids = texts(n); return nil }, "boost": &q.boost}
	if p.major <= firstUntyped {
		options["type"] = func(n *node) error { q.types = texts(n); return nil }
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

func (p *queryParser) pattern(m *member, name string) (query, error) {
	f, err := p.oneField(name, &m.node, "["+name+"] query must have a field")
	if err != nil {
		return nil, err
	}
	q := &patternQuery{name: name, field: f.name, value: f.node.text, boost: 1}
	if f.node.kind == isObject {
		constant := only("rewrite", "constant_score", "constant_score_auto", "constant_score_boolean", "constant_score_blended")
		if err := p.options(name, &f.node, map[string]any{"value": &q.value, name: &q.value, "boost": &q.boost, "case_insensitive": &q.fold, "rewrite": constant}); err != nil {
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

func (p *queryParser) boolean(n *node) (query, error) {
	if p.depth++; p.depth > maxBools {
		return nil, illegal("The nested depth of the query exceeds the maximum nested depth for bool queries set in [indices.query.bool.max_nested_depth]")
	}
	defer func() { p.depth-- }()
	q := &boolQuery{boost: 1}
	for i := range n.members {
		m := &n.members[i]
		var into *[]query
		switch m.name {
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
			q.least = m.node.text
			continue
		case "adjust_pure_negative", "disable_coord":
			continue
		case "_name":
			return nil, notOffered("the option [_name] of the query [bool]")
		default:
			line, column := position(p.body, m.at)
			return nil, errorf(400, "x_content_parse_exception", "[%d:%d] [bool] unknown field [%s]", line, column, m.name)
		}
		clauses := m.node.items
		if m.node.kind != isArray {
			clauses = []node{m.node}
		}
		for j := range clauses {
			c, err := p.parse(&clauses[j])
			if err != nil {
				e := asAPIError(err)
				if p.major < firstTyped || e.status != 400 {
					return nil, err
				}
				at := clauses[j].start
				if len(clauses[j].members) > 0 {
					at = clauses[j].members[0].node.start
				}
				line, column := position(p.body, at)
				return nil, errorf(400, "x_content_parse_exception", "[%d:%d] [bool] failed to parse field [%s]", line, column, m.name).because(e)
			}
			*into = append(*into, c)
		}
	}
	if total := len(q.must) + len(q.filter) + len(q.should) + len(q.not); total > maxClauses {
		return nil, errorf(400, "too_many_clauses", "maxClauseCount is set to %d", maxClauses)
	}
	return q, nil
}

type constantQuery struct {
	inner query
	boost float32
}

func (p *queryParser) constant(n *node) (query, error) {
	q := &constantQuery{boost: 1}
	inner := func(n *node) (err error) {
		q.inner, err = p.parse(n)
		return err
	}
	options := map[string]any{"filter": inner, "boost": &q.boost}
	if p.major < firstKeyword {
		options["query"] = inner
	}
	if err := p.options("constant_score", n, options); err != nil {
		return nil, err
	}
	if q.inner == nil {
		return nil, p.failAt(n.end-1, "[constant_score] requires a 'filter' element")
	}
	return q, nil
}

// filtered is a query with a filter, as it was written before there were filters in bool.
func (p *queryParser) filtered(n *node) (query, error) {
	q := &boolQuery{boost: 1}
	add := func(into *[]query) func(*node) error {
		return func(n *node) error {
			if len(n.members) == 0 {
				return nil
			}
			c, err := p.parse(n)
			*into = append(*into, c)
			return err
		}
	}
	err := p.options("filtered", n, map[string]any{"query": add(&q.must), "filter": add(&q.filter), "boost": &q.boost, "strategy": func(*node) error { return nil }, "_cache": func(*node) error { return nil }})
	if q.must == nil {
		boost := float32(1)
		q.must = []query{matchAll{&boost}}
	}
	return q, err
}

package query

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/wire"
	"github.com/seed56735111/penstock/engine/internal/words"
)

// stringQuery is a query in Lucene's language: words, phrases, fields, ranges, wildcards, AND, OR, NOT.
type stringQuery struct {
	text     string
	fields   []weighted
	and      bool
	lenient  bool
	least    string
	slop     int
	boost    float32
	tie      float32
	analyzer *words.Analyzer
	zone     string
	parsed   clause
}

func (p *Parser) queryString(n *wire.Node) (Query, error) {
	q := &stringQuery{boost: 1}
	options := map[string]any{
		"query":                &q.text,
		"boost":                &q.boost,
		"lenient":              &q.lenient,
		"minimum_should_match": &q.least,
		"phrase_slop":          &q.slop,
		"tie_breaker":          &q.tie,
		"time_zone":            &q.zone,
		"default_field": func(n *wire.Node) error {
			w, err := parseWeighted(n.Text)
			q.fields = append(q.fields, w)
			return err
		},
		"fields": func(n *wire.Node) error {
			for _, text := range n.Texts() {
				w, err := parseWeighted(text)
				if err != nil {
					return err
				}
				q.fields = append(q.fields, w)
			}
			return nil
		},
		"default_operator": func(n *wire.Node) error { q.and = strings.EqualFold(n.Text, "and"); return nil },
		"analyzer":         analyzerInto(&q.analyzer), "quote_analyzer": Unsupported{},
		"analyze_wildcard":                    Ignored,
		"allow_leading_wildcard":              Only("allow_leading_wildcard", "true"),
		"auto_generate_phrase_queries":        Only("auto_generate_phrase_queries", "false"),
		"auto_generate_synonyms_phrase_query": Ignored,
		"enable_position_increments":          Ignored,
		"escape":                              Only("escape", "false"),
		"fuzziness":                           Ignored,
		"fuzzy_prefix_length":                 Ignored,
		"fuzzy_max_expansions":                Ignored,
		"fuzzy_transpositions":                Ignored,
		"fuzzy_rewrite":                       Ignored,
		"max_determinized_states":             Ignored,
		"rewrite":                             Only("rewrite", "constant_score"),
		"type":                                Only("type", "best_fields"),
		"use_dis_max":                         Ignored,
		"lowercase_expanded_terms":            Ignored,
		"quote_field_suffix":                  Unsupported{},
		"locale":                              Ignored,
	}
	if err := p.options("query_string", n, options); err != nil {
		return nil, err
	}
	if _, ok := n.Get("query"); !ok {
		return nil, p.FailAt(n.End-1, "[query_string] must be provided with a [query]")
	}
	return q, q.parse()
}

// Line is the query of ?q with the parameters beside it.
type Line struct {
	Text         string
	DefaultField string
	Analyzer     string
	And          bool // of words without an operator between them
	Lenient      bool
}

// ParseLine reads a query of ?q.
func ParseLine(l Line) (Query, error) {
	q := &stringQuery{text: l.Text, boost: 1, and: l.And, lenient: l.Lenient}
	if l.DefaultField != "" {
		q.fields = []weighted{{l.DefaultField, 1}}
	}
	if l.Analyzer != "" {
		if err := analyzerInto(&q.analyzer)(&wire.Node{Kind: wire.StringKind, Text: l.Analyzer}); err != nil {
			return nil, err
		}
	}
	return q, q.parse()
}

// parse reads the text. The engines report a bad text from the shards, so Run reports it.
func (q *stringQuery) parse() error {
	r := &stringReader{text: []rune(q.text), and: q.and}
	c, err := r.clauses(0)
	if r.space(); err == nil && r.at < len(r.text) {
		err = r.fail()
	}
	if err != nil {
		if wire.AsFailure(err).Status != 400 {
			return err
		}
		q.parsed = &badClause{wire.AsFailure(err)}
		return nil
	}
	q.parsed = c
	return nil
}

func (q *stringQuery) Run(s *Searcher) (*Hits, error) {
	if b, ok := q.parsed.(*badClause); ok {
		e := wire.Errorf(400, "query_shard_exception", "Failed to parse query [%s]", q.text).
			With("index", s.Index.Name, "index_uuid", s.Index.UUID)
		e.RootCause = e
		return nil, s.ShardFailure(e.Because(b.err))
	}
	fields, lenient := q.fields, q.lenient
	if fields == nil {
		fields, lenient = []weighted{{"*", 1}}, true
		if s.Mapping.Major < mapping.FirstUntyped {
			fields[0].pattern = "_all"
		}
	}
	c := &stringContext{Searcher: s, q: q, fields: fields, lenient: lenient}
	h, err := q.parsed.find(c)
	if err != nil || h == nil {
		return &Hits{}, err
	}
	return h.boosted(q.boost), nil
}

// stringContext is where a clause looks.
type stringContext struct {
	*Searcher
	q       *stringQuery
	fields  []weighted
	lenient bool
}

// clause is a part of a query string. It finds nil, instead of no hits, when its text has no words.
type clause interface {
	find(c *stringContext) (*Hits, error)
}

type badClause struct{ err *wire.Failure }

func (b *badClause) find(*stringContext) (*Hits, error) { return nil, b.err }

// stringReader reads a query string.
type stringReader struct {
	text []rune
	at   int
	and  bool
	size int
}

// maxStringDepth is how deep a query string may nest its parentheses.
const maxStringDepth = 50

func (r *stringReader) fail() error {
	what := "<EOF>"
	if r.at < len(r.text) {
		what = string(r.text[r.at])
	}
	problem := fmt.Sprintf("Encountered \"%s\" at line 1, column %d.", what, r.at)
	return wire.Errorf(400, "parse_exception", "Cannot parse '%s': %s", string(r.text), problem).
		Because(wire.Errorf(400, "parse_exception", "%s", problem))
}

func (r *stringReader) space() {
	for r.at < len(r.text) && unicode.IsSpace(r.text[r.at]) {
		r.at++
	}
}

func (r *stringReader) peek() rune {
	if r.at < len(r.text) {
		return r.text[r.at]
	}
	return 0
}

// word takes an operator that is written as a word.
func (r *stringReader) word(words ...string) bool {
	for _, w := range words {
		n := len([]rune(w))
		if r.at+n > len(r.text) || string(r.text[r.at:r.at+n]) != w {
			continue
		}
		if unicode.IsLetter([]rune(w)[0]) && r.at+n < len(r.text) {
			if c := r.text[r.at+n]; !unicode.IsSpace(c) && c != '(' && c != ')' && c != '"' {
				continue
			}
		}
		r.at += n
		return true
	}
	return false
}

// clauses reads clauses up to the end or a closing parenthesis, as Lucene's classic parser does: AND makes its
// neighbours required, OR leaves them as they are.
func (r *stringReader) clauses(depth int) (clause, error) {
	if depth > maxStringDepth {
		return nil, wire.Illegal("the query string is nested too deep")
	}
	const (
		may = iota
		must
		not
	)
	type part struct {
		clause clause
		how    int
	}
	var parts []part
	for {
		r.space()
		and, or := false, false
		if len(parts) > 0 {
			if and = r.word("AND", "&&"); !and {
				or = r.word("OR", "||")
			}
		} else if r.word("AND", "&&", "OR", "||") {
			r.at--
			return nil, r.fail()
		}
		r.space()
		if r.at >= len(r.text) || r.peek() == ')' {
			if and || or {
				return nil, r.fail()
			}
			break
		}
		how := may
		switch {
		case r.word("NOT"), r.peek() == '!' && r.word("!"), r.peek() == '-' && r.word("-"):
			how = not
		case r.peek() == '+' && r.word("+"):
			how = must
		}
		r.space()
		c, err := r.clause(depth)
		if err != nil {
			return nil, err
		}
		if r.size++; r.size > MaxClauses {
			return nil, wire.Errorf(400, "too_many_clauses", "maxClauseCount is set to %d", MaxClauses)
		}
		if last := len(parts) - 1; last >= 0 {
			if and && parts[last].how == may {
				parts[last].how = must
			}
			if r.and && or && parts[last].how == must {
				parts[last].how = may
			}
		}
		if how == may && (and || r.and && !or) {
			how = must
		}
		parts = append(parts, part{c, how})
	}
	if len(parts) == 0 {
		if depth > 0 {
			return nil, r.fail()
		}
		return &boolClause{}, nil
	}
	if len(parts) == 1 && parts[0].how != not {
		return parts[0].clause, nil
	}
	b := &boolClause{}
	for _, p := range parts {
		switch p.how {
		case must:
			b.must = append(b.must, p.clause)
		case not:
			b.not = append(b.not, p.clause)
		default:
			b.may = append(b.may, p.clause)
		}
	}
	return b, nil
}

// clause reads one clause: with its field, if it has one, and with its boost.
func (r *stringReader) clause(depth int) (clause, error) {
	field := ""
	if name, ok := r.fieldName(); ok {
		field = name
	}
	r.space()
	var c clause
	var err error
	switch {
	case r.peek() == '(':
		r.at++
		if c, err = r.clauses(depth + 1); err == nil && r.peek() != ')' {
			err = r.fail()
		}
		r.at++
	default:
		c, err = r.term(field)
	}
	if err != nil {
		return nil, err
	}
	if r.peek() == '^' {
		start := r.at + 1
		for r.at++; r.at < len(r.text) && (r.text[r.at] == '.' || r.text[r.at] >= '0' && r.text[r.at] <= '9'); r.at++ {
		}
		boost, err := strconv.ParseFloat(string(r.text[start:r.at]), 32)
		if err != nil {
			return nil, r.fail()
		}
		c = &boostClause{c, float32(boost)}
	}
	if field != "" {
		c = &fieldClause{field, c}
	}
	return c, nil
}

// fieldName reads a field's name and the colon after it.
func (r *stringReader) fieldName() (string, bool) {
	var name strings.Builder
	for i := r.at; i < len(r.text); i++ {
		switch c := r.text[i]; {
		case c == '\\' && i+1 < len(r.text):
			i++
			name.WriteRune(r.text[i])
		case c == ':':
			if name.Len() == 0 {
				return "", false
			}
			r.at = i + 1
			return name.String(), true
		case unicode.IsSpace(c) || strings.ContainsRune(`()[]{}"^~/`, c):
			return "", false
		default:
			name.WriteRune(c)
		}
	}
	return "", false
}

// term reads a word, a phrase, a pattern or a range.
func (r *stringReader) term(field string) (clause, error) {
	switch c := r.peek(); c {
	case '"':
		return r.quoted()
	case '[', '{':
		return r.between()
	case '/':
		return nil, wire.NotOffered("regular expressions in a query string")
	case '>', '<':
		if field != "" {
			return r.comparison()
		}
	case 0:
		return nil, r.fail()
	}
	var text, pattern strings.Builder
	wild := false
	start := r.at
	for ; r.at < len(r.text); r.at++ {
		c := r.text[r.at]
		if unicode.IsSpace(c) || strings.ContainsRune(`()[]{}"^~:`, c) {
			break
		}
		switch c {
		case '\\':
			if r.at++; r.at >= len(r.text) {
				return nil, r.fail()
			}
			text.WriteRune(r.text[r.at])
			pattern.WriteRune('\\')
			pattern.WriteRune(r.text[r.at])
			continue
		case '*', '?':
			wild = true
		}
		text.WriteRune(c)
		pattern.WriteRune(c)
	}
	switch {
	case r.at == start:
		return nil, r.fail()
	case r.peek() == '~':
		return nil, wire.NotOffered("fuzzy words in a query string")
	case r.peek() == ':' && text.String() == "*" && field == "": // *:*
		r.at++
		if r.peek() != '*' {
			return nil, r.fail()
		}
		r.at++
		return everything{}, nil
	case r.peek() == ':':
		return nil, r.fail()
	case text.String() == "*":
		return everything{}, nil
	case wild:
		return &patternClause{pattern.String()}, nil
	}
	return &wordClause{text: text.String()}, nil
}

// quoted reads a phrase.
func (r *stringReader) quoted() (clause, error) {
	var text strings.Builder
	for r.at++; ; r.at++ {
		if r.at >= len(r.text) {
			return nil, r.fail()
		}
		c := r.text[r.at]
		if c == '"' {
			r.at++
			break
		}
		if c == '\\' && r.at+1 < len(r.text) {
			r.at++
			c = r.text[r.at]
		}
		text.WriteRune(c)
	}
	w := &wordClause{text: text.String(), phrase: true, slop: -1}
	if r.peek() == '~' {
		start := r.at + 1
		for r.at++; r.at < len(r.text) && r.text[r.at] >= '0' && r.text[r.at] <= '9'; r.at++ {
		}
		n, err := strconv.Atoi(string(r.text[start:r.at]))
		if err != nil {
			return nil, r.fail()
		}
		w.slop = n
	}
	return w, nil
}

// between reads [a TO b], with braces for an end that is not in it.
func (r *stringReader) between() (clause, error) {
	g := &rangeClause{rangeQuery{noFrom: r.peek() == '{'}}
	r.at++
	var err error
	if g.from, err = r.end(); err != nil {
		return nil, err
	}
	r.space()
	if !r.word("TO") {
		return nil, r.fail()
	}
	if g.to, err = r.end(); err != nil {
		return nil, err
	}
	r.space()
	switch r.peek() {
	case ']':
	case '}':
		g.noTo = true
	default:
		return nil, r.fail()
	}
	r.at++
	return g, nil
}

// end reads one end of a range; nil is open.
func (r *stringReader) end() (*wire.Node, error) {
	r.space()
	var text strings.Builder
	if r.peek() == '"' {
		for r.at++; r.at < len(r.text) && r.text[r.at] != '"'; r.at++ {
			text.WriteRune(r.text[r.at])
		}
		r.at++
	} else {
		for r.at < len(r.text) && !unicode.IsSpace(r.text[r.at]) && r.text[r.at] != ']' && r.text[r.at] != '}' {
			if r.text[r.at] == '\\' && r.at+1 < len(r.text) {
				r.at++
			}
			text.WriteRune(r.text[r.at])
			r.at++
		}
	}
	if r.at > len(r.text) || text.Len() == 0 {
		return nil, r.fail()
	}
	if text.String() == "*" {
		return nil, nil // open
	}
	return &wire.Node{Kind: wire.StringKind, Text: text.String()}, nil
}

// comparison reads >=a and the like.
func (r *stringReader) comparison() (clause, error) {
	up := r.peek() == '>'
	r.at++
	open := true
	if r.peek() == '=' {
		open = false
		r.at++
	}
	n, err := r.end()
	if err != nil || n == nil {
		return nil, r.fail()
	}
	if up {
		return &rangeClause{rangeQuery{from: n, noFrom: open}}, nil
	}
	return &rangeClause{rangeQuery{to: n, noTo: open}}, nil
}

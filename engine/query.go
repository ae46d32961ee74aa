package engine

import (
	"slices"
	"strconv"
	"strings"
)

// query finds documents in one index.
type query interface {
	run(s *searcher) (*hits, error)
}

// queryParser reads queries from a body.
type queryParser struct {
	body  []byte
	major int
	depth int // of bool in bool
}

// maxBools is how deep bool queries may be nested, maxClauses how many clauses one may have.
const (
	maxBools   = 20
	maxClauses = 1024
)

func (p *queryParser) failAt(at int, format string, args ...any) *apiError {
	line, column := position(p.body, at)
	return errorf(400, "parsing_exception", format, args...).with("line", line, "col", column)
}

// parse reads one query: an object with its name.
func (p *queryParser) parse(n *node) (query, error) {
	if n.kind != isObject {
		if p.depth == 0 {
			return nil, p.failAt(n.start, "Unknown key for a %s in [query].", n.token())
		}
		return nil, p.failAt(n.start, "[_na] query malformed, must start with start_object")
	}
	if len(n.members) == 0 {
		line, column := position(p.body, n.end-1)
		return nil, illegal("query malformed, empty clause found at [%d:%d]", line, column)
	}
	m := &n.members[0]
	if m.node.kind != isObject && (m.node.kind != isArray || p.major >= firstTyped) {
		return nil, p.failAt(m.node.start, "[%s] query malformed, no start_object after query name", m.name)
	}
	q, err := p.named(m)
	if err != nil {
		return nil, err
	}
	if len(n.members) > 1 {
		return nil, p.failAt(n.members[1].at, "[%s] malformed query, expected [END_OBJECT] but found [FIELD_NAME]", m.name)
	}
	return q, nil
}

// realQueries are what the real engines have and this one does not.
var realQueries = []string{
	"regexp", "fuzzy", "match_phrase_prefix", "match_bool_prefix", "simple_query_string", "combined_fields", "common", "dis_max", "boosting", "function_score", "script_score", "script", "nested",
	"has_child", "has_parent", "parent_id", "geo_bounding_box", "geo_distance", "geo_polygon", "geo_shape", "xy_shape", "shape", "more_like_this", "percolate", "rank_feature", "distance_feature",
	"wrapper", "pinned", "intervals", "span_term", "span_or", "span_near", "span_not", "span_first", "span_multi", "span_containing", "span_within", "span_field_masking", "terms_set", "type",
	"knn", "neural", "neural_sparse", "hybrid", "template", "agentic", "and", "or", "not", "missing", "limit", "indices", "fuzzy_like_this", "top_children", "custom_score", "mlt", "flt", "bitmap", "field_masking_span",
}

func (p *queryParser) named(m *member) (query, error) {
	n := &m.node
	switch m.name {
	case "match_all":
		boost := float32(1)
		return matchAll{&boost}, p.options(m.name, n, map[string]any{"boost": &boost})
	case "match_none":
		var boost float32
		return matchNone{}, p.options(m.name, n, map[string]any{"boost": &boost})
	case "match", "text":
		return p.match(m, false)
	case "match_phrase", "text_phrase":
		return p.match(m, true)
	case "multi_match":
		return p.multiMatch(n)
	case "term":
		return p.term(n)
	case "terms", "in":
		return p.terms(n)
	case "range":
		return p.ranged(n)
	case "exists":
		return p.exists(n)
	case "ids":
		return p.ids(n)
	case "prefix":
		return p.pattern(m, "prefix")
	case "wildcard":
		return p.pattern(m, "wildcard")
	case "query_string":
		return p.queryString(n)
	case "bool":
		return p.boolean(n)
	case "constant_score":
		return p.constant(n)
	case "filtered":
		if p.major < firstKeyword {
			return p.filtered(n)
		}
	}
	if slices.Contains(realQueries, m.name) {
		return nil, notOffered("the query [%s]", m.name)
	}
	line, column := position(p.body, n.start)
	return nil, p.failAt(n.start, "unknown query [%s]", m.name).because(errorf(400, "named_object_not_found_exception", "[%d:%d] unknown field [%s]", line, column, m.name))
}

// unsupported marks an option that the real engines have and this one does not.
type unsupported struct{}

// options reads the options of a query into what the table points to.
func (p *queryParser) options(name string, n *node, into map[string]any) error {
	for i := range n.members {
		m := &n.members[i]
		if m.name == "_name" {
			return notOffered("the option [_name] of the query [%s]", name)
		}
		target, ok := into[m.name]
		if !ok {
			return p.failAt(m.node.start, "[%s] query does not support [%s]", name, m.name)
		}
		if err := p.option(name, m, target); err != nil {
			return err
		}
	}
	return nil
}

func (p *queryParser) option(name string, m *member, target any) error {
	scalar := m.node.kind != isObject && m.node.kind != isArray
	switch target := target.(type) {
	case *string:
		if !scalar {
			return p.failAt(m.node.start, "[%s] unknown token [%s] after [%s]", name, m.node.token(), m.name)
		}
		*target = m.node.text
	case **node:
		*target = &m.node
	case *float32:
		v, err := strconv.ParseFloat(m.node.text, 32)
		if err != nil {
			return numberFormat(m.node.text)
		}
		if v < 0 {
			return illegal("negative [boost] are not allowed in [%s], use a value between 0 and 1 to deboost", m.node.text)
		}
		*target = float32(v)
	case *int:
		v, err := strconv.Atoi(m.node.text)
		if err != nil {
			return numberFormat(m.node.text)
		}
		*target = v
	case *bool:
		switch m.node.text {
		case "true", "false":
			*target = m.node.text == "true"
		default:
			return illegal("Failed to parse value [%s] as only [true] or [false] are allowed.", m.node.text)
		}
	case func(*node) error:
		return target(&m.node)
	case unsupported:
		return notOffered("the option [%s] of the query [%s]", m.name, name)
	}
	return nil
}

// only allows the values that an option changes nothing with.
func only(name string, allowed ...string) func(*node) error {
	return func(n *node) error {
		if n.kind == isNull || slices.Contains(allowed, n.text) {
			return nil
		}
		return notOffered("[%s] with the value [%s] in a query", name, n.text)
	}
}

// oneField returns the field that a query is about, and what it says.
func (p *queryParser) oneField(name string, n *node, empty string) (*member, error) {
	var found *member
	for i := range n.members {
		m := &n.members[i]
		if m.name == "_name" {
			return nil, notOffered("the option [_name] of the query [%s]", name)
		}
		if m.name == "boost" && m.node.kind == isNumber && len(n.members) > 1 {
			return nil, p.failAt(m.node.start, "[%s] query doesn't support multiple fields", name)
		}
		if found != nil {
			return nil, p.failAt(m.node.start, "[%s] query doesn't support multiple fields, found [%s] and [%s]", name, found.name, m.name)
		}
		found = m
	}
	if found == nil {
		return nil, p.failAt(n.end-1, "%s", empty)
	}
	return found, nil
}

// shouldMatch works out minimum_should_match for a number of clauses.
func shouldMatch(least string, clauses int) (int, error) {
	least = strings.TrimSpace(least)
	if strings.Contains(least, "<") {
		result := clauses
		for part := range strings.FieldsSeq(least) {
			limit, rule, ok := strings.Cut(part, "<")
			n, err := strconv.Atoi(limit)
			if !ok || err != nil {
				return 0, numberFormat(limit)
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
		return 0, numberFormat(least)
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

// wrongText is the error about a value that a field's type does not take.
func (s *searcher) wrongText(cause *apiError) error {
	e := errorf(400, "query_shard_exception", "failed to create query: %s", cause.reason).with("index", s.x.name, "index_uuid", s.x.uuid)
	return s.shardFailure(e.because(cause))
}

// shardFailure is an error that the engines find on the shards, and report for each of them.
func (s *searcher) shardFailure(e *apiError) error {
	return shardFailure(s.x.name, s.node, e)
}

// unfitQuery is the error about a query on a field of the wrong type.
func (s *searcher) unfitQuery(format string, args ...any) error {
	return s.shardFailure(errorf(400, "query_shard_exception", format, args...).with("index", s.x.name, "index_uuid", s.x.uuid))
}

func shardFailure(index, nodeID string, e *apiError) *apiError {
	found := e.root()
	root := *found
	root.cause = nil
	out := errorf(e.status, "search_phase_execution_exception", "all shards failed").with(
		"phase", "query", "grouped", true,
		"failed_shards", []any{obj("shard", 0, "index", index, "node", nodeID, "reason", e.body())})
	out.rootCause, out.inner = &root, e
	switch {
	case e.kind == "illegal_argument_exception":
		plain := *e
		plain.cause = e
		out.cause = &plain
	case found != e && e.rootCause == nil:
		out.cause = found
	}
	return out
}

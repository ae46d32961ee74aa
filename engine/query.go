package engine

import (
	"slices"
	"strconv"
	"strings"

	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/wire"
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

func (p *queryParser) failAt(at int, format string, args ...any) *wire.Failure {
	line, column := wire.Position(p.body, at)
	return wire.Errorf(400, "parsing_exception", format, args...).With("line", line, "col", column)
}

// parse reads one query: an object with its name.
func (p *queryParser) parse(n *wire.Node) (query, error) {
	if n.Kind != wire.ObjectKind {
		if p.depth == 0 {
			return nil, p.failAt(n.Start, "Unknown key for a %s in [query].", n.Token())
		}
		return nil, p.failAt(n.Start, "[_na] query malformed, must start with start_object")
	}
	if len(n.Members) == 0 {
		line, column := wire.Position(p.body, n.End-1)
		return nil, wire.Illegal("query malformed, empty clause found at [%d:%d]", line, column)
	}
	m := &n.Members[0]
	if m.Node.Kind != wire.ObjectKind && (m.Node.Kind != wire.ArrayKind || p.major >= mapping.FirstTyped) {
		return nil, p.failAt(m.Node.Start, "[%s] query malformed, no start_object after query name", m.Name)
	}
	q, err := p.named(m)
	if err != nil {
		return nil, err
	}
	if len(n.Members) > 1 {
		return nil, p.failAt(n.Members[1].At, "[%s] malformed query, expected [END_OBJECT] but found [FIELD_NAME]", m.Name)
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

func (p *queryParser) named(m *wire.Member) (query, error) {
	n := &m.Node
	switch m.Name {
	case "match_all":
		boost := float32(1)
		return matchAll{&boost}, p.options(m.Name, n, map[string]any{"boost": &boost})
	case "match_none":
		var boost float32
		return matchNone{}, p.options(m.Name, n, map[string]any{"boost": &boost})
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
		if p.major < mapping.FirstKeyword {
			return p.filtered(n)
		}
	}
	if slices.Contains(realQueries, m.Name) {
		return nil, wire.NotOffered("the query [%s]", m.Name)
	}
	line, column := wire.Position(p.body, n.Start)
	return nil, p.failAt(n.Start, "unknown query [%s]", m.Name).Because(wire.Errorf(400, "named_object_not_found_exception", "[%d:%d] unknown field [%s]", line, column, m.Name))
}

// unsupported marks an option that the real engines have and this one does not.
type unsupported struct{}

// options reads the options of a query into what the table points to.
func (p *queryParser) options(name string, n *wire.Node, into map[string]any) error {
	for i := range n.Members {
		m := &n.Members[i]
		if m.Name == "_name" {
			return wire.NotOffered("the option [_name] of the query [%s]", name)
		}
		target, ok := into[m.Name]
		if !ok {
			return p.failAt(m.Node.Start, "[%s] query does not support [%s]", name, m.Name)
		}
		if err := p.option(name, m, target); err != nil {
			return err
		}
	}
	return nil
}

func (p *queryParser) option(name string, m *wire.Member, target any) error {
	scalar := m.Node.Kind != wire.ObjectKind && m.Node.Kind != wire.ArrayKind
	switch target := target.(type) {
	case *string:
		if !scalar {
			return p.failAt(m.Node.Start, "[%s] unknown token [%s] after [%s]", name, m.Node.Token(), m.Name)
		}
		*target = m.Node.Text
	case **wire.Node:
		*target = &m.Node
	case *float32:
		v, err := strconv.ParseFloat(m.Node.Text, 32)
		if err != nil {
			return wire.NumberFormat(m.Node.Text)
		}
		if v < 0 {
			return wire.Illegal("negative [boost] are not allowed in [%s], use a value between 0 and 1 to deboost", m.Node.Text)
		}
		*target = float32(v)
	case *int:
		v, err := strconv.Atoi(m.Node.Text)
		if err != nil {
			return wire.NumberFormat(m.Node.Text)
		}
		*target = v
	case *bool:
		switch m.Node.Text {
		case "true", "false":
			*target = m.Node.Text == "true"
		default:
			return wire.Illegal("Failed to parse value [%s] as only [true] or [false] are allowed.", m.Node.Text)
		}
	case func(*wire.Node) error:
		return target(&m.Node)
	case unsupported:
		return wire.NotOffered("the option [%s] of the query [%s]", m.Name, name)
	}
	return nil
}

// only allows the values that an option changes nothing with.
func only(name string, allowed ...string) func(*wire.Node) error {
	return func(n *wire.Node) error {
		if n.Kind == wire.NullKind || slices.Contains(allowed, n.Text) {
			return nil
		}
		return wire.NotOffered("[%s] with the value [%s] in a query", name, n.Text)
	}
}

// oneField returns the field that a query is about, and what it says.
func (p *queryParser) oneField(name string, n *wire.Node, empty string) (*wire.Member, error) {
	var found *wire.Member
	for i := range n.Members {
		m := &n.Members[i]
		if m.Name == "_name" {
			return nil, wire.NotOffered("the option [_name] of the query [%s]", name)
		}
		if m.Name == "boost" && m.Node.Kind == wire.NumberKind && len(n.Members) > 1 {
			return nil, p.failAt(m.Node.Start, "[%s] query doesn't support multiple fields", name)
		}
		if found != nil {
			return nil, p.failAt(m.Node.Start, "[%s] query doesn't support multiple fields, found [%s] and [%s]", name, found.Name, m.Name)
		}
		found = m
	}
	if found == nil {
		return nil, p.failAt(n.End-1, "%s", empty)
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

// wrongText is the error about a value that a field's type does not take.
func (s *searcher) wrongText(cause *wire.Failure) error {
	e := wire.Errorf(400, "query_shard_exception", "failed to create query: %s", cause.Reason).With("index", s.x.Name, "index_uuid", s.x.UUID)
	return s.shardFailure(e.Because(cause))
}

// shardFailure is an error that the engines find on the shards, and report for each of them.
func (s *searcher) shardFailure(e *wire.Failure) error {
	return shardFailure(s.x.Name, s.node, e)
}

// unfitQuery is the error about a query on a field of the wrong type.
func (s *searcher) unfitQuery(format string, args ...any) error {
	return s.shardFailure(wire.Errorf(400, "query_shard_exception", format, args...).With("index", s.x.Name, "index_uuid", s.x.UUID))
}

func shardFailure(index, nodeID string, e *wire.Failure) *wire.Failure {
	found := e.Root()
	root := *found
	root.Cause = nil
	out := wire.Errorf(e.Status, "search_phase_execution_exception", "all shards failed").With(
		"phase", "query", "grouped", true,
		"failed_shards", []any{wire.Obj("shard", 0, "index", index, "node", nodeID, "reason", e.Body())})
	out.RootCause, out.Inner = &root, e
	switch {
	case e.Kind == "illegal_argument_exception":
		plain := *e
		plain.Cause = e
		out.Cause = &plain
	case found != e && e.RootCause == nil:
		out.Cause = found
	}
	return out
}

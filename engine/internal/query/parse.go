// Package query reads queries and sorts from the bodies of requests, and finds documents by them, with the scores of
// the engines.
package query

import (
	"slices"

	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/wire"
)

// Query finds documents in one index.
type Query interface {
	Run(s *Searcher) (*Hits, error)
}

// Parser reads queries from a body.
type Parser struct {
	Body  []byte
	Major int // the version whose answers are given
	depth int // of bool in bool
}

// MaxClauses is how many clauses one query may have.
const MaxClauses = 1024

// FailAt is a parsing_exception with the line and the column of an offset in the body.
func (p *Parser) FailAt(at int, format string, args ...any) *wire.Failure {
	line, column := wire.Position(p.Body, at)
	return wire.Errorf(400, "parsing_exception", format, args...).With("line", line, "col", column)
}

// Parse reads one query: an object with its name.
func (p *Parser) Parse(n *wire.Node) (Query, error) {
	if n.Kind != wire.ObjectKind {
		if p.depth == 0 {
			return nil, p.FailAt(n.Start, "Unknown key for a %s in [query].", n.Token())
		}
		return nil, p.FailAt(n.Start, "[_na] query malformed, must start with start_object")
	}
	if len(n.Members) == 0 {
		line, column := wire.Position(p.Body, n.End-1)
		return nil, wire.Illegal("query malformed, empty clause found at [%d:%d]", line, column)
	}
	m := &n.Members[0]
	if m.Node.Kind != wire.ObjectKind && (m.Node.Kind != wire.ArrayKind || p.Major >= mapping.FirstTyped) {
		return nil, p.FailAt(m.Node.Start, "[%s] query malformed, no start_object after query name", m.Name)
	}
	q, err := p.named(m)
	if err != nil {
		return nil, err
	}
	if len(n.Members) > 1 {
		return nil, p.FailAt(n.Members[1].At, "[%s] malformed query, expected [END_OBJECT] but found [FIELD_NAME]", m.Name)
	}
	return q, nil
}

// realQueries are what the real engines have and this one does not.
var realQueries = []string{
	"regexp", "fuzzy", "match_phrase_prefix", "match_bool_prefix", "simple_query_string", "combined_fields", "common",
	"dis_max", "boosting", "function_score", "script_score", "script", "nested", "has_child", "has_parent", "parent_id",
	"geo_bounding_box", "geo_distance", "geo_polygon", "geo_shape", "xy_shape", "shape", "more_like_this", "percolate",
	"rank_feature", "distance_feature", "wrapper", "pinned", "intervals", "span_term", "span_or", "span_near",
	"span_not", "span_first", "span_multi", "span_containing", "span_within", "span_field_masking", "terms_set", "type",
	"knn", "neural", "neural_sparse", "hybrid", "template", "agentic", "and", "or", "not", "missing", "limit", "indices",
	"fuzzy_like_this", "top_children", "custom_score", "mlt", "flt", "bitmap", "field_masking_span",
}

func (p *Parser) named(m *wire.Member) (Query, error) {
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
		if p.Major < mapping.FirstKeyword {
			return p.filtered(n)
		}
	}
	if slices.Contains(realQueries, m.Name) {
		return nil, wire.NotOffered("the query [%s]", m.Name)
	}
	line, column := wire.Position(p.Body, n.Start)
	return nil, p.FailAt(n.Start, "unknown query [%s]", m.Name).
		Because(wire.Errorf(400, "named_object_not_found_exception", "[%d:%d] unknown field [%s]", line, column, m.Name))
}

// oneField returns the single member of a query: a field with its value. Empty is the error when there is none.
func (p *Parser) oneField(name string, n *wire.Node, empty string) (*wire.Member, error) {
	var found *wire.Member
	for i := range n.Members {
		m := &n.Members[i]
		if m.Name == "_name" {
			return nil, wire.NotOffered("the option [_name] of the query [%s]", name)
		}
		if m.Name == "boost" && m.Node.Kind == wire.NumberKind && len(n.Members) > 1 {
			return nil, p.FailAt(m.Node.Start, "[%s] query doesn't support multiple fields", name)
		}
		if found != nil {
			return nil, p.FailAt(m.Node.Start, "[%s] query doesn't support multiple fields, found [%s] and [%s]",
				name, found.Name, m.Name)
		}
		found = m
	}
	if found == nil {
		return nil, p.FailAt(n.End-1, "%s", empty)
	}
	return found, nil
}

// Package agg reads aggregations from the bodies of requests, and works them out over the documents that a search
// found.
package agg

import (
	"slices"
	"strings"
	"time"

	"github.com/seed56735111/penstock/engine/internal/dates"
	"github.com/seed56735111/penstock/engine/internal/query"
	"github.com/seed56735111/penstock/engine/internal/wire"
)

// aggregation is one aggregation that is asked for.
type aggregation struct {
	name string
	kind string
	subs []*aggregation

	field     string
	missing   *wire.Node
	format    *dates.Format
	filter    query.Query
	filters   []namedFilter
	anonymous bool // filters without names
	other     string

	size     int
	least    int // min_doc_count
	order    []bucketOrder
	include  *termFilter
	exclude  *termFilter
	interval interval
	offset   time.Duration
	zone     *time.Location
	bounds   [2]*wire.Node
	keyed    bool
}

// maxAggDepth is how deep aggregations may be nested.
const maxAggDepth = 20

var metrics = []string{"stats", "min", "max", "avg", "sum", "value_count", "cardinality"}

var realAggs = []string{
	"histogram", "auto_date_histogram", "range", "date_range", "ip_range", "significant_terms", "significant_text",
	"rare_terms", "multi_terms", "composite", "global", "missing", "nested", "reverse_nested", "children", "parent",
	"sampler", "diversified_sampler", "adjacency_matrix", "geohash_grid", "geotile_grid", "geohex_grid", "geo_distance",
	"geo_bounds", "geo_centroid", "geo_line", "percentiles", "percentile_ranks", "extended_stats", "top_hits",
	"top_metrics", "scripted_metric", "matrix_stats", "median_absolute_deviation", "weighted_avg", "string_stats",
	"boxplot", "rate", "t_test", "variable_width_histogram", "avg_bucket", "max_bucket", "min_bucket", "sum_bucket",
	"stats_bucket", "extended_stats_bucket", "percentiles_bucket", "bucket_script", "bucket_selector", "bucket_sort",
	"cumulative_sum", "cumulative_cardinality", "derivative", "moving_avg", "moving_fn", "serial_diff", "normalize",
	"inference", "ipprefix", "ip_prefix",
}

// Aggregations are what a request asks for.
type Aggregations []*aggregation

// Parse reads what a body says under aggs.
func Parse(p *query.Parser, n *wire.Node) (Aggregations, error) { return parseAggs(p, n, 1) }

func parseAggs(p *query.Parser, n *wire.Node, depth int) ([]*aggregation, error) {
	if depth > maxAggDepth {
		return nil, wire.NotOffered("aggregations nested deeper than %d", maxAggDepth)
	}
	if n.Kind != wire.ObjectKind {
		return nil, p.FailAt(n.Start, "Unknown key for a %s in [aggs].", n.Token())
	}
	var out []*aggregation
	for i := range n.Members {
		m := &n.Members[i]
		if m.Name == "" || strings.ContainsAny(m.Name, "[]>") {
			return nil, p.FailAt(m.At, "Invalid aggregation name [%s]. Aggregation names can contain any character except "+
				"'[', ']', and '>'", m.Name)
		}
		a, err := parseAgg(p, m, depth)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

func parseAgg(p *query.Parser, m *wire.Member, depth int) (*aggregation, error) {
	if m.Node.Kind != wire.ObjectKind {
		return nil, p.FailAt(m.Node.Start, "Aggregation definition for [%s starts with a [%s], expected a [START_OBJECT].",
			m.Name, m.Node.Token())
	}
	a := &aggregation{name: m.Name}
	for i := range m.Node.Members {
		o := &m.Node.Members[i]
		switch o.Name {
		case "aggs", "aggregations":
			var err error
			if a.subs, err = parseAggs(p, &o.Node, depth+1); err != nil {
				return nil, err
			}
		case "meta":
			return nil, wire.NotOffered("meta in an aggregation")
		default:
			if a.kind != "" {
				return nil, p.FailAt(o.At, "Found two aggregation type definitions in [%s]: [%s] and [%s]", m.Name, a.kind, o.Name)
			}
			a.kind = o.Name
			if err := aggOptions(p, a, o); err != nil {
				return nil, err
			}
		}
	}
	if a.kind == "" {
		return nil, p.FailAt(m.Node.End-1, "Missing definition for aggregation [%s]", m.Name)
	}
	if a.subs != nil && slices.Contains(metrics, a.kind) {
		return nil, wire.Errorf(500, "aggregation_initialization_exception",
			"Aggregator [%s] of type [%s] cannot accept sub-aggregations", a.name, a.kind)
	}
	return a, nil
}

func aggOptions(p *query.Parser, a *aggregation, m *wire.Member) error {
	n := &m.Node
	switch a.kind {
	case "filter":
		var err error
		a.filter, err = p.Parse(n)
		return err
	case "filters":
		return filtersOptions(p, a, n)
	case "terms":
		return termsOptions(p, a, n)
	case "date_histogram":
		return histogramOptions(p, a, n)
	}
	if slices.Contains(metrics, a.kind) {
		options := map[string]any{
			"field":               &a.field,
			"missing":             &a.missing,
			"format":              formatInto(a),
			"precision_threshold": query.Ignored,
			"value_type":          query.Unsupported{},
			"script":              query.Unsupported{},
			"rehash":              query.Unsupported{},
		}
		if a.kind != "cardinality" {
			delete(options, "precision_threshold")
			delete(options, "rehash")
		}
		if err := aggMembers(p, a, n, options); err != nil {
			return err
		}
		if a.field == "" {
			return wire.Illegal("Required one of fields [field, script], but none were specified. ")
		}
		return nil
	}
	if slices.Contains(realAggs, a.kind) {
		return wire.NotOffered("the aggregation [%s]", a.kind)
	}
	return p.FailAt(m.Node.Start, "Unknown aggregation type [%s]", a.kind).
		Because(wire.Errorf(400, "named_object_not_found_exception", "[1:%d] unknown field [%s]", m.Node.Start+1, a.kind))
}

// aggMembers reads options by a table.
func aggMembers(p *query.Parser, a *aggregation, n *wire.Node, into map[string]any) error {
	for i := range n.Members {
		m := &n.Members[i]
		target, ok := into[m.Name]
		if !ok {
			line, column := wire.Position(p.Body, m.At)
			return wire.Errorf(400, "x_content_parse_exception", "[%d:%d] [%s] unknown field [%s]", line, column, a.kind, m.Name)
		}
		if _, no := target.(query.Unsupported); no {
			return wire.NotOffered("the option [%s] of the aggregation [%s]", m.Name, a.kind)
		}
		if err := p.Option(a.kind, m, target); err != nil {
			if e := wire.AsFailure(err); e.Kind == "illegal_argument_exception" || e.Kind == "zone_rules_exception" {
				line, column := wire.Position(p.Body, m.Node.Start)
				return wire.Errorf(400, "x_content_parse_exception", "[%d:%d] [%s] failed to parse field [%s]",
					line, column, a.kind, m.Name).Because(e)
			}
			return err
		}
	}
	return nil
}

func formatInto(a *aggregation) func(*wire.Node) error {
	return func(n *wire.Node) (err error) {
		a.format, err = dates.ParseFormat(n.Text)
		return err
	}
}

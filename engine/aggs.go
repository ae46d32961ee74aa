package engine

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed56735111/penstock/engine/internal/dates"
	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/wire"
)

// agg is one aggregation that is asked for.
type agg struct {
	name string
	kind string
	subs []*agg

	field     string
	missing   *wire.Node
	format    *dates.Format
	filter    query
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

type namedFilter struct {
	name  string
	query query
}

// bucketOrder is what buckets are sorted by: _count, _key, or a metric of a sub-aggregation.
type bucketOrder struct {
	by   string
	desc bool
}

// interval is the width of the bars of a histogram over time.
type interval struct {
	unit  byte // of the calendar; 0 is fixed
	fixed time.Duration
}

// maxAggDepth is how deep aggregations may be nested.
const maxAggDepth = 20

var metrics = []string{"stats", "min", "max", "avg", "sum", "value_count", "cardinality"}

var realAggs = []string{
	"histogram", "auto_date_histogram", "range", "date_range", "ip_range", "significant_terms", "significant_text", "rare_terms", "multi_terms", "composite", "global", "missing", "nested", "reverse_nested",
	"children", "parent", "sampler", "diversified_sampler", "adjacency_matrix", "geohash_grid", "geotile_grid", "geohex_grid", "geo_distance", "geo_bounds", "geo_centroid", "geo_line", "percentiles", "percentile_ranks",
	"extended_stats", "top_hits", "top_metrics", "scripted_metric", "matrix_stats", "median_absolute_deviation", "weighted_avg", "string_stats", "boxplot", "rate", "t_test", "variable_width_histogram",
	"avg_bucket", "max_bucket", "min_bucket", "sum_bucket", "stats_bucket", "extended_stats_bucket", "percentiles_bucket", "bucket_script", "bucket_selector", "bucket_sort", "cumulative_sum",
	"cumulative_cardinality", "derivative", "moving_avg", "moving_fn", "serial_diff", "normalize", "inference", "ipprefix", "ip_prefix",
}

func (p *queryParser) parseAggs(n *wire.Node, depth int) ([]*agg, error) {
	if depth > maxAggDepth {
		return nil, wire.NotOffered("aggregations nested deeper than %d", maxAggDepth)
	}
	if n.Kind != wire.ObjectKind {
		return nil, p.failAt(n.Start, "Unknown key for a %s in [aggs].", n.Token())
	}
	var out []*agg
	for i := range n.Members {
		m := &n.Members[i]
		if m.Name == "" || strings.ContainsAny(m.Name, "[]>") {
			return nil, p.failAt(m.At, "Invalid aggregation name [%s]. Aggregation names can contain any character except '[', ']', and '>'", m.Name)
		}
		a, err := p.parseAgg(m, depth)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

func (p *queryParser) parseAgg(m *wire.Member, depth int) (*agg, error) {
	if m.Node.Kind != wire.ObjectKind {
		return nil, p.failAt(m.Node.Start, "Aggregation definition for [%s starts with a [%s], expected a [START_OBJECT].", m.Name, m.Node.Token())
	}
	a := &agg{name: m.Name}
	for i := range m.Node.Members {
		o := &m.Node.Members[i]
		switch o.Name {
		case "aggs", "aggregations":
			var err error
			if a.subs, err = p.parseAggs(&o.Node, depth+1); err != nil {
				return nil, err
			}
		case "meta":
			return nil, wire.NotOffered("meta in an aggregation")
		default:
			if a.kind != "" {
				return nil, p.failAt(o.At, "Found two aggregation type definitions in [%s]: [%s] and [%s]", m.Name, a.kind, o.Name)
			}
			a.kind = o.Name
			if err := p.aggOptions(a, o); err != nil {
				return nil, err
			}
		}
	}
	if a.kind == "" {
		return nil, p.failAt(m.Node.End-1, "Missing definition for aggregation [%s]", m.Name)
	}
	if a.subs != nil && slices.Contains(metrics, a.kind) {
		return nil, wire.Errorf(500, "aggregation_initialization_exception", "Aggregator [%s] of type [%s] cannot accept sub-aggregations", a.name, a.kind)
	}
	return a, nil
}

func (p *queryParser) aggOptions(a *agg, m *wire.Member) error {
	n := &m.Node
	switch a.kind {
	case "filter":
		var err error
		a.filter, err = p.parse(n)
		return err
	case "filters":
		return p.filtersOptions(a, n)
	case "terms":
		return p.termsOptions(a, n)
	case "date_histogram":
		return p.histogramOptions(a, n)
	}
	if slices.Contains(metrics, a.kind) {
		options := map[string]any{"field": &a.field, "missing": &a.missing, "format": p.formatInto(a), "precision_threshold": func(*wire.Node) error { return nil }, "value_type": unsupported{}, "script": unsupported{}, "rehash": unsupported{}}
		if a.kind != "cardinality" {
			delete(options, "precision_threshold")
			delete(options, "rehash")
		}
		if err := p.aggMembers(a, n, options); err != nil {
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
	return p.failAt(m.Node.Start, "Unknown aggregation type [%s]", a.kind).Because(wire.Errorf(400, "named_object_not_found_exception", "[1:%d] unknown field [%s]", m.Node.Start+1, a.kind))
}

// aggMembers reads options by a table.
func (p *queryParser) aggMembers(a *agg, n *wire.Node, into map[string]any) error {
	for i := range n.Members {
		m := &n.Members[i]
		target, ok := into[m.Name]
		if !ok {
			line, column := wire.Position(p.body, m.At)
			return wire.Errorf(400, "x_content_parse_exception", "[%d:%d] [%s] unknown field [%s]", line, column, a.kind, m.Name)
		}
		if _, no := target.(unsupported); no {
			return wire.NotOffered("the option [%s] of the aggregation [%s]", m.Name, a.kind)
		}
		if err := p.option(a.kind, m, target); err != nil {
			if e := wire.AsFailure(err); e.Kind == "illegal_argument_exception" || e.Kind == "zone_rules_exception" {
				line, column := wire.Position(p.body, m.Node.Start)
				return wire.Errorf(400, "x_content_parse_exception", "[%d:%d] [%s] failed to parse field [%s]", line, column, a.kind, m.Name).Because(e)
			}
			return err
		}
	}
	return nil
}

func (p *queryParser) formatInto(a *agg) func(*wire.Node) error {
	return func(n *wire.Node) (err error) {
		a.format, err = dates.ParseFormat(n.Text)
		return err
	}
}

func (p *queryParser) filtersOptions(a *agg, n *wire.Node) error {
	options := map[string]any{
		"filters": func(n *wire.Node) error {
			for i := range n.Members {
				q, err := p.parse(&n.Members[i].Node)
				if err != nil {
					return err
				}
				a.filters = append(a.filters, namedFilter{n.Members[i].Name, q})
			}
			a.anonymous = n.Kind == wire.ArrayKind
			for i := range n.Items {
				q, err := p.parse(&n.Items[i])
				if err != nil {
					return err
				}
				a.filters = append(a.filters, namedFilter{"", q})
			}
			return nil
		},
		"other_bucket": func(n *wire.Node) error {
			if n.Text == "true" && a.other == "" {
				a.other = "_other_"
			}
			return nil
		},
		"other_bucket_key": &a.other,
	}
	if err := p.aggMembers(a, n, options); err != nil {
		return err
	}
	if a.filters == nil {
		return wire.Illegal("[filters] cannot be empty.")
	}
	if len(a.filters) > maxClauses {
		return wire.Illegal("more than %d filters", maxClauses)
	}
	return nil
}

func (p *queryParser) termsOptions(a *agg, n *wire.Node) error {
	a.size, a.least = 10, 1
	ignored := func(*wire.Node) error { return nil }
	options := map[string]any{
		"field": &a.field, "size": p.sizeInto(a), "min_doc_count": &a.least, "missing": &a.missing, "format": p.formatInto(a), "shard_size": ignored, "shard_min_doc_count": ignored,
		"execution_hint": ignored, "collect_mode": ignored, "show_term_doc_count_error": only("show_term_doc_count_error", "false"), "script": unsupported{}, "value_type": unsupported{},
		"order":   func(n *wire.Node) error { return a.parseOrder(n) },
		"include": func(n *wire.Node) (err error) { a.include, err = parseTermFilter(n); return err },
		"exclude": func(n *wire.Node) (err error) { a.exclude, err = parseTermFilter(n); return err },
	}
	if err := p.aggMembers(a, n, options); err != nil {
		return err
	}
	if a.field == "" {
		return wire.Illegal("Required one of fields [field, script], but none were specified. ")
	}
	switch {
	case a.least < 0:
		return wire.Illegal("[minDocCount] must be greater than or equal to 0. Found [%d] in [%s]", a.least, a.name)
	case a.least == 0:
		return wire.NotOffered("min_doc_count 0 of the aggregation [terms]")
	}
	return nil
}

func (p *queryParser) sizeInto(a *agg) func(*wire.Node) error {
	return func(n *wire.Node) error {
		v, err := strconv.Atoi(n.Text)
		switch {
		case err != nil:
			return wire.NumberFormat(n.Text)
		case v == 0 && p.major < mapping.FirstKeyword:
			v = maxBuckets
		case v <= 0:
			return wire.Illegal("[size] must be greater than 0. Found [%d] in [%s]", v, a.name)
		}
		a.size = v
		return nil
	}
}

// termFilter says which terms become buckets.
type termFilter struct {
	exact []string
	glob  *mapping.Glob
}

func parseTermFilter(n *wire.Node) (*termFilter, error) {
	switch n.Kind {
	case wire.ArrayKind:
		return &termFilter{exact: texts(n)}, nil
	case wire.StringKind:
		// Regular expressions in their simplest form: a text, with .* for any.
		if plain := strings.ReplaceAll(n.Text, ".*", "*"); !strings.ContainsAny(plain, `.?+|{}[]()"\#@&<>~`) {
			return &termFilter{glob: mapping.NewGlob(plain, false)}, nil
		}
	}
	return nil, wire.NotOffered("[include] and [exclude] of the aggregation [terms] with regular expressions or partitions")
}

func (f *termFilter) match(text string) bool {
	if f.glob != nil {
		return f.glob.Match(text)
	}
	return slices.Contains(f.exact, text)
}

func (a *agg) parseOrder(n *wire.Node) error {
	items := n.Items
	if n.Kind == wire.ObjectKind {
		items = []wire.Node{*n}
	}
	for i := range items {
		if len(items[i].Members) != 1 {
			return wire.Illegal("Must specify at least one field for [order]")
		}
		m := &items[i].Members[0]
		o := bucketOrder{by: m.Name}
		switch strings.ToLower(m.Node.Text) {
		case "asc":
		case "desc":
			o.desc = true
		default:
			return wire.Illegal("Unknown order direction [%s]", m.Node.Text)
		}
		if o.by == "_term" || o.by == "_time" {
			o.by = "_key"
		}
		a.order = append(a.order, o)
	}
	return nil
}

func (p *queryParser) histogramOptions(a *agg, n *wire.Node) error {
	var offset, given string
	interval := func(name string, calendar, fixed bool) func(*wire.Node) error {
		return func(n *wire.Node) error {
			if given != "" {
				return wire.Illegal("Cannot use [%s] with [%s] configuration option.", name, given)
			}
			given = name
			return a.setInterval(n.Text, calendar, fixed, p.major)
		}
	}
	a.zone = time.UTC
	if p.major < mapping.FirstTyped {
		a.least = 1
	}
	options := map[string]any{
		"field": &a.field, "interval": interval("interval", true, true), "calendar_interval": interval("calendar_interval", true, false), "fixed_interval": interval("fixed_interval", false, true), "min_doc_count": &a.least, "offset": &offset,
		"format": p.formatInto(a), "missing": &a.missing, "keyed": &a.keyed, "order": func(n *wire.Node) error { return a.parseOrder(n) }, "script": unsupported{},
		"time_zone": func(n *wire.Node) (err error) {
			if a.zone, err = dates.ParseZone(n.Text); err != nil {
				return wire.Errorf(400, "zone_rules_exception", "Unknown time-zone ID: %s", n.Text)
			}
			return nil
		},
		"extended_bounds": func(n *wire.Node) error {
			if low, ok := n.Get("min"); ok {
				a.bounds[0] = low
			}
			if high, ok := n.Get("max"); ok {
				a.bounds[1] = high
			}
			return nil
		},
		"hard_bounds": unsupported{}, "pre_zone": unsupported{}, "post_zone": unsupported{}, "pre_zone_adjust_large_interval": unsupported{}, "factor": unsupported{},
	}
	if err := p.aggMembers(a, n, options); err != nil {
		return err
	}
	if a.field == "" {
		return wire.Illegal("Required one of fields [field, script], but none were specified. ")
	}
	if offset != "" {
		d, ok := parseInterval(strings.TrimLeft(offset, "+-"))
		if !ok {
			return wire.Illegal("failed to parse setting [offset] with value [%s] as a time value", offset)
		}
		if a.offset = d; strings.HasPrefix(offset, "-") {
			a.offset = -d
		}
	}
	return nil
}

var calendarUnits = map[string]byte{
	"minute": 'm', "1m": 'm', "hour": 'h', "1h": 'h', "day": 'd', "1d": 'd', "week": 'w', "1w": 'w', "month": 'M', "1M": 'M', "quarter": 'q', "1q": 'q', "year": 'y', "1y": 'y', "second": 's', "1s": 's',
}

func (a *agg) setInterval(text string, calendar, fixed bool, major int) error {
	if unit, ok := calendarUnits[text]; ok && calendar {
		a.interval.unit = unit
		return nil
	}
	if !fixed {
		return wire.Illegal("The supplied interval [%s] could not be parsed as a calendar interval.", text)
	}
	d, ok := parseInterval(text)
	if !ok || d <= 0 || strings.HasSuffix(text, "w") && major >= mapping.FirstTyped {
		return notATime("date_histogram.fixedInterval", text)
	}
	a.interval.fixed = d
	return nil
}

// parseInterval reads a time like 30s or 1.5h.
func parseInterval(text string) (time.Duration, bool) {
	units := []struct {
		suffix string
		unit   time.Duration
	}{{"ms", time.Millisecond}, {"s", time.Second}, {"m", time.Minute}, {"h", time.Hour}, {"d", 24 * time.Hour}, {"w", 7 * 24 * time.Hour}}
	for _, u := range units {
		if number, ok := strings.CutSuffix(text, u.suffix); ok {
			v, err := strconv.ParseFloat(number, 64)
			const longest = 1e18
			if err != nil || v < 0 || v*float64(u.unit) > longest {
				return 0, false
			}
			return time.Duration(v * float64(u.unit)), true
		}
	}
	return 0, false
}

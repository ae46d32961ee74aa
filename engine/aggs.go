package engine

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// agg is one aggregation that is asked for.
type agg struct {
	name string
	kind string
	subs []*agg

	field     string
	missing   *node
	format    *dateFormat
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
	bounds   [2]*node
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

func (p *queryParser) parseAggs(n *node, depth int) ([]*agg, error) {
	if depth > maxAggDepth {
		return nil, notOffered("aggregations nested deeper than %d", maxAggDepth)
	}
	if n.kind != isObject {
		return nil, p.failAt(n.start, "Unknown key for a %s in [aggs].", n.token())
	}
	var out []*agg
	for i := range n.members {
		m := &n.members[i]
		if m.name == "" || strings.ContainsAny(m.name, "[]>") {
			return nil, p.failAt(m.at, "Invalid aggregation name [%s]. Aggregation names can contain any character except '[', ']', and '>'", m.name)
		}
		a, err := p.parseAgg(m, depth)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

func (p *queryParser) parseAgg(m *member, depth int) (*agg, error) {
	if m.node.kind != isObject {
		return nil, p.failAt(m.node.start, "Aggregation definition for [%s starts with a [%s], expected a [START_OBJECT].", m.name, m.node.token())
	}
	a := &agg{name: m.name}
	for i := range m.node.members {
		o := &m.node.members[i]
		switch o.name {
		case "aggs", "aggregations":
			var err error
			if a.subs, err = p.parseAggs(&o.node, depth+1); err != nil {
				return nil, err
			}
		case "meta":
			return nil, notOffered("meta in an aggregation")
		default:
			if a.kind != "" {
				return nil, p.failAt(o.at, "Found two aggregation type definitions in [%s]: [%s] and [%s]", m.name, a.kind, o.name)
			}
			a.kind = o.name
			if err := p.aggOptions(a, o); err != nil {
				return nil, err
			}
		}
	}
	if a.kind == "" {
		return nil, p.failAt(m.node.end-1, "Missing definition for aggregation [%s]", m.name)
	}
	if a.subs != nil && slices.Contains(metrics, a.kind) {
		return nil, errorf(500, "aggregation_initialization_exception", "Aggregator [%s] of type [%s] cannot accept sub-aggregations", a.name, a.kind)
	}
	return a, nil
}

func (p *queryParser) aggOptions(a *agg, m *member) error {
	n := &m.node
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
		options := map[string]any{"field": &a.field, "missing": &a.missing, "format": p.formatInto(a), "precision_threshold": func(*node) error { return nil }, "value_type": unsupported{}, "script": unsupported{}, "rehash": unsupported{}}
		if a.kind != "cardinality" {
			delete(options, "precision_threshold")
			delete(options, "rehash")
		}
		if err := p.aggMembers(a, n, options); err != nil {
			return err
		}
		if a.field == "" {
			return illegal("Required one of fields [field, script], but none were specified. ")
		}
		return nil
	}
	if slices.Contains(realAggs, a.kind) {
		return notOffered("the aggregation [%s]", a.kind)
	}
	return p.failAt(m.node.start, "Unknown aggregation type [%s]", a.kind).because(errorf(400, "named_object_not_found_exception", "[1:%d] unknown field [%s]", m.node.start+1, a.kind))
}

// aggMembers reads options by a table.
func (p *queryParser) aggMembers(a *agg, n *node, into map[string]any) error {
	for i := range n.members {
		m := &n.members[i]
		target, ok := into[m.name]
		if !ok {
			line, column := position(p.body, m.at)
			return errorf(400, "x_content_parse_exception", "[%d:%d] [%s] unknown field [%s]", line, column, a.kind, m.name)
		}
		if _, no := target.(unsupported); no {
			return notOffered("the option [%s] of the aggregation [%s]", m.name, a.kind)
		}
		if err := p.option(a.kind, m, target); err != nil {
			if e := asAPIError(err); e.kind == "illegal_argument_exception" || e.kind == "zone_rules_exception" {
				line, column := position(p.body, m.node.start)
				return errorf(400, "x_content_parse_exception", "[%d:%d] [%s] failed to parse field [%s]", line, column, a.kind, m.name).because(e)
			}
			return err
		}
	}
	return nil
}

func (p *queryParser) formatInto(a *agg) func(*node) error {
	return func(n *node) (err error) {
		a.format, err = parseFormat(n.text)
		return err
	}
}

func (p *queryParser) filtersOptions(a *agg, n *node) error {
	options := map[string]any{
		"filters": func(n *node) error {
			for i := range n.members {
				q, err := p.parse(&n.members[i].node)
				if err != nil {
					return err
				}
				a.filters = append(a.filters, namedFilter{n.members[i].name, q})
			}
			a.anonymous = n.kind == isArray
			for i := range n.items {
				q, err := p.parse(&n.items[i])
				if err != nil {
					return err
				}
				a.filters = append(a.filters, namedFilter{"", q})
			}
			return nil
		},
		"other_bucket": func(n *node) error {
			if n.text == "true" && a.other == "" {
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
		return illegal("[filters] cannot be empty.")
	}
	if len(a.filters) > maxClauses {
		return illegal("more than %d filters", maxClauses)
	}
	return nil
}

func (p *queryParser) termsOptions(a *agg, n *node) error {
	a.size, a.least = 10, 1
	ignored := func(*node) error { return nil }
	options := map[string]any{
		"field": &a.field, "size": p.sizeInto(a), "min_doc_count": &a.least, "missing": &a.missing, "format": p.formatInto(a), "shard_size": ignored, "shard_min_doc_count": ignored,
		"execution_hint": ignored, "collect_mode": ignored, "show_term_doc_count_error": only("show_term_doc_count_error", "false"), "script": unsupported{}, "value_type": unsupported{},
		"order":   func(n *node) error { return a.parseOrder(n) },
		"include": func(n *node) (err error) { a.include, err = parseTermFilter(n); return err },
		"exclude": func(n *node) (err error) { a.exclude, err = parseTermFilter(n); return err },
	}
	if err := p.aggMembers(a, n, options); err != nil {
		return err
	}
	if a.field == "" {
		return illegal("Required one of fields [field, script], but none were specified. ")
	}
	switch {
	case a.least < 0:
		return illegal("[minDocCount] must be greater than or equal to 0. Found [%d] in [%s]", a.least, a.name)
	case a.least == 0:
		return notOffered("min_doc_count 0 of the aggregation [terms]")
	}
	return nil
}

func (p *queryParser) sizeInto(a *agg) func(*node) error {
	return func(n *node) error {
		v, err := strconv.Atoi(n.text)
		switch {
		case err != nil:
			return numberFormat(n.text)
		case v == 0 && p.major < firstKeyword:
			v = maxBuckets
		case v <= 0:
			return illegal("[size] must be greater than 0. Found [%d] in [%s]", v, a.name)
		}
		a.size = v
		return nil
	}
}

// termFilter says which terms become buckets.
type termFilter struct {
	exact []string
	glob  *glob
}

func parseTermFilter(n *node) (*termFilter, error) {
	switch n.kind {
	case isArray:
		return &termFilter{exact: texts(n)}, nil
	case isString:
		// Regular expressions in their simplest form: a text, with .* for any.
		if plain := strings.ReplaceAll(n.text, ".*", "*"); !strings.ContainsAny(plain, `.?+|{}[]()"\#@&<>~`) {
			return &termFilter{glob: newGlob(plain, false)}, nil
		}
	}
	return nil, notOffered("[include] and [exclude] of the aggregation [terms] with regular expressions or partitions")
}

func (f *termFilter) match(text string) bool {
	if f.glob != nil {
		return f.glob.match(text)
	}
	return slices.Contains(f.exact, text)
}

func (a *agg) parseOrder(n *node) error {
	items := n.items
	if n.kind == isObject {
		items = []node{*n}
	}
	for i := range items {
		if len(items[i].members) != 1 {
			return illegal("Must specify at least one field for [order]")
		}
		m := &items[i].members[0]
		o := bucketOrder{by: m.name}
		switch strings.ToLower(m.node.text) {
		case "asc":
		case "desc":
			o.desc = true
		default:
			return illegal("Unknown order direction [%s]", m.node.text)
		}
		if o.by == "_term" || o.by == "_time" {
			o.by = "_key"
		}
		a.order = append(a.order, o)
	}
	return nil
}

func (p *queryParser) histogramOptions(a *agg, n *node) error {
	var offset, given string
	interval := func(name string, calendar, fixed bool) func(*node) error {
		return func(n *node) error {
			if given != "" {
				return illegal("Cannot use [%s] with [%s] configuration option.", name, given)
			}
			given = name
			return a.setInterval(n.text, calendar, fixed, p.major)
		}
	}
	a.zone = time.UTC
	if p.major < firstTyped {
		a.least = 1
	}
	options := map[string]any{
		"field": &a.field, "interval": interval("interval", true, true), "calendar_interval": interval("calendar_interval", true, false), "fixed_interval": interval("fixed_interval", false, true), "min_doc_count": &a.least, "offset": &offset,
		"format": p.formatInto(a), "missing": &a.missing, "keyed": &a.keyed, "order": func(n *node) error { return a.parseOrder(n) }, "script": unsupported{},
		"time_zone": func(n *node) (err error) {
			if a.zone, err = parseZone(n.text); err != nil {
				return errorf(400, "zone_rules_exception", "Unknown time-zone ID: %s", n.text)
			}
			return nil
		},
		"extended_bounds": func(n *node) error {
			if low, ok := n.get("min"); ok {
				a.bounds[0] = low
			}
			if high, ok := n.get("max"); ok {
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
		return illegal("Required one of fields [field, script], but none were specified. ")
	}
	if offset != "" {
		d, ok := parseInterval(strings.TrimLeft(offset, "+-"))
		if !ok {
			return illegal("failed to parse setting [offset] with value [%s] as a time value", offset)
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
		return illegal("The supplied interval [%s] could not be parsed as a calendar interval.", text)
	}
	d, ok := parseInterval(text)
	if !ok || d <= 0 || strings.HasSuffix(text, "w") && major >= firstTyped {
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

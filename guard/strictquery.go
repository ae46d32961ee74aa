package guard

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/seed56735111/penstock/guard/internal/edge"
)

// search reads the body of _search, and of the calls that take a part of it.
func (w walker) search() error {
	return w.object(members{
		"query": w.query, "post_filter": w.query, "filter": w.query, "rescore": w.each(w.rescore),
		"aggs": w.aggregations, "aggregations": w.aggregations, "facets": w.unknown("facets"),
		"highlight": w.highlight, "suggest": w.suggest, "sort": w.sort,
		"collapse": func() error {
			return w.object(members{"inner_hits": w.each(w.search)}, "field max_concurrent_group_searches")
		},
		"pit": func() error {
			w.pit = true
			return w.d.SkipValue()
		},
		"search_pipeline": func() error {
			if w.d.PeekKind() != '"' {
				return errPipeline
			}
			return w.noPipeline()
		},
	}, "from size timeout terminate_after _source fields stored_fields docvalue_fields script_fields partial_fields"+
		" fielddata_fields explain version seq_no_primary_term min_score track_scores track_total_hits search_after"+
		" slice stats profile include_named_queries_score verbose_pipeline derived indices_boost name ignore_unmapped"+
		" conflicts max_docs script")
}

func (w walker) unknown(what string) func() error {
	return func() error { return fmt.Errorf("%s are not looked into", what) }
}

// filter reads a filter: a query. It refuses a string that holds a query.
func (w walker) filter() error {
	if w.d.PeekKind() == '"' {
		return errors.New("a filter that is a string is not looked into")
	}
	return w.query()
}

// query reads one query: an object that has the kind of the query as its name.
func (w walker) query() error { return edge.EachMember(w.d, w.clause) }

// clause reads a query of a kind. It refuses an unknown kind, which may name an index anywhere.
func (w walker) clause(kind string) error {
	const common = "boost _name name"
	switch kind {
	case "match_all", "match_none", "match", "match_phrase", "match_phrase_prefix", "match_bool_prefix", "multi_match",
		"combined_fields", "common", "query_string", "simple_query_string", "term", "terms_set", "range", "exists",
		"missing", "prefix", "wildcard", "regexp", "fuzzy", "ids", "type", "geo_bounding_box", "geo_distance",
		"geo_distance_range", "geo_polygon", "geohash_cell", "distance_feature", "rank_feature", "script", "intervals",
		"span_term", "span_gap", "parent_id", "neural_sparse", "limit":
		// These compare fields with values, and name no index.
		return w.d.SkipValue()
	case "terms":
		return edge.EachMember(w.d, func(string) error { return w.terms() })
	case "geo_shape", "xy_shape":
		return edge.EachMember(w.d, func(string) error { return w.shape() })
	case "more_like_this", "mlt":
		return w.moreLikeThis()
	case "percolate":
		return w.object(members{"index": w.askFor("_search")}, common+" field document documents id type"+
			" document_type routing preference version")
	case "bool":
		list := w.each(w.query)
		return w.object(members{"must": list, "must_not": list, "should": list, "filter": list},
			common+" minimum_should_match adjust_pure_negative disable_coord")
	case "boosting":
		return w.object(members{"positive": w.query, "negative": w.query}, common+" negative_boost")
	case "constant_score":
		return w.object(members{"filter": w.query, "query": w.query}, common)
	case "filtered":
		return w.object(members{"filter": w.query, "query": w.query}, common+" strategy")
	case "dis_max", "hybrid":
		return w.object(members{"queries": w.each(w.query), "filter": w.query}, common+" tie_breaker"+
			" pagination_depth")
	case "function_score":
		return w.functionScore()
	case "script_score":
		return w.object(members{"query": w.query}, common+" script min_score")
	case "nested", "has_child", "has_parent":
		return w.object(members{"query": w.query, "filter": w.query, "inner_hits": w.search},
			common+" path score_mode score type child_type parent_type min_children max_children ignore_unmapped")
	case "span_first":
		return w.object(members{"match": w.query}, common+" end")
	case "span_near", "span_or":
		return w.object(members{"clauses": w.each(w.query)}, common+" slop in_order collect_payloads")
	case "span_not":
		return w.object(members{"include": w.query, "exclude": w.query}, common+" pre post dist")
	case "span_containing", "span_within":
		return w.object(members{"big": w.query, "little": w.query}, common)
	case "span_multi":
		return w.object(members{"match": w.query}, common)
	case "field_masking_span":
		return w.object(members{"query": w.query}, common+" field")
	case "knn", "neural":
		// By field, with a filter that is a query.
		return edge.EachMember(w.d, func(string) error {
			if w.d.PeekKind() != '{' {
				return w.d.SkipValue()
			}
			return w.object(members{"filter": w.query}, common+" vector k query_text query_image model_id"+
				" max_distance min_score"+
				" method_parameters rescore expand_nested_docs")
		})
	}
	return fmt.Errorf("a query of the kind %q is not one that it knows", kind)
}

// terms reads the terms of a field, or the document that has them.
func (w walker) terms() error {
	if w.d.PeekKind() != '{' {
		return w.d.SkipValue()
	}
	return w.object(members{"index": w.askFor("_search"), "query": w.query}, "id path type routing store boost cache")
}

// shapesIndex is the index of an indexed shape that names none.
const shapesIndex = "shapes"

func (w walker) shape() error {
	if w.d.PeekKind() != '{' {
		return w.d.SkipValue()
	}
	return w.object(members{"indexed_shape": func() error {
		index := ""
		if err := w.object(members{"index": w.stringInto(&index)}, "id type path shape_field_name routing"); err != nil {
			return err
		}
		if index == "" {
			index = shapesIndex
		}
		return w.askAll(w.method, index, "_search")
	}}, "shape relation strategy type coordinates")
}

func (w walker) moreLikeThis() error {
	document := w.each(func() error {
		if w.d.PeekKind() != '{' {
			return w.d.SkipValue()
		}
		return w.object(members{"_index": w.askFor("_search")}, "_id _type _routing routing _version version"+
			" version_type _version_type doc"+
			" fields per_field_analyzer")
	})
	return w.object(members{"like": document, "unlike": document, "docs": document, "ignore_like": document},
		"fields ids like_text max_query_terms min_term_freq min_doc_freq max_doc_freq min_word_length"+
			" max_word_length stop_words analyzer"+
			" minimum_should_match percent_terms_to_match fail_on_unsupported_field boost_terms include boost _name")
}

func (w walker) functionScore() error {
	const functions = "weight random_score script_score field_value_factor gauss linear exp boost_factor"
	return w.object(members{
		"query": w.query, "filter": w.query,
		"functions": w.each(func() error { return w.object(members{"filter": w.query}, functions) }),
	}, functions+" score_mode boost_mode max_boost min_score boost _name")
}

func (w walker) aggregations() error {
	return edge.EachMember(w.d, func(string) error { return edge.EachMember(w.d, w.aggregation) })
}

// aggregation reads a member of an aggregation: its kind, or the aggregations below it.
func (w walker) aggregation(kind string) error {
	switch kind {
	case "aggs", "aggregations":
		return w.aggregations()
	case "filter":
		return w.query()
	case "filters", "adjacency_matrix":
		return w.object(members{"filters": w.queries}, "other_bucket other_bucket_key keyed separator")
	case "significant_terms", "significant_text":
		return w.rest(members{"background_filter": w.query})
	case "top_hits":
		return w.search()
	case "meta", "terms", "multi_terms", "rare_terms", "histogram", "date_histogram", "auto_date_histogram",
		"variable_width_histogram", "range", "date_range", "ip_range", "ipv4_range", "geo_distance", "geohash_grid",
		"geotile_grid", "geohex_grid", "global", "missing", "nested", "reverse_nested", "children", "parent", "sampler",
		"diversified_sampler", "composite", "avg", "sum", "min", "max", "stats", "extended_stats", "value_count",
		"cardinality", "percentiles", "percentile_ranks", "median_absolute_deviation", "geo_bounds", "geo_centroid",
		"weighted_avg", "scripted_metric", "matrix_stats", "avg_bucket", "sum_bucket", "min_bucket", "max_bucket",
		"stats_bucket", "extended_stats_bucket", "percentiles_bucket", "bucket_script", "bucket_selector", "bucket_sort",
		"derivative", "cumulative_sum", "moving_avg", "moving_fn", "serial_diff":
		return w.d.SkipValue()
	}
	return fmt.Errorf("an aggregation of the kind %q is not one that it knows", kind)
}

// queries reads several queries: a list, or an object with names.
func (w walker) queries() error {
	if w.d.PeekKind() == '[' {
		return edge.EachElement(w.d, w.query)
	}
	return edge.EachMember(w.d, func(string) error { return w.query() })
}

func (w walker) rescore() error {
	return w.object(members{"query": func() error {
		return w.object(members{"rescore_query": w.query}, "query_weight rescore_query_weight score_mode")
	}}, "window_size")
}

// highlight reads the highlighting of hits. It may have a query of its own, for all fields or for one.
func (w walker) highlight() error {
	field := func() error {
		return edge.EachMember(w.d, func(string) error { return w.rest(members{"highlight_query": w.query}) })
	}
	return w.rest(members{"highlight_query": w.query, "fields": w.each(field)})
}

// suggest reads suggestions by name. It refuses a phrase with a collate query, which is a template.
func (w walker) suggest() error {
	return edge.EachMember(w.d, func(string) error {
		if w.d.PeekKind() != '{' {
			return w.d.SkipValue()
		}
		return w.rest(members{"phrase": func() error {
			return w.rest(members{"collate": func() error {
				return errors.New("the collate query of a suggestion is a template")
			}})
		}})
	})
}

// sort reads the order of hits. A field of nested documents may have a query that filters them.
func (w walker) sort() error {
	return w.each(func() error {
		if w.d.PeekKind() != '{' {
			return w.d.SkipValue()
		}
		return edge.EachMember(w.d, func(string) error {
			if w.d.PeekKind() != jsontext.BeginObject.Kind() {
				return w.d.SkipValue()
			}
			return w.rest(members{"nested": w.nestedSort, "nested_filter": w.query})
		})
	})()
}

func (w walker) nestedSort() error {
	return w.object(members{"filter": w.query, "nested": w.nestedSort}, "path max_children")
}

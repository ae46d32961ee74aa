package engine

import (
	"math"
	"net/http"
	"time"

	"github.com/seed56735111/penstock/engine/internal/agg"
	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/query"
	"github.com/seed56735111/penstock/engine/internal/store"
	"github.com/seed56735111/penstock/engine/internal/wire"
)

var searchParameters = []string{
	"q", "df", "default_operator", "analyze_wildcard", "lenient", "analyzer", "from", "size", "sort", "_source",
	"_source_includes", "_source_excludes", "_source_include", "_source_exclude", "track_total_hits", "track_scores",
	"version", "seq_no_primary_term", "rest_total_hits_as_int", "ignore_unavailable", "allow_no_indices",
	"expand_wildcards", "preference", "routing", "search_type", "request_cache", "batched_reduce_size",
	"max_concurrent_shard_requests", "pre_filter_shard_size", "typed_keys", "ccs_minimize_roundtrips",
	"allow_partial_search_results", "ignore_throttled", "timeout", "terminate_after", "explain",
	"cancel_after_time_interval", "phase_took", "scroll",
}

var unsupportedSearch = []string{
	"stored_fields", "docvalue_fields", "fields", "suggest_field", "suggest_mode", "suggest_size",
	"suggest_text", "stats", "search_pipeline", "source", "min_score", "include_named_queries_score",
}

const exactly = math.MaxInt

// search answers _search.
func (c *call) search(expr string) error {
	began := time.Now()
	if err := c.known(searchParameters, unsupportedSearch); err != nil {
		return err
	}
	r, err := c.parseSearch()
	if err != nil {
		return err
	}
	found, err := c.meant(expr)
	if err != nil {
		return err
	}
	alive, err := scrollAlive(c.query.Get("scroll"))
	if err != nil {
		return err
	}
	if alive > 0 {
		return c.beginScroll(r, found, alive, began)
	}
	searchers, err := query.Open(c.r.Context(), found, c.node, c.profile.major)
	if err != nil {
		return err
	}
	defer searchers.Close()
	out, early, err := r.run(searchers, c)
	if err != nil {
		return err
	}
	answer := wire.Obj("took", time.Since(began).Milliseconds(), "timed_out", false)
	if early {
		answer = append(answer, wire.Entry{Name: "terminated_early", Value: true})
	}
	answer = append(append(answer, wire.Entry{Name: "_shards", Value: c.shardsSearched(found)}), out...)
	return c.answer(http.StatusOK, answer)
}

func (c *call) shardsSearched(found []*store.Index) wire.Object {
	total := 0
	for _, x := range found {
		total += x.Settings.Shards
	}
	if c.profile.major < mapping.FirstUntyped {
		return wire.Obj("total", total, "successful", total, "failed", 0)
	}
	return wire.Obj("total", total, "successful", total, "skipped", 0, "failed", 0)
}

// run searches, and returns hits and aggregations. Early is the terminated_early that OpenSearch 3 reports for a search
// that asks for aggregations alone.
func (r *searchRequest) run(searchers query.Searchers, c *call) (out wire.Object, early bool, err error) {
	top, err := query.NewTop(&r.page, searchers)
	if err != nil {
		return nil, false, err
	}
	var all []agg.Doc
	for _, s := range searchers {
		h, err := r.In(s)
		if err != nil {
			return nil, false, err
		}
		if r.aggs != nil {
			for _, d := range h.Docs {
				all = append(all, agg.Doc{Searcher: s, Number: d})
			}
		}
		if r.postFilter != nil {
			kept, err := r.postFilter.Run(s)
			if err != nil {
				return nil, false, err
			}
			h = h.And(kept.Constant(0))
		}
		if err := top.Add(s, h); err != nil {
			return nil, false, err
		}
	}
	hits, err := r.hits(top, len(searchers) == 0, c)
	if err != nil {
		return nil, false, err
	}
	out = wire.Obj("hits", hits)
	if r.aggs != nil {
		results, err := r.aggs.Run(searchers, c.profile.major, all)
		if err != nil {
			return nil, false, err
		}
		out = append(out, wire.Entry{Name: "aggregations", Value: results})
	}
	return out, r.aggs != nil && r.page.Size == 0 && top.Total > 0 && c.profile.major >= mapping.FirstThird, nil
}

// hits writes the hits that are asked for.
func (r *searchRequest) hits(top *query.Top, nowhere bool, c *call) (wire.Object, error) {
	var out wire.Object
	switch {
	case r.asNumber && r.track < 0:
		out = wire.Obj("total", -1)
	case r.asNumber:
		out = wire.Obj("total", top.Total)
	case r.track >= 0:
		value, relation := top.Total, "eq"
		if value > r.track {
			value, relation = r.track, "gte"
		}
		out = wire.Obj("total", wire.Obj("value", value, "relation", relation))
	}
	var best any
	switch {
	case nowhere, c.profile.major < mapping.FirstUntyped && (r.page.Size == 0 || top.Total == 0) && r.page.Sort == nil:
		best = wire.Double(0)
		if c.profile.major < mapping.FirstUntyped && r.page.Size > 0 {
			best = nil
		}
	case (r.page.Sort == nil || r.trackScore || c.profile.major >= mapping.FirstThird && r.page.SortedByScore()) &&
		r.page.Size > 0 && top.Total > 0:
		best = top.Best
	}
	out = append(out, wire.Entry{Name: "max_score", Value: best})
	chosen := top.Chosen()
	items := make([]any, 0, len(chosen))
	size := 0
	for _, h := range chosen {
		item, n, err := r.hit(h, c)
		if err != nil {
			return nil, err
		}
		if size += n; int64(size) > c.maxAnswer() {
			return nil, c.tooMuch()
		}
		items = append(items, item)
	}
	if len(chosen) > 0 {
		r.page.Behind = chosen[len(chosen)-1]
	}
	return append(out, wire.Entry{Name: "hits", Value: items}), nil
}

// scored says whether hits have scores.
func (r *searchRequest) scored() bool {
	return r.page.Sort == nil || r.trackScore || r.page.ByScore()
}

// maxAnswer bounds the sources in one answer.
func (e *Engine) maxAnswer() int64 {
	const times = 4
	return times * e.cfg.MaxContentLength
}

func (e *Engine) tooMuch() error {
	return wire.Errorf(http.StatusTooManyRequests, "circuit_breaking_exception",
		"[request] Data too large: the documents of this answer have more than [%d] bytes", e.maxAnswer())
}

// hit writes one hit, and says how large its source is.
func (r *searchRequest) hit(h *query.Candidate, c *call) (wire.Object, int, error) {
	d, err := h.Searcher.Load(h.Document, r.source == nil || r.source.Wanted())
	if err != nil {
		return nil, 0, err
	}
	o := c.head(h.Searcher.Index.Name, d.DocType, d.ID)
	if r.version {
		o = append(o, wire.Entry{Name: "_version", Value: d.Version})
	}
	if r.seqNo {
		o = append(o, wire.Entry{Name: "_seq_no", Value: d.Seq}, wire.Entry{Name: "_primary_term", Value: 1})
	}
	var score any
	if r.scored() {
		score = h.Score
	}
	o = append(o, wire.Entry{Name: "_score", Value: score})
	if d.Routing != "" {
		o = append(o, wire.Entry{Name: "_routing", Value: d.Routing})
	}
	if d.Source != nil {
		o = append(o, wire.Entry{Name: "_source", Value: r.source.Apply(d.Source)})
	}
	if r.page.Sort != nil {
		values := make([]any, 0, len(r.page.Sort))
		for i := range r.page.Sort {
			values = append(values, r.page.Sort[i].Shown(h.Keys[i], c.profile.major))
		}
		o = append(o, wire.Entry{Name: "sort", Value: values})
	}
	return o, len(d.Source), nil
}

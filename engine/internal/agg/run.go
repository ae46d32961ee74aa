package agg

import (
	"github.com/seed56735111/penstock/engine/internal/query"
	"github.com/seed56735111/penstock/engine/internal/wire"
)

// Doc is a document of one of the indexes that are searched.
type Doc struct {
	Searcher *query.Searcher
	Number   uint32
}

// Run works the aggregations out, over documents that a search found, index by index and in order. Major is the version
// of the engine that is answered like.
func (w Aggregations) Run(searchers query.Searchers, major int, docs []Doc) (wire.Object, error) {
	r := &runner{searchers: searchers, major: major}
	return r.all(w, docs)
}

// runner works aggregations out, and counts the buckets of the answer.
type runner struct {
	searchers query.Searchers
	major     int
	buckets   int
}

// maxBuckets is how many buckets one answer may have.
const maxBuckets = 65535

func (r *runner) count(n int) error {
	if r.buckets += n; r.buckets > maxBuckets {
		return wire.Errorf(503, "search_phase_execution_exception", "").
			With("phase", "query", "grouped", true, "failed_shards", []any{}).
			Because(wire.Errorf(503, "too_many_buckets_exception",
				"Trying to create too many buckets. Must be less than or equal to: [%d] but was [%d]. This limit can be set "+
					"by changing the [search.max_buckets] cluster level setting.", maxBuckets, r.buckets).
				With("max_buckets", maxBuckets))
	}
	return nil
}

// all works out several aggregations over the same documents.
func (r *runner) all(wanted []*aggregation, docs []Doc) (wire.Object, error) {
	out := make(wire.Object, 0, len(wanted))
	for _, a := range wanted {
		v, err := r.one(a, docs)
		if err != nil {
			return nil, err
		}
		out = append(out, wire.Entry{Name: a.name, Value: v})
	}
	return out, nil
}

func (r *runner) one(a *aggregation, docs []Doc) (wire.Object, error) {
	switch a.kind {
	case "filter":
		kept, err := r.filtered(a.filter, docs)
		if err != nil {
			return nil, err
		}
		return r.bucket(a, nil, kept)
	case "filters":
		return r.filters(a, docs)
	case "terms":
		return r.terms(a, docs)
	case "date_histogram":
		return r.histogram(a, docs)
	}
	return r.metric(a, docs)
}

// bucket completes a bucket with the number of its documents and its sub-aggregations.
func (r *runner) bucket(a *aggregation, head wire.Object, docs []Doc) (wire.Object, error) {
	subs, err := r.all(a.subs, docs)
	return append(append(head, wire.Entry{Name: "doc_count", Value: len(docs)}), subs...), err
}

package engine

import (
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/store"
	"github.com/seed56735111/penstock/engine/internal/wire"
)

// searchRequest is what is asked for.
type searchRequest struct {
	query      query
	from, size int
	sort       []sortKey
	after      *wire.Node
	source     *sourceFilter
	aggs       []*agg
	track      int // count exactly up to this; below 0: do not count
	trackScore bool
	version    bool
	seqNo      bool
	minScore   *float32
	postFilter query
	asNumber   bool // hits.total is a number
	types      []string
}

var searchParameters = []string{
	"q", "df", "default_operator", "analyze_wildcard", "lenient", "analyzer", "from", "size", "sort", "_source", "_source_includes", "_source_excludes", "_source_include", "_source_exclude",
	"track_total_hits", "track_scores", "version", "seq_no_primary_term", "rest_total_hits_as_int", "ignore_unavailable", "allow_no_indices", "expand_wildcards", "preference", "routing", "search_type",
	"request_cache", "batched_reduce_size", "max_concurrent_shard_requests", "pre_filter_shard_size", "typed_keys", "ccs_minimize_roundtrips", "allow_partial_search_results", "ignore_throttled",
	"timeout", "terminate_after", "explain", "cancel_after_time_interval", "phase_took",
}

var unsupportedSearch = []string{"scroll", "stored_fields", "docvalue_fields", "fields", "suggest_field", "suggest_mode", "suggest_size", "suggest_text", "stats", "search_pipeline", "source", "min_score", "include_named_queries_score"}

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
	searchers, done, err := c.searchers(found)
	if err != nil {
		return err
	}
	defer done()
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

// searchers opens indexes as they are now. An index that was deleted meanwhile is left out.
func (c *call) searchers(found []*store.Index) (out []*searcher, done func(), err error) {
	done = func() {
		for _, s := range out {
			s.snap.Close()
		}
	}
	now := time.Now()
	for _, x := range found {
		snap, st, err := x.View()
		if errors.Is(err, store.ErrClosed) {
			continue
		}
		if err != nil {
			done()
			return nil, nil, err
		}
		out = append(out, &searcher{
			ctx: c.r.Context(), x: x, snap: snap, st: st, m: st.Mapping, now: now, node: c.node, order: len(out),
			old: c.profile.major < mapping.FirstThird,
		})
	}
	return out, done, nil
}

// parseSearch reads the URL and the body.
func (c *call) parseSearch() (*searchRequest, error) {
	const defaultSize, defaultTrack = 10, 10000
	r := &searchRequest{size: defaultSize, track: defaultTrack, asNumber: c.profile.major < mapping.FirstUntyped}
	if r.asNumber {
		r.track = exactly
	}
	if t := c.docType(); t != "" && c.profile.major < mapping.FirstUntyped {
		r.types = strings.Split(t, ",")
	}
	boost := float32(1)
	r.query = matchAll{&boost}
	n := wire.Node{Kind: wire.ObjectKind}
	if len(c.body) > 0 {
		var err error
		if n, err = wire.ParseBody(c.body); err != nil {
			return nil, err
		}
	}
	p := &queryParser{body: c.body, major: c.profile.major}
	for i := range n.Members {
		if err := r.member(p, &n.Members[i]); err != nil {
			return nil, err
		}
	}
	if err := c.searchURL(r, p); err != nil {
		return nil, err
	}
	if r.after != nil && r.from > 0 {
		return nil, wire.Illegal("`from` parameter must be set to 0 when `search_after` is used.")
	}
	return r, nil
}

// realSearch are the parts of a body that the real engines know and this one does not.
var realSearch = []string{
	"highlight", "suggest", "rescore", "script_fields", "stored_fields", "fields", "docvalue_fields", "collapse", "indices_boost", "slice", "ext", "profile", "pit", "derived", "search_pipeline", "knn",
	"runtime_mappings", "partial_fields", "fielddata_fields", "facets", "rank", "point_in_time", "verbose_pipeline",
}

func (r *searchRequest) member(p *queryParser, m *wire.Member) (err error) {
	n := &m.Node
	number := func(into *int) error {
		if n.Kind != wire.NumberKind && n.Kind != wire.StringKind {
			return p.failAt(n.Start, "Unknown key for a %s in [%s].", n.Token(), m.Name)
		}
		v, err := strconv.ParseInt(n.Text, 10, 32)
		if err != nil {
			return wire.NumberFormat(n.Text)
		}
		if v == -1 && p.major <= mapping.FirstUntyped {
			return nil // as if nothing were said
		}
		if v < 0 {
			return wire.Illegal("[%s] parameter cannot be negative, found [%d]", m.Name, v)
		}
		*into = int(v)
		return nil
	}
	truth := func(into *bool) error {
		if n.Text != "true" && n.Text != "false" {
			return wire.Illegal("Failed to parse value [%s] as only [true] or [false] are allowed.", n.Text)
		}
		*into = n.Text == "true"
		return nil
	}
	var ignored bool
	switch m.Name {
	case "query":
		if len(n.Members) == 0 && n.Kind == wire.ObjectKind && p.major < mapping.FirstTyped {
			return nil
		}
		r.query, err = p.parse(n)
	case "from":
		err = number(&r.from)
	case "size":
		err = number(&r.size)
	case "sort":
		r.sort, err = p.parseSort(n)
	case "search_after":
		if n.Kind != wire.ArrayKind {
			return p.failAt(n.Start, "Unknown key for a %s in [%s].", n.Token(), m.Name)
		}
		if len(n.Items) == 0 {
			return wire.Illegal("Values must contains at least one value.")
		}
		for i := range n.Items {
			if k := &n.Items[i]; k.Kind == wire.ObjectKind || k.Kind == wire.ArrayKind {
				return p.failAt(k.Start, "Expected [VALUE_STRING] or [VALUE_NUMBER] or [VALUE_BOOLEAN] or [VALUE_NULL] but found [%s] inside search_after.", k.Token())
			}
		}
		r.after = n
	case "_source":
		r.source, err = parseSourceFilter(n)
	case "aggs", "aggregations":
		r.aggs, err = p.parseAggs(n, 1)
	case "track_total_hits":
		err = r.parseTrack(n.Text)
	case "track_scores":
		err = truth(&r.trackScore)
	case "version":
		err = truth(&r.version)
	case "seq_no_primary_term":
		err = truth(&r.seqNo)
	case "explain":
		if err = truth(&ignored); err == nil && ignored {
			err = wire.NotOffered("explain in a search")
		}
	case "profile":
		if err = truth(&ignored); err == nil && ignored {
			err = wire.NotOffered("profile in a search")
		}
	case "min_score":
		v, bad := strconv.ParseFloat(n.Text, 32)
		if bad != nil {
			return wire.NumberFormat(n.Text)
		}
		low := float32(v)
		r.minScore = &low
	case "post_filter", "filter":
		if m.Name == "filter" && p.major >= mapping.FirstTyped {
			return p.failAt(n.Start, "Unknown key for a %s in [%s].", n.Token(), m.Name)
		}
		r.postFilter, err = p.parse(n)
	case "timeout":
		return timeValue(m.Name, n.Text)
	case "terminate_after", "stats", "facets":
		if m.Name == "facets" || m.Name == "terminate_after" && n.Text != "0" {
			err = wire.NotOffered("[%s] in a search", m.Name)
		}
	default:
		if slices.Contains(realSearch, m.Name) {
			// An empty part asks for nothing.
			if m.Name != "stored_fields" && (n.Kind == wire.ObjectKind || n.Kind == wire.ArrayKind) && len(n.Members)+len(n.Items) == 0 {
				return nil
			}
			return wire.NotOffered("[%s] in a search", m.Name)
		}
		return p.failAt(n.Start, "Unknown key for a %s in [%s].", n.Token(), m.Name)
	}
	return err
}

func (r *searchRequest) parseTrack(text string) error {
	switch text {
	case "true":
		r.track = exactly
	case "false":
		r.track = -1
	default:
		n, err := strconv.Atoi(text)
		if err != nil || n < -1 {
			return wire.Illegal("[track_total_hits] parameter must be positive or equals to -1, got %s", text)
		}
		if r.track = n; n == -1 {
			r.track = exactly
		}
	}
	return nil
}

// searchURL reads what the URL says, which goes before the body.
func (c *call) searchURL(r *searchRequest, p *queryParser) error {
	var err error
	for name, into := range map[string]*int{"from": &r.from, "size": &r.size} {
		if *into, err = c.number(name, *into); err != nil {
			return err
		}
		if *into < 0 {
			return wire.Illegal("[%s] parameter cannot be negative, found [%d]", name, *into)
		}
	}
	if c.query.Has("q") {
		if r.query, err = c.queryURL(p); err != nil {
			return err
		}
	}
	if f := c.sourceParameters(); f != nil {
		r.source = f
	}
	if v := c.query.Get("sort"); v != "" {
		for part := range strings.SplitSeq(v, ",") {
			name, order, _ := strings.Cut(part, ":")
			k, err := newSortKey(name, order, p.major)
			if err != nil {
				return err
			}
			r.sort = append(r.sort, k)
		}
	}
	if v := c.query.Get("track_total_hits"); v != "" {
		if err := r.parseTrack(v); err != nil {
			return err
		}
	}
	for name, into := range map[string]*bool{"track_scores": &r.trackScore, "version": &r.version, "seq_no_primary_term": &r.seqNo} {
		if *into, err = c.flag(name, *into); err != nil {
			return err
		}
	}
	for _, name := range []string{"explain", "typed_keys"} {
		on, err := c.flag(name, false)
		if err != nil {
			return err
		}
		if on {
			return wire.NotOffered("%s in a search", name)
		}
	}
	if v := c.query.Get("terminate_after"); v != "" && v != "0" {
		return wire.NotOffered("terminate_after in a search")
	}
	switch v := c.query.Get("search_type"); v {
	case "", "query_then_fetch", "dfs_query_then_fetch":
	case "count", "scan":
		return wire.NotOffered("the search type %s", v)
	default:
		return wire.Illegal("No search type for [%s]", v)
	}
	asNumber, err := c.flag("rest_total_hits_as_int", r.asNumber)
	if r.asNumber = asNumber; asNumber && !c.query.Has("track_total_hits") && r.track >= 0 {
		r.track = exactly
	}
	return err
}

// queryURL is the query of ?q.
func (c *call) queryURL(p *queryParser) (query, error) {
	q := &stringQuery{text: c.query.Get("q"), boost: 1, and: strings.EqualFold(c.query.Get("default_operator"), "and")}
	if df := c.query.Get("df"); df != "" {
		q.fields = []weighted{{df, 1}}
	}
	if a := c.query.Get("analyzer"); a != "" {
		if err := p.analyzerInto(&q.analyzer)(&wire.Node{Kind: wire.StringKind, Text: a}); err != nil {
			return nil, err
		}
	}
	var err error
	if q.lenient, err = c.flag("lenient", false); err != nil {
		return nil, err
	}
	return q, q.parse()
}

// run searches, and returns hits and aggregations. Early is what OpenSearch 3 says of searches for aggregations only.
func (r *searchRequest) run(searchers []*searcher, c *call) (out wire.Object, early bool, err error) {
	for _, s := range searchers {
		if r.from+r.size > s.x.Settings.Window {
			return nil, false, s.shardFailure(wire.Illegal("Result window is too large, from + size must be less than or equal to: [%d] but was [%d]. See the scroll api for a more efficient way to request large data sets. This limit can be set by changing the [index.max_result_window] index level setting.", s.x.Settings.Window, r.from+r.size))
		}
	}
	top, err := r.newTop(searchers)
	if err != nil {
		return nil, false, err
	}
	var all []docAt
	for _, s := range searchers {
		h, err := r.in(s)
		if err != nil {
			return nil, false, err
		}
		if r.aggs != nil {
			for _, d := range h.docs {
				all = append(all, docAt{s, d})
			}
		}
		if r.postFilter != nil {
			kept, err := r.postFilter.run(s)
			if err != nil {
				return nil, false, err
			}
			h = h.and(kept.constant(0))
		}
		if err := top.add(s, h); err != nil {
			return nil, false, err
		}
	}
	page, err := r.page(top, c)
	if err != nil {
		return nil, false, err
	}
	out = wire.Obj("hits", page)
	if r.aggs != nil {
		a := &aggregation{searchers: searchers, c: c}
		results, err := a.all(r.aggs, all)
		if err != nil {
			return nil, false, err
		}
		out = append(out, wire.Entry{Name: "aggregations", Value: results})
	}
	return out, r.aggs != nil && r.size == 0 && top.total > 0 && c.profile.major >= mapping.FirstThird, nil
}

// in finds the documents of one index.
func (r *searchRequest) in(s *searcher) (*hits, error) {
	h, err := r.query.run(s)
	if err != nil {
		return nil, err
	}
	if r.types != nil {
		t, err := s.ofTypes(r.types, 0)
		if err != nil {
			return nil, err
		}
		h = h.and(t)
	}
	if r.minScore == nil {
		return h, nil
	}
	kept := &hits{scores: []float32{}}
	for i, d := range h.docs {
		if v := h.at(i); v >= *r.minScore {
			kept.docs, kept.scores = append(kept.docs, d), append(kept.scores, v)
		}
	}
	return kept, nil
}

// page writes the hits that are asked for.
func (r *searchRequest) page(top *top, c *call) (wire.Object, error) {
	var out wire.Object
	switch {
	case r.asNumber && r.track < 0:
		out = wire.Obj("total", -1)
	case r.asNumber:
		out = wire.Obj("total", top.total)
	case r.track >= 0:
		value, relation := top.total, "eq"
		if value > r.track {
			value, relation = r.track, "gte"
		}
		out = wire.Obj("total", wire.Obj("value", value, "relation", relation))
	}
	var best any
	switch {
	case len(top.searchers) == 0, c.profile.major < mapping.FirstUntyped && (r.size == 0 || top.total == 0) && r.sort == nil:
		best = wire.Double(0)
		if c.profile.major < mapping.FirstUntyped && r.size > 0 {
			best = nil
		}
	case (r.sort == nil || r.trackScore || c.profile.major >= mapping.FirstThird && r.sort[0].field == "_score") && r.size > 0 && top.total > 0:
		best = top.best
	}
	out = append(out, wire.Entry{Name: "max_score", Value: best})
	chosen := top.sorted()
	chosen = chosen[min(r.from, len(chosen)):]
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
	return append(out, wire.Entry{Name: "hits", Value: items}), nil
}

// scored says whether hits have scores.
func (r *searchRequest) scored() bool {
	return r.sort == nil || r.trackScore || slices.ContainsFunc(r.sort, func(k sortKey) bool { return k.field == "_score" })
}

// maxAnswer bounds the sources in one answer.
func (e *Engine) maxAnswer() int64 {
	const times = 4
	return times * e.cfg.MaxContentLength
}

func (e *Engine) tooMuch() error {
	return wire.Errorf(http.StatusTooManyRequests, "circuit_breaking_exception", "[request] Data too large: the documents of this answer have more than [%d] bytes", e.maxAnswer())
}

// hit writes one hit, and says how large its source is.
func (r *searchRequest) hit(h *candidate, c *call) (wire.Object, int, error) {
	d, err := h.s.snap.Load(h.doc, r.source == nil || r.source.wanted())
	if err != nil {
		return nil, 0, err
	}
	o := c.head(h.s.x.Name, d.DocType, d.ID)
	if r.version {
		o = append(o, wire.Entry{Name: "_version", Value: d.Version})
	}
	if r.seqNo {
		o = append(o, wire.Entry{Name: "_seq_no", Value: d.Seq}, wire.Entry{Name: "_primary_term", Value: 1})
	}
	var score any
	if r.scored() {
		score = h.score
	}
	o = append(o, wire.Entry{Name: "_score", Value: score})
	if d.Routing != "" {
		o = append(o, wire.Entry{Name: "_routing", Value: d.Routing})
	}
	if d.Source != nil {
		o = append(o, wire.Entry{Name: "_source", Value: r.source.apply(d.Source)})
	}
	if r.sort != nil {
		values := make([]any, 0, len(r.sort))
		for i := range r.sort {
			values = append(values, h.keys[i].shown(&r.sort[i], c.profile.major))
		}
		o = append(o, wire.Entry{Name: "sort", Value: values})
	}
	return o, len(d.Source), nil
}

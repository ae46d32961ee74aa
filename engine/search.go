package engine

import (
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// searchRequest is what is asked for.
type searchRequest struct {
	query      query
	from, size int
	sort       []sortKey
	after      *node
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
	answer := obj("took", time.Since(began).Milliseconds(), "timed_out", false)
	if early {
		answer = append(answer, entry{"terminated_early", true})
	}
	answer = append(append(answer, entry{"_shards", c.shardsSearched(found)}), out...)
	return c.answer(http.StatusOK, answer)
}

func (c *call) shardsSearched(found []*index) object {
	total := 0
	for _, x := range found {
		total += x.settings.shards
	}
	if c.profile.major < firstUntyped {
		return obj("total", total, "successful", total, "failed", 0)
	}
	return obj("total", total, "successful", total, "skipped", 0, "failed", 0)
}

// searchers opens indexes as they are now. An index that was deleted meanwhile is left out.
func (c *call) searchers(found []*index) (out []*searcher, done func(), err error) {
	done = func() {
		for _, s := range out {
			s.snap.close()
		}
	}
	now := time.Now()
	for _, x := range found {
		snap, st, err := x.view()
		if errors.Is(err, errClosed) {
			continue
		}
		if err != nil {
			done()
			return nil, nil, err
		}
		out = append(out, &searcher{
			ctx: c.r.Context(), x: x, snap: snap, st: st, m: st.mapping, now: now, node: c.node, order: len(out),
			old: c.profile.major < firstThird,
		})
	}
	return out, done, nil
}

// parseSearch reads the URL and the body.
func (c *call) parseSearch() (*searchRequest, error) {
	const defaultSize, defaultTrack = 10, 10000
	r := &searchRequest{size: defaultSize, track: defaultTrack, asNumber: c.profile.major < firstUntyped}
	if r.asNumber {
		r.track = exactly
	}
	if t := c.docType(); t != "" && c.profile.major < firstUntyped {
		r.types = strings.Split(t, ",")
	}
	boost := float32(1)
	r.query = matchAll{&boost}
	n := node{kind: isObject}
	if len(c.body) > 0 {
		var err error
		if n, err = parseBody(c.body); err != nil {
			return nil, err
		}
	}
	p := &queryParser{body: c.body, major: c.profile.major}
	for i := range n.members {
		if err := r.member(p, &n.members[i]); err != nil {
			return nil, err
		}
	}
	if err := c.searchURL(r, p); err != nil {
		return nil, err
	}
	if r.after != nil && r.from > 0 {
		return nil, illegal("`from` parameter must be set to 0 when `search_after` is used.")
	}
	return r, nil
}

// realSearch are the parts of a body that the real engines know and this one does not.
var realSearch = []string{
	"highlight", "suggest", "rescore", "script_fields", "stored_fields", "fields", "docvalue_fields", "collapse", "indices_boost", "slice", "ext", "profile", "pit", "derived", "search_pipeline", "knn",
	"runtime_mappings", "partial_fields", "fielddata_fields", "facets", "rank", "point_in_time", "verbose_pipeline",
}

func (r *searchRequest) member(p *queryParser, m *member) (err error) {
	n := &m.node
	number := func(into *int) error {
		if n.kind != isNumber && n.kind != isString {
			return p.failAt(n.start, "Unknown key for a %s in [%s].", n.token(), m.name)
		}
		v, err := strconv.ParseInt(n.text, 10, 32)
		if err != nil {
			return numberFormat(n.text)
		}
		if v == -1 && p.major <= firstUntyped {
			return nil // as if nothing were said
		}
		if v < 0 {
			return illegal("[%s] parameter cannot be negative, found [%d]", m.name, v)
		}
		*into = int(v)
		return nil
	}
	truth := func(into *bool) error {
		if n.text != "true" && n.text != "false" {
			return illegal("Failed to parse value [%s] as only [true] or [false] are allowed.", n.text)
		}
		*into = n.text == "true"
		return nil
	}
	var ignored bool
	switch m.name {
	case "query":
		if len(n.members) == 0 && n.kind == isObject && p.major < firstTyped {
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
		if n.kind != isArray {
			return p.failAt(n.start, "Unknown key for a %s in [%s].", n.token(), m.name)
		}
		if len(n.items) == 0 {
			return illegal("Values must contains at least one value.")
		}
		for i := range n.items {
			if k := &n.items[i]; k.kind == isObject || k.kind == isArray {
				return p.failAt(k.start, "Expected [VALUE_STRING] or [VALUE_NUMBER] or [VALUE_BOOLEAN] or [VALUE_NULL] but found [%s] inside search_after.", k.token())
			}
		}
		r.after = n
	case "_source":
		r.source, err = parseSourceFilter(n)
	case "aggs", "aggregations":
		r.aggs, err = p.parseAggs(n, 1)
	case "track_total_hits":
		err = r.parseTrack(n.text)
	case "track_scores":
		err = truth(&r.trackScore)
	case "version":
		err = truth(&r.version)
	case "seq_no_primary_term":
		err = truth(&r.seqNo)
	case "explain":
		if err = truth(&ignored); err == nil && ignored {
			err = notOffered("explain in a search")
		}
	case "profile":
		if err = truth(&ignored); err == nil && ignored {
			err = notOffered("profile in a search")
		}
	case "min_score":
		v, bad := strconv.ParseFloat(n.text, 32)
		if bad != nil {
			return numberFormat(n.text)
		}
		low := float32(v)
		r.minScore = &low
	case "post_filter", "filter":
		if m.name == "filter" && p.major >= firstTyped {
			return p.failAt(n.start, "Unknown key for a %s in [%s].", n.token(), m.name)
		}
		r.postFilter, err = p.parse(n)
	case "timeout":
		return timeValue(m.name, n.text)
	case "terminate_after", "stats", "facets":
		if m.name == "facets" || m.name == "terminate_after" && n.text != "0" {
			err = notOffered("[%s] in a search", m.name)
		}
	default:
		if slices.Contains(realSearch, m.name) {
			// An empty part asks for nothing.
			if m.name != "stored_fields" && (n.kind == isObject || n.kind == isArray) && len(n.members)+len(n.items) == 0 {
				return nil
			}
			return notOffered("[%s] in a search", m.name)
		}
		return p.failAt(n.start, "Unknown key for a %s in [%s].", n.token(), m.name)
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
			return illegal("[track_total_hits] parameter must be positive or equals to -1, got %s", text)
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
			return illegal("[%s] parameter cannot be negative, found [%d]", name, *into)
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
			return notOffered("%s in a search", name)
		}
	}
	if v := c.query.Get("terminate_after"); v != "" && v != "0" {
		return notOffered("terminate_after in a search")
	}
	switch v := c.query.Get("search_type"); v {
	case "", "query_then_fetch", "dfs_query_then_fetch":
	case "count", "scan":
		return notOffered("the search type %s", v)
	default:
		return illegal("No search type for [%s]", v)
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
		if err := p.analyzerInto(&q.analyzer)(&node{kind: isString, text: a}); err != nil {
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
func (r *searchRequest) run(searchers []*searcher, c *call) (out object, early bool, err error) {
	for _, s := range searchers {
		if r.from+r.size > s.x.settings.window {
			return nil, false, s.shardFailure(illegal("Result window is too large, from + size must be less than or equal to: [%d] but was [%d]. See the scroll api for a more efficient way to request large data sets. This limit can be set by changing the [index.max_result_window] index level setting.", s.x.settings.window, r.from+r.size))
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
	out = obj("hits", page)
	if r.aggs != nil {
		a := &aggregation{searchers: searchers, c: c}
		results, err := a.all(r.aggs, all)
		if err != nil {
			return nil, false, err
		}
		out = append(out, entry{"aggregations", results})
	}
	return out, r.aggs != nil && r.size == 0 && top.total > 0 && c.profile.major >= firstThird, nil
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
func (r *searchRequest) page(top *top, c *call) (object, error) {
	var out object
	switch {
	case r.asNumber && r.track < 0:
		out = obj("total", -1)
	case r.asNumber:
		out = obj("total", top.total)
	case r.track >= 0:
		value, relation := top.total, "eq"
		if value > r.track {
			value, relation = r.track, "gte"
		}
		out = obj("total", obj("value", value, "relation", relation))
	}
	var best any
	switch {
	case len(top.searchers) == 0, c.profile.major < firstUntyped && (r.size == 0 || top.total == 0) && r.sort == nil:
		best = double(0)
		if c.profile.major < firstUntyped && r.size > 0 {
			best = nil
		}
	case (r.sort == nil || r.trackScore || c.profile.major >= firstThird && r.sort[0].field == "_score") && r.size > 0 && top.total > 0:
		best = top.best
	}
	out = append(out, entry{"max_score", best})
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
	return append(out, entry{"hits", items}), nil
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
	return errorf(http.StatusTooManyRequests, "circuit_breaking_exception", "[request] Data too large: the documents of this answer have more than [%d] bytes", e.maxAnswer())
}

// hit writes one hit, and says how large its source is.
func (r *searchRequest) hit(h *candidate, c *call) (object, int, error) {
	d, err := h.s.snap.load(h.doc, r.source == nil || r.source.wanted())
	if err != nil {
		return nil, 0, err
	}
	o := c.head(h.s.x.name, d.docType, d.id)
	if r.version {
		o = append(o, entry{"_version", d.version})
	}
	if r.seqNo {
		o = append(o, entry{"_seq_no", d.seq}, entry{"_primary_term", 1})
	}
	var score any
	if r.scored() {
		score = h.score
	}
	o = append(o, entry{"_score", score})
	if d.routing != "" {
		o = append(o, entry{"_routing", d.routing})
	}
	if d.source != nil {
		o = append(o, entry{"_source", r.source.apply(d.source)})
	}
	if r.sort != nil {
		values := make([]any, 0, len(r.sort))
		for i := range r.sort {
			values = append(values, h.keys[i].shown(&r.sort[i], c.profile.major))
		}
		o = append(o, entry{"sort", values})
	}
	return o, len(d.source), nil
}

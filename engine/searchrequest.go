package engine

import (
	"slices"
	"strconv"
	"strings"

	"github.com/seed56735111/penstock/engine/internal/agg"
	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/query"
	"github.com/seed56735111/penstock/engine/internal/wire"
)

// searchRequest is what a search asks for.
type searchRequest struct {
	query.Selection
	page       query.Page
	postFilter query.Query
	source     *wire.SourceFilter
	aggs       agg.Aggregations
	track      int // count exactly up to this; below 0: do not count
	trackScore bool
	version    bool
	seqNo      bool
	asNumber   bool // hits.total is a number
	stored     bool // stored fields are asked for, and the source only when it is named
}

// parseSearch reads the URL and the body.
func (c *call) parseSearch() (*searchRequest, error) {
	const defaultSize, defaultTrack = 10, 10000
	r := &searchRequest{
		Selection: query.Selection{Query: query.All()},
		page:      query.Page{Size: defaultSize},
		track:     defaultTrack,
		asNumber:  c.profile.major < mapping.FirstUntyped,
	}
	if r.asNumber {
		r.track = exactly
	}
	if t := c.docType(); t != "" && c.profile.major < mapping.FirstUntyped {
		r.Types = strings.Split(t, ",")
	}
	n := wire.Node{Kind: wire.ObjectKind}
	if len(c.body) > 0 {
		var err error
		if n, err = wire.ParseBody(c.body); err != nil {
			return nil, err
		}
	}
	p := &query.Parser{Body: c.body, Major: c.profile.major}
	for i := range n.Members {
		if err := r.member(p, &n.Members[i]); err != nil {
			return nil, err
		}
	}
	if err := c.searchURL(r, p); err != nil {
		return nil, err
	}
	if r.stored && r.source == nil {
		r.source = &wire.SourceFilter{None: true}
	}
	if r.page.After != nil && r.page.From > 0 {
		return nil, wire.Illegal("`from` parameter must be set to 0 when `search_after` is used.")
	}
	return r, nil
}

// realSearch are the parts of a body that the real engines know and this one does not.
var realSearch = []string{
	"highlight", "suggest", "rescore", "script_fields", "fields", "docvalue_fields", "collapse",
	"indices_boost", "slice", "ext", "profile", "pit", "derived", "search_pipeline", "knn", "runtime_mappings",
	"partial_fields", "fielddata_fields", "facets", "rank", "point_in_time", "verbose_pipeline",
}

func (r *searchRequest) member(p *query.Parser, m *wire.Member) (err error) {
	n := &m.Node
	number := func(into *int) error {
		if n.Kind != wire.NumberKind && n.Kind != wire.StringKind {
			return p.FailAt(n.Start, "Unknown key for a %s in [%s].", n.Token(), m.Name)
		}
		v, err := strconv.ParseInt(n.Text, 10, 32)
		if err != nil {
			return wire.NumberFormat(n.Text)
		}
		if v == -1 && p.Major <= mapping.FirstUntyped {
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
		if len(n.Members) == 0 && n.Kind == wire.ObjectKind && p.Major < mapping.FirstTyped {
			return nil
		}
		r.Query, err = p.Parse(n)
	case "from":
		err = number(&r.page.From)
	case "size":
		err = number(&r.page.Size)
	case "sort":
		r.page.Sort, err = p.ParseSort(n)
	case "search_after":
		if n.Kind != wire.ArrayKind {
			return p.FailAt(n.Start, "Unknown key for a %s in [%s].", n.Token(), m.Name)
		}
		if len(n.Items) == 0 {
			return wire.Illegal("Values must contains at least one value.")
		}
		for i := range n.Items {
			if k := &n.Items[i]; k.Kind == wire.ObjectKind || k.Kind == wire.ArrayKind {
				return p.FailAt(k.Start, "Expected [VALUE_STRING] or [VALUE_NUMBER] or [VALUE_BOOLEAN] or [VALUE_NULL] but "+
					"found [%s] inside search_after.", k.Token())
			}
		}
		r.page.After = n
	case "_source":
		r.source, err = wire.ParseSourceFilter(n)
	case "aggs", "aggregations":
		r.aggs, err = agg.Parse(p, n)
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
		r.MinScore = &low
	case "post_filter", "filter":
		if m.Name == "filter" && p.Major >= mapping.FirstTyped {
			return p.FailAt(n.Start, "Unknown key for a %s in [%s].", n.Token(), m.Name)
		}
		r.postFilter, err = p.Parse(n)
	case "timeout":
		return timeValue(m.Name, n.Text)
	case "terminate_after", "stats", "facets":
		if m.Name == "facets" || m.Name == "terminate_after" && n.Text != "0" {
			err = wire.NotOffered("[%s] in a search", m.Name)
		}
	case "stored_fields":
		if names := n.Texts(); len(names) != 1 || names[0] != "*" {
			return wire.NotOffered("[%s] in a search", m.Name)
		}
		r.stored = true // all of those that there are, and that is none
	default:
		if slices.Contains(realSearch, m.Name) {
			// An empty part asks for nothing.
			empty := (n.Kind == wire.ObjectKind || n.Kind == wire.ArrayKind) && len(n.Members)+len(n.Items) == 0
			if empty {
				return nil
			}
			return wire.NotOffered("[%s] in a search", m.Name)
		}
		return p.FailAt(n.Start, "Unknown key for a %s in [%s].", n.Token(), m.Name)
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

// searchURL reads what the URL says. It takes precedence over the body.
func (c *call) searchURL(r *searchRequest, p *query.Parser) error {
	var err error
	for name, into := range map[string]*int{"from": &r.page.From, "size": &r.page.Size} {
		if *into, err = c.number(name, *into); err != nil {
			return err
		}
		if *into < 0 {
			return wire.Illegal("[%s] parameter cannot be negative, found [%d]", name, *into)
		}
	}
	if c.query.Has("q") {
		if r.Query, err = c.queryURL(); err != nil {
			return err
		}
	}
	if f := c.sourceParameters(); f != nil {
		r.source = f
	}
	if v := c.query.Get("sort"); v != "" {
		for part := range strings.SplitSeq(v, ",") {
			name, order, _ := strings.Cut(part, ":")
			k, err := query.NewSortKey(name, order, p.Major)
			if err != nil {
				return err
			}
			r.page.Sort = append(r.page.Sort, k)
		}
	}
	if v := c.query.Get("track_total_hits"); v != "" {
		if err := r.parseTrack(v); err != nil {
			return err
		}
	}
	flags := map[string]*bool{"track_scores": &r.trackScore, "version": &r.version, "seq_no_primary_term": &r.seqNo}
	for name, into := range flags {
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
func (c *call) queryURL() (query.Query, error) {
	lenient, err := c.flag("lenient", false)
	if err != nil {
		return nil, err
	}
	return query.ParseLine(query.Line{
		Text: c.query.Get("q"), DefaultField: c.query.Get("df"), Analyzer: c.query.Get("analyzer"),
		And: strings.EqualFold(c.query.Get("default_operator"), "and"), Lenient: lenient,
	})
}

package engine

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/query"
	"github.com/seed56735111/penstock/engine/internal/store"
	"github.com/seed56735111/penstock/engine/internal/wire"
)

// The bounds that the engines have unless somebody sets others.
const (
	maxScrolls     = 500
	maxScrollAlive = 24 * time.Hour
	scrollIDBytes  = 30
)

// scrolls are the searches that are read page by page.
type scrolls struct {
	mu   sync.Mutex
	open map[string]*scroll
}

// scroll is one of them: the indexes as they were, and how far it was read. A page runs the search again behind the
// last hit of the page before, so that nothing is kept for the documents themselves.
type scroll struct {
	mu        sync.Mutex
	request   *searchRequest // nil when it is over
	found     []*store.Index
	searchers query.Searchers
	end       *time.Timer
}

// begin keeps a search, and returns its id.
func (s *scrolls) begin(one *scroll, alive time.Duration) (string, error) {
	id := base64.URLEncoding.EncodeToString(store.Random(scrollIDBytes))
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.open) >= maxScrolls {
		return "", wire.Errorf(http.StatusTooManyRequests, "rejected_execution_exception",
			"Trying to create too many scroll contexts. Must be less than or equal to: [%d]. This limit can be set by "+
				"changing the [search.max_open_scroll_context] setting.", maxScrolls)
	}
	if s.open == nil {
		s.open = map[string]*scroll{}
	}
	s.open[id] = one
	one.end = time.AfterFunc(alive, func() { s.clear(id) })
	return id, nil
}

// find returns an open one.
func (s *scrolls) find(id string) (*scroll, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one, ok := s.open[id]; ok {
		return one, nil
	}
	if raw, err := base64.URLEncoding.DecodeString(id); err != nil || len(raw) != scrollIDBytes {
		return nil, wire.Illegal("Cannot parse scroll id")
	}
	return nil, scrollGone()
}

// scrollGone is the error about a scroll that has ended.
func scrollGone() error {
	gone := wire.Errorf(http.StatusNotFound, "search_context_missing_exception", "No search context found for id [1]")
	e := wire.Errorf(http.StatusNotFound, "search_phase_execution_exception", "all shards failed").With(
		"phase", "query", "grouped", true,
		"failed_shards", []any{wire.Obj("shard", -1, "index", nil, "reason", gone.Body())})
	return e.Because(gone)
}

// clear ends one, and reports whether it was there.
func (s *scrolls) clear(id string) bool {
	s.mu.Lock()
	one, ok := s.open[id]
	delete(s.open, id)
	s.mu.Unlock()
	if ok {
		one.close()
	}
	return ok
}

// clearAll ends all, and returns how many there were.
func (s *scrolls) clearAll() int {
	s.mu.Lock()
	all := s.open
	s.open = nil
	s.mu.Unlock()
	for _, one := range all {
		one.close()
	}
	return len(all)
}

func (s *scroll) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end.Stop()
	s.searchers.Close()
	s.searchers, s.request = nil, nil
}

// scrollAlive is how long a scroll is kept; 0 when none is asked for.
func scrollAlive(v string) (time.Duration, error) {
	if v == "" {
		return 0, nil
	}
	n, unit, ok := numberAndUnit(v)
	if !ok || n <= 0 {
		return 0, wire.NotATime("scroll", v)
	}
	return time.Duration(min(n, int64((maxScrollAlive+unit)/unit))) * unit, nil
}

// forScroll checks a search that is to be read page by page.
func (r *searchRequest) forScroll() error {
	switch {
	case r.page.From > 0:
		return wire.Invalid("using [from] is not allowed in a scroll context")
	case r.page.Size == 0:
		return wire.Invalid("[size] cannot be [0] in a scroll context")
	case r.track < 0:
		return wire.Invalid("disabling [track_total_hits] is not allowed in a scroll context")
	}
	r.track = exactly // a scroll counts all
	return nil
}

// onShards finds what the engines find on the shards of an index.
func (r *searchRequest) onShards(s *query.Searcher, alive time.Duration, text string) error {
	switch window := s.Index.Settings.Window; {
	case alive > maxScrollAlive:
		return s.ShardFailure(wire.Illegal("Keep alive for request (%s) is too large. It must be less than (1d). This limit "+
			"can be set by changing the [search.max_keep_alive] cluster level setting.", text))
	case r.page.After != nil:
		return s.ShardFailure(wire.Errorf(http.StatusBadRequest, "search_exception",
			"`search_after` cannot be used in a scroll context."))
	case r.page.Size > window:
		return s.ShardFailure(wire.Illegal("Batch size is too large, size must be less than or equal to: [%d] but was [%d]. "+
			"Scroll batch sizes cost as much memory as result windows so they are controlled by the "+
			"[index.max_result_window] index level setting.", window, r.page.Size))
	}
	return nil
}

// beginScroll answers a search with its first page, and keeps it for those that follow.
func (c *call) beginScroll(r *searchRequest, found []*store.Index, alive time.Duration, began time.Time) error {
	if err := r.forScroll(); err != nil {
		return err
	}
	// The pages that follow are other requests.
	searchers, err := query.Open(context.WithoutCancel(c.r.Context()), found, c.node, c.profile.major)
	if err != nil {
		return err
	}
	id, out, err := c.firstPage(r, found, searchers, alive)
	if err != nil {
		searchers.Close()
		return err
	}
	return c.answerPage(id, found, out, began)
}

func (c *call) firstPage(
	r *searchRequest, found []*store.Index, searchers query.Searchers, alive time.Duration,
) (id string, out wire.Object, err error) {
	for _, s := range searchers {
		if err := r.onShards(s, alive, c.query.Get("scroll")); err != nil {
			return "", nil, err
		}
	}
	if out, _, err = r.run(searchers, c); err != nil {
		return "", nil, err
	}
	r.aggs = nil // which stand on the first page alone
	id, err = c.scrolls.begin(&scroll{request: r, found: found, searchers: searchers}, min(alive, maxScrollAlive))
	return id, out, err
}

func (c *call) answerPage(id string, found []*store.Index, out wire.Object, began time.Time) error {
	answer := wire.Obj("_scroll_id", id, "took", time.Since(began).Milliseconds(), "timed_out", false,
		"_shards", c.shardsSearched(found))
	return c.answer(http.StatusOK, append(answer, out...))
}

// scrollRequest is what a request for a page, or for the end, says in its path, its parameters or its body.
func (c *call) scrollRequest() (ids []string, alive string, err error) {
	if err := c.known([]string{"scroll", "scroll_id", "rest_total_hits_as_int"}, nil); err != nil {
		return nil, "", err
	}
	if v := c.query.Get("scroll_id"); v != "" {
		ids = strings.Split(v, ",")
	}
	const above = 2 // segments
	if len(c.path) > above {
		ids = strings.Split(c.path[above], ",")
	}
	alive = c.query.Get("scroll")
	text := strings.TrimSpace(string(c.body))
	switch {
	case text == "":
		return ids, alive, nil
	case c.profile.major < mapping.FirstKeyword && !strings.HasPrefix(text, "{"):
		return strings.Split(text, ","), alive, nil // the id alone
	}
	n, err := wire.ParseBody(c.body)
	if err != nil {
		return nil, "", err
	}
	for i := range n.Members {
		switch m := &n.Members[i]; m.Name {
		case "scroll_id":
			ids = m.Node.Texts()
		case "scroll":
			alive = m.Node.Text
		default:
			return nil, "", wire.Illegal("Unknown parameter [%s] in request body or parameter is of the wrong type[%s] ",
				m.Name, m.Node.Token())
		}
	}
	return ids, alive, nil
}

// nextPage answers _search/scroll.
func (c *call) nextPage() error {
	began := time.Now()
	ids, text, err := c.scrollRequest()
	if err != nil {
		return err
	}
	if len(ids) != 1 {
		return wire.Invalid("scrollId is missing")
	}
	alive, err := scrollAlive(text)
	if err != nil {
		return err
	}
	one, err := c.scrolls.find(ids[0])
	if err != nil {
		return err
	}
	one.mu.Lock()
	defer one.mu.Unlock()
	if one.request == nil {
		return scrollGone()
	}
	if len(one.searchers) > 0 {
		if err := one.request.onShards(one.searchers[0], alive, text); err != nil {
			return err
		}
	}
	if alive > 0 {
		one.end.Reset(min(alive, maxScrollAlive))
	}
	if one.request.asNumber, err = c.flag("rest_total_hits_as_int", one.request.asNumber); err != nil {
		return err
	}
	out, _, err := one.request.run(one.searchers, c)
	if err != nil {
		return err
	}
	return c.answerPage(ids[0], one.found, out, began)
}

// clearScroll answers DELETE _search/scroll.
func (c *call) clearScroll() error {
	ids, _, err := c.scrollRequest()
	if err != nil {
		return err
	}
	freed := 0
	switch {
	case len(ids) == 0:
		return wire.Invalid("no scroll ids specified")
	case len(ids) == 1 && ids[0] == "_all":
		freed = c.scrolls.clearAll()
	default:
		for _, id := range ids {
			if c.scrolls.clear(id) {
				freed++
			} else if _, err := c.scrolls.find(id); err != nil && !isGone(err) {
				return err
			}
		}
	}
	status := http.StatusOK
	if freed == 0 {
		status = http.StatusNotFound
	}
	if c.profile.major < mapping.FirstKeyword {
		return c.answer(status, wire.Object{})
	}
	return c.answer(status, wire.Obj("succeeded", true, "num_freed", freed))
}

func isGone(err error) bool { return wire.AsFailure(err).Status == http.StatusNotFound }

package engine

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/seed56735111/penstock/engine/internal/change"
	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/query"
	"github.com/seed56735111/penstock/engine/internal/store"
	"github.com/seed56735111/penstock/engine/internal/wire"
)

// count answers _count.
func (c *call) count(expr string) error {
	known := []string{
		"q", "df", "default_operator", "analyze_wildcard", "lenient", "analyzer", "ignore_unavailable", "allow_no_indices",
		"expand_wildcards", "preference", "routing",
	}
	if err := c.known(known, []string{"min_score", "terminate_after", "source"}); err != nil {
		return err
	}
	found, n, err := c.matching(expr)
	if err != nil {
		return err
	}
	total := 0
	for _, m := range n {
		total += len(m.h.Docs)
	}
	for _, m := range n {
		m.s.Close()
	}
	return c.answer(http.StatusOK, wire.Obj("count", total, "_shards", c.shardsSearched(found)))
}

// matched is what a query finds in one index.
type matched struct {
	s *query.Searcher
	h *query.Hits
}

// matching runs the query of a body that has nothing else. The searchers must be closed.
func (c *call) matching(expr string) ([]*store.Index, []matched, error) {
	wanted, err := c.parseSelection()
	if err != nil {
		return nil, nil, err
	}
	found, err := c.meant(expr)
	if err != nil {
		return nil, nil, err
	}
	searchers, err := query.Open(c.r.Context(), found, c.node, c.profile.major)
	if err != nil {
		return nil, nil, err
	}
	var out []matched
	for _, s := range searchers {
		h, err := wanted.In(s)
		if err != nil {
			searchers.Close()
			return nil, nil, err
		}
		out = append(out, matched{s, h})
	}
	return found, out, nil
}

// parseSelection reads the query of a body that has nothing else, and that of the URL.
func (c *call) parseSelection() (*query.Selection, error) {
	n := wire.Node{Kind: wire.ObjectKind}
	p := &query.Parser{Body: c.body, Major: c.profile.major}
	wanted := &query.Selection{Query: query.All()}
	if t := c.docType(); t != "" {
		wanted.Types = strings.Split(t, ",")
	}
	var err error
	if len(c.body) > 0 {
		n, err = wire.ParseBody(c.body)
		e, ok := errors.AsType[*wire.Failure](err)
		if ok && e.Kind != "parsing_exception" && c.profile.major >= mapping.FirstTyped {
			err = wire.Errorf(http.StatusBadRequest, "parsing_exception", "Failed to parse").Because(e)
		}
		if err != nil {
			return nil, err
		}
	}
	for i := range n.Members {
		m := &n.Members[i]
		if m.Name != "query" {
			return nil, p.FailAt(m.At, "request does not support [%s]", m.Name)
		}
		if wanted.Query, err = p.Parse(&m.Node); err != nil {
			return nil, err
		}
	}
	if c.query.Has("q") {
		wanted.Query, err = c.queryURL()
	}
	return wanted, err
}

// deleteByQuery answers _delete_by_query.
func (c *call) deleteByQuery(expr string) error {
	began := time.Now()
	known := []string{
		"q", "df", "default_operator", "analyze_wildcard", "lenient", "analyzer", "ignore_unavailable", "allow_no_indices",
		"expand_wildcards", "preference", "routing", "refresh", "conflicts", "wait_for_completion",
		"wait_for_active_shards", "requests_per_second", "slices", "scroll_size", "scroll", "search_timeout", "timeout",
	}
	if err := c.known(known, []string{"max_docs", "sort", "terminate_after", "from", "size"}); err != nil {
		return err
	}
	if wait, err := c.flag("wait_for_completion", true); err != nil || !wait {
		if err == nil {
			err = wire.NotOffered("wait_for_completion=false")
		}
		return err
	}
	body, err := wire.ParseBody(orEmpty(c.body))
	if err != nil {
		return err
	}
	if _, ok := body.Get("query"); !ok && !c.query.Has("q") {
		return wire.Invalid("query is missing")
	}
	_, found, err := c.matching(expr)
	if err != nil {
		return err
	}
	var ops []*change.Op
	for _, m := range found {
		for _, doc := range m.h.Docs {
			d, err := m.s.Load(doc, false)
			if err != nil {
				return err
			}
			o := change.NewOp()
			o.Action, o.Index, o.ID, o.DocType, o.IfSeq, o.IfTerm = "delete", m.s.Index.Name, d.ID, d.DocType, d.Seq, 1
			ops = append(ops, o)
		}
		m.s.Close()
	}
	const batch = 1000
	total, deleted, conflicts := len(ops), 0, 0
	for rest := ops; len(rest) > 0; rest = rest[min(batch, len(rest)):] {
		c.run(rest[:min(batch, len(rest))])
	}
	for _, o := range ops {
		switch {
		case o.Err == nil && o.Result == "deleted":
			deleted++
		case o.Err == nil:
		case o.Err.Status == http.StatusConflict:
			conflicts++
		default:
			return o.Err
		}
	}
	if conflicts > 0 && c.query.Get("conflicts") != "proceed" {
		return wire.Errorf(http.StatusConflict, "version_conflict_engine_exception",
			"%d of the documents were changed meanwhile", conflicts)
	}
	return c.answer(http.StatusOK, wire.Obj(
		"took", time.Since(began).Milliseconds(), "timed_out", false,
		"total", total, "deleted", deleted, "batches", (total+batch-1)/batch, "version_conflicts", conflicts, "noops", 0,
		"retries", wire.Obj("bulk", 0, "search", 0),
		"throttled_millis", 0, "requests_per_second", wire.Double(-1), "throttled_until_millis", 0, "failures", []any{}))
}

func orEmpty(body []byte) []byte {
	if len(body) == 0 {
		return []byte("{}")
	}
	return body
}

package query

import (
	"github.com/seed56735111/penstock/engine/internal/wire"
)

// wrongText is the error about a value that the type of the field does not take.
func (s *Searcher) wrongText(cause *wire.Failure) error {
	e := wire.Errorf(400, "query_shard_exception", "failed to create query: %s", cause.Reason).
		With("index", s.Index.Name, "index_uuid", s.Index.UUID)
	return s.ShardFailure(e.Because(cause))
}

// unfitQuery is the error about a query on a field of the wrong type.
func (s *Searcher) unfitQuery(format string, args ...any) error {
	return s.ShardFailure(wire.Errorf(400, "query_shard_exception", format, args...).
		With("index", s.Index.Name, "index_uuid", s.Index.UUID))
}

// ShardFailure is an error that the engines find on the shards, and report for each of them.
func (s *Searcher) ShardFailure(e *wire.Failure) error {
	found := e.Root()
	root := *found
	root.Cause = nil
	out := wire.Errorf(e.Status, "search_phase_execution_exception", "all shards failed").With(
		"phase", "query", "grouped", true,
		"failed_shards", []any{wire.Obj("shard", 0, "index", s.Index.Name, "node", s.node, "reason", e.Body())})
	out.RootCause, out.Inner = &root, e
	switch {
	case e.Kind == "illegal_argument_exception":
		plain := *e
		plain.Cause = e
		out.Cause = &plain
	case found != e && e.RootCause == nil:
		out.Cause = found
	}
	return out
}

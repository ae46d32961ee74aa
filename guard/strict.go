package guard

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"slices"
	"strings"
)

// question is one thing that the policy is asked about a request: may the caller do method on path?
type question struct{ method, path string }

// opaqueError says that strict mode cannot tell which indexes a request touches.
type opaqueError struct{ err error }

func (e *opaqueError) Error() string {
	return "strict mode cannot tell which indexes the request touches: " + e.err.Error()
}
func (e *opaqueError) Unwrap() error { return e.err }

// strict finds out what a request touches beyond its URL.
type strict struct {
	method string
	target Target
	// names lists the indexes and aliases that exist, for wildcards. It is called at most once.
	names func() ([]string, error)
	// body opens the decoded body, again for each call.
	body func() (io.Reader, error)

	index  string // the index expression of the URL, empty when it has none
	api    []string
	asked  map[question]bool
	listed []string
	yield  func(question, error) bool
}

// errStop ends the walk early, after the consumer has seen enough.
var errStop = errors.New("stop")

// questions yields what is to be asked in addition to the URL as it is: every index of an expression or a body on its
// own, as the call that names this index in its URL. A last pair with an error means that the request must be refused.
// Asking the URL too, the strict guard never allows what a parity guard refuses.
func (s *strict) questions() iter.Seq2[question, error] {
	return func(yield func(question, error) bool) {
		s.yield, s.asked = yield, map[question]bool{}
		s.split()
		err := s.walkURL()
		if err == nil {
			err = s.walkBody()
		}
		if err != nil && !errors.Is(err, errStop) {
			yield(question{}, &opaqueError{err})
		}
	}
}

// split tells the index expression from the API. Index names do not begin with an underscore.
func (s *strict) split() {
	s.api = s.target.Segments
	if len(s.api) > 0 && (!strings.HasPrefix(s.api[0], "_") || s.api[0] == "_all") {
		s.index, s.api = s.api[0], s.api[1:]
	}
}

func (s *strict) ask(method, index string, rest ...string) error {
	q := question{method, "/" + strings.Join(append([]string{index}, rest...), "/")}
	if s.asked[q] {
		return nil
	}
	s.asked[q] = true
	if !s.yield(q, nil) {
		return errStop
	}
	return nil
}

// askAll asks for every index that an expression stands for.
func (s *strict) askAll(method, text string, rest ...string) error {
	e, err := readExpression(text)
	if err != nil {
		return err
	}
	for _, name := range e {
		if name.excluded {
			continue
		}
		if err := s.ask(method, name.pattern, rest...); err != nil {
			return err
		}
	}
	if !e.isWild() {
		return nil
	}
	if s.listed == nil {
		if s.listed, err = s.names(); err != nil {
			return fmt.Errorf("list the indexes: %w", err)
		}
	}
	for _, name := range s.listed {
		if !e.selects(name) {
			continue
		}
		if err := s.ask(method, name, rest...); err != nil {
			return err
		}
	}
	return nil
}

// walkURL asks for the indexes that the URL names, or means by naming none.
func (s *strict) walkURL() error {
	if s.index == "" && !s.meansAll() {
		if len(s.api) == 2 && s.api[0] == "_data_stream" {
			return s.askAll(s.method, s.api[1])
		}
		return nil
	}
	expression := s.index
	if expression == "" {
		expression = "*"
	}
	if strings.Contains(expression, "/") && !isDateMath(expression) {
		return errors.New("an encoded slash in an index name")
	}
	if err := s.askAll(s.method, expression, s.api...); err != nil {
		return err
	}
	if s.index != "" && len(s.api) == 2 && slices.Contains([]string{"_shrink", "_split", "_clone", "_rollover"}, s.api[0]) {
		return s.askAll(http.MethodPut, s.api[1])
	}
	return nil
}

// meansAll reports whether a path without an index stands for all indexes. Those of _bulk, _mget, _reindex and
// _aliases are in the body.
func (s *strict) meansAll() bool {
	if len(s.api) == 0 {
		return false
	}
	switch s.api[0] {
	case "_search":
		// A scroll or a point in time is bound to the indexes that it was opened on.
		return len(s.api) < 2 || s.api[1] != "scroll" && s.api[1] != "point_in_time" && s.api[1] != "pipeline"
	case "_count", "_validate", "_field_caps", "_stats", "_segments", "_mapping", "_mappings", "_settings", "_alias",
		"_refresh", "_flush", "_forcemerge", "_optimize", "_cache", "_close", "_open", "_delete_by_query",
		"_update_by_query", "_search_shards", "_async_search", "_rank_eval", "_sql", "_eql", "_suggest", "_percolate",
		"_query", "_termvectors", "_graph", "_xpack", "_transform", "_rollup":
		return true
	case "_plugins", "_opendistro":
		return len(s.api) > 1 && (s.api[1] == "_sql" || s.api[1] == "_ppl" || s.api[1] == "_asynchronous_search")
	case "_scripts":
		return s.api[len(s.api)-1] == "_execute"
	case "_snapshot":
		return s.api[len(s.api)-1] == "_restore"
	}
	return false
}

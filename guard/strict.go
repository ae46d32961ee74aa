package guard

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"
)

// OpaqueError says that strict mode does not understand a request completely.
type OpaqueError struct{ err error }

func (e *OpaqueError) Error() string {
	return "strict mode cannot tell which indexes the request touches: " + e.err.Error()
}
func (e *OpaqueError) Unwrap() error { return e.err }

// strict finds out what a request touches beyond its URL. It refuses what it does not understand completely: a call
// that is not in the table, an unknown parameter, an unknown member of a body, an unknown kind of query.
type strict struct {
	method string
	target Target
	header http.Header
	// names lists the indexes and aliases that exist, for wildcards. It is called at most once.
	names func() ([]string, error)
	// body opens the decoded body from its start, at each call.
	body func() (io.Reader, error)

	call   understood
	index  string // the index expression of the URL, empty when it has none
	pit    bool   // the search is on a point in time
	asked  map[Question]bool
	listed []string
	yield  func(Question, error) bool
}

// errStop ends the walk when the consumer wants no more questions.
var errStop = errors.New("stop")

// all yields everything that the policy is asked about: the URL and, in strict mode, what the request touches besides.
func (s *strict) all(mode Mode) iter.Seq2[Question, error] {
	return func(yield func(Question, error) bool) {
		for _, path := range s.target.readings() {
			if !yield(Question{s.method, path}, nil) {
				return
			}
		}
		if mode == ModeParity {
			return
		}
		s.questions()(yield)
	}
}

// questions yields what is asked besides the URL as it was sent: for each index that an expression or a body stands
// for, the same call with that index alone in its URL. A last pair with an error means that the request must be
// refused. The caller asks about the URL too, so the strict mode never allows what the parity mode refuses.
func (s *strict) questions() iter.Seq2[Question, error] {
	return func(yield func(Question, error) bool) {
		s.yield, s.asked, s.pit = yield, map[Question]bool{}, false
		err := s.walk()
		if err != nil && !errors.Is(err, errStop) {
			yield(Question{}, &OpaqueError{err})
		}
	}
}

func (s *strict) walk() error {
	if err := s.know(); err != nil {
		return err
	}
	if err := s.walkURL(); err != nil {
		return err
	}
	return s.walkBody()
}

// know finds the call in the table, and its parameters.
func (s *strict) know() error {
	call, err := known(s.method, s.target)
	s.call, s.index = call, call.index
	return err
}

func (s *strict) ask(method, index string, rest ...string) error {
	q := Question{method, "/" + strings.Join(append([]string{index}, rest...), "/")}
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
		if err := s.askName(method, name.pattern, rest...); err != nil {
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
		if err := s.askName(method, name, rest...); err != nil {
			return err
		}
	}
	return nil
}

// askName asks for an index, and for the data stream that it is a part of.
func (s *strict) askName(method, name string, rest ...string) error {
	if stream, ok := dataStream(name); ok {
		if err := s.ask(method, stream, rest...); err != nil {
			return err
		}
	}
	return s.ask(method, name, rest...)
}

// walkURL asks for the indexes that the URL names, or for all when it names none and means all.
func (s *strict) walkURL() error {
	expression := s.index
	if expression == "" && (s.call.scope == scopeAll || s.tellsOfIndexes()) && !s.mayHavePIT() {
		expression = "*"
	}
	if expression == "" {
		return nil
	}
	rest := s.call.rest
	if len(rest) == 1 && rest[0] == "_data_stream" {
		rest = nil
	}
	if err := s.askAll(s.method, expression, rest...); err != nil {
		return err
	}
	if s.call.created != "" {
		return s.askAll(http.MethodPut, s.call.created)
	}
	return nil
}

// tellsOfIndexes reports whether a call about the cluster may tell about indexes too, as _cluster/health?level=indices
// does. A query that cannot be parsed may.
func (s *strict) tellsOfIndexes() bool {
	query, err := url.ParseQuery(s.target.Query)
	return err != nil || query.Has("level")
}

// mayHavePIT reports whether the body can name a point in time, which has indexes of its own.
func (s *strict) mayHavePIT() bool {
	return s.index == "" && len(s.call.rest) == 1 && s.call.rest[0] == "_search"
}

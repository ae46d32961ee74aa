package guard

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/seed56735111/penstock/guard/internal/edge"
)

// API names requests by method and path.
type API struct {
	// Methods are the methods. An empty list means all.
	Methods []string
	// Path is a path in which a segment "*" stands for any segment. A last segment "**" stands for any number of them.
	Path string
}

// Matches reports whether the request is for the API. A trailing slash makes no difference.
func (a API) Matches(method string, segments []string) bool {
	if len(a.Methods) > 0 && !slices.Contains(a.Methods, method) {
		return false
	}
	for part := range strings.SplitSeq(strings.Trim(a.Path, "/"), "/") {
		if part == "**" {
			return true
		}
		if len(segments) == 0 || part != "*" && part != segments[0] {
			return false
		}
		segments = segments[1:]
	}
	return len(segments) == 0
}

// NotOffered lists the APIs that the service does not let through to the engine, for domains of a message profile. It
// has what was observed, not the whole of the service's own list.
func NotOffered(p Profile) []API {
	always := []API{
		{Path: "/_cluster/reroute"},
		{Methods: []string{http.MethodPut, http.MethodPost}, Path: "/_settings"},
	}
	switch p {
	case Profile2015, Profile2017:
		return append(always, API{Path: "/_cluster/state"}, API{Path: "/*/_close"}, API{Path: "/_close"})
	case Profile2018:
		return append(always, API{Path: "/*/_close"}, API{Path: "/_close"})
	}
	return always
}

// payloadNotOffered reports whether the body of a _cluster/settings call has nested settings. The service takes the
// flat form only: {"persistent": {"a.b": 1}}.
func payloadNotOffered(r *http.Request, segments []string, b *edge.Body) bool {
	if r.Method != http.MethodPut && r.Method != http.MethodPost || b.Size == 0 ||
		!(API{Path: "/_cluster/settings"}).Matches(r.Method, segments) {
		return false
	}
	var doc map[string]map[string]json.RawMessage
	err := json.NewDecoder(b.Reader()).Decode(&doc)
	if err != nil {
		// Invalid JSON is left to the engine. Another value in the place of an object is not the flat form.
		_, isSyntax := errors.AsType[*json.SyntaxError](err)
		return !isSyntax && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF)
	}
	for _, settings := range doc {
		for _, value := range settings {
			if len(value) > 0 && value[0] == '{' {
				return true
			}
		}
	}
	return false
}

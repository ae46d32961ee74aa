package guard

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// readingPosts are the ends of calls that only read, or keep something for reading, although they may come with POST:
// searches and what looks at them, and the contexts of scrolls and points in time.
var readingPosts = []string{
	"_search", "_count", "_msearch", "_mget", "_mtermvectors", "_termvectors", "_field_caps", "_search_shards",
	"_rank_eval", "_analyze", "_validate/query", "_search/scroll", "_search/point_in_time", "_render/template",
	"pipeline/_simulate", "allocation/explain",
}

// writingGets are the last parts of calls that do something although they come with GET.
var writingGets = []string{"_flush", "synced", "_refresh", "_upgrade", "_optimize", "clear", "_execute"}

// Reads returns nil for a call that reads and changes nothing in the domain, whatever its method. POST /x/_search
// reads, and GET /x/_flush does not. A call that strict mode does not understand, or with a parameter that it does not
// know, is no such call.
func Reads(method string, target Target) error {
	call, err := known(method, target)
	if err != nil {
		return err
	}
	last, two := "", ""
	if n := len(call.rest); n > 0 {
		last = call.rest[n-1]
		two = strings.Join(call.rest[max(n-2, 0):], "/")
	}
	var reads bool
	switch method {
	case http.MethodHead:
		reads = true
	case http.MethodGet:
		reads = !slices.Contains(writingGets, last)
	case http.MethodPost:
		reads = slices.Contains(readingPosts, last) || slices.Contains(readingPosts, two)
	case http.MethodDelete:
		reads = call.index == "" && (two == "_search/scroll" || two == "_search/point_in_time")
	}
	if !reads {
		return fmt.Errorf("%s of this call changes something, or may", method)
	}
	return nil
}

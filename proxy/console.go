package proxy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/seed56735111/penstock/guard"
)

// dashboardsKind says what Dashboards' server does for its user.
type dashboardsKind uint8

const (
	// ofReading shows pages and objects of Dashboards, or is about the session.
	ofReading dashboardsKind = iota
	// ofWriting changes objects and settings of Dashboards.
	ofWriting
	// The others send a request to the engine, which is judged too.
	ofConsole
	ofSearch
	ofSearches
	ofValues
	ofFields
	ofResolve
	ofTunnel
)

// dashboardsAPI is one or more calls of Dashboards' server.
type dashboardsAPI struct {
	methods string // separated by spaces
	// paths are separated by spaces, below the base; see [guard.API].
	paths string
	kind  dashboardsKind
}

// dashboardsAPIs are the calls of Dashboards, and of Kibana before it, that go through under --read-only and --policy.
// All others are refused: its server does what it is told as the one who signs, and plugins bring calls of their own.
var dashboardsAPIs = []dashboardsAPI{
	{"GET HEAD", "/ /app/** /status /login /auth/** /favicon.ico /manifest.json /bootstrap.js /startup.js", ofReading},
	{"GET HEAD", "/ui/** /node_modules/** /translations/** /plugins/** /bundles/** /*/bundles/** /built_assets/**" +
		" /dlls/**", ofReading},
	{"POST", "/auth/login /auth/logout /auth/anonymous /api/core/capabilities /api/v1/multitenancy/tenant", ofReading},
	{"GET", "/api/status /api/authtype /api/v1/auth/type /api/v1/auth/dashboardsinfo /api/v1/auth/kibanainfo" +
		" /api/v1/restapiinfo /api/v1/configuration/account /api/v1/multitenancy/tenant /api/v1/multitenancy/info" +
		" /api/console/api_server /api/console/opensearch_config /api/console/es_config /api/home/sample_data" +
		" /api/opensearch-dashboards/settings /api/kibana/settings", ofReading},
	{"GET", "/api/saved_objects/_find /api/saved_objects/*/*", ofReading},
	{"POST", "/api/saved_objects/_bulk_get /api/saved_objects/_export", ofReading},
	{"GET", "/api/opensearch-dashboards/management/saved_objects/** /api/kibana/management/saved_objects/**", ofReading},
	{"POST", "/api/opensearch-dashboards/management/saved_objects/scroll/counts" +
		" /api/kibana/management/saved_objects/scroll/counts", ofReading},

	{"POST PUT DELETE", "/api/saved_objects/*/*", ofWriting},
	{"POST", "/api/saved_objects/* /api/opensearch-dashboards/settings /api/opensearch-dashboards/settings/*" +
		" /api/kibana/settings /api/kibana/settings/* /api/shorten_url /api/ui_metric/report", ofWriting},
	{"DELETE", "/api/opensearch-dashboards/settings/* /api/kibana/settings/*", ofWriting},
	{"GET", "/goto/*", ofWriting}, // counts how often it was followed

	{"POST", "/api/console/proxy", ofConsole},
	{"POST", "/internal/search/opensearch /internal/search/opensearch-with-long-numerals /internal/search/es", ofSearch},
	{"POST", "/internal/_msearch", ofSearches},
	{"POST", "/api/opensearch-dashboards/suggestions/values/* /api/kibana/suggestions/values/*", ofValues},
	{"GET", "/api/index_patterns/_fields_for_wildcard", ofFields},
	{"GET", "/internal/index-pattern-management/resolve_index/*", ofResolve},
	{"POST", "/elasticsearch/_msearch /elasticsearch/*/_search", ofTunnel},
}

// dashboardsCall finds a call in the table. The path is compared as it was sent: what has an escape in a name is none.
func dashboardsCall(method, base string, target guard.Target) (kind dashboardsKind, segments []string, ok bool) {
	path := strings.TrimPrefix(strings.TrimPrefix(target.Path, base), "/")
	if path != "" {
		segments = strings.Split(strings.TrimSuffix(path, "/"), "/")
	}
	for _, api := range dashboardsAPIs {
		if !slices.Contains(strings.Fields(api.methods), method) {
			continue
		}
		for path := range strings.SplitSeq(api.paths, " ") {
			if path == "/" && len(segments) == 0 || path != "/" && (guard.API{Path: path}).Matches(method, segments) {
				return api.kind, segments, true
			}
		}
	}
	return 0, nil, false
}

// inside is a request that Dashboards' server sends to the engine for its user.
type inside struct {
	method string
	target guard.Target
	// body is that of the request; nil when it is the body of the request around it, or when there is none.
	body []byte
	// passesBody says that the body of the request around it is passed on.
	passesBody bool
}

// errForeignSource refuses a request to another cluster, which Dashboards can be connected to.
var errForeignSource = errors.New("another data source is not judged by this policy")

// maxInside bounds the body of a search that is looked into.
const maxInside = 1 << 20

// readsBody reports whether the request to the engine is made from the body.
func (k dashboardsKind) readsBody() bool { return k == ofSearch || k == ofSearches || k == ofValues }

// look finds the request inside a request to Dashboards; nil when there is none. Body reads the body around it.
func (k dashboardsKind) look(target guard.Target, segments []string, body func() ([]byte, error)) (*inside, error) {
	last := ""
	if len(segments) > 0 {
		var err error
		if last, err = url.PathUnescape(segments[len(segments)-1]); err != nil {
			return nil, err
		}
	}
	switch k {
	case ofReading, ofWriting:
	case ofConsole:
		return insideConsole(target.Query)
	case ofTunnel:
		path := "/" + strings.Join(segments[1:], "/")
		if target.HasQuery {
			path += "?" + target.Query
		}
		return newInside(http.MethodPost, path, nil, true)
	case ofFields:
		query, err := knownQuery(target.Query, "pattern", "meta_fields", "data_source")
		if err != nil {
			return nil, err
		}
		if query.Get("pattern") == "" {
			return nil, errors.New("there is no pattern")
		}
		return newInside(http.MethodGet, "/"+url.PathEscape(query.Get("pattern"))+"/_field_caps?fields=*", nil, false)
	case ofResolve:
		if _, err := knownQuery(target.Query, "expand_wildcards", "data_source"); err != nil {
			return nil, err
		}
		return newInside(http.MethodGet, "/_resolve/index/"+url.PathEscape(last), nil, false)
	case ofSearch, ofSearches, ofValues:
		text, err := body()
		if err != nil {
			return nil, err
		}
		switch k {
		case ofSearch:
			return insideSearch(text)
		case ofSearches:
			return insideSearches(text)
		}
		return insideValues(last, text)
	}
	return nil, nil //nolint:nilnil // nothing goes to the engine
}

func newInside(method, target string, body []byte, passesBody bool) (*inside, error) {
	t, err := guard.ParseTarget(target)
	if err != nil {
		return nil, err
	}
	return &inside{method, t, body, passesBody}, nil
}

// knownQuery reads a query that has no other names than these, each once but meta_fields.
func knownQuery(text string, names ...string) (url.Values, error) {
	query, err := url.ParseQuery(text)
	if err != nil {
		return nil, err
	}
	for name, values := range query {
		switch {
		case !slices.Contains(names, name):
			return nil, fmt.Errorf("the parameter %q is not one that it knows", name)
		case name == "data_source" && values[0] != "":
			return nil, errForeignSource
		case len(values) > 1 && name != "meta_fields":
			return nil, fmt.Errorf("the parameter %q is there more than once", name)
		}
	}
	return query, nil
}

// insideConsole is the request that the console sends: POST …/api/console/proxy?path=x%2F_search&method=GET. Some
// versions send the path as it is, others read it as a URL first.
func insideConsole(text string) (*inside, error) {
	query, err := knownQuery(text, "path", "method", "dataSourceId")
	switch {
	case err != nil:
		return nil, err
	case query.Get("dataSourceId") != "":
		return nil, errForeignSource
	case query.Get("path") == "" || query.Get("method") == "":
		return nil, errors.New("the console's request has no path, or no method")
	}
	path := "/" + strings.TrimLeft(query.Get("path"), "/")
	for _, c := range path {
		if c <= ' ' || c == 0x7f || c == '\\' || c > 0x7f {
			return nil, errors.New("the path of the console's request has characters that have to be escaped")
		}
	}
	return newInside(strings.ToUpper(query.Get("method")), path, nil, true)
}

// searchOptions are the members of a search's params that name no index. Dashboards turns other notations into these
// names, so that _source becomes source, which stands for a body.
var searchOptions = []string{
	"preference", "timeout", "size", "from", "track_total_hits", "trackTotalHits", "ignore_unavailable",
	"ignoreUnavailable", "rest_total_hits_as_int", "restTotalHitsAsInt", "max_concurrent_shard_requests",
	"maxConcurrentShardRequests", "batched_reduce_size", "batchedReduceSize", "terminate_after", "terminateAfter",
	"allow_no_indices", "allowNoIndices", "request_cache", "requestCache",
}

// insideSearch is a search of a page: {"params": {"index": "logs-*", "body": {…}}}.
func insideSearch(text []byte) (*inside, error) {
	var search struct {
		Params map[string]jsontext.Value `json:"params"`
		Source string                    `json:"dataSourceId"`
	}
	if err := json.Unmarshal(text, &search, json.RejectUnknownMembers(true)); err != nil {
		return nil, unreadableSearch(err)
	}
	if search.Source != "" {
		return nil, errForeignSource
	}
	path, body := "/_search", []byte(nil)
	for name, value := range search.Params {
		switch {
		case name == "index":
			var list []string
			if value.Kind() == '"' {
				list = make([]string, 1)
				if err := json.Unmarshal(value, &list[0]); err != nil {
					return nil, unreadableSearch(err)
				}
			} else if err := json.Unmarshal(value, &list); err != nil {
				return nil, unreadableSearch(err)
			}
			if index := strings.Join(list, ","); index != "" {
				path = "/" + url.PathEscape(index) + "/_search"
			}
		case name == "body" && value.Kind() == '{':
			body = value
		case !slices.Contains(searchOptions, name):
			return nil, fmt.Errorf("the search has an option %q, which is not one that it knows", name)
		case value.Kind() == '{' || value.Kind() == '[':
			return nil, fmt.Errorf("the option %q of the search is not a plain value", name)
		}
	}
	return newInside(http.MethodPost, path, body, false)
}

// insideSearches are the searches of a page at once: {"searches": [{"header": {…}, "body": {…}}]}.
func insideSearches(text []byte) (*inside, error) {
	var all struct {
		Searches []struct {
			Header jsontext.Value `json:"header"`
			Body   jsontext.Value `json:"body"`
		} `json:"searches"`
	}
	if err := json.Unmarshal(text, &all, json.RejectUnknownMembers(true)); err != nil {
		return nil, unreadableSearch(err)
	}
	var lines bytes.Buffer
	for _, s := range all.Searches {
		for _, line := range []jsontext.Value{s.Header, s.Body} {
			if line.Kind() != '{' {
				return nil, errors.New("a search has no header, or no body")
			}
			if err := line.Compact(); err != nil {
				return nil, unreadableSearch(err)
			}
			lines.Write(line)
			lines.WriteByte('\n')
		}
	}
	return newInside(http.MethodPost, "/_msearch", lines.Bytes(), false)
}

// insideValues is the search for the values of a field, which an input offers.
func insideValues(index string, text []byte) (*inside, error) {
	var values struct {
		Field  string         `json:"field"`
		Query  string         `json:"query"`
		Filter jsontext.Value `json:"boolFilter"`
	}
	if err := json.Unmarshal(text, &values, json.RejectUnknownMembers(true)); err != nil {
		return nil, unreadableSearch(err)
	}
	if len(values.Filter) == 0 {
		values.Filter = jsontext.Value("[]")
	}
	body := fmt.Appendf(nil, `{"query":{"bool":{"filter":%s}}}`, values.Filter)
	return newInside(http.MethodPost, "/"+url.PathEscape(index)+"/_search", body, false)
}

func unreadableSearch(err error) error { return fmt.Errorf("the search cannot be read: %w", err) }

// smallBody is the body of the request, whole. Dashboards reads bodies of other types in other ways.
func (x *exchange) smallBody() ([]byte, error) {
	kind, _, _ := strings.Cut(x.r.Header.Get("Content-Type"), ";")
	if kind = strings.TrimSpace(kind); kind != "" && !strings.EqualFold(kind, "application/json") {
		return nil, fmt.Errorf("the body is %q, and only JSON is looked into", kind)
	}
	if len(x.r.Header.Values("Content-Encoding")) > 0 {
		return nil, errors.New("the body is encoded")
	}
	rc, err := x.kept.Open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = rc.Close() }()
	text, err := io.ReadAll(io.LimitReader(rc, maxInside+1))
	if err == nil && len(text) > maxInside {
		err = fmt.Errorf("the body is over %d bytes", maxInside)
	}
	return text, err
}

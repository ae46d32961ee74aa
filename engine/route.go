package engine

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/seed56735111/penstock/engine/internal/dates"
	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/wire"
)

// call is one request being answered.
type call struct {
	*Engine
	w     http.ResponseWriter
	r     *http.Request
	path  []string // segments, decoded
	query url.Values
	body  []byte
}

// ServeHTTP reads the whole request, then answers it.
func (e *Engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{Engine: e, w: w, r: r, query: r.URL.Query()}
	for s := range strings.SplitSeq(strings.Trim(r.URL.EscapedPath(), "/"), "/") {
		if s == "" {
			continue
		}
		text, err := url.PathUnescape(s)
		if err != nil {
			c.fail(wire.Illegal("invalid escape in path"))
			return
		}
		c.path = append(c.path, strings.ToValidUTF8(text, "�"))
	}
	var err error
	if c.body, err = c.read(); err != nil {
		c.fail(err)
		return
	}
	err = c.contentType()
	if err == nil && len(c.path) > 0 {
		c.path[0], err = dates.ExpandNames(c.path[0], time.Now())
	}
	if err == nil {
		err = c.route()
	}
	if err != nil {
		c.fail(err)
	}
}

// mediaType matches every media type that is well formed.
var mediaType = regexp.MustCompile("^[a-z0-9!#$%&'*+.^_`|~-]+/[a-z0-9!#$%&'*+.^_`|~-]+$")

// contentType refuses bodies without a Content-Type, or with one that is not JSON, as the engines do since version 6.
func (c *call) contentType() error {
	if len(c.body) == 0 || c.profile.major < mapping.FirstUntyped {
		return nil
	}
	given := c.r.Header.Get("Content-Type")
	kind, _, _ := strings.Cut(given, ";")
	switch kind = strings.ToLower(strings.TrimSpace(kind)); kind {
	case "application/json", "application/x-ndjson":
		return nil
	case "application/yaml", "application/cbor", "application/smile":
		return wire.NotOffered("bodies of the type [%s]", kind)
	}
	if given != "" && !mediaType.MatchString(kind) {
		cause := wire.Illegal("invalid Content-Type header [%s]", given)
		if kind == "" {
			cause = wire.Illegal("empty Content-Type header")
		}
		return wire.Errorf(http.StatusBadRequest, "content_type_header_exception", "java.lang.IllegalArgumentException: %s",
			cause.Reason).Because(cause)
	}
	return wire.Sentence(http.StatusNotAcceptable, "Content-Type header [%s] is not supported", given)
}

// read takes the whole body in, decompressed and within the limit.
func (c *call) read() ([]byte, error) {
	limit := c.cfg.MaxContentLength
	tooLarge := wire.Errorf(http.StatusRequestEntityTooLarge, "content_too_long_exception",
		"entity content is too long [%d] for the configured buffer limit [%d]", c.r.ContentLength, limit)
	var src io.Reader = http.MaxBytesReader(c.w, c.r.Body, limit)
	switch c.r.Header.Get("Content-Encoding") {
	case "", "identity":
	case "gzip":
		z, err := gzip.NewReader(src)
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if err != nil {
			return nil, wire.Illegal("request body is not gzip")
		}
		src = z
	default:
		return nil, wire.Errorf(http.StatusUnsupportedMediaType, "illegal_argument_exception",
			"content encoding [%s] is not supported", c.r.Header.Get("Content-Encoding"))
	}
	body, err := io.ReadAll(io.LimitReader(src, limit+1))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok || int64(len(body)) > limit {
		return nil, tooLarge
	}
	if err != nil {
		return nil, wire.Illegal("request body cannot be read")
	}
	return body, nil
}

// route finds the API that a path means.
func (c *call) route() error {
	if len(c.path) == 0 {
		if c.r.Method == http.MethodDelete {
			return wire.Invalid("index / indices is missing")
		}
		return c.allow(c.banner, http.MethodDelete, http.MethodGet, http.MethodHead)
	}
	switch first := c.path[0]; first {
	case "_bulk", "_search", "_count", "_refresh", "_flush", "_mget", "_mapping", "_mappings", "_settings", "_aliases":
		if len(c.path) == 1 {
			return c.api(first, "")
		}
		if first == "_search" && c.path[1] == "scroll" && len(c.path) <= 3 {
			if c.r.Method == http.MethodDelete {
				return c.clearScroll()
			}
			return c.allow(c.nextPage, http.MethodGet, http.MethodPost, http.MethodDelete)
		}
	case "_alias":
		if len(c.path) == 2 {
			return c.namedAlias("", c.path[1])
		}
		if len(c.path) == 1 {
			return c.api(first, "")
		}
	case "_cat":
		return c.allow(c.cat, http.MethodGet)
	case "_cluster":
		if len(c.path) >= 2 && c.path[1] == "health" {
			return c.allow(c.health, http.MethodGet)
		}
	case "_index_template", "_component_template", "_template":
		if len(c.path) <= 2 {
			return c.templateAPI()
		}
	case "_all":
		return c.indexRoute()
	default:
		// A name with a leading underscore is no index; to create one is an error of its own.
		if !strings.HasPrefix(first, "_") || len(c.path) == 1 && c.r.Method == http.MethodPut {
			return c.indexRoute()
		}
	}
	return c.notOffered()
}

// api answers the APIs whose path may name indexes or not.
func (c *call) api(name, expr string) error {
	switch name {
	case "_bulk":
		return c.allow(c.bulk, http.MethodPost, http.MethodPut)
	case "_search":
		return c.allow(func() error { return c.search(expr) }, http.MethodGet, http.MethodPost)
	case "_count":
		return c.allow(func() error { return c.count(expr) }, http.MethodGet, http.MethodPost)
	case "_refresh", "_flush":
		return c.allow(func() error { return c.refresh(expr) }, http.MethodGet, http.MethodPost)
	case "_mget":
		return c.allow(func() error { return c.mget(expr) }, http.MethodGet, http.MethodPost)
	case "_mapping", "_mappings":
		if expr != "" && (c.r.Method == http.MethodPut || c.r.Method == http.MethodPost) {
			return c.putMapping(expr)
		}
		return c.allow(func() error { return c.getMappings(expr) }, http.MethodGet)
	case "_settings":
		if c.r.Method == http.MethodPut {
			return c.notOffered()
		}
		return c.allow(func() error { return c.getSettings(expr) }, http.MethodGet)
	case "_alias", "_aliases":
		if c.r.Method == http.MethodGet {
			return c.getAliases(expr)
		}
	case "_delete_by_query":
		return c.allow(func() error { return c.deleteByQuery(expr) }, http.MethodPost)
	}
	return c.notOffered()
}

// allow answers with f when the method is one of these.
func (c *call) allow(f func() error, methods ...string) error {
	if slices.Contains(methods, c.r.Method) {
		return f()
	}
	return c.refuseMethod(methods...)
}

func (c *call) refuseMethod(methods ...string) error {
	c.w.Header().Set("Allow", strings.Join(methods, ","))
	return wire.Sentence(http.StatusMethodNotAllowed, "Incorrect HTTP method for uri [%s] and method [%s], allowed: "+
		"[%s]", c.r.URL.RequestURI(), c.r.Method, strings.Join(methods, ", "))
}

// unknownPath is the answer to a path that no version has.
func (c *call) unknownPath() error {
	return wire.Sentence(http.StatusBadRequest, "no handler found for uri [%s] and method [%s]", c.r.URL.RequestURI(),
		c.r.Method)
}

func (c *call) notOffered() error {
	return wire.NotOffered("%s %s", c.r.Method, c.r.URL.Path)
}

// indexRoute is for paths that begin with an index or an expression for several.
func (c *call) indexRoute() error {
	name := c.path[0]
	if len(c.path) == 1 {
		return c.indexAPI(name)
	}
	switch api := c.path[1]; api {
	case "_doc", "_create", "_update", "_source":
		if c.profile.major == mapping.FirstUntyped && api == "_doc" && len(c.path) == 3 && strings.HasPrefix(c.path[2], "_") {
			return c.api(c.path[2], name) // /index/_doc/_bulk and the like, still there in version 7
		}
		if c.profile.major == mapping.FirstUntyped && api == "_doc" && len(c.path) == 4 && c.path[3] == "_update" {
			return c.document(name, "_update", "", c.path[2:3])
		}
		if c.profile.major >= mapping.FirstUntyped && len(c.path) <= 3 {
			return c.document(name, api, "", c.path[2:])
		}
		if c.profile.major >= mapping.FirstUntyped {
			return c.unknownPath()
		}
	default:
		if strings.HasPrefix(api, "_") && (api != "_all" || c.profile.major >= mapping.FirstUntyped) {
			if len(c.path) == 3 && api == "_alias" {
				return c.namedAlias(name, c.path[2])
			}
			if len(c.path) > 2 {
				return c.notOffered()
			}
			return c.api(api, name)
		}
	}
	switch {
	case c.profile.major == mapping.FirstUntyped && len(c.path) == 3:
		return wire.NotOffered("mapping types other than _doc: [%s]", c.path[1])
	case c.profile.major >= mapping.FirstUntyped:
		return c.unknownPath()
	}
	return c.typedRoute(name, c.path[1], c.path[2:])
}

// typedRoute is for paths with a mapping type, before version 7: /index/type/id and the APIs below it.
func (c *call) typedRoute(name, docType string, rest []string) error {
	switch {
	case len(rest) == 0:
		return c.document(name, "_doc", docType, nil)
	case len(rest) == 1:
		switch rest[0] {
		case "_bulk", "_search", "_count", "_mget", "_mapping":
			return c.api(rest[0], name)
		}
		return c.document(name, "_doc", docType, rest)
	case len(rest) == 2 && (rest[1] == "_update" || rest[1] == "_create" || rest[1] == "_source"):
		return c.document(name, rest[1], docType, rest[:1])
	}
	return c.unknownPath()
}

// docType is the mapping type that the path names, before version 7.
func (c *call) docType() string {
	if c.profile.major < mapping.FirstUntyped && len(c.path) > 1 && !strings.HasPrefix(c.path[1], "_") {
		return c.path[1]
	}
	return ""
}

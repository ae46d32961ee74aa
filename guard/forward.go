package guard

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/seed56735111/penstock/guard/internal/edge"
)

// NewForward returns a backend that sends requests on to an Elasticsearch or OpenSearch node at base, such as
// http://127.0.0.1:9200. The path and the query go out as they came in, byte for byte. A path in base is put before
// them, and user information in base becomes the backend's Basic authentication. The client's credentials
// (Authorization, X-Amz-*) are not sent on.
//
// Answers stream through unchanged. When the node cannot be reached the answer is 502 with a JSON body, and 504 when it
// does not begin to answer in time.
func NewForward(base string, logger *slog.Logger) (http.Handler, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, fmt.Errorf("parse backend URL: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("backend URL %q: want http://HOST:PORT or https://HOST:PORT", u.Redacted())
	}
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	f := &forward{base: u, prefix: strings.TrimRight(u.EscapedPath(), "/"), log: logger}
	proxy := &httputil.ReverseProxy{
		Rewrite:        f.rewrite,
		Transport:      forwardTransport(),
		FlushInterval:  -1,
		BufferPool:     &copyBuffers{},
		ErrorHandler:   f.fail,
		ModifyResponse: dropCORS,
		ErrorLog:       slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// A target that begins with two slashes would turn into the absolute-form, which names another host.
		if strings.HasPrefix(r.RequestURI, "//") {
			edge.Write(w, r, edge.Answer{
				Status: http.StatusBadRequest,
				Body:   edge.UpperMessage("The request target begins with two slashes"),
			})
			return
		}
		proxy.ServeHTTP(w, r)
	}), nil
}

// forwardTransport speaks to one host that is near: many idle connections to it, no proxy, no decompression.
func forwardTransport() *http.Transport {
	return &http.Transport{
		DialContext:           (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		MaxIdleConns:          256,
		MaxIdleConnsPerHost:   256,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: 5 * time.Minute,
		ExpectContinueTimeout: time.Second,
		// The client's own Accept-Encoding decides, so that the answer passes through as it is.
		DisableCompression: true,
		ReadBufferSize:     16 << 10,
		WriteBufferSize:    16 << 10,
	}
}

type forward struct {
	base   *url.URL
	prefix string
	log    *slog.Logger
}

func (f *forward) rewrite(r *httputil.ProxyRequest) {
	target, _, _ := strings.Cut(r.In.RequestURI, "?")
	if !strings.HasPrefix(target, "/") {
		// A request that was not read from a connection has no request line.
		target = r.In.URL.EscapedPath()
	}
	r.Out.URL = &url.URL{
		Scheme: f.base.Scheme,
		Host:   f.base.Host,
		// Only an opaque URL is written to the request line exactly as it is.
		Opaque: f.prefix + target,
		// ReverseProxy removes parameters that it cannot parse. The engine gets the query as the client sent it.
		RawQuery:   r.In.URL.RawQuery,
		ForceQuery: r.In.URL.ForceQuery,
	}
	r.Out.Host = ""
	stripCredentials(r.Out.Header)
	if user := f.base.User; user != nil {
		password, _ := user.Password()
		r.Out.SetBasicAuth(user.Username(), password)
	}
}

// stripCredentials removes the headers that must not reach the backend: the client's credentials, those by which a
// security plugin lets a proxy name the user, and those about the client's connection.
func stripCredentials(h http.Header) {
	for name := range h {
		lower := strings.ToLower(name)
		switch {
		case lower == "authorization", lower == "proxy-authorization", lower == "expect", lower == "upgrade",
			lower == "http2-settings",
			strings.HasPrefix(lower, "x-amz-"), strings.HasPrefix(lower, "x-proxy-"),
			strings.HasPrefix(lower, "x-forwarded-"), lower == "forwarded", lower == "x-http-method-override",
			// Headers of security plugins: to act as somebody else, and between nodes.
			strings.Contains(lower, "impersonate"), strings.Contains(lower, "runas"), strings.HasPrefix(lower, "_"):
			delete(h, name)
		}
	}
}

// dropCORS leaves the CORS header to the guard, which sets it on every answer.
func dropCORS(r *http.Response) error {
	r.Header.Del("Access-Control-Allow-Origin")
	return nil
}

func (f *forward) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		// The client is gone.
		panic(http.ErrAbortHandler)
	}
	f.log.WarnContext(r.Context(), "backend call failed", "backend", f.base.Host, "err", err)
	status, text := http.StatusBadGateway, "The backend could not be reached"
	if ne := net.Error(nil); errors.As(err, &ne) && ne.Timeout() {
		status, text = http.StatusGatewayTimeout, "The backend did not answer in time"
	}
	edge.Write(w, r, edge.Answer{Status: status, Body: edge.UpperMessage(text)})
}

// copyBuffers is a pool of the buffers that answers are copied through.
type copyBuffers struct{ pool sync.Pool }

func (c *copyBuffers) Get() []byte {
	if b, ok := c.pool.Get().(*[]byte); ok {
		return *b
	}
	return make([]byte, 32<<10)
}

func (c *copyBuffers) Put(b []byte) { c.pool.Put(&b) }

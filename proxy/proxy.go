// Package proxy lets clients that cannot sign reach a domain that wants signatures: an unsigned request goes in, a
// signed one reaches the domain, and the answer streams back.
//
// Whoever gets in acts with the credentials of the [Proxy]. It therefore answers requests only that name this machine
// in their Host header and do not come from a web page of another origin. Without [Clients] it is to listen on
// loopback, or on a Unix socket. Do not put an http.ServeMux in front of it: that would redirect paths.
package proxy

import (
	"context"
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

	"github.com/seed56735111/penstock/domain"
	"github.com/seed56735111/penstock/guard"
	"github.com/seed56735111/penstock/iam"
	"github.com/seed56735111/penstock/sigv4"
)

// Config describes a proxy.
type Config struct {
	// Domain is the endpoint that all requests go to. Nothing in a request changes that.
	Domain string
	// Transport sends the requests, and signs them on the way: usually a [sigv4.Transport] with a budget for bodies.
	Transport http.RoundTripper
	// SignFor is the host that the transport signs for, when Domain is a tunnel to it. Dashboards takes it for its own.
	SignFor string
	// Role says who the transport signs as, in words. A browser that uses Dashboards without a login is told on its
	// first page that it acts as this. Nobody is told when it is empty.
	Role string
	// Hosts are names, with a port or without, that the Host header may have beside localhost, 127.0.0.1 and [::1] with
	// the port of the connection. A name without a port goes with every port.
	Hosts []string
	// ReadOnly lets through only calls that are known to read, whatever their method. See [guard.Reads].
	ReadOnly bool
	// Clients are who may come in. Nil is everybody who reaches the proxy.
	Clients *Clients
	// Policy, when not nil, gives the policy that every request is judged by before it is signed, see [iam.ParsePaths]. It
	// knows a client by the ARN in Clients; others are anonymous. Mode is how much of a request is judged,
	// [guard.ModeStrict] when empty.
	Policy func() (*iam.Policy, error)
	Mode   guard.Mode
	// Bodies keeps the bodies that the policy is asked about. Nil keeps each by itself, without a bound on all together.
	Bodies *sigv4.Keeper
	// Audit gets a line for each request. Nil writes none.
	Audit *Audit
	// Observer sees every request. Nil is nobody.
	Observer Observer
	// Idle is how long a client may send nothing of its body, or take nothing of its answer; a minute when zero.
	Idle time.Duration
	// Logger gets refusals and failures. Nil is silent.
	Logger *slog.Logger
}

// CauseHeader says in answers of the proxy itself, and in refusals of the domain, what the cause is.
const CauseHeader = "X-Penstock-Cause"

// Proxy is an http.Handler for any number of requests at once.
type Proxy struct {
	cfg    Config
	base   *url.URL
	prefix string
	origin string // the domain's, as a browser would name it
	log    *slog.Logger
	next   *httputil.ReverseProxy
	gate   *guard.Gate // nil without a policy
}

// New checks the configuration. It makes no request.
func New(cfg Config) (*Proxy, error) {
	base, err := domain.ParseURL(cfg.Domain)
	switch {
	case err != nil:
		return nil, err
	case cfg.Transport == nil:
		return nil, &domain.ConfigError{Err: errors.New("proxy: no transport")}
	case cfg.Idle < 0:
		return nil, &domain.ConfigError{Err: fmt.Errorf("proxy: clients may be idle for %s", cfg.Idle)}
	}
	for _, host := range cfg.Hosts {
		if !domain.IsHost(host) && net.ParseIP(host) == nil {
			return nil, &domain.ConfigError{Err: fmt.Errorf("proxy: %q is no NAME or NAME:PORT of a Host header", host)}
		}
	}
	if cfg.Idle == 0 {
		cfg.Idle = time.Minute
	}
	if cfg.Mode == "" {
		cfg.Mode = guard.ModeStrict
	}
	if _, err := guard.ParseMode(string(cfg.Mode)); err != nil {
		return nil, &domain.ConfigError{Err: fmt.Errorf("proxy: %w", err)}
	}
	if cfg.Bodies == nil {
		cfg.Bodies = &sigv4.Keeper{}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	p := &Proxy{cfg: cfg, base: base, prefix: strings.TrimRight(base.EscapedPath(), "/"), log: cfg.Logger}
	p.origin = base.Scheme + "://" + base.Host
	if cfg.SignFor != "" {
		p.origin = "https://" + cfg.SignFor
	}
	p.next = &httputil.ReverseProxy{
		Rewrite:        p.rewrite,
		Transport:      cfg.Transport,
		BufferPool:     &copyBuffers{},
		ModifyResponse: p.answer,
		ErrorHandler:   p.fail,
		ErrorLog:       slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelWarn),
	}
	if cfg.Policy != nil {
		p.gate = &guard.Gate{Policy: cfg.Policy, Mode: cfg.Mode, Backend: p.next}
	}
	return p, nil
}

// ServeHTTP implements http.Handler.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{
		Proxy: p, r: r, started: time.Now(),
		pacedWriter: pacedWriter{ResponseWriter: w, control: http.NewResponseController(w), idle: p.cfg.Idle},
	}
	if p.cfg.Observer != nil {
		p.cfg.Observer.Began()
	}
	defer x.end()
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = &pacedBody{ReadCloser: r.Body, control: x.control, idle: p.cfg.Idle, received: &x.received}
	}
	if len(r.TransferEncoding) > 0 {
		// A request in chunks may have had a Content-Length, too: net/http takes it away. A hop in front that goes by it
		// sees the end of the request somewhere else, so what follows on this connection is nobody's (RFC 9112, 6.1).
		w.Header().Set("Connection", "close")
	}
	if refused := x.admit(); refused != nil {
		p.refuse(x, r, refused)
	} else {
		p.next.ServeHTTP(x, r)
	}
	x.done = true
}

// rewrite makes the request that is signed. Its headers are those of a list: what is added to the list of hop-by-hop
// headers by the client has no effect, and nothing that names a user or a way gets through.
func (p *Proxy) rewrite(r *httputil.ProxyRequest) {
	path, query, hasQuery := strings.Cut(r.In.RequestURI, "?")
	u := &url.URL{Scheme: p.base.Scheme, Host: p.base.Host, RawQuery: query, ForceQuery: hasQuery && query == ""}
	if full := p.prefix + path; strings.HasPrefix(full, "//") {
		// An opaque URL that begins with two slashes would be written in the absolute form, which names another host.
		// checkForm has seen to it that the path is written as it came.
		u.Path, u.RawPath = r.In.URL.Path, r.In.URL.RawPath
	} else {
		u.Opaque = full // written to the request line exactly as it is
	}
	r.Out.URL, r.Out.Host = u, ""
	header := make(http.Header, len(r.In.Header))
	for name, values := range r.In.Header {
		if passes[name] {
			header[name] = values
		}
	}
	if strings.Contains(strings.ToLower(header.Get("Accept-Encoding")), "gzip") {
		header.Set("Accept-Encoding", "gzip") // the one that the domain has, and that masking can look into
	} else {
		delete(header, "Accept-Encoding")
	}
	if _, ok := header["User-Agent"]; !ok {
		header["User-Agent"] = []string{""} // none, instead of net/http's own
	}
	if kinds := header["Content-Type"]; len(kinds) > 1 {
		header["Content-Type"] = kinds[:1] // checkForm has seen to it that they are equal
	}
	p.toDashboards(r, header)
	r.Out.Header, r.Out.Trailer = header, nil
	if kept, ok := r.In.Body.(*sigv4.Kept); ok {
		r.Out.Body = kept // the transport asks it for its hash
	}
}

// passes are the request headers that are sent on.
var passes = map[string]bool{
	"Accept": true, "Accept-Encoding": true, "Accept-Language": true,
	"Content-Type": true, "Content-Encoding": true, "User-Agent": true,
	"If-Match": true, "If-None-Match": true, "If-Modified-Since": true, "Range": true,
	"X-Opaque-Id": true, "Kbn-Xsrf": true, "Kbn-Version": true, "Osd-Xsrf": true, "Osd-Version": true,
	"Securitytenant": true, "Security_tenant": true,
	"Osd-System-Request": true, "Kbn-System-Request": true,
}

// answer takes off what must not reach the client, and explains a refusal.
func (p *Proxy) answer(resp *http.Response) error {
	cookies := resp.Header["Set-Cookie"]
	for name := range resp.Header {
		if strings.HasPrefix(name, "Access-Control-") || name == "Set-Cookie" || name == "Alt-Svc" ||
			name == "Strict-Transport-Security" || name == CauseHeader {
			delete(resp.Header, name)
		}
	}
	if len(resp.Trailer) > 0 && resp.Request.Method != http.MethodHead {
		delete(resp.Header, "Content-Length") // HTTP/2 has both, HTTP/1.1 has trailers behind chunks alone
	}
	p.keepLocal(resp.Header)
	if v := shownOf(resp); v != nil {
		if err := p.fromDashboards(resp, v, cookies); err != nil {
			return err
		}
		if resp.Header.Get(CauseHeader) != "" {
			return nil // a page of the proxy's own
		}
	}
	if resp.StatusCode == http.StatusForbidden || resp.StatusCode == http.StatusUnauthorized {
		return p.explain(resp)
	}
	return nil
}

// keepLocal makes a redirect to the domain one to the proxy.
func (p *Proxy) keepLocal(h http.Header) {
	u, err := url.Parse(h.Get("Location"))
	if err != nil || u.Host == "" || !p.isDomain(u.Host) {
		return
	}
	local := &url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery, Fragment: u.Fragment}
	if p.prefix == "" && strings.HasPrefix(u.Path, "/") && !strings.HasPrefix(u.Path, "//") {
		h.Set("Location", local.String())
	}
}

// fail answers for a domain that did not.
func (p *Proxy) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil && errors.Is(r.Context().Err(), context.Canceled) {
		panic(http.ErrAbortHandler) // the client is gone
	}
	p.refuse(w, r, failure(err))
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

// Package domain is one OpenSearch or Elasticsearch domain as a resource: its endpoint, how to reach it, and what its
// answers mean.
package domain

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// maxAnswer bounds what is read of an answer that is not a bulk response.
const maxAnswer = 1 << 20

// Config describes a domain.
type Config struct {
	// URL is the endpoint: https, or http on a loopback address. It may have a path for a gateway in front.
	URL string
	// Transport sends the requests, and usually signs them on the way. [NewTransport] makes the one that connects.
	Transport http.RoundTripper
	// UserAgent is sent with every request when it is not empty.
	UserAgent string
}

// Domain sends requests to one endpoint. It is safe for concurrent use.
type Domain struct {
	base      *url.URL
	transport http.RoundTripper
	userAgent string
}

// ConfigError says that a setting cannot work.
type ConfigError struct{ Err error }

func (e *ConfigError) Error() string { return e.Err.Error() }
func (e *ConfigError) Unwrap() error { return e.Err }

// New checks the endpoint. It makes no request.
func New(cfg Config) (*Domain, error) {
	u, err := ParseURL(cfg.URL)
	if err != nil {
		return nil, err
	}
	if cfg.Transport == nil {
		return nil, &ConfigError{errors.New("domain: no transport")}
	}
	return &Domain{base: u, transport: cfg.Transport, userAgent: cfg.UserAgent}, nil
}

// ParseURL checks the URL of an endpoint. The error is a *ConfigError.
func ParseURL(text string) (*url.URL, error) {
	fail := func(format string, args ...any) (*url.URL, error) {
		return nil, &ConfigError{fmt.Errorf("domain "+format, args...)}
	}
	if text == "" {
		return fail("is not given")
	}
	u, err := url.Parse(text)
	if err != nil {
		return fail("%q is not a URL", text)
	}
	if u.User != nil {
		return fail("%s carries credentials", u.Redacted())
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return fail("%q is not a URL like https://search-name.region.es.amazonaws.com", text)
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return fail("%q would be reached without TLS", text)
	case u.RawQuery != "" || u.Fragment != "":
		return fail("%q has a query", text)
	}
	return u, nil
}

// IsHost reports whether text is a host as it stands in a URL: a name or an address, with a port or without.
func IsHost(text string) bool {
	u, err := url.Parse("//" + text)
	return err == nil && u.Host == text && u.Hostname() != "" && !strings.ContainsAny(text, " \\\"<>^`{|}")
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// TransportConfig says how to connect.
type TransportConfig struct {
	// MaxInFlight is the number of requests at once; 8 when zero. As many connections are kept when idle.
	MaxInFlight int
	// RootCAs are the certificate authorities to trust; the system's when nil.
	RootCAs *x509.CertPool
	// ServerName is the name that the certificate must have; the host of the URL when empty.
	ServerName string
	// Proxy is what requests go through; nil is the environment's.
	Proxy *url.URL
	// Insecure takes any certificate. Whoever is on the way can then read and change everything.
	Insecure bool
	// StallTimeout is how long no byte may come or go while a request is under way; DefaultStallTimeout when zero.
	StallTimeout time.Duration
	// Dial connects; a [net.Dialer] when nil.
	Dial DialFunc
	// HTTP2 offers HTTP/2 where there is TLS. Many small requests share a connection then; large bodies are slower.
	HTTP2 bool
}

// NewTransport returns a transport for one domain. It keeps few connections and uses the environment's proxy. It asks
// for no compression by itself, because Accept-Encoding may be signed.
func NewTransport(cfg TransportConfig) *http.Transport {
	if cfg.MaxInFlight <= 0 {
		cfg.MaxInFlight = 8
	}
	if cfg.Dial == nil {
		cfg.Dial = (&net.Dialer{Timeout: 8 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	}
	proxy := http.ProxyFromEnvironment
	if cfg.Proxy != nil {
		proxy = http.ProxyURL(cfg.Proxy)
	}
	const buffer = 64 << 10
	return &http.Transport{
		Proxy:       proxy,
		DialContext: dialDirect(WithStallTimeout(cfg.Dial, cfg.StallTimeout)),
		TLSClientConfig: &tls.Config{
			RootCAs: cfg.RootCAs, ServerName: cfg.ServerName, MinVersion: tls.VersionTLS12,
			InsecureSkipVerify: cfg.Insecure, //nolint:gosec // a person asks for it by name, for one request or for a tunnel
		},
		TLSHandshakeTimeout: 8 * time.Second,
		MaxIdleConnsPerHost: cfg.MaxInFlight + 1,
		IdleConnTimeout:     50 * time.Second, // below the minute that load balancers keep an idle connection
		WriteBufferSize:     buffer,
		ReadBufferSize:      buffer,
		DisableCompression:  true,
		ForceAttemptHTTP2:   cfg.HTTP2,
	}
}

// Endpoint returns the URL as it was given.
func (d *Domain) Endpoint() string { return d.base.String() }

// NewRequest makes a request for a target below the endpoint: a path with an optional query. It is sent as it is.
func (d *Domain) NewRequest(ctx context.Context, method, target string, body []byte) (*http.Request, error) {
	full := strings.TrimSuffix(d.base.String(), "/") + "/" + strings.TrimPrefix(target, "/")
	var r io.Reader
	if body != nil {
		r = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, full, r)
	if err != nil {
		return nil, fmt.Errorf("make request for %s: %w", target, err)
	}
	if d.userAgent != "" {
		req.Header.Set("User-Agent", d.userAgent)
	}
	return req, nil
}

// Do sends a request once. Redirects are not followed. When there is no answer the error is an *Error of kind
// Unreachable, or the transport's own error when that is fatal, such as missing credentials. The caller closes the
// body.
func (d *Domain) Do(req *http.Request) (*http.Response, error) {
	resp, err := d.transport.RoundTrip(req)
	if err != nil {
		if f, ok := errors.AsType[interface {
			error
			Fatal() bool
		}](err); ok && f.Fatal() {
			return nil, err
		}
		return nil, &Error{Endpoint: d.Endpoint(), Kind: Unreachable, Err: err}
	}
	return resp, nil
}

// Banner is a domain's answer to GET /.
type Banner struct {
	// Distribution is "opensearch" or "elasticsearch".
	Distribution string
	// Version is the version number in the answer. An OpenSearch domain in compatibility mode says 7.10.2.
	Version string
	Cluster string
	// Raw is the body of the answer.
	Raw []byte
}

// Major returns the first part of the version, 0 when there is none.
func (b Banner) Major() int {
	head, _, _ := strings.Cut(b.Version, ".")
	n, err := strconv.Atoi(head)
	if err != nil {
		return 0
	}
	return n
}

// Probe asks for the banner, once.
func (d *Domain) Probe(ctx context.Context) (Banner, error) {
	req, err := d.NewRequest(ctx, http.MethodGet, "/", nil)
	if err != nil {
		return Banner{}, err
	}
	resp, err := d.Do(req)
	if err != nil {
		return Banner{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return Banner{}, &Error{Endpoint: d.Endpoint(), Kind: Unreachable, Err: err}
	}
	if resp.StatusCode != http.StatusOK {
		e := ClassifyResponse(resp, body)
		e.Endpoint = d.Endpoint()
		return Banner{}, e
	}
	var b struct {
		ClusterName string `json:"cluster_name"`
		Version     struct {
			Number       string `json:"number"`
			Distribution string `json:"distribution"`
		} `json:"version"`
	}
	if err := json.Unmarshal(body, &b); err != nil || b.Version.Number == "" {
		return Banner{}, &Error{
			Endpoint: d.Endpoint(), Kind: NotADomain, Status: resp.StatusCode, Reason: describe(resp.Header, body),
		}
	}
	if b.Version.Distribution == "" {
		b.Version.Distribution = "elasticsearch"
	}
	return Banner{Distribution: b.Version.Distribution, Version: b.Version.Number, Cluster: b.ClusterName, Raw: body}, nil
}

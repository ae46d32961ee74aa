package sigv4

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// Transport is an [http.RoundTripper] that signs each request and sends it with Base. Every attempt is signed anew,
// with fresh credentials and the time of the attempt. It is safe for concurrent use and must not be copied after first
// use.
//
// Transport signs a copy of the request and never changes the request itself. The body is hashed before it is sent, so
// it is read twice, unless it is a [PayloadHasher]. With GetBody it takes no memory. Without, it is held in memory and,
// beyond SpoolBytes, in a temporary file. Content-Length is always set and the chunked encoding never used. A HEAD
// request is sent without a body.
//
// The caller's body is closed when no attempt reads it any more, which can be after RoundTrip has returned. Until then
// the memory behind it must not be changed.
//
// Two refusals lead to one more attempt each:
//
//   - A signature that is expired or not yet current. Transport takes the answer's Date header for the service's clock,
//     for this request and those after it.
//   - A key or session token that is expired or unknown, if the provider then gives another one.
//
// All other answers are the caller's, 429 and 5xx included.
//
// Redirects are not followed. When an [http.Client] follows one to another host, Transport refuses to sign that
// request: set CheckRedirect to return [http.ErrUseLastResponse].
type Transport struct {
	// Base sends the signed requests; nil is [http.DefaultTransport]. It must not change what is signed: the request
	// target, the body, Host, Content-Type, Content-Encoding and the X-Amz-* headers.
	Base http.RoundTripper
	// Credentials are asked for at each attempt.
	Credentials Provider
	// Region and Service say what to sign for. An empty one is inferred from the host that is signed for, see [Infer]. A
	// host that does not tell is a *[RegionError].
	Region, Service string
	// Host, when not empty, is the host to sign for and to send in the Host header. The URL then names where to connect:
	// a tunnel, a port forward, an address. TLS checks the name in the URL unless Base is told otherwise.
	Host string
	// AllowPlainHTTP permits signed requests over http to hosts that are not this machine. Whoever listens on the network
	// can then send the same request again for some minutes, and read and replace the data.
	AllowPlainHTTP bool
	// SpoolBytes bounds how much of a body without GetBody stays in memory; 0 is 8 MiB.
	SpoolBytes int64
	// MaxBody bounds a body without GetBody; 0 is 100 MiB, the most that a domain takes. A longer one is a
	// *[BodyTooLargeError].
	MaxBody int64
	// SpoolDir is where temporary files are made; empty is the system's directory.
	SpoolDir string
	// Budget bounds the bodies without GetBody of all requests under way together. Nil is no bound.
	Budget *Budget
	// Trace, when not nil, is called with each signature before the request is sent, from the goroutine of RoundTrip.
	Trace func(Trace)

	core core
	// skew is how far the service's clock is ahead of ours, in nanoseconds.
	skew atomic.Int64
}

var _ http.RoundTripper = (*Transport)(nil)

const (
	defaultSpool   = 8 << 20
	defaultMaxBody = 100 << 20
)

// InsecureError says that a signed request would have gone over plain http to another machine.
type InsecureError struct{ Host string }

func (e *InsecureError) Error() string {
	return "sign request for http://" + e.Host + ": credentials are not sent over plain http to another machine"
}

// Fatal is always true: the endpoint is wrong for every request.
func (e *InsecureError) Fatal() bool { return true }

// RegionError says that neither the settings nor the host name tell the region and the service.
type RegionError struct{ Host string }

func (e *RegionError) Error() string {
	return fmt.Sprintf("sign request for %s: the host does not tell region and service", e.Host)
}

// Fatal is always true: it concerns every request for the host.
func (e *RegionError) Fatal() bool { return true }

// RedirectError says that a client followed a redirect to another host with a request that would have been signed.
type RedirectError struct{ From, To string }

func (e *RedirectError) Error() string {
	return fmt.Sprintf("sign request for %s: redirected from %s, and signatures are not given to other hosts",
		e.To, e.From)
}

// RoundTrip signs and sends req.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := t.prepare(req)
	if err != nil {
		return nil, err
	}
	defer body.release()
	region, service, err := t.scope(req)
	if err != nil {
		return nil, err
	}
	var clockSet, refreshed bool
	for {
		creds, err := t.credentials(req.Context())
		if err != nil {
			return nil, err
		}
		at := time.Now().Add(time.Duration(t.skew.Load()))
		resp, err := t.attempt(req, body, creds, region, service, at)
		if err != nil {
			return nil, err
		}
		switch refusal := t.refusal(resp, at); {
		case refusal == refusedTime && !clockSet && t.setClock(resp):
			clockSet = true
		case refusal == refusedToken && !refreshed && t.renewed(req.Context(), creds):
			refreshed = true
		default:
			return resp, nil
		}
		discard(resp.Body)
	}
}

// CloseIdleConnections closes the idle connections of Base.
func (t *Transport) CloseIdleConnections() {
	if c, ok := t.base().(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

func (t *Transport) base() http.RoundTripper {
	if t.Base != nil {
		return t.Base
	}
	return http.DefaultTransport
}

// prepare checks req and makes its body repeatable. When it fails the caller's body is closed.
func (t *Transport) prepare(req *http.Request) (*replay, error) {
	err := t.check(req)
	if err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, err
	}
	body, err := t.newReplay(req)
	if err != nil {
		return nil, fmt.Errorf("sign request: %w", err)
	}
	return body, nil
}

func (t *Transport) check(req *http.Request) error {
	switch {
	case req.URL == nil || req.URL.Host == "":
		return errors.New("sign request: no host in the URL")
	case req.URL.User != nil:
		return fmt.Errorf("sign request for %s: the URL holds a user name; "+
			"a request is signed or has a password, not both", req.URL.Host)
	case t.Credentials == nil:
		return fmt.Errorf("sign request for %s: %w", req.URL.Host, ErrNoCredentials)
	}
	switch req.URL.Scheme {
	case "https":
	case "http":
		if !t.AllowPlainHTTP && !isLoopback(req.URL.Hostname()) {
			return &InsecureError{Host: req.URL.Host}
		}
	default:
		return fmt.Errorf("sign request for %s: scheme %q is neither http nor https", req.URL.Host, req.URL.Scheme)
	}
	// http.Client sets Response on a request that follows a redirect.
	if via := req.Response; via != nil && via.Request != nil && via.Request.URL != nil {
		from := via.Request.URL
		if !strings.EqualFold(from.Host, req.URL.Host) || from.Scheme != req.URL.Scheme {
			return &RedirectError{From: from.Scheme + "://" + from.Host, To: req.URL.Scheme + "://" + req.URL.Host}
		}
	}
	return nil
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") || strings.HasSuffix(strings.ToLower(host), ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// scope returns the region and service to sign for.
func (t *Transport) scope(req *http.Request) (region, service string, err error) {
	region, service = t.Region, t.Service
	if region != "" && service != "" {
		return region, service, nil
	}
	host := t.hostFor(req)
	r, s, ok := Infer(host)
	if !ok {
		return "", "", &RegionError{Host: host}
	}
	if region == "" {
		region = r
	}
	if service == "" {
		service = s
	}
	return region, service, nil
}

func (t *Transport) hostFor(req *http.Request) string {
	switch {
	case t.Host != "":
		return t.Host
	case req.Host != "":
		return req.Host
	}
	return req.URL.Host
}

func (t *Transport) credentials(ctx context.Context) (Credentials, error) {
	c, err := t.Credentials.Credentials(ctx)
	if err == nil && t.expired(c) {
		t.invalidate()
		c, err = t.Credentials.Credentials(ctx)
	}
	switch {
	case err != nil:
	case !c.valid():
		err = ErrNoCredentials
	case t.expired(c):
		err = ErrExpiredCredentials
	}
	if err != nil {
		return Credentials{}, fmt.Errorf("sign request: %w", err)
	}
	return c, nil
}

func (t *Transport) expired(c Credentials) bool {
	return !c.Expires.IsZero() && !time.Now().Add(time.Duration(t.skew.Load())).Before(c.Expires)
}

func (t *Transport) invalidate() {
	if i, ok := t.Credentials.(Invalidator); ok {
		i.Invalidate()
	}
}

// renewed reports whether the provider has other credentials than those that were refused.
func (t *Transport) renewed(ctx context.Context, refused Credentials) bool {
	t.invalidate()
	c, err := t.Credentials.Credentials(ctx)
	c.Expires, refused.Expires = time.Time{}, time.Time{}
	return err == nil && c.valid() && c != refused
}

// attempt signs a copy of req and sends it.
func (t *Transport) attempt(
	req *http.Request, body *replay, c Credentials, region, service string, at time.Time,
) (*http.Response, error) {
	out := req.WithContext(req.Context()) // a shallow copy
	out.Header = req.Header.Clone()
	out.Host = t.hostFor(req)
	out.TransferEncoding, out.Trailer = nil, nil
	out.ContentLength = body.size
	out.Body, out.GetBody = http.NoBody, nil
	var trace *Trace
	if t.Trace != nil {
		trace = new(Trace)
	}
	if err := t.core.sign(out, c, region, service, body.hash, at, trace); err != nil {
		return nil, err
	}
	if trace != nil {
		t.Trace(*trace)
	}
	if body.size > 0 {
		rc, err := body.open()
		if err != nil {
			return nil, fmt.Errorf("sign request: read body again: %w", err)
		}
		out.Body, out.GetBody = rc, body.open
	}
	return t.base().RoundTrip(out)
}

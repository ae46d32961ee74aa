package domain_test

import (
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed56735111/penstock/domain"
)

func open(t *testing.T, h http.HandlerFunc) *domain.Domain {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	d, err := domain.New(domain.Config{
		URL: srv.URL, Transport: domain.NewTransport(domain.TransportConfig{}), UserAgent: "penstock/test",
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// The answers are those of the service in front of the engine, and of the engine.
func TestEveryAnswerIsTakenForWhatItMeans(t *testing.T) {
	t.Parallel()
	const scope = `{"message":"Credential should be scoped to a valid region, not 'us-east-1'. "}`
	for _, test := range []struct {
		name   string
		status int
		header http.Header
		body   string
		kind   domain.Kind
		cause  domain.Cause
	}{
		{
			name: "anonymous", status: 403,
			body: `{"Message":"User: anonymous is not authorized to perform: es:ESHttpPost on resource: x"}`,
			kind: domain.Refused, cause: domain.CauseAnonymous,
		},
		{
			name: "policy", status: 403,
			body: `{"Message":"User: arn:aws:iam::1:user/x is not authorized to perform: es:ESHttpPost"}`,
			kind: domain.Refused, cause: domain.CausePolicy,
		},
		{
			name: "signature", status: 403,
			body: `{"message":"The request signature we calculated does not match the signature you provided.\n\nThe ` +
				`Canonical String for this request should have been\n'GET'"}`,
			kind: domain.Refused, cause: domain.CauseSignature,
		},
		{
			name: "unknown key", status: 403, body: `{"message":"The security token included in the request is invalid."}`,
			kind: domain.Refused, cause: domain.CauseToken,
		},
		{
			name: "expired token", status: 403, body: `{"message":"The security token included in the request is expired"}`,
			kind: domain.Clock, cause: domain.CauseToken,
		},
		{
			name: "expired signature", status: 403,
			body: `{"message":"Signature expired: 20260101T000000Z is now earlier than 20260101T010000Z (20260101T010500Z - ` +
				`5 min.)"}`,
			kind: domain.Clock, cause: domain.CauseSignature,
		},
		{
			name: "early signature", status: 403,
			body: `{"message":"Signature not yet current: 20260101T020000Z is still later than 20260101T010500Z"}`,
			kind: domain.Clock, cause: domain.CauseSignature,
		},
		{"scope", 403, nil, scope, domain.Refused, domain.CauseScope},
		{
			name: "fine-grained", status: 403,
			body: `{"error":{"type":"security_exception","reason":"no permissions for [indices:data/write/bulk]"},"status":403}`,
			kind: domain.Refused, cause: domain.CauseFineGrain,
		},
		{"throttled by the edge", 403, nil, `{"Message":"Request throttled due to too many requests"}`, domain.Throttled, 0},
		{
			name: "read-only", status: 403,
			body: `{"error":{"type":"cluster_block_exception","reason":"blocked by: ` +
				`[FORBIDDEN/8/index write (api)]"},"status":403}`,
			kind: domain.Blocked,
		},
		{
			name: "401", status: 401, body: `{"Message":"Your request: '/_cluster/reroute' is not allowed."}`,
			kind: domain.Refused, cause: domain.CauseUnknown,
		},
		{
			name: "429 of the engine", status: 429,
			body: `{"error":{"type":"es_rejected_execution_exception","reason":"queue"},"status":429}`, kind: domain.Throttled,
		},
		{
			name: "429 in plain text", status: 429, header: http.Header{"Content-Type": {"text/plain"}},
			body: "429 Too Many Requests /_bulk", kind: domain.Throttled,
		},
		{
			name: "429 of a full disk", status: 429,
			body: `{"error":{"type":"cluster_block_exception","reason":"disk usage exceeded flood-stage watermark"},` +
				`"status":429}`,
			kind: domain.Blocked,
		},
		{"413", 413, nil, `{"Message":"Request size exceeded 10485760 bytes"}`, domain.TooLarge, 0},
		{"413 without a word", 413, nil, "", domain.TooLarge, 0},
		{"500", 500, nil, `{"error":{"type":"exception","reason":"x"}}`, domain.Unavailable, 0},
		{"502 page", 502, http.Header{"Content-Type": {"text/html"}}, "<html>Bad Gateway</html>", domain.Unavailable, 0},
		{"503", 503, nil, `{"Message":"Call to Authorization engine failed"}`, domain.Unavailable, 0},
		{"504", 504, nil, "", domain.Unavailable, 0},
		{"404 page", 404, http.Header{"Content-Type": {"text/html; charset=utf-8"}}, "<!doctype html>", domain.NotADomain, 0},
		{
			name: "400", status: 400,
			body: `{"error":{"type":"illegal_argument_exception","reason":"explicit index in bulk is not allowed"},` +
				`"status":400}`,
			kind: domain.BadRequest,
		},
		{
			name: "404 of the engine", status: 404,
			body: `{"error":{"type":"index_not_found_exception","reason":"no such index [x]"},"status":404}`,
			kind: domain.BadRequest,
		},
		{
			name: "a sentence of 1.x", status: 400,
			body: `{"error":"InvalidIndexNameException[[_x] Invalid index name [_x], must not start with '_']","status":400}`,
			kind: domain.BadRequest,
		},
		{"a redirect", 302, http.Header{"Location": {"https://login.example.com/"}}, "", domain.NotADomain, 0},
		{"200 that is no JSON", 200, http.Header{"Content-Type": {"text/html"}}, "<html>", domain.NotADomain, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			header := test.header
			if header == nil {
				header = http.Header{"Content-Type": {"application/json"}}
			}
			e := domain.Classify(test.status, header, []byte(test.body))
			if e.Kind != test.kind || e.Cause != test.cause {
				t.Errorf("kind %v, cause %d; want %v, %d (%v)", e.Kind, e.Cause, test.kind, test.cause, e)
			}
			if strings.ContainsAny(e.Error(), "\n\r\x1b") || e.Error() == "" {
				t.Errorf("message %q", e.Error())
			}
			wantFatal := test.kind == domain.Refused || test.kind == domain.NotADomain || test.kind == domain.BadRequest
			if e.Fatal() != wantFatal || e.Fatal() && e.Temporary() {
				t.Errorf("fatal %v, temporary %v", e.Fatal(), e.Temporary())
			}
		})
	}
}

func TestLimitsAndPausesAreRead(t *testing.T) {
	t.Parallel()
	if e := domain.Classify(413, nil, []byte(`{"Message":"Request size exceeded 10485760 bytes"}`)); e.Limit != 10485760 {
		t.Errorf("limit %d", e.Limit)
	}
	for value, want := range map[string]time.Duration{
		"":                              0,
		"3":                             3 * time.Second,
		"-5":                            0,
		"soon":                          0,
		"999999999":                     5 * time.Minute,
		"Thu, 01 Jan 1970 00:00:00 GMT": 0,
		"Thu, 01 Jan 2999 00:00:00 GMT": 5 * time.Minute,
	} {
		if e := domain.Classify(429, http.Header{"Retry-After": {value}}, nil); e.RetryAfter != want {
			t.Errorf("Retry-After %q: %v, want %v", value, e.RetryAfter, want)
		}
	}
}

func TestWhatADomainSaysReachesNoTerminalRaw(t *testing.T) {
	t.Parallel()
	e := domain.Classify(400, nil,
		[]byte(`{"error":{"type":"x\u001b[31m","reason":"`+strings.Repeat("é\\n\\u202e", 5000)+`"}}`))
	if text := e.Error(); len(text) > 1000 || strings.ContainsAny(text, "\x1b\n\u202e") {
		t.Errorf("%d bytes: %q", len(text), text[:min(len(text), 200)])
	}
}

func TestAnEndpointThatCannotWorkIsRefusedBeforeAnyRequest(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"":                                       "is not given",
		"ftp://x":                                "is not a URL like",
		"search.example.com":                     "is not a URL like",
		"http://search.example.com":              "without TLS",
		"https://user:secret@search.example.com": "carries credentials",
		"https://search.example.com/?x=1":        "has a query",
		"https://search.example.com/#x":          "has a query",
		"https://":                               "is not a URL like",
		"://":                                    "is not a URL",
		"http://169.254.169.254":                 "without TLS",
	} {
		_, err := domain.New(domain.Config{URL: url, Transport: http.DefaultTransport})
		_, ok := errors.AsType[*domain.ConfigError](err)
		if !ok || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v, want %q", url, err, want)
		}
	}
	for _, url := range []string{
		"https://search.example.com", "https://search.example.com/gate/", "http://127.0.0.1:9200", "http://localhost",
		"http://[::1]:9200",
	} {
		if _, err := domain.New(domain.Config{URL: url, Transport: http.DefaultTransport}); err != nil {
			t.Errorf("%q: %v", url, err)
		}
	}
}

func TestBannersOfAllTimesAreUnderstood(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]struct {
		distribution, version string
		major                 int
	}{
		`{"status":200,"cluster_name":"1:x","version":{"number":"1.5.2"},"tagline":"You Know, for Search"}`: {
			distribution: "elasticsearch", version: "1.5.2", major: 1,
		},
		`{"version":{"number":"7.10.2","build_flavor":"oss"}}`:       {"elasticsearch", "7.10.2", 7},
		`{"version":{"distribution":"opensearch","number":"3.3.0"}}`: {"opensearch", "3.3.0", 3},
	} {
		d := open(t, func(w http.ResponseWriter, r *http.Request) {
			if r.UserAgent() != "penstock/test" {
				t.Errorf("user agent %q", r.UserAgent())
			}
			_, _ = io.WriteString(w, body)
		})
		b, err := d.Probe(t.Context())
		if err != nil || b.Distribution != want.distribution || b.Version != want.version || b.Major() != want.major ||
			string(b.Raw) != body {
			t.Errorf("%s: %+v, %v", body, b, err)
		}
	}
	for _, body := range []string{"<html>", "{}", `{"version":5}`, "", `{"version":{"number":""}}`} {
		d := open(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
		_, err := d.Probe(t.Context())
		if e, ok := errors.AsType[*domain.Error](err); !ok || e.Kind != domain.NotADomain {
			t.Errorf("%q: %v, want no domain", body, err)
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("the redirect was followed")
	}))
	defer elsewhere.Close()
	d := open(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, http.StatusFound) })
	_, err := d.Probe(t.Context())
	if e, ok := errors.AsType[*domain.Error](err); !ok || e.Kind != domain.NotADomain {
		t.Errorf("error %v", err)
	}
}

func TestTargetsAreSentAsTheyAre(t *testing.T) {
	t.Parallel()
	var got string
	d := open(t, func(w http.ResponseWriter, r *http.Request) { got = r.RequestURI })
	for _, target := range []string{
		"/_bulk?filter_path=a,items.*._id", "/%3Clogs-%7Bnow%2Fd%7D%3E/_search", "/a%2Fb?q=a+b&v",
	} {
		req, err := d.NewRequest(t.Context(), http.MethodGet, target, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := d.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if got != target {
			t.Errorf("sent %q, want %q", got, target)
		}
	}
}

func TestNoAnswerIsUnreachableAndTemporary(t *testing.T) {
	t.Parallel()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	d, err := domain.New(domain.Config{URL: "http://" + address, Transport: domain.NewTransport(domain.TransportConfig{})})
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.Probe(t.Context())
	e, ok := errors.AsType[*domain.Error](err)
	if !ok || e.Kind != domain.Unreachable || !e.Temporary() || !strings.Contains(e.Error(), address) {
		t.Errorf("error %v", err)
	}
}

func TestAnAnswerWithoutEndIsNotReadToIt(t *testing.T) {
	t.Parallel()
	d := open(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	})
	_, err := d.Probe(t.Context())
	if e, ok := errors.AsType[*domain.Error](err); !ok || e.Kind != domain.Unavailable || len(e.Reason) > 400 {
		t.Errorf("error %v", err)
	}
}

func FuzzClassify(f *testing.F) {
	f.Add(403, "application/json", []byte(`{"Message":"User: anonymous is not authorized"}`))
	f.Add(429, "text/plain", []byte("429 Too Many Requests"))
	f.Add(200, "text/html", []byte("<"))
	f.Fuzz(func(t *testing.T, status int, contentType string, body []byte) {
		e := domain.Classify(status, http.Header{"Content-Type": {contentType}}, body)
		if text := e.Error(); text == "" || len(text) > 2000 || strings.ContainsAny(text, "\n\r\x1b\x00") {
			t.Errorf("%d %q: %q", status, body, text)
		}
	})
}

// Through a tunnel the address is that of this machine, and the certificate that of the domain.
func TestTheCertificateIsComparedWithTheNameGiven(t *testing.T) {
	t.Parallel()
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"version":{"number":"7.10.2"}}`)
	}))
	defer srv.Close()
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	for name, ok := range map[string]bool{"": true, "example.com": true, "search-x.eu-west-1.es.amazonaws.com": false} {
		d, err := domain.New(domain.Config{
			URL: srv.URL, Transport: domain.NewTransport(domain.TransportConfig{RootCAs: roots, ServerName: name}),
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Probe(t.Context()); (err == nil) != ok {
			t.Errorf("certificate for %q: %v", name, err)
		}
	}
}

func TestAHostIsANameOrAnAddress(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"localhost", "search-x.eu-west-1.es.amazonaws.com:443", "127.0.0.1:9200", "[::1]:9200"} {
		if !domain.IsHost(host) {
			t.Errorf("%q is a host", host)
		}
	}
	for _, host := range []string{"", "https://x", "x/y", "x?y", "x y", "u@x", ":9200", "x:port", "x#"} {
		if domain.IsHost(host) {
			t.Errorf("%q is no host", host)
		}
	}
}

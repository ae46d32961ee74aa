package sigv4_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/seed56735111/penstock/sigv4"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// domain is a base transport that verifies like a server and answers like one. It reads and closes the body.
type domain struct {
	verifier *sigv4.Verifier
	// ahead is how far the domain's clock is ahead.
	ahead    time.Duration
	requests atomic.Int64
	last     *http.Request
	body     []byte
}

func (d *domain) RoundTrip(r *http.Request) (*http.Response, error) {
	d.requests.Add(1)
	d.last = r
	var err error
	d.body, err = io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body.Close()
	if int64(len(d.body)) != r.ContentLength || len(r.TransferEncoding) > 0 {
		return nil, fmt.Errorf("body of %d bytes, Content-Length %d, %v", len(d.body), r.ContentLength, r.TransferEncoding)
	}
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	v := d.verifier
	v.Now = func() time.Time { return time.Now().Add(d.ahead) }
	resp := &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Date": {v.Now().UTC().Format(http.TimeFormat)}},
		Body: io.NopCloser(strings.NewReader("{}")), Request: r,
	}
	sum := sha256.Sum256(d.body)
	if _, err := v.VerifyHash(in, sum); err != nil {
		refusal, ok := errors.AsType[*sigv4.AuthError](err)
		if !ok {
			return nil, err
		}
		resp.StatusCode, resp.Body = refusal.Status, io.NopCloser(bytes.NewReader(refusal.JSON()))
		if r.Method == http.MethodHead {
			resp.Body = http.NoBody
		}
	}
	return resp, nil
}

func newDomain() *domain {
	return &domain{verifier: &sigv4.Verifier{Region: testRegion, Service: "es", Lookup: lookup, Strict: true}}
}

// closeCounter counts how often a body is closed.
type closeCounter struct {
	io.Reader

	closed atomic.Int64
}

func (c *closeCounter) Close() error { c.closed.Add(1); return nil }

func post(t testing.TB, url, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func do(t *testing.T, rt http.RoundTripper, r *http.Request) (int, string) {
	t.Helper()
	resp, err := rt.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// failure returns the error of a request that is not expected to have an answer.
func failure(rt http.RoundTripper, r *http.Request) error {
	resp, err := rt.RoundTrip(r)
	if err == nil {
		resp.Body.Close()
	}
	return err
}

func TestTransportSignsACopyAndInfersTheScope(t *testing.T) {
	t.Parallel()
	d := newDomain()
	transport := &sigv4.Transport{Base: d, Credentials: sigv4.Static(testCredentials)}
	r := post(t, "https://"+testHost+":443/_bulk?refresh", "{}\n")
	r.Header.Set("Content-Type", "application/x-ndjson")
	r.Header.Set("Authorization", "Basic Og==")
	r.TransferEncoding = []string{"chunked"}
	before := r.Clone(t.Context())
	if status, body := do(t, transport, r); status != http.StatusOK {
		t.Fatalf("got %d %s", status, body)
	}
	diff := cmp.Diff(before.Header, r.Header)
	if diff != "" || r.Host != before.Host || r.URL.String() != before.URL.String() {
		t.Errorf("the request was changed: %s", diff)
	}
	if string(d.body) != "{}\n" || d.last.Host != testHost {
		t.Errorf("got body %q for host %q", d.body, d.last.Host)
	}
}

// summed is a body whose sum its maker knows.
type summed struct {
	*strings.Reader

	sum [sha256.Size]byte
}

func (s summed) Close() error { return nil }

func (s summed) PayloadSHA256() [sha256.Size]byte { return s.sum }

func TestABodyWithItsSumIsReadOnce(t *testing.T) {
	t.Parallel()
	const text = "{}\n"
	for _, right := range []bool{true, false} {
		d := newDomain()
		transport := &sigv4.Transport{Base: d, Credentials: sigv4.Static(testCredentials)}
		r := post(t, "https://"+testHost+"/_bulk", "")
		sum := sha256.Sum256([]byte(text))
		if !right {
			sum[0]++
		}
		opened := 0
		r.GetBody = func() (io.ReadCloser, error) {
			opened++
			return summed{strings.NewReader(text), sum}, nil
		}
		r.Body, r.ContentLength = summed{strings.NewReader(text), sum}, int64(len(text))
		status, body := do(t, transport, r)
		want := http.StatusOK
		if !right {
			want = http.StatusForbidden
		}
		if status != want || opened != 1 || string(d.body) != text {
			t.Errorf("right sum %v: %d %s, opened %d times, sent %q", right, status, body, opened, d.body)
		}
	}
}

func TestBodyIsClosedOnceAndOnlyWhenNobodyReadsIt(t *testing.T) {
	t.Parallel()
	errDown := errors.New("connection refused")
	for _, withGetBody := range []bool{true, false} {
		for _, fault := range []string{
			"none", "base fails", "no credentials", "plain http", "no region", "wrong length", "read error",
		} {
			body := &closeCounter{Reader: strings.NewReader("data")}
			r := post(t, "https://"+testHost+"/_bulk", "")
			r.Body, r.GetBody, r.ContentLength = body, nil, 4
			if withGetBody {
				r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("data")), nil }
			}
			var held io.ReadCloser // what the base still reads after RoundTrip has returned
			var again func() (io.ReadCloser, error)
			transport := &sigv4.Transport{Credentials: sigv4.Static(testCredentials)}
			transport.Base = roundTrip(func(r *http.Request) (*http.Response, error) {
				if fault == "base fails" {
					r.Body.Close()
					return nil, errDown
				}
				held, again = r.Body, r.GetBody
				return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Header: http.Header{}}, nil
			})
			switch fault {
			case "no credentials":
				transport.Credentials = sigv4.Static(sigv4.Credentials{})
			case "plain http":
				r.URL.Scheme = "http"
			case "no region":
				r.URL.Host, r.Host = "logs.example.com", "logs.example.com"
			case "wrong length":
				r.ContentLength = 5
			case "read error":
				body.Reader = io.MultiReader(strings.NewReader("d"), errReader{errDown})
				if withGetBody {
					r.GetBody = func() (io.ReadCloser, error) { return nil, errDown }
				}
			}
			resp, err := transport.RoundTrip(r)
			if err == nil {
				resp.Body.Close()
			}
			if (err == nil) != (fault == "none") {
				t.Errorf("%s: got %v", fault, err)
			}
			if held != nil {
				if n := body.closed.Load(); withGetBody && n != 0 {
					t.Errorf("%s: closed while the base reads", fault)
				}
				held.Close()
				held.Close() // a base may close twice
				if _, err := again(); err == nil {
					t.Errorf("%s: the body is read after it was given back", fault)
				}
			}
			if n := body.closed.Load(); n != 1 {
				t.Errorf("%s, GetBody %v: body closed %d times, want once", fault, withGetBody, n)
			}
		}
	}
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

func TestSecretsStayWhereTheyAreSafe(t *testing.T) {
	t.Parallel()
	tests := []struct {
		url   string
		plain bool
		sent  bool
	}{
		{"https://" + testHost + "/", false, true},
		{"http://" + testHost + "/", false, false},
		{"http://" + testHost + "/", true, true},
		{"http://localhost:9200/", false, true},
		{"http://127.0.0.1:9200/", false, true},
		{"http://[::1]:9200/", false, true},
		{"http://127.0.0.1.example.com/", false, false},
		{"http://localhost.example.com/", false, false},
		{"http://10.0.0.1/", false, false},
		{"https://user:password@" + testHost + "/", false, false},
		{"ftp://" + testHost + "/", false, false},
	}
	for _, test := range tests {
		sent := false
		transport := &sigv4.Transport{
			Region: testRegion, Service: "es", Credentials: sigv4.Static(testCredentials), AllowPlainHTTP: test.plain,
			Base: roundTrip(func(*http.Request) (*http.Response, error) {
				sent = true
				return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Header: http.Header{}}, nil
			}),
		}
		resp, err := transport.RoundTrip(post(t, test.url, ""))
		if err == nil {
			resp.Body.Close()
		}
		if sent != test.sent || (err == nil) != test.sent {
			t.Errorf("%s, plain http allowed %v: sent %v, error %v", test.url, test.plain, sent, err)
		}
		if err != nil && strings.Contains(err.Error(), "password@") {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}

func TestRedirectToAnotherHostIsNotSigned(t *testing.T) {
	t.Parallel()
	var location string
	sent := 0
	client := &http.Client{Transport: &sigv4.Transport{
		Region: testRegion, Service: "es", Credentials: sigv4.Static(testCredentials),
		Base: roundTrip(func(r *http.Request) (*http.Response, error) {
			sent++
			resp := &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Header: http.Header{}, Request: r}
			if r.URL.Path == "/from" {
				resp.StatusCode = http.StatusFound
				resp.Header.Set("Location", location)
			}
			return resp, nil
		}),
	}}
	for target, follows := range map[string]bool{
		"https://evil.example.com/to":    false,
		"https://" + testHost + ":444/x": false,
		"http://localhost/x":             false,
		"https://" + testHost + "/to":    true,
	} {
		sent, location = 0, target
		r := newRequest(t, http.MethodGet, "/")
		r.URL.Opaque, r.URL.Path = "", "/from"
		resp, err := client.Do(r)
		if err == nil {
			resp.Body.Close()
		}
		_, refused := errors.AsType[*sigv4.RedirectError](err)
		if refused == follows || follows && sent != 2 || !follows && sent != 1 {
			t.Errorf("redirect to %s: %d requests, error %v", target, sent, err)
		}
	}
}

func TestHeadHasNoBody(t *testing.T) {
	t.Parallel()
	d := newDomain()
	transport := &sigv4.Transport{Base: d, Credentials: sigv4.Static(testCredentials)}
	r := post(t, "https://"+testHost+"/idx", "{}")
	r.Method = http.MethodHead
	if status, _ := do(t, transport, r); status != http.StatusOK || len(d.body) != 0 || d.last.ContentLength != 0 {
		t.Errorf("got %d, body %q", status, d.body)
	}
}

func TestBodyWithoutGetBodyIsHeldAndBounded(t *testing.T) {
	t.Parallel()
	d := newDomain()
	transport := &sigv4.Transport{
		Base: d, Credentials: sigv4.Static(testCredentials), SpoolBytes: 10, MaxBody: 100_000, SpoolDir: t.TempDir(),
	}
	body := strings.Repeat("0123456789", 10_000)
	r := post(t, "https://"+testHost+"/_bulk", "")
	r.Body, r.GetBody, r.ContentLength = io.NopCloser(strings.NewReader(body)), nil, -1
	if status, _ := do(t, transport, r); status != http.StatusOK || string(d.body) != body {
		t.Errorf("got %d and %d bytes of %d", status, len(d.body), len(body))
	}
	r.Body = io.NopCloser(strings.NewReader(body + "x"))
	err := failure(transport, r)
	if large, ok := errors.AsType[*sigv4.BodyTooLargeError](err); !ok || large.Limit != 100_000 {
		t.Errorf("got %v", err)
	}
}

func TestMissingSettingsAreNamed(t *testing.T) {
	t.Parallel()
	r := post(t, "https://logs.example.com/", "")
	err := failure(&sigv4.Transport{Credentials: sigv4.Static(testCredentials), Service: "es"}, r)
	if _, ok := errors.AsType[*sigv4.RegionError](err); !ok {
		t.Errorf("no region: got %v", err)
	}
	for _, provider := range []sigv4.Provider{
		nil, sigv4.Static(sigv4.Credentials{}),
		sigv4.ProviderFunc(func(context.Context) (sigv4.Credentials, error) {
			return sigv4.Credentials{}, sigv4.ErrNoCredentials
		}),
	} {
		err := failure(&sigv4.Transport{Credentials: provider, Region: testRegion, Service: "es"}, r)
		if !errors.Is(err, sigv4.ErrNoCredentials) {
			t.Errorf("no credentials: got %v", err)
		}
	}
}

func TestHostIsSignedForWhileConnectingElsewhere(t *testing.T) {
	t.Parallel()
	var host, target string
	var verifyErr error
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		host, target = r.Host, r.RequestURI
		_, verifyErr = (&sigv4.Verifier{Region: testRegion, Service: "es", Lookup: lookup, Strict: true}).Verify(r)
	}))
	defer server.Close()
	transport := &sigv4.Transport{
		Base: server.Client().Transport, Credentials: sigv4.Static(testCredentials), Host: testHost,
	}
	status, _ := do(t, transport, post(t, server.URL+"/i%2A/_search?v", "{}"))
	if status != http.StatusOK || verifyErr != nil {
		t.Errorf("got %d, %v", status, verifyErr)
	}
	if host != testHost || target != "/i%2A/_search?v" {
		t.Errorf("the server saw %s and %s", host, target)
	}
}

func TestOneTransportServesManyGoroutines(t *testing.T) {
	t.Parallel()
	verifier := &sigv4.Verifier{
		Region: testRegion, Service: "es", Lookup: lookup, Strict: true, SpoolBytes: 10_000, SpoolDir: t.TempDir(),
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sender, err := verifier.Verify(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		defer sender.Close()
		defer r.Body.Close()
		_, _ = io.Copy(w, r.Body)
	}))
	defer server.Close()
	transport := &sigv4.Transport{
		Base: server.Client().Transport, Credentials: sigv4.Static(testCredentials), Host: testHost, SpoolBytes: 5000,
		SpoolDir: t.TempDir(),
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			for j := range 10 {
				body := strings.Repeat(fmt.Sprintf("%d-%d ", i, j), 1+i*j*100)
				r := post(t, fmt.Sprintf("%s/i%d/_bulk?j=%d&v", server.URL, i, j), body)
				if j%2 == 0 {
					r.Body, r.GetBody, r.ContentLength = io.NopCloser(strings.NewReader(body)), nil, -1
				}
				resp, err := client.Do(r)
				if err != nil {
					t.Error(err)
					return
				}
				got, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil || resp.StatusCode != http.StatusOK || string(got) != body {
					t.Errorf("%d-%d: status %d, %d bytes of %d, %v", i, j, resp.StatusCode, len(got), len(body), err)
				}
			}
		})
	}
	wg.Wait()
}

func TestTraceShowsTheSignatureWithoutSecrets(t *testing.T) {
	t.Parallel()
	d := newDomain()
	d.verifier.Lookup = func(context.Context, string) (sigv4.Credentials, error) {
		c := testSession
		c.Expires = time.Time{}
		return c, nil
	}
	var traces []sigv4.Trace
	session := testSession
	session.Expires = time.Time{}
	transport := &sigv4.Transport{Base: d, Credentials: sigv4.Static(session), Trace: func(t sigv4.Trace) {
		traces = append(traces, t)
	}}
	if status, body := do(t, transport, post(t, "https://"+testHost+"/_bulk", "{}")); status != http.StatusOK {
		t.Fatalf("got %d %s", status, body)
	}
	if len(traces) != 1 {
		t.Fatalf("got %d traces", len(traces))
	}
	shown := fmt.Sprintf("%+v", traces[0])
	if strings.Contains(shown, testSession.SessionToken) || strings.Contains(shown, testSession.SecretAccessKey) {
		t.Errorf("secrets in %s", shown)
	}
	if !strings.Contains(traces[0].CanonicalRequest, "x-amz-security-token:********\n") {
		t.Errorf("got %s", traces[0].CanonicalRequest)
	}
}

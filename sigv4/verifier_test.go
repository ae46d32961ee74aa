package sigv4_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/seed56735111/penstock/sigv4"
)

const (
	testHost   = "search-logs-abc.eu-west-1.es.amazonaws.com"
	testRegion = "eu-west-1"
)

var testSession = sigv4.Credentials{
	AccessKeyID: "ASIAEXAMPLE", SecretAccessKey: "secret-of-the-session", SessionToken: "the/token+of=it",
	Expires: testTime.Add(time.Hour),
}

func lookup(_ context.Context, id string) (sigv4.Credentials, error) {
	switch id {
	case testCredentials.AccessKeyID:
		return testCredentials, nil
	case testSession.AccessKeyID:
		return testSession, nil
	}
	return sigv4.Credentials{}, sigv4.ErrUnknownKey
}

func newVerifier() *sigv4.Verifier {
	return &sigv4.Verifier{Region: testRegion, Service: "es", Lookup: lookup, Now: func() time.Time { return testTime }}
}

// received makes a request as a server has it.
func received(method, target, body string) *http.Request {
	r := httptest.NewRequestWithContext(context.Background(), method, "http://"+testHost+"/", strings.NewReader(body))
	r.RequestURI = target
	path, query, _ := strings.Cut(target, "?")
	r.URL.Path, r.URL.RawPath, r.URL.RawQuery = path, path, query
	r.Host = testHost
	return r
}

// signed makes a request as a server has it, with a signature made at the given time.
func signed(t testing.TB, c sigv4.Credentials, at time.Time, method, target, body string, change ...func(
	*http.Request,
),
) *http.Request {
	t.Helper()
	r := received(method, target, body)
	for _, f := range change {
		f(r)
	}
	sign(t, r, c, at, body)
	return r
}

// sign signs r in place, as its sender did.
func sign(t testing.TB, r *http.Request, c sigv4.Credentials, at time.Time, body string) {
	t.Helper()
	out := newRequest(t, r.Method, r.RequestURI)
	out.Host, out.Header = r.Host, r.Header
	s := &sigv4.Signer{Region: testRegion, Service: "es"}
	if err := s.Sign(out, c, sigv4.HashPayload([]byte(body)), at); err != nil {
		t.Fatal(err)
	}
}

func authorization(r *http.Request) string { return r.Header.Get("Authorization") }

// The canonical string is one that a real domain sent back, in inreachventures/aws-signing-request-interceptor#12: the
// hash in it is the domain's own, as far as it is printed there.
func TestDumpIsThatOfARealDomain(t *testing.T) {
	t.Parallel()
	r := received(http.MethodGet, "/twitter/tweet/1", "")
	r.Host = "search-estest-q4hwvaz3g53iyvtuna5lasktge.eu-west-1.es.amazonaws.com"
	r.Header = http.Header{
		"Accept-Encoding": {"gzip,deflate"},
		"Connection":      {"close"},
		"User-Agent":      {"Apache-HttpClient/4.3.6 (java 1.5)"},
		"X-Amz-Date":      {"20160504T112524Z"},
		"Authorization": {"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20160504/eu-west-1/es/aws4_request, " +
			"SignedHeaders=accept-encoding;connection;content-length;host;user-agent;x-amz-date, Signature=7"},
	}
	const want = `

The Canonical String for this request should have been
'GET
/twitter/tweet/1

accept-encoding:gzip,deflate
connection:close
content-length:
host:search-estest-q4hwvaz3g53iyvtuna5lasktge.eu-west-1.es.amazonaws.com
user-agent:Apache-HttpClient/4.3.6 (java 1.5)
x-amz-date:20160504T112524Z

accept-encoding;connection;content-length;host;user-agent;x-amz-date
e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

The String-to-Sign should have been
'AWS4-HMAC-SHA256
20160504T112524Z
20160504/eu-west-1/es/aws4_request
df0e51731c0896de283be958a4a1e7c277fd29f3b359e7ab850d9af`
	_, err := newVerifier().Verify(r)
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

func second[T any](_ T, err error) error { return err }

func TestWhoSignedIsReported(t *testing.T) {
	t.Parallel()
	r := signed(t, testSession, testTime, http.MethodPost, "/_bulk", "{}\n", func(r *http.Request) {
		r.Header.Set("Content-Type", "application/x-ndjson")
		r.Header.Set("Accept", "*/*")
	})
	got, err := newVerifier().Verify(r)
	if err != nil {
		t.Fatal(err)
	}
	want := &sigv4.Verified{
		AccessKeyID: "ASIAEXAMPLE", HasSessionToken: true, Region: testRegion, Service: "es", Time: testTime,
		SignedHeaders: []string{"content-type", "host", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"},
		PayloadSize:   3, PayloadHash: sigv4.HashPayload([]byte("{}\n")),
	}
	diff := cmp.Diff(want, got, cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "body" }, cmp.Ignore()))
	if diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if sigv4.IsAnonymous(r) {
		t.Error("a signed request is not anonymous")
	}

	anonymous := received(http.MethodGet, "/?X-Amz-Signature=7", "body")
	got, err = newVerifier().Verify(anonymous)
	if err != nil || !got.Anonymous || !sigv4.IsAnonymous(anonymous) {
		t.Errorf("no claim: got %+v, %v", got, err)
	}
	if body, _ := io.ReadAll(anonymous.Body); string(body) != "body" {
		t.Errorf("the body of an anonymous request was read: left %q", body)
	}
}

func TestPresignedURLVerifiesAndExpires(t *testing.T) {
	t.Parallel()
	for _, c := range []sigv4.Credentials{testCredentials, testSession} {
		s := &sigv4.Signer{Region: testRegion, Service: "es"}
		out := newRequest(t, http.MethodGet, "/i%2A/_search?q=a;b&v&x=100%")
		out.URL.Opaque, out.URL.Path, out.URL.RawPath = "", "/i*/_search", "/i%2A/_search"
		url, err := s.Presign(out, c, sigv4.EmptyPayloadHash, testTime, 10*time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		target, ok := strings.CutPrefix(url, "https://"+testHost)
		if !ok || !strings.HasPrefix(target, "/i%2A/_search?q=a;b&v&x=100%&X-Amz-Algorithm=") {
			t.Fatalf("got %s", url)
		}
		verify := func(target string, at time.Time) error {
			v := newVerifier()
			v.Now = func() time.Time { return at }
			got, err := v.Verify(received(http.MethodGet, target, ""))
			if err == nil &&
				(!got.Presigned || got.AccessKeyID != c.AccessKeyID || got.HasSessionToken != (c.SessionToken != "")) {
				t.Errorf("got %+v", got)
			}
			return err
		}
		if err := verify(target, testTime.Add(10*time.Minute)); err != nil {
			t.Errorf("at its last moment: %v", err)
		}
		for name, err := range map[string]error{
			"a second late":        verify(target, testTime.Add(10*time.Minute+time.Second)),
			"before its time":      verify(target, testTime.Add(-6*time.Minute)),
			"another path":         verify(strings.Replace(target, "i%2A", "j%2A", 1), testTime),
			"a longer life":        verify(strings.Replace(target, "Expires=600", "Expires=601", 1), testTime),
			"over seven days":      verify(strings.Replace(target, "Expires=600", "Expires=604801", 1), testTime),
			"no life":              verify(strings.Replace(target, "Expires=600", "Expires=0", 1), testTime),
			"a parameter more":     verify(target+"&a=b", testTime),
			"the credential twice": verify(target+"&X-Amz-Credential=x", testTime),
			"the signature twice":  verify(target+"&X-Amz-Signature=x", testTime),
			"another before it": verify(strings.Replace(target, "X-Amz-Algorithm", "X-Amz-Signature=x&X-Amz-Algorithm", 1),
				testTime),
			"the token twice": verify(target+"&X-Amz-Security-Token=x&X-Amz-Security-Token=x", testTime),
		} {
			if _, refused := errors.AsType[*sigv4.AuthError](err); !refused {
				t.Errorf("%s: got %v", name, err)
			}
		}
	}
}

func TestHeadersThatIdentifyMustBeThereOnce(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"Authorization", "X-Amz-Date", "X-Amz-Security-Token", "X-Amz-Content-Sha256"} {
		r := signed(t, testSession, testTime, http.MethodPost, "/_bulk", "{}")
		r.Header.Add(key, r.Header.Get(key))
		if _, refused := errors.AsType[*sigv4.AuthError](second(newVerifier().Verify(r))); !refused {
			t.Errorf("%s twice is taken", key)
		}
	}
	r := received(http.MethodGet, "/", "")
	r.Header.Set("X-Amz-Date", "20160504T112524Z")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=a, Credential=b, SignedHeaders=host, Signature=7")
	if err := second(newVerifier().Verify(r)); err == nil || !strings.Contains(err.Error(), "at most once") {
		t.Errorf("a parameter twice: got %v", err)
	}
	r.Header.Set("Authorization",
		"AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host;"+strings.Repeat("cookie;", 1000)+", Signature=7")
	if err := second(newVerifier().Verify(r)); err == nil || !strings.Contains(err.Error(), "at most 128") {
		t.Errorf("a thousand signed headers: got %v", err)
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host;cookie;Cookie, Signature=7")
	if err := second(newVerifier().Verify(r)); err == nil || !strings.Contains(err.Error(), "at most once") {
		t.Errorf("a signed header twice: got %v", err)
	}
}

func TestStrictDemandsThatWhatMattersIsSigned(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		after func(*http.Request) // a change that the signature does not cover
	}{
		{"an unsigned x-amz header", func(r *http.Request) { r.Header.Set("X-Amz-Target", "x") }},
		{"an unsigned content type", func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }},
		{"an unsigned content encoding", func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }},
		{"another date", func(r *http.Request) { r.Header.Set("Date", "Wed, 04 May 2016 11:25:25 GMT") }},
		{"a date that is none", func(r *http.Request) { r.Header.Set("Date", "today") }},
	}
	for _, test := range tests {
		for _, strict := range []bool{false, true} {
			r := signed(t, testCredentials, testTime, http.MethodGet, "/", "")
			test.after(r)
			v := newVerifier()
			v.Strict = strict
			if _, err := v.Verify(r); (err != nil) != strict {
				t.Errorf("%s, strict %v: got %v", test.name, strict, err)
			}
		}
	}
	same := signed(t, testCredentials, testTime, http.MethodGet, "/", "")
	same.Header.Set("Date", testTime.Format(http.TimeFormat))
	v := newVerifier()
	v.Strict = true
	if _, err := v.Verify(same); err != nil {
		t.Errorf("two dates that agree: %v", err)
	}
}

func TestDeclaredPayloadHashMustBeTheBodys(t *testing.T) {
	t.Parallel()
	for _, declared := range []string{
		"UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", sigv4.EmptyPayloadHash, "",
	} {
		r := signed(t, testCredentials, testTime, http.MethodGet, "/", "")
		body := "{}"
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
		r.Header.Set("X-Amz-Content-Sha256", declared)
		sum := sha256.Sum256([]byte(body))
		if _, err := newVerifier().VerifyHash(r, sum); err == nil {
			t.Errorf("%q is taken for a body", declared)
		}
	}
	// An unsigned header that tells the truth is taken, as the service does.
	r := signed(t, testCredentials, testTime, http.MethodGet, "/", "")
	r.Header.Set("X-Amz-Content-Sha256", sigv4.EmptyPayloadHash)
	if _, err := newVerifier().Verify(r); err != nil {
		t.Errorf("unsigned and true: %v", err)
	}
}

func TestLookupFailureIsNotARefusal(t *testing.T) {
	t.Parallel()
	down := errors.New("identity store is down")
	v := newVerifier()
	v.Lookup = func(context.Context, string) (sigv4.Credentials, error) { return sigv4.Credentials{}, down }
	_, err := v.Verify(signed(t, testCredentials, testTime, http.MethodGet, "/", ""))
	if _, refused := errors.AsType[*sigv4.AuthError](err); refused || !errors.Is(err, down) {
		t.Errorf("got %v, want the store's error", err)
	}
}

func TestReplacedSecretCountsAtOnce(t *testing.T) {
	t.Parallel()
	v := newVerifier()
	creds := testCredentials
	v.Lookup = func(context.Context, string) (sigv4.Credentials, error) { return creds, nil }
	if _, err := v.Verify(signed(t, testCredentials, testTime, http.MethodGet, "/", "")); err != nil {
		t.Fatal(err)
	}
	creds.SecretAccessKey = "another"
	if _, err := v.Verify(signed(t, testCredentials, testTime, http.MethodGet, "/", "")); err == nil {
		t.Error("the old secret is taken")
	}
	if _, err := v.Verify(signed(t, creds, testTime, http.MethodGet, "/", "")); err != nil {
		t.Errorf("the new secret: %v", err)
	}
}

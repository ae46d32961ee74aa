package sigv4_test

import (
	"bytes"
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
func signed(t testing.TB, c sigv4.Credentials, at time.Time, method, target, body string, change ...func(*http.Request)) *http.Request {
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

// The texts are those of the service: the issues they were found in are listed in docs/signing.md.
func TestRefusalsAreTheServicesOwnToTheLetter(t *testing.T) {
	t.Parallel()
	const (
		scope    = "AKIDEXAMPLE/20160504/eu-west-1/es/aws4_request"
		zeros    = "0000000000000000000000000000000000000000000000000000000000000000"
		mismatch = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
	)
	header := func(values ...string) func(*http.Request) {
		return func(r *http.Request) {
			for i := 0; i < len(values); i += 2 {
				r.Header.Add(values[i], values[i+1])
			}
		}
	}
	auth := func(credential, signedHeaders, signature string) string {
		return "AWS4-HMAC-SHA256 Credential=" + credential + ", SignedHeaders=" + signedHeaders + ", Signature=" + signature
	}
	const date = "20160504T112524Z"
	tests := []struct {
		name     string
		target   string
		change   func(*http.Request)
		verifier func(*sigv4.Verifier)
		body     string
	}{
		{
			name: "basic auth in base64 without padding", change: header("Authorization", "Basic YmV0YTpiZXRh"),
			body: `{"message":"'YmV0YTpiZXRh' not a valid key=value pair (missing equal-sign) in Authorization header: 'Basic YmV0YTpiZXRh'."}`,
		},
		{
			name: "basic auth in base64 with padding", change: header("Authorization", "Basic Og=="),
			body: `{"message":"Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. Authorization=Basic Og=="}`,
		},
		{
			name: "one word only", change: header("Authorization", "AWS4-HMAC-SHA256", "X-Amz-Date", date),
			body: `{"message":"Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. Authorization=AWS4-HMAC-SHA256"}`,
		},
		{
			name: "no signature", change: header("Authorization", "AWS4-HMAC-SHA256 Credential="+scope+", SignedHeaders=host", "X-Amz-Date", date),
			body: `{"message":"Authorization header requires 'Signature' parameter. Authorization=AWS4-HMAC-SHA256 Credential=` + scope + `, SignedHeaders=host"}`,
		},
		{
			name: "no date", change: header("Authorization", auth(scope, "host", "7")),
			body: `{"message":"Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. Authorization=` + auth(scope, "host", "7") + `"}`,
		},
		{
			name: "a part without equal sign", change: header("Authorization", "AWS4-HMAC-SHA256 Signature=b,    Credential,    SignedHeaders", "X-Amz-Date", date),
			body: `{"message":"'Credential' not a valid key=value pair (missing equal-sign) in Authorization header: 'AWS4-HMAC-SHA256 Signature=b,    Credential,    SignedHeaders'."}`,
		},
		{
			name: "an empty part", change: header("Authorization", "AWS4-HMAC-SHA256 Credential="+scope+",,SignedHeaders=host", "X-Amz-Date", date),
			body: `{"message":"'' not a valid key=value pair (missing equal-sign) in Authorization header: 'AWS4-HMAC-SHA256 Credential=` + scope + `,,SignedHeaders=host'."}`,
		},
		{
			name: "a date in another format", change: header("Authorization", auth(scope, "host", "7"), "X-Amz-Date", "201"),
			body: `{"message":"Date must be in ISO-8601 'basic format'. Got '201'. See http://en.wikipedia.org/wiki/ISO_8601"}`,
		},
		{
			name: "a date with a fraction", change: header("Authorization", auth(scope, "host", "7"), "X-Amz-Date", "20160504T112524.5Z"),
			body: `{"message":"Date must be in ISO-8601 'basic format'. Got '20160504T112524.5Z'. See http://en.wikipedia.org/wiki/ISO_8601"}`,
		},
		{
			name: "expired", change: header("Authorization", auth(scope, "host", "7"), "X-Amz-Date", "20160504T110000Z"),
			body: `{"message":"Signature expired: 20160504T110000Z is now earlier than 20160504T112024Z (20160504T112524Z - 5 min.)"}`,
		},
		{
			name: "expired by another bound", change: header("Authorization", auth(scope, "host", "7"), "X-Amz-Date", "20160504T110000Z"),
			verifier: func(v *sigv4.Verifier) { v.MaxSkew = 15 * time.Minute },
			body:     `{"message":"Signature expired: 20160504T110000Z is now earlier than 20160504T111024Z (20160504T112524Z - 15 min.)"}`,
		},
		{
			name: "not yet current", change: header("Authorization", auth(scope, "host", "7"), "X-Amz-Date", "20160504T113025Z"),
			body: `{"message":"Signature not yet current: 20160504T113025Z is still later than 20160504T113024Z (20160504T112524Z + 5 min.)"}`,
		},
		{
			name: "host not signed", change: header("Authorization", "AWS4-HMAC-SHA256 Credential=x, SignedHeaders=, Signature=", "X-Amz-Date", date),
			body: `{"message":"'Host' must be a 'SignedHeader' in the AWS Authorization."}`,
		},
		{
			name: "another algorithm", change: header("Authorization", strings.Replace(auth("x", "host", "7"), "SHA256", "SHA25", 1), "X-Amz-Date", date),
			body: `{"message":"Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA25' (only AWS4-HMAC-SHA256 for now). "}`,
		},
		{
			name: "a credential of four parts", change: header("Authorization", auth("a/b/c/d", "host", "7"), "X-Amz-Date", date),
			body: `{"message":"Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'a/b/c/d'"}`,
		},
		{
			name: "wrong region", change: header("Authorization", auth("AKIDEXAMPLE/20160504/custom/es/aws4_request", "host", "7"), "X-Amz-Date", date),
			body: `{"message":"Credential should be scoped to a valid region, not 'custom'. "}`,
		},
		{
			name: "wrong service", change: header("Authorization", auth("AKIDEXAMPLE/20160504/eu-west-1/s3/aws4_request", "host", "7"), "X-Amz-Date", date),
			body: `{"message":"Credential should be scoped to correct service: 'es'. "}`,
		},
		{
			name: "wrong region and service", change: header("Authorization", auth("AKIDEXAMPLE/20160504/custom/s3/aws4_request", "host", "7"), "X-Amz-Date", date),
			body: `{"message":"Credential should be scoped to a valid region, not 'custom'. Credential should be scoped to correct service: 'es'. "}`,
		},
		{
			name: "nothing right in the scope", change: header("Authorization", auth("a/b/c/d/e", "host", "7"), "X-Amz-Date", date),
			body: `{"message":"Credential should be scoped to a valid region, not 'c'. Credential should be scoped to correct service: 'es'. Credential should be scoped with a valid terminator: 'aws4_request', not 'e'. Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: 'b' != '20160504', from '20160504T112524Z'."}`,
		},
		{
			name: "an unknown key, also with a wrong signature", change: header("Authorization", auth("AKIDUNKNOWN/20160504/eu-west-1/es/aws4_request", "host", zeros), "X-Amz-Date", date),
			body: `{"message":"The security token included in the request is invalid."}`,
		},
		{
			name: "wrong signature", target: "/i*/_search?v&a=b", change: header("Authorization", auth(scope, "host;x-amz-date", zeros), "X-Amz-Date", date),
			body: `{"message":"` + mismatch + `\n\nThe Canonical String for this request should have been\n'GET\n/i%2A/_search\na=b&v=\nhost:search-logs-abc.eu-west-1.es.amazonaws.com\nx-amz-date:20160504T112524Z\n\nhost;x-amz-date\ne3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'\n\nThe String-to-Sign should have been\n'AWS4-HMAC-SHA256\n20160504T112524Z\n20160504/eu-west-1/es/aws4_request\ndf902777c1edbe7cc973d15c86d6a2bd41c1cdf9e6d502b50b96eeb1f8cb48c8'\n"}`,
		},
		{
			name: "wrong signature, short form", change: header("Authorization", auth(scope, "host", zeros), "X-Amz-Date", date),
			verifier: func(v *sigv4.Verifier) { v.ShortForm = true },
			body:     `{"message":"` + mismatch + `"}`,
		},
		{
			name:   "a wrong session token",
			change: func(r *http.Request) { signSession(r, "another token") },
			body:   `{"message":"The security token included in the request is invalid"}`,
		},
		{
			name: "a session without its token", change: header("Authorization", auth("ASIAEXAMPLE/20160504/eu-west-1/es/aws4_request", "host", zeros), "X-Amz-Date", date),
			body: `{"message":"The security token included in the request is invalid."}`,
		},
		{
			name: "an expired session token",
			change: func(r *http.Request) {
				signSession(r, testSession.SessionToken)
			},
			verifier: func(v *sigv4.Verifier) {
				v.Lookup = func(context.Context, string) (sigv4.Credentials, error) {
					c := testSession
					c.Expires = testTime.Add(-time.Second)
					return c, nil
				}
			},
			body: `{"message":"The security token included in the request is expired"}`,
		},
		{
			name: "two places", target: "/?X-Amz-Algorithm=AWS4-HMAC-SHA256", change: header("Authorization", auth(scope, "host", "7"), "X-Amz-Date", date),
			body: `{"message":"Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header."}`,
		},
		{
			name: "a query with nothing but the algorithm's name", target: "/?X-Amz-Algorithm",
			body: `{"message":"AWS query-string parameters must include 'X-Amz-Algorithm'. AWS query-string parameters must include 'X-Amz-Credential'. AWS query-string parameters must include 'X-Amz-Signature'. AWS query-string parameters must include 'X-Amz-SignedHeaders'. AWS query-string parameters must include 'X-Amz-Date'. Re-examine the query-string parameters."}`,
		},
		{
			name:   "an expired presigned URL",
			target: "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=x&X-Amz-Date=20160504T110000Z&X-Amz-Expires=600&X-Amz-SignedHeaders=host&X-Amz-Signature=7",
			body:   `{"message":"Signature expired: 20160504T110000Z is now earlier than 20160504T111524Z (20160504T112524Z - 10 min.)"}`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			target := test.target
			if target == "" {
				target = "/"
			}
			r := received(http.MethodGet, target, "")
			if test.change != nil {
				test.change(r)
			}
			v := newVerifier()
			if test.verifier != nil {
				test.verifier(v)
			}
			_, err := v.Verify(r)
			refusal, ok := errors.AsType[*sigv4.AuthError](err)
			if !ok {
				t.Fatalf("got error %v, want an AuthError", err)
			}
			if diff := cmp.Diff(test.body, string(refusal.JSON())); diff != "" || refusal.Status != http.StatusForbidden {
				t.Errorf("status %d, body (-want +got):\n%s", refusal.Status, diff)
			}
		})
	}
}

// signSession signs r with the session's key and another token.
func signSession(r *http.Request, token string) {
	c := testSession
	c.SessionToken = token
	s := &sigv4.Signer{Region: testRegion, Service: "es"}
	out := &http.Request{Method: r.Method, URL: r.URL, Host: r.Host, Header: r.Header}
	if err := s.Sign(out, c, sigv4.EmptyPayloadHash, testTime); err != nil {
		panic(err)
	}
}

// The order in which the service looks at things decides which of two faults it names.
func TestTheFirstFaultInTheServicesOrderIsNamed(t *testing.T) {
	t.Parallel()
	// Each change adds a fault that comes before those of the changes after it in the list.
	faults := []struct {
		want  string
		apply func(date, algorithm, signedHeaders, credential *string)
	}{
		{"Date must be", func(date, _, _, _ *string) { *date = "x" }},
		{"Signature expired", func(date, _, _, _ *string) { *date = "20160503T112524Z" }},
		{"'Host' must be", func(_, _, signedHeaders, _ *string) { *signedHeaders = "x-amz-date" }},
		{"Unsupported AWS", func(_, algorithm, _, _ *string) { *algorithm = "AWS3" }},
		{"Credential must have", func(_, _, _, credential *string) { *credential = "AKIDUNKNOWN" }},
		{"Credential should be", func(_, _, _, credential *string) { *credential = "AKIDUNKNOWN/x/x/x/x" }},
		{"The security token", func(_, _, _, credential *string) {
			*credential = "AKIDUNKNOWN/20160504/eu-west-1/es/aws4_request"
		}},
		{"The request signature", func(_, _, _, _ *string) {}},
	}
	for first := range faults {
		date, algorithm, signedHeaders, credential := "20160504T112524Z", "AWS4-HMAC-SHA256", "host", testCredentials.AccessKeyID+"/20160504/eu-west-1/es/aws4_request"
		for i := len(faults) - 1; i >= first; i-- {
			faults[i].apply(&date, &algorithm, &signedHeaders, &credential)
		}
		r := received(http.MethodGet, "/", "")
		r.Header.Set("Authorization", algorithm+" Credential="+credential+", SignedHeaders="+signedHeaders+", Signature=7")
		r.Header.Set("X-Amz-Date", date)
		if _, err := newVerifier().Verify(r); err == nil || !strings.HasPrefix(err.Error(), faults[first].want) {
			t.Errorf("got %v, want %q", err, faults[first].want)
		}
	}
}

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

func TestVerifiedBodyIsReadAgainFromMemoryAndFile(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 100, 32<<10 - 1, 32 << 10, 32<<10 + 1, 200_000, 300_000} {
		for _, spool := range []int64{0, 1, 64, 32 << 10, 100_000} {
			for _, known := range []bool{true, false} {
				body := strings.Repeat("0123456789abcdef", size/16+1)[:size]
				r := signed(t, testCredentials, testTime, http.MethodPost, "/_bulk", body)
				if !known {
					r.ContentLength, r.TransferEncoding = -1, []string{"chunked"}
				}
				v := newVerifier()
				v.SpoolBytes, v.SpoolDir = spool, t.TempDir()
				got, err := v.Verify(r)
				if err != nil {
					t.Fatalf("%d bytes, %d in memory, length known %v: %v", size, spool, known, err)
				}
				again, err := r.GetBody()
				if err != nil {
					t.Fatal(err)
				}
				for _, rc := range []io.Reader{r.Body, again} {
					// A reader without WriteTo and one with it.
					first, err := io.ReadAll(io.LimitReader(rc, 70_000))
					if err != nil {
						t.Fatal(err)
					}
					var rest bytes.Buffer
					if _, err := io.Copy(&rest, rc); err != nil {
						t.Fatal(err)
					}
					if string(first)+rest.String() != body {
						t.Errorf("%d bytes, %d in memory, length known %v: body differs", size, spool, known)
					}
				}
				if got.PayloadSize != int64(size) || r.ContentLength != int64(size) || r.TransferEncoding != nil ||
					got.PayloadHash != sigv4.HashPayload([]byte(body)) {
					t.Errorf("%d bytes: got size %d, Content-Length %d, hash %s", size, got.PayloadSize, r.ContentLength, got.PayloadHash)
				}
				if err := got.Close(); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

// A transport can read a request's body after the handler has returned; the memory must not be another request's by then.
func TestHeldBodyIsNotOverwrittenByTheNextRequest(t *testing.T) {
	t.Parallel()
	v := newVerifier()
	size := 3 << 20
	verify := func(letter string) (*http.Request, *sigv4.Verified) {
		r := signed(t, testCredentials, testTime, http.MethodPost, "/_bulk", strings.Repeat(letter, size))
		got, err := v.Verify(r)
		if err != nil {
			t.Fatal(err)
		}
		return r, got
	}
	check := func(r io.Reader, letter string) {
		t.Helper()
		if body, err := io.ReadAll(r); err != nil || strings.Trim(string(body), letter) != "" || len(body) != size {
			t.Errorf("%s: %d bytes, %v", letter, len(body), err)
		}
	}
	for range 3 {
		held, a := verify("a")
		a.Close()
		if _, err := held.GetBody(); err == nil {
			t.Error("GetBody works after Close")
		}
		other, b := verify("b")
		check(held.Body, "a")
		held.Body.Close()
		if n, err := held.Body.Read(make([]byte, 1)); n > 0 || err == nil {
			t.Error("a closed body can be read")
		}
		third, c := verify("c")
		check(other.Body, "b")
		check(third.Body, "c")
		other.Body.Close()
		third.Body.Close()
		b.Close()
		c.Close()
	}
}

// The same for a write that is under way while everybody lets go of the body.
func TestBodyBeingWrittenIsNotOverwritten(t *testing.T) {
	t.Parallel()
	v := newVerifier()
	size := 3 << 20
	verify := func(letter string) (*http.Request, *sigv4.Verified) {
		r := signed(t, testCredentials, testTime, http.MethodPost, "/_bulk", strings.Repeat(letter, size))
		got, err := v.Verify(r)
		if err != nil {
			t.Fatal(err)
		}
		return r, got
	}
	r, a := verify("a")
	var written bytes.Buffer
	_, err := io.Copy(writerFunc(func(p []byte) (int, error) {
		r.Body.Close()
		a.Close()
		_, b := verify("b")
		defer b.Close()
		return written.Write(p)
	}), r.Body)
	if body := written.String(); err != nil || len(body) != size || strings.Trim(body, "a") != "" {
		t.Errorf("%d bytes, not all of them the request's own, %v", len(body), err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestBodyIsBoundedAndComplete(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		length int64
		ok     bool
		large  bool
	}{
		{"as announced", 10, true, false},
		{"unknown length", -1, true, false},
		{"longer than announced", 9, false, false},
		{"shorter than announced", 11, false, false},
		{"announced over the bound", 5000, false, true},
	}
	for _, test := range tests {
		r := signed(t, testCredentials, testTime, http.MethodPost, "/_bulk", "0123456789")
		r.ContentLength = test.length
		v := newVerifier()
		v.MaxBody = 100
		_, err := v.Verify(r)
		_, large := errors.AsType[*sigv4.BodyTooLargeError](err)
		if (err == nil) != test.ok || large != test.large {
			t.Errorf("%s: got %v", test.name, err)
		}
	}
	r := signed(t, testCredentials, testTime, http.MethodPost, "/_bulk", strings.Repeat("x", 101))
	r.ContentLength = -1
	v := newVerifier()
	v.MaxBody, v.SpoolBytes, v.SpoolDir = 100, 10, t.TempDir()
	if large, ok := errors.AsType[*sigv4.BodyTooLargeError](second(v.Verify(r))); !ok || large.Limit != 100 {
		t.Errorf("over the bound without a length: got %v", large)
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
	if diff := cmp.Diff(want, got, cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "body" }, cmp.Ignore())); diff != "" {
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
			if err == nil && (!got.Presigned || got.AccessKeyID != c.AccessKeyID || got.HasSessionToken != (c.SessionToken != "")) {
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
			"another before it":    verify(strings.Replace(target, "X-Amz-Algorithm", "X-Amz-Signature=x&X-Amz-Algorithm", 1), testTime),
			"the token twice":      verify(target+"&X-Amz-Security-Token=x&X-Amz-Security-Token=x", testTime),
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
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host;"+strings.Repeat("cookie;", 1000)+", Signature=7")
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
	for _, declared := range []string{"UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", sigv4.EmptyPayloadHash, ""} {
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

package sigv4_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/seed56735111/penstock/sigv4"
)

func FuzzSignatureIsThatOfTheAWSSDK(f *testing.F) {
	for _, target := range targets(f) {
		path, query, _ := strings.Cut(target, "?")
		f.Add(path, query, "text/plain")
	}
	sdk := v4.NewSigner()
	creds := aws.Credentials{AccessKeyID: testCredentials.AccessKeyID, SecretAccessKey: testCredentials.SecretAccessKey}
	f.Fuzz(func(t *testing.T, path, query, contentType string) {
		r := sendable(t, path, query, contentType)
		// What the SDK is known to do differently: it keeps empty and dot segments, and drops parameters that
		// net/url refuses.
		for segment := range strings.SplitSeq(strings.TrimSuffix(strings.TrimPrefix(r.URL.Opaque, "/"), "/"), "/") {
			if segment == "." || segment == ".." || segment == "" && r.URL.Opaque != "/" {
				t.Skip("the SDK does not normalise paths")
			}
		}
		if strings.HasSuffix(r.URL.Opaque, "//") || strings.Contains(query, ";") || !validEscapes(query) {
			t.Skip("the SDK drops parameters, or does not normalise")
		}
		theirs := r.Clone(t.Context())
		if err := sdk.SignHTTP(t.Context(), creds, theirs, sigv4.EmptyPayloadHash, "es", testRegion, testTime); err != nil {
			t.Skip(err)
		}
		s := &sigv4.Signer{Region: testRegion, Service: "es"}
		if err := s.Sign(r, testCredentials, sigv4.EmptyPayloadHash, testTime); err != nil {
			t.Fatal(err)
		}
		if authorization(r) != authorization(theirs) {
			trace := explain(t, r)
			t.Errorf("ours %s\nSDK  %s\n%s", authorization(r), authorization(theirs), trace.CanonicalRequest)
		}
	})
}

func validEscapes(query string) bool {
	for i := range len(query) {
		if query[i] == '%' && (i+2 >= len(query) || !isHex(query[i+1]) || !isHex(query[i+2])) {
			return false
		}
	}
	return true
}

func isHex(c byte) bool { return strings.IndexByte("0123456789abcdefABCDEF", c) >= 0 }

// sendable makes a request of arbitrary strings, and skips those that net/http does not send.
func sendable(t *testing.T, path, query, contentType string) *http.Request {
	t.Helper()
	for _, s := range []string{path, query} {
		for i := range len(s) {
			if s[i] <= ' ' || s[i] == 0x7f {
				t.Skip("not a request target")
			}
		}
	}
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.Contains(path, "?") {
		t.Skip("not a request target")
	}
	for i := range len(contentType) {
		if contentType[i] < ' ' || contentType[i] >= 0x7f {
			t.Skip("not the value of a header")
		}
	}
	r := newRequest(t, http.MethodGet, "/")
	r.URL.Opaque, r.URL.RawQuery = path, query
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return r
}

func FuzzWhatIsSignedVerifiesAndNothingPanics(f *testing.F) {
	for _, target := range targets(f) {
		f.Add(target, "application/json", "{}", "a  b")
	}
	f.Fuzz(func(t *testing.T, target, contentType, body, extra string) {
		r := received(http.MethodPost, target, body)
		r.Header.Set("Content-Type", contentType)
		r.Header.Set("X-Amz-Target", extra)
		out := r.Clone(t.Context())
		path, query, found := strings.Cut(target, "?")
		if strings.HasPrefix(path, "//") || path == "" {
			t.Skip("would name a host, or be empty")
		}
		out.URL.Opaque, out.URL.RawQuery, out.URL.ForceQuery = path, query, found && query == ""
		s := &sigv4.Signer{Region: testRegion, Service: "es"}
		if err := s.Sign(out, testSession, sigv4.HashPayload([]byte(body)), testTime); err != nil {
			return // refused, and it did not panic
		}
		r.Header, r.Host = out.Header, out.Host
		v := newVerifier()
		v.Strict = true
		got, err := v.Verify(r)
		if err != nil {
			t.Fatalf("%q: %v", target, err)
		}
		if got.AccessKeyID != testSession.AccessKeyID || !got.HasSessionToken {
			t.Errorf("got %+v", got)
		}
	})
}

func FuzzAuthorizationNeverPanicsAndNeverAdmits(f *testing.F) {
	const date = "20160504T112524Z"
	const scope = "AKIDEXAMPLE/20160504/eu-west-1/es/aws4_request"
	f.Add("AWS4-HMAC-SHA256 Credential="+scope+", SignedHeaders=host;x-amz-date, Signature=7", date, "")
	f.Add("Basic Og==", "", "Wed, 04 May 2016 11:25:24 GMT")
	f.Add("AWS4-HMAC-SHA256 Credential=/////, SignedHeaders=;;;, Signature=,", date, "")
	f.Add("", date, "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="+scope+"&X-Amz-Date="+date+
		"&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=7")
	f.Fuzz(func(t *testing.T, authorization, date, query string) {
		r := received(http.MethodGet, "/?"+query, "")
		if authorization != "" {
			r.Header["Authorization"] = []string{authorization}
		}
		if date != "" {
			r.Header["X-Amz-Date"] = []string{date}
		}
		v := newVerifier()
		got, err := v.Verify(r)
		if (err == nil) != sigv4.IsAnonymous(r) && err == nil {
			t.Errorf("admitted %+v", got)
		}
	})
}

package sigv4_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/seed56735111/penstock/sigv4"
)

func signedHeaders(r *http.Request) string {
	_, rest, _ := strings.Cut(authorization(r), "SignedHeaders=")
	list, _, _ := strings.Cut(rest, ",")
	return list
}

func TestOnlyWhatMattersIsSigned(t *testing.T) {
	t.Parallel()
	bodyHash := sigv4.HashPayload([]byte("{}"))
	tests := []struct {
		name, service string
		creds         sigv4.Credentials
		hash          string
		header        http.Header
		want          string
	}{
		{"a bare request", "es", testCredentials, sigv4.EmptyPayloadHash, nil, "host;x-amz-date"},
		{
			name: "a bare request to a collection", service: "aoss", creds: testCredentials, hash: sigv4.EmptyPayloadHash,
			want: "host;x-amz-content-sha256;x-amz-date",
		},
		{"a body", "es", testCredentials, bodyHash, nil, "host;x-amz-content-sha256;x-amz-date"},
		{"a session", "es", testSession, sigv4.EmptyPayloadHash, nil, "host;x-amz-date;x-amz-security-token"},
		{
			"headers that change in transit", "aoss", testCredentials, bodyHash,
			http.Header{
				"Connection": {"close"}, "Content-Length": {"2"}, "Accept-Encoding": {"gzip"}, "User-Agent": {"x"},
				"X-Forwarded-For":   {"::1"},
				"Transfer-Encoding": {"chunked"}, "Te": {"trailers"}, "Expect": {"100-continue"}, "Accept": {"*/*"},
				"Cookie": {"a=b"},
			},
			"host;x-amz-content-sha256;x-amz-date",
		},
		{
			"headers that say what the body is, and other x-amz headers", "es", testSession, bodyHash,
			http.Header{
				"Content-Type": {"application/json"}, "Content-Encoding": {"gzip"}, "X-Amz-Target": {"b"}, "X-Amz-Acl": {"a"},
			},
			"content-encoding;content-type;host;x-amz-acl;x-amz-content-sha256;x-amz-date;x-amz-security-token;x-amz-target",
		},
		{
			"what an earlier signature left", "es", testCredentials, sigv4.EmptyPayloadHash,
			http.Header{
				"Authorization":        {"a", "b"},
				"X-Amz-Date":           {"old"},
				"X-Amz-Security-Token": {"old"},
				"X-Amz-Content-Sha256": {"old"},
			},
			"host;x-amz-date",
		},
	}
	for _, test := range tests {
		r := newRequest(t, http.MethodGet, "/")
		r.Header = test.header
		s := &sigv4.Signer{Region: testRegion, Service: test.service}
		if err := s.Sign(r, test.creds, test.hash, testTime); err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		if got := signedHeaders(r); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
		if n := len(r.Header["Authorization"]); n != 1 {
			t.Errorf("%s: %d Authorization headers", test.name, n)
		}
		sent := test.service == "aoss" || test.hash != sigv4.EmptyPayloadHash
		if got := r.Header.Get("X-Amz-Content-Sha256"); sent && got != test.hash || !sent && got != "" {
			t.Errorf("%s: x-amz-content-sha256 is %q", test.name, got)
		}
	}
}

func TestHeadersOfTheCallerDoNotShareMemory(t *testing.T) {
	t.Parallel()
	r := newRequest(t, http.MethodGet, "/")
	s := &sigv4.Signer{Region: testRegion, Service: "es"}
	if err := s.Sign(r, testSession, sigv4.HashPayload([]byte("x")), testTime); err != nil {
		t.Fatal(err)
	}
	before := r.Header.Clone()
	for key := range before {
		_ = append(r.Header[key], "overwrites its neighbour")
	}
	if diff := cmp.Diff(before, r.Header); diff != "" {
		t.Error(diff)
	}
}

func TestHostIsSignedAsItIsSent(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ scheme, urlHost, host, want string }{
		{"https", "a.example:443", "", "a.example"},
		{"http", "a.example:80", "", "a.example"},
		{"https", "a.example:80", "", "a.example:80"},
		{"https", "a.example:9200", "", "a.example:9200"},
		{"https", "localhost:9200", "a.example", "a.example"},
		{"http", "[fe80::1%25eth0]:9200", "", "[fe80::1]:9200"},
		{"http", "[::1]", "", "[::1]"},
	} {
		r := newRequest(t, http.MethodGet, "/")
		r.URL.Scheme, r.URL.Host, r.Host = test.scheme, strings.ReplaceAll(test.urlHost, "%25", "%"), test.host
		if got := explain(t, r); got.Host != test.want || !strings.Contains(got.CanonicalRequest, "\nhost:"+test.want+"\n") {
			t.Errorf("%+v: got %s", test, got.Host)
		}
	}
}

func TestWhatCannotBeSignedIsRefusedAndLeftAlone(t *testing.T) {
	t.Parallel()
	type input struct {
		request *http.Request
		signer  *sigv4.Signer
		creds   sigv4.Credentials
		hash    string
	}
	tests := []struct {
		name   string
		change func(*input)
	}{
		{"no credentials", func(in *input) { in.creds.SecretAccessKey = "" }},
		{"no region", func(in *input) { in.signer.Region = "" }},
		{"no service", func(in *input) { in.signer.Service = "" }},
		{"no hash", func(in *input) { in.hash = "" }},
		{"an upper-case hash", func(in *input) { in.hash = strings.ToUpper(in.hash) }},
		{"an unsigned payload", func(in *input) { in.hash = "UNSIGNED-PAYLOAD" }},
		{"no host", func(in *input) { in.request.URL.Host, in.request.Host = "", "" }},
		{"a host that is sent in another form", func(in *input) { in.request.Host = "bücher.example" }},
		{"a space in the query", func(in *input) { in.request.URL.RawQuery = "q=a b" }},
		{"a line end in the query", func(in *input) { in.request.URL.RawQuery = "q=a\nb" }},
		{"a header under a second key", func(in *input) { in.request.Header["x-amz-date"] = []string{"x"} }},
		{"no URL", func(in *input) { in.request.URL = nil }},
	}
	for _, test := range tests {
		r := newRequest(t, http.MethodGet, "/")
		in := input{r, &sigv4.Signer{Region: testRegion, Service: "es"}, testCredentials, sigv4.EmptyPayloadHash}
		test.change(&in)
		if err := in.signer.Sign(r, in.creds, in.hash, testTime); err == nil {
			t.Errorf("%s: signed", test.name)
		}
		if authorization(r) != "" || r.Header.Get("X-Amz-Date") != "" {
			t.Errorf("%s: the request was changed", test.name)
		}
	}
	r := newRequest(t, http.MethodGet, "/")
	s := &sigv4.Signer{Region: testRegion, Service: "es"}
	for _, expires := range []time.Duration{0, time.Millisecond, sigv4.MaxPresign + time.Second} {
		if _, err := s.Presign(r, testCredentials, sigv4.EmptyPayloadHash, testTime, expires); err == nil {
			t.Errorf("presigned for %v", expires)
		}
	}
}

func TestExplainChangesNothing(t *testing.T) {
	t.Parallel()
	r := newRequest(t, http.MethodGet, "/idx?v")
	r.Header.Set("Content-Type", "a")
	r.Host = testHost + ":443"
	before := r.Clone(t.Context())
	explain(t, r)
	diff := cmp.Diff(before.Header, r.Header)
	if diff != "" || r.Host != before.Host || r.URL.String() != before.URL.String() {
		t.Errorf("changed: %s", diff)
	}
}

func TestSecretsNeverPrint(t *testing.T) {
	t.Parallel()
	c := testSession
	var shown []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		shown = append(shown, fmt.Sprintf(verb, c), fmt.Sprintf(verb, &c), fmt.Sprintf(verb, []sigv4.Credentials{c}),
			fmt.Sprintf(verb, struct{ C sigv4.Credentials }{c}))
	}
	encoded, err := json.Marshal(map[string]any{"a": c, "b": &c})
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "credentials", c, "group", slog.GroupValue(slog.Any("c", &c)))
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "credentials", c)
	shown = append(shown, string(encoded), log.String(), c.String(), c.GoString())
	for _, s := range shown {
		if strings.Contains(s, c.SecretAccessKey) || strings.Contains(s, c.SessionToken) ||
			strings.Contains(s, fmt.Sprintf("%x", c.SecretAccessKey)) {
			t.Errorf("a secret in %s", s)
		}
		if !strings.Contains(s, c.AccessKeyID) {
			t.Errorf("no access key id in %s", s)
		}
	}
}

func TestSignerIsForManyGoroutines(t *testing.T) {
	t.Parallel()
	s := &sigv4.Signer{Region: testRegion, Service: "es"}
	v := newVerifier()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 50 {
				c := []sigv4.Credentials{testCredentials, testSession}[(i+j)%2]
				target := fmt.Sprintf("/i%d/_doc/%d?a=%d&b", i, j, j)
				out := newRequest(t, http.MethodGet, target)
				if err := s.Sign(out, c, sigv4.EmptyPayloadHash, testTime); err != nil {
					t.Error(err)
				}
				r := received(http.MethodGet, target, "")
				r.Header = out.Header
				if got, err := v.Verify(r); err != nil || got.AccessKeyID != c.AccessKeyID {
					t.Errorf("%s: got %+v, %v", target, got, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestManyKeysDoNotMixAndDoNotPileUp(t *testing.T) {
	t.Parallel()
	s := &sigv4.Signer{Region: testRegion, Service: "es"}
	for i := range 1000 {
		c := sigv4.Credentials{AccessKeyID: fmt.Sprint("AKID", i), SecretAccessKey: fmt.Sprint("secret", i%7)}
		a, b := newRequest(t, http.MethodGet, "/"), newRequest(t, http.MethodGet, "/")
		fresh := &sigv4.Signer{Region: testRegion, Service: "es"}
		err := errors.Join(s.Sign(a, c, sigv4.EmptyPayloadHash, testTime), fresh.Sign(b, c, sigv4.EmptyPayloadHash, testTime))
		if err != nil {
			t.Fatal(err)
		}
		if authorization(a) != authorization(b) {
			t.Fatalf("%d: the cached key differs", i)
		}
	}
}

func TestAdapterSignsForOpenSearchGo(t *testing.T) {
	t.Parallel()
	// The interface of github.com/opensearch-project/opensearch-go/v4/signer.
	var adapter interface {
		SignRequest(r *http.Request) error
		OverrideSigningPort(port uint16)
	} = &sigv4.RequestSigner{
		Signer: sigv4.Signer{Region: testRegion, Service: "es"}, Credentials: sigv4.Static(testCredentials),
	}

	for _, withGetBody := range []bool{true, false} {
		r := post(t, "https://"+testHost+"/_bulk", "{}\n")
		if !withGetBody {
			r.Body, r.GetBody, r.ContentLength = io.NopCloser(strings.NewReader("{}\n")), nil, -1
		}
		if err := adapter.SignRequest(r); err != nil {
			t.Fatal(err)
		}
		if r.ContentLength != 3 || r.GetBody == nil {
			t.Errorf("Content-Length is %d", r.ContentLength)
		}
		v := newVerifier()
		v.Now = nil
		r.RequestURI = "/_bulk"
		if _, err := v.Verify(r); err != nil {
			t.Error(err)
		}
	}
	for host, want := range map[string]string{
		testHost: testHost + ":443", testHost + ":9200": testHost + ":443", "[::1]": "[::1]:443",
	} {
		adapter.OverrideSigningPort(443)
		r := post(t, "http://"+host+"/", "")
		if err := adapter.SignRequest(r); err != nil {
			t.Fatal(err)
		}
		if r.Host != want {
			t.Errorf("%s: signed for %s, want %s", host, r.Host, want)
		}
	}
	empty := &sigv4.RequestSigner{Signer: sigv4.Signer{Region: testRegion, Service: "es"}}
	if err := empty.SignRequest(post(t, "https://"+testHost+"/", "")); !errors.Is(err, sigv4.ErrNoCredentials) {
		t.Errorf("got %v", err)
	}
}

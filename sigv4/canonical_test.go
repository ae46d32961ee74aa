package sigv4_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/seed56735111/penstock/sigv4"
)

var (
	testCredentials = sigv4.Credentials{
		AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
	}
	testTime = time.Date(2016, 5, 4, 11, 25, 24, 0, time.UTC)
)

// newRequest makes a request that is sent with exactly this target.
func newRequest(t testing.TB, method, target string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "https://search-logs-abc.eu-west-1.es.amazonaws.com/", nil)
	if err != nil {
		t.Fatal(err)
	}
	path, query, found := strings.Cut(target, "?")
	r.URL.Opaque, r.URL.RawQuery, r.URL.ForceQuery = path, query, found && query == ""
	if strings.HasPrefix(path, "//") {
		// Opaque beginning with two slashes would name a host.
		r.URL.Opaque, r.URL.RawPath = "", path
		if r.URL.Path, err = url.PathUnescape(path); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func explain(t testing.TB, r *http.Request) sigv4.Trace {
	t.Helper()
	s := &sigv4.Signer{Region: "eu-west-1", Service: "es"}
	trace, err := s.Explain(r, testCredentials, sigv4.EmptyPayloadHash, testTime)
	if err != nil {
		t.Fatal(err)
	}
	return trace
}

func TestCanonicalTargetFollowsTheServicesRules(t *testing.T) {
	t.Parallel()
	tests := []struct{ target, path, query string }{
		{"/", "/", ""},
		{"/idx/_search/", "/idx/_search/", ""},
		// The spelling on the wire is what is signed: an escape is encoded again.
		{"/_search/%3Fa=b%20c", "/_search/%253Fa%3Db%2520c", ""},
		{"/idx/_doc/a%2Fb", "/idx/_doc/a%252Fb", ""},
		{"/i*", "/i%2A", ""},
		{"/i%2A", "/i%252A", ""},
		{"/*,-notme/_search", "/%2A%2C-notme/_search", ""},
		{"/_tasks/node:1", "/_tasks/node%3A1", ""},
		{"/a@b!c=d", "/a%40b%21c%3Dd", ""},
		{"/%3Clogs-%7Bnow%2Fd%7D%3E/_search", "/%253Clogs-%257Bnow%252Fd%257D%253E/_search", ""},
		{"/caf\xc3\xa9", "/caf%C3%A9", ""},
		{"/~a_b-c.d", "/~a_b-c.d", ""},
		{"/a;b", "/a%3Bb", ""},
		{"/a+b", "/a%2Bb", ""},
		// Slashes and dot segments.
		{"//idx/_search", "/idx/_search", ""},
		{"/idx//_search", "/idx/_search", ""},
		{"/idx/./_search", "/idx/_search", ""},
		{"/idx/../x/_search", "/x/_search", ""},
		{"/../../x", "/x", ""},
		{"/a/..", "/", ""},
		{"/a/../", "/", ""},
		{"/a/.", "/a", ""},
		{"/a/b/..", "/a", ""},
		{"/a//", "/a/", ""},
		{"/...", "/...", ""},
		{"/%2e%2e/a", "/%252e%252e/a", ""},
		// The query.
		{"/?", "/", ""},
		{"/?v", "/", "v="},
		{"/?v&h=a", "/", "h=a&v="},
		{"/?b=1&a=2&a=1", "/", "a=1&a=2&b=1"},
		{"/?q=a+b", "/", "q=a%20b"},
		{"/?q=a%20b", "/", "q=a%20b"},
		{"/?q=a%2fb/c", "/", "q=a%2Fb%2Fc"},
		{"/?q=a;b", "/", "q=a%3Bb"},
		{"/?q=100%", "/", "q=100%25"},
		{"/?q=%zz%4", "/", "q=%25zz%254"},
		{"/?q=a=b==", "/", "q=a%3Db%3D%3D"},
		{"/?&&a=1&", "/", "a=1"},
		{"/?=x", "/", "=x"},
		{"/?a-b=1&a=2&a.c=3", "/", "a=2&a-b=1&a.c=3"},
		{"/?a=/&a=-", "/", "a=%2F&a=-"},
		{"/?q=a?b", "/", "q=a%3Fb"},
		{"/?q=\xc3\xa9", "/", "q=%C3%A9"},
		{"/?q=*,(x)!'~", "/", "q=%2A%2C%28x%29%21%27~"},
	}
	for _, test := range tests {
		got := explain(t, newRequest(t, http.MethodGet, test.target))
		lines := strings.Split(got.CanonicalRequest, "\n")
		if lines[1] != test.path || lines[2] != test.query {
			t.Errorf("%s: got %q and %q, want %q and %q", test.target, lines[1], lines[2], test.path, test.query)
		}
		if got.Target != test.target {
			t.Errorf("target: got %q, want %q", got.Target, test.target)
		}
	}
}

package guard_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock/guard"
)

// exchange writes a request as it is and returns the answer with its body.
func exchange(t *testing.T, server, method, raw string) (reply, string) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(server, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, raw); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%q: %v", raw, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, resp.Close}, string(body)
}

func TestTheRequestLineIsForwardedByteForByte(t *testing.T) {
	t.Parallel()
	var got string
	backend := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = r.Method + " " + r.RequestURI
	}))
	defer backend.Close()
	for _, prefix := range []string{"", "/base%2Fpath"} {
		h, err := guard.NewForward(backend.URL+prefix, nil)
		if err != nil {
			t.Fatal(err)
		}
		front := httptest.NewServer(h)
		defer front.Close()
		for _, target := range []string{
			"/", "/?", "/a%2Fb/_doc/%3Cx%3E", "/*,-a/_search?q=a;b&b=1&a=2&a=1&v", "/a?q=100%", "/a?q=a+b%20c", "/{raw}|<>\"^`",
			"/ü?ü",
			"/%3Clogs-%7Bnow%2Fd%7D%3E/_search", "/a?x=http://b/?c", "/a/..%2f",
		} {
			got = ""
			resp, _ := exchange(t, front.URL, "GET", "GET "+target+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
			if want := "GET " + prefix + target; resp.StatusCode != http.StatusOK || got != want {
				t.Errorf("%s: status %d, backend saw %q, want %q", target, resp.StatusCode, got, want)
			}
		}
	}
}

func TestClientCredentialsStayAtTheDoor(t *testing.T) {
	t.Parallel()
	var got http.Header
	backend := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header }))
	defer backend.Close()
	h, err := guard.NewForward(strings.Replace(backend.URL, "http://", "http://elastic:pw@", 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(h)
	defer front.Close()
	exchange(t, front.URL, "POST", "POST /_bulk HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Encoding: gzip\r\n"+
		"Content-Type: application/x-ndjson\r\nAuthorization: AWS4-HMAC-SHA256 x\r\n"+
		"X-Amz-Date: d\r\nX-Amz-Security-Token: t\r\n"+
		"x-proxy-user: admin\r\nx-proxy-roles: all_access\r\nX-Forwarded-For: 127.0.0.1\r\nForwarded: for=x\r\n"+
		"es-security-runas-user: admin\r\nX-HTTP-Method-Override: DELETE\r\nX-Opaque-Id: 7\r\nUser-Agent: u\r\n"+
		"Connection: close, X-Opaque-Gone\r\nX-Opaque-Gone: 1\r\n\r\nab")
	want := http.Header{
		"Content-Length": {"2"}, "Content-Encoding": {"gzip"}, "Content-Type": {"application/x-ndjson"},
		"Authorization": {"Basic ZWxhc3RpYzpwdw=="}, "X-Opaque-Id": {"7"}, "User-Agent": {"u"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("headers at the backend (-want +got):\n%s", diff)
	}
}

// TestNobodyActsAsSomebodyElse sends each header by which a security plugin lets a caller be somebody else, alone, with
// a signature that is right.
func TestNobodyActsAsSomebodyElse(t *testing.T) {
	t.Parallel()
	d := newDomain(t, "iam="+alice)
	for _, name := range []string{
		"opensearch_security_impersonate_as", "opendistro_security_impersonate_as", "sg_impersonate_as",
		"OpenSearch-Security-Impersonate-As",
		"es-security-runas-user", "ES-Security-RunAs-User", "x-proxy-user", "x-proxy-roles", "x-proxy-ext-team",
		"X-Forwarded-User",
		"X-Forwarded-For", "Forwarded", "Proxy-Authorization", "X-HTTP-Method-Override", "_opendistro_security_user_header",
		"_opendistro_security_remote_address_header", "X-Amz-Security-Token-Of-Another",
	} {
		r := d.sign(t, d.request(t, "GET", "/logs/_search", ""), alice, "")
		r.Header[name] = []string{"admin"}
		r.Header.Set("X-Opaque-Id", "7")
		if resp, text := send(t, r); resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", name, resp.StatusCode, text)
			continue
		}
		got := d.reached()
		if len(got) != 1 || got[0].Header.Get("X-Opaque-Id") != "7" {
			t.Fatalf("%s: the backend saw %v", name, got)
		}
		for sent, values := range got[0].Header {
			if strings.EqualFold(sent, name) || strings.Contains(strings.Join(values, ","), "admin") {
				t.Errorf("%s reaches the backend as %s: %s", name, sent, values)
			}
		}
	}
}

func TestAnUnreachableBackendIsABadGateway(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	h, err := guard.NewForward("http://"+l.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != http.StatusBadGateway || w.Body.String() != `{"Message":"The backend could not be reached"}` ||
		w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("got %d %s %v", w.Code, w.Body, w.Header())
	}
}

func TestBackendURLsThatCannotWorkAreRefused(t *testing.T) {
	t.Parallel()
	for _, base := range []string{
		"", "localhost:9200", "ftp://x", "http://", "http://x?a=b", "http://x#f", "http://x:y:z",
	} {
		if _, err := guard.NewForward(base, nil); err == nil {
			t.Errorf("%q is accepted", base)
		}
	}
	if _, err := guard.NewForward("ftp://u:secret@x", nil); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("error shows the password: %v", err)
	}
}

func TestTwoSlashesDoNotNameAnotherHost(t *testing.T) {
	t.Parallel()
	h, err := guard.NewForward("http://127.0.0.1:1", nil)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RequestURI = "//evil/"
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusBadRequest {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func ExampleNewForward() {
	node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.RequestURI)
	}))
	defer node.Close()
	h, err := guard.NewForward(node.URL, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/logs%2Fa/_search?q=a;b", nil))
	fmt.Println(w.Body)
	// Output: /logs%2Fa/_search?q=a;b
}

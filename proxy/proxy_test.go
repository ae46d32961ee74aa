package proxy_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed56735111/penstock/proxy"
	"github.com/seed56735111/penstock/sigv4"
)

const secret = "hidden-words-of-the-key"

// seen is what reached the domain.
type seen struct {
	target string
	header http.Header
	body   string
	trust  error // what the verifier says
}

// world is a domain that verifies signatures, and a proxy in front of it.
type world struct {
	addr      string
	domain    string
	transport http.RoundTripper
	budget    *sigv4.Budget
	log       *syncBuffer
	mu        sync.Mutex
	seen      []seen
}

func (w *world) requests() []seen {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]seen(nil), w.seen...)
}

type syncBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func newWorld(t *testing.T, change func(*proxy.Config), answer http.HandlerFunc) *world {
	t.Helper()
	w := &world{budget: &sigv4.Budget{Memory: 1 << 20, Disk: 4 << 20}, log: &syncBuffer{}}
	creds := sigv4.Credentials{AccessKeyID: "ASIAEXAMPLE", SecretAccessKey: secret, SessionToken: "session-words"}
	v := &sigv4.Verifier{
		Region: "eu-west-1", Service: "es",
		Lookup: func(context.Context, string) (sigv4.Credentials, error) { return creds, nil },
	}
	domain := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, err := v.VerifyHash(r, sha256.Sum256(body))
		w.mu.Lock()
		w.seen = append(w.seen, seen{r.RequestURI, r.Header.Clone(), string(body), err})
		w.mu.Unlock()
		if answer != nil {
			answer(rw, r)
		}
	}))
	t.Cleanup(domain.Close)
	cfg := proxy.Config{
		Domain: domain.URL, Logger: slog.New(slog.NewTextHandler(w.log, nil)),
		Transport: &sigv4.Transport{
			Base:        &http.Transport{DisableCompression: true},
			Credentials: sigv4.Static(creds), Region: "eu-west-1", Service: "es", Budget: w.budget, SpoolDir: t.TempDir(),
		},
	}
	if change != nil {
		change(&cfg)
	}
	p, err := proxy.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewUnstartedServer(p)
	front.Config.MaxHeaderBytes = 64 << 10
	front.Config.ReadHeaderTimeout = 500 * time.Millisecond
	front.Config.DisableGeneralOptionsHandler = true
	front.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	front.Start()
	t.Cleanup(front.Close)
	w.addr, w.domain, w.transport = front.Listener.Addr().String(), cfg.Domain, cfg.Transport
	return w
}

// send writes raw bytes and returns everything that comes back until the peer is silent or closes.
func (w *world) send(t *testing.T, raw string) string {
	t.Helper()
	c, err := net.Dial("tcp", w.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	raw = strings.ReplaceAll(raw, "HOST", w.addr)
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.WriteString(c, raw); err != nil {
		return err.Error()
	}
	r := bufio.NewReader(c)
	resp, err := http.ReadResponse(r, nil)
	if err == nil && resp.StatusCode == http.StatusContinue {
		resp, err = http.ReadResponse(r, nil)
	}
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return resp.Status + " " + resp.Header.Get(proxy.CauseHeader) + " " + string(body)
}

func get(target string, headers ...string) string {
	return "GET " + target + " HTTP/1.1\r\nHost: HOST\r\n" + strings.Join(append(headers, ""), "\r\n") + "\r\n"
}

func post(target string, headers ...string) string {
	return "POST " + target + " HTTP/1.1\r\nHost: HOST\r\nContent-Length: 2\r\n" +
		strings.Join(append(headers, ""), "\r\n") + "\r\n{}"
}

// Targets, headers and bodies reach the domain as they were sent, with a signature that holds.
func TestWhatIsSentArrivesSigned(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil, nil)
	targets := []string{
		"/", "/?", "/a%2Fb/_search", "/a*,-b/_search?q=a;b&x=100%", "/%3Clogs-%7Bnow%2Fd%7D%3E/_doc/1",
		"//x/_search", "/x//y",
		"/x/_search/", "/x/./y", "/x/_doc/%C3%A9!@:=+", "/x?b=1&a=2&a=1&v", "/_search?q=a+b%20c", `/{"x"}`, "/é",
	}
	for _, target := range targets {
		got := w.send(t, post(target, "Content-Type: application/json"))
		all := w.requests()
		last := all[len(all)-1]
		if !strings.HasPrefix(got, "200 OK") || last.target != target || last.trust != nil || last.body != "{}" {
			t.Errorf("%s: answered %q; the domain saw %s with %q, and says %v", target, got, last.target, last.body, last.trust)
		}
	}
	w.send(t, post("/twice", "Content-Type: application/json", "content-type: application/json"))
	all := w.requests()
	if last := all[len(all)-1]; last.target != "/twice" || last.trust != nil || len(last.header["Content-Type"]) != 1 {
		t.Errorf("a Content-Type that is there twice arrives as %+v", last)
	}
	chunked := "PUT /x/_doc/1 HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n" +
		"2\r\nab\r\n1\r\nc\r\n0\r\nX-Trailer: 1\r\n\r\n"
	w.send(t, chunked)
	all = w.requests()
	if last := all[len(all)-1]; last.body != "abc" || last.trust != nil || last.header.Get("Content-Length") != "3" {
		t.Errorf("a body in chunks arrives as %+v", last)
	}
}

// A table of attacks. None gets a request to the domain.
func TestAttacksDoNotReachTheDomain(t *testing.T) {
	t.Parallel()
	rows := map[string]string{}
	for _, host := range []string{
		"evil.example", "evil.example:9200", "127.0.0.1", "localhost", "localhost:1", "127.0.0.1.evil.example",
		"[::1]", "0.0.0.0",
		"localhost.evil.example", "169.254.169.254", "127.0.0.2", "search-x.eu-west-1.es.amazonaws.com",
		"127.1", "2130706433", "x@localhost",
	} {
		rows["rebinding "+host] = "GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n"
	}
	for _, page := range []string{
		"Origin: http://evil.example", "Origin: null", "Origin: https://HOST", "Origin: http://localhost:1",
		"Origin: http://HOST.evil.example",
		"Origin: http://HOST\r\nOrigin: http://evil.example", "Sec-Fetch-Site: cross-site",
		"Sec-Fetch-Site: same-site",
		"Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: cross-site", "Referer: http://evil.example/x",
		"Origin: file://",
		"Origin: chrome-extension://abc", "Referer: https://HOST/",
	} {
		rows["foreign page posts, "+page] = post("/x/_doc", page)
		rows["foreign page flushes, "+page] = get("/_flush", page)
	}
	rows["preflight"] = "OPTIONS / HTTP/1.1\r\nHost: HOST\r\nOrigin: http://evil.example\r\n" +
		"Access-Control-Request-Method: DELETE\r\n\r\n"
	for _, target := range []string{
		"http://evil.example/", "http://169.254.169.254/latest/meta-data/", "https://evil.example:443/x", "*",
		"evil.example:443",
		"file:///etc/passwd", "//x/{}", "/x#y", "/x y", "/\x01", "/\x7f", "ftp://x/", "@evil.example/", "?x",
		"gopher://evil.example:70/",
	} {
		rows["target "+target] = get(target)
	}
	for _, method := range []string{"CONNECT", "TRACE", "PROPFIND", "get", "PRI", "MOVE", "G ET", "DEBUG", "TRACK"} {
		target := "/"
		if method == "CONNECT" {
			target = "evil.example:443"
		}
		rows["method "+method] = method + " " + target + " HTTP/1.1\r\nHost: HOST\r\n\r\n"
	}
	for _, head := range []string{
		"Content-Length: 3\r\nContent-Length: 4", "Content-Length: +3", "Content-Length: 3, 4", "Content-Length: 0x3",
		"Content-Length: -1",
		"Transfer-Encoding: chunked, identity", "Transfer-Encoding: xchunked", "Transfer-Encoding : chunked",
		"Transfer-Encoding: \x0bchunked", "Transfer-Encoding: gzip, chunked",
		"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
		"X: y\r\n z: w\r\n\x00: v", " X: y", "X\x00: y", "X: a\x00b", "X Y: z", ": x",
		"Upgrade: websocket\r\nConnection: Upgrade",
		"Content-Type: a/b\r\nContent-Type: c/d", "Content-Encoding: gzip\r\nContent-Encoding: gzip",
		"Host: evil.example",
	} {
		rows["head "+head] = "POST /x/_doc HTTP/1.1\r\nHost: HOST\r\n" + head + "\r\n\r\n0\r\n\r\n"
	}
	rows["no host"] = "GET / HTTP/1.1\r\n\r\n"
	rows["old protocol without a host"] = "GET / HTTP/1.0\r\n\r\n"
	rows["no protocol"] = "GET /\r\n\r\n"
	rows["HTTP/2 without TLS"] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	rows["head of 100 KB"] = get("/", "X: "+strings.Repeat("a", 100<<10))
	rows["target of 100 KB"] = get("/" + strings.Repeat("a", 100<<10))
	rows["head that never ends"] = "GET / HTTP/1.1\r\nHost: HOST\r\nX: "
	rows["body that does not go on"] = "POST /x HTTP/1.1\r\nHost: HOST\r\nContent-Length: 100\r\n\r\n{"
	rows["chunk that does not go on"] = "POST /x HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{"
	rows["chunk of a wrong length"] = "POST /x HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{"
	rows["chunk of more than there is"] = "POST /x HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\n" +
		"ffffffffffffffff1\r\n{"
	if len(rows) < 80 {
		t.Errorf("%d attacks, want 80", len(rows))
	}
	w := newWorld(t, func(c *proxy.Config) { c.Idle = 300 * time.Millisecond }, nil)
	var through atomic.Int32
	for name, raw := range rows {
		t.Run(name, func(t *testing.T) {
			answer := w.send(t, raw)
			if n := len(w.requests()); int32(n) > through.Load() {
				t.Errorf("%q reached the domain, and was answered %s", raw, answer)
				through.Store(int32(n))
			}
			if strings.HasPrefix(answer, "2") || strings.Contains(answer, secret) {
				t.Errorf("%q was answered %s", raw, answer)
			}
		})
	}
}

// Headers that name a user or a way, or that are part of the signature, do not get through, also when the client lists
// others as hop-by-hop to take the signature away.
func TestHeadersThatSpeakForTheProxyDoNotPass(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil, nil)
	bad := []string{
		"Authorization", "Proxy-Authorization", "X-Amz-Security-Token", "X-Amz-Target", "X-Amz-Content-Sha256-Extra",
		"X-Forwarded-For", "X-Forwarded-Host", "X-Proxy-User", "X-Proxy-Roles", "Opensearch_security_impersonate_as",
		"Opendistro_security_impersonate_as", "Es-Security-Runas-User", "Forwarded", "X-Http-Method-Override",
		"Cookie",
		"X-Real-Ip", "Te", "Keep-Alive", "Proxy-Connection", "X-Forwarded-Proto", "X-Original-Url", "X-Rewrite-Url",
	}
	const mark = "made-up"
	var headers []string
	for _, name := range bad {
		headers = append(headers, name+": "+mark)
	}
	for _, listed := range []string{
		"close", "Authorization, X-Amz-Date, X-Amz-Security-Token, Content-Type", "Host, Content-Length",
	} {
		w.send(t, post("/x/_search", append(headers, "Connection: "+listed,
			"Osd-Xsrf: true", "Content-Type: application/json")...))
	}
	all := w.requests()
	if len(all) != 3 {
		t.Fatalf("%d requests reached the domain, want 3", len(all))
	}
	for _, r := range all {
		if r.trust != nil || r.header.Get("Osd-Xsrf") != "true" || r.header.Get("Content-Type") != "application/json" {
			t.Errorf("arrived as %v: %v", r.header, r.trust)
		}
		for name, values := range r.header {
			if strings.Contains(strings.Join(values, ","), mark) {
				t.Errorf("%s got through: %q", name, values)
			}
		}
	}
}

// The session token that the service repeats in a refusal stays here; the rest of its answer passes.
func TestARefusalKeepsItsWordsAndNotItsSecrets(t *testing.T) {
	t.Parallel()
	const body = `{"message":"The request signature we calculated does not match the signature you provided. ` +
		`Check your AWS Secret Access Key and signing method.\n\nThe Canonical String for this request should have been\n` +
		`'GET\n/\n\nhost:x\nx-amz-date:20260101T000000Z\nx-amz-security-token:session-words\n\nhost'\n"}`
	w := newWorld(t, nil, func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Set-Cookie", "a=b")
		rw.Header().Set("Access-Control-Allow-Origin", "*")
		rw.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(rw, body)
	})
	got := w.send(t, get("/"))
	if want := "403 Forbidden signature " + strings.Replace(body, "session-words", "(masked)", 1); got != want {
		t.Errorf("answered %s\nwant     %s", got, want)
	}
	if log := w.log.String(); strings.Contains(log, "session-words") || !strings.Contains(log, "cause=signature") {
		t.Errorf("the log says %s", log)
	}
	w.send(t, "HEAD / HTTP/1.1\r\nHost: HOST\r\n\r\n")
}

// A part of an answer reaches the client before the rest is there, whether its length is known or not. A client that
// leaves ends the call.
func TestAnswersStreamAndLeavingClientsCancel(t *testing.T) {
	t.Parallel()
	for _, length := range []string{"", "1000"} {
		ended := make(chan struct{})
		w := newWorld(t, nil, func(rw http.ResponseWriter, r *http.Request) {
			if length != "" {
				rw.Header().Set("Content-Length", length)
			}
			_, _ = io.WriteString(rw, "first\n")
			_ = http.NewResponseController(rw).Flush()
			<-r.Context().Done()
			close(ended)
		})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+w.addr+"/", nil)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatalf("an answer of length %q: %v", length, err)
		}
		line, err := bufio.NewReader(resp.Body).ReadString('\n')
		if err != nil || line != "first\n" {
			t.Errorf("read %q, %v", line, err)
		}
		cancel()
		_ = resp.Body.Close()
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			t.Error("the call to the domain goes on without its client")
		}
	}
}

// writes counts what is written to the clients of a listener.
type writes struct {
	net.Listener
	n atomic.Int64
}

func (w *writes) Accept() (net.Conn, error) {
	c, err := w.Listener.Accept()
	return &writing{c, &w.n}, err
}

type writing struct {
	net.Conn
	n *atomic.Int64
}

func (w *writing) Write(p []byte) (int, error) {
	w.n.Add(1)
	return w.Conn.Write(p)
}

// The head of a short answer and its body go to the client together.
func TestAShortAnswerIsOneWrite(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil, func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, "{}") })
	p, err := proxy.New(proxy.Config{Domain: w.domain, Transport: w.transport})
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewUnstartedServer(p)
	counted := &writes{Listener: front.Listener}
	front.Listener = counted
	front.Start()
	defer front.Close()
	resp, err := front.Client().Get(front.URL + "/_doc/1")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if n := counted.n.Load(); n != 1 || err != nil || string(body) != "{}" {
		t.Errorf("%q came in %d writes, %v", body, n, err)
	}
}

// A body that finds no room is refused in a way that clients try again after, and no memory stays taken.
func TestBodiesBeyondTheBudgetAreToldToComeAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil, nil)
	body := strings.NewReader(strings.Repeat("x", 6<<20))
	resp, err := http.Post("http://"+w.addr+"/_bulk", "application/x-ndjson", body)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" {
		t.Errorf("answered %s with %v", resp.Status, resp.Header)
	}
	if memory, disk := w.budget.Taken(); memory != 0 || disk != 0 || len(w.requests()) != 0 {
		t.Errorf("%d bytes of memory and %d of disk are taken, %d requests arrived", memory, disk, len(w.requests()))
	}
}

func TestReadOnlyJudgesTheCallAndNotTheMethod(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *proxy.Config) { c.ReadOnly = true }, nil)
	for call, passes := range map[string]bool{
		"GET /": true, "HEAD /x": true, "POST /x/_search": true, "POST /_msearch": true, "GET /_cat/indices?v": true,
		"POST /x/_count": true, "POST /_search/scroll": true, "DELETE /_search/scroll": true, "POST /_mget": true,
		"GET /x/_doc/1": true, "POST /x/_search?scroll=1m": true, "POST /x/_field_caps?fields=*": true,
		"POST /x/_doc": false, "PUT /x": false, "DELETE /x": false, "POST /_bulk": false,
		"POST /x/_delete_by_query": false,
		"GET /_flush":              false, "GET /x/_refresh": false, "POST /x/_update/1": false, "POST /_reindex": false,
		"POST /_aliases": false, "PUT /_cluster/settings": false, "POST /x/y/_search/z": false,
		"DELETE /_search/scroll/_all":       false,
		"POST /x/_search?search_pipeline=p": false, "GET /_plugins/_security/api/roles": false,
		"POST /x/%5Fsearch":        false,
		"POST /x/../_bulk/_search": false, "POST /x/_doc/_search": false, "GET /x/_search?source={}": false,
		"POST /_dashboards/api/console/proxy?path=x&method=DELETE": false, "POST /_scripts/_search": false,
		"GET /_cache/clear": false, "POST /x/_close": false, "POST /x//_search": false,
		"PATCH /x/_search": false, "OPTIONS /x": false,
	} {
		before := len(w.requests())
		method, target, _ := strings.Cut(call, " ")
		answer := w.send(t, fmt.Sprintf("%s %s HTTP/1.1\r\nHost: HOST\r\nContent-Length: 0\r\n\r\n", method, target))
		if got := len(w.requests()) > before; got != passes {
			t.Errorf("%s: passes %v, want %v; answered %s", call, got, passes, answer)
		}
	}
}

func TestNamesThatAreAllowedAreLetIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *proxy.Config) { c.Hosts = []string{"search.internal", "other:77"} }, nil)
	port := netip.MustParseAddrPort(w.addr).Port()
	for host, passes := range map[string]bool{
		"search.internal": true, "SEARCH.internal:1": true, "other:77": true, "other": false, "other:78": false,
		fmt.Sprintf("localhost:%d", port): true, fmt.Sprintf("[::1]:%d", port): true, "localhost": false,
	} {
		answer := w.send(t, "GET / HTTP/1.1\r\nHost: "+host+"\r\n\r\n")
		if got := strings.HasPrefix(answer, "200"); got != passes {
			t.Errorf("Host %s: passes %v, want %v: %s", host, got, passes, answer)
		}
	}
}

// sendAll writes raw bytes and returns all that comes back until the proxy closes or is silent.
func (w *world) sendAll(t *testing.T, raw string) string {
	t.Helper()
	c, err := net.Dial("tcp", w.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, raw); err != nil {
		return err.Error()
	}
	_ = c.SetReadDeadline(time.Now().Add(400 * time.Millisecond))
	answer, _ := io.ReadAll(c)
	return string(answer)
}

package cli

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed56735111/penstock/proxy"
	"github.com/seed56735111/penstock/sigv4"
)

// changing are credentials that change.
type changing struct {
	mu  sync.Mutex
	c   sigv4.Credentials
	err error
}

func (c *changing) Credentials(context.Context) (sigv4.Credentials, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.c, c.err
}

func (c *changing) set(v sigv4.Credentials, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.c, c.err = v, err
}

// The admin address answers three things, says when the proxy is not ready, and names no index and no client.
func TestTheAdminAddressAnswersHealthReadinessAndMetricsAlone(t *testing.T) {
	t.Parallel()
	domain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "answer")
	}))
	defer domain.Close()
	good := sigv4.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "x", Expires: time.Now().Add(time.Hour)}
	creds := &changing{c: good}
	budget := &sigv4.Budget{Memory: 1 << 20, Disk: 1 << 20}
	metrics := newProxyMetrics(budget, creds)
	logger := slog.New(slog.DiscardHandler)
	p, err := proxy.New(proxy.Config{
		Domain: domain.URL, Observer: metrics, ReadOnly: true,
		Transport: &sigv4.Transport{Credentials: creds, Region: "eu-west-1", Service: "es", Budget: budget},
	})
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(p)
	defer front.Close()
	for _, c := range []struct{ method, path, body string }{
		{"GET", "/secret-index/_doc/1", ""}, {"POST", "/secret-index/_search", `{"a":1}`}, {"DELETE", "/secret-index", ""},
	} {
		req, _ := http.NewRequestWithContext(t.Context(), c.method, front.URL+c.path, strings.NewReader(c.body))
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	front.Close() // a request is counted when it is over, which the client cannot see
	ready := error(nil)
	admin := &proxyAdmin{
		ready: func() error { return ready }, credentials: creds, metrics: metrics.handler(), log: logger,
	}
	srv := httptest.NewServer(admin)
	defer srv.Close()
	ask := func(method, path string, header ...string) (int, string) {
		t.Helper()
		req, _ := http.NewRequestWithContext(t.Context(), method, srv.URL+path, nil)
		for _, h := range header {
			name, value, _ := strings.Cut(h, ": ")
			req.Header.Set(name, value)
			if name == "Host" {
				req.Host = value
			}
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(body)
	}
	check := func(want int, text, method, path string, header ...string) {
		t.Helper()
		if status, body := ask(method, path, header...); status != want || !strings.Contains(body, text) {
			t.Errorf("%s %s %q: %d %s, want %d %s", method, path, header, status, body, want, text)
		}
	}
	check(200, "ok", "GET", "/healthz")
	check(200, "ready", "GET", "/readyz")
	check(404, "", "GET", "/")
	check(404, "", "GET", "/metrics/../_search")
	check(404, "", "GET", "/secret-index/_search")
	check(404, "", "GET", "/debug/pprof/")
	check(405, "", "POST", "/healthz")
	check(403, "", "GET", "/metrics", "Origin: http://evil.example")
	check(403, "", "GET", "/metrics", "Sec-Fetch-Site: cross-site")
	check(403, "", "GET", "/metrics", "Host: evil.example")
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	check(200, "ok", "GET", "/healthz", "Host: localhost:"+port)

	_, text := ask("GET", "/metrics")
	for name := range metrics.help {
		if strings.Count(text, "# HELP "+name+" ") != 1 || strings.Count(text, "# TYPE "+name+" ") != 1 {
			t.Errorf("the metrics do not say once what %s is", name)
		}
	}
	if regexp.MustCompile(`(?m)^# HELP penstock\S* *$`).MatchString(text) {
		t.Error("a metric of ours has no help")
	}
	for _, want := range []string{
		`penstock_proxy_requests_total{cause="",code="200",method="GET"} 1`,
		`penstock_proxy_requests_total{cause="",code="200",method="POST"} 1`,
		`penstock_proxy_requests_total{cause="read-only",code="403",method="DELETE"} 1`,
		"penstock_proxy_requests_in_flight 0", "penstock_proxy_request_bytes_total 7",
		`penstock_proxy_request_duration_seconds_count{method="GET"} 1`,
		"penstock_proxy_body_memory_limit_bytes 1048576",
		"penstock_proxy_credentials_expiry_timestamp_seconds ", "penstock_build_info{", "go_goroutines ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
	if strings.Contains(text, "secret-index") {
		t.Error("the metrics name an index")
	}

	creds.set(sigv4.Credentials{}, errors.New("none at /home/x/.aws"))
	check(503, "not ready: there are no credentials to sign with", "GET", "/readyz")
	check(200, "ok", "GET", "/healthz")
	old := good
	old.Expires = time.Now().Add(-time.Minute)
	creds.set(old, nil)
	check(503, "not ready: the credentials have expired", "GET", "/readyz")
	creds.set(good, nil)
	check(200, "ready", "GET", "/readyz")
	ready = errors.New("policy of secret-index")
	if status, body := ask("GET", "/readyz"); status != 503 || strings.Contains(body, "secret-index") {
		t.Errorf("without a policy: %d %s", status, body)
	}
	ready = nil
	admin.draining.Store(true)
	check(503, "not ready: it ends", "GET", "/readyz")
}

package proxy_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/seed56735111/penstock/domain"
	"github.com/seed56735111/penstock/proxy"
	"github.com/seed56735111/penstock/sigv4"
)

// Over HTTP/2 a signature covers the same bytes: the target as it was sent, the host, the body.
func TestSignaturesHoldOverHTTP2(t *testing.T) {
	t.Parallel()
	creds := sigv4.Credentials{AccessKeyID: "ASIAEXAMPLE", SecretAccessKey: secret, SessionToken: "session-words"}
	v := &sigv4.Verifier{
		Region: "eu-west-1", Service: "es",
		Lookup: func(context.Context, string) (sigv4.Credentials, error) { return creds, nil },
	}
	upstream := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, err := v.VerifyHash(r, sha256.Sum256(body))
		w.Header().Set("Trailer", "X-End")
		_, _ = fmt.Fprintf(w, "%s %s %s %d %v", r.Proto, r.Method, r.RequestURI, len(body), err)
		w.Header().Set("X-End", "whole")
	}))
	upstream.EnableHTTP2 = true
	upstream.StartTLS()
	t.Cleanup(upstream.Close)
	pool := upstream.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs //nolint:forcetypeassert // httptest's
	base := domain.NewTransport(domain.TransportConfig{RootCAs: pool, HTTP2: true})
	t.Cleanup(base.CloseIdleConnections)
	p, err := proxy.New(proxy.Config{Domain: upstream.URL, Transport: &sigv4.Transport{
		Base: base, Credentials: sigv4.Static(creds), Region: "eu-west-1", Service: "es",
		Budget: &sigv4.Budget{Memory: 1 << 20, Disk: 64 << 20}, SpoolDir: t.TempDir(),
	}})
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(p)
	t.Cleanup(front.Close)
	var wg sync.WaitGroup
	for _, target := range []string{
		"/", "/?", "/a%2Fb/_search", "/a*,-b/_search?q=a;b&x=100%", "/%3Clogs-%7Bnow%2Fd%7D%3E/_doc/1", "/x//y",
		"/x/_doc/%C3%A9!@:=+", "/x?b=1&a=2&a=1&v", "/_search?q=a+b%20c",
	} {
		for method, size := range map[string]int{
			http.MethodGet: 0, http.MethodPost: 100, http.MethodPut: 3 << 20, http.MethodDelete: 0,
		} {
			wg.Go(func() {
				req, err := http.NewRequestWithContext(t.Context(), method, front.URL, bytes.NewReader(make([]byte, size)))
				if err != nil {
					t.Error(err)
					return
				}
				path, query, hasQuery := strings.Cut(target, "?")
				req.URL.Opaque, req.URL.RawQuery, req.URL.ForceQuery = path, query, hasQuery
				resp, err := http.DefaultClient.Do(req)
				if err != nil {
					t.Error(err)
					return
				}
				got, err := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				want := fmt.Sprintf("HTTP/2.0 %s %s %d <nil>", method, target, size)
				if err != nil || string(got) != want || resp.Trailer.Get("X-End") != "whole" {
					t.Errorf("%s %s: %v, %q with %v, want %q", method, target, err, got, resp.Trailer, want)
				}
			})
		}
	}
	wg.Wait()
}

package guard_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"
	"time"

	"github.com/seed56735111/penstock/guard"
	"github.com/seed56735111/penstock/guard/identity"
	"github.com/seed56735111/penstock/sigv4"
)

// BenchmarkGet compares a proxied GET / through the guard, anonymous and signed, with a bare ReverseProxy to the same
// backend. The difference is what the guard costs.
func BenchmarkGet(b *testing.B) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"tagline":"You Know, for Search"}`)
	}))
	defer backend.Close()
	target, err := url.Parse(backend.URL)
	if err != nil {
		b.Fatal(err)
	}
	bare := httputil.NewSingleHostReverseProxy(target)
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64
	bare.Transport = transport
	forward, err := guard.NewForward(backend.URL, nil)
	if err != nil {
		b.Fatal(err)
	}
	newRequest := func() *http.Request {
		r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1:9200/", nil)
		r.RequestURI = "/"
		return r
	}
	run := func(name string, h http.Handler, sign func(*http.Request)) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := newRequest()
				if sign != nil {
					sign(r)
				}
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				if w.Code != http.StatusOK {
					b.Fatalf("%d %s", w.Code, w.Body)
				}
			}
		})
	}
	ids := identity.New()
	key, err := ids.CreateUser(identity.User{ARN: alice})
	if err != nil {
		b.Fatal(err)
	}
	newGuard := func(access string, h http.Handler) *guard.Guard {
		doc, _, err := guard.Access(access, domainARN)
		if err != nil {
			b.Fatal(err)
		}
		p, err := guard.ParseAccessPolicy(doc)
		if err != nil {
			b.Fatal(err)
		}
		g, err := guard.New(guard.Config{
			Backend: h, Account: account, Region: region, Name: "sandbox01", Identities: ids, Policy: guard.FixedPolicy(p),
		})
		if err != nil {
			b.Fatal(err)
		}
		return g
	}
	signed := newRequest()
	signer := sigv4.Signer{Region: region, Service: "es"}
	creds := sigv4.Credentials{AccessKeyID: key.AccessKeyID, SecretAccessKey: string(key.Secret)}
	if err := signer.Sign(signed, creds, sigv4.EmptyPayloadHash, time.Now()); err != nil {
		b.Fatal(err)
	}
	sign := func(r *http.Request) { r.Header = signed.Header.Clone(); r.Host = signed.Host }
	local := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })

	run("reverseproxy", bare, nil)
	run("forward", forward, nil)
	run("guard/anonymous", newGuard("open", forward), nil)
	run("guard/signed", newGuard("iam="+alice, forward), sign)
	run("alone/anonymous", newGuard("open", local), nil)
	run("alone/signed", newGuard("iam="+alice, local), sign)
}

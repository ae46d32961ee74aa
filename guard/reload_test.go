package guard_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed56735111/penstock/guard"
	"github.com/seed56735111/penstock/guard/identity"
	"github.com/seed56735111/penstock/iam"
)

// later lets the guard look at its files again. It passes no real time: the test runs in a bubble.
func later() { time.Sleep(2 * time.Second) }

// get is the status of a GET / by the holder of a key.
func get(t *testing.T, h http.Handler, key identity.Credentials) int {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	if key.AccessKeyID != "" {
		signWith(t, r, key, "", region, "es", time.Now())
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

func newGuard(t *testing.T, ids *identity.Store, policy func() (*iam.Policy, error)) *guard.Guard {
	t.Helper()
	g, err := guard.New(guard.Config{
		Backend: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}),
		Account: account, Region: region, Name: "sandbox01", Identities: ids, Policy: policy,
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestIdentitiesFollowTheirFile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "identities.json")
		editor, err := identity.Open(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		user, err := editor.CreateUser(identity.User{ARN: alice})
		if err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		ids, err := identity.Load(path, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		doc, _, err := guard.Access("iam="+alice, domainARN)
		if err != nil {
			t.Fatal(err)
		}
		p, err := guard.ParseAccessPolicy(doc)
		if err != nil {
			t.Fatal(err)
		}
		g := newGuard(t, ids, guard.FixedPolicy(p))
		check := func(when string, key identity.Credentials, want int) {
			t.Helper()
			if got := get(t, g, key); got != want {
				t.Errorf("%s: %d, want %d", when, got, want)
			}
		}
		check("at first", user, http.StatusOK)
		session, err := editor.CreateSession(alice, "", time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		later()
		check("a session created while the domain runs", session, http.StatusOK)

		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(`{"users":[`), 0o600); err != nil {
			t.Fatal(err)
		}
		later()
		check("with a broken file", user, http.StatusOK)
		check("with a broken file, again", user, http.StatusOK)
		if n := strings.Count(log.String(), "last good state stays in force"); n != 1 {
			t.Errorf("%d log lines about the broken file", n)
		}
		if err := os.WriteFile(path, good, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := editor.Remove(alice); err != nil {
			t.Fatal(err)
		}
		later()
		check("a removed user", user, http.StatusForbidden)
		check("a removed user's session", session, http.StatusForbidden)
		if strings.Contains(log.String(), string(user.Secret)) {
			t.Error("the secret is in the log")
		}
	})
}

func TestSessionsExpire(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ids := identity.New()
		if err := ids.CreateRole(identity.Role{ARN: shipper}); err != nil {
			t.Fatal(err)
		}
		session, err := ids.CreateSession(shipper, "night", time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		doc, _, err := guard.Access("iam="+shipper, domainARN)
		if err != nil {
			t.Fatal(err)
		}
		p, err := guard.ParseAccessPolicy(doc)
		if err != nil {
			t.Fatal(err)
		}
		g := newGuard(t, ids, guard.FixedPolicy(p))
		time.Sleep(time.Hour - time.Second)
		if got := get(t, g, session); got != http.StatusOK {
			t.Errorf("in its last second: %d", got)
		}
		time.Sleep(time.Second)
		if got := get(t, g, session); got != http.StatusForbidden {
			t.Errorf("after it: %d", got)
		}
	})
}

func TestAPolicyFileComesIntoForceAndFailsClosed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "policy.json")
		write := func(spec string) {
			t.Helper()
			doc := []byte("{")
			if spec != "" {
				var err error
				if doc, _, err = guard.Access(spec, domainARN); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(path, doc, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := guard.OpenPolicyFile(path, guard.ParseAccessPolicy, nil); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("a missing file: %v", err)
		}
		write("open")
		file, err := guard.OpenPolicyFile(path, guard.ParseAccessPolicy, nil)
		if err != nil {
			t.Fatal(err)
		}
		g := newGuard(t, nil, file.Policy)
		check := func(when string, want int) {
			t.Helper()
			if got := get(t, g, identity.Credentials{}); got != want {
				t.Errorf("%s: %d, want %d", when, got, want)
			}
			later()
		}
		check("at first", http.StatusOK)
		write("ip=203.0.113.0/24")
		check("another policy", http.StatusForbidden)
		write("")
		check("no valid policy", http.StatusServiceUnavailable)
		write("open")
		check("a valid policy again", http.StatusOK)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		check("no file", http.StatusServiceUnavailable)
	})
}

func TestPoliciesThatAreNoneAreRefused(t *testing.T) {
	t.Parallel()
	_, err := guard.ParseAccessPolicy([]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Permit"}]}`))
	if err == nil {
		t.Error("an unknown effect is accepted")
	}
	missing := filepath.Join(t.TempDir(), "none")
	parse := func([]byte) (*iam.Policy, error) { return nil, nil }
	if _, err := guard.OpenPolicyFile(missing, parse, nil); err == nil {
		t.Error("a missing file is accepted")
	}
}

func TestTheGeneratedCertificateIsTrustedAndUsedAgain(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "tls")
	cert, ca, err := guard.Certificate(dir, []string{"localhost", "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	srv.StartTLS()
	defer srv.Close()
	pem, err := os.ReadFile(ca)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		t.Fatal("ca.pem holds no certificate")
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	resp, err := client.Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	again, _, err := guard.Certificate(dir, []string{"127.0.0.1"})
	if err != nil || !bytes.Equal(again.Certificate[0], cert.Certificate[0]) {
		t.Errorf("another certificate is made for a host that the first one has: %v", err)
	}
	other, _, err := guard.Certificate(dir, []string{"domain.example"})
	if err != nil || bytes.Equal(other.Certificate[0], cert.Certificate[0]) {
		t.Errorf("the certificate is kept for a host that it does not have: %v", err)
	}
	for _, name := range []string{"key.pem", "cert.pem", "ca.pem"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

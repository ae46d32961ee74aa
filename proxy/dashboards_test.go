package proxy_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock/proxy"
)

// roundTrip sends a request to the proxy of a world. It follows no redirect.
func (w *world) roundTrip(t *testing.T, method, target string, headers ...string) answered {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+w.addr+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(strings.ReplaceAll(h, "HOST", w.addr), ": ")
		req.Header.Add(name, value)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answered{resp.StatusCode, resp.Header, string(body)}
}

// answered is an answer that was read.
type answered struct {
	status int
	header http.Header
	body   string
}

const (
	own     = "https://search-x.eu-west-1.es.amazonaws.com" // the domain's origin behind a tunnel
	session = "security_authentication=Fe26.2**c0ffee*; Path=/_dashboards; HttpOnly"
)

// A session goes to Dashboards and comes from it, and no other cookie and no other path has a part in that.
func TestCookiesPassForDashboardsAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil, func(rw http.ResponseWriter, _ *http.Request) {
		for _, line := range []string{
			session + "; Secure; Domain=search-x.eu-west-1.es.amazonaws.com", "tracker=1; Path=/",
			`security_storage="a,b"; SameSite=None; Secure;Partitioned`,
			"security_authentication_saml1=x; SameSite=Strict", "; Path=/",
			"security_authentication=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/_dashboards",
		} {
			rw.Header().Add("Set-Cookie", line)
		}
		rw.Header().Set("Access-Control-Allow-Origin", "*")
	})
	passed := []string{
		session, `security_storage="a,b"; SameSite=Lax`, "security_authentication_saml1=x; SameSite=Strict",
		"security_authentication=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/_dashboards",
	}
	for target, isDashboards := range map[string]bool{
		"/_dashboards": true, "/_dashboards/": true, "/_dashboards/app/home?x=1": true,
		"/_plugin/kibana/app/kibana": true, "/_dashboards/api/saved_objects/_find": true,
		"/": false, "/_search": false, "/_dashboardsx/": false, "/x/_dashboards/": false, "/_plugin/kibanas": false,
		"/_dashboards/../_search": false, "/_dashboards/%2e%2e/_search": false, "/_dashboards//x": false,
		"/%5fdashboards/": false, "/_Dashboards/": false,
	} {
		resp := w.roundTrip(t, http.MethodGet, target,
			"Cookie: other=1; security_authentication=Fe26.2**c0ffee*;security_storage=\"a\"", "Cookie: jenkins=x; xsecurity_=1")
		all := w.requests()
		last := all[len(all)-1]
		wantCookie, wantSet := "", []string(nil)
		if isDashboards {
			wantCookie, wantSet = `security_authentication=Fe26.2**c0ffee*; security_storage="a"`, passed
		}
		if got := last.header.Get("Cookie"); got != wantCookie || last.trust != nil {
			t.Errorf("%s: the domain sees the cookies %q, want %q; %v", target, got, wantCookie, last.trust)
		}
		if diff := cmp.Diff(wantSet, resp.header.Values("Set-Cookie")); diff != "" {
			t.Errorf("%s: the client gets other cookies (-want +got):\n%s", target, diff)
		}
		if got := resp.header.Get("Access-Control-Allow-Origin"); got != "" {
			t.Errorf("%s: every page may read the answer: %s", target, got)
		}
	}
}

// Two clients have a session each: the proxy keeps none.
func TestClientsShareNoSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil, func(rw http.ResponseWriter, _ *http.Request) { rw.Header().Set("Set-Cookie", session) })
	w.roundTrip(t, http.MethodGet, "/_dashboards/app/home")
	w.roundTrip(t, http.MethodGet, "/_dashboards/app/home")
	for _, r := range w.requests() {
		if got := r.header.Get("Cookie"); got != "" {
			t.Errorf("a client that has no session sends %q", got)
		}
	}
}

// Dashboards checks that a request comes from its own page, which it knows by the domain's address.
func TestDashboardsSeesItsOwnOrigin(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *proxy.Config) { c.SignFor = "search-x.eu-west-1.es.amazonaws.com" }, nil)
	page := []string{"Origin: http://HOST", "Referer: http://HOST/_dashboards/app/home?a=%2F#x", "Osd-Xsrf: osd"}
	w.roundTrip(t, http.MethodPost, "/_dashboards/api/x", page...)
	w.roundTrip(t, http.MethodPost, "/x/_search", page...)
	all := w.requests()
	h := all[0].header
	if h.Get("Origin") != own || h.Get("Referer") != own+"/_dashboards/app/home?a=%2F" || h.Get("Osd-Xsrf") != "osd" {
		t.Errorf("Dashboards sees %v", h)
	}
	if h := all[1].header; h.Get("Origin") != "" || h.Get("Referer") != "" {
		t.Errorf("another path sees %v", h)
	}
}

// A login that would end at the domain's own address is explained: to a browser in a page, to a program in JSON.
func TestALoginElsewhereIsExplainedAndNotFollowed(t *testing.T) {
	t.Parallel()
	const state = "state-words"
	var location string
	w := newWorld(t, func(c *proxy.Config) { c.SignFor = "search-x.eu-west-1.es.amazonaws.com" },
		func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Set-Cookie", session)
			rw.Header().Set("Location", location)
			rw.WriteHeader(http.StatusFound)
		})
	for redirect, kind := range map[string]string{
		"https://logs.auth.eu-west-1.amazoncognito.com/login?client_id=a&redirect_uri=https%3A%2F%2Fx&state=" +
			state: "Amazon Cognito",
		"https://idp.example/sso?SAMLRequest=" + state + "&RelayState=%2F":              "SAML",
		"https://login.example/authorize?response_type=code&client_id=a&state=" + state: "OpenID Connect",
		"//login.example/x":                              "another address",
		`https://a"><script>alert(1)</script>.example/`:  "",
		`https://a.example/?"><script>alert(1)</script>`: "another address",
	} {
		location = redirect
		for accept, shape := range map[string]string{
			"text/html": "<!DOCTYPE html>", "*/*": `{"error":{"cause":"login-elsewhere"`,
		} {
			resp := w.roundTrip(t, http.MethodGet, "/_dashboards/", "Accept: "+accept)
			body := resp.body
			if resp.status != http.StatusForbidden || resp.header.Get("Location") != "" ||
				resp.header.Get(proxy.CauseHeader) != "login-elsewhere" || len(resp.header.Values("Set-Cookie")) > 0 {
				t.Errorf("%s: answered %d %v", redirect, resp.status, resp.header)
			}
			if !strings.HasPrefix(body, shape) || !strings.Contains(body, kind) || strings.Contains(body, state) ||
				strings.Contains(body, "<script") || !strings.Contains(body, own+"/_dashboards/") {
				t.Errorf("%s: explained by %s", redirect, body)
			}
		}
	}
	for redirect, want := range map[string]string{
		"/_dashboards/app/login?nextUrl=%2F":       "/_dashboards/app/login?nextUrl=%2F",
		own + "/_dashboards/app/login?nextUrl=%2F": "/_dashboards/app/login?nextUrl=%2F",
	} {
		location = redirect
		resp := w.roundTrip(t, http.MethodGet, "/_dashboards/")
		if got := resp.header.Get("Location"); resp.status != http.StatusFound || got != want {
			t.Errorf("%s: answered %d, Location %s", redirect, resp.status, got)
		}
	}
	location = "https://elsewhere.example/"
	if resp := w.roundTrip(t, http.MethodGet, "/x/_search"); resp.header.Get("Location") != location {
		t.Errorf("a redirect of another path is changed: %d %v", resp.status, resp.header)
	}
	if resp := w.roundTrip(t, http.MethodHead, "/_dashboards/"); resp.status != http.StatusForbidden || resp.body != "" {
		t.Errorf("HEAD is answered %d %q", resp.status, resp.body)
	}
}

// A browser without a login is told once whose role it has. Nothing else is changed by that.
func TestABrowserIsToldWhoseRoleItHas(t *testing.T) {
	t.Parallel()
	const page = `<html><head></head><BODY class="a" data-x="1"><div id="app"></div></body></html>`
	var kind, text string
	w := newWorld(t, func(c *proxy.Config) { c.Role = "role <b>" }, func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", kind)
		_, _ = io.WriteString(rw, text)
	})
	const html, navigates = "text/html; charset=utf-8", "Sec-Fetch-Dest: document"
	kind, text = html, page
	resp := w.roundTrip(t, http.MethodGet, "/_dashboards/app/home", navigates, "Accept-Encoding: gzip")
	body := resp.body
	before, after, _ := strings.Cut(page, `<div id="app">`)
	if !strings.HasPrefix(body, before+`<div id="penstock-role"`) || !strings.HasSuffix(body, `<div id="app">`+after) ||
		!strings.Contains(body, "done as <b>role &lt;b&gt;</b>") {
		t.Errorf("the first page is %s", body)
	}
	cookies := resp.header.Values("Set-Cookie")
	if !slices.Equal(cookies, []string{"penstock_role_told=1; Path=/_dashboards; HttpOnly; SameSite=Strict"}) {
		t.Errorf("the cookies are %q", cookies)
	}
	if log := w.log.String(); strings.Count(log, "without a login") != 1 {
		t.Errorf("the log says %s", log)
	}
	for name, row := range map[string]struct{ kind, text, target, header string }{
		"the second page":    {html, page, "/_dashboards/app/home", "Cookie: penstock_role_told=1"},
		"with a session":     {html, page, "/_dashboards/app/home", "Cookie: security_authentication=x"},
		"the login":          {html, page, "/_dashboards/app/login?nextUrl=%2F", "X: y"},
		"no page":            {"application/json", "{}", "/_dashboards/api/status", "X: y"},
		"not of Dashboards":  {html, page, "/x/_search", "X: y"},
		"without a body":     {html, "<html>", "/_dashboards/", "X: y"},
		"a body without end": {html, "<html><body " + strings.Repeat("x", 300<<10), "/_dashboards/", "X: y"},
		"empty":              {html, "", "/_dashboards/", "X: y"},
	} {
		kind, text = row.kind, row.text
		resp := w.roundTrip(t, http.MethodGet, row.target, navigates, row.header)
		if resp.body != row.text || len(resp.header.Values("Set-Cookie")) > 0 {
			t.Errorf("%s: answered %d bytes, want %d: %v", name, len(resp.body), len(row.text), resp.header)
		}
	}
	kind, text = html, page
	resp = w.roundTrip(t, http.MethodGet, "/_dashboards/app/home", "Sec-Fetch-Dest: empty", "Accept: text/html")
	if resp.body != page {
		t.Errorf("a script gets %s", resp.body)
	}
	text = page + strings.Repeat("x", 400<<10)
	body = w.roundTrip(t, http.MethodGet, "/_dashboards/app/home", navigates).body
	if !strings.HasSuffix(body, text[400:]) || !strings.Contains(body, "penstock-role") {
		t.Errorf("a long page arrives with %d bytes", len(body))
	}
}

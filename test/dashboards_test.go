package test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock/internal/realtest"
	"github.com/seed56735111/penstock/sigv4"
)

// dashboardsHost is the domain that the stand-in takes itself for.
const dashboardsHost = "search-logs-abc.eu-west-1.es.amazonaws.com"

// dashboards is a small stand-in of a domain with OpenSearch Dashboards, made from the documented flows of its security
// plugin. The gate wants a signature for every request, whatever its cookies. Like the real one it sets its session
// anew with each answer, as a Secure cookie of the domain, and takes writes only with an osd-xsrf header.
type dashboards struct {
	login    string // "form", "cognito" or ""
	verifier sigv4.Verifier

	mu       sync.Mutex
	sessions map[string]string // users by the value of their cookie
	writes   []string          // what was written, whoever asked
	wrong    []string          // what no request through the proxy may have
}

func newDashboards(login string) *dashboards {
	keys := sigv4.Credentials{AccessKeyID: "AKIAALICE", SecretAccessKey: "alice-secret"}
	return &dashboards{login: login, sessions: map[string]string{}, verifier: sigv4.Verifier{
		Region: clientRegion, Service: "es",
		Lookup: func(context.Context, string) (sigv4.Credentials, error) { return keys, nil },
	}}
}

const sessionName = "security_authentication"

func (d *dashboards) setSession(w http.ResponseWriter, value string, age int) {
	http.SetCookie(w, &http.Cookie{
		Name: sessionName, Value: value, Path: "/_dashboards", Domain: dashboardsHost, MaxAge: age,
		Secure: true, HttpOnly: true,
	})
}

func (d *dashboards) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("Access-Control-Allow-Origin", "*")
	if _, err := d.verifier.VerifyHash(r, sha256.Sum256(body)); err != nil {
		http.Error(w, `{"Message":"User: anonymous is not authorized"}`, http.StatusForbidden)
		return
	}
	d.look(r)
	inside := strings.HasPrefix(r.URL.Path, "/_dashboards/")
	if r.Method != http.MethodGet && r.Method != http.MethodHead || strings.HasSuffix(r.URL.Path, "_flush") {
		if inside && r.Header.Get("Osd-Xsrf") == "" && r.Header.Get("Osd-Version") == "" {
			http.Error(w, `{"statusCode":400,"message":"Request must contain a osd-xsrf header."}`, http.StatusBadRequest)
			return
		}
		if !strings.HasPrefix(r.URL.Path, "/_dashboards/auth/") {
			d.writes = append(d.writes, r.Method+" "+r.URL.Path)
		}
	}
	if !inside {
		_, _ = io.WriteString(w, "{}")
		return
	}
	d.page(w, r, body)
}

// look finds what a request through the proxy may not have.
func (d *dashboards) look(r *http.Request) {
	own := "https://" + dashboardsHost
	if origin := r.Header.Get("Origin"); origin != "" && origin != own {
		d.wrong = append(d.wrong, "origin "+origin)
	}
	if referer := r.Header.Get("Referer"); referer != "" && !strings.HasPrefix(referer, own+"/") {
		d.wrong = append(d.wrong, "referer "+referer)
	}
	for _, c := range r.Cookies() {
		if c.Name != sessionName || !strings.HasPrefix(r.URL.Path, "/_dashboards") {
			d.wrong = append(d.wrong, "cookie "+c.Name+" for "+r.URL.Path)
		}
	}
}

func (d *dashboards) page(w http.ResponseWriter, r *http.Request, body []byte) {
	path := strings.TrimPrefix(r.URL.Path, "/_dashboards")
	w.Header().Set("Content-Security-Policy",
		"script-src 'unsafe-eval' 'self'; worker-src blob: 'self'; style-src 'unsafe-inline' 'self'")
	switch path {
	case "/bundles/login.js":
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = io.WriteString(w, loginScript)
		return
	case "/app/login":
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, `<!DOCTYPE html><html><body><form><input id="user"><input id="password" type="password">`+
			`<button id="go">Log in</button></form><script src="/_dashboards/bundles/login.js"></script></body></html>`)
		return
	case "/auth/login":
		var form struct{ Username, Password string }
		if json.Unmarshal(body, &form) != nil || form.Password != "right" {
			http.Error(w, `{"statusCode":401,"message":"Invalid username or password"}`, http.StatusUnauthorized)
			return
		}
		value := "Fe26.2**" + rand.Text() + "*"
		d.sessions[value] = form.Username
		d.setSession(w, value, 3600)
		_, _ = fmt.Fprintf(w, `{"user":{"username":%q}}`, form.Username)
		return
	}
	who := "the role"
	if d.login != "" {
		cookie, err := r.Cookie(sessionName)
		if err != nil || d.sessions[cookie.Value] == "" {
			d.toLogin(w, r)
			return
		}
		who = d.sessions[cookie.Value]
		d.setSession(w, cookie.Value, 3600)
		if path == "/auth/logout" {
			delete(d.sessions, cookie.Value)
			w.Header().Del("Set-Cookie")
			d.setSession(w, "", -1)
		}
	}
	if strings.HasPrefix(path, "/app/") || path == "/" {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprintf(w, `<!DOCTYPE html><html><body class="dark"><p id="who">%s</p><button id="out">Log out</button>`+
			`<script src="/_dashboards/bundles/login.js"></script></body></html>`, who)
		return
	}
	_, _ = fmt.Fprintf(w, `{"user_name":%q}`, who)
}

// toLogin answers those who have no session.
func (d *dashboards) toLogin(w http.ResponseWriter, r *http.Request) {
	switch {
	case d.login == "cognito":
		http.Redirect(w, r, "https://logs.auth.eu-west-1.amazoncognito.com/login?response_type=code&client_id=a&"+
			"redirect_uri=https%3A%2F%2F"+dashboardsHost+"%2F_dashboards%2Fapp%2Fhome&state=5b2c", http.StatusFound)
	case strings.HasPrefix(r.URL.Path, "/_dashboards/api/"):
		http.Error(w, `{"statusCode":401,"message":"Authentication required"}`, http.StatusUnauthorized)
	default:
		http.Redirect(w, r, "https://"+dashboardsHost+"/_dashboards/app/login?nextUrl=%2F_dashboards%2F", http.StatusFound)
	}
}

const loginScript = `
const post = (path, body) => fetch('/_dashboards' + path, {
  method: 'POST', headers: {'osd-xsrf': 'osd-fetch', 'content-type': 'application/json'}, body: JSON.stringify(body),
});
const go = document.getElementById('go'), out = document.getElementById('out');
if (go) go.onclick = async (e) => {
  e.preventDefault();
  const answer = await post('/auth/login', {
    username: document.getElementById('user').value, password: document.getElementById('password').value,
  });
  if (answer.ok) location.href = '/_dashboards/app/home';
  else document.body.insertAdjacentHTML('beforeend', '<p id="refused">no</p>');
};
if (out) out.onclick = async () => { await post('/auth/logout', {}); location.href = '/_dashboards/'; };
`

// proxyTo runs the proxy in front of a stand-in.
func proxyTo(t *testing.T, d *dashboards) string {
	t.Helper()
	domain := httptest.NewServer(d)
	t.Cleanup(domain.Close)
	return serveWith(t, append(key("AKIAALICE", "alice-secret", ""), "AWS_EC2_METADATA_DISABLED=true"),
		"proxy", "--listen", "127.0.0.1:0", "--domain", domain.URL, "--sign-for", dashboardsHost)
}

// check fails when a stand-in saw what it must not see, or another write than those.
func (d *dashboards) check(t *testing.T, writes ...string) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.wrong) > 0 {
		t.Errorf("Dashboards saw %q", d.wrong)
	}
	if diff := cmp.Diff(writes, d.writes); diff != "" {
		t.Errorf("other writes than those of its own page arrived (-want +got):\n%s", diff)
	}
}

// A client that keeps cookies as a browser does logs in and stays logged in; another one has no part in that.
func TestDashboardsKeepsAClientLoggedIn(t *testing.T) {
	t.Parallel()
	d := newDashboards("form")
	front := proxyTo(t, d)
	grace, heidi := jarClient(t), jarClient(t)
	ask := func(c *http.Client, method, target, body string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), method, front+target, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Osd-Xsrf", "osd")
		req.Header.Set("Origin", front)
		resp, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(text)
	}
	const home = "/_dashboards/app/home"
	if _, text := ask(grace, http.MethodGet, "/_dashboards/", ""); !strings.Contains(text, `id="password"`) {
		t.Errorf("before the login: %s", text)
	}
	if status, text := ask(grace, http.MethodPost, "/_dashboards/auth/login",
		`{"username":"grace","password":"right"}`); status != http.StatusOK {
		t.Fatalf("log in: %d %s", status, text)
	}
	for range 3 {
		if _, text := ask(grace, http.MethodGet, home, ""); !strings.Contains(text, `<p id="who">grace</p>`) {
			t.Errorf("logged in, and sees %s", text)
		}
	}
	if _, text := ask(heidi, http.MethodGet, home, ""); !strings.Contains(text, `id="password"`) {
		t.Errorf("another client sees %s", text)
	}
	ask(grace, http.MethodPost, "/_dashboards/api/saved_objects/x", "{}")
	ask(grace, http.MethodPost, "/_dashboards/auth/logout", "{}")
	if _, text := ask(grace, http.MethodGet, home, ""); !strings.Contains(text, `id="password"`) {
		t.Errorf("logged out, and sees %s", text)
	}
	d.check(t, "POST /_dashboards/api/saved_objects/x")
}

func jarClient(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, Timeout: time.Minute}
}

// attackPage tries to write through the proxy in every way that a page has without asking anybody.
const attackPage = `<!DOCTYPE html><html><body><script>
const to = new URLSearchParams(location.search).get('to');
const targets = ['/_dashboards/api/saved_objects/evil', '/x/_doc', '/_flush',
  '/_dashboards/api/console/proxy?path=x&method=DELETE'];
(async () => {
  for (const t of targets) {
    for (const how of [
      {method: 'POST', mode: 'no-cors', credentials: 'include', headers: {'content-type': 'text/plain'}, body: '{}'},
      {method: 'POST', credentials: 'include', headers: {'content-type': 'application/json', 'osd-xsrf': 'x'},
        body: '{}'},
      {method: 'DELETE', credentials: 'include'}, {method: 'GET', mode: 'no-cors', credentials: 'include'},
      {method: 'POST', mode: 'no-cors', referrerPolicy: 'no-referrer', body: '{}'},
    ]) { try { await fetch(to + t, how); } catch (e) { /* refused, as it should be */ } }
    navigator.sendBeacon(to + t, '{}');
    await new Promise((then) => { const i = new Image(); i.onload = i.onerror = then; i.src = to + t; });
    for (const sandbox of ['', 'allow-forms allow-scripts']) await new Promise((then) => {
      const frame = document.createElement('iframe'), form = document.createElement('form');
      frame.name = 'f' + Math.random(); frame.onload = then; document.body.append(frame);
      if (sandbox) frame.sandbox = sandbox;
      form.method = 'POST'; form.enctype = 'text/plain'; form.action = to + t; form.target = frame.name;
      form.innerHTML = '<input name="{}" value="">'; document.body.append(form); form.submit(); setTimeout(then, 500);
    });
  }
  document.body.insertAdjacentHTML('beforeend', '<p id="done">done</p>');
})();
</script></body></html>`

// A person at a browser logs in to Dashboards and stays logged in; is told of the role where there is no login; is told
// where to log in when the login is elsewhere. Meanwhile pages of other origins, also of this machine, write nothing.
func TestABrowserUsesDashboardsAndOtherPagesCannotWrite(t *testing.T) {
	t.Parallel()
	browser := realtest.Chromium(t)
	form, none, cognito := newDashboards("form"), newDashboards(""), newDashboards("cognito")
	var mu sync.Mutex
	attacks := map[string]bool{}
	foreign := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		attacks[r.Host+r.URL.Path] = true
		mu.Unlock()
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, attackPage)
	}))
	t.Cleanup(foreign.Close)
	_, port, _ := strings.Cut(foreign.Listener.Addr().String(), ":")
	script, err := filepath.Abs(filepath.Join("browser", "dashboards.js"))
	if err != nil {
		t.Fatal(err)
	}
	input, err := json.Marshal(map[string]any{
		"chromium": browser.Program, "login": proxyTo(t, form), "none": proxyTo(t, none), "cognito": proxyTo(t, cognito),
		"foreign": []string{"http://127.0.0.1:" + port, "http://localhost:" + port},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := browser.Command(ctx, script)
	cmd.Stdin, cmd.Env = bytes.NewReader(input), append(cmd.Env, "HOME="+t.TempDir(), "TMPDIR="+os.TempDir())
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, tail(errs.String(), 30))
	}
	var seen struct {
		LoginAt, Who, LoggedOut, Role, CognitoPage string
		After                                      []string
		Saved, Notice, RoleAgain, CognitoStatus    int
		Cookies                                    [][]any
	}
	if err := json.Unmarshal(out, &seen); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if seen.LoginAt != "/_dashboards/app/login" || seen.Who != "grace" || seen.Saved != 200 || seen.Notice != 0 ||
		!slices.Equal(seen.After, []string{"grace", "grace", "grace"}) || seen.LoggedOut != "/_dashboards/app/login" {
		t.Errorf("the login went %s", out)
	}
	if diff := cmp.Diff([][]any{{sessionName, "127.0.0.1", "/_dashboards", false, true}}, seen.Cookies); diff != "" {
		t.Errorf("the browser has other cookies (-want +got):\n%s", diff)
	}
	if !strings.Contains(seen.Role, "the AWS credentials of the proxy") || seen.RoleAgain != 0 {
		t.Errorf("without a login the browser is told %q, and %d times more", seen.Role, seen.RoleAgain)
	}
	if seen.CognitoStatus != 403 || !strings.Contains(seen.CognitoPage, "Amazon Cognito") ||
		!strings.Contains(seen.CognitoPage, "https://"+dashboardsHost+"/_dashboards/") {
		t.Errorf("the login elsewhere is answered %d: %s", seen.CognitoStatus, seen.CognitoPage)
	}
	if got := slices.Sorted(maps.Keys(attacks)); len(got) < 2 {
		t.Errorf("only %q attacked", got)
	}
	form.check(t, "POST /_dashboards/api/saved_objects/x")
	none.check(t)
	cognito.check(t)
}

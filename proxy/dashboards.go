package proxy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"

	"github.com/seed56735111/penstock/guard"
)

// dashboardsPaths are where Dashboards lies on a domain, and where Kibana lies on one of Elasticsearch.
var dashboardsPaths = []string{"/_dashboards", "/_plugin/kibana"}

// dashboardsBase tells whether a path as it was sent is one of Dashboards, and of which kind. A path that can be read
// in two ways is none.
func dashboardsBase(path string) (base string, ok bool) {
	for _, base := range dashboardsPaths {
		rest, found := strings.CutPrefix(path, base)
		if !found || rest != "" && rest[0] != '/' {
			continue
		}
		target, err := guard.ParseTarget(path)
		return base, err == nil && target.Path == path
	}
	return "", false
}

// shown is a request to Dashboards under way.
type shown struct {
	base string
	// plain says that the client and the proxy speak plain HTTP.
	plain bool
	// browser says that a person is to see the answer as a page.
	browser bool
	// loggedIn says that the request has a session, toldRole that its browser has been told whose role it has.
	loggedIn, toldRole bool
}

type shownKey struct{}

// roleCookie remembers in a browser that it was told whose role it has.
const roleCookie = "penstock_role_told"

// shownOf is the visit that an answer belongs to; nil when it is none of Dashboards.
func shownOf(resp *http.Response) *shown {
	v, _ := resp.Request.Context().Value(shownKey{}).(*shown)
	return v
}

// toDashboards adds what Dashboards needs beside the headers that every request may have: the session of this client,
// and the origin that Dashboards takes for its own. The origin was checked before.
func (p *Proxy) toDashboards(r *httputil.ProxyRequest, header http.Header) {
	path, _, _ := strings.Cut(r.In.RequestURI, "?")
	base, ok := dashboardsBase(path)
	if !ok {
		return
	}
	v := &shown{base: base, plain: r.In.TLS == nil, browser: isNavigation(r.In)}
	if cookies := sessionCookies(r.In.Header); cookies != "" {
		v.loggedIn = true
		header.Set("Cookie", cookies)
	}
	if _, err := r.In.Cookie(roleCookie); err == nil {
		v.toldRole = true
	}
	if r.In.Header.Get("Origin") != "" {
		header.Set("Origin", p.origin)
	}
	if u, err := url.Parse(r.In.Header.Get("Referer")); err == nil && u.Host != "" {
		referer := &url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery}
		header.Set("Referer", p.origin+p.prefix+referer.String())
	}
	if v.browser {
		delete(header, "Accept-Encoding") // a page may get a notice
	}
	r.Out = r.Out.WithContext(context.WithValue(r.Out.Context(), shownKey{}, v))
}

// isNavigation reports whether a browser wants to show the answer as a page.
func isNavigation(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	if dest := r.Header.Get("Sec-Fetch-Dest"); dest != "" {
		return dest == "document"
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

// fromDashboards makes an answer of Dashboards one that works at the proxy's address. Cookies are those that the domain
// sets.
func (p *Proxy) fromDashboards(resp *http.Response, v *shown, cookies []string) error {
	if away := p.loginElsewhere(resp); away != nil {
		return p.explainLogin(resp, v, away)
	}
	if kept := localCookies(cookies, v.plain); len(kept) > 0 {
		resp.Header["Set-Cookie"] = kept
	}
	if v.browser && !v.loggedIn && !v.toldRole && p.cfg.Role != "" && isFirstPage(resp, v) {
		return p.tellRole(resp, v)
	}
	return nil
}

// loginElsewhere is the address of a redirect that leads away from the domain: a login by Cognito, SAML or OpenID.
func (p *Proxy) loginElsewhere(resp *http.Response) *url.URL {
	if resp.StatusCode < 300 || resp.StatusCode > 399 {
		return nil
	}
	u, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || u.Host == "" || p.isDomain(u.Host) {
		return nil
	}
	return u
}

// isDomain reports whether a host is that of the domain, by whichever name.
func (p *Proxy) isDomain(host string) bool {
	return strings.EqualFold(host, p.base.Host) || p.cfg.SignFor != "" && strings.EqualFold(host, p.cfg.SignFor)
}

// loginKind names the kind of login that a redirect begins.
func loginKind(u *url.URL) string {
	query := u.Query()
	switch {
	case strings.HasSuffix(u.Hostname(), ".amazoncognito.com"):
		return "Amazon Cognito"
	case query.Has("SAMLRequest"):
		return "SAML"
	case query.Has("response_type") && query.Has("client_id"):
		return "OpenID Connect, as Amazon Cognito has it"
	}
	return "another address"
}

// causeLogin says that Dashboards is logged in to at the domain's own address alone.
const causeLogin = "login-elsewhere"

// explainLogin puts an explanation in the place of a redirect to a login that would end at the domain's own address.
func (p *Proxy) explainLogin(resp *http.Response, v *shown, away *url.URL) error {
	p.log.LogAttrs(resp.Request.Context(), slog.LevelWarn, "dashboards is logged in to at the domain's own address",
		slog.String("kind", loginKind(away)), slog.String("host", away.Host))
	err := resp.Body.Close()
	own := p.origin + p.prefix + v.base + "/"
	text := fmt.Sprintf("Dashboards of this domain is logged in to by %s, at %s. "+
		"That login ends at the domain's own address, and the proxy cannot follow it: open %s in the browser",
		loginKind(away), away.Host, own)
	body, kind := refusalJSON(&refusal{http.StatusForbidden, causeLogin, text}), "application/json"
	if v.browser {
		kind = "text/html; charset=utf-8"
		body = fmt.Appendf(nil, loginPage, html.EscapeString(loginKind(away)), html.EscapeString(away.Host),
			html.EscapeString(own))
	}
	resp.StatusCode, resp.Status = http.StatusForbidden, ""
	resp.Header = http.Header{
		"Content-Type": {kind}, "Cache-Control": {"no-store"}, "X-Content-Type-Options": {"nosniff"},
		"Content-Security-Policy": {"default-src 'none'; style-src 'unsafe-inline'"}, CauseHeader: {causeLogin},
		"Content-Length": {strconv.Itoa(len(body))},
	}
	resp.ContentLength, resp.Trailer = int64(len(body)), nil
	resp.Body = io.NopCloser(bytes.NewReader(body))
	if resp.Request.Method == http.MethodHead {
		resp.Body = http.NoBody
	}
	return err
}

// loginPage explains a login at another address: the kind, the host, the address of Dashboards.
const loginPage = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Log in at the domain's own address</title>
<style>body{font:16px/1.5 sans-serif;max-width:44em;margin:3em auto;padding:0 1em}</style></head><body>
<h1>Log in at the domain's own address</h1>
<p>Dashboards of this domain is logged in to by <b>%[1]s</b>, at <code>%[2]s</code>. That login sends the browser back
to the domain, and its session belongs to that address. It cannot end at this proxy, which does not follow it.</p>
<p>There are three ways on:</p>
<ul>
<li>Open <a href="%[3]s" rel="noreferrer">%[3]s</a> in the browser, and log in there. The domain's access policy has to
let the browser in: the role of the identity pool for Amazon Cognito, every address for SAML with fine-grained
access.</li>
<li>Run a Dashboards of your own on this machine, and give it this proxy as its <code>opensearch.hosts</code>.</li>
<li>For calls of the API this proxy works as it is: they need no login.</li>
</ul>
<p>docs/dashboards.md has each of them step by step.</p>
</body></html>
`

// isFirstPage reports whether an answer is a page of Dashboards that has no login before it.
func isFirstPage(resp *http.Response, v *shown) bool {
	path, kind := resp.Request.URL.Path, resp.Header.Get("Content-Type")
	if resp.Request.URL.Opaque != "" {
		path = resp.Request.URL.Opaque
	}
	return resp.StatusCode == http.StatusOK && strings.HasPrefix(kind, "text/html") &&
		resp.Header.Get("Content-Encoding") == "" && resp.Request.Method == http.MethodGet &&
		!strings.HasSuffix(path, v.base+"/app/login") && !strings.HasSuffix(path, v.base+"/login") &&
		!strings.Contains(path, v.base+"/auth/")
}

// maxHead is how far the beginning of a page's body is looked for.
const maxHead = 256 << 10

// tellRole says on a page, and in the log, that whoever sees it acts as the proxy. A page whose beginning is not found
// passes as it is.
func (p *Proxy) tellRole(resp *http.Response, v *shown) error {
	head := make([]byte, maxHead)
	n, err := io.ReadFull(resp.Body, head)
	head = head[:n]
	switch {
	case err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
	default:
		return fmt.Errorf("read page of dashboards: %w", err)
	}
	at := bodyStart(head)
	rest := io.Reader(resp.Body)
	if at >= 0 {
		notice := fmt.Appendf(nil, roleNotice, html.EscapeString(p.cfg.Role))
		head = bytes.Join([][]byte{head[:at], head[at:]}, notice)
		resp.Header.Del("Etag")
		resp.Header.Set("Cache-Control", "no-store")
		resp.Header.Add("Set-Cookie", roleCookie+"=1; Path="+v.base+"; HttpOnly; SameSite=Strict")
		if resp.ContentLength >= 0 {
			resp.ContentLength += int64(len(notice))
			resp.Header.Set("Content-Length", strconv.FormatInt(resp.ContentLength, 10))
		}
		p.log.LogAttrs(resp.Request.Context(), slog.LevelWarn, "a browser uses dashboards without a login",
			slog.String("acts_as", p.cfg.Role))
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), rest), resp.Body}
	return nil
}

// bodyStart is where the contents of a page begin, behind its <body …>; -1 when that is not there.
func bodyStart(page []byte) int {
	lower := bytes.ToLower(page)
	if len(lower) != len(page) {
		return -1 // a letter that has another length in lower case
	}
	for at := 0; ; {
		i := bytes.Index(lower[at:], []byte("<body"))
		if i < 0 {
			return -1
		}
		at += i + len("<body")
		if at < len(page) && bytes.IndexByte([]byte("> \t\r\n"), page[at]) >= 0 {
			if end := bytes.IndexByte(page[at:], '>'); end >= 0 {
				return at + end + 1
			}
			return -1
		}
	}
}

// roleNotice lies over the foot of the first page that a browser gets. It has no script, and goes away with the next
// page.
const roleNotice = `<div id="penstock-role" role="status" style="position:fixed;bottom:0;left:0;right:0;` +
	`z-index:99999;padding:8px 16px;background:#fff3c4;color:#222;font:14px/1.4 sans-serif;` +
	`border-top:1px solid #b58900">penstock proxy: there is no login here. ` +
	`Whatever you do in this Dashboards is done as <b>%s</b>.</div>`

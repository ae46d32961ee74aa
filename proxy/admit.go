package proxy

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// checkHost refuses names that do not mean this machine. A web page can have its own name point here (DNS rebinding),
// and its browser then takes our answers for the page's.
func (p *Proxy) checkHost(r *http.Request) *refusal {
	port := ""
	switch local := r.Context().Value(http.LocalAddrContextKey).(type) {
	case *net.UnixAddr:
		return nil // no browser gets there
	case *net.TCPAddr:
		_, port, _ = net.SplitHostPort(local.String())
	}
	host := strings.ToLower(r.Host)
	name, asked, err := net.SplitHostPort(host)
	if err != nil {
		name, asked = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"), "80"
		if r.TLS != nil {
			asked = "443"
		}
	}
	if (name == "localhost" || name == "127.0.0.1" || name == "::1") && (port == "" || asked == port) {
		return nil
	}
	for _, allowed := range p.cfg.Hosts {
		if allowed = strings.ToLower(allowed); host != "" && (allowed == host || allowed == name) {
			return nil
		}
	}
	return &refusal{
		http.StatusForbidden, causeHost,
		"the Host header does not name this proxy; --allow-host lets another name in",
	}
}

// checkOrigin refuses what a web page of another origin sends. Requests that clear caches or refresh indexes need no
// body and no permission of the browser's, so this holds for every method.
func checkOrigin(r *http.Request) *refusal {
	foreign := &refusal{http.StatusForbidden, causeOrigin, "a web page of another origin sends this request"}
	sites := r.Header.Values("Sec-Fetch-Site")
	for _, site := range sites {
		if site != "same-origin" && site != "none" {
			return foreign
		}
	}
	for _, origin := range r.Header.Values("Origin") {
		if !sameOrigin(r, origin) {
			return foreign
		}
	}
	if len(sites) > 0 {
		return nil
	}
	for _, referer := range r.Header.Values("Referer") {
		if !sameOrigin(r, referer) {
			return foreign
		}
	}
	return nil
}

func sameOrigin(r *http.Request, address string) bool {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	u, err := url.Parse(address)
	return err == nil && u.Scheme == scheme && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

// checkForm refuses requests that no domain answers, or that two programs could read in two ways.
func checkForm(r *http.Request) *refusal {
	wrong := func(text string) *refusal { return &refusal{http.StatusBadRequest, causeForm, text} }
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch,
		http.MethodOptions:
	default:
		return &refusal{http.StatusMethodNotAllowed, causeForm, "the method is not one that a domain has"}
	}
	target := r.RequestURI
	if !strings.HasPrefix(target, "/") {
		return wrong("the request target is not a path: where requests go is the proxy's setting")
	}
	for i := range len(target) {
		if c := target[i]; c <= ' ' || c == 0x7f || c == '#' {
			return wrong("the request target has a space, a control byte or a fragment")
		}
	}
	if path, _, _ := strings.Cut(target, "?"); strings.HasPrefix(path, "//") && r.URL.EscapedPath() != path {
		return wrong("the request target begins with two slashes and has characters that must be escaped")
	}
	if r.ProtoMajor == 2 && !sameInFields(r) {
		return wrong("a field of the request says another host or another length than the request has")
	}
	if u := r.Header.Get("Upgrade"); u != "" && !strings.EqualFold(u, "h2c") {
		return wrong("protocol upgrades are not possible")
	}
	for _, name := range []string{"Content-Type", "Content-Encoding"} {
		values := r.Header.Values(name)
		if name == "Content-Type" {
			values = slices.Compact(values) // some clients say it twice
		}
		if len(values) > 1 {
			return wrong("the header " + name + " is there more than once")
		}
	}
	return nil
}

// sameInFields reports whether the fields that HTTP/1.1 tells host and length by agree with the request. In HTTP/2 they
// need not be there, and net/http leaves them unread.
func sameInFields(r *http.Request) bool {
	for _, host := range r.Header["Host"] {
		if !strings.EqualFold(host, r.Host) {
			return false
		}
	}
	lengths := r.Header["Content-Length"]
	return len(lengths) == 0 || len(lengths) == 1 && lengths[0] == strconv.FormatInt(r.ContentLength, 10)
}

package proxy

import (
	"net/http"
	"strings"
)

// isSession reports whether a cookie is one that the security plugin of Dashboards sets: security_authentication, its
// parts (security_authentication_saml1), security_storage and security_preferences. A browser sends the cookies of
// every program on this machine to every port of it, and those of the others are not the domain's business.
func isSession(name string) bool { return strings.HasPrefix(name, "security_") }

// sessionCookies are the cookies of a request that belong to Dashboards, as they were written.
func sessionCookies(h http.Header) string {
	var kept []string
	for _, line := range h["Cookie"] {
		for part := range strings.SplitSeq(line, ";") {
			part = strings.TrimSpace(part)
			if name, _, _ := strings.Cut(part, "="); isSession(name) {
				kept = append(kept, part)
			}
		}
	}
	return strings.Join(kept, "; ")
}

// localCookies are the cookies of an answer that a browser is to keep for the proxy. Domain names a host that the proxy
// is not. Secure, and what only goes with it, would keep a browser from sending the cookie over plain HTTP.
func localCookies(lines []string, plain bool) []string {
	var kept []string
	for _, line := range lines {
		pair, attributes, _ := strings.Cut(line, ";")
		if name, _, _ := strings.Cut(strings.TrimSpace(pair), "="); !isSession(name) {
			continue
		}
		cookie := []string{strings.TrimSpace(pair)}
		for part := range strings.SplitSeq(attributes, ";") {
			part = strings.TrimSpace(part)
			name, value, _ := strings.Cut(part, "=")
			switch name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value); {
			case name == "" || name == "domain":
			case plain && (name == "secure" || name == "partitioned"):
			case plain && name == "samesite" && strings.EqualFold(value, "none"):
				cookie = append(cookie, "SameSite=Lax")
			default:
				cookie = append(cookie, part)
			}
		}
		kept = append(kept, strings.Join(cookie, "; "))
	}
	return kept
}

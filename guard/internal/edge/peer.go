package edge

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// SourceIP is the address that aws:SourceIp holds: the peer of the connection or, when that is a trusted proxy, the
// right-most address of X-Forwarded-For that is not one. What a proxy that is not trusted writes there counts for
// nothing. It is the zero Addr when the connection has no IP address (a Unix socket).
func SourceIP(r *http.Request, trusted []netip.Prefix) netip.Addr {
	hop := ParseAddr(r.RemoteAddr)
	if !hop.IsValid() || !contains(trusted, hop) {
		return hop
	}
	// Repeated fields are one list, in order (RFC 9110, 5.3).
	list := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, entry := range slices.Backward(list) {
		next := ParseAddr(strings.TrimSpace(entry))
		if !next.IsValid() {
			// Left of something that no proxy writes anything could be made up.
			return hop
		}
		hop = next
		if !contains(trusted, hop) {
			return hop
		}
	}
	return hop
}

// ParseAddr reads an address with or without a port.
func ParseAddr(s string) netip.Addr {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return a.Unmap().WithZone("")
	}
	return netip.Addr{}
}

func contains(list []netip.Prefix, a netip.Addr) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

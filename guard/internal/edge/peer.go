package edge

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// SourceIP is the value of aws:SourceIp. It is the peer of the connection. When that is a trusted proxy, it is the
// right-most address of X-Forwarded-For that is no trusted proxy. Other peers' X-Forwarded-For is ignored. It is the
// zero Addr when the connection has no IP address (a Unix socket).
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
			// A proxy writes addresses only. What is left of anything else may be made up.
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

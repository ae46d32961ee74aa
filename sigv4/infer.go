package sigv4

import (
	"net"
	"strings"
)

// The services whose rules this package knows.
const (
	ServiceDomain     = "es"
	ServiceServerless = "aoss"
)

// Infer returns the region and the service that the host name of a domain or collection says. The name may have a port.
// For every other name ok is false: a custom endpoint, a tunnel, an address, an endpoint of the configuration API.
// There is no default region: the caller has to give it then.
func Infer(host string) (region, service string, ok bool) {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))

	// NAME.aos.REGION.on.aws is the dual-stack name of a domain, COLLECTION.aoss.REGION.on.aws and
	// ACCOUNT.aoss.REGION.on.aws are endpoints of serverless collections.
	if rest, found := strings.CutSuffix(host, ".on.aws"); found {
		rest, region := cutLast(rest)
		name, label := cutLast(rest)
		switch {
		case name == "" || !isRegion(region):
		case label == "aos":
			return region, ServiceDomain, true
		case label == ServiceServerless:
			return region, ServiceServerless, true
		}
		return "", "", false
	}
	for _, suffix := range [...]struct {
		domain     string
		serverless bool
	}{
		{".amazonaws.com", true}, // aws and aws-us-gov
		{".amazonaws.com.cn", false},
		{".c2s.ic.gov", false},
		{".sc2s.sgov.gov", false},
		{".cloud.adc-e.uk", false},
		{".csp.hci.ic.gov", false},
		{".amazonaws.eu", false},
	} {
		rest, found := strings.CutSuffix(host, suffix.domain)
		if !found {
			continue
		}
		rest, service := cutLast(rest)
		name, region := cutLast(rest)
		if name == "" || !isRegion(region) {
			return "", "", false
		}
		switch {
		case service == ServiceDomain, service == ServiceServerless && suffix.serverless:
			return region, service, true
		case service == ServiceServerless+"-fips" && suffix.serverless:
			return region, ServiceServerless, true
		}
		return "", "", false
	}
	return "", "", false
}

// cutLast cuts s around the last dot; without one, all of s is after.
func cutLast(s string) (before, after string) {
	i := strings.LastIndexByte(s, '.')
	return s[:max(i, 0)], s[i+1:]
}

// isRegion reports whether s has the form of a region name: parts of letters and a number at the end.
func isRegion(s string) bool {
	parts := strings.Split(s, "-")
	if len(parts) < 3 {
		return false
	}
	for i, part := range parts {
		if part == "" {
			return false
		}
		last := i == len(parts)-1
		for j := range len(part) {
			if digit := '0' <= part[j] && part[j] <= '9'; digit != last || !digit && (part[j] < 'a' || part[j] > 'z') {
				return false
			}
		}
	}
	return true
}

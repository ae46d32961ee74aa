package cli

import (
	"cmp"
	"context"
	"net"
	"strings"
	"time"

	"github.com/seed56735111/penstock/domain"
)

// detour is one --connect-to rule of curl's: connections to the first place go to the second. An empty part of the
// first matches everything, one of the second leaves it as it is.
type detour struct{ fromHost, fromPort, toHost, toPort string }

// parseDetours reads HOST1:PORT1:HOST2:PORT2; IPv6 addresses stand in brackets.
func parseDetours(rules []string) ([]detour, error) {
	detours := make([]detour, 0, len(rules))
	for _, rule := range rules {
		var parts []string
		rest, more := rule, true
		for more {
			var part string
			if end := strings.IndexByte(rest, ']'); strings.HasPrefix(rest, "[") && end > 0 {
				part = rest[1:end]
				rest = rest[end+1:]
				if rest != "" && rest[0] != ':' {
					parts = nil
					break
				}
				rest, more = strings.CutPrefix(rest, ":")
			} else {
				part, rest, more = strings.Cut(rest, ":")
			}
			parts = append(parts, part)
		}
		if len(parts) != 4 {
			return nil, usagef("write it as HOST1:PORT1:HOST2:PORT2", "%q does not say where to connect", rule)
		}
		detours = append(detours, detour{parts[0], parts[1], parts[2], parts[3]})
	}
	return detours, nil
}

// dialVia connects where the first rule that matches says.
func dialVia(detours []detour) domain.DialFunc {
	d := &net.Dialer{Timeout: 8 * time.Second}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		host, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		for _, r := range detours {
			if (r.fromHost == "" || strings.EqualFold(r.fromHost, host)) && (r.fromPort == "" || r.fromPort == port) {
				host, port = cmp.Or(r.toHost, host), cmp.Or(r.toPort, port)
				break
			}
		}
		return d.DialContext(ctx, network, net.JoinHostPort(host, port))
	}
}

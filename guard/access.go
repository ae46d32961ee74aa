package guard

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/seed56735111/penstock/guard/internal/edge"
)

// The elements of an access policy that the presets need.
type (
	policyDoc struct {
		Version   string
		Statement []statementDoc
	}
	statementDoc struct {
		Effect    string
		Principal map[string]any
		Action    []string
		Condition map[string]map[string][]string `json:",omitempty"`
		Resource  string
	}
)

// Access writes the access policy that one of the console's presets stands for, for the domain with this ARN:
//
//	open             everyone, anonymous callers included
//	deny             nobody
//	ip=CIDR,…        callers from these addresses, anonymous ones included
//	iam=ARN,…        these users, roles or accounts
//
// Principals is what an iam preset names.
func Access(spec, domainARN string) (policy []byte, principals []string, err error) {
	kind, list, _ := strings.Cut(spec, "=")
	s := statementDoc{
		Effect: "Allow", Principal: map[string]any{"AWS": "*"}, Action: []string{"es:*"}, Resource: domainARN + "/*",
	}
	values := strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
	switch {
	case kind == "open" && list == "":
	case kind == "deny" && list == "":
		s.Effect = "Deny"
	case kind == "ip" && len(values) > 0:
		for _, v := range values {
			if _, perr := netip.ParsePrefix(v); perr != nil {
				if _, aerr := netip.ParseAddr(v); aerr != nil {
					return nil, nil, fmt.Errorf("access %q: %q is not an address or a CIDR block", spec, v)
				}
			}
		}
		s.Condition = map[string]map[string][]string{"IpAddress": {"aws:SourceIp": values}}
	case kind == "iam" && len(values) > 0:
		for _, v := range values {
			if _, perr := edge.ParseARN(v); perr != nil && !edge.IsAccount(v) {
				return nil, nil, fmt.Errorf("access %q: %q is neither an ARN nor an account id", spec, v)
			}
		}
		s.Principal = map[string]any{"AWS": values}
		principals = values
	default:
		return nil, nil, fmt.Errorf("access %q: want open, deny, ip=CIDR,… or iam=ARN,…", spec)
	}
	return edge.Marshal(policyDoc{Version: "2012-10-17", Statement: []statementDoc{s}}), principals, nil
}

package iam

import (
	"slices"
	"strings"
)

// Domains are the domains that the policy's resources name in full, without wildcards, in the order of the document. A policy on
// "*" names none.
func (p *Policy) Domains() []Domain {
	var found []Domain
	for i := range p.statements {
		for _, r := range p.statements[i].resources {
			arn := r.text
			if head, path, ok := strings.Cut(arn, ":domain/"); ok {
				name, _, _ := strings.Cut(path, "/")
				arn = head + ":domain/" + name
			}
			if strings.ContainsAny(arn, "*?") {
				continue // partition and region would take them
			}
			if d, err := ParseDomain(arn); err == nil && !slices.Contains(found, d) {
				found = append(found, d)
			}
		}
	}
	return found
}

package iam

import (
	"slices"
	"strings"
)

// Domains are the domains that the policy's resources name in full, in the order of the document. A resource with a
// wildcard in the domain's ARN names none.
func (p *Policy) Domains() []Domain {
	var found []Domain
	for i := range p.statements {
		for _, r := range p.statements[i].resources {
			if d, ok := r.domain(); ok && !slices.Contains(found, d) {
				found = append(found, d)
			}
		}
	}
	return found
}

// domain is the domain that the resource names in full.
func (r *resourcePattern) domain() (Domain, bool) {
	arn := r.text
	if head, path, ok := strings.Cut(arn, ":domain/"); ok {
		name, _, _ := strings.Cut(path, "/")
		arn = head + ":domain/" + name
	}
	if strings.ContainsAny(arn, "*?$") {
		return Domain{}, false // ParseDomain takes any text for partition and region
	}
	d, err := ParseDomain(arn)
	return d, err == nil
}

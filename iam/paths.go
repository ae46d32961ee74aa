package iam

import (
	"fmt"
	"slices"
	"strings"
)

// anyDomain stands for the domain of a policy whose resources are paths alone. Its name is fixed: a star in its place
// would reach into the path.
const anyDomain = "arn:*:es:*:*:domain/any"

// ParsePaths reads the access policy of a gate that does not know the ARN of the domain behind it. A resource that
// begins with a slash, such as "/logs-*/_search", is a path of that domain.
//
// With domainARN empty, the domain is the one that the policy's other resources name in full. Without such resources it
// is one without an account: see [Policy.DomainOf]. A policy that names several domains, or one with a wildcard, needs
// domainARN: a resource that silently fits nothing could be that of a Deny.
//
// Conditions have to be on keys that a gate knows, see [GateKeys].
func ParsePaths(doc []byte, domainARN string) (*Policy, error) {
	if domainARN != "" {
		d, err := ParseDomain(domainARN)
		if err != nil {
			return nil, err
		}
		return parsePaths(doc, d.ARN(), d)
	}
	p, err := parsePaths(doc, anyDomain, Domain{Name: "any"})
	if err != nil {
		return nil, err
	}
	named := p.Domains()
	if len(named) > 1 {
		return nil, &Error{Problem: fmt.Sprintf("it names %d domains, and which one is meant is not given: %s, %s",
			len(named), clipped(named[0].ARN()), clipped(named[1].ARN()))}
	}
	if err := p.onePlace(); err != nil {
		return nil, err
	}
	if len(named) == 0 {
		return p, nil
	}
	return parsePaths(doc, named[0].ARN(), named[0])
}

func parsePaths(doc []byte, prefix string, d Domain) (*Policy, error) {
	p, err := parse(doc, true, prefix)
	if err != nil {
		return nil, err
	}
	p.about = d
	for i := range p.statements {
		for key := range p.statements[i].keys {
			if !slices.Contains(GateKeys(), key) {
				return nil, &Error{
					Path: fmt.Sprintf("Statement[%d]", i),
					Problem: quoted(key) + " is a condition key that a gate in front of the domain does not know; it knows " +
						strings.Join(GateKeys(), ", "),
				}
			}
		}
	}
	return p, nil
}

// keys yields the condition keys of a statement, those in policy variables too, in lower case.
func (s *statement) keys(yield func(key string) bool) {
	var patterns []pattern
	for i := range s.resources {
		patterns = append(patterns, s.resources[i].pattern)
	}
	for i := range s.conditions {
		if !yield(s.conditions[i].key) {
			return
		}
		patterns = append(patterns, s.conditions[i].patterns...)
	}
	for _, p := range patterns {
		for _, q := range p {
			if q.kind == partVariable && !yield(q.key) {
				return
			}
		}
	}
}

// GateKeys are the condition keys that a gate in front of a domain knows, in lower case.
func GateKeys() []string {
	return []string{
		"aws:currenttime", "aws:epochtime", "aws:sourceip", "aws:useragent", "aws:referer", "aws:principaltype",
		"aws:principalarn", "aws:principalaccount", "aws:username",
	}
}

// onePlace refuses a resource that is neither a path, nor everything, nor of a domain that it names in full.
func (p *Policy) onePlace() error {
	for i := range p.statements {
		for _, r := range p.statements[i].resources {
			if r.text == "*" || strings.HasPrefix(r.text, anyDomain+"/") {
				continue
			}
			if _, ok := r.domain(); !ok {
				return &Error{
					Path: fmt.Sprintf("Statement[%d].Resource", i),
					Problem: quoted(r.text) + " does not name one domain in full, and which one is meant is not given; " +
						"write the path alone, such as /logs-*/_search",
				}
			}
		}
	}
	return nil
}

// DomainOf is the domain that a policy of [ParsePaths] is about, for a caller: one that is known by its paths alone is
// in the account of every caller.
func (p *Policy) DomainOf(caller Principal) Domain {
	d := p.about
	if d.Account != "" {
		return d
	}
	d.Partition, d.Region, d.Account = caller.partition, "any", caller.account
	if d.Account == "" {
		d.Account = "000000000000"
	}
	return d
}

package iam

import (
	"fmt"
	"net/netip"
	"strings"
)

// Warning is something in a policy that is allowed and most likely not what was meant.
type Warning struct {
	// Path is the place in the document.
	Path string
	// Rule names the kind of the warning, for scripts: "domain-without-path" and so on.
	Rule string
	// Text says what happens, and what to write instead.
	Text string
}

// Lint looks for the traps of access policies. Resources are compared with the domain unless the domain has no name.
// Lint does not find what the service refuses: see [ParseResource] and [Policy.CheckFor].
func Lint(p *Policy, d Domain) []Warning {
	l := linter{policy: p, domain: d, reached: reached(p)}
	for i := range p.statements {
		l.path = fmt.Sprintf("Statement[%d]", i)
		l.statement(&p.statements[i])
	}
	return l.warnings
}

type linter struct {
	policy   *Policy
	domain   Domain
	reached  map[Effect][]arnPattern
	path     string // of the statement
	warnings []Warning
}

// reached lists the resources of each effect's statements. Policy variables stand for their defaults.
func reached(p *Policy) map[Effect][]arnPattern {
	all := map[Effect][]arnPattern{}
	for i := range p.statements {
		s := &p.statements[i]
		for j := range s.resources {
			a := s.resources[j].arn
			if p := s.resources[j].pattern; p.hasVariables() {
				a = newARNPattern(p.resolve(&Context{}))
			}
			if !s.notResource {
				all[s.effect] = append(all[s.effect], a)
			}
		}
	}
	return all
}

func (l *linter) warn(element, rule, format string, args ...any) {
	path := l.path
	if element != "" {
		path += "." + element
	}
	l.warnings = append(l.warnings, Warning{path, rule, fmt.Sprintf(format, args...)})
}

func (l *linter) statement(s *statement) {
	if s.isOpen() {
		l.warn("Principal", "open", "everyone may do this, without a signature; name the principals, or add a condition")
	}
	for i := range s.principals {
		l.principal(s, &s.principals[i])
	}
	l.actions(s)
	for i := range s.resources {
		l.resource(s, &s.resources[i])
	}
	for i := range s.conditions {
		l.condition(s, &s.conditions[i])
	}
	if l.policy.isResource && len(s.resources) == 0 {
		l.warn("", "no-resource", "there is no Resource; the service fills in domain/NAME/*")
	}
	if !l.policy.hasVariables() && s.looksVariable() {
		l.warn("", "old-version",
			`policy variables mean nothing without "Version": "2012-10-17"; ${…} is compared as it stands`)
	}
}

func (l *linter) principal(s *statement, e *principalEntry) {
	switch {
	case e.kind == entryOther:
		l.warn("Principal", "service-principal", "%s never calls a domain's own endpoint", e.text)
	case e.kind == entryAccount && s.effect == Allow:
		l.warn("Principal", "account-delegates", "%s admits nobody by itself: it delegates to the account, "+
			"where an identity policy has to allow the caller too", e.text)
	case e.kind == entryUserID || e.kind == entryRoleID:
		l.warn("Principal", "deleted-principal", "%s is a unique id, which is what is left of a deleted principal; "+
			"write the ARN of the principal that is meant", e.text)
	}
	if l.domain.Account != "" && e.account != "" && e.account != l.domain.Account && s.effect == Allow {
		l.warn("Principal", "foreign-principal", "%s is of another account than the domain: "+
			"an identity policy there has to allow the calls too", e.text)
	}
}

func (l *linter) condition(s *statement, c *condition) {
	switch {
	case c.key == "aws:securetransport", strings.HasPrefix(c.key, "aws:principaltag/"):
		l.warn("Condition", "unsupported-key",
			"the service does not know %s: the condition is judged as if the key were absent", c.keyText)
	case c.key == "aws:sourceip" && l.domain.VPC:
		l.warn("Condition", "vpc-source-ip",
			"requests to a domain inside a VPC have no aws:SourceIp; use aws:VpcSourceIp, or a security group")
	case c.set == setAll && s.effect == Allow:
		l.warn("Condition", "for-all-values",
			"ForAllValues is fulfilled when the request has no %s; add a Null condition that wants it", c.keyText)
	case c.ifExists && s.effect == Allow && !c.negated:
		l.warn("Condition", "if-exists", "%s is fulfilled when the request has no %s", c.operator, c.keyText)
	}
	l.keys(s, c)
	for i, value := range c.values {
		if strings.Contains(value, "*") && !strings.Contains(value, "${*}") && c.isLiteral() {
			l.warn("Condition", "literal-wildcard", "%s compares the * of %q as a character; %s knows wildcards",
				c.operator, value, c.withWildcards())
		}
		if i < len(c.parsed) {
			l.addresses(s, c, c.parsed[i], value)
		}
	}
}

// withWildcards names the operator that compares text as this one does, and knows wildcards.
func (c *condition) withWildcards() string {
	return strings.NewReplacer("EqualsIgnoreCase", "Like", "Equals", "Like").Replace(c.operator)
}

// addresses looks at a block of addresses.
func (l *linter) addresses(s *statement, c *condition, parsed any, value string) {
	block, ok := parsed.(netip.Prefix)
	if !ok {
		return
	}
	switch addr := block.Addr(); {
	case block.Bits() == 0 && s.effect == Allow && !c.negated:
		l.warn("Condition", "every-address", "%s is every address: the condition keeps nobody out", value)
	case c.key != "aws:sourceip" || l.domain.VPC || l.domain.Name == "":
	case addr.IsPrivate() || addr.IsLoopback() || addr.IsLinkLocalUnicast():
		l.warn("Condition", "private-source-ip", "%s is a private address: "+
			"a domain with a public endpoint sees the address that callers have on the Internet", value)
	}
}

// isLiteral reports whether the operator compares text without wildcards.
func (c *condition) isLiteral() bool {
	return strings.Contains(c.operator, "StringEquals") || strings.Contains(c.operator, "StringNotEquals")
}

// looksVariable reports whether a value seems to hold a policy variable.
func (s *statement) looksVariable() bool {
	for i := range s.resources {
		if strings.Contains(s.resources[i].text, "${") {
			return true
		}
	}
	for i := range s.conditions {
		if strings.Contains(strings.Join(s.conditions[i].values, " "), "${") {
			return true
		}
	}
	return false
}

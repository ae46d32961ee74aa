package iam

import (
	"fmt"
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

// Lint looks for the traps of access policies. A domain with a name makes it compare resources with it; the zero Domain
// leaves that out. What the service refuses is not here: see [ParseResource] and [Policy.CheckFor].
func Lint(p *Policy, d Domain) []Warning {
	l := linter{policy: p, domain: d}
	for i := range p.statements {
		l.path = fmt.Sprintf("Statement[%d]", i)
		l.statement(&p.statements[i])
	}
	return l.warnings
}

type linter struct {
	policy   *Policy
	domain   Domain
	path     string
	warnings []Warning
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
	l.principals(s)
	l.actions(s)
	for i := range s.resources {
		l.resource(s, s.resources[i].text)
	}
	l.conditions(s)
	if l.policy.isResource && len(s.resources) == 0 {
		l.warn("", "no-resource", "there is no Resource; the service fills in domain/NAME/*")
	}
}

func (l *linter) principals(s *statement) {
	for i := range s.principals {
		e := &s.principals[i]
		switch {
		case e.kind == entryOther:
			l.warn("Principal", "service-principal", "%s never calls a domain's own endpoint", e.text)
		case e.kind == entryAccount && s.effect == Allow:
			l.warn("Principal", "account-delegates", "%s admits nobody by itself: it delegates to the account, where an identity policy has to allow the caller too", e.text)
		case e.kind == entryUserID || e.kind == entryRoleID:
			l.warn("Principal", "deleted-principal", "%s is the id of a principal that was deleted, or it will not be told apart by people; name its ARN", e.text)
		}
		if l.domain.Account != "" && e.account != "" && e.account != l.domain.Account && s.effect == Allow {
			l.warn("Principal", "foreign-principal", "%s is of another account than the domain: an identity policy there has to allow the calls too", e.text)
		}
	}
}

func (l *linter) actions(s *statement) {
	http, control, get, head, post := false, false, false, false, false
	for i := range s.actions {
		a := strings.ToLower(s.actions[i].text)
		switch {
		case a == "*" || strings.HasPrefix(a, "es:*"):
			return
		case strings.HasPrefix(a, "es:eshttp"):
			http = true
		case strings.HasPrefix(a, "es:"):
			control = true
		}
		match := func(action string) bool { return s.actions[i].pattern.match(action, nil, true) }
		get, head, post = get || match("es:ESHttpGet"), head || match("es:ESHttpHead"), post || match("es:ESHttpPost")
	}
	switch {
	case s.notAction && s.effect == Allow:
		l.warn("NotAction", "not-action", "everything that is not named is allowed, also what is added to the service later")
	case s.effect != Allow:
	case control && !http && l.policy.isResource:
		l.warn("Action", "control-plane-only", "these are actions of the configuration API; requests to the domain are es:ESHttpGet, es:ESHttpPost and so on")
	case get && !head && !s.notAction:
		l.warn("Action", "head", "HEAD is an action of its own, es:ESHttpHead: clients that ask whether an index exists are refused")
	}
	if s.effect == Allow && get && !post && !s.notAction && s.isWide() {
		l.warn("Action", "search-by-post", "clients send most searches, and _bulk, with POST: es:ESHttpPost is not allowed here")
	}
}

// isWide reports whether the statement is about more than a path or two.
func (s *statement) isWide() bool {
	wide := len(s.resources) == 0
	for i := range s.resources {
		wide = wide || strings.HasSuffix(s.resources[i].text, "*")
	}
	return wide
}

func (l *linter) resource(s *statement, text string) {
	if text == "*" {
		return
	}
	seg, ok := splitARN(text)
	if !ok || seg[2] != "es" {
		return
	}
	if d := l.domain; d.Name != "" {
		if own, _ := splitARN(d.ARN()); seg[4] != own[4] && !strings.ContainsAny(seg[4], "*?$") || seg[3] != own[3] && !strings.ContainsAny(seg[3], "*?$") {
			l.warn("Resource", "other-domain", "%s is not about %s", text, d.ARN())
		}
	}
	name, ok := strings.CutPrefix(seg[5], "domain/")
	if !ok {
		return
	}
	name, path, hasPath := strings.Cut(name, "/")
	switch {
	case !hasPath && !strings.HasSuffix(name, "*"):
		l.warn("Resource", "domain-without-path", "%s is the domain for the configuration API and matches no request to it; write %s/*", text, text)
		return
	case !hasPath:
		return
	}
	l.resourcePath(s, text, path)
}

// resourcePath looks at what follows domain/NAME/.
func (l *linter) resourcePath(s *statement, text, path string) {
	first, rest, more := strings.Cut(path, "/")
	switch {
	case first == "" || first == "*":
	case strings.HasPrefix(first, "_bulk"), strings.HasPrefix(first, "_mget"), strings.HasPrefix(first, "_msearch"), strings.HasPrefix(first, "_reindex"):
		if s.effect == Allow {
			l.warn("Resource", "body-names-indexes", "the body of %s may name any index, and is not judged: whoever may do this can reach all indexes, unless rest.action.multi.allow_explicit_index is false", text)
		}
	case strings.HasPrefix(first, "_"):
	case s.effect == Deny && (more || !strings.HasSuffix(first, "*")):
		l.warn("Resource", "deny-can-be-avoided", "%s is compared with the path as it is written: _all, *, a,b, an alias or a _bulk body reach the index by another path", text)
	case more && rest == "*" && !strings.HasSuffix(first, "*"):
		l.warn("Resource", "index-itself", "%s does not include the index itself: DELETE, PUT and HEAD /%s are judged as domain/NAME/%s; write %s as well", text, first, first, strings.TrimSuffix(text, "/*"))
	case !more && !strings.HasSuffix(first, "*"):
		l.warn("Resource", "index-only", "%s is the index itself and nothing below it: its documents and searches are at %s/*", text, text)
	}
}

func (l *linter) conditions(s *statement) {
	for i := range s.conditions {
		c := &s.conditions[i]
		switch {
		case c.key == "aws:securetransport", strings.HasPrefix(c.key, "aws:principaltag/"):
			l.warn("Condition", "unsupported-key", "the service does not know %s: the condition is judged as if the key were absent", c.keyText)
		case c.key == "aws:sourceip" && s.effect == Allow && l.domain.VPC:
			l.warn("Condition", "vpc-source-ip", "requests to a domain inside a VPC have no aws:SourceIp")
		case c.set == setAll && s.effect == Allow:
			l.warn("Condition", "for-all-values", "ForAllValues is fulfilled when the request has no %s; add a Null condition that wants it", c.keyText)
		case c.ifExists && s.effect == Allow && !c.negated:
			l.warn("Condition", "if-exists", "%s is fulfilled when the request has no %s", c.operator, c.keyText)
		}
		if !l.policy.hasVariables() && strings.Contains(strings.Join(c.values, " "), "${") {
			l.warn("Condition", "old-version", "policy variables mean nothing without \"Version\": \"2012-10-17\"")
		}
	}
}

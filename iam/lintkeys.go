package iam

import "strings"

// keys looks at what a condition asks of its key.
func (l *linter) keys(s *statement, c *condition) {
	switch {
	case !isRequestKey(c.key):
		l.warn("Condition", "unknown-key", "%s is no key that a request to a domain is known to have: the condition is judged as if it were absent", c.keyText)
	case s.effect == Allow && (c.key == "aws:useragent" || c.key == "aws:referer"):
		l.warn("Condition", "forgeable-key", "%s is what the caller writes: the condition keeps out nobody who knows it", c.keyText)
	case s.effect == Allow && c.negated && c.set == setNone && !c.ifExists && mayBeAbsent(c.key):
		l.warn("Condition", "absent-key", "%s is fulfilled when the request has no %s; add a Null condition that wants it", c.operator, c.keyText)
	}
	for _, p := range c.patterns {
		for key := range p.nullable {
			switch {
			case c.negated:
				l.warn("Condition", "null-variable", "%s holds for every request that has no %s: ${…} is then equal to nothing; give it a default, or add a Null condition", c.operator, key)
			case s.effect == Deny:
				l.warn("Condition", "null-variable", "%s denies nothing to a request that has no %s: ${…} is then equal to nothing; give it a default, or add a Null condition", c.operator, key)
			}
		}
	}
	for i, value := range c.values {
		switch {
		case strings.HasPrefix(c.name, "Arn") && !c.arns[i].isARN():
			l.warn("Condition", "never-matches", "%q has fewer segments than an ARN: %s never finds it", clipped(value), c.operator)
		case c.key == "aws:principalarn" && strings.Contains(value, ":assumed-role/"):
			l.warn("Condition", "never-matches", "%s of a session is the ARN of its role, arn:aws:iam::ACCOUNT:role/NAME, and never %q", c.keyText, clipped(value))
		}
	}
}

// nullResource looks at a resource that matches nothing when a policy variable has no value.
func (l *linter) nullResource(s *statement, r *resourcePattern) {
	if (s.effect == Deny) == s.notRes {
		return // it fails towards the safe side
	}
	for key := range r.pattern.nullable {
		does := "denies nothing to"
		if s.effect == Allow {
			does = "leaves out nothing for"
		}
		l.warn(name(s.notRes, "Resource"), "null-variable", "%s %s a request that has no %s: a resource with ${…} matches nothing then; give it a default", r.text, does, key)
	}
}

// nullable yields the keys of the policy variables that a request can leave without a value.
func (p pattern) nullable(yield func(key string) bool) {
	for i := range p {
		if p[i].kind == partVariable && !p[i].hasDefault && mayBeAbsent(p[i].key) && !yield(p[i].key) {
			return
		}
	}
}

// isRequestKey reports whether a request to a domain can have a key: those of NewContext, those that lint has a rule of its
// own for, and those of other services, of which nothing is known.
func isRequestKey(key string) bool {
	name, isGlobal := strings.CutPrefix(key, "aws:")
	if !isGlobal || strings.HasPrefix(name, "resourcetag/") || strings.HasPrefix(name, "principaltag/") {
		return true
	}
	switch name {
	case "currenttime", "epochtime", "principaltype", "userid", "principalarn", "principalaccount", "principalorgid", "username",
		"tokenissuetime", "sourceip", "vpcsourceip", "sourcevpc", "sourcevpce", "useragent", "referer", "requestedregion",
		"resourceaccount", "securetransport":
		return true
	}
	return false
}

// mayBeAbsent reports whether requests of callers who sign can lack a key.
func mayBeAbsent(key string) bool {
	switch key {
	case "aws:currenttime", "aws:epochtime", "aws:principaltype", "aws:userid", "aws:principalarn", "aws:principalaccount", "aws:sourceip",
		"aws:requestedregion", "aws:resourceaccount":
		return false
	}
	return true
}

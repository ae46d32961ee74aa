package iam

import "strings"

// keys looks at what a condition asks of its key.
func (l *linter) keys(s *statement, c *condition) {
	switch {
	case !IsRequestKey(c.key):
		l.warn("Condition", "unknown-key", "%s is no key that a request to a domain is known to have: "+
			"the condition is judged as if the key were absent", c.keyText)
	case s.effect == Allow && (c.key == "aws:useragent" || c.key == "aws:referer"):
		l.warn("Condition", "forgeable-key",
			"%s is what the caller writes: the condition keeps out nobody who knows it", c.keyText)
	case s.effect == Allow && c.negated && c.set == setNone && !c.ifExists && mayBeAbsent(c.key):
		l.warn("Condition", "absent-key",
			"%s is fulfilled when the request has no %s; add a Null condition that wants it", c.operator, c.keyText)
	}
	for _, p := range c.patterns {
		for key := range p.nullable {
			switch {
			case c.negated:
				l.warn("Condition", "null-variable", "%s holds for every request that has no %s: "+nullAdvice, c.operator, key)
			case s.effect == Deny:
				l.warn("Condition", "null-variable", "%s denies nothing to a request that has no %s: "+nullAdvice, c.operator, key)
			}
		}
	}
	for i, value := range c.values {
		switch {
		case strings.HasPrefix(c.name, "Arn") && !c.arns[i].isARN():
			l.warn("Condition", "never-matches",
				"%q has fewer segments than an ARN: %s never matches it", clipped(value), c.operator)
		case c.key == "aws:principalarn" && strings.Contains(value, ":assumed-role/"):
			l.warn("Condition", "never-matches",
				"%s of a session is the ARN of its role, arn:aws:iam::ACCOUNT:role/NAME, and never %q", c.keyText, clipped(value))
		}
	}
}

// nullAdvice is the way out for a condition with a policy variable that may have no value.
const nullAdvice = "${…} is then equal to nothing; give it a default, or add a Null condition"

// nullResource looks at a resource that matches nothing when a policy variable has no value.
func (l *linter) nullResource(s *statement, r *resourcePattern) {
	if (s.effect == Deny) == s.notResource {
		return // it fails towards the safe side
	}
	for key := range r.pattern.nullable {
		does := "denies nothing to"
		if s.effect == Allow {
			does = "leaves out nothing for"
		}
		l.warn(name(s.notResource, "Resource"), "null-variable",
			"%s %s a request that has no %s: a resource with ${…} matches nothing then; give it a default", r.text, does, key)
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

// IsRequestKey reports whether a request to a domain may have a key. Those are the keys of NewContext, the keys that
// have a rule of their own here, and the keys of other services, of which nothing is known. Keys have no case.
func IsRequestKey(key string) bool {
	name, isGlobal := strings.CutPrefix(strings.ToLower(key), "aws:")
	if !isGlobal || strings.HasPrefix(name, "resourcetag/") || strings.HasPrefix(name, "principaltag/") {
		return true
	}
	switch name {
	case "currenttime", "epochtime", "tokenissuetime",
		"principaltype", "userid", "principalarn", "principalaccount", "principalorgid", "username",
		"sourceip", "vpcsourceip", "sourcevpc", "sourcevpce", "securetransport", "useragent", "referer",
		"requestedregion", "resourceaccount":
		return true
	}
	return false
}

// mayBeAbsent reports whether requests of callers who sign can lack a key.
func mayBeAbsent(key string) bool {
	switch key {
	case "aws:currenttime", "aws:epochtime", "aws:sourceip", "aws:requestedregion", "aws:resourceaccount",
		"aws:principaltype", "aws:userid", "aws:principalarn", "aws:principalaccount":
		return false
	}
	return true
}

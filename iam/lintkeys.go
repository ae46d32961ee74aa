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
	for i, value := range c.values {
		switch {
		case strings.HasPrefix(c.name, "Arn") && !c.arns[i].isARN():
			l.warn("Condition", "never-matches", "%q has fewer segments than an ARN: %s never finds it", clipped(value), c.operator)
		case c.key == "aws:principalarn" && strings.Contains(value, ":assumed-role/"):
			l.warn("Condition", "never-matches", "%s of a session is the ARN of its role, arn:aws:iam::ACCOUNT:role/NAME, and never %q", c.keyText, clipped(value))
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

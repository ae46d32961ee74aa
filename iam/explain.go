package iam

import (
	"fmt"
	"strings"
)

// Finding is what one statement says about a request.
type Finding struct {
	Statement StatementRef
	Effect    Effect
	// Applies says that the statement is about the request.
	Applies bool
	// Reason says why it does not apply or, if it does, how it names the caller.
	Reason string
	// Misses is the element that keeps a statement from applying: MissesPrincipal and so on, or the key of a condition in
	// lower case. Elements are looked at in that order.
	Misses string
}

// The elements that a statement may miss.
const (
	MissesPrincipal = "Principal"
	MissesAction    = "Action"
	MissesResource  = "Resource"
)

// Explain goes through every statement of every policy and says whether it applies, and why not.
func Explain(ps Policies, r Request) []Finding {
	e := newEvaluation(ps, &r)
	var all []Finding
	e.each(func(ref StatementRef, s *statement) bool {
		f := Finding{Statement: ref, Effect: s.effect}
		f.Reason, f.Misses = e.reason(ref.Type, s)
		f.Applies = f.Misses == ""
		all = append(all, f)
		return true
	})
	return all
}

// reason makes the same checks as applies, in the same order.
func (e *evaluation) reason(t Type, s *statement) (why, misses string) {
	if t == ResourcePolicy {
		if s.grants(&e.r.Principal) == grantNone {
			return fmt.Sprintf("Principal %s is not %s", s.principalTexts(), e.r.Principal), MissesPrincipal
		}
	}
	if !s.matchesAction(e.r.Action) {
		return fmt.Sprintf("%s %s %s", name(s.notAction, "Action"), s.actionTexts(), verb(s.notAction, e.r.Action)),
			MissesAction
	}
	nulls := s.nullResources(&e.r.Context)
	if !s.matchesResource(e.r.Resource, &e.resource, e.isARN, &e.r.Context) {
		element := name(s.notResource, "Resource")
		return fmt.Sprintf("%s %s %s%s", element, s.resourceTexts(), verb(s.notResource, e.r.Resource), nulls),
			MissesResource
	}
	for i := range s.conditions {
		c := &s.conditions[i]
		null := ""
		if key, ok := c.unresolved(&e.r.Context); ok {
			null = fmt.Sprintf("; ${%s} has no value in this request: it is equal to nothing", key)
		}
		if !c.holds(&e.r.Context) {
			return fmt.Sprintf("condition %s %s %s: the request has %s%s",
				c.operator, c.keyText, list(c.values), presence(e.r.Context.lower(c.key)), null), strings.ToLower(c.key)
		}
		nulls += null
	}
	if t == ResourcePolicy {
		return namedAs(s.grants(&e.r.Principal)) + nulls, ""
	}
	return strings.TrimPrefix(nulls, "; "), ""
}

// nullResources says which policy variable has no value. A resource with such a variable matches nothing.
func (s *statement) nullResources(ctx *Context) string {
	for i := range s.resources {
		if key, null := s.resources[i].pattern.unresolved(ctx); null {
			return fmt.Sprintf("; ${%s} has no value in this request: a resource with it matches nothing", key)
		}
	}
	return ""
}

func name(negated bool, element string) string {
	if negated {
		return "Not" + element
	}
	return element
}

func verb(negated bool, what string) string {
	if negated {
		return "leaves out " + what
	}
	return "does not include " + what
}

func namedAs(g grant) string {
	switch g {
	case grantAccount:
		return "names the account, which only delegates to its identity policies"
	case grantIssuer:
		return "names the role or user behind the session"
	}
	return "names the caller, or everyone"
}

func presence(values []string) string {
	if len(values) == 0 {
		return "no such key"
	}
	return list(values)
}

func list(values []string) string {
	if len(values) == 1 {
		return values[0]
	}
	return "[" + strings.Join(values, ", ") + "]"
}

func (s *statement) principalTexts() string {
	var all []string
	for i := range s.principals {
		all = append(all, s.principals[i].text)
	}
	return list(all)
}

func (s *statement) actionTexts() string {
	var all []string
	for i := range s.actions {
		all = append(all, s.actions[i].text)
	}
	return list(all)
}

func (s *statement) resourceTexts() string {
	var all []string
	for i := range s.resources {
		all = append(all, s.resources[i].text)
	}
	return list(all)
}

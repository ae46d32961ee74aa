package iam

import "fmt"

// Request is one question: may the principal do this?
type Request struct {
	Principal Principal
	// Action is es:ESHttpGet and the like; see [ActionFor].
	Action string
	// Resource is the ARN that the action is on; see [Domain.Resource].
	Resource string
	// Context are the condition keys; see [NewContext].
	Context Context
}

// Policies are all policies that have a say in a request.
type Policies struct {
	// Resource is the domain's access policy; nil is a domain without one.
	Resource *Policy
	// Identity are the policies of the user or role.
	Identity []*Policy
	// Boundary limits what Identity grants. Nil is no limit.
	Boundary *Policy
	// Session limits what a session may do. An empty list is no limit; of several policies, any one may allow.
	Session []*Policy
}

// Decision is the answer, and what it rests on.
type Decision struct {
	Allowed bool
	// Explicit says that a statement denies. Otherwise a refusal means that none allows.
	Explicit bool
	// By is the policy that decided: the one that allows or denies or, for a refusal that is not explicit, the one that
	// would have to allow.
	By Type
	// Statement is the one that decided; zero when none did.
	Statement StatementRef
	// And is the statement of the access policy that allows too. It is set for callers of another account, where both
	// sides have to allow.
	And StatementRef
	// Missing says what a refusal lacks.
	Missing string
}

// StatementRef names a statement.
type StatementRef struct {
	Type Type
	// Policy is the index in Policies.Identity or Policies.Session.
	Policy int
	// Index is the index in the policy's Statement list.
	Index int
	Sid   string
}

// String names a statement for people.
func (r StatementRef) String() string {
	if r.Type == "" {
		return "no statement"
	}
	s := fmt.Sprintf("statement %d", r.Index)
	if r.Sid != "" {
		s += fmt.Sprintf(" (%s)", r.Sid)
	}
	s += " of the " + string(r.Type)
	if r.Policy > 0 {
		s += fmt.Sprintf(" number %d", r.Policy)
	}
	return s
}

// String is the decision in one sentence.
func (d Decision) String() string {
	switch {
	case d.Allowed && d.Statement.Type == "":
		return "allowed: the root of an account may do everything that nothing denies"
	case d.Allowed && d.And.Type != "":
		return "allowed by " + d.Statement.String() + " and " + d.And.String()
	case d.Allowed:
		return "allowed by " + d.Statement.String()
	case d.Explicit:
		return "denied by " + d.Statement.String()
	}
	return "refused: " + d.Missing
}

// Evaluate decides a request as AWS does:
//
//   - An explicit Deny in any policy wins.
//   - In the domain's own account one Allow is enough, from the access policy or from an identity policy.
//   - A caller from another account needs both.
//   - A permissions boundary and session policies limit what identity policies grant, and what the access policy grants
//     to a role. They do not limit what the access policy grants to the caller by its own name, or to everyone.
func Evaluate(ps Policies, r Request) Decision {
	e := newEvaluation(ps, &r)
	if ref, ok := e.anyDeny(); ok {
		return Decision{Explicit: true, By: ref.Type, Statement: ref}
	}
	byResource, given := e.granted()
	if r.Principal.kind == "" {
		if given == grantDirect {
			return Decision{Allowed: true, By: ResourcePolicy, Statement: byResource}
		}
		return Decision{By: ResourcePolicy, Missing: "no statement of the access policy allows anonymous callers " +
			"to do this; only the principal * means them"}
	}
	byIdentity, identity := e.identityAllows()
	within := e.limit()
	if r.Principal.account != e.resource[4] || r.Principal.partition != e.resource[1] {
		if identity && given != grantNone && within.by == "" {
			return allowedByBoth(byIdentity, byResource)
		}
		return refusedAcross(given != grantNone, identity, within)
	}
	switch {
	case given == grantDirect, given == grantIssuer && within.by == "":
		return Decision{Allowed: true, By: ResourcePolicy, Statement: byResource}
	case identity && within.by == "":
		return Decision{Allowed: true, By: IdentityPolicy, Statement: byIdentity}
	case identity, given == grantIssuer:
		return within.decision()
	case given == grantAccount:
		return Decision{By: IdentityPolicy, Missing: "the access policy names the account, which only delegates: " +
			"an identity policy of the caller has to allow it too"}
	}
	return Decision{
		By: IdentityPolicy, Missing: "neither the access policy nor an identity policy allows it; one of them has to",
	}
}

// allowedByBoth is the answer to a caller of another account whom both sides allow. A root needs no identity policy.
func allowedByBoth(byIdentity, byResource StatementRef) Decision {
	if byIdentity.Type == "" {
		return Decision{Allowed: true, By: ResourcePolicy, Statement: byResource}
	}
	return Decision{Allowed: true, By: IdentityPolicy, Statement: byIdentity, And: byResource}
}

// refusedAcross is the answer to a caller of another account whom one side, or a limit, does not allow.
func refusedAcross(access, identity bool, within limit) Decision {
	const other = "the caller is of another account: "
	switch {
	case !identity && !access:
		return Decision{By: IdentityPolicy, Missing: other +
			"the access policy and an identity policy have to allow it, and neither does"}
	case !identity:
		return Decision{By: IdentityPolicy, Missing: other +
			"the access policy allows it, and an identity policy has to allow it too"}
	case !access:
		return Decision{By: ResourcePolicy, Missing: other +
			"an identity policy allows it, and the access policy has to allow it too"}
	}
	return within.decision()
}

// evaluation is one request being decided.
type evaluation struct {
	ps       Policies
	r        *Request
	resource arnSegments
	isARN    bool
}

func newEvaluation(ps Policies, r *Request) evaluation {
	e := evaluation{ps: ps, r: r}
	e.resource, e.isARN = splitARN(r.Resource)
	return e
}

// each calls f for every statement with the policy it is in, until f returns false.
func (e *evaluation) each(f func(ref StatementRef, s *statement) bool) {
	walk := func(t Type, n int, p *Policy) bool {
		if p == nil {
			return true
		}
		for i := range p.statements {
			if !f(StatementRef{Type: t, Policy: n, Index: i, Sid: p.statements[i].sid}, &p.statements[i]) {
				return false
			}
		}
		return true
	}
	if !walk(ResourcePolicy, 0, e.ps.Resource) || e.r.Principal.kind == "" {
		return
	}
	for i, p := range e.ps.Identity {
		if !walk(IdentityPolicy, i, p) {
			return
		}
	}
	if !walk(Boundary, 0, e.ps.Boundary) {
		return
	}
	for i, p := range e.ps.Session {
		if !walk(SessionPolicy, i, p) {
			return
		}
	}
}

func (e *evaluation) anyDeny() (found StatementRef, ok bool) {
	e.each(func(ref StatementRef, s *statement) bool {
		if s.effect == Deny && e.applies(ref.Type, s) {
			found, ok = ref, true
		}
		return !ok
	})
	return found, ok
}

// granted is the strongest way in which the access policy allows the request.
func (e *evaluation) granted() (by StatementRef, best grant) {
	e.each(func(ref StatementRef, s *statement) bool {
		if ref.Type != ResourcePolicy {
			return false
		}
		if g := s.grants(&e.r.Principal); s.effect == Allow && g > best && e.applies(ref.Type, s) {
			by, best = ref, g
		}
		return best < grantDirect
	})
	return by, best
}

// identityAllows reports whether an identity policy allows. The root of an account needs none.
func (e *evaluation) identityAllows() (by StatementRef, ok bool) {
	if e.r.Principal.kind == KindRoot {
		return StatementRef{}, true
	}
	return e.allows(IdentityPolicy)
}

func (e *evaluation) allows(t Type) (by StatementRef, ok bool) {
	e.each(func(ref StatementRef, s *statement) bool {
		if ref.Type == t && s.effect == Allow && e.applies(t, s) {
			by, ok = ref, true
		}
		return !ok
	})
	return by, ok
}

// limit is the boundary or session policy that does not allow the request. The zero value is none.
type limit struct {
	by      Type
	missing string
}

func (l limit) decision() Decision { return Decision{By: l.by, Missing: l.missing} }

func (e *evaluation) limit() limit {
	if e.ps.Boundary != nil && e.r.Principal.kind != KindRoot {
		if _, ok := e.allows(Boundary); !ok {
			return limit{Boundary, "the permissions boundary does not allow what is granted elsewhere"}
		}
	}
	if len(e.ps.Session) > 0 {
		if _, ok := e.allows(SessionPolicy); !ok {
			return limit{SessionPolicy, "the session policy does not allow what is granted elsewhere"}
		}
	} else if e.r.Principal.kind == KindFederatedUser {
		return limit{SessionPolicy, "a federated user without a session policy " +
			"may do only what the access policy grants to it by name"}
	}
	return limit{}
}

// applies reports whether a statement is about the request.
func (e *evaluation) applies(t Type, s *statement) bool {
	if t == ResourcePolicy && s.grants(&e.r.Principal) == grantNone {
		return false
	}
	if !s.matchesAction(e.r.Action) {
		return false
	}
	if !s.matchesResource(e.r.Resource, &e.resource, e.isARN, &e.r.Context) {
		return false
	}
	for i := range s.conditions {
		if !s.conditions[i].holds(&e.r.Context) {
			return false
		}
	}
	return true
}

// grants is the strongest way in which the statement names the caller.
func (s *statement) grants(p *Principal) (best grant) {
	for i := range s.principals {
		best = max(best, s.principals[i].grants(p))
	}
	return best
}

func (s *statement) matchesAction(action string) bool {
	for i := range s.actions {
		if s.actions[i].pattern.match(action, nil, true) {
			return !s.notAction
		}
	}
	return s.notAction
}

func (s *statement) matchesResource(arn string, seg *arnSegments, isARN bool, ctx *Context) bool {
	if len(s.resources) == 0 {
		return true
	}
	for i := range s.resources {
		if a := &s.resources[i].arn; a.any || isARN && a.match(arn, seg, ctx) {
			return !s.notResource
		}
	}
	return s.notResource
}

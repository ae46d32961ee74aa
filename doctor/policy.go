package doctor

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/seed56735111/penstock/iam"
	"github.com/seed56735111/penstock/sigv4"
)

// bulkPath is the path of the requests that write; pattern is the same as a policy names it.
func (w *walk) bulkPath() (path, pattern string) {
	if !w.cfg.InPath || w.cfg.Index == "" {
		return "/_bulk", "/_bulk"
	}
	return "/" + strings.ReplaceAll(w.cfg.Index, "*", "0") + "/_bulk", "/" + w.cfg.Index + "/_bulk"
}

// checkPolicy asks for a write that writes nothing: the engine refuses a _bulk request without a body, and the policies
// are asked before.
func (w *walk) checkPolicy(ctx context.Context) Check {
	path, pattern := w.bulkPath()
	a, err := w.ask(ctx, w.signed, http.MethodPost, path, "")
	if err != nil {
		d, _ := w.cfg.Explain(err)
		return failed(d, textOf(err))
	}
	if a.err == nil {
		return okay("POST " + path + " is let through")
	}
	d, _ := Explain(a.err)
	switch d.Cause {
	case Throttled, BasicAuthWanted, APINotOffered, ProxyInBetween, NotADomain, WrongEndpoint:
		return failed(d, a.words())
	case FineGrainedRole, WritesBlocked, DiskFull:
		return okay("POST " + path + " is let through by the policies")
	}
	if _, refused := unsignedBy(a); refused {
		return failed(d, a.words())
	}
	if a.status != http.StatusForbidden && a.status != http.StatusUnauthorized {
		return okay("POST " + path + " is let through: the engine " + a.words())
	}
	if w.service == sigv4.ServiceServerless {
		return w.collectionRefuses(ctx, d, a)
	}
	action, _ := iam.ActionFor(http.MethodPost)
	r := &refusal{walk: w, d: d, a: a, path: path, pattern: pattern, action: action}
	return r.refine(ctx)
}

// refusal is a call that the policies do not allow, while it is looked into.
type refusal struct {
	*walk
	d             Diagnosis
	a             *answer
	path, pattern string
	action        string
	principal     iam.Principal
	document      string // the access policy, when it was read
	policy        *iam.Policy
}

var (
	userNamed     = regexp.MustCompile(`User: (arn:\S+) is not authorized`)
	resourceNamed = regexp.MustCompile(`on resource: (arn:[^/]+:domain/[a-z0-9-]+)`)
)

func (r *refusal) refine(ctx context.Context) Check {
	r.whoAndWhere()
	r.read(ctx)
	byPolicy := r.byAccessPolicy()
	limited := r.byIdentityPolicy(ctx)
	switch {
	case r.d.Cause == BoundaryOrSCP:
	case limited.Cause != "":
		r.d = limited
	case byPolicy.Cause != "":
		r.d = byPolicy
	case r.d.Cause == PolicyRefuses && r.otherAccount() && r.policy == nil && !r.guessed &&
		strings.Contains(r.a.err.Reason, "no resource-based policy"):
		r.d = Diagnosis{
			Cause:  OtherAccountHalf,
			Detail: "an identity policy of the caller allows it, the access policy of the domain's account does not",
		}
	case r.d.Cause == PolicyRefuses:
		r.probe(ctx)
	}
	c := failed(r.d, r.a.words())
	if fix := r.fix(); fix != "" {
		c.Fix = fix
	}
	return c
}

// whoAndWhere takes from the sentence what nobody else has said.
func (r *refusal) whoAndWhere() {
	if m := resourceNamed.FindStringSubmatch(r.a.err.Reason); m != nil {
		if d, err := iam.ParseDomain(m[1]); err == nil {
			r.domain, r.guessed = d, false
		}
	}
	if m := userNamed.FindStringSubmatch(r.a.err.Reason); m != nil {
		r.caller = m[1]
	}
	if p, err := iam.ParsePrincipal(r.caller); err == nil && r.d.Cause != Anonymous && !r.cfg.NoSign {
		r.principal = p
	}
	if r.domain.Name != "" && r.domain.Account == "" && r.principal.Account() != "" {
		r.domain.Account, r.guessed = r.principal.Account(), true
	}
}

// read reads the access policy, when the caller may.
func (r *refusal) read(ctx context.Context) {
	switch {
	case r.domain.Name == "":
		r.checks = append(r.checks, Check{
			Name: "access-policy", Status: Skipped, Seen: "neither the endpoint nor an answer tells the name of the domain",
			Means: "the access policy could not be read, which says nothing about it",
			Fix:   "name the domain: --domain-arn arn:aws:es:REGION:ACCOUNT:domain/NAME",
		})
		return
	case r.cfg.Credentials == nil:
		return
	}
	text, failed := r.aws.accessPolicy(ctx, r.domain.Name)
	if failed != nil {
		c := failed.skipped(r.arn())
		c.Name = "access-policy"
		r.checks = append(r.checks, c)
		return
	}
	c := Check{Name: "access-policy", Status: OK, Seen: "the domain has no access policy"}
	if text != "" {
		p, err := iam.ParseResource([]byte(text))
		if err != nil {
			c.Status, c.Seen = Skipped, "the access policy cannot be read: "+err.Error()
		} else {
			r.policy, r.document = p, text
			c.Seen = fmt.Sprintf("the access policy has %d statements", p.Len())
		}
	} else {
		r.document = `{"Version":"2012-10-17","Statement":[]}`
		r.policy, _ = iam.ParseResource([]byte(r.document))
	}
	r.checks = append(r.checks, c)
}

// arn is the domain's, with a gap where the account is not known.
func (r *refusal) arn() string {
	d := r.domain
	if d.Account == "" {
		d.Account = "ACCOUNT"
	}
	return d.ARN()
}

func (r *refusal) otherAccount() bool {
	return r.principal.Account() != "" && r.domain.Account != "" && r.principal.Account() != r.domain.Account
}

func (r *refusal) request() iam.Request {
	resource := r.arn() + r.path
	return iam.Request{
		Principal: r.principal, Action: r.action, Resource: resource,
		Context: iam.NewContext(r.principal, iam.Facts{Time: r.cfg.Now(), SourceIP: r.local, Resource: resource}),
	}
}

// byAccessPolicy evaluates the policy that was read. It says nothing when that does not refuse.
func (r *refusal) byAccessPolicy() Diagnosis {
	if r.policy == nil {
		return Diagnosis{}
	}
	ps := iam.Policies{Resource: r.policy}
	if decision := iam.Evaluate(ps, r.request()); decision.Explicit {
		return Diagnosis{Cause: PolicyDenies, Detail: decision.String()}
	}
	findings := iam.Explain(ps, r.request())
	allows := func(f iam.Finding) bool { return f.Effect == iam.Allow && f.Applies }
	if slices.ContainsFunc(findings, allows) {
		if r.otherAccount() {
			return Diagnosis{Cause: OtherAccountHalf, Detail: "the access policy allows it; an identity policy has to, too"}
		}
		return Diagnosis{}
	}
	nearest, ok := nearestAllow(findings)
	if !ok {
		return r.lacks(PolicyLacksPrincipal, "no statement of the access policy allows anything")
	}
	seen := nearest.Statement.String() + ": " + nearest.Reason
	switch nearest.Misses {
	case iam.MissesPrincipal:
		return r.lacks(PolicyLacksPrincipal, seen)
	case iam.MissesAction:
		return r.lacks(PolicyLacksAction, seen)
	case iam.MissesResource:
		return r.lacks(PolicyLacksPath, seen)
	case "aws:sourceip", "aws:vpcsourceip":
		return Diagnosis{Cause: AddressNotListed, Detail: seen}
	}
	return Diagnosis{Cause: PolicyRefuses, Detail: seen}
}

// lacks names what is missing; of a caller who is not known or does not sign no more is claimed than that.
func (r *refusal) lacks(c Cause, seen string) Diagnosis {
	switch {
	case r.principal.ARN() == "":
		return Diagnosis{Cause: Anonymous, Detail: seen}
	case r.otherAccount() && !r.guessed:
		return Diagnosis{Cause: OtherAccountHalf, Detail: seen}
	}
	return Diagnosis{Cause: c, Detail: seen}
}

// nearestAllow is the Allow statement that applies but for its last element.
func nearestAllow(findings []iam.Finding) (nearest iam.Finding, ok bool) {
	order := []string{iam.MissesPrincipal, iam.MissesAction, iam.MissesResource}
	rank := func(f iam.Finding) int {
		if i := slices.Index(order, f.Misses); i >= 0 {
			return i
		}
		return len(order) // a condition
	}
	for _, f := range findings {
		if f.Effect == iam.Allow && !f.Applies && (!ok || rank(f) > rank(nearest)) {
			nearest, ok = f, true
		}
	}
	return nearest, ok
}

// byIdentityPolicy has IAM simulate the caller's own policies. It says nothing when they only do not allow, which is no
// fault in the domain's own account.
func (r *refusal) byIdentityPolicy(ctx context.Context) Diagnosis {
	who := r.principal.PrincipalARN()
	if who == "" || r.cfg.Credentials == nil || r.domain.Name == "" {
		return Diagnosis{}
	}
	s, failed := r.aws.simulate(ctx, who, r.action, r.arn()+r.path)
	c := okay("IAM's simulation of " + who + " says " + s.Decision)
	if failed != nil {
		c = failed.skipped(who)
	}
	c.Name = "identity-policy"
	r.checks = append(r.checks, c)
	source := ""
	if len(s.Statements) > 0 {
		source = ", by " + short(s.Statements[0].Policy)
	}
	switch {
	case failed != nil:
	case s.Boundary == "false":
		return Diagnosis{Cause: BoundaryOrSCP, Detail: "IAM's simulation: the permissions boundary does not allow it"}
	case s.Organization == "false":
		return Diagnosis{Cause: BoundaryOrSCP, Detail: "IAM's simulation: the organization does not allow it"}
	case s.Decision == "explicitDeny":
		return Diagnosis{Cause: PolicyDenies, Detail: "IAM's simulation: an identity policy denies it" + source}
	}
	return Diagnosis{}
}

// probe finds out what the caller may do beside, when nothing could be read. All of it only reads, or has no body.
func (r *refusal) probe(ctx context.Context) {
	lets := func(method, path string) bool {
		a, err := r.ask(ctx, r.signed, method, path, "")
		return err == nil && a.status != http.StatusForbidden && a.status != http.StatusUnauthorized &&
			a.status != http.StatusTooManyRequests && a.status < http.StatusInternalServerError
	}
	for _, method := range []string{http.MethodGet, http.MethodPut} {
		if lets(method, r.path) {
			r.d = Diagnosis{Cause: PolicyLacksAction, Detail: method + " is let through on the same path"}
			return
		}
	}
	others := []string{"/_search", "/_msearch"}
	if r.path != "/_bulk" {
		others = append(others, "/_bulk")
	}
	if name := strings.ReplaceAll(r.cfg.Index, "*", "0"); name != "" && r.path == "/_bulk" {
		others = append(others, "/"+name+"/_bulk")
	}
	for _, path := range others {
		if lets(http.MethodPost, path) {
			r.d = Diagnosis{Cause: PolicyLacksPath, Detail: "POST " + path + " is let through"}
			return
		}
	}
}

// statement is one statement of a policy.
type statement struct {
	Effect    string
	Principal map[string]string `json:",omitempty"`
	Action    string
	Resource  string
	Condition map[string]map[string]string `json:",omitempty"`
}

// missing is the statement that would allow the call, and no other.
func (r *refusal) missing() statement {
	return statement{
		Effect: "Allow", Principal: map[string]string{"AWS": r.principal.PrincipalARN()}, Action: r.action,
		Resource: r.arn() + r.pattern,
	}
}

// fix is what mends the refusal: a command where the policy was read, the statement otherwise; empty leaves the table's
// words.
func (r *refusal) fix() string {
	switch r.d.Cause {
	case PolicyLacksPrincipal, PolicyLacksAction, PolicyLacksPath, PolicyRefuses:
		if r.principal.ARN() == "" || r.domain.Name == "" {
			return ""
		}
		return r.grant(r.missing())
	case AddressNotListed:
		return r.listAddress()
	case OtherAccountHalf:
		if strings.HasPrefix(r.d.Detail, "the access policy allows it") {
			return "allow it in an identity policy of " + r.principal.PrincipalARN() + ": " +
				identityStatement(r.action, r.arn()+r.pattern)
		}
		return r.grant(r.missing())
	case PolicyDenies:
		return "change the statement that denies: nothing that is added can allow it. " + r.d.Detail
	}
	return ""
}

// listAddress lets one address in.
func (r *refusal) listAddress() string {
	address := "ADDRESS"
	if r.local.IsValid() {
		address = r.local.String()
	}
	bits := "/32"
	if r.local.Is6() {
		bits = "/128"
	}
	s := r.missing()
	if r.principal.ARN() == "" {
		s.Principal = map[string]string{"AWS": "*"} // with the address: the callers that the policy is about have no name
	}
	s.Condition = map[string]map[string]string{"IpAddress": {"aws:SourceIp": address + bits}}
	fix := r.grant(s)
	if !r.local.IsValid() {
		fix += " with the address that the domain sees in place of ADDRESS: curl https://checkip.amazonaws.com"
	}
	return fix
}

// grant adds one statement to the access policy.
func (r *refusal) grant(s statement) string {
	if r.document == "" {
		return "add this statement to the access policy of " + r.domain.Name + ": " + string(encode(s))
	}
	var document map[string]json.RawMessage
	if json.Unmarshal([]byte(r.document), &document) != nil {
		return ""
	}
	list := bytes.TrimSpace(document["Statement"])
	var statements []json.RawMessage
	if json.Unmarshal(list, &statements) != nil {
		statements = []json.RawMessage{list} // one statement needs no list
	}
	document["Statement"] = encode(append(statements, encode(s)))
	if document["Version"] == nil {
		document["Version"] = json.RawMessage(`"2012-10-17"`)
	}
	return "aws opensearch update-domain-config --domain-name " + r.domain.Name + " --access-policies '" +
		strings.ReplaceAll(string(encode(document)), "'", `'\''`) + "'"
}

// collectionRefuses looks into the refusal of a serverless collection, which gives no reason.
func (w *walk) collectionRefuses(ctx context.Context, d Diagnosis, a *answer) Check {
	id, _, _ := strings.Cut(w.host, ".")
	name, principals, refused := w.aws.dataAccess(ctx, id)
	who := w.caller
	p, err := iam.ParsePrincipal(who)
	if refused != nil || err != nil {
		if refused != nil {
			c := refused.skipped("arn:aws:aoss:" + w.region + ":" + cmp.Or(p.Account(), "ACCOUNT") + ":collection/" + id)
			c.Name = "data-access"
			w.checks = append(w.checks, c)
		}
		return failed(d, a.words())
	}
	role := p.PrincipalARN()
	if slices.Contains(principals, who) || slices.Contains(principals, role) {
		w.checks = append(w.checks, Check{Name: "data-access", Status: OK, Seen: role + " is in a data access policy"})
		return failed(open(PolicyRefuses), a.words())
	}
	missing := "no data access policy of " + name + " names " + role
	c := failed(Diagnosis{Cause: AOSSDataAccess, Detail: missing}, a.words())
	policy := encode([]map[string]any{{
		"Rules": []map[string]any{{
			"ResourceType": "index", "Resource": []string{"index/" + name + "/" + cmp.Or(w.cfg.Index, "INDEX")},
			"Permission": []string{"aoss:CreateIndex", "aoss:WriteDocument"},
		}},
		"Principal": []string{role},
	}})
	c.Fix = "aws opensearchserverless create-access-policy --type data --name penstock --policy '" + string(policy) + "'"
	return c
}

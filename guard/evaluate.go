package guard

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/seed56735111/penstock/iam"
)

// ParseAccessPolicy reads a domain's access policy.
func ParseAccessPolicy(document []byte) (*iam.Policy, error) { return iam.ParseResource(document) }

func parseIdentityPolicy(document jsontext.Value) (*iam.Policy, error) {
	return iam.ParseIdentity(document)
}

// evaluator answers questions about one call.
type evaluator struct {
	policies  iam.Policies
	principal iam.Principal
	context   iam.Context
	err       error // the caller cannot be judged
}

// evaluator prepares what is the same for every question about the call.
func (c *call) evaluator(policy *iam.Policy) *evaluator {
	e := &evaluator{policies: iam.Policies{Resource: policy}}
	facts := iam.Facts{
		Time: time.Now(), SourceIP: c.ip, UserAgent: c.r.UserAgent(), Referer: c.r.Referer(),
		Resource: c.arn + "/", ResourceTags: c.cfg.ResourceTags,
	}
	if v := c.cfg.VPC; v != nil {
		facts.SourceVPC, facts.SourceVPCE = v.ID, v.Endpoint
	}
	if id := c.caller; id != nil {
		e.principal, e.err = id.principal()
		e.policies.Identity, e.policies.Boundary, e.policies.Session = id.policies, id.boundary, id.sessionPolicies
		facts.TokenIssued, facts.OrgID = id.issued, c.cfg.OrgID
	}
	e.context = iam.NewContext(e.principal, facts)
	return e
}

// principal is the identity as policies name it.
func (id *identity) principal() (iam.Principal, error) {
	if id.isRole {
		return iam.NewRoleSession(id.arn, id.principalARN, id.userID)
	}
	return iam.NewUser(id.arn, id.userID)
}

func (e *evaluator) evaluate(action, resource string) verdict {
	if e.err != nil {
		return verdict{by: string(iam.IdentityPolicy), detail: e.err.Error()}
	}
	d := iam.Evaluate(e.policies, iam.Request{Principal: e.principal, Action: action, Resource: resource, Context: e.context})
	return verdict{allowed: d.Allowed, explicit: d.Explicit, by: string(d.By), detail: d.String()}
}

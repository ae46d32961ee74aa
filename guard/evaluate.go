package guard

import (
	"time"

	"github.com/seed56735111/penstock/iam"
)

// ParseAccessPolicy reads a domain's access policy.
func ParseAccessPolicy(document []byte) (*iam.Policy, error) { return iam.ParseResource(document) }

// evaluator answers questions about one call.
type evaluator struct {
	policies  iam.Policies
	principal iam.Principal
	context   iam.Context
	err       error // why the caller cannot be judged
}

// evaluator prepares what is the same for every question about the call.
func (c *call) evaluator(policy *iam.Policy) *evaluator {
	e := &evaluator{policies: c.caller.Policies(policy)}
	facts := iam.Facts{
		Time: time.Now(), SourceIP: c.ip, UserAgent: c.r.UserAgent(), Referer: c.r.Referer(),
		Resource: c.arn + "/", ResourceTags: c.cfg.ResourceTags,
	}
	if v := c.cfg.VPC; v != nil {
		facts.SourceVPC, facts.SourceVPCE = v.ID, v.Endpoint
	}
	e.principal, e.err = c.caller.Principal()
	if c.caller != nil {
		facts.TokenIssued, facts.OrgID = c.caller.TokenIssued(), c.cfg.OrgID
	}
	e.context = iam.NewContext(e.principal, facts)
	return e
}

func (e *evaluator) evaluate(action, resource string) verdict {
	if e.err != nil {
		return verdict{by: string(iam.IdentityPolicy), detail: e.err.Error()}
	}
	d := iam.Evaluate(e.policies, iam.Request{
		Principal: e.principal, Action: action, Resource: resource, Context: e.context,
	})
	return verdict{allowed: d.Allowed, explicit: d.Explicit, by: string(d.By), detail: d.String()}
}

package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed56735111/penstock/iam"
)

func newPolicyCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "Evaluate, explain, test, compare, lint and generate access policies",
		Long: `policy looks at access policies without AWS: what they decide and why, whether they decide what is expected,
who gains and loses by a change, what in them is most likely not meant, and which policies let penstock, or the
clients of a proxy, do their work and nothing else. docs/policies.md explains the rules.`,
		Example: `  penstock policy eval GET / --access-policies policy.json \
      --principal arn:aws:iam::123456789012:user/grace --domain-arn arn:aws:es:eu-west-1:123456789012:domain/logs
  penstock policy lint policy.json
  penstock policy generate ship --principal arn:aws:iam::123456789012:role/shipper \
      --domain-arn arn:aws:es:eu-west-1:123456789012:domain/logs`,
		GroupID: groupDomain,
		Args:    rejectUnknownCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		newPolicyEval(a), newPolicyExplain(a), newPolicyTest(a), newPolicyDiff(a), newPolicyLint(a), newPolicyGenerate(a),
		newPolicyFromLog(a),
	)
	return cmd
}

// question is a request to be judged, as flags describe it.
type question struct {
	access, boundary                   string
	identity, session                  []string
	principal, role, userID, domainARN string
	sourceIP, vpc, endpoint, org       string
	tags, keys                         map[string]string
	moment                             string
	asJSON                             bool
}

func (q *question) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&q.access, "access-policies", "", "file with the domain's access policy, - for standard input")
	f.StringArrayVar(&q.identity, "identity-policy", nil, "file with an identity policy of the caller; "+
		"may be given several times")
	f.StringVar(&q.boundary, "boundary", "", "file with the caller's permissions boundary")
	f.StringArrayVar(&q.session, "session-policy", nil, "file with a session policy; may be given several times")
	f.StringVar(&q.principal, "principal", "anonymous", "who calls: the ARN of a user, of a role session, "+
		"of a federated user, an account, or anonymous")
	f.StringVar(&q.role, "role", "", "ARN of the role behind a role session, when it has a path")
	f.StringVar(&q.userID, "principal-id", "", "unique id of the user or role, for aws:userid")
	f.StringVar(&q.domainARN, "domain-arn", "", "ARN of the domain; that which the policies name when not given")
	f.StringVar(&q.sourceIP, "source-ip", "", "address of the caller, for aws:SourceIp")
	f.StringVar(&q.vpc, "vpc", "", "VPC that the request comes through")
	f.StringVar(&q.endpoint, "vpc-endpoint", "", "VPC endpoint that the request comes through")
	f.StringVar(&q.org, "organization", "", "organization of the caller's account")
	f.StringToStringVar(&q.tags, "tag", nil, "NAME=VALUE: a tag of the domain")
	f.StringToStringVar(&q.keys, "key", nil, "NAME=VALUE: any other condition key")
	f.StringVar(&q.moment, "time", "", "when the request is made, such as 2026-11-24T10:00:00Z; now when not given")
	f.BoolVar(&q.asJSON, "json", false, "print one JSON object")
}

// parseDomainARN reads --domain-arn.
func parseDomainARN(text string) (iam.Domain, error) {
	d, err := iam.ParseDomain(text)
	if err != nil {
		return d, &usageError{Err: err, Hint: "--domain-arn arn:aws:es:REGION:ACCOUNT:domain/NAME"}
	}
	return d, nil
}

// maxDocument is far over what a policy may have.
const maxDocument = 1 << 20

// readDocument returns the text of a file or of standard input.
func readDocument(stdin io.Reader, name string) ([]byte, error) {
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, usagef("name a file with a policy document, or - for standard input", "read policy: %w", err)
		}
		defer func() { _ = f.Close() }()
		stdin = f
	}
	text, err := io.ReadAll(io.LimitReader(stdin, maxDocument))
	if err != nil {
		return nil, usagef("name a file with a policy document, or - for standard input", "read policy: %w", err)
	}
	return text, nil
}

// readPolicy reads and parses a policy.
func readPolicy(stdin io.Reader, name string, parse func([]byte) (*iam.Policy, error)) (*iam.Policy, error) {
	text, err := readDocument(stdin, name)
	if err != nil {
		return nil, err
	}
	p, err := parse(text)
	if err != nil {
		return nil, &usageError{Err: fmt.Errorf("%s: %w", name, err), Hint: "docs/policies.md says what a policy may hold"}
	}
	return p, nil
}

func (q *question) policies(stdin io.Reader) (ps iam.Policies, err error) {
	if q.access != "" {
		if ps.Resource, err = readPolicy(stdin, q.access, iam.ParseResource); err != nil {
			return ps, err
		}
	}
	for _, name := range q.identity {
		p, err := readPolicy(stdin, name, iam.ParseIdentity)
		if err != nil {
			return ps, err
		}
		ps.Identity = append(ps.Identity, p)
	}
	for _, name := range q.session {
		p, err := readPolicy(stdin, name, iam.ParseIdentity)
		if err != nil {
			return ps, err
		}
		ps.Session = append(ps.Session, p)
	}
	if q.boundary != "" {
		if ps.Boundary, err = readPolicy(stdin, q.boundary, iam.ParseIdentity); err != nil {
			return ps, err
		}
	}
	return ps, nil
}

func (q *question) caller() (iam.Principal, error) {
	var p iam.Principal
	var err error
	switch {
	case q.role != "":
		p, err = iam.NewRoleSession(q.principal, q.role, q.userID)
	case q.userID != "" && strings.Contains(q.principal, ":user/"):
		p, err = iam.NewUser(q.principal, q.userID)
	default:
		p, err = iam.ParsePrincipal(q.principal)
	}
	if err != nil {
		return p, &usageError{Err: err, Hint: "write it as arn:aws:iam::123456789012:user/NAME or " +
			"arn:aws:sts::123456789012:assumed-role/ROLE/SESSION"}
	}
	return p, nil
}

// domain is that of --domain-arn, or the only one that the policies name.
func (q *question) domain(ps iam.Policies) (iam.Domain, error) {
	return domainOf(q.domainARN, slices.Concat([]*iam.Policy{ps.Resource, ps.Boundary}, ps.Identity, ps.Session)...)
}

// domainOf is the domain of an ARN or, without one, the only one that the policies name.
func domainOf(arn string, policies ...*iam.Policy) (iam.Domain, error) {
	if arn != "" {
		return parseDomainARN(arn)
	}
	var named []string
	var found iam.Domain
	for _, p := range policies {
		if p == nil {
			continue
		}
		for _, d := range p.Domains() {
			if !slices.Contains(named, d.ARN()) {
				named, found = append(named, d.ARN()), d
			}
		}
	}
	switch len(named) {
	case 0:
		return found, usagef("say which one is asked: --domain-arn arn:aws:es:REGION:ACCOUNT:domain/NAME",
			"the policies name no domain")
	case 1:
		return found, nil
	}
	return found, usagef("say which one is asked: --domain-arn "+named[0], "the policies name several domains: %s",
		strings.Join(named, ", "))
}

// request puts the question together from METHOD PATH.
func (q *question) request(args []string, ps iam.Policies) (iam.Request, error) {
	method, path := http.MethodGet, "/"
	switch len(args) {
	case 2:
		method, path = strings.ToUpper(args[0]), args[1]
	case 1:
		path = args[0]
		if isMethod(path) {
			return iam.Request{}, usagef("name the path too, such as /", "%s is a method, and there is no path", path)
		}
	}
	if strings.Contains(path, "://") {
		return iam.Request{}, usagef("leave out what is before the path; --domain-arn names the domain",
			"%s is a URL, and no path", path)
	}
	action, known := iam.ActionFor(method)
	if !known {
		return iam.Request{}, usagef("methods are GET, HEAD, POST, PUT, DELETE and PATCH",
			"no action stands for the method %s", method)
	}
	p, err := q.caller()
	if err != nil {
		return iam.Request{}, err
	}
	facts := iam.Facts{SourceVPC: q.vpc, SourceVPCE: q.endpoint, OrgID: q.org, ResourceTags: q.tags}
	if q.sourceIP != "" {
		if facts.SourceIP, err = netip.ParseAddr(q.sourceIP); err != nil {
			return iam.Request{}, usagef("write it as 203.0.113.7", "source address %q is no IP address", q.sourceIP)
		}
	}
	if q.moment != "" {
		if facts.Time, err = time.Parse(time.RFC3339, q.moment); err != nil {
			return iam.Request{}, usagef("write it as 2026-11-24T10:00:00Z", "%q is no time", q.moment)
		}
	}
	d, err := q.domain(ps)
	if err != nil {
		return iam.Request{}, err
	}
	facts.Resource = d.Resource(path)
	r := iam.Request{Principal: p, Action: action, Resource: facts.Resource, Context: iam.NewContext(p, facts)}
	for key, value := range q.keys {
		r.Context.Set(key, value)
	}
	return r, nil
}

// answer is what eval and explain print as JSON.
type policyAnswer struct {
	Allowed    bool            `json:"allowed"`
	Explicit   bool            `json:"explicit_deny"`
	By         string          `json:"by"`
	Text       string          `json:"text"`
	Principal  string          `json:"principal"`
	Action     string          `json:"action"`
	Resource   string          `json:"resource"`
	Statements []policyFinding `json:"statements,omitempty"`
}

type policyFinding struct {
	Statement string `json:"statement"`
	Effect    string `json:"effect"`
	Applies   bool   `json:"applies"`
	Reason    string `json:"reason,omitempty"`
}

func (q *question) judge(a *app, args []string, explain bool) error {
	ps, err := q.policies(a.In)
	if err != nil {
		return err
	}
	r, err := q.request(args, ps)
	if err != nil {
		return err
	}
	d := iam.Evaluate(ps, r)
	out := policyAnswer{
		Allowed: d.Allowed, Explicit: d.Explicit, By: string(d.By), Text: d.String(),
		Principal: r.Principal.String(), Action: r.Action, Resource: r.Resource,
	}
	if explain {
		for _, f := range iam.Explain(ps, r) {
			out.Statements = append(out.Statements, policyFinding{f.Statement.String(), string(f.Effect), f.Applies, f.Reason})
		}
	}
	if q.asJSON {
		if err := json.NewEncoder(a.Out).Encode(out); err != nil {
			return unwritten(err)
		}
	} else {
		if _, err := io.WriteString(a.Out, out.String()); err != nil {
			return unwritten(err)
		}
	}
	if !d.Allowed {
		return exitWith(exitRefused)
	}
	return nil
}

// String is the answer for people.
func (p *policyAnswer) String() string {
	var b strings.Builder
	_, _ = fmt.Fprintf(&b, "%s\n", printable(p.Text))
	_, _ = fmt.Fprintf(&b, "  %s\n  %s\n  %s\n", printable(p.Principal), printable(p.Action), printable(p.Resource))
	for _, f := range p.Statements {
		verdict := "applies"
		if !f.Applies {
			verdict = "does not apply"
		}
		text := fmt.Sprintf("%s, %s: %s", f.Statement, f.Effect, verdict)
		if f.Reason != "" {
			text += ": " + f.Reason
		}
		_, _ = fmt.Fprintf(&b, "  %s\n", printable(text))
	}
	return b.String()
}

func newPolicyEval(a *app) *cobra.Command {
	var q question
	cmd := &cobra.Command{
		Use:   "eval [METHOD] PATH",
		Short: "Say whether policies allow a request",
		Long: `eval decides one request by the policies that are given, as AWS does: an explicit Deny wins; in the domain's
own account one Allow is enough; a caller from another account needs one from each side.

Exit codes: 0 allowed, 5 refused, 2 usage or a policy that the service would not take.`,
		Example: `  penstock policy eval GET / --access-policies policy.json --principal arn:aws:iam::123456789012:user/grace
  penstock policy eval POST /_bulk --access-policies policy.json --principal anonymous --source-ip 203.0.113.7`,
		Args: usageArgs(cobra.RangeArgs(1, 2)),
		RunE: func(_ *cobra.Command, args []string) error { return q.judge(a, args, false) },
	}
	q.flags(cmd)
	return cmd
}

func newPolicyExplain(a *app) *cobra.Command {
	var q question
	cmd := &cobra.Command{
		Use:   "explain [METHOD] PATH",
		Short: "Say whether policies allow a request, and what every statement says about it",
		Long: `explain decides one request like eval, then goes through all statements and says of each whether it applies,
and why not.

Exit codes: 0 allowed, 5 refused, 2 usage or a policy that the service would not take.`,
		Example: "  penstock policy explain DELETE /logs-2026 --access-policies policy.json --principal " +
			"arn:aws:iam::123456789012:user/grace",
		Args: usageArgs(cobra.RangeArgs(1, 2)),
		RunE: func(_ *cobra.Command, args []string) error { return q.judge(a, args, true) },
	}
	q.flags(cmd)
	return cmd
}

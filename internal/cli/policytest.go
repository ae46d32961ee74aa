package cli

import (
	"cmp"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed56735111/penstock/iam"
	"github.com/seed56735111/penstock/internal/config"
)

// policyTest are the options of policy test, and what it has read.
type policyTest struct {
	access, domainARN, junit string
	asJSON                   bool
	stdin                    io.Reader
	dir                      string // that names of files in the cases count from
	read                     map[string]*iam.Policy
}

func newPolicyTest(a *app) *cobra.Command {
	t := policyTest{read: map[string]*iam.Policy{}}
	cmd := &cobra.Command{
		Use:   "test CASES",
		Short: "Say whether policies decide requests as expected",
		Long: `test reads requests with the decision that is expected of each, in YAML or JSON, and judges them as AWS does.
For a request that is decided otherwise it names the statement that decided or, for a refusal that none made, what
would have had to allow. docs/policies.md lists the keys of the file.

The files that CASES names lie beside it. --access-policies judges the same cases by another policy, such as one that
is not in force yet.

Exit codes: 0 everything is as expected, 1 a case failed, 2 usage, or a file that is not right.`,
		Example: "  penstock policy test cases.yaml\n" +
			"  penstock policy test cases.yaml --access-policies new.json --junit report.xml",
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			t.stdin = a.In
			return t.run(a, args[0])
		},
	}
	f := cmd.Flags()
	f.StringVar(&t.access, "access-policies", "", "file with the domain's access policy, in place of the one that CASES "+
		"names")
	f.StringVar(&t.domainARN, "domain-arn", "", "ARN of the domain, in place of the one that CASES names")
	f.BoolVar(&t.asJSON, "json", false, "print one JSON object")
	junitFlag(cmd, &t.junit)
	return cmd
}

func (t *policyTest) run(a *app, path string) error {
	const hint = "docs/policies.md lists the keys of a file with cases"
	data, err := readBounded(t.stdin, path, config.MaxBytes+1)
	if err != nil {
		return usagef("name a file with cases in YAML or JSON", "read cases: %w", err)
	}
	if path == "-" {
		path = "standard input"
	} else {
		t.dir = filepath.Dir(path)
	}
	file, err := config.ParsePolicyCases(path, data)
	if err != nil {
		return &usageError{Err: err, Hint: hint}
	}
	if t.access == "" && file.AccessPolicies != "" {
		t.access = t.beside(file.AccessPolicies)
	}
	t.domainARN = cmp.Or(t.domainARN, file.Domain)
	cases := make([]testCase, 0, len(file.Cases))
	requests := 0
	for i := range file.Cases {
		c := &file.Cases[i]
		n, failures, err := t.judge(c)
		if err != nil {
			return &usageError{Err: fmt.Errorf("%s:%d: %w", path, c.Line, err), Hint: hintFor(err)}
		}
		requests += n
		cases = append(cases, testCase{Suite: "policy", Name: c.Name, File: path, Line: c.Line, Failures: failures})
	}
	if err := writeJUnit(t.junit, path, cases); err != nil {
		return err
	}
	return a.reportCases(cases, plural(int64(requests), "request"), t.asJSON)
}

// reportCases prints what failed, and ends the command. Looked says what the cases were made of.
func (a *app) reportCases(cases []testCase, looked string, asJSON bool) error {
	n := failed(cases)
	code := exitOK
	if n > 0 {
		code = exitInternal
	}
	if asJSON {
		list := make([]reportedCase, 0, len(cases))
		for _, c := range cases {
			list = append(list, reportedCase{c.Suite, c.Name, c.File, c.Line, len(c.Failures) == 0, c.Failures})
		}
		if err := printJSON(a.Out, map[string]any{"ok": n == 0, "cases": list}); err != nil {
			return err
		}
		return exitWith(code)
	}
	var b strings.Builder
	for _, c := range cases {
		if len(c.Failures) == 0 {
			continue
		}
		_, _ = fmt.Fprintf(&b, "%s:%d: failed: %s\n", printable(c.File), c.Line, printable(c.Name))
		for _, text := range c.Failures {
			for line := range strings.Lines(text) {
				_, _ = fmt.Fprintf(&b, "  %s\n", printable(strings.TrimSuffix(line, "\n")))
			}
		}
	}
	if n > 0 {
		_, _ = fmt.Fprintf(&b, "%d of %s failed (%s)\n", n, plural(int64(len(cases)), "case"), looked)
	} else {
		_, _ = fmt.Fprintf(&b, "%s as expected (%s)\n", plural(int64(len(cases)), "case"), looked)
	}
	if _, err := io.WriteString(a.Out, b.String()); err != nil {
		return unwritten(err)
	}
	return exitWith(code)
}

// reportedCase is a case as --json shows it.
type reportedCase struct {
	Suite    string   `json:"suite"`
	Name     string   `json:"name"`
	File     string   `json:"file"`
	Line     int      `json:"line"`
	OK       bool     `json:"ok"`
	Failures []string `json:"failures,omitempty"`
}

// beside is the name of a file that the cases name.
func (t *policyTest) beside(name string) string {
	if name == "-" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(t.dir, name)
}

// policy reads a policy once, however many cases are judged by it.
func (t *policyTest) policy(name string, parse func([]byte) (*iam.Policy, error)) (*iam.Policy, error) {
	if p, ok := t.read[name]; ok {
		return p, nil
	}
	p, err := readPolicy(t.stdin, name, parse)
	if err == nil {
		t.read[name] = p
	}
	return p, err
}

func (t *policyTest) policies(c *config.PolicyCaller) (ps iam.Policies, err error) {
	if t.access != "" {
		if ps.Resource, err = t.policy(t.access, iam.ParseResource); err != nil {
			return ps, err
		}
	}
	if c.Boundary != "" {
		if ps.Boundary, err = t.policy(t.beside(c.Boundary), iam.ParseIdentity); err != nil {
			return ps, err
		}
	}
	for _, list := range []struct {
		names []string
		to    *[]*iam.Policy
	}{{c.Identity, &ps.Identity}, {c.Session, &ps.Session}} {
		for _, name := range list.names {
			p, err := t.policy(t.beside(name), iam.ParseIdentity)
			if err != nil {
				return ps, err
			}
			*list.to = append(*list.to, p)
		}
	}
	return ps, nil
}

// judge decides the requests of a case. It returns how many there are, and what is said of those that are decided
// otherwise than expected.
func (t *policyTest) judge(c *config.PolicyCase) (requests int, failures []string, err error) {
	ps, err := t.policies(&c.Caller)
	if err != nil {
		return 0, nil, err
	}
	addresses := c.Addresses
	if len(addresses) == 0 {
		addresses = []string{""}
	}
	for _, address := range addresses {
		q := question{
			principal: c.Caller.Principal, role: c.Caller.Role, userID: c.Caller.ID, domainARN: t.domainARN, sourceIP: address,
			vpc: c.VPC, endpoint: c.VPCEndpoint, org: c.Organization, tags: c.Tags,
		}
		if !c.Time.IsZero() {
			q.moment = c.Time.Format(time.RFC3339)
		}
		for _, path := range c.Paths {
			for _, method := range c.Methods {
				r, err := q.request([]string{method, path}, ps)
				if err != nil {
					return 0, nil, err
				}
				for key, values := range c.Keys {
					r.Context.Set(key, values...)
				}
				requests++
				if d := iam.Evaluate(ps, r); d.Allowed != c.Allow {
					from := ""
					if address != "" {
						from = " from " + address
					}
					failures = append(failures, fmt.Sprintf("%s %s as %s%s: want %s, got %s\n%s", method, path, r.Principal, from,
						decided(c.Allow), decided(d.Allowed), because(ps, &r, d)))
				}
			}
		}
	}
	return requests, failures, nil
}

func decided(allow bool) string {
	if allow {
		return "allow"
	}
	return "deny"
}

// because is why a request is decided as it is. For a refusal that no statement made, it has the statements that came
// nearest to allowing it too.
func because(ps iam.Policies, r *iam.Request, d iam.Decision) string {
	lines := []string{"  " + d.String()}
	if !d.Allowed && !d.Explicit {
		near := slices.DeleteFunc(iam.Explain(ps, *r), func(f iam.Finding) bool {
			return f.Effect != iam.Allow || f.Applies
		})
		slices.SortStableFunc(near, func(a, b iam.Finding) int { return cmp.Compare(came(b), came(a)) })
		for i := range near {
			if came(near[i]) == came(near[0]) && i < 3 {
				lines = append(lines, fmt.Sprintf("  %s comes nearest: %s", near[i].Statement, near[i].Reason))
			}
		}
	}
	return strings.Join(lines, "\n")
}

// came is how far a statement comes before it does not apply.
func came(f iam.Finding) int {
	at := slices.Index([]string{iam.MissesPrincipal, iam.MissesAction, iam.MissesResource}, f.Misses)
	if at < 0 {
		return 3 // a condition
	}
	return at
}

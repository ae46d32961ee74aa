package cli

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed56735111/penstock/iam"
)

// lintOptions are those of policy lint.
type lintOptions struct {
	identity, vpc, fineGrained, asJSON bool
	domainARN                          string
}

func newPolicyLint(a *app) *cobra.Command {
	var o lintOptions
	cmd := &cobra.Command{
		Use:   "lint FILE…",
		Short: "Look for what is most likely not meant in policies",
		Long: `lint reads policies as the service does and warns of what is allowed and most likely not meant: a domain
without /*, indexes that can be reached by another path, actions that clients need too, and more; docs/policies.md
lists the rules.

Exit codes: 0 nothing to say, 3 warnings, 2 a policy that the service would not take.`,
		Example: "  penstock policy lint policy.json --domain-arn arn:aws:es:eu-west-1:123456789012:domain/logs\n" +
			"  penstock policy lint --identity role.json",
		Args: usageArgs(cobra.MinimumNArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error { return o.run(a, args) },
	}
	f := cmd.Flags()
	f.BoolVar(&o.identity, "identity", false, "the files are identity policies, not a domain's access policy")
	f.StringVar(&o.domainARN, "domain-arn", "", "ARN of the domain, for rules about its account and region")
	f.BoolVar(&o.vpc, "vpc-domain", false, "the domain is inside a VPC")
	f.BoolVar(&o.fineGrained, "fine-grained", false, "the domain has fine-grained access control")
	f.BoolVar(&o.asJSON, "json", false, "print one JSON object for each warning")
	return cmd
}

func (o *lintOptions) run(a *app, files []string) error {
	var d iam.Domain
	if o.domainARN != "" {
		var err error
		if d, err = parseDomainARN(o.domainARN); err != nil {
			return err
		}
	}
	d.VPC, d.FineGrained = o.vpc, o.fineGrained
	parse := iam.ParseResource
	if o.identity {
		parse = iam.ParseIdentity
	}
	found := 0
	for _, name := range files {
		p, err := readPolicy(a.In, name, parse)
		if err != nil {
			return serviceSays(err)
		}
		if !o.identity {
			if err := p.CheckFor(d); err != nil {
				return serviceSays(&usageError{
					Err:  fmt.Errorf("%s: %w", name, err),
					Hint: "docs/policies.md says what a policy may hold",
				})
			}
		}
		for _, w := range iam.Lint(p, d) {
			found++
			if o.asJSON {
				found := map[string]string{"file": name, "path": w.Path, "rule": w.Rule, "text": w.Text}
				if err := json.NewEncoder(a.Out).Encode(found); err != nil {
					return unwritten(err)
				}
				continue
			}
			if _, err := fmt.Fprintf(a.Out, "%s: %s: %s (%s)\n", printable(name), w.Path, printable(w.Text),
				w.Rule); err != nil {
				return unwritten(err)
			}
		}
	}
	if found > 0 {
		return exitWith(exitDeadLetters)
	}
	return nil
}

// serviceSays puts the service's own words into the hint, where they are known.
func serviceSays(err error) error {
	e, ok := errors.AsType[*iam.Error](err)
	if !ok || e.Service == "" {
		return err
	}
	return &usageError{Err: err, Hint: "the service answers: " + shorten(e.Service, 200)}
}

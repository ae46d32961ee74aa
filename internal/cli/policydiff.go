package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed56735111/penstock/iam"
)

func newPolicyDiff(a *app) *cobra.Command {
	var domainARN, junit string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Say who gains and who loses what by another access policy",
		Long: `diff judges requests by two access policies of a domain and says which callers may do something by one of them
and not by the other: with which methods, on which paths, and in which situations (addresses, times, other keys of
conditions). Each caller is looked at without an identity policy, and with one that allows everything.

It looks at every kind of caller, path and situation that the policies tell apart. Where there are too many, or a
wildcard stands for callers, it looks at examples, and says so. docs/policies.md explains it.

Exit codes: 0 nothing changes, 3 something does, 2 usage or a policy that the service would not take.`,
		Example: "  penstock policy diff policy.json new.json\n" +
			"  penstock policy diff policy.json new.json --domain-arn arn:aws:es:eu-west-1:123456789012:domain/logs",
		Args: usageArgs(cobra.ExactArgs(2)),
		RunE: func(_ *cobra.Command, args []string) error {
			old, err := readPolicy(a.In, args[0], iam.ParseResource)
			if err != nil {
				return err
			}
			now, err := readPolicy(a.In, args[1], iam.ParseResource)
			if err != nil {
				return err
			}
			d, err := domainOf(domainARN, old, now)
			if err != nil {
				return err
			}
			c := iam.Compare(old, now, d)
			if err := writeJUnit(junit, "policy diff", diffCases(&c, args[1])); err != nil {
				return err
			}
			if asJSON {
				err = printJSON(a.Out, diffJSON(&c))
			} else if _, err = io.WriteString(a.Out, diffText(&c)); err != nil {
				err = unwritten(err)
			}
			if err == nil && len(c.Changes) > 0 {
				err = exitWith(exitDeadLetters)
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&domainARN, "domain-arn", "", "ARN of the domain; that which the policies name when not given")
	f.BoolVar(&asJSON, "json", false, "print one JSON object")
	junitFlag(cmd, &junit)
	return cmd
}

// changeLines says what a change is, and which statement makes it.
func changeLines(c *iam.Change) []string {
	does := "loses"
	if c.Gains {
		does = "gains"
	}
	lines := []string{does + " " + strings.Join(c.Methods, ", ") + ": " + strings.Join(c.Paths, "; ")}
	for _, when := range c.When {
		lines = append(lines, "  "+when)
	}
	return append(lines, "  "+c.Old.String()+"; now "+c.New.String())
}

// diffText is the comparison for people. Callers of whom the same is true share their lines.
func diffText(c *iam.Comparison) string {
	var b strings.Builder
	for i := range c.Changes {
		one := &c.Changes[i]
		if i == 0 || !slices.Equal(one.Callers, c.Changes[i-1].Callers) {
			for _, caller := range one.Callers {
				_, _ = fmt.Fprintln(&b, printable(caller))
			}
		}
		for _, line := range changeLines(one) {
			_, _ = fmt.Fprintf(&b, "  %s\n", printable(line))
		}
	}
	_, _ = fmt.Fprintf(&b, "looked at %s\n", printable(looked(c)))
	return b.String()
}

// looked says over what a comparison looked.
func looked(c *iam.Comparison) string {
	text := fmt.Sprintf("%s, 6 methods, %s", plural(int64(len(c.Callers)), "kind")+" of callers",
		plural(int64(len(c.Paths)), "kind")+" of paths")
	if len(c.Paths) == 0 {
		text = fmt.Sprintf("%s, whose statements are the same", plural(int64(len(c.Callers)), "kind")+" of callers")
	}
	if len(c.Keys) > 0 {
		text += ", " + strings.Join(c.Keys, ", ")
	}
	text += ": " + plural(int64(c.Requests), "request")
	switch {
	case len(c.Inexact) > 0:
		return text + "; of some there are examples only: " + strings.Join(c.Inexact, ", ")
	case len(c.Changes) == 0:
		return text + "; nothing changes for anybody"
	}
	return text + "; nothing else changes"
}

// diffCases has a case for each kind of callers, which fails when something changes for them.
func diffCases(c *iam.Comparison, file string) []testCase {
	cases := make([]testCase, 0, len(c.Callers))
	for _, caller := range c.Callers {
		one := testCase{Suite: "policy diff", Name: caller, File: file}
		for i := range c.Changes {
			for _, who := range c.Changes[i].Callers {
				if who == caller || strings.HasPrefix(who, caller+", with") {
					one.Failures = append(one.Failures, who+" "+strings.Join(changeLines(&c.Changes[i]), "\n"))
				}
			}
		}
		cases = append(cases, one)
	}
	return cases
}

// jsonChange is a change as --json shows it.
type jsonChange struct {
	Callers []string `json:"callers"`
	Gains   bool     `json:"gains"`
	Methods []string `json:"methods"`
	Paths   []string `json:"paths"`
	When    []string `json:"when,omitempty"`
	Example string   `json:"example"` // a request: the action and the resource
	Old     string   `json:"old"`
	New     string   `json:"new"`
}

func diffJSON(c *iam.Comparison) any {
	list := make([]jsonChange, 0, len(c.Changes))
	for i := range c.Changes {
		one := &c.Changes[i]
		list = append(list, jsonChange{
			one.Callers, one.Gains, one.Methods, one.Paths, one.When, one.Example.Action + " " + one.Example.Resource,
			one.Old.String(), one.New.String(),
		})
	}
	return map[string]any{
		"same": len(list) == 0, "changes": list, "requests": c.Requests,
		"looked_at":     map[string]any{"callers": c.Callers, "paths": c.Paths, "keys": append([]string{}, c.Keys...)},
		"examples_only": append([]string{}, c.Inexact...),
	}
}

package config

import "github.com/seed56735111/penstock/rules"

// keepVerb keeps records from what leaves them out.
func keepVerb() ruleVerb {
	return ruleVerb{
		key{
			name: "keep", usage: "no drop and no sample behind this rule leaves the record out; say why", form: text{testSkip},
		},
		func(n *node) rules.Verb { return rules.Keep{Reason: n.text} },
	}
}

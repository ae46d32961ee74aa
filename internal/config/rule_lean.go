package config

import "github.com/seed56735111/penstock/rules"

// leanVerb takes out fields that say nothing.
func leanVerb() ruleVerb {
	return ruleVerb{
		key{
			name: "lean", usage: "take out fields that are null, empty texts or dashes, also in objects",
			form: many{filled(rules.LeanKinds())},
		},
		func(n *node) rules.Verb { return rules.Lean{What: namesAt(n)} },
	}
}

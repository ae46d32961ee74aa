package config

import "github.com/seed56735111/penstock/rules"

// removeVerb takes fields out.
func removeVerb() ruleVerb {
	return ruleVerb{
		key{name: "remove", usage: "fields to take out", form: many{text{}}},
		func(n *node) rules.Verb { return rules.Remove{Fields: namesAt(n)} },
	}
}

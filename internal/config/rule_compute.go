package config

import "github.com/seed56735111/penstock/rules"

// computeVerb gives fields values.
func computeVerb() ruleVerb {
	return ruleVerb{
		key{name: "compute", usage: "fields and the expressions whose values they get", form: fieldsForm{text{}}},
		func(n *node) rules.Verb { return rules.Compute{Fields: assignments(n)} },
	}
}

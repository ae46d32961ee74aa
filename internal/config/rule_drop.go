package config

import "github.com/seed56735111/penstock/rules"

// dropVerb leaves records out.
func dropVerb() ruleVerb {
	return ruleVerb{
		key{name: "drop", usage: "leave the record out; say why", form: text{testSkip}},
		func(n *node) rules.Verb { return rules.Drop{Reason: n.text} },
	}
}

package config

import "github.com/seed56735111/penstock/rules"

// renameVerb gives fields other names.
func renameVerb() ruleVerb {
	return ruleVerb{
		key{name: "rename", usage: "fields and their new names", form: fieldsForm{text{}}},
		func(n *node) rules.Verb { return rules.Rename{Fields: assignments(n)} },
	}
}

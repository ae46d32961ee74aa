package config

import "github.com/seed56735111/penstock/rules"

// setVerb gives fields texts.
func setVerb() ruleVerb {
	return ruleVerb{
		key{
			name: "set", usage: "fields and their texts; {name} is a field, or where the record is from",
			form: fieldsForm{text{}},
		},
		func(n *node) rules.Verb { return rules.Set{Fields: assignments(n)} },
	}
}

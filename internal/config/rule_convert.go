package config

import "github.com/seed56735111/penstock/rules"

// convertVerb writes fields as values of another type.
func convertVerb() ruleVerb {
	return ruleVerb{
		key{name: "convert", usage: "fields and the types that they get", form: fieldsForm{filled(rules.Conversions())}},
		func(n *node) rules.Verb { return rules.Convert{Fields: assignments(n)} },
	}
}

package config

import "github.com/seed56735111/penstock/rules"

// splitVerb makes records of the elements of a list.
func splitVerb() ruleVerb {
	return ruleVerb{
		key{name: "split", usage: "make a record of each element of a list", form: keys{
			{name: "field", usage: "the field with the list", form: text{}, required: true},
			{name: "into", usage: "the field of the element; without it, the one that the list had", form: text{}},
		}},
		func(n *node) rules.Verb { return rules.Split{Field: n.textAt("field"), Into: n.textAt("into")} },
	}
}

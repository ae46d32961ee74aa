package config

import "github.com/seed56735111/penstock/rules"

// lookupVerb looks a value up in a table.
func lookupVerb() ruleVerb {
	return ruleVerb{
		key{name: "lookup", usage: "put what a table has for the value of a field into an object", form: keys{
			{name: "table", usage: "the name of the table, among tables", form: text{}, required: true},
			{name: "field", usage: "the field whose value is looked up", form: text{}, required: true},
			{name: "into", usage: "the field that becomes the object", form: text{}, required: true},
			{
				name: "fields", usage: "what is taken of the table, such as country.iso_code; without it, everything",
				form: several{text{}, "a field"},
			},
		}},
		func(n *node) rules.Verb {
			return rules.Lookup{
				Table: n.textAt("table"), Field: n.textAt("field"), Into: n.textAt("into"), Fields: n.listAt("fields"),
			}
		},
	}
}

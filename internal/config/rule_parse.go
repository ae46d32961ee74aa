package config

import "github.com/seed56735111/penstock/rules"

// parseVerb reads the text of a field.
func parseVerb() ruleVerb {
	return ruleVerb{
		key{name: "parse", usage: "read the text of a field, and put what it says into an object", form: keys{
			{name: "field", usage: "the field with the text", form: text{}, required: true},
			{
				name: "as", usage: "what the text is: url, query, user_agent, grok, dissect, regex, or the name of a format",
				form: text{}, required: true,
			},
			{name: "pattern", usage: "the pattern of grok, dissect or regex", form: text{}},
			{
				name: "into", usage: "the field that becomes the object; without it, what a pattern finds are fields",
				form: text{},
			},
		}},
		func(n *node) rules.Verb {
			return rules.Parse{
				Field: n.textAt("field"), As: n.textAt("as"), Pattern: n.textAt("pattern"), Into: n.textAt("into"),
			}
		},
	}
}

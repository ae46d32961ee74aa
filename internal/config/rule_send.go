package config

import "github.com/seed56735111/penstock/rules"

// sendVerbs send single records elsewhere.
func sendVerbs() []ruleVerb {
	return []ruleVerb{
		{
			key{name: "index", usage: "pattern of another index", form: text{testIndex}},
			func(n *node) rules.Verb { return rules.Index{Pattern: n.text} },
		},
		{
			key{name: "data_stream", usage: "another data stream", form: text{testStream}},
			func(n *node) rules.Verb { return rules.DataStream{Name: n.text} },
		},
		{
			key{name: "pipeline", usage: "ingest pipeline of the domain; {name} is a field", form: text{testSkip}},
			func(n *node) rules.Verb { return rules.Pipeline{Name: n.text} },
		},
		{
			key{name: "routing", usage: "text by which the shard is chosen; {name} is a field", form: text{testSkip}},
			func(n *node) rules.Verb { return rules.Routing{Value: n.text} },
		},
	}
}

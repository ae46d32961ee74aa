package config

import (
	"github.com/seed56735111/penstock/pipeline"
	"github.com/seed56735111/penstock/rules"
)

// sampleVerb keeps a part of the records.
func sampleVerb() ruleVerb {
	return ruleVerb{
		key{name: "sample", usage: "keep a part of the records, such as 10%, by their ids", form: text{tests["sample"]}},
		func(n *node) rules.Verb {
			share, _ := pipeline.ParseShare(n.text) // the form has tried it
			return rules.Sample{Share: share}
		},
	}
}

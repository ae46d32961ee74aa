package pipeline_test

import (
	"testing"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/pipeline"
	"github.com/seed56735111/penstock/redact"
	"github.com/seed56735111/penstock/rules"
)

// BenchmarkStages is what a run without rules pays before its first object.
func BenchmarkStages(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		read := pipeline.Read{}
		if _, _, err := read.Stages(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkEntryWithRedaction is what each entry pays for a rule that looks for secrets, before its first record.
func BenchmarkEntryWithRedaction(b *testing.B) {
	read := pipeline.Read{Always: []rules.Rule{{Verb: rules.Redact{Detect: redact.Kinds(), With: "mask"}}}}
	p, _, err := read.Stages()
	if err != nil {
		b.Fatal(err)
	}
	id := penstock.Identity{Bucket: "logs", Key: "alb.log", ETag: "e"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Shaper.Entry(&penstock.Object{}, id, "", "alb"); err != nil {
			b.Fatal(err)
		}
	}
}

package iam_test

import (
	"strings"
	"testing"

	"github.com/seed56735111/penstock/iam"
)

func BenchmarkEvaluate(b *testing.B) {
	access, err := iam.ParseResource([]byte(statementWith(strings.Join([]string{
		allow("Allow", "arn:aws:iam::123456789012:role/a", logs+"/a/*"), allow("Deny", mallory, "*"), allow("Allow", alice, logs+"/logs-*"),
	}, ","))))
	if err != nil {
		b.Fatal(err)
	}
	p, err := iam.ParsePrincipal(alice)
	if err != nil {
		b.Fatal(err)
	}
	ps := iam.Policies{Resource: access}
	r := iam.Request{Principal: p, Action: "es:ESHttpPost", Resource: logs + "/logs-2026.11.24/_bulk", Context: iam.NewContext(p, iam.Facts{})}
	b.ReportAllocs()
	for b.Loop() {
		if !iam.Evaluate(ps, r).Allowed {
			b.Fatal("not allowed")
		}
	}
}

package iam_test

import (
	"strings"
	"testing"

	"github.com/seed56735111/penstock/iam"
)

// benchmarkAllowed has an access policy judge what it allows.
func benchmarkAllowed(b *testing.B, access *iam.Policy, err error, path string) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
	p, err := iam.ParsePrincipal(alice)
	if err != nil {
		b.Fatal(err)
	}
	ps := iam.Policies{Resource: access}
	r := iam.Request{Principal: p, Action: "es:ESHttpPost", Resource: logs + path, Context: iam.NewContext(p, iam.Facts{})}
	b.ReportAllocs()
	for b.Loop() {
		if !iam.Evaluate(ps, r).Allowed {
			b.Fatal("not allowed")
		}
	}
}

func BenchmarkEvaluate(b *testing.B) {
	access, err := iam.ParseResource([]byte(statementWith(strings.Join([]string{
		allow("Allow", "arn:aws:iam::123456789012:role/a", logs+"/a/*"), allow("Deny", mallory, "*"),
		allow("Allow", alice, logs+"/logs-*"),
	}, ","))))
	benchmarkAllowed(b, access, err, "/logs-2026.11.24/_bulk")
}

func BenchmarkEvaluateWithVariablesAndConditions(b *testing.B) {
	access, err := iam.ParseResource([]byte(statementWith(`{
		"Effect": "Allow", "Principal": "*", "Action": "es:ESHttp*", "Resource": "` + logs + `/${aws:username}-*",
		"Condition": {
			"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/*"},
			"DateLessThan": {"aws:CurrentTime": "2999-01-01T00:00:00Z"}
		}
	}`)))
	benchmarkAllowed(b, access, err, "/alice-2026/_bulk")
}

func BenchmarkNewContext(b *testing.B) {
	p, err := iam.ParsePrincipal(alice)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		c := iam.NewContext(p, iam.Facts{UserAgent: "curl/8", Resource: logs + "/"})
		if c.Values("aws:username") == nil {
			b.Fatal("no name")
		}
	}
}

// BenchmarkParse reads a policy of a hundred statements.
func BenchmarkParse(b *testing.B) {
	statements := make([]string, 100)
	for i := range statements {
		statements[i] = allow("Allow", alice, logs+"/"+strings.Repeat("x", i+1)+"/*")
	}
	doc := []byte(statementWith(strings.Join(statements, ",")))
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := iam.ParseResource(doc); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkManyStars matches the worst pattern that a hundred characters can be with a path of eight thousand.
func BenchmarkManyStars(b *testing.B) {
	p, err := iam.ParseIdentity([]byte(
		statementWith(`{"Effect":"Allow","Action":"*","Resource":"` + logs + "/" + strings.Repeat("*a", 50) + `b"}`)))
	if err != nil {
		b.Fatal(err)
	}
	caller, err := iam.ParsePrincipal(alice)
	if err != nil {
		b.Fatal(err)
	}
	ps := iam.Policies{Identity: []*iam.Policy{p}}
	r := iam.Request{Principal: caller, Action: "es:ESHttpGet", Resource: logs + "/" + strings.Repeat("a", 8000)}
	b.ReportAllocs()
	for b.Loop() {
		if iam.Evaluate(ps, r).Allowed {
			b.Fatal("allowed")
		}
	}
}

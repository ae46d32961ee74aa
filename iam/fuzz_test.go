package iam_test

import (
	"errors"
	"testing"

	"github.com/seed56735111/penstock/iam"
)

func FuzzParseResource(f *testing.F) {
	f.Add([]byte(statementWith(allow("Allow", alice, logs+"/*"))))
	f.Add([]byte(`{"Statement":{"Effect":"Deny","Principal":{"AWS":["*"]},"NotAction":"es:ESHttp?et","NotResource":"*","Condition":{"ForAnyValue:StringLikeIfExists":{"aws:x":["${aws:y, 'z'}*"]}}}}`))
	p, err := iam.ParsePrincipal(alice)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		policy, err := iam.ParseResource(doc)
		if err != nil {
			if _, ok := errors.AsType[*iam.Error](err); !ok {
				t.Errorf("%q: %v is not an *Error", doc, err)
			}
			return
		}
		// What is accepted can be judged, explained and looked at without a panic, and says the same each time.
		r := iam.Request{Principal: p, Action: "es:ESHttpGet", Resource: logs + "/x", Context: iam.NewContext(p, iam.Facts{})}
		ps := iam.Policies{Resource: policy}
		if a, b := iam.Evaluate(ps, r), iam.Evaluate(ps, r); a != b {
			t.Errorf("%q: %v, then %v", doc, a, b)
		}
		iam.Explain(ps, r)
		iam.Lint(policy, iam.Domain{Name: "logs", Region: "eu-west-1", Account: "123456789012"})
		_ = policy.CheckFor(iam.Domain{VPC: true})
	})
}

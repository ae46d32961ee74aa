package iam_test

import (
	"fmt"

	"github.com/seed56735111/penstock/iam"
)

// A domain's access policy that admits one user, asked about that user and about an anonymous caller.
func ExampleEvaluate() {
	policy, err := iam.ParseResource([]byte(`{
		"Version": "2012-10-17",
		"Statement": [{
			"Effect": "Allow",
			"Principal": {"AWS": "arn:aws:iam::123456789012:user/grace"},
			"Action": "es:ESHttp*",
			"Resource": "arn:aws:es:eu-west-1:123456789012:domain/logs/*"
		}]
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	domain, err := iam.ParseDomain("arn:aws:es:eu-west-1:123456789012:domain/logs")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, who := range []string{"arn:aws:iam::123456789012:user/grace", "anonymous"} {
		caller, err := iam.ParsePrincipal(who)
		if err != nil {
			fmt.Println(err)
			return
		}
		resource := domain.Resource("/_bulk")
		fmt.Println(iam.Evaluate(iam.Policies{Resource: policy}, iam.Request{
			Principal: caller, Action: "es:ESHttpPost", Resource: resource, Context: iam.NewContext(caller, iam.Facts{Resource: resource}),
		}))
	}
	// Output:
	// allowed by statement 0 of the resource-based policy
	// refused: no statement of the access policy allows anonymous callers to do this; only the principal * means them
}

func ExampleLint() {
	policy, err := iam.ParseResource([]byte(`{"Statement": [{
		"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:user/grace"},
		"Action": "es:*", "Resource": "arn:aws:es:eu-west-1:123456789012:domain/logs"
	}]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, w := range iam.Lint(policy, iam.Domain{}) {
		fmt.Println(w.Path, w.Rule)
	}
	// Output: Statement[0].Resource domain-without-path
}

package iam_test

import (
	"errors"
	"fmt"
	"net/netip"

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
			Principal: caller, Action: "es:ESHttpPost", Resource: resource,
			Context: iam.NewContext(caller, iam.Facts{Resource: resource}),
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

// Every statement says whether it is about the request, and if not, why.
func ExampleExplain() {
	policy, err := iam.ParseResource([]byte(`{"Version": "2012-10-17", "Statement": [
		{
			"Sid": "Read", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:user/grace"},
			"Action": "es:ESHttpGet", "Resource": "*"
		},
		{
			"Sid": "Office", "Effect": "Allow", "Principal": "*", "Action": "es:*", "Resource": "*",
			"Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}
		}
	]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	caller, err := iam.ParsePrincipal("arn:aws:iam::123456789012:user/grace")
	if err != nil {
		fmt.Println(err)
		return
	}
	facts := iam.Facts{
		SourceIP: netip.MustParseAddr("198.51.100.1"), Resource: "arn:aws:es:eu-west-1:123456789012:domain/logs/_bulk",
	}
	request := iam.Request{
		Principal: caller, Action: "es:ESHttpPost", Resource: facts.Resource, Context: iam.NewContext(caller, facts),
	}
	for _, f := range iam.Explain(iam.Policies{Resource: policy}, request) {
		fmt.Printf("%s: %s\n", f.Statement.Sid, f.Reason)
	}
	// Output:
	// Read: Action es:ESHttpGet does not include es:ESHttpPost
	// Office: condition IpAddress aws:SourceIp 203.0.113.0/24: the request has 198.51.100.1
}

// A document that the service would refuse is an error with its place, and with what the service answers.
func ExampleError() {
	_, err := iam.ParseResource([]byte(`{"Statement": {"Effect": "Deny", "Principal": "*", "NotActoin": "*"}}`))
	e, ok := errors.AsType[*iam.Error](err)
	fmt.Println(ok, e.Path, e.Problem)
	fmt.Println(e.Service)
	// Output:
	// true Statement[0] unknown element "NotActoin"
	// InvalidTypeException: Error setting policy: [{"Statement": {"Effect": "Deny", "Principal": "*", "NotActoin": "*"}}]
}

// The least that a program needs that sends documents with _bulk, for a role of another account.
func ExampleGenerate() {
	domain, err := iam.ParseDomain("arn:aws:es:eu-west-1:123456789012:domain/logs")
	if err != nil {
		fmt.Println(err)
		return
	}
	access, identity, err := iam.Generate(domain, "arn:aws:iam::210987654321:role/shipper",
		[]iam.Need{{Method: "POST", Path: "/_bulk"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s\n%s\n", access, identity)
	// Output:
	// {
	//   "Version": "2012-10-17",
	//   "Statement": [
	//     {
	//       "Sid": "PenstockPost",
	//       "Effect": "Allow",
	//       "Principal": {
	//         "AWS": "arn:aws:iam::210987654321:role/shipper"
	//       },
	//       "Action": [
	//         "es:ESHttpPost"
	//       ],
	//       "Resource": [
	//         "arn:aws:es:eu-west-1:123456789012:domain/logs/_bulk"
	//       ]
	//     }
	//   ]
	// }
	// {
	//   "Version": "2012-10-17",
	//   "Statement": [
	//     {
	//       "Sid": "PenstockPost",
	//       "Effect": "Allow",
	//       "Action": [
	//         "es:ESHttpPost"
	//       ],
	//       "Resource": [
	//         "arn:aws:es:eu-west-1:123456789012:domain/logs/_bulk"
	//       ]
	//     }
	//   ]
	// }
}

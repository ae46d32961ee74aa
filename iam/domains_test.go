package iam_test

import (
	"fmt"
	"testing"

	"github.com/seed56735111/penstock/iam"
)

func TestDomainsAreThoseThatResourcesNameInFull(t *testing.T) {
	t.Parallel()
	const logs, two = "arn:aws:es:eu-west-1:123456789012:domain/logs", "arn:aws:es:eu-west-1:123456789012:domain/two"
	const china = "arn:aws-cn:es:cn-north-1:123456789012:domain/one"
	for resources, want := range map[string]string{
		`"` + logs + `/*"`:                           "[" + logs + "]",
		`["` + logs + `","` + logs + `/a*/_search"]`: "[" + logs + "]",
		`["` + china + `/*","` + two + `/*"]`:        "[" + china + " " + two + "]",
		`"*"`:                                        "[]",
		`"arn:aws:es:*:123456789012:domain/logs/*"`:  "[]",
		`"` + logs + `-*/*"`:                         "[]",
		`"arn:aws:s3:::bucket/*"`:                    "[]",
	} {
		p, err := iam.ParseIdentity([]byte(
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"es:*","Resource":` + resources + `}]}`))
		if err != nil {
			t.Fatalf("%s: %v", resources, err)
		}
		names := make([]string, 0, 2)
		for _, d := range p.Domains() {
			names = append(names, d.ARN())
		}
		if got := fmt.Sprint(names); got != want {
			t.Errorf("%s: got %s, want %s", resources, got, want)
		}
	}
}

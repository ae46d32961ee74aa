package iam_test

import (
	"fmt"
	"testing"

	"github.com/seed56735111/penstock/iam"
)

func TestDomainsAreThoseThatResourcesNameInFull(t *testing.T) {
	t.Parallel()
	for resources, want := range map[string]string{
		`"arn:aws:es:eu-west-1:123456789012:domain/logs/*"`:                                                            "[arn:aws:es:eu-west-1:123456789012:domain/logs]",
		`["arn:aws:es:eu-west-1:123456789012:domain/logs","arn:aws:es:eu-west-1:123456789012:domain/logs/a*/_search"]`: "[arn:aws:es:eu-west-1:123456789012:domain/logs]",
		`["arn:aws-cn:es:cn-north-1:123456789012:domain/one/*","arn:aws:es:eu-west-1:123456789012:domain/two/*"]`:      "[arn:aws-cn:es:cn-north-1:123456789012:domain/one arn:aws:es:eu-west-1:123456789012:domain/two]",
		`"*"`: "[]",
		`"arn:aws:es:*:123456789012:domain/logs/*"`:           "[]",
		`"arn:aws:es:eu-west-1:123456789012:domain/logs-*/*"`: "[]",
		`"arn:aws:s3:::bucket/*"`:                             "[]",
	} {
		p, err := iam.ParseIdentity([]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"es:*","Resource":` + resources + `}]}`))
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

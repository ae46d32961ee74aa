package iam_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/seed56735111/penstock/iam"
)

const (
	logsARN  = "arn:aws:es:eu-west-1:123456789012:domain/logs"
	graceARN = "arn:aws:iam::123456789012:user/grace"
)

func pathPolicy(statements ...string) []byte {
	return []byte(`{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`)
}

func forEveryone(effect, resources string) string {
	return `{"Effect":"` + effect + `","Principal":{"AWS":"*"},"Action":"es:*","Resource":` + resources + `}`
}

// A path is judged as a path of the one domain, whoever calls, and a star in it stays in the path.
func TestResourcesMayBePathsAlone(t *testing.T) {
	t.Parallel()
	grace, err := iam.ParsePrincipal(graceARN)
	if err != nil {
		t.Fatal(err)
	}
	other, err := iam.ParsePrincipal("arn:aws-cn:iam::210987654321:user/ada")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, doc, arn string
		admits, not    []string
	}{
		{
			"paths", string(pathPolicy(
				forEveryone("Allow", `["/logs-*/_search","/"]`), forEveryone("Deny", `"/logs-x/*"`))), "",
			[]string{"/", "/logs-a/_search", "/logs-a/b/_search"},
			[]string{"/x", "/x/logs-a/_search", "/any/logs-a/_search", "/logs-x/_search", "/logs-a/_search/", "", "//"},
		},
		{"everything", string(pathPolicy(forEveryone("Allow", `"*"`))), "", []string{"/", "/x"}, nil},
		{
			"a path beside a domain", string(pathPolicy(forEveryone("Allow", `["/a","`+logsARN+`/b"]`))), "",
			[]string{"/a", "/b"},
			[]string{"/c", "/a/b"},
		},
		{
			"a domain that is given",
			string(pathPolicy(forEveryone("Allow", `["/a","arn:aws:es:*:*:domain/lo*/b"]`))), logsARN,
			[]string{"/a", "/b"},
			[]string{"/c"},
		},
		{
			"everything but",
			string(pathPolicy(`{"Effect":"Allow","Principal":"*","Action":"es:*","NotResource":"/secret*"}`)), "",
			[]string{"/a"},
			[]string{"/secret/x"},
		},
	} {
		p, err := iam.ParsePaths([]byte(c.doc), c.arn)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for _, who := range []iam.Principal{grace, other, iam.Anonymous()} {
			at := p.DomainOf(who)
			if who.Account() != "" && who.Account() != at.Account {
				continue // a caller of another account needs an identity policy too
			}
			for i, paths := range [][]string{c.admits, c.not} {
				for _, path := range paths {
					got := iam.Evaluate(iam.Policies{Resource: p}, iam.Request{
						Principal: who, Action: "es:ESHttpGet", Resource: at.ARN() + path,
					})
					if got.Allowed != (i == 0) {
						t.Errorf("%s: %s of %s: %s", c.name, path, who, got)
					}
				}
			}
		}
	}
}

// What could silently fit nothing is refused: with a Deny it would let in.
func TestAPolicyOfPathsIsRefusedWhereItIsNotUnderstood(t *testing.T) {
	t.Parallel()
	cond := func(c string) string {
		return `{"Effect":"Deny","Principal":"*","Action":"es:*","Resource":"/*","Condition":` + c + `}`
	}
	for doc, want := range map[string]string{
		forEveryone("Deny", `"arn:aws:es:*:*:domain/logs/x"`):                     "Statement[0].Resource",
		forEveryone("Deny", `"arn:aws:es:eu-west-1:123456789012:domain/l*/x"`):    "does not name one domain",
		forEveryone("Deny", `"arn:aws:es:*"`):                                     "does not name one domain",
		forEveryone("Deny", `"arn:aws:es:eu-west-1:1:domain/logs/x"`):             "does not name one domain",
		forEveryone("Deny", `["`+logsARN+`/x","`+logsARN+`-two/x"]`):              "it names 2 domains",
		forEveryone("Deny", `["`+logsARN+`/x","`+logsARN+`-*/x"]`):                "does not name one domain",
		cond(`{"StringEquals":{"aws:SourceVpc":"vpc-1"}}`):                        "aws:sourcevpc",
		cond(`{"StringLike":{"aws:UserAgent":"${aws:userid}"}}`):                  "aws:userid",
		forEveryone("Deny", `"/${aws:PrincipalTag/team}/x"`):                      "aws:principaltag/team",
		forEveryone("Deny", `"x"`):                                                "no ARN",
		`{"Effect":"Deny","Principal":"*","Action":"es:*","Resource":"/*","A":1}`: "unknown element",
	} {
		_, err := iam.ParsePaths(pathPolicy(doc), "")
		if _, ok := errors.AsType[*iam.Error](err); !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", doc, err, want)
		}
	}
	if _, err := iam.ParsePaths(pathPolicy(forEveryone("Allow", `"/*"`)), "arn:aws:es:x"); err == nil {
		t.Error("an ARN that is none is taken")
	}
	if _, err := iam.ParseResource(pathPolicy(forEveryone("Allow", `"/*"`))); err == nil {
		t.Error("the policy of a domain takes a path alone")
	}
}

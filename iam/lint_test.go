package iam_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed56735111/penstock/iam"
)

// lintRules are the rules that are broken, in order and each once.
func lintRules(t *testing.T, p *iam.Policy, d iam.Domain) string {
	t.Helper()
	var rules []string
	for _, w := range iam.Lint(p, d) {
		if !slices.Contains(rules, w.Rule) {
			rules = append(rules, w.Rule)
		}
		if w.Path == "" || w.Text == "" {
			t.Errorf("warning without its place or text: %+v", w)
		}
	}
	return strings.Join(rules, " ")
}

func TestLintSeesTheTraps(t *testing.T) {
	t.Parallel()
	d, err := iam.ParseDomain(logs)
	if err != nil {
		t.Fatal(err)
	}
	statement := func(action, resource string) string {
		return fmt.Sprintf(`{"Effect":"Allow","Principal":{"AWS":%q},"Action":%q,"Resource":%q}`, alice, action, resource)
	}
	conditional := func(effect, condition string) string {
		return fmt.Sprintf(`{"Effect":%q,"Principal":{"AWS":%q},"Action":"es:*","Resource":"*","Condition":{%s}}`,
			effect, alice, condition)
	}
	about := func(effect, element, resource string) string {
		return fmt.Sprintf(`{"Effect":%q,"Principal":{"AWS":%q},"Action":"es:*",%q:%q}`, effect, alice, element, resource)
	}
	for text, want := range map[string]string{
		// The domain.
		statement("es:*", logs):                                                    "domain-without-path",
		statement("es:*", logs+"/*"):                                               "",
		statement("es:*", logs+"/"):                                                "",
		statement("es:*", logs+"*"):                                                "",
		statement("es:*", "*"):                                                     "",
		statement("es:*", "arn:aws:es:*:*:domain/l?gs/*"):                          "",
		statement("es:*", "arn:aws:es:us-east-1:123456789012:domain/logs/*"):       "other-domain",
		statement("es:*", "arn:aws:es:eu-west-1:123456789012:domain/metrics/*"):    "other-domain",
		statement("es:*", "arn:aws:es:eu-west-1:${aws:PrincipalAccount}:domain/*"): "never-matches",
		`{"Effect":"Allow","Principal":{"AWS":"` + alice + `"},"Action":"es:*"}`:   "no-resource",
		// An index and what is below it, in two statements.
		statement("es:*", logs+"/idx") + "," + statement("es:ESHttpHead", logs+"/idx/*"): "",
		// Indexes and APIs.
		statement("es:*", logs+"/idx/*"):            "body-names-indexes index-itself",
		statement("es:*", logs+"/idx/_search"):      "",
		statement("es:*", logs+"/idx/_doc/*"):       "",
		statement("es:*", logs+"/idx"):              "index-only",
		statement("es:*", logs+"/idx*"):             "list-reaches-further body-names-indexes",
		statement("es:*", logs+"/idx-*/_search"):    "list-reaches-further",
		statement("es:ESHttpDelete", logs+"/idx/*"): "index-itself",
		statement("es:*", logs+"/_bulk"):            "body-names-indexes",
		statement("es:*", logs+"/_msearch*"):        "body-names-indexes",
		statement("es:*", logs+"/_aliases"):         "body-names-indexes",
		statement("es:*", logs+"/_all/*"):           "all-indexes",
		statement("es:*", logs+"/_search"):          "all-indexes",
		statement("es:*", logs+"/*/_search"):        "all-indexes",
		statement("es:*", logs+"/_cat/indices"):     "",
		allow("Deny", alice, logs+"/secret/*"):      "deny-can-be-avoided index-itself",
		allow("Deny", alice, logs+"/secret*"):       "deny-can-be-avoided",
		allow("Deny", alice, logs+"/_cluster/*"):    "",
		allow("Deny", alice, "*"):                   "",
		// Actions.
		statement("es:ESHttpGet", "*"):                   "head search-by-post",
		statement("es:ESHttpGet", logs+"/idx/_search"):   "search-by-post",
		statement("es:ESHttpGet", logs+"/"):              "",
		statement("es:ESHttpGet", logs+"/_template/x-*"): "",
		statement("es:ESHttpGet", logs+"/idx"):           "head index-only",
		statement("es:ESHttpGet", logs+"/_search"):       "search-by-post all-indexes",
		statement("es:ESHttp*", "*"):                     "",
		statement("*", "*"):                              "",
		statement("es:DescribeDomain", "*"):              "control-plane-only",
		statement("es:ESHttpGte", "*"):                   "unknown-action",
		statement("es:ESHttpPut", logs+"/idx/_search"):   "method-mismatch",
		statement("es:ESHttpHead", logs+"/_bulk"):        "method-mismatch",
		statement("es:ESHttpPost", logs+"/_cat/health"):  "method-mismatch",
		statement("es:ESHttpPut", logs+"/idx/_bulk"):     "body-names-indexes",
		`{"Effect":"Allow","Principal":{"AWS":"` + alice + `"},"NotAction":"es:ESHttpDelete","Resource":"*"}`: "not-action",
		// Principals.
		allow("Allow", "*", "*"):                     "open",
		allow("Allow", "123456789012", "*"):          "account-delegates",
		allow("Allow", mallory, "*"):                 "foreign-principal",
		allow("Deny", mallory, "*"):                  "",
		allow("Allow", "AIDAABCDEFGHIJKLMNOPQ", "*"): "deleted-principal",
		`{"Effect":"Allow","Principal":{"Service":"es.amazonaws.com"},"Action":"es:*","Resource":"*"}`: "service-principal",
		// Conditions.
		conditional("Allow", `"Bool":{"aws:SecureTransport":"true"}`):                        "unsupported-key",
		conditional("Deny", `"StringNotEquals":{"aws:PrincipalTag/team":"x"}`):               "unsupported-key",
		conditional("Allow", `"ForAllValues:StringEquals":{"x:y":"z"}`):                      "for-all-values",
		conditional("Allow", `"StringEqualsIfExists":{"x:y":"z"}`):                           "if-exists",
		conditional("Allow", `"StringEquals":{"aws:username":"a*"}`):                         "literal-wildcard",
		conditional("Allow", `"StringEquals":{"aws:username":"a${*}"}`):                      "",
		conditional("Allow", `"StringLike":{"aws:username":"a*"}`):                           "",
		conditional("Allow", `"IpAddress":{"aws:SourceIp":["198.51.100.0/24","0.0.0.0/0"]}`): "every-address",
		conditional("Deny", `"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}`):                  "private-source-ip",
		conditional("Allow", `"IpAddress":{"aws:SourceIp":"198.51.100.0/24"}`):               "",
		// Policy variables that a request may leave without a value.
		conditional("Deny", `"StringNotEquals":{"x:team":"${x:own}"}`):                "null-variable",
		conditional("Deny", `"StringEquals":{"x:team":"${x:own}"}`):                   "null-variable",
		conditional("Allow", `"StringNotLikeIfExists":{"x:team":"${x:own}"}`):         "null-variable",
		conditional("Allow", `"StringEquals":{"x:team":"${x:own}"}`):                  "",
		conditional("Deny", `"StringEquals":{"x:team":"${x:own, 'none'}"}`):           "",
		conditional("Deny", `"StringNotEquals":{"x:acct":"${aws:PrincipalAccount}"}`): "",
		// Resources with policy variables.
		allow("Allow", alice, logs+"/${aws:username}*"):          "list-reaches-further body-names-indexes",
		about("Deny", "Resource", logs+"/_x/${aws:username}"):    "null-variable",
		about("Deny", "NotResource", logs+"/_x/${aws:username}"): "",
		about("Allow", "NotResource", logs+"/${x:own}"):          "null-variable",
	} {
		p, err := iam.ParseResource([]byte(statementWith(text)))
		if err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		if got := lintRules(t, p, d); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestLintKnowsIdentityPoliciesOldVersionsAndDomainsInAVPC(t *testing.T) {
	t.Parallel()
	const inVPC, public = true, false
	deny := func(condition string) string {
		return statementWith(`{"Effect":"Deny","Action":"es:*","Resource":"*","Condition":{` + condition + `}}`)
	}
	for _, test := range []struct {
		doc  string
		vpc  bool
		want string
	}{
		{statementWith(`{"Effect":"Allow","Action":"es:*","Resource":"` + logs + `*"}`), public, "domain-prefix"},
		{statementWith(`{"Effect":"Allow","Action":"es:DescribeDomain","Resource":"` + logs + `/*"}`), public, ""},
		{statementWith(`{"Effect":"Allow","Action":["s3:GetObject","sqs:*"],"Resource":"arn:aws:s3:::bucket"}`), public, ""},
		{
			doc:  `{"Statement":{"Effect":"Allow","Action":"es:*","Resource":"` + logs + `/${aws:username}/_search"}}`,
			want: "old-version",
		},
		{
			doc: `{"Statement":{"Effect":"Allow","Action":"es:*","Resource":"*",
				"Condition":{"StringEquals":{"x:y":"${aws:username}"}}}}`,
			want: "old-version",
		},
		{deny(`"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}`), inVPC, "vpc-source-ip"},
		{deny(`"NotIpAddress":{"aws:VpcSourceIp":"10.0.0.0/8"}`), inVPC, ""},
	} {
		p, err := iam.ParseIdentity([]byte(test.doc))
		if err != nil {
			t.Fatalf("%v: %s", err, test.doc)
		}
		if got := lintRules(t, p, iam.Domain{VPC: test.vpc}); got != test.want {
			t.Errorf("%s: %q, want %q", test.doc, got, test.want)
		}
	}
}

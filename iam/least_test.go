package iam_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/seed56735111/penstock/iam"
)

// The least policy admits what was used, and nothing that differs in who, how or where.
func TestTheLeastPolicyAdmitsWhatWasUsedAndNothingElse(t *testing.T) {
	t.Parallel()
	people := []string{
		graceARN, "arn:aws:iam::123456789012:user/team/ada", "arn:aws:sts::123456789012:assumed-role/reader/one",
		"arn:aws:sts::123456789012:assumed-role/reader/two", "arn:aws:iam::210987654321:user/ada",
		"arn:aws:sts::123456789012:federated-user/eve", "anonymous",
	}
	methods := []string{"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"}
	pieces := []string{
		"/", "a", "logs-", "*", "?", "$", "${*}", "${aws:username}", "%2F", ",", "_search", "_bulk", "é", "-x", "{}",
		"\ufffd", ":", "<b>", "\u202e", `"`, `\`,
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	path := func() string {
		var b strings.Builder
		b.WriteByte('/')
		for range rnd.IntN(6) {
			b.WriteString(pieces[rnd.IntN(len(pieces))])
		}
		return b.String()
	}
	refused := 0
	for _, arn := range []string{"", logsARN} {
		if arn != "" { // a caller of another account needs an identity policy too
			people = slices.DeleteFunc(people, func(who string) bool { return strings.Contains(who, "210987654321") })
		}
		for range 60 {
			var uses []iam.Use
			used := map[iam.Use]bool{}
			for range 1 + rnd.IntN(12) {
				u := iam.Use{people[rnd.IntN(len(people)-1)], methods[rnd.IntN(len(methods))], path()}
				if rnd.IntN(20) == 0 {
					u.Principal = "anonymous"
				}
				uses, used[u] = append(uses, u), true
			}
			doc, err := iam.Least(uses, arn)
			if err != nil {
				t.Fatal(err)
			}
			p, err := iam.ParsePaths(doc, "")
			if err != nil {
				t.Fatalf("%v\n%s", err, doc)
			}
			ask := func(u iam.Use) bool {
				who, err := iam.ParsePrincipal(u.Principal)
				if err != nil {
					t.Fatal(err)
				}
				at := p.DomainOf(who)
				action, _ := iam.ActionFor(u.Method)
				return iam.Evaluate(iam.Policies{Resource: p}, iam.Request{
					Principal: who, Action: action, Resource: at.ARN() + u.Path,
					Context: iam.NewContext(who, iam.Facts{}),
				}).Allowed
			}
			for _, u := range uses {
				if !ask(u) {
					t.Fatalf("%v is refused by\n%s", u, doc)
				}
				for range 20 {
					other := u
					switch rnd.IntN(4) {
					case 0:
						other.Principal = people[rnd.IntN(len(people))]
					case 1:
						other.Method = methods[rnd.IntN(len(methods))]
					case 2:
						other.Path = path()
					default:
						other.Path = strings.NewReplacer("*", "logs-secret", "?", "x", "$", "").Replace(u.Path) + "/x"[:rnd.IntN(3)]
					}
					everybody := other
					everybody.Principal = "anonymous"
					want := used[other] || used[everybody]
					if !want {
						refused++
					}
					if got := ask(other); got != want {
						t.Fatalf("%v is allowed: %v, want %v, by\n%s", other, got, want, doc)
					}
				}
			}
		}
	}
	if refused < 1000 {
		t.Errorf("only %d requests were to be refused", refused)
	}
	for _, bad := range []iam.Use{{graceARN, "OPTIONS", "/"}, {"CN=x", "GET", "/"}} {
		if _, err := iam.Least([]iam.Use{bad}, ""); err == nil {
			t.Errorf("%v gets a policy", bad)
		}
	}
}

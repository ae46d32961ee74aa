package iam_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed56735111/penstock/iam"
)

// comparisonText is a comparison as a person reads it, a line each change.
func comparisonText(c iam.Comparison) string {
	var b strings.Builder
	for _, one := range c.Changes {
		does := "lose"
		if one.Gains {
			does = "gain"
		}
		fmt.Fprintf(&b, "%s %s %s: %s", strings.Join(one.Callers, " + "), does, strings.Join(one.Methods, " "),
			strings.Join(one.Paths, "; "))
		if len(one.When) > 0 {
			b.WriteString(" when " + strings.Join(one.When, " or "))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

const comparedDomain = "arn:aws:es:eu-west-1:123456789012:domain/logs"

func accessPolicy(t *testing.T, statements ...string) *iam.Policy {
	t.Helper()
	text := `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
	p, err := iam.ParseResource([]byte(strings.ReplaceAll(text, "DOMAIN", comparedDomain)))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return p
}

func TestAChangeOfAPolicyIsSaidInWords(t *testing.T) {
	t.Parallel()
	d, err := iam.ParseDomain(comparedDomain)
	if err != nil {
		t.Fatal(err)
	}
	graces := func(action, resource string) string {
		return fmt.Sprintf(`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/grace"},"Action":%s,`+
			`"Resource":%s}`, action, resource)
	}
	const all = `"DOMAIN/*"`
	anyone := func(condition string) string {
		return `{"Effect":"Allow","Principal":"*","Action":"es:ESHttpGet","Resource":"DOMAIN/*","Condition":` +
			condition + `}`
	}
	for name, c := range map[string]struct {
		old, now []string
		want     []string // lines
		inexact  []string
	}{
		"the same in other words": {
			old: []string{graces(`"es:ESHttpGet"`, all), graces(`"es:ESHttpPut"`, all)},
			now: []string{graces(`["es:ESHttpGet","es:ESHttpPut"]`, all)},
		},
		"a method more": {
			old: []string{graces(`"es:ESHttpGet"`, all)},
			now: []string{graces(`["es:ESHttpGet","es:ESHttpDelete"]`, all)},
			want: []string{
				"arn:aws:iam::123456789012:user/grace, without an identity policy gain DELETE: every path",
			},
		},
		"fewer paths": {
			old: []string{graces(`"es:ESHttpGet"`, all)},
			now: []string{graces(`"es:ESHttpGet"`, `["DOMAIN/app-*","DOMAIN/"]`)},
			want: []string{
				"arn:aws:iam::123456789012:user/grace, without an identity policy lose GET: every path but /app-*, /",
			},
		},
		"a part of a pattern": {
			old: []string{graces(`"es:ESHttpGet"`, `"DOMAIN/app-*"`)},
			now: []string{graces(`"es:ESHttpGet"`, `"DOMAIN/app-*/_search"`)},
			want: []string{
				"arn:aws:iam::123456789012:user/grace, without an identity policy lose GET: others of /app-*, such as /app-any",
			},
		},
		"a Deny, of which identity policies do not know": {
			old: []string{graces(`"es:*"`, all)},
			now: []string{
				graces(`"es:*"`, all),
				`{"Effect":"Deny","Principal":"*","Action":"es:ESHttpDelete","Resource":"DOMAIN/audit-*"}`,
			},
			want: []string{
				"arn:aws:iam::123456789012:user/grace + " +
					"other users of account 123456789012, with an identity policy that allows it + " +
					"sessions of other roles of account 123456789012, with an identity policy that allows it + " +
					"the root of account 123456789012 lose DELETE: /audit-*",
			},
		},
		"other addresses": {
			old: []string{anyone(`{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`)},
			now: []string{anyone(`{"IpAddress":{"aws:SourceIp":["203.0.113.0/25","198.51.100.7"]}}`)},
			want: []string{
				"anonymous callers + other users of account 123456789012, without an identity policy + " +
					"sessions of other roles of account 123456789012, without an identity policy + " +
					"other users of another account, with an identity policy that allows it + " +
					"sessions of other roles of another account, with an identity policy that allows it + " +
					"the root of another account gain GET: every path when from 198.51.100.7",
				"lose GET: every path when from 203.0.113.0/24 without 203.0.113.0/25",
			},
		},
		"a time": {
			old: []string{strings.ReplaceAll(anyone(`{"DateLessThan":{"aws:CurrentTime":"2027-01-01T00:00:00Z"}}`), `"*"`,
				`{"AWS":"arn:aws:iam::123456789012:role/jobs/night"}`)},
			now: []string{strings.ReplaceAll(anyone(`{"DateLessThanEquals":{"aws:CurrentTime":"2027-01-01T00:00:00Z"}}`), `"*"`,
				`{"AWS":"arn:aws:iam::123456789012:role/jobs/night"}`)},
			want: []string{
				"sessions of arn:aws:iam::123456789012:role/jobs/night, without an identity policy gain GET: every path " +
					"when at 2027-01-01T00:00:00Z",
			},
		},
		"a variable": {
			old: []string{graces(`"es:ESHttpGet"`, `"DOMAIN/home-grace/*"`)},
			now: []string{graces(`"es:ESHttpGet"`, `"DOMAIN/home-${aws:username}/*"`)},
		},
		"a wildcard for callers": {
			old: []string{anyone(`{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::123456789012:role/app-*"}}`)},
			now: []string{anyone(`{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::123456789012:role/ap*"}}`)},
			want: []string{
				"sessions of arn:aws:iam::123456789012:role/apany, without an identity policy gain GET: every path",
			},
			inexact: []string{"callers that a wildcard or a unique id in a condition stands for"},
		},
	} {
		got := iam.Compare(accessPolicy(t, c.old...), accessPolicy(t, c.now...), d)
		lines := strings.Split(strings.TrimSuffix(comparisonText(got), "\n"), "\n")
		ok := len(got.Changes) == len(c.want) && slices.Equal(got.Inexact, c.inexact)
		for i := range c.want {
			ok = ok && strings.Contains(lines[min(i, len(lines)-1)], c.want[i])
		}
		if !ok {
			t.Errorf("%s: got\n%s\nwant\n%s\ninexact %q, want %q", name, comparisonText(got), strings.Join(c.want, "\n"),
				got.Inexact, c.inexact)
		}
	}
}

// comparable are parts that random policies are made of.
var (
	comparedWho = []string{
		`"*"`, `{"AWS":"123456789012"}`, `{"AWS":"arn:aws:iam::123456789012:user/grace"}`,
		`{"AWS":["arn:aws:iam::123456789012:role/jobs/night","arn:aws:iam::210987654321:user/mallory"]}`,
		`{"AWS":"arn:aws:sts::123456789012:assumed-role/night/one"}`, `{"AWS":"210987654321"}`,
	}
	comparedActions   = []string{`"es:*"`, `"es:ESHttpGet"`, `"es:ESHttp?ut"`, `["es:ESHttpP*","es:ESHttpDelete"]`}
	comparedResources = []string{
		`"*"`, `"DOMAIN/*"`, `"DOMAIN/a*"`, `"DOMAIN/*b"`, `"DOMAIN/a*b"`, `"DOMAIN/ab/*"`, `"DOMAIN/?b"`, `"DOMAIN/"`,
		`["DOMAIN/ab","DOMAIN/*/_s"]`, `"arn:aws:es:*"`, `"arn:aws:es:eu-west-1:123456789012:domain/lo*"`,
		`"arn:aws:es:us-east-1:123456789012:domain/logs/*"`, `"DOMAIN/${aws:username}*"`,
	}
	comparedConditions = []string{
		"", "", "", `{"IpAddress":{"aws:SourceIp":"10.0.0.0/30"}}`,
		`{"NotIpAddress":{"aws:SourceIp":["10.0.0.1","10.0.0.0/31"]}}`,
		`{"DateGreaterThan":{"aws:CurrentTime":"2026-01-01T00:00:05Z"}}`,
		`{"NumericLessThan":{"aws:EpochTime":"1767225607"}}`,
		`{"StringLike":{"aws:UserAgent":["a*b","c?"]}}`, `{"StringNotEquals":{"aws:UserAgent":"ab"}}`,
		`{"StringEqualsIgnoreCase":{"aws:UserAgent":"Ab"}}`, `{"Null":{"aws:Referer":"true"}}`,
		`{"StringEquals":{"aws:PrincipalArn":"arn:aws:iam::123456789012:role/jobs/night"}}`,
		`{"StringEqualsIfExists":{"aws:username":"grace"},"IpAddress":{"aws:SourceIp":"10.0.0.2/31"}}`,
	}
)

func randomStatements(r *rand.Rand) []string {
	var all []string
	pick := func(list []string) string { return list[r.IntN(len(list))] }
	for range 1 + r.IntN(3) {
		condition := pick(comparedConditions)
		if condition != "" {
			condition = `,"Condition":` + condition
		}
		effect := "Allow"
		if r.IntN(3) == 0 {
			effect = "Deny"
		}
		all = append(all, fmt.Sprintf(`{"Effect":%q,"Principal":%s,%q:%s,%q:%s%s}`, effect, pick(comparedWho),
			[]string{"Action", "Action", "NotAction"}[r.IntN(3)], pick(comparedActions),
			[]string{"Resource", "Resource", "NotResource"}[r.IntN(3)], pick(comparedResources), condition))
	}
	return all
}

// randomRequests are requests of callers whom the statements name, and of others.
func randomRequest(t *testing.T, r *rand.Rand, d iam.Domain) iam.Request {
	t.Helper()
	callers := []string{
		"anonymous", "arn:aws:iam::123456789012:user/grace", "arn:aws:iam::123456789012:user/bob", "210987654321",
		"arn:aws:iam::210987654321:user/mallory", "arn:aws:iam::333333333333:user/eve", "123456789012",
		"arn:aws:sts::123456789012:assumed-role/night/one", "arn:aws:sts::123456789012:assumed-role/night/two",
		"arn:aws:sts::123456789012:assumed-role/day/one",
	}
	caller := callers[r.IntN(len(callers))]
	p, err := iam.ParsePrincipal(caller)
	if strings.Contains(caller, "/night/") {
		p, err = iam.NewRoleSession(caller, "arn:aws:iam::123456789012:role/jobs/night", "")
	}
	if err != nil {
		t.Fatal(err)
	}
	path := "/"
	for range r.IntN(5) {
		path += []string{"a", "b", "ab", "/", "_s", "/_s", "grace", "ü", "q"}[r.IntN(9)]
	}
	f := iam.Facts{Time: time.Unix(1767225600+int64(r.IntN(14)), 0), Resource: d.Resource(path)}
	if r.IntN(4) > 0 {
		f.SourceIP = netip.AddrFrom4([4]byte{10, 0, 0, byte(r.IntN(6))})
	} else {
		f.SourceVPCE = "vpce-1"
	}
	if r.IntN(3) > 0 {
		f.UserAgent = []string{"ab", "AB", "aB", "axb", "cd", "c", "zz"}[r.IntN(7)]
	}
	if r.IntN(2) > 0 {
		f.Referer = "x"
	}
	methods := []string{"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"}
	action, _ := iam.ActionFor(methods[r.IntN(len(methods))])
	return iam.Request{Principal: p, Action: action, Resource: f.Resource, Context: iam.NewContext(p, f)}
}

// Whatever request two policies decide differently is of a change that the comparison names, and each of its changes
// is one by its example.
func TestNoDifferenceBetweenPoliciesIsOverlooked(t *testing.T) {
	t.Parallel()
	d, err := iam.ParseDomain(comparedDomain)
	if err != nil {
		t.Fatal(err)
	}
	allowAll, err := iam.ParseIdentity([]byte(`{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(4, 2))
	differ, changed := 0, 0
	for range 400 {
		first, second := randomStatements(r), randomStatements(r)
		if r.IntN(2) == 0 {
			second = append(slices.Clone(first), second[0])
		}
		old, now := accessPolicy(t, first...), accessPolicy(t, second...)
		got := iam.Compare(old, now, d)
		if len(got.Inexact) > 0 {
			t.Fatalf("%q against %q: inexact %q", first, second, got.Inexact)
		}
		said := map[string]bool{}
		for _, c := range got.Changes {
			changed++
			for _, m := range c.Methods {
				action, _ := iam.ActionFor(m)
				said[fmt.Sprint(action, c.Gains)] = true
			}
			if c.New.Allowed != c.Gains || c.Old.Allowed == c.Gains {
				t.Fatalf("%q against %q: %+v is no change", first, second, c)
			}
		}
		for range 200 {
			q := randomRequest(t, r, d)
			for _, identity := range [][]*iam.Policy{nil, {allowAll}} {
				was := iam.Evaluate(iam.Policies{Resource: old, Identity: identity}, q).Allowed
				is := iam.Evaluate(iam.Policies{Resource: now, Identity: identity}, q).Allowed
				if was == is {
					continue
				}
				differ++
				if !said[fmt.Sprint(q.Action, is)] {
					t.Fatalf("%q against %q: %s %s as %s changes, and the comparison says only\n%s", first, second, q.Action,
						q.Resource, q.Principal, comparisonText(got))
				}
			}
		}
	}
	if differ < 1000 || changed < 400 {
		t.Errorf("%d requests differ and %d changes are named: the cases are too much alike", differ, changed)
	}
	t.Logf("%d requests differ, %d changes are named", differ, changed)
}

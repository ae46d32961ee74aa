package iam_test

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/seed56735111/penstock/iam"
)

type dice struct{ *rand.Rand }

func (d dice) of(list ...string) string { return list[d.IntN(len(list))] }

func (d dice) some(list ...string) []string {
	var out []string
	for range 1 + d.IntN(2) {
		if v := d.of(list...); !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

func (d dice) statement(isResource, variables bool) modelStatement {
	s := modelStatement{Effect: d.of("Allow", "Allow", "Allow", "Deny"), variables: variables}
	actions := d.some("es:*", "es:ESHttp*", "es:ESHttpGet", "ES:eshttppost", "es:ESHttp?ut", "es:ESHttpDelete", "*")
	if d.IntN(8) == 0 {
		s.NotAction = actions
	} else {
		s.Action = actions
	}
	resources := d.some("*", logs, logs+"/", logs+"/*", logs+"/a/*", logs+"/a*", logs+"/?/_search", logs+"/**/_search",
		logs+"/${x:word}/_search", logs+"/${x:word, 'a'}*", logs+"/${*}/*",
		"arn:aws:es:*", "arn:aws:es:*:*:domain/*", "arn:aws:es:us-east-1:123456789012:domain/logs/*",
		"arn:aws:es:*:${aws:PrincipalAccount}:domain/*")
	switch {
	case d.IntN(8) == 0:
		s.NotRes = resources
	case !isResource || d.IntN(10) > 0:
		s.Resource = resources
	}
	if isResource {
		s.names = d.some("*", "123456789012", "arn:aws:iam::123456789012:root", "arn:aws-cn:iam::123456789012:root",
			"210987654321", alice, mallory, night,
			"arn:aws:iam::123456789012:role/shipper", "arn:aws:iam::123456789012:role/team/shipper",
			"arn:aws:sts::123456789012:federated-user/fred",
			"AIDAABCDEFGHIJKLMNOPQ", "AROAABCDEFGHIJKLMNOPQ")
		s.Principal = map[string]any{"AWS": s.names}
	}
	for range d.IntN(3) {
		op, key, values := d.condition()
		if s.Condition == nil {
			s.Condition = map[string]map[string][]string{}
		}
		if s.Condition[op] == nil {
			s.Condition[op] = map[string][]string{}
		}
		s.Condition[op][key] = values
	}
	return s
}

func (d dice) condition() (op, key string, values []string) {
	not := d.of("", "Not")
	order := d.of("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
	switch d.IntN(10) {
	case 0:
		op = not + "IpAddress"
		key = d.of("aws:SourceIp", "AWS:sourceip")
		values = d.some("10.0.0.0/8", "203.0.113.7/32", "::/0")
	case 1:
		op, key, values = "Bool", "x:flag", d.some("true", "False")
	case 2:
		op, key, values = "Numeric"+order, "x:number", d.some("3", "50", "7.5", "-1")
	case 3:
		op, key, values = "Date"+order, "x:date", d.some("2026-01-01T00:00:00Z", "2025-06-01T12:00:00Z")
	case 4:
		op = "Arn" + not + d.of("Like", "Equals")
		key = "aws:PrincipalArn"
		values = d.some("*", "arn:aws:iam::*:user/*", "arn:aws:iam::123456789012:role/*shipper",
			"arn:aws:iam::${x:word}:user/*")
	case 5:
		return "Null", d.of("aws:SourceIp", "x:many", "x:none"), d.some("true", "false")[:1]
	case 6:
		op, key, values = "BinaryEquals", "x:binary", d.some("YQ==", "Yg==")
	default:
		op, key = "String"+not+d.of("Equals", "Like", "EqualsIgnoreCase"), d.of("x:many", "x:word", "x:none")
		values = d.some("a", "b", "A*", "?", "${x:word}", "${x:many}", "${x:none, 'a'}", "a${*}")
	}
	op = d.of("", "", "ForAnyValue:", "ForAllValues:") + op
	if d.IntN(4) == 0 {
		op += "IfExists"
	}
	return op, key, values
}

func (d dice) policy(isResource bool) modelPolicy {
	p := modelPolicy{Version: d.of("2012-10-17", "2012-10-17", "2012-10-17", "2008-10-17")}
	for range 1 + d.IntN(3) {
		p.Statement = append(p.Statement, d.statement(isResource, p.Version == "2012-10-17"))
	}
	return p
}

func (d dice) policies() modelPolicies {
	var ps modelPolicies
	if d.IntN(5) > 0 {
		p := d.policy(true)
		ps.resource = &p
	}
	for range d.IntN(3) {
		ps.identity = append(ps.identity, d.policy(false))
	}
	if d.IntN(4) == 0 {
		p := d.policy(false)
		ps.boundary = &p
	}
	for range max(0, d.IntN(5)-2) {
		ps.session = append(ps.session, d.policy(false))
	}
	return ps
}

func (ps *modelPolicies) parse(t *testing.T) iam.Policies {
	t.Helper()
	one := func(p *modelPolicy, parse func([]byte) (*iam.Policy, error)) *iam.Policy {
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := parse(text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		return parsed
	}
	var out iam.Policies
	if ps.resource != nil {
		out.Resource = one(ps.resource, iam.ParseResource)
	}
	for i := range ps.identity {
		out.Identity = append(out.Identity, one(&ps.identity[i], iam.ParseIdentity))
	}
	if ps.boundary != nil {
		out.Boundary = one(ps.boundary, iam.ParseIdentity)
	}
	for i := range ps.session {
		out.Session = append(out.Session, one(&ps.session[i], iam.ParseIdentity))
	}
	return out
}

// with adds a statement that allows everything to the policies of one type.
func (ps modelPolicies) with(by iam.Type) modelPolicies {
	all := modelStatement{Effect: "Allow", Action: []string{"*"}, Resource: []string{"*"}}
	plus := func(p *modelPolicy) *modelPolicy {
		if p == nil {
			return &modelPolicy{Version: "2012-10-17", Statement: []modelStatement{all}}
		}
		return &modelPolicy{Version: p.Version, Statement: append(slices.Clone(p.Statement), all)}
	}
	switch by {
	case iam.ResourcePolicy:
		all.Principal, all.names = map[string]any{"AWS": "*"}, []string{"*"}
		ps.resource = plus(ps.resource)
	case iam.IdentityPolicy:
		ps.identity = append(slices.Clone(ps.identity), *plus(nil))
	case iam.SessionPolicy:
		ps.session = append(slices.Clone(ps.session), *plus(nil))
	case iam.Boundary:
		ps.boundary = plus(ps.boundary)
	}
	return ps
}

func modelCallers(t *testing.T) []modelCaller {
	t.Helper()
	callers := []modelCaller{
		{},
		{arn: alice, account: "123456789012"},
		{arn: "arn:aws:iam::123456789012:user/bob", account: "123456789012", id: "AIDAABCDEFGHIJKLMNOPQ"},
		{arn: night, issuer: "arn:aws:iam::123456789012:role/shipper", pathless: true, account: "123456789012"},
		{
			arn:     "arn:aws:sts::123456789012:assumed-role/shipper/day",
			issuer:  "arn:aws:iam::123456789012:role/team/shipper",
			account: "123456789012",
			id:      "AROAABCDEFGHIJKLMNOPQ",
		},
		{arn: "arn:aws:sts::123456789012:federated-user/fred", issuer: alice, account: "123456789012"},
		{arn: "arn:aws:iam::123456789012:root", account: "123456789012", root: true},
		{arn: mallory, account: "210987654321"},
		{arn: "arn:aws:iam::210987654321:root", account: "210987654321", root: true},
	}
	for i := range callers {
		c := &callers[i]
		var err error
		switch {
		case strings.Contains(c.arn, "federated-user"):
			c.principal, err = iam.NewFederatedUser(c.arn, c.issuer)
		case c.issuer != "" && !c.pathless:
			c.principal, err = iam.NewRoleSession(c.arn, c.issuer, c.id)
		case c.id != "":
			c.principal, err = iam.NewUser(c.arn, c.id)
		default:
			c.principal, err = iam.ParsePrincipal(c.arn)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return callers
}

func (d dice) request(callers []modelCaller) (modelRequest, iam.Request) {
	m := modelRequest{
		caller: callers[d.IntN(len(callers))],
		action: d.of("es:ESHttpGet", "es:ESHttpPost", "es:ESHttpPut", "es:ESHttpDelete", "es:ESHttpHead"),
		resource: logs + d.of("/", "/a", "/a/_search", "/b/_search", "/_bulk", "/a,b/_search", "/ä/_search", "/*/x",
			"/a:b/_search"),
		keys: map[string][]string{},
	}
	if m.caller.arn != "" {
		m.keys["aws:principalarn"] = []string{m.caller.principal.PrincipalARN()}
		m.keys["aws:principalaccount"] = []string{m.caller.account}
	}
	set := func(key string, values ...string) {
		if d.IntN(3) > 0 {
			m.keys[strings.ToLower(key)] = values
		}
	}
	set("aws:SourceIp", d.of("10.1.2.3", "203.0.113.7", "2001:db8::1"))
	set("x:flag", d.of("true", "false"))
	set("x:number", d.of("3", "50", "none"))
	set("x:date", d.of("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"))
	set("x:binary", d.of("YQ==", "Yg=="))
	set("x:word", d.of("a", "b", "Abc", "*", "a:b", "a*"))
	set("x:many", d.some("a", "b", "c", "A")...)
	r := iam.Request{Principal: m.caller.principal, Action: m.action, Resource: m.resource}
	for k, v := range m.keys {
		r.Context.Set(k, v...)
	}
	return m, r
}

func TestTheEvaluatorAgreesWithThePlainModelOnAMillionCases(t *testing.T) {
	t.Parallel()
	sets, requests := 5000, 200
	if testing.Short() {
		sets = 500
	}
	callers := modelCallers(t)
	allowed, denied := 0, 0
	for seed := range sets {
		d := dice{rand.New(rand.NewPCG(uint64(seed), 11))}
		ps := d.policies()
		parsed := ps.parse(t)
		for range requests {
			m, r := d.request(callers)
			want, explicit := modelDecide(&ps, &m)
			got := iam.Evaluate(parsed, r)
			if got.Allowed != want || got.Explicit != explicit {
				text, err := json.MarshalIndent(map[string]any{
					"resource": ps.resource, "identity": ps.identity, "boundary": ps.boundary, "session": ps.session,
				}, "", " ")
				t.Fatalf("seed %d: %s by %q on %s with %v: evaluator %v (%s), model %v, denied %v\n%s%v",
					seed, m.action, m.caller.arn, m.resource, m.keys, got.Allowed, got, want, explicit, text, err)
			}
			if want {
				allowed++
			}
			if explicit {
				denied++
			}
		}
	}
	n := sets * requests
	if allowed < n/20 || allowed > n*19/20 || denied < n/20 {
		t.Errorf("%d of %d cases are allowed, %d denied: the cases show nothing", allowed, n, denied)
	}
	t.Logf("%d cases, %d allowed, %d denied", n, allowed, denied)
}

func TestADecisionRestsOnAStatementThatExplainFindsToo(t *testing.T) {
	t.Parallel()
	callers := modelCallers(t)
	for seed := range 2000 {
		d := dice{rand.New(rand.NewPCG(uint64(seed), 12))}
		ps := d.policies()
		parsed := ps.parse(t)
		for range 20 {
			_, r := d.request(callers)
			got, found := iam.Evaluate(parsed, r), iam.Explain(parsed, r)
			if got.By == "" || (got.Missing != "") != (!got.Allowed && !got.Explicit) {
				t.Fatalf("seed %d: the decision does not say what it rests on: %+v", seed, got)
			}
			denies := slices.ContainsFunc(found, func(f iam.Finding) bool { return f.Applies && f.Effect == iam.Deny })
			if denies != got.Explicit {
				t.Fatalf("seed %d: a Deny applies: %v; the decision: %+v", seed, denies, got)
			}
			if got.Statement.Type == "" {
				if root := r.Principal.Kind() == iam.KindRoot; got.Allowed && !root || got.Explicit {
					t.Fatalf("seed %d: no statement decides: %+v", seed, got)
				}
				continue
			}
			effect := map[bool]iam.Effect{true: iam.Allow, false: iam.Deny}[got.Allowed]
			if !slices.ContainsFunc(found, func(f iam.Finding) bool {
				return f.Applies && f.Effect == effect && f.Statement == got.Statement && got.By == f.Statement.Type
			}) {
				t.Fatalf("seed %d: %s decides and does not apply: %+v", seed, got.Statement, found)
			}
			for _, f := range found {
				if !f.Applies && f.Reason == "" {
					t.Fatalf("seed %d: no reason why %s does not apply", seed, f.Statement)
				}
			}
		}
	}
}

func TestWhoeverAddsWhatIsMissingGetsIn(t *testing.T) {
	t.Parallel()
	callers := modelCallers(t)
	for seed := range 2000 {
		d := dice{rand.New(rand.NewPCG(uint64(seed), 13))}
		ps := d.policies()
		_, r := d.request(callers)
		got := iam.Evaluate(ps.parse(t), r)
		var added []iam.Type
		for !got.Allowed && !got.Explicit {
			if slices.Contains(added, got.By) {
				t.Fatalf("seed %d: %+v again, after allowing everything in each %v", seed, got, added)
			}
			added = append(added, got.By)
			ps = ps.with(got.By)
			got = iam.Evaluate(ps.parse(t), r)
		}
	}
}

package iam_test

import (
	"encoding/json"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/seed56735111/penstock/iam"
)

// The model below decides requests in the plainest way there is: from the rules as they are written down, over documents
// that are Go values, without compiling anything. The evaluator has to agree with it on a million random cases.

type modelStatement struct {
	Effect    string                         `json:"Effect"`
	Principal any                            `json:"Principal,omitempty"`
	Action    []string                       `json:"Action,omitempty"`
	NotAction []string                       `json:"NotAction,omitempty"`
	Resource  []string                       `json:"Resource,omitempty"`
	NotRes    []string                       `json:"NotResource,omitempty"`
	Condition map[string]map[string][]string `json:"Condition,omitempty"`
	names     []string                       // the principals
}

type modelPolicy struct {
	Version   string
	Statement []modelStatement
}

type modelCaller struct {
	principal iam.Principal
	arn       string // empty for the anonymous caller
	role      string // behind a session
	account   string
	root      bool
}

type modelRequest struct {
	caller           modelCaller
	action, resource string
	keys             map[string][]string
}

type modelPolicies struct {
	resource          *modelPolicy
	identity, session []modelPolicy
	boundary          *modelPolicy
}

// glob matches in the plainest way: a star is any text, a question mark any one character.
func glob(pattern, s string) bool {
	if pattern == "" {
		return s == ""
	}
	switch pattern[0] {
	case '*':
		for i := 0; i <= len(s); i++ {
			if glob(pattern[1:], s[i:]) {
				return true
			}
		}
		return false
	case '?':
		_, n := utf8.DecodeRuneInString(s)
		return s != "" && glob(pattern[1:], s[n:])
	}
	return s != "" && s[0] == pattern[0] && glob(pattern[1:], s[1:])
}

// globARN matches each of the six segments on its own.
func globARN(pattern, s string) bool {
	if pattern == "*" {
		return true
	}
	p, v := strings.SplitN(pattern, ":", 6), strings.SplitN(s, ":", 6)
	if len(p) != 6 || len(v) != 6 {
		return false
	}
	for i := range p {
		if !glob(p[i], v[i]) {
			return false
		}
	}
	return true
}

// named is how a statement names the caller: 3 the caller or everyone, 2 the role behind the session, 1 the account.
func (s *modelStatement) named(c modelCaller) (best int) {
	for _, n := range s.names {
		switch {
		case n == "*":
			best = max(best, 3)
		case c.arn == "":
		case n == c.arn:
			best = max(best, 3)
		case c.role != "" && n == c.role:
			best = max(best, 2)
		case n == c.account || n == "arn:aws:iam::"+c.account+":root":
			if c.root {
				best = max(best, 3)
			}
			best = max(best, 1)
		}
	}
	return best
}

func (s *modelStatement) about(r *modelRequest) bool {
	any := func(list []string, match func(string) bool) bool { return slices.ContainsFunc(list, match) }
	action := func(p string) bool { return glob(strings.ToLower(p), strings.ToLower(r.action)) }
	resource := func(p string) bool { return globARN(p, r.resource) }
	if s.Action != nil && !any(s.Action, action) || s.NotAction != nil && any(s.NotAction, action) {
		return false
	}
	if s.Resource != nil && !any(s.Resource, resource) || s.NotRes != nil && any(s.NotRes, resource) {
		return false
	}
	for op, keys := range s.Condition {
		for key, values := range keys {
			if !modelHolds(op, values, r.keys[strings.ToLower(key)]) {
				return false
			}
		}
	}
	return true
}

func modelHolds(op string, want, got []string) bool {
	if op == "Null" {
		return (len(got) == 0) == (want[0] == "true")
	}
	op, ifExists := strings.CutSuffix(op, "IfExists")
	op, forAny := strings.CutPrefix(op, "ForAnyValue:")
	op, forAll := strings.CutPrefix(op, "ForAllValues:")
	positive, negated := strings.Replace(op, "Not", "", 1), strings.Contains(op, "Not")
	if len(got) == 0 {
		return ifExists || forAll || negated && !forAny
	}
	one := func(v string) bool {
		for _, w := range want {
			if modelCompare(positive, v, w) {
				return !negated
			}
		}
		return negated
	}
	if forAll || negated && !forAny {
		return !slices.ContainsFunc(got, func(v string) bool { return !one(v) })
	}
	return slices.ContainsFunc(got, one)
}

func modelCompare(op, v, w string) bool {
	switch op {
	case "StringEquals":
		return v == w
	case "StringEqualsIgnoreCase":
		return strings.EqualFold(v, w)
	case "StringLike":
		return glob(w, v)
	case "ArnLike":
		return globARN(w, v) && strings.Count(v, ":") >= 5
	case "Bool":
		return strings.EqualFold(v, w)
	case "NumericLessThan":
		a, err1 := strconv.Atoi(v)
		b, err2 := strconv.Atoi(w)
		return err1 == nil && err2 == nil && a < b
	case "IpAddress":
		addr, err := netip.ParseAddr(v)
		return err == nil && netip.MustParsePrefix(w).Contains(addr)
	}
	panic(op)
}

func modelDecide(ps *modelPolicies, r *modelRequest) (allowed bool) {
	denied := false
	allows := func(p *modelPolicy) (ok bool) {
		for i := range p.Statement {
			if s := &p.Statement[i]; s.about(r) {
				denied = denied || s.Effect == "Deny"
				ok = ok || s.Effect == "Allow"
			}
		}
		return ok
	}
	given := 0
	if ps.resource != nil {
		for i := range ps.resource.Statement {
			s := &ps.resource.Statement[i]
			if n := s.named(r.caller); n > 0 && s.about(r) {
				if s.Effect == "Deny" {
					denied = true
				} else {
					given = max(given, n)
				}
			}
		}
	}
	if r.caller.arn == "" {
		return given == 3 && !denied
	}
	identity := r.caller.root
	for i := range ps.identity {
		if allows(&ps.identity[i]) {
			identity = true
		}
	}
	within := ps.boundary == nil || allows(ps.boundary) || r.caller.root
	if len(ps.session) > 0 {
		some := false
		for i := range ps.session {
			if allows(&ps.session[i]) {
				some = true
			}
		}
		within = within && some
	}
	switch {
	case denied:
		return false
	case r.caller.account != "123456789012":
		return given > 0 && identity && within
	}
	return given == 3 || given == 2 && within || identity && within
}

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

const modelDomain = "arn:aws:es:eu-west-1:123456789012:domain/logs"

func (d dice) statement(isResource bool) modelStatement {
	s := modelStatement{Effect: d.of("Allow", "Allow", "Allow", "Deny")}
	actions := d.some("es:*", "es:ESHttp*", "es:ESHttpGet", "ES:eshttppost", "es:ESHttp?ut", "es:ESHttpDelete", "*")
	if d.IntN(8) == 0 {
		s.NotAction = actions
	} else {
		s.Action = actions
	}
	resources := d.some("*", modelDomain, modelDomain+"/*", modelDomain+"/a/*", modelDomain+"/a*", modelDomain+"/?/_search", "arn:aws:es:*:*:domain/*", "arn:aws:es:us-east-1:123456789012:domain/logs/*", modelDomain+"/")
	switch {
	case d.IntN(8) == 0:
		s.NotRes = resources
	case !isResource || d.IntN(10) > 0:
		s.Resource = resources
	}
	if isResource {
		s.names = d.some("*", "123456789012", "arn:aws:iam::123456789012:root", "arn:aws:iam::123456789012:user/alice", "arn:aws:iam::123456789012:role/shipper",
			"arn:aws:sts::123456789012:assumed-role/shipper/night", "arn:aws:iam::210987654321:user/mallory", "210987654321")
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
	base := d.of("StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "StringEqualsIgnoreCase", "IpAddress", "NotIpAddress", "Bool", "NumericLessThan", "ArnLike", "Null")
	switch base {
	case "IpAddress", "NotIpAddress":
		key, values = d.of("aws:SourceIp", "AWS:sourceip"), d.some("10.0.0.0/8", "203.0.113.7/32", "::/0")
	case "Bool":
		key, values = "x:flag", d.some("true", "False")
	case "NumericLessThan":
		key, values = "x:number", d.some("5", "100")
	case "ArnLike":
		key, values = "aws:PrincipalArn", d.some("arn:aws:iam::*:user/*", "arn:aws:iam::123456789012:role/shipper")
	case "Null":
		return base, d.of("aws:SourceIp", "x:many", "x:none"), d.some("true", "false")[:1]
	default:
		key, values = d.of("x:many", "x:word", "x:none"), d.some("a", "b", "A*", "?")
	}
	op = d.of("", "", "ForAnyValue:", "ForAllValues:") + base
	if d.IntN(4) == 0 {
		op += "IfExists"
	}
	return op, key, values
}

func (d dice) policy(isResource bool) modelPolicy {
	p := modelPolicy{Version: "2012-10-17"}
	for range 1 + d.IntN(3) {
		p.Statement = append(p.Statement, d.statement(isResource))
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
	if d.IntN(4) == 0 {
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

func modelCallers(t *testing.T) []modelCaller {
	t.Helper()
	callers := []modelCaller{{}}
	for _, c := range []modelCaller{
		{arn: "arn:aws:iam::123456789012:user/alice", account: "123456789012"},
		{arn: "arn:aws:iam::123456789012:user/bob", account: "123456789012"},
		{arn: "arn:aws:sts::123456789012:assumed-role/shipper/night", role: "arn:aws:iam::123456789012:role/shipper", account: "123456789012"},
		{arn: "arn:aws:sts::123456789012:assumed-role/shipper/day", role: "arn:aws:iam::123456789012:role/shipper", account: "123456789012"},
		{arn: "arn:aws:iam::123456789012:root", account: "123456789012", root: true},
		{arn: "arn:aws:iam::210987654321:user/mallory", account: "210987654321"},
	} {
		p, err := iam.ParsePrincipal(c.arn)
		if err != nil {
			t.Fatal(err)
		}
		c.principal = p
		callers = append(callers, c)
	}
	return callers
}

func (d dice) request(callers []modelCaller) (modelRequest, iam.Request) {
	m := modelRequest{
		caller: callers[d.IntN(len(callers))], action: d.of("es:ESHttpGet", "es:ESHttpPost", "es:ESHttpPut", "es:ESHttpDelete", "es:ESHttpHead"),
		resource: modelDomain + d.of("/", "/a", "/a/_search", "/b/_search", "/_bulk", "/a,b/_search", "/ä/_search"), keys: map[string][]string{},
	}
	if m.caller.arn != "" {
		m.keys["aws:principalarn"] = []string{m.caller.principal.PrincipalARN()}
	}
	set := func(key string, values ...string) {
		if d.IntN(3) > 0 {
			m.keys[strings.ToLower(key)] = values
		}
	}
	set("aws:SourceIp", d.of("10.1.2.3", "203.0.113.7", "2001:db8::1"))
	set("x:flag", d.of("true", "false"))
	set("x:number", d.of("3", "50", "none"))
	set("x:word", d.of("a", "b", "Abc"))
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
	allowed := 0
	for seed := range sets {
		d := dice{rand.New(rand.NewPCG(uint64(seed), 11))}
		ps := d.policies()
		parsed := ps.parse(t)
		for range requests {
			m, r := d.request(callers)
			want, got := modelDecide(&ps, &m), iam.Evaluate(parsed, r)
			if got.Allowed != want {
				text, _ := json.MarshalIndent(map[string]any{"resource": ps.resource, "identity": ps.identity, "boundary": ps.boundary, "session": ps.session}, "", " ")
				t.Fatalf("seed %d: %s by %q on %s with %v: evaluator %v (%s), model %v\n%s", seed, m.action, m.caller.arn, m.resource, m.keys, got.Allowed, got, want, text)
			}
			if want {
				allowed++
			}
			if (got.Missing != "") == got.Allowed && !got.Explicit || got.By == "" {
				t.Fatalf("seed %d: decision does not say what it rests on: %+v", seed, got)
			}
			// A second reader of the same statements must find the one that decided.
			if got.Statement.Type != "" && !slices.ContainsFunc(iam.Explain(parsed, r), func(f iam.Finding) bool { return f.Applies && f.Statement == got.Statement }) {
				t.Fatalf("seed %d: %s decides and does not apply", seed, got.Statement)
			}
		}
	}
	if n := sets * requests; allowed < n/20 || allowed > n*19/20 {
		t.Errorf("%d of %d cases are allowed: the cases show nothing", allowed, n)
	}
	t.Logf("%d cases, %d allowed", sets*requests, allowed)
}

package iam_test

import (
	"encoding/base64"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/seed56735111/penstock/iam"
)

// The model below decides requests in the plainest way: rule by rule of the IAM user guide, on documents that are Go
// values, without compiling anything. It is written from the guide alone. The evaluator has to agree with it on a
// million random cases.

type modelStatement struct {
	Effect    string                         `json:"Effect"`
	Principal any                            `json:"Principal,omitempty"`
	Action    []string                       `json:"Action,omitempty"`
	NotAction []string                       `json:"NotAction,omitempty"`
	Resource  []string                       `json:"Resource,omitempty"`
	NotRes    []string                       `json:"NotResource,omitempty"`
	Condition map[string]map[string][]string `json:"Condition,omitempty"`
	names     []string                       // the principals
	variables bool                           // ${…} has a meaning
}

type modelPolicy struct {
	Version   string
	Statement []modelStatement
}

type modelCaller struct {
	principal iam.Principal
	arn       string // empty for the anonymous caller
	issuer    string // the role behind a session, or the user behind a federated one
	pathless  bool   // only the name of the role is known
	id        string
	account   string
	root      bool
}

type modelRequest struct {
	caller           modelCaller
	action, resource string
	keys             map[string][]string // names in lower case
}

type modelPolicies struct {
	resource          *modelPolicy
	identity, session []modelPolicy
	boundary          *modelPolicy
}

// anyRun and anyOne stand for wildcards, so that a star in the value of a variable is only a star.
const anyRun, anyOne = '\x01', '\x02'

func wildcards(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "*", string(anyRun)), "?", string(anyOne))
}

// glob leaves wildcards to the regular expressions of Go: a star is any number of characters, a question mark is one.
func glob(pattern, s string) bool {
	compiled, known := globs.Load(pattern)
	if !known {
		text := strings.ReplaceAll(regexp.QuoteMeta(pattern), string(anyRun), ".*")
		compiled, _ = globs.LoadOrStore(pattern,
			regexp.MustCompile("(?s)^"+strings.ReplaceAll(text, string(anyOne), ".")+"$"))
	}
	return compiled.(*regexp.Regexp).MatchString(s)
}

var globs sync.Map // of *regexp.Regexp by pattern

// globARN checks each of the six components that colons part by itself. A pattern may lack components when a star ends
// it. The star then stands for the missing ones, and the ARN is compared as one text.
func globARN(pattern []string, s string) bool {
	components := strings.SplitN(s, ":", 6)
	if len(components) < 6 || components[0] != "arn" {
		return false
	}
	if len(pattern) < 6 {
		whole := strings.Join(pattern, ":")
		return strings.HasSuffix(whole, string(anyRun)) && glob(whole, s)
	}
	for i, c := range components {
		if !glob(pattern[i], c) {
			return false
		}
	}
	return true
}

// fill puts the request's values in the place of policy variables. Where wildcards count, those that the policy itself
// writes become marks. A variable without a value makes the whole text null, which matches nothing.
func (r *modelRequest) fill(s string, variables, wild bool) (out string, null bool) {
	written := func(s string) string {
		if wild {
			return wildcards(s)
		}
		return s
	}
	for variables {
		before, rest, opens := strings.Cut(s, "${")
		inside, after, closes := strings.Cut(rest, "}")
		if !opens || !closes {
			break
		}
		key, byDefault, hasDefault := strings.Cut(inside, ",")
		values := r.keys[strings.ToLower(key)]
		switch {
		case inside == "*" || inside == "?" || inside == "$":
			out += written(before) + inside
		case len(values) == 1: // only a key with a single value can be a variable
			out += written(before) + values[0]
		case hasDefault:
			out += written(before) + strings.Trim(strings.TrimSpace(byDefault), "'")
		default:
			return "", true
		}
		s = after
	}
	return out + written(s), false
}

// isOn says whether a Resource covers what the request is on. Variables are possible after the fifth colon only; before
// it they are text. A resource with a variable that has no value does not match any resource.
func (r *modelRequest) isOn(resource string, variables bool) bool {
	if resource == "*" {
		return true
	}
	components := strings.SplitN(resource, ":", 6)
	for i, c := range components {
		filled, null := r.fill(c, variables && i == 5, true)
		if null {
			return false
		}
		components[i] = filled
	}
	return globARN(components, r.resource)
}

// How a statement of the access policy names the caller.
const (
	notNamed  = iota
	byAccount // its account: a delegation, the identity's own policies have to allow it
	byIssuer  // the role or the user behind the session
	byItself  // the caller itself, or everyone
)

func (s *modelStatement) named(c modelCaller) (best int) {
	partition, _, _ := strings.Cut(strings.TrimPrefix(c.arn, "arn:"), ":")
	isSession := strings.Contains(c.arn, ":assumed-role/")
	for _, n := range s.names {
		role, isRole := strings.CutPrefix(n, "arn:"+partition+":iam::"+c.account+":role/")
		switch {
		case n == "*":
			best = max(best, byItself)
		case c.arn == "": // the anonymous caller is part of everyone and of nothing else
		case n == c.arn, c.root && n == c.account, c.id != "" && !isSession && n == c.id:
			best = max(best, byItself)
		case c.issuer != "" && n == c.issuer, c.id != "" && isSession && n == c.id:
			best = max(best, byIssuer)
		case c.pathless && isRole && role[strings.LastIndex(role, "/")+1:] == c.issuer[strings.LastIndex(c.issuer, "/")+1:]:
			best = max(best, byIssuer)
		case n == c.account || n == "arn:"+partition+":iam::"+c.account+":root":
			best = max(best, byAccount)
		}
	}
	return best
}

// about says whether the statement is about the request, whoever makes it.
func (s *modelStatement) about(r *modelRequest) bool {
	isAction := func(a string) bool { return glob(wildcards(strings.ToLower(a)), strings.ToLower(r.action)) }
	isResource := func(resource string) bool { return r.isOn(resource, s.variables) }
	if s.Action != nil && !slices.ContainsFunc(s.Action, isAction) || slices.ContainsFunc(s.NotAction, isAction) {
		return false
	}
	if s.Resource != nil && !slices.ContainsFunc(s.Resource, isResource) || slices.ContainsFunc(s.NotRes, isResource) {
		return false
	}
	for op, keys := range s.Condition {
		for key, values := range keys {
			if !s.holds(r, op, strings.ToLower(key), values) {
				return false
			}
		}
	}
	return true
}

// holds is one line of a Condition.
func (s *modelStatement) holds(r *modelRequest, op, key string, values []string) bool {
	got, present := r.keys[key]
	if op == "Null" {
		return (values[0] == "true") == !present
	}
	forAll, forAny := strings.HasPrefix(op, "ForAllValues:"), strings.HasPrefix(op, "ForAnyValue:")
	op, ifExists := strings.CutSuffix(op[strings.Index(op, ":")+1:], "IfExists")
	negated := strings.Contains(op, "Not")
	op = strings.Replace(op, "Not", "", 1)
	if !present {
		return ifExists || forAll || negated && !forAny
	}
	matches := func(value string) bool {
		return slices.ContainsFunc(values, func(v string) bool { return s.compare(r, op, value, v) })
	}
	matchesNot := func(value string) bool { return !matches(value) }
	switch {
	case forAll && negated:
		return !slices.ContainsFunc(got, matches)
	case forAll:
		return !slices.ContainsFunc(got, matchesNot)
	case forAny && negated:
		return slices.ContainsFunc(got, matchesNot)
	case negated:
		return !slices.ContainsFunc(got, matches)
	default:
		return slices.ContainsFunc(got, matches)
	}
}

// compare is an operator, never a negated one, on one value of the request and one of the policy.
func (s *modelStatement) compare(r *modelRequest, op, value, wanted string) bool {
	family, order := op, "Equals"
	for _, f := range []string{"String", "Arn", "Numeric", "Date"} {
		if rest, ok := strings.CutPrefix(op, f); ok {
			family, order = f, rest
		}
	}
	inOrder := func(cmp int) bool {
		return strings.HasPrefix(order, "Less") && cmp < 0 || strings.HasPrefix(order, "Greater") && cmp > 0 ||
			strings.HasSuffix(order, "Equals") && cmp == 0
	}
	switch family {
	case "String":
		filled, null := r.fill(wanted, s.variables, order == "Like")
		isEqual := order == "Equals" && value == filled ||
			order == "EqualsIgnoreCase" && strings.EqualFold(value, filled) ||
			order == "Like" && glob(filled, value)
		return !null && isEqual
	case "Arn":
		filled, null := r.fill(wanted, s.variables, true)
		return !null && globARN(strings.SplitN(filled, ":", 6), value)
	case "Numeric":
		a, err := strconv.ParseFloat(value, 64)
		b, err2 := strconv.ParseFloat(wanted, 64)
		return err == nil && err2 == nil && (a < b && inOrder(-1) || a == b && inOrder(0) || a > b && inOrder(1))
	case "Date":
		a, err := time.Parse(time.RFC3339, value)
		b, err2 := time.Parse(time.RFC3339, wanted)
		return err == nil && err2 == nil && inOrder(a.Compare(b))
	case "Bool":
		return strings.EqualFold(value, wanted)
	case "BinaryEquals":
		a, err := base64.StdEncoding.DecodeString(value)
		b, err2 := base64.StdEncoding.DecodeString(wanted)
		return err == nil && err2 == nil && string(a) == string(b)
	case "IpAddress":
		address, err := netip.ParseAddr(value)
		network, err2 := netip.ParsePrefix(wanted)
		return err == nil && err2 == nil && network.Contains(address)
	}
	panic("the model has no operator " + op)
}

// modelDecide is the evaluation logic: an explicit Deny in any policy, then what the access policy grants, then what
// the caller's own policies grant within the boundary and the session policies.
func modelDecide(ps *modelPolicies, r *modelRequest) (allowed, denied bool) {
	allows := func(p *modelPolicy) bool {
		yes := false
		for _, s := range p.Statement {
			about := s.about(r)
			denied = denied || about && s.Effect == "Deny"
			yes = yes || about && s.Effect == "Allow"
		}
		return yes
	}
	anyOf := func(list []modelPolicy) bool {
		yes := false
		for i := range list {
			one := allows(&list[i])
			yes = yes || one
		}
		return yes
	}
	granted := notNamed
	if ps.resource != nil {
		for _, s := range ps.resource.Statement {
			named := s.named(r.caller)
			switch {
			case named == notNamed || !s.about(r):
			case s.Effect == "Deny":
				denied = true
			default:
				granted = max(granted, named)
			}
		}
	}
	if r.caller.arn == "" { // there is no identity with policies
		return granted == byItself && !denied, denied
	}
	byIdentity := anyOf(ps.identity)
	within := ps.boundary == nil || allows(ps.boundary)
	if r.caller.root { // boundaries are for users and roles, and a root needs no policies of its own
		byIdentity, within = true, true
	}
	federated := strings.Contains(r.caller.arn, ":federated-user/") // has no permissions without a session policy
	if (federated || len(ps.session) > 0) && !anyOf(ps.session) {
		within = false
	}
	switch {
	case denied:
		return false, true
	case r.caller.account != "123456789012": // the domain's account and the caller's both have to say yes
		return granted != notNamed && byIdentity && within, false
	default:
		return granted == byItself || granted == byIssuer && within || byIdentity && within, false
	}
}

package iam_test

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
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
	keys             map[string][]string
}

type modelPolicies struct {
	resource          *modelPolicy
	identity, session []modelPolicy
	boundary          *modelPolicy
}

// anyRun and anyOne stand for wildcards, so that a star in the value of a variable is only a star.
const anyRun, anyOne = '\x01', '\x02'

// glob matches in the plainest way that does not take for ever: it keeps where in s the pattern can be after each of its
// bytes. A star is any text, a question mark any one character.
func glob(pattern, s string) bool {
	at, next := make([]bool, len(s)+1), make([]bool, len(s)+1)
	at[0] = true
	for k := range len(pattern) {
		clear(next)
		for j := range at {
			_, n := utf8.DecodeRuneInString(s[j:])
			switch {
			case pattern[k] == anyRun:
				next[j] = next[j] || at[j]
				next[j+n] = next[j+n] || next[j]
			case !at[j] || j == len(s):
			case pattern[k] == anyOne:
				next[j+n] = true
			case pattern[k] == s[j]:
				next[j+1] = true
			}
		}
		at, next = next, at
	}
	return at[len(s)]
}

// globARN matches each of the six segments on its own. A star at the end stands for segments that are missing.
func globARN(pattern, s string) bool {
	if pattern == string(anyRun) {
		return true
	}
	p, v := strings.SplitN(pattern, ":", 6), strings.SplitN(s, ":", 6)
	if len(p) < 6 && strings.HasSuffix(pattern, string(anyRun)) {
		return glob(pattern, s)
	}
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

func wildcards(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "*", string(anyRun)), "?", string(anyOne))
}

// fill replaces policy variables by their values; ok is false when one has none.
func (r *modelRequest) fill(s string, variables, wild bool) (out string, ok bool) {
	mark := func(s string) string { return s }
	if wild {
		mark = wildcards
	}
	for variables {
		before, rest, found := strings.Cut(s, "${")
		if !found {
			break
		}
		inner, after, _ := strings.Cut(rest, "}")
		out += mark(before)
		key, fallback, hasDefault := strings.Cut(inner, ",")
		switch values := r.keys[strings.ToLower(strings.TrimSpace(key))]; {
		case inner == "*" || inner == "?" || inner == "$":
			out += inner
		case len(values) == 1:
			out += values[0]
		case hasDefault:
			quoted := strings.TrimSpace(fallback)
			out += quoted[1 : len(quoted)-1]
		default:
			return "", false
		}
		s = after
	}
	return out + mark(s), true
}

// named is how a statement names the caller: 3 the caller or everyone, 2 whoever is behind the session, 1 the account.
func (s *modelStatement) named(c modelCaller) (best int) {
	isRole := func(n string) bool {
		return c.pathless && strings.HasPrefix(n, "arn:aws:iam::"+c.account+":role/") && n[strings.LastIndex(n, "/"):] == c.issuer[strings.LastIndex(c.issuer, "/"):]
	}
	for _, n := range s.names {
		switch {
		case n == "*":
			best = max(best, 3)
		case c.arn == "":
		case n == c.arn, strings.HasPrefix(n, "AIDA") && n == c.id:
			best = max(best, 3)
		case c.issuer != "" && n == c.issuer, isRole(n), strings.HasPrefix(n, "AROA") && n == c.id:
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
	action := func(p string) bool { return glob(wildcards(strings.ToLower(p)), strings.ToLower(r.action)) }
	if s.Action != nil && !slices.ContainsFunc(s.Action, action) || s.NotAction != nil && slices.ContainsFunc(s.NotAction, action) {
		return false
	}
	resolved := true
	fill := func(v string, wild bool) string {
		out, ok := r.fill(v, s.variables, wild)
		resolved = resolved && ok
		return out
	}
	holds := true
	for op, keys := range s.Condition {
		for key, values := range keys {
			knows := strings.Contains(op, "String") || strings.Contains(op, "Arn")
			wild := strings.Contains(op, "Like") || strings.Contains(op, "Arn")
			var want []string
			for _, v := range values {
				if knows {
					v = fill(v, wild)
				}
				want = append(want, v)
			}
			holds = modelHolds(op, want, r.keys[strings.ToLower(key)]) && holds
		}
	}
	matches := func(list []string) (some bool) {
		for _, p := range list {
			some = globARN(fill(p, true), r.resource) || some
		}
		return some
	}
	resource := s.Resource == nil || matches(s.Resource)
	resource = (s.NotRes == nil || !matches(s.NotRes)) && resource
	return resolved && holds && resource
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
	case "StringEquals", "BinaryEquals":
		return v == w
	case "StringEqualsIgnoreCase", "Bool":
		return strings.EqualFold(v, w)
	case "StringLike":
		return glob(w, v)
	case "ArnLike", "ArnEquals":
		return globARN(w, v) && strings.Count(v, ":") >= 5
	case "IpAddress":
		addr, err := netip.ParseAddr(v)
		return err == nil && netip.MustParsePrefix(w).Contains(addr)
	}
	var a, b float64
	if kind, found := strings.CutPrefix(op, "Numeric"); found {
		var err1, err2 error
		a, err1 = strconv.ParseFloat(v, 64)
		b, err2 = strconv.ParseFloat(w, 64)
		if err1 != nil || err2 != nil {
			return false
		}
		op = kind
	} else {
		op = strings.TrimPrefix(op, "Date")
		a = float64(strings.Compare(v, w)) // dates are of one form here, which sorts as text does
	}
	switch op {
	case "Equals":
		return a == b
	case "LessThan":
		return a < b
	case "LessThanEquals":
		return a <= b
	case "GreaterThan":
		return a > b
	case "GreaterThanEquals":
		return a >= b
	}
	panic(op)
}

func modelDecide(ps *modelPolicies, r *modelRequest) (allowed, denied bool) {
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
		return given == 3 && !denied, denied
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
	} else if strings.Contains(r.caller.arn, ":federated-user/") {
		within = false // nothing is handed on without a session policy
	}
	switch {
	case denied:
		return false, true
	case r.caller.account != "123456789012":
		return given > 0 && identity && within, false
	}
	return given == 3 || given == 2 && within || identity && within, false
}

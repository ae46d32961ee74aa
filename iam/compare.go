package iam

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// Comparison says what a change of a domain's access policy gives and takes, and what was looked at to find that.
type Comparison struct {
	Changes []Change
	// Callers are those that the policies tell apart.
	Callers []string
	// Paths are examples, one of each kind that a caller's statements tell apart, sorted.
	Paths []string
	// Keys are the condition keys whose values were looked at.
	Keys []string
	// Requests is how many requests were judged by both policies.
	Requests int
	// Inexact says of what only examples were looked at. Without it no request of a caller of these kinds is decided
	// otherwise than Changes say.
	Inexact []string
}

// Change is something that callers may do by one policy and not by the other.
type Change struct {
	// Callers are who may, in words, with what their identity policies allow where that makes a difference.
	Callers []string
	// Gains says that the new policy allows it.
	Gains   bool
	Methods []string
	// Paths describes the kinds of paths.
	Paths []string
	// When are the situations in which it is so; none when it always is.
	When []string
	// Example is one such request, Old and New what is decided about it.
	Example  Request
	Old, New Decision
}

// comparedMethods are those that an action stands for.
var comparedMethods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch,
}

// everything is an identity policy that allows all.
func everything() *Policy {
	star := pattern{{kind: partAnyRun}}
	return &Policy{version: "2012-10-17", statements: []statement{{
		effect: Allow, actions: []actionPattern{{"*", star}},
		resources: []resourcePattern{{text: "*", pattern: star, arn: newARNPattern(star)}},
	}}}
}

// Compare says what becomes of requests to a domain when one access policy takes the place of another. It looks at
// every kind of caller, method, path and situation that the policies tell apart.
func Compare(old, now *Policy, d Domain) Comparison {
	c := comparer{old: old, now: now, domain: d, paths: map[string]bool{}, keys: map[string]bool{}, not: map[string]bool{}}
	all, exact := comparedCallers(d, old, now)
	if !exact {
		c.not["callers that a wildcard or a unique id in a condition stands for"] = true
	}
	c.work = maxWork
	for i, one := range all {
		c.out.Callers = append(c.out.Callers, one.label)
		c.share = c.work / (len(all) - i)
		c.caller(one)
	}
	c.out.Paths, c.out.Keys = slices.Sorted(maps.Keys(c.paths)), slices.Sorted(maps.Keys(c.keys))
	c.out.Inexact = slices.Sorted(maps.Keys(c.not))
	return c.out
}

// maxWork bounds the time of a comparison: steps of automata, and looks at a statement.
const maxWork = 200_000_000

type comparer struct {
	old, now *Policy
	work     int // that may still be done
	share    int // of it that the caller has who is looked at
	domain   Domain
	out      Comparison
	paths    map[string]bool // examples
	keys     map[string]bool
	not      map[string]bool // exact
}

// about is a policy with the statements alone that are about a caller.
func about(p *Policy, caller *Principal) *Policy {
	out := *p
	out.statements = nil
	for i := range p.statements {
		if p.statements[i].grants(caller) != grantNone {
			out.statements = append(out.statements, p.statements[i])
		}
	}
	return &out
}

// caller compares what one caller may do.
func (c *comparer) caller(who comparedCaller) {
	old, now := about(c.old, &who.principal), about(c.now, &who.principal)
	if slices.Equal(asTexts(old, &who.principal), asTexts(now, &who.principal)) {
		return
	}
	q := &callerRequests{comparer: c, who: who, old: old, now: now}
	both := slices.Concat(old.statements, now.statements)
	q.aspects = aspectsOf(both)
	q.findSituations(maxSituations)
	for _, a := range q.aspects {
		c.keys[keyName(a.key)] = true
		if !a.exact {
			c.not["values of "+keyName(a.key)] = true
		}
	}
	q.findPaths(both)
	q.fit(len(both))
	for i := range q.kinds {
		c.paths[q.kinds[i].example] = true
	}
	alone := q.changes(nil)
	if who.principal.kind == "" || who.principal.kind == KindRoot {
		c.add(alone, "")
		return
	}
	with := q.changes(everything())
	if sameChanges(alone, with) {
		c.add(alone, "")
		return
	}
	c.add(alone, ", without an identity policy")
	c.add(with, ", with an identity policy that allows it")
}

// add takes the changes of a caller. Callers whose changes are equal share them.
func (c *comparer) add(list []Change, identity string) {
	for _, one := range list {
		one.Callers[0] += identity
		at := slices.IndexFunc(c.out.Changes, func(has Change) bool { return has.text() == one.text() })
		if at < 0 {
			c.out.Changes = append(c.out.Changes, one)
			continue
		}
		c.out.Changes[at].Callers = append(c.out.Changes[at].Callers, one.Callers...)
	}
}

// text is all of a change but who it is about.
func (c *Change) text() string {
	return fmt.Sprint(c.Gains, c.Methods, strings.Join(c.Paths, "\n"), strings.Join(c.When, "\n"))
}

func sameChanges(a, b []Change) bool {
	return slices.EqualFunc(a, b, func(x, y Change) bool { return x.text() == y.text() })
}

// asTexts are the statements of a policy as texts, so that equal ones are equal.
func asTexts(p *Policy, caller *Principal) []string {
	all := make([]string, 0, len(p.statements))
	for i := range p.statements {
		s := &p.statements[i]
		parts := []any{p.hasVariables(), s.effect, s.grants(caller), s.notAction, s.notResource}
		for _, a := range s.actions {
			parts = append(parts, a.text)
		}
		for _, r := range s.resources {
			parts = append(parts, "on", r.text)
		}
		for _, c := range s.conditions {
			parts = append(parts, c.operator, c.key, c.values)
		}
		all = append(all, fmt.Sprintf("%q", parts))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// callerRequests are the requests of one caller.
type callerRequests struct {
	*comparer
	who        comparedCaller
	old, now   *Policy // what of them is about the caller
	aspects    []aspect
	situations []situation
	patterns   []begun
	names      []string // of the patterns, as paths
	kinds      []textKind
}

// findSituations finds those that the caller can be in, at most so many combinations.
func (q *callerRequests) findSituations(most int) {
	var exact bool
	if q.situations, exact = situations(q.aspects, q.who.principal, most); !exact {
		q.not["combinations of condition keys"] = true
	}
}

// fit leaves out situations, and then kinds of paths, of what would take longer than the caller's share of the work.
func (q *callerRequests) fit(statements int) {
	cost := func() int { return len(q.situations) * len(q.kinds) * len(comparedMethods) * 4 * (statements + 1) }
	if cost() > q.share {
		q.findSituations(1)
	}
	if n := cost(); n > q.share {
		q.not["paths"] = true
		q.kinds = q.kinds[:max(min(len(q.kinds), len(q.kinds)*q.share/n), 1)]
	}
	q.work -= cost()
}

// findPaths finds the kinds of paths that the resources of statements tell apart.
func (q *callerRequests) findPaths(statements []statement) {
	seen := map[string]bool{}
	var usual []string
	for i := range statements {
		for _, r := range statements[i].resources {
			for _, a := range q.resolved(&r) {
				b, ok := a.paths(q.domain)
				if !ok {
					continue
				}
				name := q.pathName(b)
				if seen[name] {
					continue
				}
				seen[name] = true
				q.patterns, q.names = append(q.patterns, b), append(q.names, name)
				usual = append(usual, examplesOf(name)...)
			}
		}
	}
	usual = append(usual, usualPaths...)
	var exact bool
	if q.kinds, exact = kindsOf(q.patterns, "/", usual, q.share/2); !exact {
		q.not["paths"] = true
		q.work -= q.share / 2
	}
}

// resolved is a resource with the values that its policy variables have for the caller.
func (q *callerRequests) resolved(r *resourcePattern) []arnPattern {
	if !r.pattern.hasVariables() {
		return []arnPattern{r.arn}
	}
	var all []arnPattern
	for _, s := range q.situations {
		c := s.context(q.aspects, q.who.principal, q.domain)
		if _, null := r.pattern.unresolved(&c); !null {
			all = append(all, newARNPattern(r.pattern.resolve(&c)))
		}
	}
	return all
}

// pathName is a pattern as the path that it stands for.
func (q *callerRequests) pathName(b begun) string {
	var text strings.Builder
	for _, p := range b.pattern {
		switch p.kind {
		case partAnyRun:
			text.WriteByte('*')
		case partAnyOne:
			text.WriteByte('?')
		default:
			text.WriteString(p.text)
		}
	}
	name := text.String()
	if path, ok := strings.CutPrefix(name, b.text); ok && b.text != "" && strings.HasPrefix(path, "/") {
		name = path
	}
	if name == "*" || name == "/*" {
		name = everyPath
	}
	return name
}

// examplesOf are paths that a pattern stands for.
func examplesOf(name string) []string {
	if !strings.HasPrefix(name, "/") {
		return nil
	}
	fill := func(star string) string { return strings.NewReplacer("*", star, "?", "1").Replace(name) }
	all := []string{fill("any"), fill(""), fill("1"), fill("any/_search")}
	for _, more := range []string{"/_search", "/_doc/1"} {
		all = append(all, strings.TrimSuffix(fill("any"), "/")+more)
	}
	return all
}

// verdicts is what changes in one situation: for each method and kind of path 1 for a gain, -1 for a loss, and 0 for
// neither.
type verdicts [][]int8

// judge decides every request in a situation by both policies.
func (q *callerRequests) judge(s situation, identity *Policy) verdicts {
	was, is := Policies{Resource: q.old}, Policies{Resource: q.now}
	if identity != nil {
		was.Identity, is.Identity = []*Policy{identity}, []*Policy{identity}
		if q.who.principal.kind == KindFederatedUser {
			was.Session, is.Session = was.Identity, is.Identity
		}
	}
	r := Request{Principal: q.who.principal, Context: s.context(q.aspects, q.who.principal, q.domain)}
	out := make(verdicts, len(comparedMethods))
	for m, method := range comparedMethods {
		out[m] = make([]int8, len(q.kinds))
		r.Action, _ = ActionFor(method)
		for k := range q.kinds {
			r.Resource = q.domain.Resource(q.kinds[k].example)
			before, after := Evaluate(was, r).Allowed, Evaluate(is, r).Allowed
			switch {
			case after && !before:
				out[m][k] = 1
			case before && !after:
				out[m][k] = -1
			}
			q.out.Requests++
		}
	}
	return out
}

// changes are those of the caller with an identity policy, or with none.
func (q *callerRequests) changes(identity *Policy) []Change {
	found := make([]verdicts, len(q.situations))
	for i, s := range q.situations {
		found[i] = q.judge(s, identity)
	}
	matter := q.matters(found)
	var all []Change
	seen := map[string]bool{} // what is said of the aspects that matter
	for i, s := range q.situations {
		when := q.describe(s, matter)
		if seen[when] {
			continue
		}
		seen[when] = true
		for _, one := range q.read(found[i], s, identity) {
			at := slices.IndexFunc(all, func(has Change) bool {
				return has.Gains == one.Gains && slices.Equal(has.Methods, one.Methods) && slices.Equal(has.Paths, one.Paths)
			})
			if at < 0 {
				all = append(all, one)
				at = len(all) - 1
			}
			all[at].When = append(all[at].When, when)
		}
	}
	for i := range all {
		if len(all[i].When) == len(seen) {
			all[i].When = nil // always
		}
	}
	return all
}

// matters says of each aspect whether anything depends on it: whether two situations that differ there alone do not
// have the same verdicts.
func (q *callerRequests) matters(found []verdicts) []bool {
	texts := make([]string, len(found))
	for i := range found {
		texts[i] = fmt.Sprint(found[i])
	}
	matter := make([]bool, len(q.aspects))
	for k := range q.aspects {
		first := map[string]int{} // situations by their other choices
		for i, s := range q.situations {
			rest := slices.Clone(s)
			rest[k] = -1
			key := fmt.Sprint(rest)
			j, ok := first[key]
			if !ok {
				first[key] = i
			} else if texts[i] != texts[j] {
				matter[k] = true
			}
		}
	}
	return matter
}

// describe says in words what a situation has of the aspects that matter.
func (q *callerRequests) describe(s situation, matter []bool) string {
	var parts []string
	for k, yes := range matter {
		if yes {
			parts = append(parts, q.aspects[k].choices[s[k]].label)
		}
	}
	return strings.Join(parts, ", ")
}

// read makes changes of verdicts: one for the methods of which the same is true.
func (q *callerRequests) read(v verdicts, s situation, identity *Policy) []Change {
	var all []Change
	for _, want := range []int8{1, -1} {
		var sets []string // of kinds
		of := map[string][]string{}
		for m, method := range comparedMethods {
			set := make([]bool, len(q.kinds))
			for k := range q.kinds {
				set[k] = v[m][k] == want
			}
			if !slices.Contains(set, true) {
				continue
			}
			key := bits(set)
			if of[key] == nil {
				sets = append(sets, key)
			}
			of[key] = append(of[key], method)
		}
		for _, key := range sets {
			all = append(all, q.change(want == 1, of[key], key, s, identity))
		}
	}
	return all
}

// change is one change, with its example judged by the policies as a whole.
func (q *callerRequests) change(gains bool, methods []string, set string, s situation, identity *Policy) Change {
	one := Change{Callers: []string{q.who.label}, Gains: gains, Methods: methods, Paths: q.describePaths(set)}
	action, _ := ActionFor(methods[0])
	one.Example = Request{
		Principal: q.who.principal, Action: action,
		Resource: q.domain.Resource(q.kinds[strings.IndexByte(set, 1)].example),
		Context:  s.context(q.aspects, q.who.principal, q.domain),
	}
	was, is := Policies{Resource: q.comparer.old}, Policies{Resource: q.comparer.now}
	if identity != nil {
		was.Identity, is.Identity = []*Policy{identity}, []*Policy{identity}
		if q.who.principal.kind == KindFederatedUser {
			was.Session, is.Session = was.Identity, is.Identity
		}
	}
	one.Old, one.New = Evaluate(was, one.Example), Evaluate(is, one.Example)
	return one
}

const everyPath = "every path"

// describePaths says in words which kinds of paths a set has: what the resources call them, or what they call the rest,
// and examples of what no resource is about.
func (q *callerRequests) describePaths(set string) []string {
	said, left := q.covered(set)
	if len(left) == 0 {
		return said
	}
	rest := []byte(set)
	for k := range rest {
		rest[k] = 1 - rest[k]
	}
	if others, left := q.covered(string(rest)); len(left) == 0 {
		if len(others) == 0 {
			return []string{everyPath}
		}
		return []string{everyPath + " but " + strings.Join(others, ", ")}
	}
	for _, k := range left {
		said = append(said, q.describeKind(k))
	}
	return said
}

// covered names the patterns all of whose kinds are in a set, the largest first, and returns the kinds that are left.
func (q *callerRequests) covered(set string) (names []string, left []int) {
	order := make([]int, len(q.patterns))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return q.size(b) - q.size(a) })
	open := []byte(set)
	for _, p := range order {
		whole, more := true, false
		for k := range q.kinds {
			if q.kinds[k].fits[p] {
				whole = whole && set[k] == 1
				more = more || open[k] == 1
			}
		}
		if !whole || !more {
			continue
		}
		names = append(names, q.names[p])
		for k := range q.kinds {
			if q.kinds[k].fits[p] {
				open[k] = 0
			}
		}
	}
	for k := range open {
		if open[k] == 1 {
			left = append(left, k)
		}
	}
	return names, left
}

// size is how many kinds of paths a pattern has.
func (q *callerRequests) size(p int) (n int) {
	for k := range q.kinds {
		if q.kinds[k].fits[p] {
			n++
		}
	}
	return n
}

// describeKind is a kind of paths by an example, and the narrowest patterns that fit it.
func (q *callerRequests) describeKind(k int) string {
	least := len(q.kinds) + 1
	name := ""
	for p := range q.patterns {
		if n := q.size(p); q.kinds[k].fits[p] && n < least {
			least, name = n, q.names[p]
		}
	}
	if name == "" || name == everyPath {
		return "other paths, such as " + q.kinds[k].example
	}
	return "others of " + name + ", such as " + q.kinds[k].example
}

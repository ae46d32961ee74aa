package config

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/seed56735111/penstock/pipeline"
	"github.com/seed56735111/penstock/rules"
)

// ruleVerb is a verb of rules, as the file has it.
type ruleVerb struct {
	key
	// of makes the verb of what stands behind it, which has the form of the key.
	of func(n *node) rules.Verb
}

// ruleVerbs are the verbs, a file for each.
func ruleVerbs() []ruleVerb {
	return append([]ruleVerb{
		dropVerb(), keepVerb(), sampleVerb(), setVerb(), computeVerb(), renameVerb(), removeVerb(), convertVerb(), leanVerb(),
		parseVerb(), splitVerb(), lookupVerb(), redactVerb(),
	}, sendVerbs()...)
}

// beside are the keys that stand beside a verb.
var beside = keys{
	{name: "when", usage: "an expression: the records that the rule is for", form: text{}},
	{name: "name", usage: "what counts and explain call the rule", form: routeName{}},
	{
		name: "on_error", usage: "what becomes of a record on which the rule fails: keep leaves it as it was, with a mark",
		form: words{"keep", "deadletter"},
	},
	{name: "shadow", usage: "count what the rule would do, and do nothing", form: boolean{}},
}

// ruleForm is a rule: one verb, and what stands beside it.
type ruleForm struct{}

func ruleKeys() keys {
	all := slices.Clone(beside)
	for _, v := range ruleVerbs() {
		all = append(all, v.key)
	}
	return all
}

func (ruleForm) check(f *finder, what string, n *node) {
	ruleKeys().check(f, what, n)
	if n.kind != object {
		return
	}
	var verbs []*member
	var known []string
	for _, v := range ruleVerbs() {
		known = append(known, v.name)
		for i := range n.members {
			if n.members[i].key == v.name {
				verbs = append(verbs, &n.members[i])
				break
			}
		}
	}
	misspelled := func(m member) bool { return !ruleKeys().has(m.key) }
	switch {
	case len(verbs) == 0 && slices.ContainsFunc(n.members, misspelled): // which may be the verb
	case len(verbs) == 0:
		f.wrong(n.place, "%s has no verb: one of %s", what, strings.Join(known, ", "))
	case len(verbs) > 1:
		f.wrong(verbs[1].place, "%s has a second verb, %s beside %s; each is a rule of its own", what, verbs[1].key,
			verbs[0].key)
	}
}

func (ruleForm) schema() map[string]any {
	s := ruleKeys().schema()
	var one []any
	for _, v := range ruleVerbs() {
		one = append(one, map[string]any{"required": []string{v.name}})
	}
	s["oneOf"] = one
	return s
}

// rulesForm is a list of rules.
var rulesForm = several{ruleForm{}, "a rule"}

// ruleOf makes a rule of a node without mistakes of shape; ok is false for one with some.
func ruleOf(n *node) (r rules.Rule, ok bool) {
	for _, v := range ruleVerbs() {
		if behind := n.member(v.name); behind != nil {
			var quiet finder
			if v.form.check(&quiet, v.name, behind); len(quiet.found) > 0 {
				return r, false
			}
			r.Verb = v.of(behind)
		}
	}
	r.When, r.Name = n.textAt("when"), n.textAt("name")
	r.DeadLetter = n.textAt("on_error") == "deadletter"
	r.Shadow, _ = strconv.ParseBool(n.textAt("shadow"))
	return r, r.Verb != nil
}

// rulesIn are the rules of a list that have no mistake of shape, with their places.
func rulesIn(n *node) (all []rules.Rule, from []*node) {
	if n == nil || n.kind != list {
		return nil, nil
	}
	for i, item := range n.items {
		r, ok := ruleOf(item)
		if !ok {
			continue
		}
		if r.Name == "" {
			r.Name = rules.DefaultName(r.Verb, i)
		}
		all, from = append(all, r), append(from, item)
	}
	return all, from
}

// relateRules reports what is wrong with rules for records of a format, empty for any, which come behind those for all
// records.
func (f *finder) relateRules(always, behind *node, format string) {
	general, _ := rulesIn(always)
	all, from := rulesIn(behind)
	for _, wrong := range pipeline.CheckRules(general, all, format, f.tables, f.defined...) {
		if at := wrong.Number - len(general); at >= 0 { // those for all records are told of alone
			f.rule(from[at], wrong, format)
		}
	}
	named := map[string]*node{}
	var end, kept *node // no rule behind the one is reached, none behind the other leaves anything out
	unreached := false  // is told of once
	for i := range all {
		name := from[i].member("name")
		switch first := named[all[i].Name]; {
		case end != nil && !unreached:
			unreached = true
			f.wrong(from[i].place, "this rule is never reached: the one in line %d leaves everything out", end.line)
		case name != nil && first != nil:
			f.wrong(name.place, "a second rule is called %s; the first is in line %d", quoted(name.text), first.line)
		case name != nil:
			named[name.text] = name
		}
		if v, ok := all[i].Verb.(rules.Redact); ok && v.Key != "" {
			f.isKey(from[i], v)
		}
		if _, keeps := all[i].Verb.(rules.Keep); keeps && all[i].When == "" && !all[i].Shadow {
			kept = from[i]
			continue
		}
		if kept != nil && leavesOut(all[i].Verb) {
			f.wrong(from[i].place, "this rule leaves nothing out: the one in line %d keeps everything", kept.line)
		}
		if _, drops := all[i].Verb.(rules.Drop); drops && kept == nil && end == nil && all[i].When == "" && !all[i].Shadow {
			end = from[i]
		}
	}
}

// RouteCost is what the expressions of the rules for a route cost for one record; the route is empty for those that all
// records have.
type RouteCost struct {
	Route string
	Cost  int
}

// Costs are those of the rules for all records, where there are no routes, or of each route: zero is left out.
func (f *File) Costs() []RouteCost {
	routes := f.Routes
	if len(routes) == 0 {
		routes = []pipeline.Route{{}}
	}
	var all []RouteCost
	for i := range routes {
		if cost := pipeline.CostOfRules(f.Always, routes[i].Rules, f.Tables); cost > 0 && routes[i].Skip == "" {
			all = append(all, RouteCost{routes[i].Name, cost})
		}
	}
	return all
}

// leavesOut reports whether a verb may leave records out.
func leavesOut(v rules.Verb) bool {
	switch v.(type) {
	case rules.Drop, rules.Sample:
		return true
	}
	return false
}

// rule reports what is wrong with a rule.
func (f *finder) rule(n *node, wrong *rules.RuleError, format string) {
	at, key := n, "a rule"
	for _, part := range wrong.Part {
		if below := at.member(part); below != nil {
			at, key = below, part
		}
	}
	if e, ok := errors.AsType[*rules.FieldError](wrong.Err); ok {
		near := meant(e.Name, slices.Sorted(maps.Keys(pipeline.SchemaOf(format, f.defined...))))
		f.wrong(at.place, "%s: no record of the format %s has a field %s%s", key, format, quoted(e.Name), near)
		return
	}
	if e, ok := errors.AsType[*rules.ParseAsError](wrong.Err); ok {
		if slices.Contains(f.own, e.As) {
			return
		}
		f.wrong(at.place, "%s: %s%s", key, e, meant(e.As, append(rules.ParseAs(), f.formats()...)))
		return
	}
	if e, ok := errors.AsType[*pipeline.NoTableError](wrong.Err); ok {
		f.wrong(at.place, "%s%s", e, f.nearTable(e.Name))
		return
	}
	f.wrong(at.place, "%s: %s", key, wrong.Err)
}

// fieldsForm is an object whose keys are fields.
type fieldsForm struct{ of form }

func (m fieldsForm) check(f *finder, key string, n *node) {
	if !f.is(object, key, n, "an object with a field for each key") {
		return
	}
	if len(n.members) == 0 {
		f.wrong(n.place, "%s is empty; name a field", key)
	}
	for one := range f.distinct(n) {
		m.of.check(f, one.key, one.value)
	}
}

func (m fieldsForm) schema() map[string]any {
	return map[string]any{"type": "object", "minProperties": 1, "additionalProperties": m.of.schema()}
}

// assignments are the members of an object of fields.
func assignments(n *node) []rules.Assignment {
	var all []rules.Assignment
	for _, m := range n.members {
		all = append(all, rules.Assignment{Field: m.key, Value: m.value.text})
	}
	return all
}

// namesAt are the texts of one value or of a list.
func namesAt(n *node) []string {
	items := n.items
	if n.kind != list {
		items = []*node{n}
	}
	all := make([]string, 0, len(items))
	for _, item := range items {
		text := item.text
		if item.kind == null {
			text = "null"
		}
		all = append(all, text)
	}
	return all
}

// filled is one of a few words, and not left empty.
type filled []string

func (w filled) check(f *finder, key string, n *node) {
	if n.kind == null && slices.Contains(w, "null") { // the word, as YAML reads it
		return
	}
	if v, ok := f.one(key, n); ok && v == "" {
		f.wrong(n.place, "%s is empty, want %s", key, strings.Join(w, " or "))
		return
	}
	words(w).check(f, key, n)
}

func (w filled) schema() map[string]any {
	var all []any
	for _, word := range w {
		all = append(all, word)
	}
	if slices.Contains(w, "null") {
		all = append(all, nil)
	}
	return map[string]any{"enum": all}
}

package rules

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/internal/quote"
	"github.com/seed56735111/penstock/rules/expr"
)

// Chain is a list of rules that is ready. It is safe for concurrent use.
type Chain struct {
	rules  []rule
	stages Stages
	ids    bool // some rule goes by the id

	names         []string // of the rules, but for those in the shadow
	redactions    []string // those of them that redact
	redactsFields bool
	detectors     []*detecting
}

// note keeps what letters say of the rules, and how records are redacted that cannot be read.
func (c *Chain) note(one *rule) {
	if one.Shadow {
		return
	}
	c.names = append(c.names, one.Name)
	if one.always {
		c.redactions = append(c.redactions, one.Name)
	}
	switch a := one.action.(type) {
	case *redacting:
		c.redactsFields = true
	case *detecting:
		c.detectors = append(c.detectors, a)
	}
}

// rule is a Rule that is ready.
type rule struct {
	Rule
	when   *expr.Program // nil is always
	action Action
	drop   *DropError
	mark   []byte // its name, as JSON
	always bool   // also on a record that becomes a dead letter
}

// byID is an action that asks for [Record.ID].
type byID interface{ byID() }

// Compile prepares rules, in their order: the general ones are for records of all formats, and those of list, behind
// them, for records of which schema is known. Its error is a *RuleError for the first rule that cannot be as it is.
func Compile(general, list []Rule, schema expr.Schema, stages Stages) (*Chain, error) {
	c, wrong := compileAll(general, list, schema, stages)
	if len(wrong) > 0 {
		return nil, wrong[0]
	}
	return c, nil
}

// Check returns what is wrong with rules: one mistake of each that cannot be as it is.
func Check(general, list []Rule, schema expr.Schema, stages Stages) []*RuleError {
	_, wrong := compileAll(general, list, schema, stages)
	return wrong
}

func compileAll(general, list []Rule, schema expr.Schema, stages Stages) (c *Chain, wrong []*RuleError) {
	c = &Chain{stages: stages}
	env := &Env{Schema: maps.Clone(schema), Stages: stages}
	list = slices.Concat(general, list)
	named := map[string]bool{}
	for i := range list {
		env.general = i < len(general)
		list[i].Name = ownName(&list[i], i, named)
		one, err := compile(&list[i], i, env)
		if len(err) > 0 {
			wrong = append(wrong, err...)
			continue
		}
		if _, ok := one.action.(byID); ok {
			c.ids = true
		}
		c.note(&one)
		c.rules = append(c.rules, one)
	}
	c.together()
	return c, append(wrong, tooEarly(list)...)
}

func compile(r *Rule, number int, env *Env) (one rule, wrong []*RuleError) {
	one.Rule = *r
	if r.Verb == nil {
		return one, []*RuleError{{number, []string{"rule"}, errNoVerb}}
	}
	var err error
	if r.When != "" {
		if one.when, err = env.Expression(r.When, expr.Boolean); err != nil {
			wrong = append(wrong, &RuleError{number, []string{"when"}, err})
		}
	}
	if one.action, err = r.Verb.Compile(env); err != nil {
		part := []string{r.Verb.Word()}
		if e, ok := errors.AsType[*PartError](err); ok {
			part, err = append(part, e.Part), e.Err
		}
		wrong = append(wrong, &RuleError{number, part, err})
	}
	if wrong != nil {
		return one, wrong
	}
	_, one.always = one.action.(Redactor)
	one.mark = quote.AppendString(nil, one.Name)
	one.drop = &DropError{Rule: one.Name}
	if v, ok := r.Verb.(interface{ Why() string }); ok {
		one.drop.Reason = v.Why()
	}
	return one, nil
}

// ownName is the name of a rule among those before it: letters and counts tell rules by their names.
func ownName(r *Rule, number int, taken map[string]bool) string {
	name := r.Name
	if name == "" && r.Verb != nil {
		name = DefaultName(r.Verb, number)
	}
	one := name
	for n := 2; taken[one]; n++ {
		one = fmt.Sprintf("%s-%d", name, n)
	}
	taken[one] = true
	return one
}

// DefaultName is the name of a rule without one: why it drops, or its verb and place.
func DefaultName(v Verb, number int) string {
	if why, ok := v.(interface{ Why() string }); ok && why.Why() != "" {
		return why.Why()
	}
	return fmt.Sprintf("%s-%d", v.Word(), number+1)
}

// Without returns the chain without the rules of some names. A chain that is left without rules is nil.
func (c *Chain) Without(names []string) *Chain {
	rest := &Chain{stages: c.stages, ids: c.ids}
	for i := range c.rules {
		if one := &c.rules[i]; !slices.Contains(names, one.Name) {
			rest.rules = append(rest.rules, *one)
			rest.note(one)
		}
	}
	if len(rest.rules) == 0 {
		return nil
	}
	return rest
}

// RedactsFields reports whether a rule redacts fields, so that nothing leaves of a record that cannot be read.
func (c *Chain) RedactsFields() bool { return c.redactsFields }

// Cost is the most that the expressions take for one record, in conditions and in compute: in comparisons of a number.
func (c *Chain) Cost() int {
	cost := 0
	for i := range c.rules {
		if c.rules[i].when != nil {
			cost += c.rules[i].when.Cost()
		}
		if computes, ok := c.rules[i].action.(computing); ok {
			for _, one := range computes {
				cost += one.value.Cost()
			}
		}
	}
	return cost
}

// Shaper returns a shaper that applies the rules to each record before inner makes its document. A chain without rules
// returns inner.
func (c *Chain) Shaper(inner penstock.Shaper) penstock.Shaper {
	if len(c.rules) == 0 {
		return inner
	}
	return &shaper{inner, c}
}

type shaper struct {
	penstock.Shaper
	chain *Chain
}

// Entry is part of penstock.Shaper.
func (s *shaper) Entry(o *penstock.Object, id penstock.Identity, name, format string) (penstock.EntryShaper, error) {
	inner, err := s.Shaper.Entry(o, id, name, format)
	if err != nil {
		return nil, err
	}
	e := &Entry{chain: s.chain, inner: inner, counts: make([]penstock.RuleCount, len(s.chain.rules))}
	for i := range s.chain.rules {
		one := &s.chain.rules[i]
		e.counts[i] = penstock.RuleCount{Rule: one.Name, Verb: one.Verb.Word(), Shadow: one.Shadow}
	}
	e.record.entry = entry{o, id, name, format}
	e.record.origin = originFields(id, name, format)
	if of := s.chain.stages.Schema; of != nil && len(s.chain.detectors) > 0 {
		e.record.typed = typedBy(of(format))
	}
	if of := s.chain.stages.Origin; of != nil {
		e.record.lookup = of(o, id)
	}
	if of := s.chain.stages.IDs; of != nil && s.chain.ids {
		e.ids = of(id, name, format)
	}
	return e, nil
}

// typedBy returns what tells numbers and times by the schema of a format, nil when there are none.
func typedBy(schema expr.Schema) func(path []byte) bool {
	if schema == nil {
		return nil
	}
	return func(path []byte) bool {
		t := schema[string(path)]
		return t == expr.Number || t == expr.Time
	}
}

// originFields are the fields that say where a record is from.
func originFields(id penstock.Identity, entry, format string) []originField {
	var all []originField
	add := func(path, value string) {
		if value != "" {
			all = append(all, originField{path, quote.AppendString(nil, value)})
		}
	}
	if id.Bucket != "" {
		add("aws.s3.bucket", id.Bucket)
		add("aws.s3.key", id.Key)
	} else {
		add("penstock.file", id.Key)
	}
	add("penstock.entry", entry)
	add("penstock.format", format)
	return all
}

// Entry applies the rules to the records of one entry. It is for one goroutine.
type Entry struct {
	chain  *Chain
	inner  penstock.EntryShaper
	ids    func(r *penstock.Record) []byte
	counts []penstock.RuleCount
	record Record
	failed []byte // names of the rules that failed on the record, as a JSON list
	parts  parts
	// Trace, when it is set, is told what each rule did that applied to a record, and why it failed.
	Trace func(r *Record, count *penstock.RuleCount, did Verdict, err error)
}

var (
	_ penstock.EntryShaper = (*Entry)(nil)
	_ penstock.RuleCounter = (*Entry)(nil)
)

// RuleCounts is part of penstock.RuleCounter.
func (e *Entry) RuleCounts() []penstock.RuleCount { return e.counts }

// Shape is part of penstock.EntryShaper. It leaves in r what the record has become.
func (e *Entry) Shape(r *penstock.Record) (penstock.Document, error) {
	if r.Left {
		return e.inner.Shape(r)
	}
	rec := &e.record
	from := 0 // the rule to go on with
	if r.More {
		from = e.nextPart(r)
	} else {
		e.begin(r)
	}
	drop, failure, split := e.apply(rec, from)
	for split >= 0 {
		e.split(r, split)
		from = e.nextPart(r)
		drop, failure, split = e.apply(rec, from)
	}
	r.More = e.parts.more()
	if drop != nil {
		e.pass(r)
		return penstock.Document{}, drop
	}
	if rec.changed {
		r.Top = rec.top()
		r.Before, r.JSON = r.AsRead(), rec.JSON()
	}
	redacted := rec.secrets.any() || r.Unparsed && e.chain.redactsFields
	if redacted {
		e.leave(r)
	} else if r.Part != nil {
		r.Redacted = rec.text
	}
	doc, err := e.inner.Shape(r)
	err = rec.goes.send(&doc, err)
	lacks, ok := errors.AsType[*penstock.RecordError](err) // what only lacks an index
	if failure != nil && (err == nil || ok && lacks.Document != nil) {
		err = failure.letter(e, r, &doc)
	}
	if re, ok := errors.AsType[*penstock.RecordError](err); ok {
		if failure == nil {
			re.Rules = e.chain.names
		}
		if redacted {
			re.Err = toldAs(re.Err, &rec.secrets)
		}
	}
	return doc, err
}

// begin takes a record in hand.
func (e *Entry) begin(r *penstock.Record) {
	rec := &e.record
	rec.reset(r)
	e.failed = e.failed[:0]
	e.parts.reset()
	if e.ids != nil {
		rec.id = e.ids(r)
	}
}

// pass lets the inner shaper pass over a record: the ids of the others may depend on it.
func (e *Entry) pass(r *penstock.Record) {
	if r.Part != nil { // its record was passed over
		return
	}
	left, more := r.Left, r.More
	r.Left, r.More = true, false
	_, _ = e.inner.Shape(r)
	r.Left, r.More = left, more
}

// send says in a document where it goes. A document that only lacked an index has one then.
func (g *goes) send(doc *penstock.Document, err error) error {
	if g.index == "" && g.pipeline == "" && g.routing == nil {
		return err
	}
	unnamed, ok := errors.AsType[*penstock.RecordError](err)
	if err != nil && (!ok || unnamed.Document == nil) {
		return err
	}
	if len(g.routing) > 0 {
		doc.Routing = g.routing
	}
	if g.pipeline != "" {
		doc.Pipeline = g.pipeline
	}
	if g.index != "" {
		doc.Index = g.index
		return nil
	}
	if unnamed != nil {
		unnamed.Routing, unnamed.Pipeline = doc.Routing, doc.Pipeline
	}
	return err
}

// apply runs the rules from a number on. It returns why the record is left out, or why it is to be a dead letter, or
// the number of the rule that splits it, which is the last that has run then, and else -1.
func (e *Entry) apply(rec *Record, from int) (drop *DropError, fails *failure, split int) {
	for i := from; i < len(e.chain.rules); i++ {
		one := &e.chain.rules[i]
		if fails != nil && !one.always || one.when != nil && !one.when.True(rec) {
			continue
		}
		rec.begin()
		if one.Shadow {
			rec.went = rec.goes
		}
		did, err := one.action.Apply(rec)
		if did == LeftOut && rec.kept {
			did = Nothing
		}
		if err != nil || one.Shadow {
			rec.rollback()
		}
		if one.Shadow {
			rec.goes = rec.went
			rec.secrets.failed = rec.before.redactionFailed
		}
		count := &e.counts[i]
		switch {
		case err != nil:
			count.Failed++
			if one.DeadLetter && !one.Shadow {
				fails = &failure{i, err}
			} else if !one.Shadow {
				e.failed = append(append(e.failed, ','), one.mark...)
			}
		case did != Nothing:
			count.Records++
			count.Bytes += int64(rec.length)
		}
		if e.Trace != nil && (err != nil || did != Nothing) {
			e.Trace(rec, count, did, err)
		}
		if err != nil || one.Shadow {
			continue
		}
		switch did {
		case LeftOut:
			count.Dropped++
			return one.drop, nil, -1
		case Parted:
			return nil, nil, i
		}
	}
	if len(e.failed) > 0 {
		rec.mark(e.failed)
	}
	return nil, fails, -1
}

// NameFailed is the field with the names of the rules that failed on a record.
const NameFailed = penstock.NameMeta + ".rules_failed"

// mark says in the record which rules failed.
func (r *Record) mark(names []byte) {
	at := r.find(NameFailed)
	list := append(r.Room(), '[')
	if at >= 0 { // a replay goes on where another run has left off
		if before := r.members[at].value; len(before) > 2 && before[0] == '[' {
			list = append(append(list, before[1:len(before)-1]...), ',')
		}
	}
	value := r.Made(append(append(list, names[1:]...), ']'))
	m := member{name: []byte(NameFailed), value: value, start: -1}
	if at >= 0 {
		r.members[at] = m
	} else {
		r.members = append(r.members, m)
	}
	r.changed = true
}

// failure is a rule that failed on a record, which becomes a dead letter.
type failure struct {
	at  int // the rule
	err error
}

// letter is the error that makes it one. The letter has the document of the record as it was before the rule.
func (f *failure) letter(e *Entry, r *penstock.Record, doc *penstock.Document) error {
	var run []string
	for i := range e.chain.rules {
		if one := &e.chain.rules[i]; !one.Shadow && (i < f.at || one.always) {
			run = append(run, one.Name)
		}
	}
	return &penstock.RecordError{
		Reason: penstock.ReasonRule, Offset: r.Offset, Length: int64(len(r.Raw)), Raw: r.Text(), Rules: run,
		ID: doc.ID, Document: doc.Body(), Routing: doc.Routing, Pipeline: doc.Pipeline, Content: r.Content,
		Err: fmt.Errorf("rule %q: %w", e.chain.rules[f.at].Name, f.err),
	}
}

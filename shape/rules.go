package shape

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/internal/glob"
	"github.com/seed56735111/penstock/internal/quote"
)

// Rules say which records are left out.
type Rules struct {
	rules  []rule
	fields map[string]*sighting
}

// sighting is what is known of a field that rules name: records were asked for it, and one had it. The shapers of a run
// share it.
type sighting struct{ asked, found atomic.Bool }

func (s *sighting) note(found bool) {
	if !s.asked.Load() {
		s.asked.Store(true)
	}
	if found && !s.found.Load() {
		s.found.Store(true)
	}
}

// Unseen are the fields that records were asked for and none had so far, in alphabetical order: most likely misspelled.
func (r *Rules) Unseen() []string {
	var names []string
	for name, s := range r.fields {
		if s.asked.Load() && !s.found.Load() {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// rule matches a record when all of its terms do.
type rule struct {
	text  string
	terms []term
}

// term compares one field with a pattern.
type term struct {
	path    string
	negated bool
	pattern glob.Stars
	seen    *sighting
}

// ParseRules reads rules such as
//
//	level=debug
//	elb_status_code=200 and user_agent=ELB-HealthChecker/*
//
// A term is FIELD=PATTERN or FIELD!=PATTERN. A field is a name at the top level of the record, with dots for a path;
// the fields that say where the record is from, aws.s3.bucket, aws.s3.key, penstock.file, penstock.entry and
// penstock.format, can be asked for as well. In a pattern * stands for any text; a pattern with " and " in it, or with
// spaces at its ends, is written as a JSON string. Strings, numbers and booleans are compared as text, upper and lower
// case being different; of a list, one element has to match. A record without the field has FIELD!=PATTERN for every
// pattern, and no FIELD=PATTERN.
func ParseRules(texts []string) (*Rules, error) {
	return (&Rules{fields: map[string]*sighting{}}).With(texts)
}

// With returns these rules and more of them. What either knows of fields that no record had, both know.
func (r *Rules) With(texts []string) (*Rules, error) {
	out := &Rules{rules: slices.Clone(r.rules), fields: r.fields}
	for _, text := range texts {
		one, err := parseRule(text)
		if err != nil {
			return nil, fmt.Errorf("drop rule %q: %w", text, err)
		}
		for i := range one.terms {
			name := one.terms[i].path
			if r.fields[name] == nil {
				r.fields[name] = new(sighting)
			}
			one.terms[i].seen = r.fields[name]
		}
		out.rules = append(out.rules, one)
	}
	return out, nil
}

const and = " and "

func parseRule(text string) (rule, error) {
	r := rule{text: text}
	for rest, more := text, true; more; {
		t, after, err := parseTerm(rest)
		if err != nil {
			return r, err
		}
		r.terms = append(r.terms, t)
		if rest, more = strings.CutPrefix(after, and); !more && strings.TrimSpace(after) != "" {
			return r, fmt.Errorf("%q behind a pattern in quotes", after)
		}
	}
	return r, nil
}

// parseTerm reads a term and returns what is behind its pattern.
func parseTerm(text string) (t term, after string, err error) {
	name, rest, ok := strings.Cut(text, "=")
	if !ok {
		return t, "", errors.New("want FIELD=PATTERN or FIELD!=PATTERN")
	}
	name, t.negated = strings.CutSuffix(name, "!")
	t.path = strings.TrimSpace(name)
	if t.path == "" {
		return t, "", errors.New("no name of a field before =")
	}
	if strings.Contains(t.path, and) {
		return t, "", fmt.Errorf("%q is no name of a field: want FIELD=PATTERN before and behind \"and\"", t.path)
	}
	if strings.HasPrefix(rest, "=") {
		return t, "", fmt.Errorf(`"==" is written "=": %s=%s; a pattern that begins with = is written in quotes`,
			t.path, strings.TrimSpace(rest[1:]))
	}
	if strings.HasPrefix(rest, "~") {
		return t, "", errors.New(`"=~" is no comparison: want FIELD=PATTERN, where * stands for any text; ` +
			`a pattern that begins with ~ is written in quotes`)
	}
	if i := strings.IndexAny(t.path, "<>~:"); i == len(t.path)-1 {
		return t, "", fmt.Errorf("%q is no comparison: want FIELD=PATTERN or FIELD!=PATTERN", t.path[i:]+"=")
	}
	rest = strings.TrimLeft(rest, " ")
	var pattern string
	if strings.HasPrefix(rest, `"`) {
		end, _ := quote.StringEnd([]byte(rest), 0)
		quoted := rest[:end]
		text, err := jsontext.AppendUnquote(nil, quoted)
		if err != nil {
			return t, "", fmt.Errorf("%s is no JSON string", quoted)
		}
		pattern, after = string(text), rest[len(quoted):]
	} else {
		end := strings.Index(rest, and)
		if end < 0 {
			end = len(rest)
		}
		pattern, after = strings.TrimSpace(rest[:end]), rest[end:]
		if pattern == "" {
			return t, "", fmt.Errorf(`no pattern behind %s=; "" is for an empty text`, t.path)
		}
	}
	t.pattern = glob.NewStars(pattern)
	return t, after, nil
}

// Shaper returns a Shaper that leaves out what a rule matches. Whether there are rules changes no other document and no
// id.
func (r *Rules) Shaper(inner penstock.Shaper) penstock.Shaper {
	if len(r.rules) == 0 {
		return inner
	}
	return &ruled{Shaper: inner, rules: r.rules}
}

type ruled struct {
	penstock.Shaper
	rules []rule
}

// Entry is part of penstock.Shaper.
func (s *ruled) Entry(o *penstock.Object, id penstock.Identity, entry, format string) (penstock.EntryShaper, error) {
	inner, err := s.Shaper.Entry(o, id, entry, format)
	if err != nil {
		return nil, err
	}
	origin := map[string]string{"penstock.format": format, "penstock.entry": entry}
	if id.Bucket != "" {
		origin["aws.s3.bucket"], origin["aws.s3.key"] = id.Bucket, id.Key
	} else {
		origin["penstock.file"] = id.Key
	}
	e := &ruledEntry{EntryShaper: inner, counts: make([]penstock.RuleCount, len(s.rules))}
	for i, one := range s.rules {
		e.counts[i] = penstock.RuleCount{Rule: one.text, Verb: "drop"}
		if rest, ok := one.within(origin); ok {
			e.rules = append(e.rules, possible{rest, &e.counts[i]})
		}
	}
	return e, nil
}

// within returns what is left of a rule once it is known where the records are from; ok is false when it can match none
// of them.
func (r rule) within(origin map[string]string) (rest rule, ok bool) {
	rest.text = r.text
	for _, t := range r.terms {
		from := origin[t.path]
		if from == "" {
			rest.terms = append(rest.terms, t)
			continue
		}
		t.seen.note(true)
		if t.pattern.Match([]byte(from)) == t.negated {
			return rest, false
		}
	}
	return rest, true
}

// ruledEntry has what is left of the rules that can match.
type ruledEntry struct {
	penstock.EntryShaper
	rules  []possible
	counts []penstock.RuleCount
}

// possible is a rule that can match, and what it did.
type possible struct {
	rule
	count *penstock.RuleCount
}

// Unwrap is part of penstock.Redactor.
func (e *ruledEntry) Unwrap() penstock.EntryShaper { return e.EntryShaper }

// RuleCounts is part of penstock.RuleCounter: these rules, and those behind them.
func (e *ruledEntry) RuleCounts() []penstock.RuleCount {
	if behind, ok := e.EntryShaper.(penstock.RuleCounter); ok {
		return slices.Concat(e.counts, behind.RuleCounts())
	}
	return e.counts
}

// Shape is part of penstock.EntryShaper. The record is shaped in any case: the ids of the others may depend on it.
func (e *ruledEntry) Shape(r *penstock.Record) (penstock.Document, error) {
	for i := range e.rules {
		one := &e.rules[i]
		if r.Left || r.More || !one.matches(r.JSON) {
			continue
		}
		one.count.Records++
		one.count.Dropped++
		one.count.Bytes += int64(len(r.Raw))
		r.Left = true
		_, _ = e.EntryShaper.Shape(r)
		r.Left = false
		return penstock.Document{}, penstock.ErrDrop
	}
	return e.EntryShaper.Shape(r)
}

func (r *rule) matches(object []byte) bool {
	for i := range r.terms {
		if r.terms[i].holds(object) == r.terms[i].negated {
			return false
		}
	}
	return true
}

// holds reports whether the field is there and has the pattern.
func (t *term) holds(object []byte) bool {
	value := find(object, t.path)
	t.seen.note(value != nil)
	if len(value) == 0 || value[0] != '[' {
		return t.takesValue(value)
	}
	for i := quote.Space(value, 1); i < len(value) && value[i] != ']'; {
		end, _ := quote.ValueEnd(value, i)
		if t.takesValue(value[i:end]) {
			return true
		}
		if i = quote.Space(value, end); i < len(value) && value[i] == ',' {
			i = quote.Space(value, i+1)
		}
	}
	return false
}

// takesValue reports whether a JSON value is a string, number or boolean that has the pattern.
func (t *term) takesValue(value []byte) bool {
	text, ok := scalar(value)
	return ok && t.pattern.Match(text)
}

// Package rules changes records, leaves them out and sends them elsewhere, as people write it: a chain of rules, each
// of which is one verb with a condition.
//
// # Adding a verb
//
// One file here, named after the verb: a type with what is written, which is plain data, and its methods of [Verb].
// Compile checks it once, and returns an [Action] that works on a [Record] with its methods Member, Set, Remove and
// the like, without an allocation. What an action needs of other stages comes with the [Env]. One file in
// internal/config, rule_VERB.go: the form of what stands behind the verb in a file, and how a Verb is made of it; its
// line in ruleVerbs says the rest. The page is docs/rules.md.
package rules

import (
	"errors"
	"fmt"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/redact"
	"github.com/seed56735111/penstock/rules/expr"
)

// Rule is one rule, as it is written.
type Rule struct {
	// Name is what counts, marks and explanations call the rule. Chains name those that have none.
	Name string
	// When is the condition, an expression; empty is always.
	When string
	Verb Verb
	// DeadLetter makes a dead letter of a record on which the rule fails. Without it the record goes on as it was, with a
	// mark.
	DeadLetter bool
	// Shadow counts what the rule would do, and does nothing.
	Shadow bool
}

// Verb is what a rule does, as it is written.
type Verb interface {
	// Word is the verb as the file has it.
	Word() string
	// Compile prepares the verb. It adds the fields that it makes to the schema of env.
	Compile(env *Env) (Action, error)
}

// Action is a verb that is ready. It is safe for concurrent use: what it needs for one record is in the Record.
type Action interface {
	// Apply does it to r. With an error the chain takes back what was done.
	Apply(r *Record) (Verdict, error)
}

// Redactor is an Action that takes out what must not leave. Such a rule runs on every record, also on one that becomes
// a dead letter because an earlier rule failed on it.
type Redactor interface {
	Action
	Redacts()
}

// Verdict is what an action did.
type Verdict uint8

// The verdicts.
const (
	// Nothing: there was nothing to do, such as a field to remove that is not there.
	Nothing Verdict = iota
	// Done: the record is changed, or is to go elsewhere.
	Done
	// LeftOut: the record is to be dropped.
	LeftOut
	// Parted: the record is to be split, as the action has noted in it.
	Parted
)

// Env is what verbs know when they are compiled.
type Env struct {
	// Schema is what is known of the fields at the place of the rule; nil when nothing is.
	Schema expr.Schema
	Stages Stages
	// general says that the rule is for records of all formats.
	general bool
}

// Expression compiles an expression on the record at the place of the rule.
func (e *Env) Expression(text string, want expr.Type) (*expr.Program, error) {
	if e.general {
		return expr.Compile(text, nil, want)
	}
	return expr.Compile(text, e.Schema, want)
}

// Knows says that records have a field from here on.
func (e *Env) Knows(name string, t expr.Type) {
	if e.Schema != nil {
		e.Schema[name] = t
	}
}

// Stages is what a chain takes from the other stages. A nil function stands for one that knows nothing.
type Stages struct {
	// Table returns the table of a name, in memory where records are to come.
	Table func(name string) (*Table, error)
	// Format returns what reads a text as one record of a format, and appends its fields as a JSON object. It reports
	// false for a text that does not fit.
	Format func(name string) (func(dst, text []byte) ([]byte, bool), error)
	// Schema is what is known of the fields of records of a format.
	Schema func(format string) expr.Schema
	// Key returns the key of a name.
	Key func(name string) (*redact.Key, error)
	// ShowSecrets leaves redactions out.
	ShowSecrets bool
	// Index reads a pattern of index names.
	Index func(pattern string) (Pattern, error)
	// Origin says where the records of an entry are from: what names such as bucket, key[2] and account stand for in
	// texts. Known is false for what is none of these names.
	Origin func(o *penstock.Object, id penstock.Identity) func(name string) (value string, known bool)
	// IDs returns what the ids of an entry's records are made by. It is called for every record, in their order.
	IDs func(id penstock.Identity, entry, format string) func(r *penstock.Record) []byte
}

// Pattern names the indexes of records.
type Pattern interface {
	Entry(o *penstock.Object, id penstock.Identity, entry, format string) Namer
}

// Namer names the indexes of the records of one entry.
type Namer interface {
	Name(r *penstock.Record) (string, error)
}

// RuleError says which rule cannot be as it is.
type RuleError struct {
	// Number counts the rules of a chain from 0.
	Number int
	// Part is the key of the rule that is wrong: "when", the verb, or the verb and a name in it.
	Part []string
	Err  error
}

func (e *RuleError) Error() string {
	return fmt.Sprintf("rule %d: %s: %v", e.Number+1, e.Part[0], e.Err)
}
func (e *RuleError) Unwrap() error { return e.Err }

// PartError is an error of [Verb.Compile] that concerns one of several names in the verb.
type PartError struct {
	Part string
	Err  error
}

func (e *PartError) Error() string { return e.Part + ": " + e.Err.Error() }
func (e *PartError) Unwrap() error { return e.Err }

// DropError is [penstock.ErrDrop] with the rule that leaves the record out.
type DropError struct{ Rule, Reason string }

func (e *DropError) Error() string { return "dropped by the rule " + e.Rule + ": " + e.Reason }

// Is reports whether target is penstock.ErrDrop.
func (e *DropError) Is(target error) bool { return target == penstock.ErrDrop }

var errNoVerb = errors.New("the rule has no verb")

// Field reports a name that no record has at this place.
func (e *Env) Field(name string) error {
	if e.Schema == nil || e.general {
		return nil
	}
	if _, any := e.Schema[expr.AnyField]; any {
		return nil
	}
	if _, known := e.Schema[name]; known || isOrigin(name) {
		return nil
	}
	for i := range name {
		if name[i] == '.' {
			first := name[:i]
			if t, known := e.Schema[first]; known && (t == expr.Object || t == expr.Unknown) {
				return nil
			}
		}
	}
	return &FieldError{name}
}

// FieldError is about a field that no record has.
type FieldError struct{ Name string }

func (e *FieldError) Error() string { return fmt.Sprintf("no record here has a field %q", e.Name) }

// isOrigin reports whether a name may say where a record is from.
func isOrigin(name string) bool {
	switch name {
	case "bucket", "prefix", "account", "region", "log_group", "aws.s3.bucket", "aws.s3.key", "penstock.file",
		"penstock.entry", "penstock.format", penstock.NameTime:
		return true
	}
	return len(name) > 4 && name[:4] == "key["
}

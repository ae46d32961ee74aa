package pipeline

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/cloudwatch"
	"github.com/seed56735111/penstock/format"
	"github.com/seed56735111/penstock/redact"
	"github.com/seed56735111/penstock/rules"
	"github.com/seed56735111/penstock/rules/expr"
	"github.com/seed56735111/penstock/shape"
)

// SchemaOf is what is known of the fields of records of a format, which may be one of the user's own; nil when that is
// nothing.
func SchemaOf(name string, own ...Definition) expr.Schema {
	if name, _, _ = strings.Cut(name, "("); name == "" {
		return nil
	}
	all := Formats(own...)
	at := slices.IndexFunc(all, func(f Format) bool { return f.Name == name })
	if at < 0 {
		return nil
	}
	f := all[at]
	if len(f.Fields) == 0 {
		return nil
	}
	s := expr.Schema{"message": expr.Text, "parse_error": expr.Text, "@timestamp": expr.Time}
	for _, ofEvents := range []string{"@id", "@message", "@owner", "@log_group", "@log_stream"} {
		s[ofEvents] = expr.Text
	}
	for _, field := range f.Fields {
		s[field.Name] = typeOf(field)
	}
	if !f.Closed {
		s[expr.AnyField] = expr.Unknown
	}
	return s
}

func typeOf(f format.Field) expr.Type {
	switch f.Type {
	case "keyword", "text", "ip":
		return expr.Text
	case "long", "double":
		return expr.Number
	case "boolean":
		return expr.Boolean
	case "date":
		return expr.Time
	}
	return expr.Unknown
}

// schemasOf is SchemaOf that makes each schema once: rules ask for that of every entry.
func schemasOf(own []Definition) func(name string) expr.Schema {
	var mu sync.Mutex
	known := map[string]expr.Schema{}
	return func(name string) expr.Schema {
		name, _, _ = strings.Cut(name, "(")
		mu.Lock()
		defer mu.Unlock()
		schema, ok := known[name]
		if !ok {
			schema = SchemaOf(name, own...)
			known[name] = schema
		}
		return schema
	}
}

// ruleStages are what rules take from the other stages.
func ruleStages(table func(name string) (*rules.Table, error), own []Definition) rules.Stages {
	return rules.Stages{
		Table:  table,
		Schema: schemasOf(own),
		Index: func(pattern string) (rules.Pattern, error) {
			p, err := shape.ParsePattern(pattern)
			if err != nil {
				return nil, err
			}
			return indexes{p}, nil
		},
		Origin: func(o *penstock.Object, id penstock.Identity) func(string) (string, bool) {
			from := shape.OriginOf(o, id)
			return from.Value
		},
		IDs: func(id penstock.Identity, entry, format string) func(*penstock.Record) []byte {
			ids := shape.IDs(id, entry)
			if format != cloudwatch.FormatEvents && format != cloudwatch.FormatPayloads {
				return ids
			}
			return func(r *penstock.Record) []byte {
				if id := shape.Text(r.AsRead(), "@id"); id != nil {
					return r.AppendPart(slices.Clip(id))
				}
				return ids(r)
			}
		},
	}
}

// textOf returns what reads a text as one record of a format, which may be one of the user's own.
func (o *Read) textOf(name string) (func(dst, text []byte) ([]byte, bool), error) {
	d, err := format.New(format.Config{Force: name, TimeZone: o.TimeZone, Definitions: o.Definitions})
	if err != nil {
		return nil, err
	}
	return func(dst, text []byte) ([]byte, bool) {
		rec, err := d.Recognize(
			&penstock.Object{Size: int64(len(text))}, penstock.Identity{}, penstock.Entry{Reader: bytes.NewReader(text)},
		)
		if err != nil || rec.Skip != "" {
			return dst, false
		}
		start, found := len(dst), false
		for r, err := range rec.Records {
			if err != nil || found || r.Unparsed || r.Left {
				return dst[:start], false
			}
			dst, found = append(dst, r.JSON...), true
		}
		return dst, found
	}, nil
}

// indexes names indexes by a pattern.
type indexes struct{ *shape.Pattern }

// Entry is part of rules.Pattern.
func (i indexes) Entry(o *penstock.Object, id penstock.Identity, entry, format string) rules.Namer {
	return i.Pattern.Entry(o, id, entry, format)
}

// CheckRules returns what is wrong with rules: those for all records, and behind them those for records of a format,
// which is empty for any.
// Tables are those that rules may look into, of which only the beginnings are read; own are formats of the user's own.
func CheckRules(
	always, list []rules.Rule, format string, tables []rules.TableSource, own ...Definition,
) []*rules.RuleError {
	return rules.Check(always, list, SchemaOf(format, own...), checkStages(tables, own))
}

// CostOfRules is what the expressions of rules without mistakes cost for one record, as [rules.Chain.Cost] counts.
func CostOfRules(always, list []rules.Rule, tables []rules.TableSource) int {
	stages := checkStages(tables, nil)
	stages.Format = func(string) (func(dst, text []byte) ([]byte, bool), error) { // also the names of the user's own
		return func(dst, _ []byte) ([]byte, bool) { return dst, false }, nil
	}
	c, err := rules.Compile(always, list, nil, stages)
	if err != nil {
		return 0
	}
	return c.Cost()
}

// checkStages are those for rules that are checked: tables are empty.
func checkStages(tables []rules.TableSource, own []Definition) rules.Stages {
	stages := ruleStages(func(name string) (*rules.Table, error) {
		if _, err := tableOf(tables, name); err != nil {
			return nil, err
		}
		return &rules.Table{}, nil
	}, own)
	stages.Format = (&Read{Definitions: own}).textOf
	stages.Key = func(string) (*redact.Key, error) { return redact.NewKey(1, []byte("a key for checks alone")) }
	return stages
}

// chain returns the rules for the entries of a route whose records are of a format.
func (o *Read) chain(list []rules.Rule, format string) (*rules.Chain, error) {
	if len(o.Always)+len(list) == 0 {
		return new(rules.Chain), nil // nobody asks for a schema
	}
	stages := ruleStages(o.table, o.Definitions)
	stages.Format = o.textOf
	stages.Key, stages.ShowSecrets = o.key, o.ShowSecrets
	c, err := rules.Compile(o.Always, list, stages.Schema(format), stages)
	if err != nil {
		return nil, &OptionError{BadChain, err}
	}
	return c, nil
}

// counted counts what becomes of the records of a route.
type counted struct {
	penstock.Shaper
	route string
}

// Entry is part of penstock.Shaper.
func (s *counted) Entry(o *penstock.Object, id penstock.Identity, entry, format string) (penstock.EntryShaper, error) {
	inner, err := s.Shaper.Entry(o, id, entry, format)
	if err != nil {
		return nil, err
	}
	return &countedEntry{EntryShaper: inner, count: penstock.RouteCount{Route: s.route}}, nil
}

type countedEntry struct {
	penstock.EntryShaper
	count penstock.RouteCount
}

// Unwrap is what stands inside.
func (e *countedEntry) Unwrap() penstock.EntryShaper { return e.EntryShaper }

// RouteCounts is part of penstock.RouteCounter.
func (e *countedEntry) RouteCounts() []penstock.RouteCount {
	if inner, ok := e.EntryShaper.(penstock.RuleCounter); ok {
		e.count.Rules = inner.RuleCounts()
	}
	return []penstock.RouteCount{e.count}
}

// Shape is part of penstock.EntryShaper.
func (e *countedEntry) Shape(r *penstock.Record) (penstock.Document, error) {
	doc, err := e.EntryShaper.Shape(r)
	e.count.Records++
	switch {
	case err == nil:
		e.count.Documents++
		e.count.Bytes += int64(doc.Size())
	case errors.Is(err, penstock.ErrDrop):
		e.count.Dropped++
	default:
		e.count.Letters++
	}
	return doc, err
}

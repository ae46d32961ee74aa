package rules

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/seed56735111/penstock/internal/quote"
)

// Index sends records to another index.
type Index struct {
	// Pattern is one of index names.
	Pattern string
}

// Word is part of Verb.
func (Index) Word() string { return "index" }

func (i Index) reads() []string { return fieldsOf(i.Pattern) }

// Compile is part of Verb.
func (i Index) Compile(env *Env) (Action, error) { return newNaming(i.Pattern, env) }

// DataStream sends records to a data stream.
type DataStream struct{ Name string }

// Word is part of Verb.
func (DataStream) Word() string { return "data_stream" }

func (d DataStream) reads() []string { return fieldsOf(d.Name) }

// Compile is part of Verb.
func (d DataStream) Compile(env *Env) (Action, error) { return newNaming(d.Name, env) }

func newNaming(pattern string, env *Env) (Action, error) {
	if env.Stages.Index == nil {
		return nil, errors.New("nothing names indexes here")
	}
	p, err := env.Stages.Index(pattern)
	if err != nil {
		return nil, err
	}
	return &naming{p}, nil
}

type naming struct{ pattern Pattern }

// Apply is part of Action.
func (n *naming) Apply(r *Record) (Verdict, error) {
	namer := r.namers[n]
	if namer == nil {
		namer = n.pattern.Entry(r.entry.object, r.entry.id, r.entry.name, r.entry.format)
		if r.namers == nil {
			r.namers = map[*naming]Namer{}
		}
		r.namers[n] = namer
	}
	now := &r.now
	*now = *r.of
	now.JSON = r.JSON()
	name, err := namer.Name(now)
	if err != nil {
		return Nothing, fmt.Errorf("name index: %w", err)
	}
	r.goes.index = name
	return Done, nil
}

// Pipeline sends records through an ingest pipeline of the domain.
type Pipeline struct {
	// Name is a text, in which placeholders may stand.
	Name string
}

// Word is part of Verb.
func (Pipeline) Word() string { return "pipeline" }

func (p Pipeline) reads() []string { return fieldsOf(p.Name) }

// Compile is part of Verb.
func (p Pipeline) Compile(env *Env) (Action, error) {
	text, err := NewText(p.Name, env)
	if err != nil {
		return nil, err
	}
	return &piping{text}, nil
}

type piping struct{ name *Text }

// longestSent bounds names of pipelines and routing values, as the engines bound ids.
const longestSent = 512

// Apply is part of Action.
func (p *piping) Apply(r *Record) (Verdict, error) {
	name, ok, err := r.plain(p.name)
	if !ok || err != nil {
		return Nothing, err
	}
	if string(name) != r.goes.pipeline {
		r.goes.pipeline = r.intern(name)
	}
	return Done, nil
}

// Routing says by what the shard of records is chosen.
type Routing struct {
	// Value is a text, in which placeholders may stand.
	Value string
}

// Word is part of Verb.
func (Routing) Word() string { return "routing" }

func (v Routing) reads() []string { return fieldsOf(v.Value) }

// Compile is part of Verb.
func (v Routing) Compile(env *Env) (Action, error) {
	text, err := NewText(v.Value, env)
	if err != nil {
		return nil, err
	}
	return &routing{text}, nil
}

type routing struct{ value *Text }

// Apply is part of Action.
func (v *routing) Apply(r *Record) (Verdict, error) {
	value, ok, err := r.plain(v.value)
	if !ok || err != nil {
		return Nothing, err
	}
	r.goes.routing = value
	return Done, nil
}

// plain returns a text as it is, not as JSON; ok is false when a placeholder stands for nothing, or the text is empty.
func (r *Record) plain(t *Text) (text []byte, ok bool, err error) {
	room, ok := t.Append(r.Room(), r)
	if !ok {
		return nil, false, nil
	}
	quoted := r.Made(room)
	text = r.Made(quote.AppendUnquoted(r.Room(), quoted))
	if len(text) > longestSent {
		return nil, false, fmt.Errorf("%d bytes are more than %d", len(text), longestSent)
	}
	return text, len(text) > 0, nil
}

// maxInterned bounds the names of pipelines that an entry knows.
const maxInterned = 1024

// intern returns a name that outlives the record.
func (r *Record) intern(name []byte) string {
	known, ok := r.interned[string(name)]
	if !ok {
		if r.interned == nil || len(r.interned) >= maxInterned {
			r.interned = map[string]string{}
		}
		known = string(name)
		r.interned[known] = known
	}
	return known
}

// sending is a verb that says where a record goes. What it reads of the record leaves at once: no rule behind it takes
// anything out of that.
type sending interface{ reads() []string }

var (
	placeholder = regexp.MustCompile(`\{([^{}|]+)(\|[^{}]*)?\}`)
	ofTheDate   = regexp.MustCompile(`^(yyyy|xxxx|MM|dd|HH|mm|ww|[._-])+$`)
)

// fieldsOf are the fields of a record that stand in a text or a pattern.
func fieldsOf(text string) []string {
	var names []string
	for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
		if name := m[1]; name != "format" && !isOrigin(name) && !ofTheDate.MatchString(name) {
			names = append(names, name)
		}
	}
	return names
}

// tooEarly returns a mistake for each rule that sends by a field which a rule behind it redacts.
func tooEarly(list []Rule) (wrong []*RuleError) {
	for i := range list {
		v, ok := list[i].Verb.(sending)
		if !ok || list[i].Shadow {
			continue
		}
		names := v.reads()
		for j := i + 1; j < len(list) && len(names) > 0; j++ {
			r, ok := list[j].Verb.(Redact)
			if !ok || list[j].Shadow {
				continue
			}
			if name := r.touches(names); name != "" {
				err := fmt.Errorf("the field %s leaves before the rule %q behind this one redacts it; put this rule behind it",
					name, cmp.Or(list[j].Name, DefaultName(r, j)))
				wrong = append(wrong, &RuleError{i, []string{list[i].Verb.Word()}, err})
				break
			}
		}
	}
	return wrong
}

// touches returns the first of some fields that the verb may redact: detectors look at all of them.
func (v Redact) touches(names []string) string {
	for _, name := range names {
		if len(v.Detect) > 0 {
			return name
		}
		for _, field := range v.Fields {
			if name == field || strings.HasPrefix(name, field+".") || strings.HasPrefix(field, name+".") {
				return name
			}
		}
	}
	return ""
}

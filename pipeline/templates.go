package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/seed56735111/penstock/domain"
	"github.com/seed56735111/penstock/mapping"
	"github.com/seed56735111/penstock/shape"
	"github.com/seed56735111/penstock/shape/ocsf"
)

// Templates returns the index templates for formats, all of them when none is named, in indexes of a pattern. A pattern
// without {format} has one template, with the fields of the format when that is one. A format may have parameters, as
// in Read.Format.
//
// The names of the fields are those that Read.Fields says.
func Templates(e mapping.Engine, index, fields string, formats ...string) ([]mapping.Template, error) {
	return (&Read{Index: index, Fields: fields}).templates(e, formats...)
}

// templates are those of the formats in the indexes of the settings.
func (o *Read) templates(e mapping.Engine, formats ...string) ([]mapping.Template, error) {
	p, err := shape.ParsePattern(orDefault(o.Index))
	if err != nil {
		return nil, &OptionError{BadIndex, err}
	}
	if len(formats) > 1 && !p.HasFormat() {
		return nil, &OptionError{BadIndex, fmt.Errorf("index pattern %q: its indexes have several formats; "+
			"one template for them has the fields of one format at most", o.Index)}
	}
	chosen, err := templateFormats(p, o.Fields, o.Definitions, formats...)
	if err != nil {
		return nil, err
	}
	return mapping.Templates(e, chosen), nil
}

// templateFormats are the formats of index templates for a pattern: with {format} in it one for each of the formats, or
// for all of them when none is named; without it one, with the fields of all that are named.
func templateFormats(p *shape.Pattern, fields string, own []Definition, formats ...string) ([]mapping.Format, error) {
	if err := checkFields(fields, formats...); err != nil {
		return nil, err
	}
	known := Formats(own...)
	objects := schemaObjects(known)
	var chosen []mapping.Format
	add := func(format string, of *Format) {
		if !p.HasFormat() {
			format = ""
		}
		names := p.Wildcard(format)
		if len(chosen) == 0 || p.HasFormat() {
			chosen = append(chosen, mapping.Format{Name: templateName(names), Pattern: names})
		}
		if last := &chosen[len(chosen)-1]; of != nil {
			last.Fields = append(last.Fields, fieldsOf(of, fields, objects)...)
		}
	}
	for _, name := range formats {
		name, _, _ = strings.Cut(name, "(")
		i := slices.IndexFunc(known, func(f Format) bool { return f.Name == name })
		if i < 0 {
			return nil, &OptionError{BadFormat, fmt.Errorf("no format is called %q", name)}
		}
		add(name, &known[i])
	}
	switch {
	case len(formats) > 0:
	case !p.HasFormat():
		add("", nil)
	default:
		for i := range known {
			if fields != FieldsOCSF || slices.Contains(ocsf.Formats(), known[i].Name) {
				add(known[i].Name, &known[i])
			}
		}
	}
	return chosen, nil
}

// Indexes is what a domain should have before documents come: index templates, and what it deletes by itself.
type Indexes struct {
	Templates  []mapping.Template
	Retentions []mapping.Retention
}

// TemplateTargets are the targets that have indexes, the one that is not named first.
func (o *Read) TemplateTargets() []string {
	names := targetsOf(o.Routes)
	if needsOwn(o.Routes) {
		names = slices.Insert(names, 0, "")
	}
	return names
}

// IndexesOf is what the domain of a target should have: for the indexes of the settings, where they are its own, and
// for those of the routes that send to it. With ILM as the keeper templates name the policies of retention, as it
// wants.
func (o *Read) IndexesOf(
	target string, e mapping.Engine, keeper mapping.Keeper, formats ...string,
) (*Indexes, error) {
	out := new(Indexes)
	var err error
	if out.Retentions, err = Retentions(o.Routes, target); err != nil {
		return nil, err
	}
	if len(o.Routes) == 0 {
		out.Templates, err = o.templates(e, formats...)
		return out, err
	}
	all := &templateSet{engine: e}
	if target == "" && needsOwn(o.Routes) {
		if err := all.add(o, &Route{}, formats); err != nil {
			return nil, err
		}
	}
	for i := range o.Routes {
		r := o.Routes[i]
		if r.Target != target || r.Skip != "" || slices.Contains(r.Template, TemplateNone) ||
			r.Index == "" && r.Target == "" && len(r.Template) == 0 {
			continue
		}
		names, err := r.templateFormats(o)
		if err == nil {
			if keeper != mapping.ILM {
				r.Retention = ""
			}
			err = all.add(o, &r, names)
		}
		if err != nil {
			return nil, &RouteError{Route: r.Name, Err: err}
		}
	}
	out.Templates = mapping.Templates(e, all.formats)
	return out, nil
}

// templateFormats are the formats that entries of the route have, none when any may be.
func (r *Route) templateFormats(o *Read) ([]string, error) {
	switch {
	case len(r.Template) > 0:
		return r.Template, nil
	case r.Format != "":
		return []string{r.Format}, nil
	case len(r.Match.Format) == 0:
		return nil, nil
	}
	m, err := r.Match.compile()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, f := range Formats(o.Definitions...) {
		if m.format.take(f.Name) {
			names = append(names, f.Name)
		}
	}
	return names, nil
}

// templateSet are templates of one domain, of which no two have one name.
type templateSet struct {
	engine  mapping.Engine
	formats []mapping.Format
}

func (s *templateSet) add(o *Read, r *Route, formats []string) error {
	p, err := shape.ParsePattern(orDefault(cmp.Or(r.Index, o.Index)))
	if err != nil {
		return &OptionError{BadIndex, err}
	}
	if r.Stream && !s.engine.HasStreams() {
		return optionf(BadRoute, "%s %s has no data streams", s.engine.Distribution, s.engine.Version)
	}
	list, err := templateFormats(p, cmp.Or(r.Fields, o.Fields), o.Definitions, formats...)
	if err != nil {
		return err
	}
	for _, f := range list {
		f.Stream = r.Stream
		if r.Retention != "" {
			kept, err := RetentionOf(r)
			if err != nil {
				return &OptionError{BadRetention, err}
			}
			f.Lifecycle = kept.Name
		}
		i := slices.IndexFunc(s.formats, func(one mapping.Format) bool { return one.Name == f.Name })
		switch {
		case i < 0:
			s.formats = append(s.formats, f)
		case s.formats[i].Pattern == f.Pattern && s.formats[i].Stream == f.Stream:
			s.formats[i].Fields = append(s.formats[i].Fields, f.Fields...)
			s.formats[i].Lifecycle = cmp.Or(s.formats[i].Lifecycle, f.Lifecycle)
		default: // a pattern that differs in what may be any text
			f.Name = templateName(r.Name)
			s.formats = append(s.formats, f)
		}
	}
	return nil
}

func orDefault(index string) string {
	if index == "" {
		return shape.DefaultIndex
	}
	return index
}

// The names of fields that documents and templates may have.
const (
	FieldsOwn      = "own"       // those of the formats
	FieldsECS      = "ecs"       // those of the Elastic Common Schema, where a field has one
	FieldsECSAlias = "ecs-alias" // those of the formats, and in templates those of the Elastic Common Schema as aliases
	FieldsOCSF     = "ocsf"      // those of the Open Cybersecurity Schema Framework, for formats with a mapping to it
)

// checkFields looks whether there are such names, and whether the fields of formats have them.
func checkFields(fields string, formats ...string) error {
	switch fields {
	case "", FieldsOwn, FieldsECS, FieldsECSAlias:
		return nil
	case FieldsOCSF:
		for _, format := range formats {
			format, _, _ = strings.Cut(format, "(")
			if format != "" && !slices.Contains(ocsf.Formats(), format) {
				return optionf(BadFields, "--fields %s: %w", FieldsOCSF, &ocsf.UnmappedError{Format: format})
			}
		}
		return nil
	}
	return optionf(BadFields, "--fields is %q: want %s, %s, %s or %s", fields, FieldsOwn, FieldsECS, FieldsECSAlias,
		FieldsOCSF)
}

// schemaObjects are the first parts of the names that fields of formats have in the Elastic Common Schema, and that of
// what has no other place there.
func schemaObjects(formats []Format) []string {
	objects := []string{"event", "labels"}
	for i := range formats {
		for _, field := range formats[i].Fields {
			if first, _, ok := strings.Cut(field.ECS, "."); ok && !slices.Contains(objects, first) {
				objects = append(objects, first)
			}
		}
	}
	return objects
}

func fieldsOf(f *Format, names string, objects []string) []mapping.Field {
	if names == FieldsOCSF {
		return eventFields(f)
	}
	fields := make([]mapping.Field, 0, len(f.Fields))
	for _, one := range f.Fields {
		field := mapping.Field{Name: one.Name, Type: string(one.Type)}
		switch {
		case one.ECS == "" && names == FieldsECS && slices.Contains(objects, one.Name):
			field.Name = shape.Aside(one.Name)
		case one.ECS == "":
		case names == FieldsECSAlias:
			field.Alias = one.ECS
		case names == FieldsECS && strings.Contains(one.Name, "."): // there twice
			fields = append(fields, mapping.Field{Name: one.ECS, Type: string(one.Type)})
		case names == FieldsECS:
			field.Name = one.ECS
		}
		fields = append(fields, field)
	}
	return fields
}

// eventFields are the attributes of the Open Cybersecurity Schema Framework, and the fields below unmapped. A field
// that an attribute is made of is there only when its value is of another kind than its own.
func eventFields(f *Format) []mapping.Field {
	attributes := ocsf.Fields(f.Name)
	fields := make([]mapping.Field, 0, len(attributes)+len(f.Fields))
	for _, one := range attributes {
		fields = append(fields, mapping.Field{Name: one.Name, Type: one.Type})
	}
	mapped := ocsf.Mapped(f.Name)
	for _, one := range f.Fields {
		if isLong := one.Type == "text" || one.Type == "flat_object"; isLong || !slices.Contains(mapped, one.Name) {
			fields = append(fields, mapping.Field{Name: "unmapped." + one.Name, Type: string(one.Type)})
		}
	}
	return fields
}

// templateName is the name of the template for indexes of a pattern with asterisks.
func templateName(pattern string) string {
	name := strings.ReplaceAll(pattern, "*", "")
	for _, double := range []string{"--", "..", "__"} {
		for strings.Contains(name, double) {
			name = strings.ReplaceAll(name, double, double[:1])
		}
	}
	return "penstock-" + strings.Trim(name, "-_.")
}

// PutTemplates puts the index templates for what the pipeline ships that its domains lack or have from an earlier
// version. It returns what it found, and how many it put. Templates that somebody else wrote or changed stay. It sets
// no retention.
func (p *Pipeline) PutTemplates(ctx context.Context) (found []mapping.Standing, put int, err error) {
	var formats []string
	if p.read.Format != "" {
		formats = []string{p.read.Format}
	}
	err = p.outlets.Each(func(name string, d *domain.Domain) error {
		banner, err := Probe(ctx, d)
		if err := BannerMatters(err); err != nil {
			return err
		}
		want, err := p.read.IndexesOf(name, Engine(banner), "", formats...)
		if err != nil {
			return err
		}
		there, err := mapping.Read(ctx, d, want.Templates)
		if err != nil {
			return err
		}
		for i := range there {
			if t := &there[i]; t.State == mapping.Older && t.OnlyLifecycle() {
				t.State = mapping.Same // templates put has set a retention
			}
		}
		n, err := mapping.Put(ctx, d, there, false)
		found, put = append(found, there...), put+n
		return err
	})
	return found, put, err
}

// Engine is what a domain runs, by its banner.
func Engine(b domain.Banner) mapping.Engine {
	return mapping.Engine{Distribution: b.Distribution, Version: b.Version, DocType: DocType(b)}
}

package pipeline

import (
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
	if err := checkFields(fields, formats...); err != nil {
		return nil, err
	}
	fieldsOf := func(f *Format) []mapping.Field { return fieldsOf(f, fields) }
	pattern, err := shape.ParsePattern(orDefault(index))
	if err != nil {
		return nil, &OptionError{BadIndex, err}
	}
	known := Formats()
	var chosen []mapping.Format
	add := func(format string, fields []mapping.Field) {
		names := pattern.Wildcard(format)
		chosen = append(chosen, mapping.Format{Name: templateName(names), Pattern: names, Fields: fields})
	}
	for _, name := range formats {
		name, _, _ = strings.Cut(name, "(")
		i := slices.IndexFunc(known, func(f Format) bool { return f.Name == name })
		if i < 0 {
			return nil, &OptionError{BadFormat, fmt.Errorf("no format is called %q", name)}
		}
		add(name, fieldsOf(&known[i]))
	}
	switch {
	case len(formats) > 1 && !pattern.HasFormat():
		return nil, &OptionError{BadIndex, fmt.Errorf("index pattern %q: its indexes have several formats; "+
			"one template for them has the fields of one format at most", index)}
	case len(formats) > 0:
	case !pattern.HasFormat():
		add("", nil)
	default:
		for i := range known {
			if fields != FieldsOCSF || slices.Contains(ocsf.Formats(), known[i].Name) {
				add(known[i].Name, fieldsOf(&known[i]))
			}
		}
	}
	return mapping.Templates(e, chosen), nil
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

func fieldsOf(f *Format, names string) []mapping.Field {
	if names == FieldsOCSF {
		return eventFields(f)
	}
	fields := make([]mapping.Field, 0, len(f.Fields))
	for _, one := range f.Fields {
		field := mapping.Field{Name: one.Name, Type: string(one.Type)}
		switch {
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

// ReadTemplates asks a domain what it is, and compares the templates for formats with those that it has.
func ReadTemplates(
	ctx context.Context, d *domain.Domain, index, fields string, formats ...string,
) ([]mapping.Standing, error) {
	banner, err := Probe(ctx, d)
	if err := BannerMatters(err); err != nil {
		return nil, err
	}
	templates, err := Templates(Engine(banner), index, fields, formats...)
	if err != nil {
		return nil, err
	}
	return mapping.Read(ctx, d, templates)
}

// PutTemplates puts the index templates for what the pipeline ships that the domain lacks or has from an earlier
// version. It returns what it found, and how many it put. Templates that somebody else wrote or changed stay.
func (p *Pipeline) PutTemplates(ctx context.Context) (found []mapping.Standing, put int, err error) {
	var formats []string
	if p.read.Format != "" {
		formats = []string{p.read.Format}
	}
	if found, err = ReadTemplates(ctx, p.outlets.Own(), p.read.Index, p.read.Fields, formats...); err != nil {
		return nil, 0, err
	}
	put, err = mapping.Put(ctx, p.outlets.Own(), found, false)
	return found, put, err
}

// Engine is what a domain runs, by its banner.
func Engine(b domain.Banner) mapping.Engine {
	return mapping.Engine{Distribution: b.Distribution, Version: b.Version, DocType: DocType(b)}
}

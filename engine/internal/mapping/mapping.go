// Package mapping says what the fields of an index are, and reads documents by it.
package mapping

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/seed56735111/penstock/engine/internal/dates"
	"github.com/seed56735111/penstock/engine/internal/wire"
	"github.com/seed56735111/penstock/internal/glob"
)

// Mapping is what an index knows about the fields of its documents. It is never changed: learning makes another one.
type Mapping struct {
	vocabulary
	Root             *Field
	dateDetection    bool
	numericDetection bool
	dynamicDates     []*dates.Format
	templates        []dynamicTemplate
	Params           []wire.Member // of the root, as given
}

// dynamicTemplate says how new fields of some names or types are mapped.
type dynamicTemplate struct {
	kind                               string // match_mapping_type
	match, unmatch, pathMatch, pathNot []string
	regular                            bool
	mapping                            *wire.Node
}

// NewMapping is the mapping of an index of a version that has no fields yet.
func NewMapping(major int) *Mapping {
	return &Mapping{vocabulary: vocabulary{major}, Root: newObject(), dateDetection: true, dynamicDates: dates.Dynamic}
}

func (m *Mapping) clone() *Mapping {
	c := *m
	c.Root = m.Root.clone()
	return &c
}

// With returns the mapping with another one, as the API writes it, put on top.
func (m *Mapping) With(n *wire.Node) (*Mapping, error) {
	if n == nil || n.Kind == wire.NullKind {
		return m, nil
	}
	if n.Kind != wire.ObjectKind {
		return nil, MapperError("Failed to parse mapping: expected an object")
	}
	if m.Major < FirstUntyped {
		n = Untyped(n)
	}
	c := m.clone()
	for i := range n.Members {
		p := &n.Members[i]
		if err := c.RootParam(p); err != nil {
			return nil, err
		}
		if p.Name == "properties" {
			continue
		}
		at := slices.IndexFunc(c.Params, func(old wire.Member) bool { return old.Name == p.Name })
		switch {
		case at >= 0:
			c.Params = slices.Clone(c.Params)
			c.Params[at] = shownParam(p)
		default:
			c.Params = append(slices.Clip(c.Params), shownParam(p))
		}
	}
	if limit := c.Root.objectDepth(); limit > MaxDepth {
		return nil, wire.Illegal("Limit of mapping depth [%d] has been exceeded due to object field", MaxDepth)
	}
	return c, nil
}

// shownParam is a parameter of an object as the API shows it: dynamic is text, however it was given.
func shownParam(p *wire.Member) wire.Member {
	m := *p
	if m.Name == "dynamic" && m.Node.Kind == wire.BoolKind {
		m.Node.Kind = wire.StringKind
	}
	return m
}

func (f *Field) objectDepth() int {
	deepest := 0
	for _, p := range f.properties {
		deepest = max(deepest, 1+p.objectDepth())
	}
	return deepest
}

// Untyped unwraps a mapping from the name of its type, as requests had it before version 7.
func Untyped(n *wire.Node) *wire.Node {
	if len(n.Members) == 1 && n.Members[0].Node.Kind == wire.ObjectKind {
		switch name := n.Members[0].Name; {
		case name == "properties", name == "dynamic_templates",
			strings.HasPrefix(name, "_") && name != "_doc" && name != "_default_":
		default:
			return &n.Members[0].Node
		}
	}
	return n
}

// RootParam reads one parameter of a whole mapping, such as properties, dynamic or dynamic_templates.
func (m *Mapping) RootParam(p *wire.Member) error {
	n := &p.Node
	switch p.Name {
	case "properties":
		return m.parseProperties(m.Root, "", n)
	case "dynamic":
		if err := checkDynamic(n.Text, "dynamic"); err != nil {
			return err
		}
		m.Root.dynamic = n.Text
	case "enabled":
		if n.Text != "true" {
			return wire.NotOffered("the mapping's parameter [enabled]")
		}
	case "date_detection":
		m.dateDetection = n.Text != "false"
	case "numeric_detection":
		m.numericDetection = n.Text == "true"
	case "dynamic_date_formats":
		m.dynamicDates = nil
		for i := range n.Items {
			f, err := dates.ParseFormat(n.Items[i].Text)
			if err != nil {
				return err
			}
			m.dynamicDates = append(m.dynamicDates, f)
		}
	case "dynamic_templates":
		m.templates = nil
		for i := range n.Items {
			for j := range n.Items[i].Members {
				t, err := m.parseTemplate(&n.Items[i].Members[j])
				if err != nil {
					return err
				}
				m.templates = append(m.templates, t)
			}
		}
	case "_meta":
	case "_source", "_all", "_routing", "_timestamp", "_ttl", "_size", "_field_names":
		for i := range n.Members {
			if v := &n.Members[i]; !harmless(p.Name, v) {
				return wire.NotOffered("the mapping's parameter [%s.%s]", p.Name, v.Name)
			}
		}
	default:
		return MapperError("Root mapping definition has unsupported parameters:  [%s : %s]", p.Name, wire.JavaText(n))
	}
	return nil
}

// harmless says whether a setting of one of the metadata fields leaves everything as it is here.
func harmless(field string, m *wire.Member) bool {
	switch m.Name {
	case "required":
		return m.Node.Text == "false"
	case "enabled":
		on := field == "_source" || field == "_all" || field == "_field_names"
		return m.Node.Text == map[bool]string{true: "true", false: "false"}[on]
	}
	return m.Name == "omit_norms"
}

func (m *Mapping) parseTemplate(p *wire.Member) (dynamicTemplate, error) {
	t := dynamicTemplate{kind: "*"}
	for i := range p.Node.Members {
		v := &p.Node.Members[i]
		texts := []string{v.Node.Text}
		for j := range v.Node.Items {
			texts = append(texts, v.Node.Items[j].Text)
		}
		texts = slices.DeleteFunc(texts, func(s string) bool { return s == "" })
		switch v.Name {
		case "match_mapping_type":
			t.kind = v.Node.Text
		case "match":
			t.match = texts
		case "unmatch":
			t.unmatch = texts
		case "path_match":
			t.pathMatch = texts
		case "path_unmatch":
			t.pathNot = texts
		case "match_pattern":
			t.regular = v.Node.Text == "regex"
		case "mapping":
			t.mapping = &v.Node
		default:
			return t, MapperError("Illegal dynamic template parameter: [%s]", v.Name)
		}
	}
	if t.mapping == nil {
		return t, MapperError("template [%s] must have mapping set", p.Name)
	}
	if t.regular {
		for _, pattern := range slices.Concat(t.match, t.unmatch, t.pathMatch, t.pathNot) {
			if _, err := regexp.Compile(pattern); err != nil {
				return t, wire.Illegal("Pattern [%s] of type [regex] is invalid. Cannot create dynamic template [%s].",
					pattern, p.Name)
			}
		}
	}
	return t, nil
}

// takes says whether the template is for a new field.
func (t *dynamicTemplate) takes(kind, name, path string) bool {
	if t.kind != "*" && t.kind != kind {
		return false
	}
	fits := func(pattern, s string) bool {
		if !t.regular {
			return glob.Match(pattern, s)
		}
		re, err := regexp.Compile("^(?:" + pattern + ")$")
		return err == nil && re.MatchString(s)
	}
	any := func(patterns []string, s string) bool {
		return slices.ContainsFunc(patterns, func(p string) bool { return fits(p, s) })
	}
	return (t.match == nil || any(t.match, name)) && !any(t.unmatch, name) &&
		(t.pathMatch == nil || any(t.pathMatch, path)) && !any(t.pathNot, path)
}

// Find returns the field at a path, sub-fields included. Inside is true for a path below a field that takes objects
// without looking into them.
func (m *Mapping) Find(path string) (f *Field, inside bool) {
	f = m.Root
	for part := range strings.SplitSeq(path, ".") {
		if next, ok := f.properties[part]; ok {
			if f.Kind == "nested" {
				inside = true
			}
			f = next
			continue
		}
		if f.IsFlat() {
			return f, true
		}
		next, ok := f.fields[part]
		if !ok {
			return nil, false
		}
		f = next
	}
	return f, inside
}

// Leaves calls each for every leaf, sub-fields included, in the order of the names.
func (f *Field) Leaves(prefix string, each func(path string, leaf *Field)) {
	for _, name := range slices.Sorted(maps.Keys(f.properties)) {
		p := f.properties[name]
		if p.IsObject() {
			if p.Kind != "nested" {
				p.Leaves(prefix+name+".", each)
			}
			continue
		}
		each(prefix+name, p)
		for _, sub := range slices.Sorted(maps.Keys(p.fields)) {
			each(prefix+name+"."+sub, p.fields[sub])
		}
	}
}

// Body writes the mapping as the API shows it.
func (m *Mapping) Body() wire.Object {
	var o wire.Object
	for i := range m.Params {
		o = append(o, wire.Entry{Name: m.Params[i].Name, Value: &m.Params[i].Node})
	}
	if len(m.Root.properties) > 0 {
		o = append(o, wire.Entry{Name: "properties", Value: m.definitions(m.Root.properties)})
	}
	return o
}

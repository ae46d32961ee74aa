package engine

import (
	"regexp"
	"slices"
	"strings"
)

// mapping is what an index knows about the fields of its documents. It is never changed: learning makes another one.
type mapping struct {
	vocabulary
	root             *field
	dateDetection    bool
	numericDetection bool
	dynamicDates     []*dateFormat
	templates        []dynamicTemplate
	params           []member // of the root, as given
}

// dynamicTemplate says how new fields of some names or types are mapped.
type dynamicTemplate struct {
	kind                               string // match_mapping_type
	match, unmatch, pathMatch, pathNot []string
	regular                            bool
	mapping                            *node
}

func newMapping(major int) *mapping {
	return &mapping{vocabulary: vocabulary{major}, root: newObject(), dateDetection: true, dynamicDates: dynamicDates}
}

func (m *mapping) clone() *mapping {
	c := *m
	c.root = m.root.clone()
	return &c
}

// with returns the mapping with another one, as the API writes it, put on top.
func (m *mapping) with(n *node) (*mapping, error) {
	if n == nil || n.kind == isNull {
		return m, nil
	}
	if n.kind != isObject {
		return nil, mapperError("Failed to parse mapping: expected an object")
	}
	if m.major < firstUntyped {
		n = untyped(n)
	}
	c := m.clone()
	for i := range n.members {
		p := &n.members[i]
		if err := c.rootParam(p); err != nil {
			return nil, err
		}
		if p.name == "properties" {
			continue
		}
		at := slices.IndexFunc(c.params, func(old member) bool { return old.name == p.name })
		switch {
		case at >= 0:
			c.params = slices.Clone(c.params)
			c.params[at] = shownParam(p)
		default:
			c.params = append(slices.Clip(c.params), shownParam(p))
		}
	}
	if limit := c.root.objectDepth(); limit > maxDepth {
		return nil, illegal("Limit of mapping depth [%d] has been exceeded due to object field", maxDepth)
	}
	return c, nil
}

// shownParam is a parameter of an object as the API shows it: dynamic is text, however it was given.
func shownParam(p *member) member {
	m := *p
	if m.name == "dynamic" && m.node.kind == isBool {
		m.node.kind = isString
	}
	return m
}

func (f *field) objectDepth() int {
	deepest := 0
	for _, p := range f.properties {
		deepest = max(deepest, 1+p.objectDepth())
	}
	return deepest
}

// untyped takes the mapping out of its type's name, where it stood before version 7.
func untyped(n *node) *node {
	if len(n.members) == 1 && n.members[0].node.kind == isObject {
		switch name := n.members[0].name; {
		case name == "properties", name == "dynamic_templates", strings.HasPrefix(name, "_") && name != "_doc" && name != "_default_":
		default:
			return &n.members[0].node
		}
	}
	return n
}

func (m *mapping) rootParam(p *member) error {
	n := &p.node
	switch p.name {
	case "properties":
		return m.parseProperties(m.root, "", n)
	case "dynamic":
		if err := checkDynamic(n.text, "dynamic"); err != nil {
			return err
		}
		m.root.dynamic = n.text
	case "enabled":
		if n.text != "true" {
			return notOffered("the mapping's parameter [enabled]")
		}
	case "date_detection":
		m.dateDetection = n.text != "false"
	case "numeric_detection":
		m.numericDetection = n.text == "true"
	case "dynamic_date_formats":
		m.dynamicDates = nil
		for i := range n.items {
			f, err := parseFormat(n.items[i].text)
			if err != nil {
				return err
			}
			m.dynamicDates = append(m.dynamicDates, f)
		}
	case "dynamic_templates":
		m.templates = nil
		for i := range n.items {
			for j := range n.items[i].members {
				t, err := m.parseTemplate(&n.items[i].members[j])
				if err != nil {
					return err
				}
				m.templates = append(m.templates, t)
			}
		}
	case "_meta":
	case "_source", "_all", "_routing", "_timestamp", "_ttl", "_size", "_field_names":
		for i := range n.members {
			if v := &n.members[i]; !harmless(p.name, v) {
				return notOffered("the mapping's parameter [%s.%s]", p.name, v.name)
			}
		}
	default:
		return mapperError("Root mapping definition has unsupported parameters:  [%s : %s]", p.name, javaText(n))
	}
	return nil
}

// harmless says whether a setting of one of the metadata fields leaves everything as it is here.
func harmless(field string, m *member) bool {
	switch m.name {
	case "required":
		return m.node.text == "false"
	case "enabled":
		on := field == "_source" || field == "_all" || field == "_field_names"
		return m.node.text == map[bool]string{true: "true", false: "false"}[on]
	}
	return m.name == "omit_norms"
}

func (m *mapping) parseTemplate(p *member) (dynamicTemplate, error) {
	t := dynamicTemplate{kind: "*"}
	for i := range p.node.members {
		v := &p.node.members[i]
		texts := []string{v.node.text}
		for j := range v.node.items {
			texts = append(texts, v.node.items[j].text)
		}
		texts = slices.DeleteFunc(texts, func(s string) bool { return s == "" })
		switch v.name {
		case "match_mapping_type":
			t.kind = v.node.text
		case "match":
			t.match = texts
		case "unmatch":
			t.unmatch = texts
		case "path_match":
			t.pathMatch = texts
		case "path_unmatch":
			t.pathNot = texts
		case "match_pattern":
			t.regular = v.node.text == "regex"
		case "mapping":
			t.mapping = &v.node
		default:
			return t, mapperError("Illegal dynamic template parameter: [%s]", v.name)
		}
	}
	if t.mapping == nil {
		return t, mapperError("template [%s] must have mapping set", p.name)
	}
	if t.regular {
		for _, pattern := range slices.Concat(t.match, t.unmatch, t.pathMatch, t.pathNot) {
			if _, err := regexp.Compile(pattern); err != nil {
				return t, illegal("Pattern [%s] of type [regex] is invalid. Cannot create dynamic template [%s].", pattern, p.name)
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
			return wildcard(pattern, s)
		}
		re, err := regexp.Compile("^(?:" + pattern + ")$")
		return err == nil && re.MatchString(s)
	}
	any := func(patterns []string, s string) bool {
		return slices.ContainsFunc(patterns, func(p string) bool { return fits(p, s) })
	}
	return (t.match == nil || any(t.match, name)) && !any(t.unmatch, name) && (t.pathMatch == nil || any(t.pathMatch, path)) && !any(t.pathNot, path)
}

// find returns the field at a path, sub-fields included. Inside is true for a path below a field that takes objects
// without looking into them.
func (m *mapping) find(path string) (f *field, inside bool) {
	f = m.root
	for part := range strings.SplitSeq(path, ".") {
		if next, ok := f.properties[part]; ok {
			if f.kind == "nested" {
				inside = true
			}
			f = next
			continue
		}
		if f.isFlat() {
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

// leaves calls each for every leaf, sub-fields included, in the order of the names.
func (f *field) leaves(prefix string, each func(path string, leaf *field)) {
	for _, name := range sorted(f.properties) {
		p := f.properties[name]
		if p.isObject() {
			if p.kind != "nested" {
				p.leaves(prefix+name+".", each)
			}
			continue
		}
		each(prefix+name, p)
		for _, sub := range sorted(p.fields) {
			each(prefix+name+"."+sub, p.fields[sub])
		}
	}
}

// body writes the mapping as the API shows it.
func (m *mapping) body() object {
	var o object
	for i := range m.params {
		o = append(o, entry{m.params[i].name, &m.params[i].node})
	}
	if len(m.root.properties) > 0 {
		o = append(o, entry{"properties", m.definitions(m.root.properties)})
	}
	return o
}

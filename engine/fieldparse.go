package engine

import (
	"slices"
	"strconv"
	"strings"
)

// vocabulary is how a version speaks of mappings.
type vocabulary struct{ major int }

// parseField reads the definition of one field.
func (v *vocabulary) parseField(path string, n *node) (*field, error) {
	name := path[strings.LastIndexByte(path, '.')+1:]
	if n.kind != isObject {
		return nil, mapperError("Expected map for property [fields] on field [%s] but got a class %s", name, javaClass(n))
	}
	if n.depth() > maxDepth+2 {
		return nil, tooDeep()
	}
	kindOf := ""
	if t, ok := n.get("type"); ok {
		kindOf = t.text
	}
	_, hasProperties := n.get("properties")
	switch {
	case kindOf == "object" || kindOf == "nested" || kindOf == "" && (hasProperties || looksLikeObject(n)):
		return v.parseObject(path, firstNonEmpty(kindOf, "object"), n)
	case kindOf == "":
		return nil, mapperError("No type specified for field [%s]", name)
	case kindOf == "string" && v.major < firstKeyword:
		return v.parseLeaf(path, "text", n)
	}
	if !v.has(kindOf) {
		if slices.Contains(realTypes, kindOf) {
			return nil, notOffered("the field type [%s] of field [%s]", kindOf, path)
		}
		return nil, mapperError("No handler for type [%s] declared on field [%s]", kindOf, name)
	}
	return v.parseLeaf(path, kindOf, n)
}

// firstKeyword is the first major version that tells text and keyword apart; before, both are strings.
const firstKeyword = 5

func looksLikeObject(n *node) bool {
	for i := range n.members {
		switch n.members[i].name {
		case "dynamic", "enabled":
			return true
		}
	}
	return false
}

func (v *vocabulary) parseObject(path, kind string, n *node) (*field, error) {
	f := &field{kind: kind, properties: map[string]*field{}}
	for i := range n.members {
		m := &n.members[i]
		switch m.name {
		case "type":
		case "properties":
			if err := v.parseProperties(f, path+".", &m.node); err != nil {
				return nil, err
			}
		case "dynamic":
			if err := checkDynamic(m.node.text, path[strings.LastIndexByte(path, '.')+1:]); err != nil {
				return nil, err
			}
			f.dynamic = m.node.text
			f.params = append(f.params, shownParam(m))
		case "enabled":
			f.disabled = m.node.text == "false"
			f.params = append(f.params, *m)
		case "include_in_parent", "include_in_root":
			if m.node.text != "false" {
				return nil, notOffered("the parameter [%s] of field [%s]", m.name, path)
			}
		case "include_in_all", "path":
			f.params = append(f.params, *m)
		default:
			return nil, mapperError("Mapping definition for [%s] has unsupported parameters:  [%s : %s]", path, m.name, javaText(&m.node))
		}
	}
	return f, nil
}

func checkDynamic(setting, name string) error {
	switch setting {
	case "true", "false", "strict":
		return nil
	case "strict_allow_templates", "false_allow_templates", "runtime":
		return notOffered("the setting [dynamic: %s]", setting)
	}
	return illegal("Could not convert [%s.dynamic] to boolean", name).because(illegal("Failed to parse value [%s] as only [true] or [false] are allowed.", setting))
}

// parseProperties adds the fields of a mapping. A name with dots means objects.
func (v *vocabulary) parseProperties(into *field, prefix string, n *node) error {
	if n.kind != isObject {
		return mapperError("Expected map for property [properties] on field [%s] but got a class %s", strings.Trim(prefix, "."), javaClass(n))
	}
	for i := range n.members {
		m := &n.members[i]
		if strings.Trim(m.name, ". ") == "" || strings.HasPrefix(m.name, ".") || strings.HasSuffix(m.name, ".") || strings.Contains(m.name, "..") {
			return illegal("name cannot be empty string")
		}
		f, err := v.parseField(strings.TrimPrefix(prefix+m.name, "."), &m.node)
		if err != nil {
			return err
		}
		if err := put(into, strings.TrimPrefix(prefix, "."), m.name, f); err != nil {
			return err
		}
	}
	return nil
}

func (v *vocabulary) parseLeaf(path, kind string, n *node) (*field, error) {
	f := newLeaf(kind)
	f.column = fieldPrefix + path
	if f.class == instant && v.major < firstKeyword {
		f.format = legacyDates
	}
	f.fielddata = f.class == analysed && v.major < firstKeyword
	name := path[strings.LastIndexByte(path, '.')+1:]
	known := append(slices.Clone(anyParams), leafTypes()[kind].params...)
	for i := range n.members {
		m := &n.members[i]
		switch m.name {
		case "type":
			continue
		case "fields":
			if m.node.kind != isObject {
				return nil, mapperError("expected map for property [fields] on field [%s] but got a class %s", name, javaClass(&m.node))
			}
			for j := range m.node.members {
				s := &m.node.members[j]
				sub, err := v.parseField(path+"."+s.name, &s.node)
				if err != nil {
					return nil, err
				}
				if sub.isObject() || sub.fields != nil {
					return nil, mapperError("Type [%s] cannot be used in multi field", sub.kind)
				}
				if f.fields == nil {
					f.fields = map[string]*field{}
				}
				f.fields[s.name] = sub
			}
			continue
		}
		if !slices.Contains(known, m.name) {
			return nil, mapperError("unknown parameter [%s] on mapper [%s] of type [%s]", m.name, name, kind)
		}
		if err := v.parseParam(f, path, m); err != nil {
			return nil, err
		}
		f.params = append(f.params, *m)
	}
	if kind == "scaled_float" && f.scale == 0 {
		return nil, mapperError("Field [%s] misses required parameter [scaling_factor]", name)
	}
	return f, nil
}

// parseParam reads one parameter. What would change answers and is not done here is refused.
func (v *vocabulary) parseParam(f *field, path string, m *member) error {
	switch p := &m.node; m.name {
	case "index":
		switch {
		case v.major < firstKeyword && p.text == "not_analyzed":
			f.class, f.kind, f.norms, f.docValues = exact, "keyword", false, true
		case p.text == "false" || p.text == "no":
			f.searchable = false
		}
	case "doc_values":
		f.docValues = p.text != "false" && f.class != analysed
	case "norms":
		f.norms = f.class == analysed && (p.kind == isObject || p.text != "false")
	case "ignore_above":
		n, err := strconv.Atoi(p.text)
		if err != nil || n < 0 {
			return illegal("[ignore_above] must be positive, got [%s]", p.text)
		}
		f.ignoreAbove = n
	case "ignore_malformed":
		f.malformed = p.text == "true"
	case "coerce":
		f.coerce = p.text != "false"
	case "null_value":
		if p.kind != isNull {
			f.null = p
		}
	case "format":
		format, err := parseFormat(p.text)
		if err != nil {
			return err
		}
		f.format = format
	case "scaling_factor":
		scale, err := strconv.ParseFloat(p.text, 64)
		if err != nil || scale <= 0 {
			return illegal("[scaling_factor] must be a positive number, got [%s]", p.text)
		}
		f.scale = scale
	case "fielddata":
		f.fielddata = p.text == "true"
	case "analyzer", "index_analyzer", "search_analyzer", "search_quote_analyzer":
		a, ok := analyzers()[p.text]
		if !ok {
			return notOffered("the analyzer [%s] of field [%s]", p.text, path)
		}
		switch m.name {
		case "analyzer":
			f.words, f.search = a, a
		case "index_analyzer":
			f.words = a
		default:
			f.search = a
		}
	case "normalizer":
		if p.text != "lowercase" {
			return notOffered("the normalizer [%s] of field [%s]", p.text, path)
		}
		f.lower = true
	case "copy_to":
		return notOffered("the parameter [copy_to] of field [%s]", path)
	case "boost":
		if b, err := strconv.ParseFloat(p.text, 64); err != nil || b != 1 {
			return notOffered("the parameter [boost] of field [%s]", path)
		}
	case "similarity":
		if p.text != "BM25" && p.text != "default" {
			return notOffered("the similarity [%s] of field [%s]", p.text, path)
		}
	case "position_increment_gap":
		if p.text != "100" {
			return notOffered("the parameter [position_increment_gap] of field [%s]", path)
		}
	case "index_options":
		if f.class == analysed && p.text != "positions" && p.text != "offsets" || f.class == exact && p.text != "docs" {
			return notOffered("the parameter [index_options] of field [%s]", path)
		}
	case "include_in_all":
		f.notInAll = p.text == "false"
	case "split_queries_on_whitespace":
		if p.text != "false" {
			return notOffered("the parameter [split_queries_on_whitespace] of field [%s]", path)
		}
	case "numeric_resolution", "index_name", "locale", "fielddata_frequency_filter":
		return notOffered("the parameter [%s] of field [%s]", m.name, path)
	}
	return nil
}

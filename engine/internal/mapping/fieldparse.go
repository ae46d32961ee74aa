package mapping

import (
	"slices"
	"strconv"
	"strings"

	"github.com/seed56735111/penstock/engine/internal/dates"
	"github.com/seed56735111/penstock/engine/internal/wire"
	"github.com/seed56735111/penstock/engine/internal/words"
)

// vocabulary is the version whose names of types and parameters a mapping uses.
type vocabulary struct{ Major int }

// parseField reads the definition of one field.
func (v *vocabulary) parseField(path string, n *wire.Node) (*Field, error) {
	name := path[strings.LastIndexByte(path, '.')+1:]
	if n.Kind != wire.ObjectKind {
		return nil, MapperError("Expected map for property [fields] on field [%s] but got a class %s",
			name, wire.JavaClass(n))
	}
	if n.Depth() > MaxDepth+2 {
		return nil, tooDeep()
	}
	kindOf := ""
	if t, ok := n.Get("type"); ok {
		kindOf = t.Text
	}
	_, hasProperties := n.Get("properties")
	switch {
	case kindOf == "object" || kindOf == "nested" || kindOf == "" && (hasProperties || looksLikeObject(n)):
		return v.parseObject(path, FirstNonEmpty(kindOf, "object"), n)
	case kindOf == "":
		return nil, MapperError("No type specified for field [%s]", name)
	case kindOf == "string" && v.Major < FirstKeyword:
		return v.parseLeaf(path, "text", n)
	}
	if !v.has(kindOf) {
		if slices.Contains(realTypes, kindOf) {
			return nil, wire.NotOffered("the field type [%s] of field [%s]", kindOf, path)
		}
		return nil, MapperError("No handler for type [%s] declared on field [%s]", kindOf, name)
	}
	return v.parseLeaf(path, kindOf, n)
}

func looksLikeObject(n *wire.Node) bool {
	for i := range n.Members {
		switch n.Members[i].Name {
		case "dynamic", "enabled":
			return true
		}
	}
	return false
}

func (v *vocabulary) parseObject(path, kind string, n *wire.Node) (*Field, error) {
	f := &Field{Kind: kind, properties: map[string]*Field{}}
	for i := range n.Members {
		m := &n.Members[i]
		switch m.Name {
		case "type":
		case "properties":
			if err := v.parseProperties(f, path+".", &m.Node); err != nil {
				return nil, err
			}
		case "dynamic":
			if err := checkDynamic(m.Node.Text, path[strings.LastIndexByte(path, '.')+1:]); err != nil {
				return nil, err
			}
			f.dynamic = m.Node.Text
			f.params = append(f.params, shownParam(m))
		case "enabled":
			f.disabled = m.Node.Text == "false"
			f.params = append(f.params, *m)
		case "include_in_parent", "include_in_root":
			if m.Node.Text != "false" {
				return nil, wire.NotOffered("the parameter [%s] of field [%s]", m.Name, path)
			}
		case "include_in_all", "path":
			f.params = append(f.params, *m)
		default:
			return nil, MapperError("Mapping definition for [%s] has unsupported parameters:  [%s : %s]",
				path, m.Name, wire.JavaText(&m.Node))
		}
	}
	return f, nil
}

func checkDynamic(setting, name string) error {
	switch setting {
	case "true", "false", "strict":
		return nil
	case "strict_allow_templates", "false_allow_templates", "runtime":
		return wire.NotOffered("the setting [dynamic: %s]", setting)
	}
	return wire.Illegal("Could not convert [%s.dynamic] to boolean", name).
		Because(wire.Illegal("Failed to parse value [%s] as only [true] or [false] are allowed.", setting))
}

// parseProperties adds the fields of a mapping. A name with dots means objects.
func (v *vocabulary) parseProperties(into *Field, prefix string, n *wire.Node) error {
	if n.Kind != wire.ObjectKind {
		return MapperError("Expected map for property [properties] on field [%s] but got a class %s",
			strings.Trim(prefix, "."), wire.JavaClass(n))
	}
	for i := range n.Members {
		m := &n.Members[i]
		if strings.Trim(m.Name, ". ") == "" ||
			strings.HasPrefix(m.Name, ".") || strings.HasSuffix(m.Name, ".") || strings.Contains(m.Name, "..") {
			return wire.Illegal("name cannot be empty string")
		}
		f, err := v.parseField(strings.TrimPrefix(prefix+m.Name, "."), &m.Node)
		if err != nil {
			return err
		}
		if err := put(into, strings.TrimPrefix(prefix, "."), m.Name, f); err != nil {
			return err
		}
	}
	return nil
}

func (v *vocabulary) parseLeaf(path, kind string, n *wire.Node) (*Field, error) {
	f := NewLeaf(kind)
	f.Column = FieldPrefix + path
	if f.Class == Instant && v.Major < FirstKeyword {
		f.Format = dates.Legacy
	}
	f.Fielddata = f.Class == Analysed && v.Major < FirstKeyword
	name := path[strings.LastIndexByte(path, '.')+1:]
	known := append(slices.Clone(anyParams), LeafTypes()[kind].params...)
	for i := range n.Members {
		m := &n.Members[i]
		switch m.Name {
		case "type":
			continue
		case "fields":
			if m.Node.Kind != wire.ObjectKind {
				return nil, MapperError("expected map for property [fields] on field [%s] but got a class %s",
					name, wire.JavaClass(&m.Node))
			}
			for j := range m.Node.Members {
				s := &m.Node.Members[j]
				sub, err := v.parseField(path+"."+s.Name, &s.Node)
				if err != nil {
					return nil, err
				}
				if sub.IsObject() || sub.fields != nil {
					return nil, MapperError("Type [%s] cannot be used in multi field", sub.Kind)
				}
				if f.fields == nil {
					f.fields = map[string]*Field{}
				}
				f.fields[s.Name] = sub
			}
			continue
		}
		if !slices.Contains(known, m.Name) {
			return nil, MapperError("unknown parameter [%s] on mapper [%s] of type [%s]", m.Name, name, kind)
		}
		if err := v.parseParam(f, path, m); err != nil {
			return nil, err
		}
		f.params = append(f.params, *m)
	}
	if kind == "scaled_float" && f.Scale == 0 {
		return nil, MapperError("Field [%s] misses required parameter [scaling_factor]", name)
	}
	return f, nil
}

// parseParam reads one parameter. What would change answers and is not done here is refused.
func (v *vocabulary) parseParam(f *Field, path string, m *wire.Member) error {
	switch p := &m.Node; m.Name {
	case "index":
		switch {
		case v.Major < FirstKeyword && p.Text == "not_analyzed":
			f.Class, f.Kind, f.Norms, f.DocValues = Exact, "keyword", false, true
		case p.Text == "false" || p.Text == "no":
			f.Searchable = false
		}
	case "doc_values":
		f.DocValues = p.Text != "false" && f.Class != Analysed
	case "norms":
		f.Norms = f.Class == Analysed && (p.Kind == wire.ObjectKind || p.Text != "false")
	case "ignore_above":
		n, err := strconv.Atoi(p.Text)
		if err != nil || n < 0 {
			return wire.Illegal("[ignore_above] must be positive, got [%s]", p.Text)
		}
		f.ignoreAbove = n
	case "ignore_malformed":
		f.malformed = p.Text == "true"
	case "coerce":
		f.coerce = p.Text != "false"
	case "null_value":
		if p.Kind != wire.NullKind {
			f.null = p
		}
	case "format":
		format, err := dates.ParseFormat(p.Text)
		if err != nil {
			return err
		}
		f.Format = format
	case "scaling_factor":
		scale, err := strconv.ParseFloat(p.Text, 64)
		if err != nil || scale <= 0 {
			return wire.Illegal("[scaling_factor] must be a positive number, got [%s]", p.Text)
		}
		f.Scale = scale
	case "fielddata":
		f.Fielddata = p.Text == "true"
	case "analyzer", "index_analyzer", "search_analyzer", "search_quote_analyzer":
		a, ok := words.Analyzers()[p.Text]
		if !ok {
			return wire.NotOffered("the analyzer [%s] of field [%s]", p.Text, path)
		}
		switch m.Name {
		case "analyzer":
			f.Words, f.Search = a, a
		case "index_analyzer":
			f.Words = a
		default:
			f.Search = a
		}
	case "normalizer":
		if p.Text != "lowercase" {
			return wire.NotOffered("the normalizer [%s] of field [%s]", p.Text, path)
		}
		f.Lower = true
	case "copy_to":
		return wire.NotOffered("the parameter [copy_to] of field [%s]", path)
	case "boost":
		if b, err := strconv.ParseFloat(p.Text, 64); err != nil || b != 1 {
			return wire.NotOffered("the parameter [boost] of field [%s]", path)
		}
	case "similarity":
		if p.Text != "BM25" && p.Text != "default" {
			return wire.NotOffered("the similarity [%s] of field [%s]", p.Text, path)
		}
	case "position_increment_gap":
		if p.Text != "100" {
			return wire.NotOffered("the parameter [position_increment_gap] of field [%s]", path)
		}
	case "index_options":
		if f.Class == Analysed && p.Text != "positions" && p.Text != "offsets" || f.Class == Exact && p.Text != "docs" {
			return wire.NotOffered("the parameter [index_options] of field [%s]", path)
		}
	case "include_in_all":
		f.NotInAll = p.Text == "false"
	case "split_queries_on_whitespace":
		if p.Text != "false" {
			return wire.NotOffered("the parameter [split_queries_on_whitespace] of field [%s]", path)
		}
	case "numeric_resolution", "index_name", "locale", "fielddata_frequency_filter":
		return wire.NotOffered("the parameter [%s] of field [%s]", m.Name, path)
	}
	return nil
}

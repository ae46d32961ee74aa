package engine

import (
	"maps"
	"slices"
	"strings"

	"github.com/seed56735111/penstock/engine/internal/dates"
	"github.com/seed56735111/penstock/engine/internal/wire"
)

// class is how the values of a field are indexed.
type class byte

const (
	unindexed class = iota // kept in the source only
	analysed               // words
	exact                  // the whole text
	whole                  // int64
	floating               // float64, sortable as int64
	instant                // a time in the field's unit
	truth                  // "T" or "F"
	address                // an IP address
)

// field is one field of a mapping: an object with properties, or a leaf that may have sub-fields. Fields are never changed
// once a mapping has them.
type field struct {
	kind       string // the type that the mapping names
	class      class
	properties map[string]*field // of an object
	fields     map[string]*field // sub-fields
	params     []wire.Member     // as given, but for type, properties and fields
	column     string            // where the index keeps the values

	dynamic     string // true, false or strict; empty is the parent's
	disabled    bool   // an object that nobody looks into
	searchable  bool
	docValues   bool
	norms       bool
	fielddata   bool // the words of a text can be aggregated
	malformed   bool // values that cannot be read are left out
	coerce      bool
	ignoreAbove int // 0 is no limit
	format      *dates.Format
	nanos       bool
	scale       float64
	bits        int // of a whole number, or of a float
	unsigned    bool
	null        *wire.Node
	words       analyzer
	search      analyzer
	lower       bool
	notInAll    bool // before version 6: not found by a search that names no field
}

// leafType describes a type of leaves.
type leafType struct {
	class  class
	bits   int
	params []string
}

// Parameters that are taken and shown again but change nothing here, and those that do something.
var (
	anyParams     = []string{"index", "doc_values", "store", "meta", "copy_to", "boost", "similarity", "include_in_all", "index_name", "norms", "index_options"}
	textParams    = []string{"analyzer", "search_analyzer", "search_quote_analyzer", "index_analyzer", "fielddata", "fielddata_frequency_filter", "position_increment_gap", "term_vector", "index_prefixes", "index_phrases", "eager_global_ordinals", "ignore_above", "null_value"}
	keywordParams = []string{"ignore_above", "normalizer", "eager_global_ordinals", "split_queries_on_whitespace", "null_value"}
	numberParams  = []string{"coerce", "ignore_malformed", "null_value", "precision_step"}
)

func leafTypes() map[string]leafType {
	const byteBits, intBits, longBits = 8, 32, 64
	return map[string]leafType{
		"text":          {analysed, 0, textParams},
		"keyword":       {exact, 0, keywordParams},
		"wildcard":      {exact, 0, keywordParams},
		"long":          {whole, longBits, numberParams},
		"integer":       {whole, intBits, numberParams},
		"short":         {whole, shortBits, numberParams},
		"byte":          {whole, byteBits, numberParams},
		"unsigned_long": {whole, longBits, numberParams},
		"double":        {floating, longBits, numberParams},
		"float":         {floating, intBits, numberParams},
		"half_float":    {floating, shortBits, numberParams},
		"scaled_float":  {floating, longBits, append(slices.Clone(numberParams), "scaling_factor")},
		"boolean":       {truth, 0, []string{"null_value", "ignore_malformed"}},
		"date":          {instant, 0, []string{"format", "locale", "ignore_malformed", "null_value", "numeric_resolution", "print_format", "precision_step"}},
		"date_nanos":    {instant, 0, []string{"format", "locale", "ignore_malformed", "null_value"}},
		"ip":            {address, 0, []string{"ignore_malformed", "null_value", "precision_step"}},
		"geo_point":     {unindexed, 0, []string{"ignore_malformed", "ignore_z_value", "null_value", "lat_lon", "geohash", "geohash_prefix", "validate", "normalize"}},
		"binary":        {unindexed, 0, nil},
		"flat_object":   {unindexed, 0, nil},
	}
}

// has says whether the version has a type of leaves.
func (v *vocabulary) has(kind string) bool {
	_, ok := leafTypes()[kind]
	switch kind {
	case "unsigned_long", "flat_object", "wildcard":
		return ok && v.major > firstUntyped
	case "date_nanos":
		return ok && v.major >= firstUntyped
	case "text", "keyword", "half_float", "scaled_float":
		return ok && v.major >= firstKeyword
	}
	return ok
}

// realTypes are what the real engines have and this one does not.
var realTypes = []string{
	"alias", "aggregate_metric_double", "completion", "constant_keyword", "date_range", "double_range", "derived", "float_range", "geo_shape", "histogram",
	"integer_range", "ip_range", "join", "knn_vector", "long_range", "match_only_text", "murmur3", "percolator", "point", "rank_feature", "rank_features",
	"search_as_you_type", "semantic", "shape", "sparse_vector", "star_tree", "token_count", "version", "attachment",
}

func newObject() *field { return &field{kind: "object", properties: map[string]*field{}} }

// newLeaf is a field of a type with everything as by default.
func newLeaf(kind string) *field {
	f := &field{kind: kind, searchable: true, docValues: true, coerce: true, words: standard, search: standard}
	t := leafTypes()[kind]
	f.class, f.bits = t.class, t.bits
	f.nanos, f.unsigned = kind == "date_nanos", kind == "unsigned_long"
	f.norms = f.class == analysed
	if f.class == analysed {
		f.docValues = false
	}
	if f.class == instant {
		f.format = dates.Default
	}
	return f
}

func (f *field) isObject() bool { return f.properties != nil }

// is the field one that takes objects without looking into them?
func (f *field) isFlat() bool {
	return f.kind == "flat_object" || f.kind == "geo_point"
}

// clone is a copy whose objects can be changed.
func (f *field) clone() *field {
	if !f.isObject() {
		return f
	}
	c := *f
	c.properties = make(map[string]*field, len(f.properties))
	for name, p := range f.properties {
		c.properties[name] = p.clone()
	}
	return &c
}

// count returns the number of fields, sub-fields and objects, which the limit is about.
func (f *field) count() int {
	n := 0
	for _, p := range f.properties {
		n += 1 + p.count()
	}
	return n + len(f.fields)
}

// put adds a field under a name, merging objects. The target is one that may be changed.
func put(into *field, prefix, name string, f *field) error {
	if strings.Count(name, ".") > maxDepth {
		return tooDeep()
	}
	head, rest, more := strings.Cut(name, ".")
	path := prefix + head
	old := into.properties[head]
	if more {
		if old == nil {
			old = newObject()
			into.properties[head] = old
		}
		if !old.isObject() {
			return wire.Illegal("can't merge a non object mapping [%s] with an object mapping", path)
		}
		return put(old, path+".", rest, f)
	}
	merged, err := merge(path, old, f)
	if err != nil {
		return err
	}
	into.properties[head] = merged
	return nil
}

// merge puts a new definition over an old one.
func merge(path string, old, f *field) (*field, error) {
	switch {
	case old == nil:
		return f, nil
	case old.isObject() != f.isObject():
		return nil, wire.Illegal("can't merge a non object mapping [%s] with an object mapping", path)
	case !f.isObject():
		if old.kind != f.kind {
			return nil, wire.Illegal("mapper [%s] cannot be changed from type [%s] to [%s]", path, old.kind, f.kind)
		}
		if err := sameIndexing(path, old, f); err != nil {
			return nil, err
		}
		out := *f
		out.fields = maps.Clone(old.fields)
		for name, sub := range f.fields {
			merged, err := merge(path+"."+name, out.fields[name], sub)
			if err != nil {
				return nil, err
			}
			if out.fields == nil {
				out.fields = map[string]*field{}
			}
			out.fields[name] = merged
		}
		return &out, nil
	case (old.kind == "nested") != (f.kind == "nested"):
		if old.kind == "nested" {
			return nil, wire.Illegal("cannot change object mapping from nested to non-nested")
		}
		return nil, wire.Illegal("cannot change object mapping from non-nested to nested")
	}
	out := *old
	if f.params != nil {
		out.params, out.dynamic, out.disabled = f.params, f.dynamic, f.disabled
	}
	out.properties = maps.Clone(old.properties)
	for name, p := range f.properties {
		merged, err := merge(path+"."+name, out.properties[name], p)
		if err != nil {
			return nil, err
		}
		out.properties[name] = merged
	}
	return &out, nil
}

// sameIndexing refuses changes that what is indexed already would not follow.
func sameIndexing(path string, old, f *field) error {
	for _, p := range []struct {
		name string
		same bool
	}{
		{"index", old.searchable == f.searchable},
		{"doc_values", old.docValues == f.docValues},
		{"analyzer", old.words == f.words},
		{"normalizer", old.lower == f.lower},
		{"scaling_factor", old.scale == f.scale},
	} {
		if !p.same {
			return wire.Illegal("Mapper for [%s] conflicts with existing mapper:\n\tCannot update parameter [%s] from [%s] to [%s]", path, p.name, paramText(old, p.name), paramText(f, p.name))
		}
	}
	return nil
}

func paramText(f *field, name string) string {
	for i := range f.params {
		if f.params[i].Name == name {
			return wire.JavaText(&f.params[i].Node)
		}
	}
	if name == "index" || name == "doc_values" {
		return "true"
	}
	return "null"
}

// definition writes a field as the API shows it.
func (v *vocabulary) definition(f *field) wire.Object {
	var o wire.Object
	if f.isObject() {
		if f.kind == "nested" {
			o = append(o, wire.Entry{Name: "type", Value: "nested"})
		}
		if f.kind == "object" && len(f.properties) == 0 {
			o = append(o, wire.Entry{Name: "type", Value: "object"})
		}
		for i := range f.params {
			o = append(o, wire.Entry{Name: f.params[i].Name, Value: &f.params[i].Node})
		}
		if len(f.properties) > 0 {
			o = append(o, wire.Entry{Name: "properties", Value: v.definitions(f.properties)})
		}
		return o
	}
	kind := f.kind
	if v.major < firstKeyword && (kind == "text" || kind == "keyword") {
		kind = "string"
	}
	o = append(o, wire.Entry{Name: "type", Value: kind})
	for i := range f.params {
		switch m := &f.params[i]; {
		case isDefault(m):
		case m.Name == "scaling_factor":
			o = append(o, wire.Entry{Name: m.Name, Value: wire.Double(f.scale)})
		default:
			o = append(o, wire.Entry{Name: m.Name, Value: &m.Node})
		}
	}
	if f.class == instant && f.format == dates.Legacy {
		o = append(o, wire.Entry{Name: "format", Value: dates.Legacy.Text})
	}
	if len(f.fields) > 0 {
		o = append(o, wire.Entry{Name: "fields", Value: v.definitions(f.fields)})
	}
	return o
}

// isDefault says whether a parameter is what it would be without being given.
func isDefault(m *wire.Member) bool {
	switch m.Name {
	case "index", "doc_values", "coerce":
		return m.Node.Text == "true"
	case "store", "ignore_malformed", "fielddata":
		return m.Node.Text == "false"
	}
	return false
}

func (v *vocabulary) definitions(fields map[string]*field) wire.Object {
	o := make(wire.Object, 0, len(fields))
	for _, name := range sorted(fields) {
		o = append(o, wire.Entry{Name: name, Value: v.definition(fields[name])})
	}
	return o
}

func mapperError(format string, args ...any) *wire.Failure {
	return wire.Errorf(400, "mapper_parsing_exception", format, args...)
}

func firstNonEmpty(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

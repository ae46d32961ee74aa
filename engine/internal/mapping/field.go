package mapping

import (
	"maps"
	"slices"
	"strings"

	"github.com/seed56735111/penstock/engine/internal/dates"
	"github.com/seed56735111/penstock/engine/internal/wire"
	"github.com/seed56735111/penstock/engine/internal/words"
)

// FieldPrefix stands before the names of a document's own fields in the index.
const FieldPrefix = "."

// class is how the values of a field are indexed.
type class byte

// The classes of fields.
const (
	Unindexed class = iota // kept in the source only
	Analysed               // words
	Exact                  // the whole text
	Whole                  // int64
	Floating               // float64, sortable as int64
	Instant                // a time in the field's unit
	Truth                  // "T" or "F"
	Address                // an IP address
)

// Field is one field of a mapping: an object with properties, or a leaf that may have sub-fields. Fields are never
// changed once a mapping has them.
type Field struct {
	Kind       string // the type that the mapping names
	Class      class
	properties map[string]*Field // of an object
	fields     map[string]*Field // sub-fields
	params     []wire.Member     // as given, but for type, properties and fields
	Column     string            // where the index keeps the values

	dynamic     string // true, false or strict; empty is the parent's
	disabled    bool   // an object that nobody looks into
	Searchable  bool
	DocValues   bool
	Norms       bool
	Fielddata   bool // the words of a text can be aggregated
	malformed   bool // values that cannot be read are left out
	coerce      bool
	ignoreAbove int // 0 is no limit
	Format      *dates.Format
	Nanos       bool
	Scale       float64
	Bits        int // of a whole number, or of a float
	Unsigned    bool
	null        *wire.Node
	Words       words.Analyzer
	Search      words.Analyzer
	Lower       bool
	NotInAll    bool // before version 6: not found by a search that names no field
}

// leafType describes a type of leaves.
type leafType struct {
	class  class
	bits   int
	params []string
}

// Parameters that are taken and shown again but change nothing here, and those that do something.
var (
	anyParams = []string{
		"index", "doc_values", "store", "meta", "copy_to", "boost", "similarity", "include_in_all", "index_name", "norms",
		"index_options",
	}
	textParams = []string{
		"analyzer", "search_analyzer", "search_quote_analyzer", "index_analyzer", "fielddata", "fielddata_frequency_filter",
		"position_increment_gap", "term_vector", "index_prefixes", "index_phrases", "eager_global_ordinals", "ignore_above",
		"null_value",
	}
	keywordParams = []string{
		"ignore_above", "normalizer", "eager_global_ordinals", "split_queries_on_whitespace", "null_value",
	}
	numberParams = []string{"coerce", "ignore_malformed", "null_value", "precision_step"}
	dateParams   = []string{
		"format", "locale", "ignore_malformed", "null_value", "numeric_resolution", "print_format", "precision_step",
	}
	pointParams = []string{
		"ignore_malformed", "ignore_z_value", "null_value", "lat_lon", "geohash", "geohash_prefix", "validate", "normalize",
	}
)

// LeafTypes are the types of leaves by their names.
func LeafTypes() map[string]leafType {
	const byteBits, intBits, longBits = 8, 32, 64
	return map[string]leafType{
		"text":          {Analysed, 0, textParams},
		"keyword":       {Exact, 0, keywordParams},
		"wildcard":      {Exact, 0, keywordParams},
		"long":          {Whole, longBits, numberParams},
		"integer":       {Whole, intBits, numberParams},
		"short":         {Whole, shortBits, numberParams},
		"byte":          {Whole, byteBits, numberParams},
		"unsigned_long": {Whole, longBits, numberParams},
		"double":        {Floating, longBits, numberParams},
		"float":         {Floating, intBits, numberParams},
		"half_float":    {Floating, shortBits, numberParams},
		"scaled_float":  {Floating, longBits, append(slices.Clone(numberParams), "scaling_factor")},
		"boolean":       {Truth, 0, []string{"null_value", "ignore_malformed"}},
		"date":          {Instant, 0, dateParams},
		"date_nanos":    {Instant, 0, []string{"format", "locale", "ignore_malformed", "null_value"}},
		"ip":            {Address, 0, []string{"ignore_malformed", "null_value", "precision_step"}},
		"geo_point":     {Unindexed, 0, pointParams},
		"binary":        {Unindexed, 0, nil},
		"flat_object":   {Unindexed, 0, nil},
	}
}

// has says whether the version has a type of leaves.
func (v *vocabulary) has(kind string) bool {
	_, ok := LeafTypes()[kind]
	switch kind {
	case "unsigned_long", "flat_object", "wildcard":
		return ok && v.Major > FirstUntyped
	case "date_nanos":
		return ok && v.Major >= FirstUntyped
	case "text", "keyword", "half_float", "scaled_float":
		return ok && v.Major >= FirstKeyword
	}
	return ok
}

// realTypes are what the real engines have and this one does not.
var realTypes = []string{
	"alias", "aggregate_metric_double", "completion", "constant_keyword", "date_range", "double_range", "derived",
	"float_range", "geo_shape", "histogram", "integer_range", "ip_range", "join", "knn_vector", "long_range",
	"match_only_text", "murmur3", "percolator", "point", "rank_feature", "rank_features", "search_as_you_type",
	"semantic", "shape", "sparse_vector", "star_tree", "token_count", "version", "attachment",
}

func newObject() *Field { return &Field{Kind: "object", properties: map[string]*Field{}} }

// NewLeaf is a field of a type with everything as by default.
func NewLeaf(kind string) *Field {
	f := &Field{Kind: kind, Searchable: true, DocValues: true, coerce: true, Words: words.Standard, Search: words.Standard}
	t := LeafTypes()[kind]
	f.Class, f.Bits = t.class, t.bits
	f.Nanos, f.Unsigned = kind == "date_nanos", kind == "unsigned_long"
	f.Norms = f.Class == Analysed
	if f.Class == Analysed {
		f.DocValues = false
	}
	if f.Class == Instant {
		f.Format = dates.Default
	}
	return f
}

// IsObject says whether the field has properties.
func (f *Field) IsObject() bool { return f.properties != nil }

// IsFlat says whether the field takes objects without looking into them.
func (f *Field) IsFlat() bool {
	return f.Kind == "flat_object" || f.Kind == "geo_point"
}

// clone is a copy whose objects can be changed.
func (f *Field) clone() *Field {
	if !f.IsObject() {
		return f
	}
	c := *f
	c.properties = make(map[string]*Field, len(f.properties))
	for name, p := range f.properties {
		c.properties[name] = p.clone()
	}
	return &c
}

// Count returns the number of fields, sub-fields and objects, which the limit is about.
func (f *Field) Count() int {
	n := 0
	for _, p := range f.properties {
		n += 1 + p.Count()
	}
	return n + len(f.fields)
}

// put adds a field under a name, and merges objects. The receiver must be a copy that may be changed.
func put(into *Field, prefix, name string, f *Field) error {
	if strings.Count(name, ".") > MaxDepth {
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
		if !old.IsObject() {
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
func merge(path string, old, f *Field) (*Field, error) {
	switch {
	case old == nil:
		return f, nil
	case old.IsObject() != f.IsObject():
		return nil, wire.Illegal("can't merge a non object mapping [%s] with an object mapping", path)
	case !f.IsObject():
		if old.Kind != f.Kind {
			return nil, wire.Illegal("mapper [%s] cannot be changed from type [%s] to [%s]", path, old.Kind, f.Kind)
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
				out.fields = map[string]*Field{}
			}
			out.fields[name] = merged
		}
		return &out, nil
	case (old.Kind == "nested") != (f.Kind == "nested"):
		if old.Kind == "nested" {
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

// sameIndexing refuses changes that would make documents that are indexed already wrong.
func sameIndexing(path string, old, f *Field) error {
	for _, p := range []struct {
		name string
		same bool
	}{
		{"index", old.Searchable == f.Searchable},
		{"doc_values", old.DocValues == f.DocValues},
		{"analyzer", old.Words == f.Words},
		{"normalizer", old.Lower == f.Lower},
		{"scaling_factor", old.Scale == f.Scale},
	} {
		if !p.same {
			return wire.Illegal("Mapper for [%s] conflicts with existing mapper:\n\tCannot update parameter [%s] from [%s] "+
				"to [%s]", path, p.name, paramText(old, p.name), paramText(f, p.name))
		}
	}
	return nil
}

func paramText(f *Field, name string) string {
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
func (v *vocabulary) definition(f *Field) wire.Object {
	var o wire.Object
	if f.IsObject() {
		if f.Kind == "nested" {
			o = append(o, wire.Entry{Name: "type", Value: "nested"})
		}
		if f.Kind == "object" && len(f.properties) == 0 {
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
	kind := f.Kind
	if v.Major < FirstKeyword && (kind == "text" || kind == "keyword") {
		kind = "string"
	}
	o = append(o, wire.Entry{Name: "type", Value: kind})
	for i := range f.params {
		switch m := &f.params[i]; {
		case isDefault(m):
		case m.Name == "scaling_factor":
			o = append(o, wire.Entry{Name: m.Name, Value: wire.Double(f.Scale)})
		default:
			o = append(o, wire.Entry{Name: m.Name, Value: &m.Node})
		}
	}
	if f.Class == Instant && f.Format == dates.Legacy {
		o = append(o, wire.Entry{Name: "format", Value: dates.Legacy.Text})
	}
	if len(f.fields) > 0 {
		o = append(o, wire.Entry{Name: "fields", Value: v.definitions(f.fields)})
	}
	return o
}

// isDefault says whether a parameter has its default value.
func isDefault(m *wire.Member) bool {
	switch m.Name {
	case "index", "doc_values", "coerce":
		return m.Node.Text == "true"
	case "store", "ignore_malformed", "fielddata":
		return m.Node.Text == "false"
	}
	return false
}

func (v *vocabulary) definitions(fields map[string]*Field) wire.Object {
	o := make(wire.Object, 0, len(fields))
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		o = append(o, wire.Entry{Name: name, Value: v.definition(fields[name])})
	}
	return o
}

// MapperError is the error about a mapping, or about a document that does not fit it.
func MapperError(format string, args ...any) *wire.Failure {
	return wire.Errorf(400, "mapper_parsing_exception", format, args...)
}

// FirstNonEmpty is a, or b when a is empty.
func FirstNonEmpty(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

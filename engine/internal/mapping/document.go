package mapping

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed56735111/penstock/engine/internal/dates"
	"github.com/seed56735111/penstock/engine/internal/wire"
)

const shortBits = 16

// limits of a mapping, the engines' defaults.
const (
	MaxFields  = 1000
	MaxDepth   = 20
	maxKeyword = 32766
)

// Leaf is one value of a document with the field that it goes to.
type Leaf struct {
	Path  string
	Field *Field
	Text  string // what is indexed of a text, a keyword, a truth, an address
	Num   int64  // what is indexed of a number or a time: it sorts as the values do
}

// Parsed is a document as its mapping reads it.
type Parsed struct {
	Leaves   []Leaf
	Paths    []string // that have a value
	Repeated bool     // a path may have several values
}

// learner reads one document against a mapping and collects what the mapping has to learn.
type learner struct {
	Parsed
	m       *Mapping
	mutable bool            // m is a copy of our own
	fresh   map[*Field]bool // that this document added
	id      string
	limit   int
	lists   int // that the value at hand is in
	hidden  int // depth of nested objects, whose values the document itself does not have
}

// spare is how many more leaves and paths a document gets room for than twice the number of its members.
const spare = 16

// errLearn says that the mapping has to learn a field. The document is then read again with a copy of the mapping.
var errLearn = errors.New("a new field")

// Read reads a document and returns it with the mapping that it belongs to from now on.
func (m *Mapping) Read(id string, limit int, source *wire.Node) (Parsed, *Mapping, error) {
	p := learner{m: m, id: id, limit: limit}
	p.Leaves, p.Paths = make([]Leaf, 0, 2*len(source.Members)+spare), make([]string, 0, 2*len(source.Members)+spare)
	err := p.object(m.Root, source, "", 1)
	if errors.Is(err, errLearn) {
		p = learner{m: m.clone(), mutable: true, fresh: map[*Field]bool{}, id: id, limit: limit}
		if err = p.object(p.m.Root, source, "", 1); err == nil && p.m.Root.Count() > limit {
			err = wire.Illegal("Limit of total fields [%d] has been exceeded", limit)
		}
	}
	if err != nil {
		return Parsed{}, m, err
	}
	return p.Parsed, p.m, nil
}

func tooDeep() *wire.Failure {
	return MapperError("failed to parse").Because(wire.Errorf(400, "parse_exception",
		"The depth of the field has exceeded the allowed limit of [%d]. This limit can be set by changing the "+
			"[index.mapping.depth.limit] index level setting.", MaxDepth))
}

var metadataFields = []string{
	"_id", "_index", "_type", "_source", "_routing", "_version", "_seq_no", "_field_names", "_ignored", "_doc_count",
	"_nested_path", "_data_stream_timestamp",
}

// object reads the members of an object. Names with dots mean objects.
func (p *learner) object(f *Field, source *wire.Node, prefix string, depth int) error {
	for i := range source.Members {
		m := &source.Members[i]
		if prefix == "" && strings.HasPrefix(m.Name, "_") && slices.Contains(metadataFields, m.Name) {
			return MapperError("failed to parse field [%s] of type [%s]%s. Preview of field's value: '%s'",
				m.Name, m.Name, p.of(), wire.JavaText(&m.Node)).
				Because(MapperError("Field [%s] is a metadata field and cannot be added inside a document. Use the index API "+
					"request parameters.", m.Name))
		}
		name := m.Name
		target, path := f, prefix
		if strings.IndexByte(name, '.') >= 0 || strings.TrimSpace(name) == "" {
			var err error
			if target, name, path, err = p.dotted(f, m.Name, prefix, &depth); err != nil {
				return err
			}
			if target == nil {
				continue
			}
		}
		if err := p.member(target, name, path+name, &m.Node, depth); err != nil {
			return err
		}
	}
	return nil
}

// dotted goes down to the object that a name with dots means. The target is nil where nothing is mapped or learned.
func (p *learner) dotted(f *Field, full, prefix string, depth *int) (target *Field, name, path string, err error) {
	failed := func(format string, args ...any) error {
		return MapperError("failed to parse").Because(wire.Illegal(format, args...))
	}
	if full == "" {
		return nil, "", "", failed("field name cannot be an empty string")
	}
	if !strings.Contains(full, ".") {
		return f, full, prefix, nil
	}
	trimmed := strings.TrimRight(full, ".")
	if trimmed == "" {
		return nil, "", "", failed("field name cannot contain only the character [.]")
	}
	p.Repeated = true
	parts := strings.Split(trimmed, ".")
	for _, part := range parts {
		if strings.TrimSpace(part) == "" {
			if part == "" {
				return nil, "", "", failed("object field starting or ending with a [.] makes object resolution ambiguous: [%s]",
					full)
			}
			return nil, "", "", failed("object field cannot contain only whitespace: ['%s']", full)
		}
	}
	if *depth += len(parts) - 1; *depth > MaxDepth {
		return nil, "", "", tooDeep()
	}
	target, path = f, prefix
	for _, part := range parts[:len(parts)-1] {
		path += part
		next, err := p.child(target, part, path, prefix+trimmed)
		if err != nil || next == nil || next.IsFlat() || next.disabled {
			return nil, "", "", err
		}
		target = next
		path += "."
	}
	return target, parts[len(parts)-1], path, nil
}

func (p *learner) of() string {
	if p.m.Major < FirstUntyped {
		return ""
	}
	return " in document with id '" + p.id + "'"
}

// child returns the object under a name, and makes it when there is none. It is nil when the mapping takes none.
func (p *learner) child(f *Field, name, path, full string) (*Field, error) {
	next := f.properties[name]
	if next == nil {
		if ok, err := p.mayAdd(f, name, path); !ok {
			return nil, err
		}
		if next = p.fromTemplate("object", name, path); next == nil {
			next = newObject()
		}
		f.properties[name] = next
		p.fresh[next] = true
	}
	if !next.IsObject() && !next.IsFlat() {
		if p.fresh[next] {
			return nil, wire.Illegal("can't merge a non object mapping [%s] with an object mapping", path)
		}
		return nil, MapperError("Could not dynamically add mapping for field [%s]. Existing mapping for [%s] must be of "+
			"type object but found [%s].", full, path, next.Kind)
	}
	return next, nil
}

// mayAdd says whether the mapping takes a new field.
func (p *learner) mayAdd(f *Field, name, path string) (bool, error) {
	switch p.dynamic(path) {
	case "strict":
		within := strings.TrimSuffix(strings.TrimSuffix(path, name), ".")
		return false, wire.Errorf(400, "strict_dynamic_mapping_exception",
			"mapping set to strict, dynamic introduction of [%s] within [%s] is not allowed", name,
			FirstNonEmpty(within, "_doc"))
	case "false":
		return false, nil
	}
	if !p.mutable {
		return false, errLearn
	}
	if len(f.properties) > p.limit {
		return false, wire.Illegal("Limit of total fields [%d] has been exceeded", p.limit)
	}
	return true, nil
}

// strictly refuses a new name where the mapping is strict, also with a value, such as null, that maps nothing.
func (p *learner) strictly(f *Field, name, path string) error {
	if f.properties[name] != nil || p.dynamic(path) != "strict" {
		return nil
	}
	_, err := p.mayAdd(f, name, path)
	return err
}

// dynamic is the setting of the object that holds the last name of a path.
func (p *learner) dynamic(path string) string {
	setting, f := p.m.Root.dynamic, p.m.Root
	for part := range strings.SplitSeq(path, ".") {
		next, ok := f.properties[part]
		if !ok {
			break
		}
		if f = next; f.dynamic != "" {
			setting = f.dynamic
		}
	}
	return setting
}

// member reads one value of an object.
func (p *learner) member(f *Field, name, path string, n *wire.Node, depth int) error {
	switch n.Kind {
	case wire.ArrayKind:
		if len(n.Items) == 0 {
			return p.strictly(f, name, path)
		}
		p.Repeated = true
		p.lists++
		defer func() { p.lists-- }()
		for i := range n.Items {
			if err := p.member(f, name, path, &n.Items[i], depth); err != nil {
				return err
			}
		}
		return nil
	case wire.ObjectKind:
		return p.inner(f, name, path, n, depth)
	}
	at := f.properties[name]
	if at == nil {
		if n.Kind == wire.NullKind {
			return p.strictly(f, name, path)
		}
		if ok, err := p.mayAdd(f, name, path); !ok {
			return err
		}
		var err error
		if at, err = p.guess(name, path, n); err != nil {
			return err
		}
		f.properties[name] = at
		p.fresh[at] = true
	} else if p.fresh[at] && n.Kind != wire.NullKind {
		if err := p.agrees(at, name, path, n); err != nil {
			return err
		}
	}
	switch {
	case at.disabled || at.IsObject() && n.Kind == wire.NullKind:
		return nil
	case at.IsObject():
		if p.lists > 0 {
			name = "null" // values in lists have no name
		}
		return MapperError("object mapping for [%s] tried to parse field [%s] as object, but found a concrete value",
			path, name)
	}
	return p.leaf(at, path, n)
}

// agrees refuses values of different types for a field that the document itself adds.
func (p *learner) agrees(at *Field, name, path string, n *wire.Node) error {
	if at.IsObject() {
		return wire.Illegal("can't merge a non object mapping [%s] with an object mapping", path)
	}
	other, err := p.guess(name, path, n)
	if err != nil {
		return err
	}
	if other.Kind != at.Kind {
		return wire.Illegal("mapper [%s] cannot be changed from type [%s] to [%s]", path, at.Kind, other.Kind)
	}
	return nil
}

// inner reads an object inside of an object.
func (p *learner) inner(f *Field, name, path string, n *wire.Node, depth int) error {
	if at := f.properties[name]; at != nil && !at.IsObject() && !at.IsFlat() && !p.fresh[at] {
		return p.notAnObject(at, path, n)
	}
	if depth+1 > MaxDepth && f.properties[name] == nil {
		if p.m.Major <= FirstUntyped {
			return wire.Illegal("Limit of mapping depth [%d] has been exceeded due to object field [%s]", MaxDepth, path)
		}
		return tooDeep()
	}
	next, err := p.child(f, name, path, path)
	if err != nil || next == nil || next.disabled {
		return err
	}
	if p.lists > 0 {
		lists := p.lists
		p.lists = 0
		defer func() { p.lists = lists }()
	}
	if next.IsFlat() {
		p.note(path)
		return nil
	}
	if next.Kind == "nested" {
		p.hidden++
		defer func() { p.hidden-- }()
	}
	return p.object(next, n, path+".", depth+1)
}

func (p *learner) note(path string) {
	if p.hidden == 0 {
		p.Paths = append(p.Paths, path)
	}
}

func (p *learner) notAnObject(at *Field, path string, n *wire.Node) error {
	if at.malformed && at.Class != Truth && p.m.Major >= FirstThird {
		return nil
	}
	e := p.bad(at, path, wire.JavaText(n))
	switch at.Class {
	case Whole, Floating:
		return e.Because(wire.Errorf(400, "json_parse_exception",
			"Current token (START_OBJECT) not numeric, can not use numeric value accessors\n at %s; line: 1, column: %d]",
			wire.SourceText, n.Start+2))
	case Truth:
		return e.Because(wire.Errorf(400, "json_parse_exception",
			"Current token (START_OBJECT) not of boolean type\n at %s; line: 1, column: %d]", wire.SourceText, n.Start+2))
	}
	return e.Because(wire.Errorf(400, "illegal_state_exception", "Can't get text on a START_OBJECT at 1:%d", n.Start+1))
}

// bad is the error about a value that its field does not take.
func (p *learner) bad(f *Field, path, text string) *wire.Failure {
	if p.m.Major < FirstUntyped {
		return MapperError("failed to parse [%s]", path)
	}
	if len(text) > wire.LongestText {
		text = strings.ToValidUTF8(text[:wire.LongestText], "")
	}
	return MapperError("failed to parse field [%s] of type [%s]%s. Preview of field's value: '%s'",
		path, f.Kind, p.of(), text)
}

// fromTemplate is the field that a dynamic template makes, if there is one.
func (p *learner) fromTemplate(kind, name, path string) *Field {
	f, err := p.template(kind, "", name, path)
	if err != nil {
		return nil
	}
	return f
}

func (p *learner) template(kind, otherwise, name, path string) (*Field, error) {
	for i := range p.m.templates {
		t := &p.m.templates[i]
		if !t.takes(kind, name, path) {
			continue
		}
		n := filled(t.mapping, strings.NewReplacer("{name}", name, "{dynamic_type}", FirstNonEmpty(otherwise, kind)))
		if _, ok := n.Get("type"); !ok && otherwise != "" {
			n.Members = append([]wire.Member{{Name: "type", Node: wire.Node{Kind: wire.StringKind, Text: otherwise}}},
				n.Members...)
		}
		return p.m.parseField(path, &n)
	}
	return nil, nil // no template is for it
}

// filled is a copy of a template's mapping with the placeholders replaced.
func filled(n *wire.Node, r *strings.Replacer) wire.Node {
	c := *n
	if n.Kind == wire.StringKind {
		c.Text = r.Replace(n.Text)
	}
	c.Items, c.Members = slices.Clone(n.Items), slices.Clone(n.Members)
	for i := range c.Items {
		c.Items[i] = filled(&c.Items[i], r)
	}
	for i := range c.Members {
		c.Members[i].Node = filled(&c.Members[i].Node, r)
	}
	return c
}

// guess is dynamic mapping: it makes a field for a value by its kind.
func (p *learner) guess(name, path string, n *wire.Node) (*Field, error) {
	var kindOf, typeName string
	var format *dates.Format
	switch n.Kind {
	case wire.BoolKind:
		kindOf, typeName = "boolean", "boolean"
	case wire.NumberKind:
		kindOf, typeName = "long", "long"
		if strings.ContainsAny(n.Text, ".eE") {
			kindOf, typeName = "double", "float"
			if p.m.Major < FirstKeyword {
				typeName = "double"
			}
		}
	default:
		kindOf, typeName, format = p.guessText(n.Text)
	}
	if f, err := p.template(kindOf, typeName, name, path); f != nil || err != nil {
		return f, err
	}
	f := NewLeaf(typeName)
	f.Column = FieldPrefix + path
	switch {
	case typeName == "text" && p.m.Major < FirstKeyword:
		f.Fielddata = true
	case typeName == "text":
		sub := NewLeaf("keyword")
		sub.Column = f.Column + ".keyword"
		sub.ignoreAbove = dynamicIgnoreAbove
		sub.params = []wire.Member{{
			Name: "ignore_above",
			Node: wire.Node{Kind: wire.NumberKind, Text: strconv.Itoa(dynamicIgnoreAbove)},
		}}
		f.fields = map[string]*Field{"keyword": sub}
	case typeName == "date" && p.m.Major < FirstKeyword:
		f.Format = dates.Legacy
	case format != nil && format.Text != "":
		f.Format = format
		first, _, _ := strings.Cut(format.Text, "||")
		f.params = []wire.Member{{Name: "format", Node: wire.Node{Kind: wire.StringKind, Text: format.Text}}}
		if p.m.Major > FirstUntyped {
			f.params = append(f.params, wire.Member{Name: "print_format", Node: wire.Node{Kind: wire.StringKind, Text: first}})
		}
	}
	return f, nil
}

// dynamicIgnoreAbove is the length up to which dynamic mapping keeps a text as a keyword too.
const dynamicIgnoreAbove = 256

func (p *learner) guessText(text string) (kindOf, typeName string, format *dates.Format) {
	_, notWhole := strconv.ParseInt(text, 10, 64)
	_, notNumber := strconv.ParseFloat(text, 64)
	switch {
	case p.m.numericDetection && notWhole == nil:
		return "long", "long", nil
	case p.m.numericDetection && notNumber == nil:
		return "double", "float", nil
	case p.m.dateDetection && notNumber != nil:
		for _, f := range p.m.dynamicDates {
			if _, ok := f.Parse(text, time.UTC, false); ok {
				return "date", "date", f
			}
		}
	}
	return "string", "text", nil
}

// ReadSource reads the source of a document.
func ReadSource(source json.RawMessage) (wire.Node, error) {
	if len(source) == 0 {
		return wire.Node{}, MapperError("failed to parse, document is empty")
	}
	at := 0
	if bytes.HasPrefix(source, []byte("\xef\xbb\xbf")) {
		at = 3
	}
	for at < len(source) && (source[at] == ' ' || source[at] == '\t' || source[at] == '\n' || source[at] == '\r') {
		at++
	}
	if at == len(source) || source[at] != '{' {
		return wire.Node{}, MapperError("failed to parse").Because(wire.Errorf(400, "not_x_content_exception",
			"Compressor detection can only be called on some xcontent bytes or compressed xcontent bytes"))
	}
	n, err := wire.Parse(source)
	if err != nil {
		return n, MapperError("failed to parse").Because(err)
	}
	return n, nil
}

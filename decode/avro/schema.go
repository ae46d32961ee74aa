package avro

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/seed56735111/penstock/internal/quote"
)

// schema is a type ("Schema Declaration" in the Avro specification).
type schema struct {
	kind kind
	// logical is the logical type, empty when it is none of those that are known for the kind.
	logical string
	fields  []field   // of a record
	symbols []string  // of an enum, as JSON
	items   *schema   // of an array or a map
	options []*schema // of a union
	size    int       // of a fixed
	scale   int       // of a decimal
}

type field struct {
	key []byte // the name as JSON, with a colon
	of  *schema
}

type kind uint8

const (
	null kind = iota
	boolean
	integer // int and long: both are written alike
	float
	double
	text
	raw // bytes
	record
	enum
	array
	mapping
	union
	fixed
)

var primitives = map[string]kind{
	"null": null, "boolean": boolean, "int": integer, "long": integer, "float": float, "double": double, "string": text,
	"bytes": raw,
}

const (
	// maxDepth is how deep values may be in each other. A schema may refer to itself.
	maxDepth = 64
	// maxTypes is how many types a schema may have.
	maxTypes = 20_000
)

var errSchema = errors.New("not a schema")

// parser reads a schema.
type parser struct {
	named map[string]*schema
	count int
}

func parseSchema(text []byte) (*schema, error) {
	p := parser{named: map[string]*schema{}}
	return p.parse(text, "", 0)
}

// declared is a type that is an object.
type declared struct {
	Type      json.RawMessage `json:"type"`
	Name      string          `json:"name"`
	Namespace *string         `json:"namespace"`
	Logical   any             `json:"logicalType"`
	Scale     any             `json:"scale"`
	Size      int             `json:"size"`
	Symbols   []string        `json:"symbols"`
	Items     json.RawMessage `json:"items"`
	Values    json.RawMessage `json:"values"`
	Fields    []struct {
		Name string          `json:"name"`
		Type json.RawMessage `json:"type"`
	} `json:"fields"`
}

func (p *parser) parse(b []byte, space string, depth int) (*schema, error) {
	if p.count++; p.count > maxTypes || depth > maxDepth {
		return nil, fmt.Errorf("more than %d types or %d levels", maxTypes, maxDepth)
	}
	if len(b) == 0 {
		return nil, errSchema
	}
	switch b[0] {
	case '"':
		var name string
		if err := json.Unmarshal(b, &name); err != nil {
			return nil, err
		}
		return p.lookup(name, space)
	case '[':
		var parts []json.RawMessage
		if err := json.Unmarshal(b, &parts); err != nil {
			return nil, err
		}
		s := &schema{kind: union}
		for _, part := range parts {
			option, err := p.parse(part, space, depth+1)
			if err != nil {
				return nil, err
			}
			s.options = append(s.options, option)
		}
		return s, nil
	case '{':
		var d declared
		if err := json.Unmarshal(b, &d); err != nil {
			return nil, err
		}
		return p.declare(&d, space, depth)
	}
	return nil, errSchema
}

func (p *parser) lookup(name, space string) (*schema, error) {
	if k, ok := primitives[name]; ok {
		return &schema{kind: k}, nil
	}
	if s, ok := p.named[full(name, space)]; ok {
		return s, nil
	}
	if s, ok := p.named[name]; ok {
		return s, nil
	}
	return nil, fmt.Errorf("no type is called %q", name)
}

func full(name, space string) string {
	if space == "" || strings.Contains(name, ".") {
		return name
	}
	return space + "." + name
}

func (p *parser) declare(d *declared, space string, depth int) (*schema, error) {
	var name string
	if json.Unmarshal(d.Type, &name) != nil {
		return p.parse(d.Type, space, depth+1) // a type in a type
	}
	s := &schema{}
	switch name {
	case "array", "map":
		s.kind = array
		items := d.Items
		if name == "map" {
			s.kind, items = mapping, d.Values
		}
		var err error
		s.items, err = p.parse(items, space, depth+1)
		return s, err
	case "record", "error", "enum", "fixed":
		if d.Namespace != nil {
			space = *d.Namespace
		}
		known := full(d.Name, space)
		if i := strings.LastIndexByte(known, '.'); i >= 0 {
			space = known[:i]
		}
		p.named[known] = s
		return s, p.compound(s, name, d, space, depth)
	}
	k, ok := primitives[name]
	if !ok {
		return p.lookup(name, space)
	}
	s.kind = k
	s.annotate(d)
	return s, nil
}

func (p *parser) compound(s *schema, name string, d *declared, space string, depth int) error {
	switch name {
	case "enum":
		s.kind = enum
		for _, symbol := range d.Symbols {
			s.symbols = append(s.symbols, string(append(quote.Append([]byte{'"'}, []byte(symbol)), '"')))
		}
		return nil
	case "fixed":
		s.kind, s.size = fixed, d.Size
		if d.Size < 0 || d.Size > maxBlock {
			return fmt.Errorf("a type of %d bytes", d.Size)
		}
		s.annotate(d)
		return nil
	}
	s.kind = record
	for _, f := range d.Fields {
		of, err := p.parse(f.Type, space, depth+1)
		if err != nil {
			return fmt.Errorf("field %q: %w", f.Name, err)
		}
		s.fields = append(s.fields, field{append(quote.Append([]byte{'"'}, []byte(f.Name)), '"', ':'), of})
	}
	return nil
}

// annotate takes a logical type, when it is one for the kind.
func (s *schema) annotate(d *declared) {
	logical, _ := d.Logical.(string)
	fits := map[kind]string{
		integer: " date time-millis time-micros timestamp-millis timestamp-micros timestamp-nanos local-timestamp-millis " +
			"local-timestamp-micros local-timestamp-nanos ",
		raw: " decimal ", fixed: " decimal duration uuid ",
	}[s.kind]
	if logical == "" || !strings.Contains(fits, " "+logical+" ") {
		return
	}
	if scale, ok := d.Scale.(float64); ok && scale >= 0 {
		s.scale = int(min(scale, maxTypes))
	}
	s.logical = logical
}

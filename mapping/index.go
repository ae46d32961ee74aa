package mapping

import (
	"bytes"
	"encoding/json"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/seed56735111/penstock/internal/quote"
)

// field is one field of an index: an object with others in it, or a leaf.
type field struct {
	kind  string            // of a leaf, empty for an object
	inner map[string]*field // of an object
	// open says that nobody looks into the values, or that their rules are not known here: any value is taken.
	open      bool
	malformed bool // what cannot be read is left out
	exact     bool // texts and fractions are no numbers
	most      int  // how many characters of a keyword are indexed; zero is any number
}

// definition is a field as the answers of /INDEX/_mapping have it.
type definition struct {
	Type            string                `json:"type"`
	Properties      map[string]definition `json:"properties"`
	Enabled         json.RawMessage       `json:"enabled"`
	IgnoreMalformed json.RawMessage       `json:"ignore_malformed"`
	Coerce          json.RawMessage       `json:"coerce"`
	IgnoreAbove     int                   `json:"ignore_above"`
	Format          string                `json:"format"`
}

// parseMapping reads the answer to GET /INDEX/_mapping. Of several indexes behind an alias or a data stream it is the
// last one by its name, which is the one that is written to.
func parseMapping(answer []byte) (*field, error) {
	var indexes map[string]struct {
		Mappings json.RawMessage `json:"mappings"`
	}
	if err := json.Unmarshal(answer, &indexes); err != nil {
		return nil, err
	}
	last := ""
	for name := range indexes {
		last = max(last, name)
	}
	var whole definition
	mappings := indexes[last].Mappings
	if len(mappings) == 0 {
		return newField(&whole), nil
	}
	var typed map[string]json.RawMessage
	if err := json.Unmarshal(mappings, &typed); err != nil {
		return nil, err
	}
	// Before version 7 the name of the type comes first.
	if _, untyped := typed["properties"]; !untyped && len(typed) == 1 {
		for name, inner := range typed {
			if name != "dynamic" && bytes.HasPrefix(inner, []byte("{")) {
				mappings = inner
			}
		}
	}
	if err := json.Unmarshal(mappings, &whole); err != nil {
		return nil, err
	}
	whole.Type = ""
	return newField(&whole), nil
}

func newField(d *definition) *field {
	says := func(raw json.RawMessage, word string) bool { return string(bytes.Trim(raw, `"`)) == word }
	f := &field{
		open: says(d.Enabled, "false"), malformed: says(d.IgnoreMalformed, "true"), exact: says(d.Coerce, "false"),
		most: d.IgnoreAbove,
	}
	if d.Type != "" && d.Type != "object" && d.Type != "nested" {
		f.kind = d.Type
		f.open = !slices.Contains(known, d.Type) || isDate(d.Type) && !slices.Contains(dateFormats, d.Format)
		return f
	}
	f.inner = make(map[string]*field, len(d.Properties))
	for name, inner := range d.Properties {
		f.inner[name] = newField(&inner)
	}
	return f
}

// known are the types of leaves of which it is known what they take.
var known = []string{
	"text", "string", "keyword", "wildcard", "match_only_text", "long", "integer", "short", "byte", "unsigned_long",
	"double", "float", "half_float", "scaled_float", "boolean", "date", "date_nanos", "ip", "alias", flatObject, flattened,
}

const (
	flatObject = "flat_object" // of OpenSearch
	flattened  = "flattened"   // of Elasticsearch
)

// dateFormats are the formats of dates when a mapping says nothing else.
var dateFormats = []string{
	"", "strict_date_optional_time||epoch_millis", "strict_date_optional_time_nanos||epoch_millis",
	"strict_date_optional_time", "dateOptionalTime",
}

func isDate(kind string) bool { return kind == "date" || kind == "date_nanos" }

// isText reports whether a field takes any text that is not too long.
func (f *field) isText() bool {
	switch f.kind {
	case "text", "string", "keyword", "wildcard", "match_only_text":
		return true
	}
	return false
}

// child finds the field of a name, which may be a path. It is nil when there is none yet; blocked says that there can
// be none, because the path goes through a leaf.
func (f *field) child(name []byte) (c *field, blocked bool) {
	if c = f.inner[string(name)]; c != nil {
		return c, false
	}
	for {
		dot := bytes.IndexByte(name, '.')
		if dot < 0 {
			return f.inner[string(name)], false
		}
		f = f.inner[string(name[:dot])]
		switch {
		case f == nil:
			return nil, false
		case f.open:
			return f, false
		case f.inner == nil:
			return nil, true
		}
		name = name[dot+1:]
	}
}

// takes reports whether a leaf takes a JSON value. Of an array that is every element.
func (f *field) takes(v []byte) bool {
	if f.open {
		return true
	}
	switch v[0] {
	case 'n':
		return true
	case '{':
		return f.kind == flatObject || f.kind == flattened
	case '[':
		for i := quote.Space(v, 1); v[i] != ']'; {
			end, _ := quote.ValueEnd(v, i)
			if !f.takes(v[i:end]) {
				return false
			}
			if i = quote.Space(v, end); v[i] == ',' {
				i = quote.Space(v, i+1)
			}
		}
		return true
	}
	return f.malformed && f.kind != "alias" || f.takesScalar(v)
}

func (f *field) takesScalar(v []byte) bool {
	text, quoted := v, v[0] == '"'
	if quoted {
		text = v[1 : len(v)-1]
	}
	switch f.kind {
	case "alias", flatObject, flattened:
		return false
	case "keyword", "string", "wildcard":
		return len(text) <= maxTerm || f.most > 0 && utf8.RuneCount(text) > f.most
	case "boolean":
		word := string(text)
		return word == "true" || word == "false" || quoted && word == ""
	case "ip":
		a, err := netip.ParseAddr(string(text))
		return quoted && err == nil && a.Zone() == ""
	case "date", "date_nanos":
		return v[0] != 't' && v[0] != 'f' && (!quoted || isTime(text))
	}
	if f.isText() {
		return true
	}
	return f.takesNumber(text, quoted)
}

// maxTerm is how many bytes a term has at most.
const maxTerm = 32766

func (f *field) takesNumber(text []byte, quoted bool) bool {
	if quoted && f.exact {
		return false
	}
	if len(text) == 0 {
		return quoted
	}
	bits := 64
	switch f.kind {
	case "byte":
		bits = 8
	case "short":
		bits = 16
	case "integer":
		bits = 32
	}
	if isInteger(text) && f.kind != "half_float" && f.kind != "unsigned_long" {
		if _, err := strconv.ParseInt(string(text), 10, bits); err == nil {
			return true
		}
	}
	n, err := strconv.ParseFloat(string(text), 64)
	if err != nil || math.IsInf(n, 0) || math.IsNaN(n) {
		return false
	}
	switch f.kind {
	case "half_float":
		return math.Abs(n) < 65520
	case "float":
		return math.Abs(n) < math.MaxFloat32
	case "double", "scaled_float":
		return true
	case "unsigned_long":
		return n >= 0 && n < 1<<64 && (!f.exact || n == math.Trunc(n))
	}
	limit := math.Ldexp(1, bits-1)
	return n >= -limit && n < limit && (!f.exact || n == math.Trunc(n))
}

// isTime reports whether a text is a time as dates take them when the mapping says nothing else.
func isTime(text []byte) bool {
	if isInteger(text) {
		return true
	}
	for _, layout := range []string{
		time.RFC3339, "2006-01-02T15:04:05", "2006-01-02", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07",
		"2006-01-02T15:04", "2006-01-02T15:04Z07:00", "2006-01-02T15", "2006-01",
	} {
		if _, err := time.Parse(layout, string(text)); err == nil {
			return true
		}
	}
	return false
}

// isInteger reports whether a text is made of digits, also behind a minus.
func isInteger(text []byte) bool {
	const longest = 19
	digits := bytes.TrimPrefix(text, []byte("-"))
	return len(digits) > 0 && len(digits) <= longest && len(bytes.Trim(digits, "0123456789")) == 0
}

// Package mapping says how indexes should map the fields of formats, as index templates, and compares these with the
// ones that a domain has.
package mapping

import (
	"maps"
	"strconv"
	"strings"
)

// Engine is what a domain runs, by its banner. The zero value is an OpenSearch of today.
type Engine struct {
	// Distribution is "opensearch" or "elasticsearch".
	Distribution string
	Version      string
	// DocType is the mapping type that the engine wants to be named, empty for none.
	DocType string
}

// version is the number of the version in two parts, zeros when it is not known.
func (e Engine) version() (major, minor int) {
	parts := strings.SplitN(e.Version+"..", ".", 3)
	major, errMajor := strconv.Atoi(parts[0])
	minor, errMinor := strconv.Atoi(parts[1])
	if errMajor != nil || errMinor != nil {
		return 0, 0
	}
	return major, minor
}

// before reports whether the engine is an Elasticsearch that is older than a version.
func (e Engine) before(major, minor int) bool {
	m, n := e.version()
	return m > 0 && e.Distribution != "opensearch" && (m < major || m == major && n < minor)
}

// composable reports whether the engine has /_index_template.
func (e Engine) composable() bool { return !e.before(7, 8) }

// HasStreams reports whether the engine has data streams.
func (e Engine) HasStreams() bool { return !e.before(7, 9) }

// Field is a name that documents have, with dots for a path, and its type as the formats call it.
type Field struct {
	Name, Type string
	// Alias is another name under which the field is found, empty for none.
	Alias string
}

// Format is what the indexes of a format are to know.
type Format struct {
	// Name is that of the template, Pattern that of the indexes, with asterisks.
	Name, Pattern string
	Fields        []Field
	// Stream says that the pattern is of data streams.
	Stream bool
	// Lifecycle is the name of a policy of ILM for the indexes, empty for none.
	Lifecycle string
}

// MaxKeyword is how many characters of a text are indexed as one term: as many as have at most 32,766 bytes, which is
// the most that the engines take. Longer ones are in the document and not in the index.
const MaxKeyword = 8191

// leaf is the definition of a field of a type.
func (e Engine) leaf(typ string) map[string]any {
	def := func(pairs ...any) map[string]any {
		out := map[string]any{}
		for i := 0; i < len(pairs); i += 2 {
			out[pairs[i].(string)] = pairs[i+1] //nolint:forcetypeassert // the calls below
		}
		return out
	}
	old := e.before(5, 0)
	keyword := func(most int) map[string]any {
		if old {
			return def("type", "string", "index", "not_analyzed", "ignore_above", most)
		}
		return def("type", "keyword", "ignore_above", most)
	}
	text := def("type", "text")
	if old {
		text = def("type", "string")
	}
	switch typ {
	case "text":
		return text
	case "keyword":
		return keyword(MaxKeyword)
	case "date", "date_or_millis":
		// The time of a record is in @timestamp: a line of another kind in the file is not turned away for how it writes its
		// own.
		return def("type", "date", "ignore_malformed", true)
	case timestamp:
		return def("type", "date")
	case "mixed":
		text["fields"] = def("keyword", keyword(mostPromoted))
		return text
	case "flat_object": // JSON as text: its words can be searched, and what is short is a term too
		if old {
			text["norms"] = def("enabled", false)
		} else {
			text["norms"] = false
		}
		text["fields"] = def("keyword", keyword(mostPromoted))
		return text
	case "ip":
		if old { // its type takes addresses of version 4 only
			return keyword(MaxKeyword)
		}
	}
	return def("type", typ)
}

// timestamp is the type of the time of a record.
const timestamp = "timestamp"

// mostPromoted is how long a JSON text may be that is a term beside its words.
const mostPromoted = 1024

// properties are the definitions of fields. Of two fields of which one is a path into the other, the first one stays.
func (e Engine) properties(fields []Field) map[string]any {
	all := map[string]any{}
	put := func(path string, leaf map[string]any) (definition map[string]any) {
		at := all
		names := strings.Split(path, ".")
		for _, name := range names[:len(names)-1] {
			inner, there := at[name].(map[string]any)
			if !there {
				inner = map[string]any{"properties": map[string]any{}}
				at[name] = inner
			}
			if at, there = inner["properties"].(map[string]any); !there {
				return nil
			}
		}
		last := names[len(names)-1]
		if at[last] == nil {
			at[last] = leaf
		}
		definition, _ = at[last].(map[string]any)
		return definition
	}
	for _, f := range fields {
		put(f.Name, e.leaf(f.Type))
	}
	for _, f := range fields {
		if f.Alias == "" || e.before(firstAlias, 4) {
			continue
		}
		// A name below the field's own one cannot be an alias, because the field is no object: the value is indexed once
		// more.
		if below, ok := strings.CutPrefix(f.Alias, f.Name+"."); ok && !strings.Contains(below, ".") {
			if leaf := put(f.Name, e.leaf(f.Type)); leaf != nil {
				leaf["fields"] = map[string]any{below: e.leaf(f.Type)}
			}
			continue
		}
		put(f.Alias, map[string]any{"type": "alias", "path": f.Name})
	}
	return all
}

// firstAlias is the version of Elasticsearch, with 4 behind it, that has aliases of fields.
const firstAlias = 6

// ours are the fields that documents of every format may have.
func ours() []Field {
	var all []Field
	for _, f := range [][2]string{
		{"@timestamp", timestamp},
		{"parse_error", "keyword"},
		{"aws.s3.bucket", "keyword"},
		{"aws.s3.key", "keyword"},
		{"penstock.format", "keyword"},
		{"penstock.file", "keyword"},
		{"penstock.entry", "keyword"},
		{"penstock.offset", "long"},
		{"penstock.part", "keyword"},
		{"penstock.time_from", "keyword"},
		{"penstock.time_zone", "keyword"},
		{"penstock.repaired", "boolean"},
	} {
		all = append(all, Field{Name: f[0], Type: f[1]})
	}
	return all
}

// base is the mapping that all indexes share. Texts that look like dates are none: the next text that does not would be
// turned away. What is not known is a term, except for messages.
func (e Engine) base() map[string]any {
	dynamic := func(name string, pairs map[string]any, typ string) map[string]any {
		rule := map[string]any{"match_mapping_type": "string", "mapping": e.leaf(typ)}
		maps.Copy(rule, pairs)
		return map[string]any{name: rule}
	}
	return map[string]any{
		"date_detection": false,
		"dynamic_templates": []any{
			dynamic("messages", map[string]any{
				"match":         `^(.*_)?(message|msg|log|text|body|stack|stack_trace|exception|MESSAGE)$`,
				"match_pattern": "regex",
			}, "text"),
			dynamic("texts", nil, "keyword"),
		},
		"properties": e.properties(ours()),
	}
}

package engine

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/wire"
	"github.com/seed56735111/penstock/internal/glob"
)

// templated merges a draft with the templates whose patterns match the name. The draft wins.
func (e *Engine) templated(name string, d draft) draft {
	fits := func(t *template) bool {
		return slices.ContainsFunc(t.patterns, func(p string) bool { return glob.Match(p, name) })
	}
	var best *template
	for _, n := range slices.Sorted(maps.Keys(e.templates)) {
		if t := e.templates[n]; fits(t) && (best == nil || t.priority > best.priority) {
			best = t
		}
	}
	if best != nil {
		base := e.compose(best)
		return base.under(d, name)
	}
	var old []*template
	for _, n := range slices.Sorted(maps.Keys(e.legacy)) {
		if fits(e.legacy[n]) {
			old = append(old, e.legacy[n])
		}
	}
	slices.SortStableFunc(old, func(a, b *template) int { return a.priority - b.priority })
	base := draft{settings: map[string]string{}, aliases: map[string]json.RawMessage{}}
	for _, t := range old {
		base = base.under(t.draft, "")
	}
	return base.under(d, name)
}

// compose merges a template with its component templates. The template wins.
func (e *Engine) compose(t *template) draft {
	d := draft{settings: map[string]string{}, aliases: map[string]json.RawMessage{}}
	for _, part := range t.parts {
		if c := e.components[part]; c != nil {
			d = d.under(c.draft, "")
		}
	}
	return d.under(t.draft, "")
}

// under puts another draft on top. When name is not empty, {index} in the names of aliases becomes it.
func (d draft) under(top draft, name string) draft {
	out := draft{
		settings: maps.Clone(d.settings), mappings: slices.Concat(d.mappings, top.mappings),
		aliases: map[string]json.RawMessage{},
	}
	maps.Copy(out.settings, top.settings)
	for _, aliases := range []map[string]json.RawMessage{d.aliases, top.aliases} {
		for alias, about := range aliases {
			if name != "" {
				alias = strings.ReplaceAll(alias, "{index}", name)
			}
			out.aliases[alias] = about
		}
	}
	return out
}

// composed merges several definitions into one mapping. Later definitions replace fields of earlier ones.
func composed(major int, definitions []*wire.Node) (*mapping.Mapping, error) {
	whole := wire.Node{Kind: wire.ObjectKind}
	for _, n := range definitions {
		if major < mapping.FirstUntyped {
			n = mapping.Untyped(n)
		}
		whole = overlay(&whole, n)
	}
	return mapping.NewMapping(major).With(&whole)
}

// overlay merges two definitions: objects are merged, anything else of the upper one replaces the lower.
func overlay(old, top *wire.Node) wire.Node {
	out := *old
	out.Members = slices.Clone(old.Members)
	places := old.Places()
	for i := range top.Members {
		m := &top.Members[i]
		at, ok := places(m.Name)
		switch {
		case !ok:
			out.Members = append(out.Members, *m)
		case isDefinition(&out.Members[at].Node) && isDefinition(&m.Node) || m.Name == "properties":
			out.Members[at].Node = overlay(&out.Members[at].Node, &m.Node)
		default:
			out.Members[at].Node = m.Node
		}
	}
	return out
}

// isDefinition says whether a value defines an object of a mapping.
func isDefinition(n *wire.Node) bool {
	_, ok := n.Get("properties")
	return ok
}

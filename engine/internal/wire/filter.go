package wire

import (
	"encoding/json"
	"iter"
	"slices"
	"strings"

	"github.com/seed56735111/penstock/internal/glob"
)

// FilterPaths keeps what the paths of ?filter_path name, or leaves out what those with a minus name. An item of an
// array of which nothing is left stays out, as it does in the real engines.
func FilterPaths(v any, paths []string) any {
	var keep, drop [][]string
	for _, p := range paths {
		if rest, ok := strings.CutPrefix(p, "-"); ok {
			drop = append(drop, strings.Split(rest, "."))
		} else if p != "" {
			keep = append(keep, strings.Split(p, "."))
		}
	}
	ok := true
	if keep != nil {
		v, ok = kept(v, keep)
	}
	if drop != nil && ok {
		v, ok = remaining(v, drop)
	}
	if !ok {
		return Object{}
	}
	return v
}

// plain makes text that is JSON into objects and lists.
func plain(v any) any {
	switch v := v.(type) {
	case List:
		return v
	case json.RawMessage:
		n, err := Parse(v)
		if err != nil {
			return v
		}
		return plain(&n)
	case Node:
		return plain(&v)
	case *Node:
		switch v.Kind {
		case ObjectKind:
			o := make(Object, 0, len(v.Members))
			for i := range v.Members {
				o = append(o, Entry{v.Members[i].Name, &v.Members[i].Node})
			}
			return o
		case ArrayKind:
			list := make([]any, 0, len(v.Items))
			for i := range v.Items {
				list = append(list, &v.Items[i])
			}
			return list
		}
	}
	return v
}

// below returns the rests of the paths that go on under a name. Whole says that one of them ends there.
func below(paths [][]string, name string) (rest [][]string, whole bool) {
	for _, p := range paths {
		switch {
		case p[0] == "**":
			rest = append(rest, p)
			if len(p) == 1 || len(p) == 2 && glob.Match(p[1], name) {
				whole = true
			} else if glob.Match(p[1], name) {
				rest = append(rest, p[2:])
			}
		case glob.Match(p[0], name):
			if len(p) == 1 {
				whole = true
			} else {
				rest = append(rest, p[1:])
			}
		}
	}
	return rest, whole
}

func kept(v any, paths [][]string) (any, bool) {
	switch v := plain(v).(type) {
	case Object:
		out := make(Object, 0, len(v))
		for _, e := range v {
			rest, whole := below(paths, e.Name)
			if whole {
				out = append(out, e)
				continue
			}
			if rest == nil {
				continue
			}
			if child, ok := kept(e.Value, rest); ok {
				out = append(out, Entry{e.Name, child})
			}
		}
		return out, len(out) > 0
	case []any:
		return each(slices.Values(v), paths, kept)
	case List:
		return each(iter.Seq[any](v), paths, kept)
	}
	return nil, false
}

// each filters the items of a list while they are written, so that a long list takes no memory beside its text.
func each(items iter.Seq[any], paths [][]string, filter func(any, [][]string) (any, bool)) (any, bool) {
	var out []any
	for item := range items {
		if item, ok := filter(item, paths); ok {
			out = append(out, json.RawMessage(Append(nil, item)))
		}
	}
	return out, len(out) > 0
}

func remaining(v any, paths [][]string) (any, bool) {
	switch v := plain(v).(type) {
	case Object:
		out := make(Object, 0, len(v))
		for _, e := range v {
			rest, whole := below(paths, e.Name)
			if whole {
				continue
			}
			if rest != nil {
				child, ok := remaining(e.Value, rest)
				if !ok {
					continue
				}
				e.Value = child
			}
			out = append(out, e)
		}
		return out, len(out) > 0
	case []any:
		return each(slices.Values(v), paths, remaining)
	case List:
		return each(iter.Seq[any](v), paths, remaining)
	default:
		return v, true
	}
}

package engine

import (
	"encoding/json"
	"strings"

	"github.com/seed56735111/penstock/engine/internal/wire"
)

// sourceFilter says which parts of a source are wanted.
type sourceFilter struct {
	none     bool
	include  []string
	exclude  []string
	explicit bool // something was said about it
}

// wanted says whether any of the source is.
func (f *sourceFilter) wanted() bool { return f != nil && !f.none }

// parseSourceFilter reads what a body says under _source.
func parseSourceFilter(n *wire.Node) (*sourceFilter, error) {
	f := &sourceFilter{explicit: true}
	texts := func(n *wire.Node) ([]string, error) {
		if n.Kind == wire.StringKind {
			return []string{n.Text}, nil
		}
		var out []string
		for i := range n.Items {
			if n.Items[i].Kind != wire.StringKind {
				return nil, wire.Errorf(400, "parsing_exception", "Unknown key for a %s in [_source].", n.Items[i].Token())
			}
			out = append(out, n.Items[i].Text)
		}
		return out, nil
	}
	var err error
	switch n.Kind {
	case wire.BoolKind:
		f.none = n.Text == "false"
	case wire.StringKind, wire.ArrayKind:
		f.include, err = texts(n)
	case wire.ObjectKind:
		for i := range n.Members {
			m := &n.Members[i]
			switch m.Name {
			case "includes", "include":
				f.include, err = texts(&m.Node)
			case "excludes", "exclude":
				f.exclude, err = texts(&m.Node)
			default:
				return nil, wire.Errorf(400, "parsing_exception", "Unknown key for a %s in [%s].", m.Node.Token(), m.Name)
			}
			if err != nil {
				return nil, err
			}
		}
	default:
		return nil, wire.Errorf(400, "parsing_exception", "Expected one of [VALUE_BOOLEAN, START_OBJECT] but found [%s]", n.Token())
	}
	return f, err
}

// sourceParameters reads what the URL says; nil when it says nothing.
func (c *call) sourceParameters() *sourceFilter {
	var f sourceFilter
	list := func(name string) []string {
		if v := c.query.Get(name); v != "" {
			return strings.Split(v, ",")
		}
		return nil
	}
	if c.query.Has("_source") {
		f.explicit = true
		switch v := c.query.Get("_source"); v {
		case "", "true":
		case "false":
			f.none = true
		default:
			f.include = strings.Split(v, ",")
		}
	}
	for _, name := range []string{"_source_includes", "_source_include"} {
		f.include = append(f.include, list(name)...)
	}
	for _, name := range []string{"_source_excludes", "_source_exclude"} {
		f.exclude = append(f.exclude, list(name)...)
	}
	if f.explicit = f.explicit || f.include != nil || f.exclude != nil; !f.explicit {
		return nil
	}
	return &f
}

// apply returns the parts of a source that are wanted.
func (f *sourceFilter) apply(source json.RawMessage) any {
	if f == nil || len(f.include) == 0 && len(f.exclude) == 0 {
		return source
	}
	n, err := wire.Parse(source)
	if err != nil {
		return source
	}
	out, _ := f.filter(&n, "", len(f.include) == 0)
	if out == nil {
		return wire.Object{}
	}
	return out
}

// filter keeps what the patterns want below a path. All is true when the whole of it is included.
func (f *sourceFilter) filter(n *wire.Node, path string, all bool) (any, bool) {
	switch n.Kind {
	case wire.ObjectKind:
		out := make(wire.Object, 0, len(n.Members))
		for i := range n.Members {
			m := &n.Members[i]
			full := path + m.Name
			if matches(f.exclude, full) {
				continue
			}
			whole := all || matches(f.include, full)
			if !whole && !leadsTo(f.include, full) {
				continue
			}
			if v, ok := f.filter(&m.Node, full+".", whole); ok {
				out = append(out, wire.Entry{Name: m.Name, Value: v})
			}
		}
		return out, len(out) > 0 || all
	case wire.ArrayKind:
		out := make([]any, 0, len(n.Items))
		for i := range n.Items {
			if v, ok := f.filter(&n.Items[i], path, all); ok {
				out = append(out, v)
			}
		}
		return out, len(out) > 0 || all
	}
	return n, all
}

func matches(patterns []string, path string) bool {
	for _, p := range patterns {
		if wire.Wildcard(p, path) {
			return true
		}
	}
	return false
}

// leadsTo says whether one of the patterns can match below a path.
func leadsTo(patterns []string, path string) bool {
	path += "."
	for _, p := range patterns {
		if head, _, wild := strings.Cut(p, "*"); strings.HasPrefix(p, path) || wild && strings.HasPrefix(path, head) || wild && strings.HasPrefix(head, path) {
			return true
		}
	}
	return false
}

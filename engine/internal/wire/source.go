package wire

import (
	"encoding/json"
	"strings"

	"github.com/seed56735111/penstock/internal/glob"
)

// SourceFilter says which parts of a source are wanted.
type SourceFilter struct {
	None    bool
	Include []string // patterns; nil: everything
	Exclude []string
}

// Wanted says whether any of the source is.
func (f *SourceFilter) Wanted() bool { return f != nil && !f.None }

// ParseSourceFilter reads what a body says under _source.
func ParseSourceFilter(n *Node) (*SourceFilter, error) {
	f := &SourceFilter{}
	texts := func(n *Node) ([]string, error) {
		if n.Kind == StringKind {
			return []string{n.Text}, nil
		}
		var out []string
		for i := range n.Items {
			if n.Items[i].Kind != StringKind {
				return nil, Errorf(400, "parsing_exception", "Unknown key for a %s in [_source].", n.Items[i].Token())
			}
			out = append(out, n.Items[i].Text)
		}
		return out, nil
	}
	var err error
	switch n.Kind {
	case BoolKind:
		f.None = n.Text == "false"
	case StringKind, ArrayKind:
		f.Include, err = texts(n)
	case ObjectKind:
		for i := range n.Members {
			m := &n.Members[i]
			switch m.Name {
			case "includes", "include":
				f.Include, err = texts(&m.Node)
			case "excludes", "exclude":
				f.Exclude, err = texts(&m.Node)
			default:
				return nil, Errorf(400, "parsing_exception", "Unknown key for a %s in [%s].", m.Node.Token(), m.Name)
			}
			if err != nil {
				return nil, err
			}
		}
	default:
		return nil, Errorf(400, "parsing_exception", "Expected one of [VALUE_BOOLEAN, START_OBJECT] but found [%s]",
			n.Token())
	}
	return f, err
}

// Apply returns the parts of a source that are wanted.
func (f *SourceFilter) Apply(source json.RawMessage) any {
	if f == nil || len(f.Include) == 0 && len(f.Exclude) == 0 {
		return source
	}
	n, err := Parse(source)
	if err != nil {
		return source
	}
	out, _ := f.filter(&n, "", len(f.Include) == 0)
	if out == nil {
		return Object{}
	}
	return out
}

// filter keeps what the patterns want below a path. All is true when the whole of it is included.
func (f *SourceFilter) filter(n *Node, path string, all bool) (any, bool) {
	switch n.Kind {
	case ObjectKind:
		out := make(Object, 0, len(n.Members))
		for i := range n.Members {
			m := &n.Members[i]
			full := path + m.Name
			if matches(f.Exclude, full) {
				continue
			}
			whole := all || matches(f.Include, full)
			if !whole && !leadsTo(f.Include, full) {
				continue
			}
			if v, ok := f.filter(&m.Node, full+".", whole); ok {
				out = append(out, Entry{Name: m.Name, Value: v})
			}
		}
		return out, len(out) > 0 || all
	case ArrayKind:
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
		if glob.Match(p, path) {
			return true
		}
	}
	return false
}

// leadsTo says whether one of the patterns can match below a path.
func leadsTo(patterns []string, path string) bool {
	path += "."
	for _, p := range patterns {
		head, _, wild := strings.Cut(p, "*")
		if strings.HasPrefix(p, path) || wild && (strings.HasPrefix(path, head) || strings.HasPrefix(head, path)) {
			return true
		}
	}
	return false
}

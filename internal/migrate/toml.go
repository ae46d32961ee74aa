package migrate

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/seed56735111/penstock/internal/config"
	"github.com/seed56735111/penstock/internal/lazyregexp"
)

// tomlLine is a line that only TOML has: a table, or a key with its value behind an equals sign.
var tomlLine = lazyregexp.New(`^(?:\[\[?\s*["'A-Za-z0-9_.-]+\s*\]|["'A-Za-z0-9_.-]+\s*=)`)

// isTOML tells by the first line that says something.
func isTOML(text []byte) bool {
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
			return tomlLine.Match(line)
		}
	}
	return false
}

// maxTOMLDepth bounds the brackets inside one another, for a parser that calls itself for each.
const maxTOMLDepth = 500

// parseTOML reads a file in TOML. Its error is a *config.MistakesError.
func parseTOML(path string, text []byte) (config.Tree, error) {
	t := &tomlTree{path: path, text: text}
	depth := 0
	for i, c := range text {
		switch c {
		case '[', '{':
			if depth++; depth > maxTOMLDepth {
				return config.Tree{}, t.wrong(i, "more than %d brackets inside one another", maxTOMLDepth)
			}
		case ']', '}':
			depth = max(depth-1, 0)
		}
	}
	t.parser.Reset(text)
	root := &config.Tree{Line: 1}
	table := root
	for t.parser.NextExpression() {
		var err error
		switch e := t.parser.Expression(); e.Kind {
		case unstable.Table, unstable.ArrayTable:
			table, err = t.table(root, e)
		case unstable.KeyValue:
			err = t.value(table, e)
		default: // a comment
		}
		if err != nil {
			return config.Tree{}, err
		}
	}
	if err := t.parser.Error(); err != nil {
		at := len(text)
		if e, ok := errors.AsType[*unstable.ParserError](err); ok && len(e.Highlight) > 0 {
			at = int(t.parser.Range(e.Highlight).Offset)
		}
		return config.Tree{}, t.wrong(at, "%s", strings.TrimPrefix(err.Error(), "toml: "))
	}
	return *root, nil
}

type tomlTree struct {
	path   string
	text   []byte
	parser unstable.Parser
	at     int // a byte of the file, and the lines that end before it
	lines  int
}

// line is the number of the line that a byte is in. Bytes mostly come in their order.
func (t *tomlTree) line(at int) int {
	if at < t.at {
		t.at, t.lines = 0, 0
	}
	t.lines += bytes.Count(t.text[t.at:at], []byte("\n"))
	t.at = at
	return 1 + t.lines
}

// wrong is a mistake at a byte of the file.
func (t *tomlTree) wrong(at int, format string, args ...any) error {
	before := t.text[:min(at, len(t.text))]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := 1 + len([]rune(string(before[bytes.LastIndexByte(before, '\n')+1:])))
	return &config.MistakesError{Path: t.path, Mistakes: []config.Mistake{
		{Line: line, Column: column, Text: fmt.Sprintf(format, args...)},
	}}
}

// key is one name of a dotted key, with where it stands.
type key struct {
	name string
	at   int
	line int
}

// keys are the names of a dotted key.
func (t *tomlTree) keys(it unstable.Iterator) (all []key) {
	for it.Next() {
		n := it.Node()
		at := int(n.Raw.Offset)
		all = append(all, key{string(n.Data), at, t.line(at)})
	}
	return all
}

// member returns the value of a name, which is made when it is not there. Of a list of tables it is the last one.
func member(in *config.Tree, k key) *config.Tree {
	for i := range in.Members {
		if m := &in.Members[i]; m.Key == k.name {
			if len(m.Items) > 0 {
				return &m.Items[len(m.Items)-1]
			}
			return m
		}
	}
	in.Members = append(in.Members, config.Tree{Key: k.name, Line: k.line})
	return &in.Members[len(in.Members)-1]
}

// table goes to a table, or adds one to a list of them.
func (t *tomlTree) table(root *config.Tree, e *unstable.Node) (*config.Tree, error) {
	at, keys := root, t.keys(e.Key())
	for i, k := range keys {
		if at.Text != "" {
			return nil, t.wrong(k.at, "%s is no table", at.Key)
		}
		last := i == len(keys)-1
		if !last || e.Kind == unstable.Table {
			if at = member(at, k); last && at.Text != "" {
				return nil, t.wrong(k.at, "%s is no table", k.name)
			}
			continue
		}
		var list *config.Tree
		for j := range at.Members {
			if at.Members[j].Key == k.name {
				list = &at.Members[j]
			}
		}
		if list == nil {
			at.Members = append(at.Members, config.Tree{Key: k.name, Line: k.line})
			list = &at.Members[len(at.Members)-1]
		}
		if len(list.Members) > 0 || list.Text != "" {
			return nil, t.wrong(k.at, "%s is no list of tables", k.name)
		}
		list.Items = append(list.Items, config.Tree{Line: k.line})
		at = &list.Items[len(list.Items)-1]
	}
	return at, nil
}

// value sets a key of a table.
func (t *tomlTree) value(table *config.Tree, e *unstable.Node) error {
	keys := t.keys(e.Key())
	at := table
	for _, k := range keys[:len(keys)-1] {
		if at = member(at, k); at.Text != "" {
			return t.wrong(k.at, "%s is no table", k.name)
		}
	}
	last := keys[len(keys)-1]
	for i := range at.Members {
		if at.Members[i].Key == last.name {
			return t.wrong(last.at, "%s stands here a second time", last.name)
		}
	}
	v, err := t.tree(e.Value())
	if err != nil {
		return err
	}
	v.Key, v.Line = last.name, last.line
	at.Members = append(at.Members, v)
	return nil
}

// tree is a value.
func (t *tomlTree) tree(n *unstable.Node) (config.Tree, error) {
	out := config.Tree{Line: t.line(int(n.Raw.Offset))}
	switch n.Kind {
	case unstable.Array:
		for it := n.Children(); it.Next(); {
			if it.Node().Kind == unstable.Comment {
				continue
			}
			item, err := t.tree(it.Node())
			if err != nil {
				return out, err
			}
			out.Items = append(out.Items, item)
		}
	case unstable.InlineTable:
		for it := n.Children(); it.Next(); {
			if it.Node().Kind != unstable.KeyValue {
				continue
			}
			if err := t.value(&out, it.Node()); err != nil {
				return out, err
			}
		}
	case unstable.Integer, unstable.Float:
		out.Text = strings.ReplaceAll(string(n.Data), "_", "")
	default:
		out.Text = string(n.Data)
	}
	return out, nil
}

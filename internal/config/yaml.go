package config

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// The bounds of a file. Its parser works by recursion, and aliases make a short text a large tree.
const (
	maxDepth   = 100
	maxAliases = 100
	maxNodes   = 200_000
)

// readYAML makes a tree of a text in YAML. It returns nil when something is wrong with the text as a whole.
func readYAML(text string, f *finder) (root *node) {
	defer func() {
		if v := recover(); v != nil { // of the parser, which is not ours
			f.wrong(place{1, 1}, "not readable as YAML: %v", v)
			root = nil
		}
	}()
	tokens := lexer.Tokenize(text)
	if !bounded(tokens, f) {
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		f.syntax(err)
		return nil
	}
	r := &yamlReader{finder: f, anchors: map[string]*node{}}
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if root != nil {
			f.wrong(at(doc.Body), "a second document begins here; a file has one")
			break
		}
		root = r.node(doc.Body)
	}
	if r.huge {
		return nil
	}
	if root == nil { // nothing but comments
		root = &node{place: place{1, 1}, kind: object}
	}
	return root
}

// syntax reports an error of the parser.
func (f *finder) syntax(err error) {
	var e interface {
		error
		GetToken() *token.Token
		GetMessage() string
	}
	if errors.As(err, &e) && e.GetToken() != nil && e.GetToken().Position != nil {
		f.wrong(of(e.GetToken()), "not YAML: %s", e.GetMessage())
		return
	}
	f.wrong(place{1, 1}, "not YAML: %s", err)
}

// bounded looks through the tokens for what the parser would go too deep for, and for what no file has. It reports
// whether there is nothing of the kind.
func bounded(tokens token.Tokens, f *finder) bool {
	depth, inLine, line := 0, 0, 0
	anchors, aliases, keys, tags := 0, 0, 0, 0
	ok := true
	refuse := func(t *token.Token, format string, args ...any) {
		f.wrong(of(t), format, args...)
		ok = false
	}
	for _, t := range tokens {
		if t.Position.Line != line {
			line, inLine = t.Position.Line, 0
		}
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			if depth++; depth == maxDepth+1 {
				refuse(t, "more than %d brackets inside one another", maxDepth)
			}
		case token.MappingEndType, token.SequenceEndType:
			depth--
		case token.SequenceEntryType:
			if inLine++; inLine == maxDepth+1 {
				refuse(t, "more than %d lists inside one another", maxDepth)
			}
		case token.MappingKeyType:
			if keys++; keys == maxDepth+1 {
				refuse(t, "more than %d keys that are written with ?", maxDepth)
			}
		case token.AnchorType:
			if anchors++; anchors == maxAliases+1 {
				refuse(t, "more than %d anchors", maxAliases)
			}
		case token.AliasType:
			if aliases++; aliases == maxAliases+1 {
				refuse(t, "more than %d aliases", maxAliases)
			}
		case token.TagType:
			f.wrong(of(t), "%s is a tag; a value has the type of its key", quoted(t.Value))
			if tags++; tags == maxAliases+1 {
				refuse(t, "more than %d tags", maxAliases)
			}
		default:
		}
	}
	return ok
}

// of is where a token stands.
func of(t *token.Token) place {
	if t == nil || t.Position == nil {
		return place{1, 1}
	}
	return place{max(t.Position.Line, 1), max(t.Position.Column, 1)}
}

// at is where the value of a node begins.
func at(n ast.Node) place {
	switch n := n.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return at(n.Values[0])
		}
	case *ast.MappingValueNode:
		return of(n.Key.GetToken())
	}
	return of(n.GetToken())
}

// yamlReader makes nodes of the parser's.
type yamlReader struct {
	*finder
	anchors map[string]*node
	huge    bool // too large a tree to look through
}

func (r *yamlReader) node(n ast.Node) *node {
	out := &node{place: at(n), size: 1}
	switch n := n.(type) {
	case *ast.NullNode:
		out.kind = null
	case *ast.StringNode:
		out.text = n.Value
	case *ast.LiteralNode:
		out.text = n.Value.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		out.text = n.GetToken().Value
	case *ast.SequenceNode:
		out.kind = list
		for _, v := range n.Values {
			out.items = append(out.items, r.node(v))
			r.grow(out, out.items[len(out.items)-1])
		}
	case *ast.MappingNode:
		out.kind = object
		for _, v := range n.Values {
			r.member(out, v)
		}
	case *ast.MappingValueNode:
		out.kind = object
		r.member(out, n)
	case *ast.AnchorNode:
		inner := r.node(n.Value)
		r.anchors[n.Name.GetToken().Value] = inner
		return inner
	case *ast.TagNode: // it was reported
		if n.Value == nil {
			out.kind = unknown
			return out
		}
		return r.node(n.Value)
	case *ast.AliasNode:
		name := n.Value.GetToken().Value
		inner, ok := r.anchors[name]
		if !ok {
			r.wrong(out.place, "*%s: no anchor &%s stands before it; a text that begins with * is written in quotes", name, name)
			out.kind = unknown
			return out
		}
		return inner
	default:
		r.wrong(out.place, "%s does not belong here", strings.ToLower(fmt.Sprint(n.Type())))
		out.kind = unknown
	}
	if !utf8.ValidString(out.text) {
		r.wrong(out.place, "not UTF-8")
	}
	return out
}

// member reads one key with its value.
func (r *yamlReader) member(to *node, n *ast.MappingValueNode) {
	where := of(n.Key.GetToken())
	if n.Key.IsMergeKey() {
		r.wrong(where, "<< is not read: an alias stands for a whole value")
		return
	}
	key := n.Key.GetToken().Value
	if s, ok := n.Key.(*ast.StringNode); ok {
		key = s.Value
	}
	switch n.Key.(type) {
	case *ast.MappingKeyNode, *ast.AliasNode, *ast.AnchorNode:
		r.wrong(where, "a key is written as its name, before a colon")
		return
	}
	value := r.node(n.Value)
	if value.kind == null && n.Value.GetToken().Type == token.ImplicitNullType {
		value.place = where // there is nothing to point at
	}
	to.members = append(to.members, member{where, key, value})
	r.grow(to, value)
}

// grow adds the size of a node to the one that it is in.
func (r *yamlReader) grow(to, by *node) {
	before := to.size
	to.size = min(to.size+by.size, maxNodes+1)
	if before <= maxNodes && to.size > maxNodes {
		r.huge = true
		r.wrong(to.place, "with its aliases resolved, this has more than %d values", maxNodes)
	}
}

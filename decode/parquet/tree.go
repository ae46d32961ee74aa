package parquet

import (
	"errors"
	"fmt"

	"github.com/seed56735111/penstock/internal/quote"
)

// node is a field of the schema.
type node struct {
	// key is the name as JSON, with a colon.
	key []byte
	// optional and repeated say that the definition level tells a value from none; defined is the level that there is one
	// from on.
	optional, repeated bool
	defined            int
	// level is the repetition level of another element.
	level int
	// first and last are the columns with values below, last exclusive.
	first, last int
	// children are the fields of a group; of a list or a map they are those of its elements.
	children []*node
	kind     kind
	value    func(dst []byte, v *value) []byte
}

type kind uint8

const (
	leaf  kind = iota
	group      // an object
	list       // of what its only repeated child holds: an array
	dict       // a map: an object when the keys are text, else an array of pairs
)

// maxDepth is how deep a schema may be nested.
const maxDepth = 64

// newTree makes a tree of the list that a file has (the Parquet format, "Nested Encoding"), and lists the columns with
// values.
func newTree(elements []element) (root *node, leaves []columnSchema, err error) {
	b := builder{rest: elements}
	root, err = b.next(0, 0, 0)
	if err == nil && (len(b.rest) > 0 || root.kind == leaf) {
		err = errors.New("schema is no tree")
	}
	return root, b.leaves, err
}

type builder struct {
	rest   []element
	leaves []columnSchema
}

func (b *builder) next(depth, defined, level int) (*node, error) {
	if len(b.rest) == 0 || depth > maxDepth {
		return nil, fmt.Errorf("schema that is no tree or has more than %d levels", maxDepth)
	}
	e := &b.rest[0]
	b.rest = b.rest[1:]
	n := &node{first: len(b.leaves), key: append(quote.Append([]byte{'"'}, []byte(e.name)), '"', ':')}
	if depth > 0 { // the root is there once
		switch e.repetition {
		case 1:
			n.optional = true
			defined++
		case 2:
			n.repeated = true
			defined++
			level++
		}
	}
	n.defined, n.level = defined, level
	if e.children < 0 {
		if e.physical < boolean || e.physical > fixed || e.length < 0 {
			return nil, fmt.Errorf("column %q of type %d and length %d", e.name, e.physical, e.length)
		}
		n.value = valueOf(e)
		b.leaves = append(b.leaves, columnSchema{e.name, e.physical, int(e.length), defined, level})
		n.last = len(b.leaves)
		return n, nil
	}
	n.kind = group
	for range e.children {
		child, err := b.next(depth+1, defined, level)
		if err != nil {
			return nil, err
		}
		n.children = append(n.children, child)
	}
	n.last = len(b.leaves)
	if n.first == n.last {
		return nil, fmt.Errorf("group %q without a column", e.name)
	}
	n.annotate(e)
	return n, nil
}

// annotate sees whether a group is a list or a map ("Lists" and "Maps" in the Parquet format's LogicalTypes.md, with
// the rules for files of older writers). Such a group has one repeated child.
func (n *node) annotate(e *element) {
	if len(n.children) != 1 || !n.children[0].repeated || n.repeated {
		return
	}
	isList, isMap := e.logical == logicalList, e.logical == logicalMap
	if e.logical == 0 {
		isList, isMap = e.converted == convertedList, e.converted == convertedMap || e.converted == convertedMapKeyValue
	}
	switch inner := n.children[0]; {
	case isMap && inner.kind == group && (len(inner.children) == 1 || len(inner.children) == 2) &&
		inner.children[0].kind == leaf:
		n.kind = dict
	case isList:
		n.kind = list
		if name := string(inner.key); inner.kind == group && len(inner.children) == 1 && !inner.children[0].repeated &&
			name != `"array":` && name != string(n.key[:len(n.key)-2])+`_tuple":` {
			// The element is the only field of the repeated group.
			n.children = []*node{{
				repeated: true, defined: inner.defined, level: inner.level, first: inner.first, last: inner.last, kind: list,
				children: inner.children,
			}}
		}
	}
}

package iam

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// node is a JSON value. Unlike encoding/json it keeps the order of names, and a name that is there twice is an error.
type node struct {
	kind    nodeKind
	text    string // of a string, number or boolean
	members []member
	items   []*node
}

type member struct {
	name  string
	value *node
}

type nodeKind uint8

const (
	nullNode nodeKind = iota
	stringNode
	numberNode
	boolNode
	arrayNode
	objectNode
)

// maxDepth bounds the nesting of a document. No valid policy comes near it.
const maxDepth = 16

// parseJSON reads one JSON value and nothing behind it.
func parseJSON(doc []byte) (*node, error) {
	if !utf8.Valid(doc) {
		return nil, errors.New("it is not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	n, err := readNode(dec, 0)
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the JSON value")
	}
	return n, nil
}

func readNode(dec *json.Decoder, depth int) (*node, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, notJSON(err)
	}
	switch v := token.(type) {
	case json.Delim:
		if depth == maxDepth {
			return nil, errors.New("it is nested too deeply")
		}
		if v == '{' {
			return readObject(dec, depth+1)
		}
		return readArray(dec, depth+1)
	case string:
		return &node{kind: stringNode, text: v}, nil
	case json.Number:
		return &node{kind: numberNode, text: v.String()}, nil
	case bool:
		return &node{kind: boolNode, text: fmt.Sprint(v)}, nil
	}
	return &node{}, nil
}

// notJSON is the decoder's error in our words.
func notJSON(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the JSON value ends too early")
	}
	return fmt.Errorf("it is not JSON: %w", err)
}

func readObject(dec *json.Decoder, depth int) (*node, error) {
	n := &node{kind: objectNode}
	seen := map[string]bool{}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return nil, notJSON(err)
		}
		name, ok := token.(string)
		if !ok {
			return nil, errors.New("it is not JSON: an object's name is no string")
		}
		if seen[name] {
			return nil, fmt.Errorf("%s is there twice", quoted(name))
		}
		seen[name] = true
		v, err := readNode(dec, depth)
		if err != nil {
			return nil, err
		}
		n.members = append(n.members, member{name, v})
	}
	if _, err := dec.Token(); err != nil {
		return nil, notJSON(err)
	}
	return n, nil
}

func readArray(dec *json.Decoder, depth int) (*node, error) {
	n := &node{kind: arrayNode}
	for dec.More() {
		v, err := readNode(dec, depth)
		if err != nil {
			return nil, err
		}
		n.items = append(n.items, v)
	}
	if _, err := dec.Token(); err != nil {
		return nil, notJSON(err)
	}
	return n, nil
}

// member returns the value under a name, nil when there is none.
func (n *node) member(name string) *node {
	for i := range n.members {
		if n.members[i].name == name {
			return n.members[i].value
		}
	}
	return nil
}

// list returns the items of an array, or the value itself.
func (n *node) list() []*node {
	if n.kind == arrayNode {
		return n.items
	}
	return []*node{n}
}

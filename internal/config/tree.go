package config

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/seed56735111/penstock/pipeline"
	"github.com/seed56735111/penstock/rules"
)

// place is where something stands in the file, both counted from 1; the column counts characters.
type place struct{ line, column int }

// kind says what a node is.
type kind uint8

const (
	scalar kind = iota
	null
	list
	object
	unknown // something is wrong with it, which is reported already
)

// String is the kind in a sentence.
func (k kind) String() string {
	return [...]string{"one value", "no value", "a list", "an object", ""}[k]
}

// node is a value of the file, whichever notation it is in. What stands at an alias is the node of its anchor.
type node struct {
	place
	kind    kind
	text    string // of a scalar, as it is written
	items   []*node
	members []member
	size    int // nodes in it, aliases resolved
}

// member is one key of an object.
type member struct {
	place
	key   string
	value *node
}

// member returns the value of a key, nil when there is none.
func (n *node) member(key string) *node {
	for i := range n.members {
		if n.members[i].key == key {
			return n.members[i].value
		}
	}
	return nil
}

// textAt is the text of a key, empty without it.
func (n *node) textAt(key string) string {
	if v := n.member(key); v != nil {
		return v.text
	}
	return ""
}

// listAt are the texts of a key that has one or a list of them.
func (n *node) listAt(key string) []string {
	v := n.member(key)
	switch {
	case v == nil:
		return nil
	case v.kind == scalar:
		return []string{v.text}
	}
	return textsOf(v)
}

// mapAt are the texts at the keys of an object.
func (n *node) mapAt(key string) map[string]string {
	v := n.member(key)
	if v == nil {
		return nil
	}
	all := map[string]string{}
	for _, m := range v.members {
		all[m.key] = m.value.text
	}
	return all
}

// Mistake is something wrong at a place of the file.
type Mistake struct {
	Line, Column int
	Text         string
	// Warning says that the file can be used all the same.
	Warning bool
}

// MistakesError is everything that is wrong with a file, in its order.
type MistakesError struct {
	Path     string
	Mistakes []Mistake
}

// Error is the first mistake with its place, and how many there are.
func (e *MistakesError) Error() string {
	more := ""
	if n := len(e.Mistakes) - 1; n == 1 {
		more = "; there is one more mistake"
	} else if n > 1 {
		more = fmt.Sprintf("; there are %d more mistakes", n)
	}
	return Line(e.Path, e.Mistakes[0]) + more
}

// Line writes a mistake with its place, as editors and terminals make a link of it.
func Line(path string, m Mistake) string {
	warning := ""
	if m.Warning {
		warning = "warning: "
	}
	return fmt.Sprintf("%s:%d:%d: %s%s", path, m.Line, m.Column, warning, m.Text)
}

// finder collects mistakes.
type finder struct {
	found []Mistake
	own   []string // the names of the formats that the file defines
	// defined are those of them that have no mistakes.
	defined []pipeline.Definition
	// tables are those of the file that have no mistake of shape.
	tables []rules.TableSource
	keys   []string // the names of its keys
}

func (f *finder) wrong(at place, format string, args ...any) {
	f.found = append(f.found, Mistake{Line: at.line, Column: at.column, Text: fmt.Sprintf(format, args...)})
}

func (f *finder) warn(at place, format string, args ...any) {
	f.wrong(at, format, args...)
	f.found[len(f.found)-1].Warning = true
}

// sorted returns the mistakes in the order of the file, each once: what an alias repeats is wrong once.
func (f *finder) sorted() []Mistake {
	slices.SortStableFunc(f.found, func(a, b Mistake) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return slices.Compact(f.found)
}

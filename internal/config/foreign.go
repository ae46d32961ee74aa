package config

// Tree is a value of a file in YAML or JSON whose keys are somebody else's.
type Tree struct {
	Line int
	// Key is the name of the value in the object that it is in.
	Key string
	// Text is what a value has that is neither a list nor an object.
	Text string
	// Items are those of a list, Members those of an object.
	Items, Members []Tree
}

// ParseTree reads a file of another program. Its error is a *MistakesError.
func ParseTree(path string, data []byte) (Tree, error) {
	f := &finder{}
	root := read(path, data, f)
	if found := f.sorted(); len(found) > 0 {
		return Tree{}, &MistakesError{Path: path, Mistakes: found}
	}
	return root.tree(""), nil
}

func (n *node) tree(key string) Tree {
	t := Tree{Line: n.line, Key: key, Text: n.text}
	for _, item := range n.items {
		t.Items = append(t.Items, item.tree(""))
	}
	for _, m := range n.members {
		member := m.value.tree(m.key)
		member.Line = m.line
		t.Members = append(t.Members, member)
	}
	return t
}

// Find returns a value by its path, whose names have dots between them. A name may have dots of its own.
func (t *Tree) Find(path string) *Tree {
	for i := range t.Members {
		m := &t.Members[i]
		if m.Key == path {
			return m
		}
		if len(path) > len(m.Key) && path[len(m.Key)] == '.' && path[:len(m.Key)] == m.Key {
			if found := m.Find(path[len(m.Key)+1:]); found != nil {
				return found
			}
		}
	}
	return nil
}

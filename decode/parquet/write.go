package parquet

// members appends the members of a group.
func (r *rows) members(dst []byte, fields []*node) ([]byte, error) {
	first := true
	for _, f := range fields {
		begin := len(dst)
		if !first {
			dst = append(dst, ',')
		}
		dst = append(dst, f.key...)
		var present bool
		var err error
		if dst, present, err = r.field(dst, f); err != nil {
			return dst, err
		}
		if !present {
			dst = dst[:begin]
			continue
		}
		first = false
	}
	return dst, nil
}

// field appends the value of a field, and reports whether there is one.
func (r *rows) field(dst []byte, n *node) (_ []byte, present bool, err error) {
	if n.repeated {
		return r.array(dst, n, n)
	}
	if n.optional {
		c := &r.columns[n.first]
		if err := c.must(); err != nil {
			return dst, false, err
		}
		if c.definition < n.defined {
			return dst, false, r.pass(n)
		}
	}
	return r.content(dst, n)
}

// content appends a value that is there.
func (r *rows) content(dst []byte, n *node) (_ []byte, present bool, err error) {
	switch n.kind {
	case leaf:
		v, err := r.columns[n.first].next()
		if v == nil {
			return dst, false, err
		}
		begin := len(dst)
		dst = n.value(dst, v)
		return dst, len(dst) > begin, r.grown(len(dst))
	case list:
		return r.array(dst, n, n.children[0])
	case dict:
		return r.dictionary(dst, n)
	case group:
	}
	dst, err = r.members(append(dst, '{'), n.children)
	return append(dst, '}'), true, err
}

// pass passes over the values of a field that is not there: one of each column.
func (r *rows) pass(n *node) error {
	for i := n.first; i < n.last; i++ {
		if _, err := r.columns[i].next(); err != nil {
			return err
		}
	}
	return nil
}

// more reports whether the next value of a column belongs to another element of what repeats at a level.
func (r *rows) more(n *node) (bool, error) {
	c := &r.columns[n.first]
	more, err := c.peek()
	return more && c.repeats == n.level, err
}

// empty reports whether there is no element, and passes over what says so.
func (r *rows) empty(n *node) (bool, error) {
	c := &r.columns[n.first]
	if err := c.must(); err != nil {
		return false, err
	}
	if c.definition < n.defined {
		return true, r.pass(n)
	}
	return false, nil
}

// array appends the elements of a field that repeats. A list without elements is an empty array; a field that is only
// repeated, and has no elements, is not there.
func (r *rows) array(dst []byte, n, elements *node) (_ []byte, present bool, err error) {
	if none, err := r.empty(elements); none || err != nil {
		return append(dst, '[', ']'), n != elements, err
	}
	dst = append(dst, '[')
	for more := true; more; {
		if dst, err = r.element(dst, elements); err != nil {
			return dst, false, err
		}
		if more, err = r.more(elements); err != nil {
			return dst, false, err
		}
		dst = append(dst, ',')
		if err := r.grown(len(dst)); err != nil { // of many nulls
			return dst, false, err
		}
	}
	dst[len(dst)-1] = ']'
	return dst, true, nil
}

// element appends one of them: null where there is nothing.
func (r *rows) element(dst []byte, n *node) ([]byte, error) {
	begin := len(dst)
	var present bool
	var err error
	if n.kind == list && n.repeated { // the group around an element
		dst, present, err = r.field(dst, n.children[0])
	} else {
		dst, present, err = r.content(dst, n)
	}
	if !present {
		dst = append(dst[:begin], "null"...)
	}
	return dst, err
}

// dictionary appends a map. A key that is no text becomes the text of its JSON.
func (r *rows) dictionary(dst []byte, n *node) (_ []byte, present bool, err error) {
	pairs := n.children[0]
	if none, err := r.empty(pairs); none || err != nil {
		return append(dst, '{', '}'), true, err
	}
	dst = append(dst, '{')
	for more := true; more; {
		if dst, err = r.pair(dst, pairs); err != nil {
			return dst, false, err
		}
		if more, err = r.more(pairs); err != nil {
			return dst, false, err
		}
		dst = append(dst, ',')
		if err := r.grown(len(dst)); err != nil {
			return dst, false, err
		}
	}
	dst[len(dst)-1] = '}'
	return dst, true, nil
}

func (r *rows) pair(dst []byte, pairs *node) ([]byte, error) {
	begin := len(dst)
	dst, present, err := r.field(dst, pairs.children[0])
	if err != nil {
		return dst, err
	}
	if key := dst[begin:]; !present {
		dst = append(dst[:begin], `""`...)
	} else if key[0] != '"' {
		dst = append(dst, 0, 0)
		copy(dst[begin+1:], dst[begin:len(dst)-2])
		dst[begin], dst[len(dst)-1] = '"', '"'
	}
	dst = append(dst, ':')
	begin = len(dst)
	if len(pairs.children) == 1 {
		return append(dst, "null"...), nil
	}
	if dst, present, err = r.field(dst, pairs.children[1]); !present {
		dst = append(dst[:begin], "null"...)
	}
	return dst, err
}

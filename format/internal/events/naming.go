package events

import (
	"bytes"
	"slices"
	"strconv"
)

// naming gives the members of one object names of their own.
type naming struct {
	members []member
	taken   map[string]int // index of the last member of a name
	// tried is how many names were made of one that several members would have.
	tried map[string]int
}

// rename gives member i a name. When another one has it, something is added: _, or else _2, _3 and so on.
func (n *naming) rename(i int, name []byte) {
	m := &n.members[i]
	if bytes.Equal(name, m.name) {
		return
	}
	if _, ok := n.taken[string(name)]; ok {
		name = n.another(name)
	}
	n.taken[string(name)] = i
	m.name = bytes.Clone(name)
}

// another returns a free name that begins with one that is taken. Many members may want the same one.
func (n *naming) another(name []byte) []byte {
	if n.tried == nil {
		n.tried = map[string]int{}
	}
	size := len(name)
	for {
		try := n.tried[string(name[:size])] + 1
		n.tried[string(name[:size])] = try
		name = append(name[:size], '_')
		if try > 1 {
			name = strconv.AppendInt(name, int64(try), 10)
		}
		if _, ok := n.taken[string(name)]; !ok {
			return name
		}
	}
}

// shapeName is what the shape stage writes where a record has "penstock" itself.
const shapeName = "penstock_"

// settle decides which members of an object stay, the last one of each name, and what they are called. depth is the
// object's.
func (w *rewriter) settle(b []byte, members []member, depth int) {
	n := naming{members: members, taken: make(map[string]int, len(members))}
	for i := range members {
		if earlier, ok := n.taken[string(members[i].name)]; ok {
			members[earlier].gone = true
		}
		n.taken[string(members[i].name)] = i
	}
	if _, ok := n.taken[shapeName]; depth == 1 && !ok {
		n.taken[shapeName] = -1
	}
	var fixed []byte
	var paths []int // of members with a path for a name
	for i := range members {
		if members[i].gone {
			continue
		}
		var path bool
		if fixed, path = w.acceptable(fixed[:0], b, &members[i], depth); path {
			paths = append(paths, i)
		} else {
			n.rename(i, fixed)
		}
	}
	// A path cannot go through a name that is no object. The shorter ones come first: a path that loses its dots can get
	// in the way of longer ones only.
	slices.SortStableFunc(paths, func(i, j int) int { return len(members[i].name) - len(members[j].name) })
	for _, i := range paths {
		if w.isBlocked(b, i, &n, depth) {
			n.rename(i, appendUndotted(fixed[:0], members[i].name))
		}
	}
}

// acceptable appends the name that a mapper takes for m, or reports that it takes m's name as a path.
func (w *rewriter) acceptable(dst, b []byte, m *member, depth int) (name []byte, path bool) {
	top := depth == 1
	switch name := m.name; {
	case isBlank(name):
		return append(dst, "_empty"...), false
	case top && isMeta(name) && !w.lifted:
		return appendUndotted(append(dst, 'x'), name), false
	case top &&
		(string(name) == "aws" && b[m.start] != '{' || string(name) == "@timestamp" && !w.ownTime ||
			string(name) == shapeName):
		return append(append(dst, name...), '_'), false
	case bytes.IndexByte(name, '.') < 0:
		return append(dst, name...), false
	case top && isReserved(name), !soundPath(name, depth):
		return appendUndotted(dst, name), false
	}
	return dst, true
}

// isBlocked reports whether the name of member i, a path, goes through that of one that is no object in the document.
func (w *rewriter) isBlocked(b []byte, i int, n *naming, depth int) bool {
	path := n.members[i].name
	for at, c := range path {
		if c != '.' {
			continue
		}
		through := path[:at]
		j, ok := n.taken[string(through)]
		if ok && (b[n.members[j].start] != '{' || depth == 1 && slices.Contains(w.opaque, string(through))) {
			return true
		}
	}
	return false
}

// appendUndotted appends a name with its dots replaced.
func appendUndotted(dst, name []byte) []byte {
	at := len(dst)
	dst = append(dst, name...)
	for i, c := range dst[at:] {
		if c == '.' {
			dst[at+i] = '_'
		}
	}
	return dst
}

package events

import (
	"slices"
)

// find returns where the value of a path begins in the valid value at b[i], 0 when it has none. Of several ones it is the first.
func find(b []byte, i int, path []string) int {
	found := 0
	each(b, i, path, func(start, _ int) bool {
		found = start
		return false
	})
	return found
}

// each calls f with the places of the values that have a path in the valid value at b[i]. A path goes through the elements of
// arrays. It reports whether f wants more.
func each(b []byte, i int, path []string, f func(start, end int) bool) bool {
	i = skipSpace(b, i)
	switch {
	case len(path) == 0:
		return f(i, skipValue(b, i))
	case b[i] == '[':
		for i = skipSpace(b, i+1); b[i] != ']'; i = nextElement(b, skipValue(b, i)) {
			if !each(b, i, path, f) {
				return false
			}
		}
		return true
	case b[i] != '{':
		return true
	}
	for i = skipSpace(b, i+1); b[i] != '}'; {
		name := i
		end := skipString(b, i)
		i = skipSpace(b, skipSpace(b, end)+1)
		if string(b[name+1:end-1]) == path[0] && !each(b, i, path[1:], f) {
			return false
		}
		i = nextElement(b, skipValue(b, i))
	}
	return true
}

// findDeepOpaque adds the values of opaque paths to the spans.
func (s *scanner) findDeepOpaque(b []byte) {
	for _, path := range s.deepOpaque {
		if s.hasDeep&(1<<path.first) == 0 {
			continue
		}
		each(b, int(s.deepAt[path.first]), path.rest, func(start, end int) bool {
			if b[start] != '"' && b[start] != 'n' {
				s.trouble |= opaqueObject
				s.spans = append(s.spans, span{start, end})
			}
			return true
		})
	}
	slices.SortFunc(s.spans, func(x, y span) int { return x.start - y.start })
}

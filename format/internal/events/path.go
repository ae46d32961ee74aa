package events

import (
	"slices"

	"github.com/seed56735111/penstock/internal/quote"
)

// find returns where the value of a path begins in the valid value at b[i], 0 when it has none. Of several ones it is
// the first.
func find(b []byte, i int, path []string) int {
	found := 0
	each(b, i, path, func(start, _ int) bool {
		found = start
		return false
	})
	return found
}

// each calls f with the places of the values that have a path in the valid value at b[i]. A path goes through the
// elements of arrays. It reports whether f wants more.
func each(b []byte, i int, path []string, f func(start, end int) bool) bool {
	i = quote.SkipSpace(b, i)
	switch {
	case len(path) == 0:
		return f(i, quote.SkipValue(b, i))
	case b[i] == '[':
		for i = quote.SkipSpace(b, i+1); b[i] != ']'; i = quote.SkipComma(b, quote.SkipValue(b, i)) {
			if !each(b, i, path, f) {
				return false
			}
		}
		return true
	case b[i] != '{':
		return true
	}
	for i = quote.SkipSpace(b, i+1); b[i] != '}'; {
		m := quote.MemberAt(b, i)
		if string(m.Name) == path[0] && !each(b, m.Value, path[1:], f) {
			return false
		}
		i = quote.SkipComma(b, m.End)
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

package redact

import (
	"bytes"
	"slices"
)

// Replacement is a text that is not to leave, and what stands in its place, as the inside of a JSON string.
type Replacement struct{ Old, New []byte }

// longWord is the least of a value that is looked for in every string, and longNumber that of one which is looked for
// among numbers: what is shorter stands in many places by chance.
const (
	longWord   = 3
	longNumber = 5
)

// AppendWithout appends text with every Old replaced that stands in it as a word of its own, however it is escaped. The
// text is the inside of a JSON string, and is one afterwards, or any bytes. It reports whether every Old was there.
func AppendWithout(dst, text []byte, all []Replacement) (out []byte, whole bool) {
	s := newScratch()
	defer s.free()
	found := s.findTexts(text, all)
	at := 0
	for _, f := range found {
		dst = append(append(dst, text[at:f.start]...), all[f.of].New...)
		at = f.end
	}
	return append(dst, text[at:]...), !slices.Contains(s.seen, false)
}

// AppendJSONWithout is AppendWithout for a JSON value, which stays one. An Old of one or two bytes is looked for in the
// members that hold whole texts alone, such as message, and a number that is an Old of five bytes or more becomes null.
// Nothing is appended when there are no hits.
func AppendJSONWithout(dst, value []byte, all []Replacement) (out []byte, hits int) {
	s := newScratch()
	defer s.free()
	found := s.findTexts(value, all)
	if len(found) == 0 {
		return dst, 0
	}
	r := rewriter{scratch: s, in: value, out: dst, hits: found, path: s.path[:0], all: all}
	r.value(0)
	s.path = r.path[:0]
	if r.n == 0 {
		return dst, 0
	}
	return append(r.out, value[r.at:]...), r.n
}

// findTexts is find for texts that are known.
func (s *scratch) findTexts(text []byte, all []Replacement) []hit {
	s.hits, s.seen = s.hits[:0], slices.Grow(s.seen[:0], len(all))[:len(all)]
	clear(s.seen)
	s.view(0).plain = text
	for level := 0; ; level++ {
		v := &s.views[level]
		b := v.text()
		before := len(s.hits)
		for i := range all {
			s.addTexts(b, i, all[i].Old)
		}
		hidden := hides(b, all)
		v.place(s.hits[before:], level, hidden)
		if !hidden || level == maxViews-1 || !s.view(level+1).decode(v) {
			break
		}
	}
	s.hits = merge(s.hits)
	return s.hits
}

// addTexts adds the places where a text stands as a word of its own.
func (s *scratch) addTexts(b []byte, of int, text []byte) {
	if len(text) == 0 {
		return
	}
	for at := 0; ; {
		i := bytes.Index(b[at:], text)
		if i < 0 {
			return
		}
		start := at + i
		at = start + len(text)
		if isWord(text[0]) && !begins(b, start) && !isBehindEscape(b, start) || isWord(text[len(text)-1]) && !ends(b, at) {
			at = start + 1
			continue
		}
		s.seen[of] = true
		s.hits = append(s.hits, hit{of: of, first: start, after: at})
	}
}

// isBehindEscape reports whether b[i] is directly behind an escape sequence, such as that of a line feed, that stands
// for no letter and no digit.
func isBehindEscape(b []byte, i int) bool {
	for _, n := range []int{2, 3, 4, 6} {
		if i < n || b[i-n] != '\\' && b[i-n] != '%' {
			continue
		}
		if r, size := escape(b, i-n); size == n {
			return r >= 0x80 || !isWord(byte(r)) //nolint:gosec // ASCII
		}
	}
	return false
}

// hides reports whether an escape in b stands for a byte of a text that is looked for, or may be a part of another one.
func hides(b []byte, all []Replacement) bool {
	for _, c := range [...]byte{'\\', '%'} {
		for at := 0; ; at++ {
			i := bytes.IndexByte(b[at:], c)
			if i < 0 {
				break
			}
			at += i
			r, n := escape(b, at)
			if n == 1 {
				continue
			}
			if r == '\\' || r == '%' || r >= 0x80 {
				return true
			}
			for j := range all {
				if bytes.IndexByte(all[j].Old, byte(r)) >= 0 { //nolint:gosec // ASCII
					return true
				}
			}
			at += n - 1
		}
	}
	return false
}

// isHolder reports whether a path names a text that other fields are taken from.
func isHolder(path []byte) bool {
	switch string(path) {
	case "message", "@message", "event.original", "event_original", "request":
		return true
	}
	return false
}

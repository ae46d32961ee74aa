package events

import (
	"maps"
	"slices"
	"strings"

	"github.com/seed56735111/penstock/format/internal/entry"
)

// Against says how near the first record of an entry, which is not of the format, is to it: from 0 to 1, and what
// speaks against it.
func (f *Row) Against(r *entry.Reader) (near float64, why string) {
	s := lookAt(r)
	i, ok := s.start()
	if !ok {
		return 0, ""
	}
	if f.Envelope != "" {
		if first, ok := s.envelope(i, f.Envelope); ok && first < len(s.text) {
			i = first
		}
	}
	if s.text[i] == '[' {
		i = skipSeparators(s.text, i+1)
	}
	for _, below := range [...]string{"", f.Within + "."} {
		if below == "." {
			continue
		}
		if n, w := f.against(s, i, below); n > near {
			near, why = n, w
		}
	}
	return near, why
}

// against is Against for the object at i, or for what is below a path in it.
func (f *Row) against(s *look, i int, below string) (near float64, why string) {
	var has, lacks []string
	for _, path := range f.Names {
		if s.value(i, below+path) > 0 {
			has = append(has, path)
		} else {
			lacks = append(lacks, path)
		}
	}
	if len(has) >= f.Least {
		for _, path := range slices.Sorted(maps.Keys(f.Is)) {
			if at := s.value(i, below+path); at == 0 || !strings.HasPrefix(string(s.text[at:]), f.Is[path]) {
				return 0.9, "its names are there, but the value of " + path + " does not begin with " + f.Is[path]
			}
		}
		return 0.9, "its names are there, but a value is one of another format"
	}
	if len(has) < 2 {
		return 0, ""
	}
	return 0.8 * float64(len(has)) / float64(f.Least), "the first record has " + strings.Join(has, ", ") + ", but not " +
		strings.Join(lacks[:min(len(lacks), 5)], ", ")
}

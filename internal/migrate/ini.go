package migrate

import (
	"fmt"
	"slices"
	"strings"
)

// entry is a line of a section.
type entry struct {
	line       int
	key, value string
}

// section is a part of a file in one of the notations with names in brackets.
type section struct {
	line    int
	name    string
	entries []entry
}

// get is the last value of a key; names have no case.
func (s *section) get(key string) string {
	for _, e := range slices.Backward(s.entries) {
		if strings.EqualFold(e.key, key) {
			return e.value
		}
	}
	return ""
}

// readSections reads sections. Cut takes a line apart. A line that begins with a space goes on with the value before
// it, when goesOn says so.
func readSections(name string, text []byte, goesOn bool, cut func(line string) (key, value string, ok bool),
) ([]section, error) {
	var all []section
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		line = strings.TrimRight(line, " \t\n")
		bare := strings.TrimSpace(line)
		if bare == "" || bare[0] == '#' || bare[0] == ';' {
			continue
		}
		if bare[0] == '[' && bare[len(bare)-1] == ']' {
			all = append(all, section{line: n, name: bare[1 : len(bare)-1]})
			continue
		}
		if len(all) == 0 {
			if bare[0] != '@' { // a command of Fluent Bit
				return nil, fmt.Errorf("%s:%d: %q stands before the first section", name, n, clipped(bare))
			}
			all = append(all, section{line: n})
		}
		s := &all[len(all)-1]
		if last := len(s.entries) - 1; goesOn && last >= 0 && line[0] != bare[0] {
			s.entries[last].value += "\n" + bare
			continue
		}
		key, value, ok := cut(bare)
		if !ok {
			return nil, fmt.Errorf("%s:%d: %q is no key with a value", name, n, clipped(bare))
		}
		s.entries = append(s.entries, entry{n, key, value})
	}
	return all, nil
}

func clipped(s string) string {
	const most = 60
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

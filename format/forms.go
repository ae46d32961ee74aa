package format

import (
	"errors"

	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/lines"
)

// forms is the grammar of a format that is written in several ways, such as lines and JSON. Each entry is in one of
// them.
type forms []entry.Grammar

// formsOf returns the ways in which a format is written.
func formsOf(g entry.Grammar) []entry.Grammar {
	switch g := g.(type) {
	case forms:
		var all []entry.Grammar
		for _, one := range g {
			all = append(all, formsOf(one)...)
		}
		return all
	case *carrier:
		return formsOf(g.Grammar)
	}
	return []entry.Grammar{g}
}

// plain returns the ways in which a format is written that carry no other one, nil for none.
func plain(g entry.Grammar) entry.Grammar {
	switch g := g.(type) {
	case *carrier, bulkBody:
		return nil
	case forms:
		var all forms
		for _, one := range g {
			if one = plain(one); one != nil {
				all = append(all, one)
			}
		}
		return all
	}
	return g
}

// Told asks all forms.
func (f forms) Told(r *entry.Reader) bool { return f.Fits(r) > 0 }

// Fits returns how many of the first lines the best form fits: all of them when it is JSON.
func (f forms) Fits(r *entry.Reader) int {
	_, n := f.best(r)
	return n
}

// best returns the form that fits most of the first lines, the first one when none does.
func (f forms) best(r *entry.Reader) (best entry.Grammar, most int) {
	best = f[0]
	for _, g := range f {
		n := 0
		if counts, ok := g.(counter); ok {
			n = counts.Fits(r)
		} else if g.Told(r) {
			n = entry.FirstLines
		}
		if n > most {
			best, most = g, n
		}
	}
	return best, most
}

// Read reads an entry in the form that it has.
func (f forms) Read(r *entry.Reader, y entry.Yield) {
	g, _ := f.best(r)
	g.Read(r, y)
}

// Documented returns the fields of all forms.
func (f forms) Documented() []entry.Field {
	var all []entry.Field
	seen := map[string]bool{}
	for _, g := range f {
		for _, field := range g.Documented() {
			if !seen[field.Name] {
				all = append(all, field)
			}
			seen[field.Name] = true
		}
	}
	return all
}

// TimedBy is for all forms.
func (f forms) TimedBy(names []string) entry.Grammar {
	all := make(forms, len(f))
	for i, g := range f {
		all[i] = timedBy(g, names)
	}
	return all
}

// timedBy returns a grammar with the names of the time, when it has names.
func timedBy(g entry.Grammar, names []string) entry.Grammar {
	switch g := g.(type) {
	case *carrier:
		g.Grammar = timedBy(g.Grammar, names)
	case entry.Timed:
		return g.TimedBy(names)
	}
	return g
}

// With returns the form that takes the parameter.
func (f forms) With(key, value string) (entry.Grammar, error) {
	for _, g := range f {
		if c, ok := g.(entry.Configurable); ok {
			return c.With(key, value)
		}
	}
	return nil, errors.New("want NAME(PARAMETER=VALUE), for a format that has parameters")
}

var _ entry.Configurable = forms{&lines.Headed{}}

package format

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format/internal/entry"
)

// leans is a grammar that says how near an entry is to it, of which it has not told that it is its own: from 0 to 1,
// and what speaks against it.
type leans interface {
	Against(r *entry.Reader) (near float64, why string)
}

const (
	mostNear  = 3   // formats that are named
	leastNear = 0.4 // how near these are
)

// near returns the formats that an entry is near to beside the one that it has, the nearest first.
func (d *Detector) near(r *entry.Reader, chosen *schema) []penstock.Near {
	type one struct {
		penstock.Near
		score float64
	}
	var all []one
	before := true // the formats that were tried before the chosen one
	for n := range d.formats {
		f := &d.formats[n]
		if f.name == chosen.name {
			before = false
			continue
		}
		score, why := d.against(r, n, chosen, before)
		if score >= leastNear {
			all = append(all, one{penstock.Near{Format: f.name, Against: why}, score})
		}
	}
	slices.SortStableFunc(all, func(x, y one) int { return cmp.Compare(y.score, x.score) })
	var most []penstock.Near
	for _, f := range all[:min(len(all), mostNear)] {
		most = append(most, f.Near)
	}
	return most
}

// against says how near an entry is to the format of a number, and what speaks against that.
func (d *Detector) against(r *entry.Reader, n int, chosen *schema, before bool) (score float64, why string) {
	if counter := d.index.counters[n]; counter != nil {
		total := len(r.Lines(entry.FirstLines))
		if fit := min(counter.Fits(r), total); fit > 0 && total > 0 {
			score = float64(fit) / float64(total)
			switch {
			case total == 1:
				return score, "its line fits too: " + chosen.name + " is more particular"
			case 2*fit > total:
				return score, fmt.Sprintf("%d of the first %d lines fit too: %s is more particular", fit, total, chosen.name)
			case fit == 1:
				return score, fmt.Sprintf("1 of the first %d lines fits", total)
			}
			return score, fmt.Sprintf("%d of the first %d lines fit", fit, total)
		}
	} else if !before && n < len(d.formats)-1 && d.formats[n].grammar.Told(r) {
		return 1, "it fits too: " + chosen.name + " is more particular"
	}
	for _, g := range formsOf(d.formats[n].grammar) {
		if g, ok := g.(leans); ok {
			if s, w := g.Against(r); s > score {
				score, why = s, w
			}
		}
	}
	return score, why
}

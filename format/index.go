package format

import (
	"math/bits"

	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/events"
	"github.com/seed56735111/penstock/format/internal/lines"
)

// index says cheaply which formats may fit an entry, however many there are: line formats by the first bytes of its
// first lines, JSON by the names of its first record.
type index struct {
	always  set
	starts  [256]set // by the first byte of a line
	dated   set      // those with lines that may begin like a date as in 2026-11-24
	rows    *events.Index
	rowSets []set // which formats have the row of that number

	// counters are the grammars that count the lines that they fit, nil for the others.
	counters []counter

	services map[string]bool
	skipping []int // formats that leave objects out by their names
}

// counter is a grammar that counts how many of the first lines it fits.
type counter interface{ Fits(r *entry.Reader) int }

// set is a set of formats by their places in the table.
type set [4]uint64

// mostFormats is how many formats a table may have.
const mostFormats = len(set{}) * 64

func (s *set) add(n int) { s[n>>6] |= 1 << (n & 63) }

func (s *set) join(other *set) {
	for i := range s {
		s[i] |= other[i]
	}
}

// keep leaves out what is not in the other set.
func (s *set) keep(other *set) {
	for i := range s {
		s[i] &= other[i]
	}
}

// next takes the first format out of the set, -1 when it is empty.
func (s *set) next() int {
	for i, w := range s {
		if w != 0 {
			s[i] &= w - 1
			return i<<6 + bits.TrailingZeros64(w)
		}
	}
	return -1
}

func newIndex(formats []schema) *index {
	if len(formats) > mostFormats {
		panic("format: the table is longer than a set of formats")
	}
	x := &index{services: map[string]bool{}}
	var rows []*events.Row
	for n := range formats {
		f := &formats[n]
		g := f.grammar
		if c, ok := g.(*carrier); ok {
			g = c.Grammar
		}
		counts, _ := g.(counter)
		x.counters = append(x.counters, counts)
		if f.service != "" {
			x.services[f.service] = true
		}
		if f.skip != nil {
			x.skipping = append(x.skipping, n)
		}
		for _, form := range formsOf(f.grammar) {
			if row, ok := form.(*events.Row); ok {
				rows = append(rows, row)
				x.rowSets = append(x.rowSets, set{})
				x.rowSets[len(rows)-1].add(n)
				continue
			}
			if d, ok := form.(interface{ MayBeDated() bool }); !ok || d.MayBeDated() {
				x.dated.add(n)
			}
			g, ok := form.(interface{ Starts() lines.Bytes })
			if !ok {
				x.always.add(n)
				continue
			}
			first := g.Starts()
			for c := range x.starts {
				if first.Has(byte(c)) {
					x.starts[c].add(n)
				}
			}
		}
	}
	x.rows = events.NewIndex(rows)
	return x
}

func (x *index) mayFit(r *entry.Reader) set {
	may := x.always
	for _, line := range r.Lines(entry.FirstLines) {
		starts := x.starts[line[0]]
		if lines.IsDated(line) {
			starts.keep(&x.dated)
		}
		may.join(&starts)
	}
	x.rows.MayFit(r, func(row int) { may.join(&x.rowSets[row]) })
	return may
}

package lines

import (
	"fmt"

	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/internal/quote"
)

// Against says how near the first line of an entry, of which no line is a record, is to one: from 0 to 1, and what
// speaks against it.
func (f *Schema) Against(r *entry.Reader) (near float64, why string) {
	first := r.Lines(1)
	if len(first) == 0 {
		return 0, ""
	}
	for _, p := range f.ready() {
		passed, reason := p.against(first[0])
		switch {
		case passed == p.least && f.Proof != nil:
			return 0.9, "its lines look like this, but nothing in the first of them shows that they are of it"
		case passed > 1 && p.least > 2 && float64(passed)/float64(p.least) > near:
			near, why = float64(passed)/float64(p.least), "the first line: "+reason
		}
	}
	return near, why
}

// against returns how many of the first fields of a line are what the plan wants to see in them, and what is wrong with
// the one behind them.
func (p *plan) against(line []byte) (passed int, why string) {
	at := 0
	for n := range p.least {
		f := &p.fields[n]
		if at >= len(line) {
			return n, fmt.Sprintf("it ends before the field %s; at least %d are needed", f.Name, p.least)
		}
		value, next, ok := p.token(n, line, at)
		switch {
		case ok && next == at && f.Optional:
			continue
		case !ok:
			return n, fmt.Sprintf("the field %s is not at position %d", f.Name, at)
		case f.Is.Is != nil && f.Kind != Head && !f.Is.Is(value), f.Kind >= Day && !isTimeValue(f.Kind, value),
			f.Pairs != nil && !f.Pairs.begins(value):
			return n, fmt.Sprintf("%s cannot be its field %s", quoted(value), f.Name)
		}
		at = next
	}
	return p.least, ""
}

// quoted returns the beginning of a value in quotes.
func quoted(value []byte) string {
	const most = 40
	if len(value) > most {
		return string(quote.Append([]byte{'"'}, value[:most])) + `…"`
	}
	return string(append(quote.Append([]byte{'"'}, value), '"'))
}

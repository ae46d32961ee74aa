package lines

import (
	"bytes"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/internal/quote"
)

// behind appends a Message, which may go on over several lines, and the fields behind it. It reports how many quotes
// stand around values.
func (r *lineReader) behind(
	b []byte, s *step, value []byte, plain bool, rec *penstock.Record,
) (_ []byte, around int, ok bool) {
	p := r.trailing
	full := r.whole[r.size-len(value):]
	end, n := p.nextLead(full, 0, 0)
	message := full[:end]
	if plain && len(message) <= len(value) {
		b = appendQuoted(append(b, s.first...), message, true)
	} else {
		b = append(quote.AppendLines(append(b, s.first...), message), '"')
	}
	for at := end; n >= 0; {
		from := at + len(p.fields[n].Lead)
		var one []byte
		if from < len(full) && full[from] == '"' {
			if closing := p.closing(full, from, n+1); closing > 0 {
				one, at, around = full[from+1:closing], closing+1, around+2
			}
		}
		var follows int
		if one == nil {
			at, follows = p.nextLead(full, from, n+1)
			one = full[from:at]
		} else {
			_, follows = p.nextLead(full[at:], 0, n+1)
		}
		if b, ok = r.append(b, n, &p.steps[n], one, plain, rec); !ok {
			return b, around, false
		}
		n = follows
	}
	return b, around, true
}

// nextLead returns where the next field begins at or behind from, and which one of those from the first on it is; the
// end and -1 for none.
func (p *plan) nextLead(text []byte, from, first int) (at, n int) {
	at, n = len(text), -1
	for i := first; i < len(p.fields); i++ {
		found := bytes.Index(text[from:min(len(text), at+len(p.fields[i].Lead))], []byte(p.fields[i].Lead))
		if found >= 0 && from+found < at {
			at, n = from+found, i
		}
	}
	return at, n
}

// closing returns the position of the quote that ends the value in quotes at i: the end of the text or a field is
// behind it.
func (p *plan) closing(text []byte, i, first int) int {
	for j := i + 1; ; j++ {
		q := bytes.IndexByte(text[j:], '"')
		if q < 0 {
			return -1
		}
		j += q
		if j+1 == len(text) {
			return j
		}
		for n := first; n < len(p.fields); n++ {
			if bytes.HasPrefix(text[j+1:], []byte(p.fields[n].Lead)) {
				return j
			}
		}
	}
}

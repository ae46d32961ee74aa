package entry

import (
	"bytes"

	"github.com/seed56735111/penstock/internal/quote"
)

// MostLines is how many lines of a sample are split, FirstLines how many of them a line format looks at: the first ones
// may be damaged, or a banner.
const (
	MostLines  = 20
	FirstLines = 5
)

// Sample returns the beginning of the entry: SampleBytes and one byte more, or all of it. Only a grammar that has not
// begun to read may ask for it.
func (r *Reader) Sample() []byte { return r.text }

// Whole reports whether the sample is the whole entry.
func (r *Reader) Whole() bool { return len(r.text) <= SampleBytes }

// Lines returns up to n of the first 20 lines of the sample that are not blank, without their line endings, and without
// those that a program draws when it starts, in which there is no letter and no digit. The last one may be cut. They
// are split once, whatever number of formats looks at them.
func (r *Reader) Lines(n int) [][]byte {
	if r.count < 0 {
		r.split()
	}
	return r.lines[:min(n, r.count)]
}

func (r *Reader) split() {
	r.count = 0
	for rest := r.text; len(rest) > 0 && r.count < MostLines; {
		line := rest
		if i := bytes.IndexByte(rest, '\n'); i >= 0 {
			line, rest = rest[:i], rest[i+1:]
		} else {
			rest = nil
		}
		if line = trimFill(bytes.TrimRight(line, "\r\n")); len(bytes.TrimSpace(line)) > 0 && (r.count > 0 || !drawn(line)) {
			r.lines[r.count] = line
			r.count++
		}
	}
}

// drawn reports whether a line has signs alone, and more of them than brackets of JSON.
func drawn(line []byte) bool {
	signs := 0
	for _, c := range line {
		switch {
		case quote.IsDigit(c), c|0x20 >= 'a' && c|0x20 <= 'z', c >= 0x80, c < ' ':
			return false
		case c != ' ':
			signs++
		}
	}
	return signs > 7
}

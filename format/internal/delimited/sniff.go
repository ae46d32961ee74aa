package delimited

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/times"
	"github.com/seed56735111/penstock/internal/quote"
)

// The sample decides about the whole entry: what sets cells apart, whether the first record names the columns, and what
// the values of each column are.

// mostRecords is how many records of a sample are looked at, mostColumns how many columns an entry may have.
const (
	mostRecords = 200
	mostColumns = 1000
	// longRow is how much of a sample a row has that it may end in; in a longer one a quote is missing.
	longRow = entry.SampleBytes / 2
)

// look is what a sample looks like, read with a dialect.
type look struct {
	dialect
	header  bool
	columns []column
	records int // behind the header
	even    int // of them, that have as many cells as the first record
	quoted  bool
	seen    [mostRecords]uint64

	banner int // how many bytes stand before the table: lines of another kind

	times []string // names of the column with the time

	turn uint64 // of the entry that it was found to be a table of
}

// column counts the kinds of the values of a column.
type column struct {
	counts [kinds]int
	filled int
	order  times.File // of day and month, as the values tell it
}

// kind is what at least nine of ten values are. A number that is an identifier is text, and all others of its column
// with it.
func (c *column) kind() kind {
	enough := func(n int) bool { return n > 0 && 10*n >= 9*c.filled }
	switch {
	case c.counts[zeroed] > 0:
	case enough(c.counts[integer]) && c.counts[decimal] == 0:
		return integer
	case enough(c.counts[integer] + c.counts[decimal]):
		return decimal
	case c.counts[decimal] == 0 && c.counts[comma] > 0 && enough(c.counts[integer]+c.counts[comma]):
		return comma
	case enough(c.counts[boolean]):
		return boolean
	case enough(c.counts[stamp]), c.order.DayFirst != c.order.MonthFirst && enough(c.counts[stamp]+c.counts[slashed]):
		return stamp
	case enough(c.counts[clock]):
		return clock
	}
	return text
}

// at looks at a sample. few says that two columns without names are no table anyway.
func (l *look) at(sample []byte, ended bool, separator byte, few bool) {
	*l = look{dialect: dialect{separator: separator}, columns: l.columns[:0]}
	sample = skipBlank(skipSeparator(sample))
	first, rest, ok := l.record(sample, ended)
	if !ok {
		return
	}
	if l.padded = padded(first, separator); l.padded {
		if first, rest, ok = l.record(sample, ended); !ok {
			return
		}
	}
	l.header = l.isHeader(first)
	l.quoted = l.hasQuotes(first)
	l.count(first, !l.header)
	if !l.header && len(l.columns) < 3 && few {
		return
	}
	for l.records < mostRecords && len(l.columns) > 1 {
		sample = skipBlank(rest)
		record, behind, ok := l.record(sample, ended)
		switch {
		case ok && l.header && bytes.Equal(record, first):
			rest = behind
		case ok:
			l.count(record, true)
			l.quoted = l.quoted || l.hasQuotes(record)
			rest = behind
		case len(sample) == 0 || !ended && len(sample) < longRow && !closes(l.dialect, sample):
			return
		default: // a line is damaged
			_, rest, _ = bytes.Cut(sample, []byte{'\n'})
			l.records++
		}
		if l.records >= 4 && 2*l.even < l.records {
			return // text, most often
		}
	}
}

// hasQuotes reports whether quotes stand around a cell.
func (l *look) hasQuotes(record []byte) bool {
	i := bytes.IndexByte(record, '"')
	return i == 0 || i > 0 && (record[i-1] == l.separator || l.padded && record[i-1] == ' ')
}

// closes reports whether a line is damaged, and does not only go on behind the sample.
func closes(d dialect, b []byte) bool {
	line, _, ok := bytes.Cut(b, []byte{'\n'})
	return ok && d.walk(entry.TrimCR(line), 0, false) == damaged
}

// count counts the cells of a record, and looks at their values when it is none of names.
func (l *look) count(record []byte, values bool) {
	n, first := 0, len(l.columns) == 0
	for i := 0; i <= len(record); n++ {
		var v []byte
		v, _, i = l.cell(record, i)
		if n >= mostColumns {
			continue
		}
		if first {
			l.columns = append(l.columns, column{})
		}
		if values && n < len(l.columns) {
			c := &l.columns[n]
			k := kindOf(v)
			if k == comma && l.separator != ';' {
				k = text
			}
			if (k == slashed || k == stamp) && bytes.IndexByte(v, '/') > 0 && len(v) < 30 {
				var b [32]byte
				c.order.Order(append(append(b[:0], v...), "  "...)) // also of a date without a time of day
			}
			if k != nothing {
				c.counts[k]++
				c.filled++
			}
		}
	}
	if !values {
		return
	}
	l.records++
	if n == len(l.columns) {
		l.even++
	}
}

// isWhole reports whether the sample is the whole entry, with its last row.
func isWhole(r *entry.Reader) bool { return r.Whole() && r.Failure() == nil }

// skipSeparator leaves out the line in which spreadsheets name the separator.
func skipSeparator(sample []byte) []byte {
	if line, rest, ok := bytes.Cut(sample, []byte{'\n'}); ok && isSeparatorLine(entry.TrimCR(line)) {
		return rest
	}
	return sample
}

func isSeparatorLine(line []byte) bool {
	return len(line) == len("sep=,") && string(line[:4]) == "sep="
}

func skipBlank(b []byte) []byte {
	for len(b) > 0 && (b[0] == '\n' || b[0] == '\r') {
		b = b[1:]
	}
	return b
}

// padded reports whether a space follows each separator that is in no quotes.
func padded(record []byte, separator byte) bool {
	n, spaces := bytes.Count(record, []byte{separator}), bytes.Count(record, []byte{separator, ' '})
	return n > 0 && n == spaces && separator != '\t'
}

// isHeader reports whether a record names columns: cells that could be names, nearly all of them different ones.
func (l *look) isHeader(record []byte) bool {
	n, named, again := 0, 0, 0
	for i := 0; i <= len(record); n++ {
		at := l.skipPad(record, i)
		quoted := at < len(record) && record[at] == '"'
		var v []byte
		v, _, i = l.cell(record, i)
		v = bytes.TrimSpace(v)
		if len(v) == 0 && n > 0 {
			continue // a column without a name
		}
		if !isName(v, quoted) {
			return false
		}
		if named < len(l.seen) && l.saw(v, named) {
			again++
		}
		named++
	}
	return named > 1 && 4*again <= named
}

// saw reports whether a name was there before, by its hash.
func (l *look) saw(name []byte, n int) bool {
	h := uint64(14695981039346656037)
	for _, c := range name {
		h = (h ^ uint64(c)) * 1099511628211
	}
	if slices.Contains(l.seen[:n], h) {
		return true
	}
	l.seen[n] = h
	return false
}

// isName reports whether a cell could be the name of a column: a few words that begin with a letter, in quotes anything
// that does.
func isName(v []byte, quoted bool) bool {
	if len(v) == 0 || len(v) > 64 || kindOf(v) != text || bytes.Contains(v, []byte("::")) {
		return false
	}
	c := v[0]
	if !isLetter(c) && (strings.IndexByte("_@#$", c) < 0 || len(v) < 2) {
		return false
	}
	if quoted {
		return true
	}
	words := 1
	for i, c := range v {
		switch {
		case c == ' ':
			words++
		case !isLetter(c) && !quote.IsDigit(c) && strings.IndexByte("_-./:()[]@#%$&+*?", c) < 0,
			c == ':' && i+1 < len(v) && !isLetter(v[i+1]), c == ':' && i+1 == len(v):
			return false
		}
	}
	return words <= 5 && v[len(v)-1] != '.'
}

// allWords reports whether all cells of a record are of one word.
func (l *look) allWords(record []byte) bool {
	return bytes.IndexByte(record, ' ') < 0 || l.quoted || l.padded && bytes.Count(record, []byte{' '}) == len(l.columns)-1
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80 }

// typed returns how many columns have values that are no text, identifiers in digits among them.
func (l *look) typed() (n int) {
	for i := range l.columns {
		c := &l.columns[i]
		if c.kind() != text || c.counts[zeroed] > 0 && c.counts[zeroed]+c.counts[integer] == c.filled ||
			c.counts[slashed] > 0 && c.counts[slashed] == c.filled {
			n++
		}
	}
	return n
}

// fits reports whether a sample shows what the name of the object, or its cells alone, promise.
func (l *look) fits(first []byte, named bool) bool {
	columns := len(l.columns)
	switch {
	case columns < 2 || 10*l.even < 8*l.records:
		return false
	case named:
		return l.header || l.records > 0 && l.even > 0
	case l.header && l.even == 0:
		return false
	case l.header && (l.typed() > 0 || l.quoted):
		return !l.padded || l.allWords(first)
	case l.header:
		return columns > 2 && l.even > 1 && l.even == l.records && l.allWords(first)
	}
	return columns > 2 && l.even > 2 && 10*l.even >= 9*l.records && l.typed() > 1 && !isCommaMillis(first, l.separator)
}

// isCommaMillis reports whether the first separator of a line is the comma in a time, as in 10:00:00,123.
func isCommaMillis(line []byte, separator byte) bool {
	i := bytes.IndexByte(line, separator)
	return separator == ',' && i >= 8 && isClock(line[i-8:i]) && digits(line[i+1:]) == 3 && i+4 < len(line) &&
		line[i+4] != separator
}

// told reports whether the sample of an entry has cells with one of the separators, and looks at it with that.
func (f *Grammar) told(r *entry.Reader, l *look) bool {
	lines := r.Lines(2)
	if len(lines) == 0 || strings.IndexByte("{[<", lines[0][0]) >= 0 {
		return false
	}
	named := f.named(r.Name)
	if len(lines) == 1 && !named {
		return false
	}
	first := lines[0]
	if isSeparatorLine(first) {
		first = lines[len(lines)-1]
	}
	for i := range len(f.Separators) {
		if bytes.IndexByte(first, f.Separators[i]) < 0 {
			continue
		}
		if l.at(r.Sample(), isWhole(r), f.Separators[i], !named); l.fits(first, named) {
			l.turn = r.Turn()
			return true
		}
	}
	for i := range len(f.Separators) {
		if l.behind(r.Sample(), isWhole(r), f.Separators[i]) {
			l.turn = r.Turn()
			return true
		}
	}
	return false
}

// mostBanner is how many lines may stand before a table: what a report is about, and when it was made.
const mostBanner = 20

// behind looks for a table behind lines of another kind, which have fewer separators than the names of its columns.
func (l *look) behind(sample []byte, ended bool, separator byte) bool {
	most := 0
	for n, at := 0, 0; n < mostBanner && at < len(sample); n++ {
		line, _, _ := bytes.Cut(sample[at:], []byte{'\n'})
		cells := bytes.Count(line, []byte{separator})
		l.dialect = dialect{separator: separator}
		if n > 0 && cells > max(1, most) && l.isHeader(entry.TrimCR(line)) {
			l.at(sample[at:], ended, separator, false)
			l.banner = at
			return l.header && l.records > 1 && l.even == l.records && (l.typed() > 0 || l.quoted) &&
				(!l.padded || l.allWords(entry.TrimCR(line)))
		}
		most = max(most, cells)
		at += len(line) + 1
	}
	return false
}

// named reports whether an object is called as such tables are, also behind what compression adds.
func (f *Grammar) named(name string) bool {
	i := strings.LastIndex(name, f.Suffix)
	return i >= 0 && (i+len(f.Suffix) == len(name) || name[i+len(f.Suffix)] == '.')
}

// Against says how near an entry, which is no table, is to one: from 0 to 1, and what speaks against it.
func (f *Grammar) Against(r *entry.Reader) (near float64, why string) {
	l := &look{}
	for i := range len(f.Separators) {
		l.at(r.Sample(), isWhole(r), f.Separators[i], false)
		if len(l.columns) < 2 || l.records < 2 || 2*l.even < l.records {
			continue
		}
		if s := 0.8 * float64(l.even) / float64(l.records); s > near {
			near = s
			why = fmt.Sprintf("%d of the first %d rows have %d cells with %q between them, ", l.even, l.records,
				len(l.columns), f.Separators[i])
			if l.header {
				why += "but they are too few to be sure of"
			} else {
				why += "but no names above them, and few values that are no text"
			}
		}
	}
	return near, why
}

package lines

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/internal/quote"
)

// Pairs is the grammar of a format whose lines are made of KEY=VALUE with spaces between them. A value may be in
// quotes, in which backslashes escape.
type Pairs struct {
	// Record is what a record is called in messages: "a logfmt record".
	Record string
	// Lead is what every line begins with, empty for anything.
	Lead string
	// Needs are keys that a line must have to tell the format, Least is how many pairs it has at least.
	Needs []string
	Least int
	// OneOf are keys of which a line must have one to tell the format.
	OneOf []string
	// Bare says that no priority of syslog stands before the pairs of the first lines.
	Bare bool
	// Not are keys that no line of the format has.
	Not []string
	// Lists says that a comma or a semicolon may stand behind a pair.
	Lists bool
	// Loose says that words without a = belong to the value before them. Otherwise such a word is a key whose value is
	// true.
	Loose bool
	// Prefixes are words that belong to the key behind them.
	Prefixes []string
	// Spaced are keys whose values may have spaces in them, without quotes.
	Spaced []string
	// Nested is a key whose value, in single quotes, is made of pairs too. Empty for none.
	Nested string
	// Separator stands between the pairs instead of spaces; values may have spaces then, and quotes are a part of them.
	Separator byte
	// Escapes are the characters that a backslash before them makes a part of the value. A quote and a backslash are
	// always some.
	Escapes string
	// Known are the fields whose values are no text, by their keys: the time is one of them.
	Known []Field

	prepare sync.Once
	typed   *plan
	known   map[string]int  // by key
	taken   map[string]bool // the names of documents that they have
	others  []string        // names that the fields around the pairs have
}

// TimedBy has the time read from the first of these keys that a line has, and from no other.
func (f *Pairs) TimedBy(names []string) entry.Grammar {
	f.Known = slices.DeleteFunc(slices.Clone(f.Known), func(one Field) bool {
		return one.Kind >= Stamp || slices.Contains(names, one.Name)
	})
	for _, name := range names {
		f.Known = append(f.Known, Field{Name: name, Kind: Stamp})
	}
	return f
}

// reserve keeps names for the fields around the pairs.
func (f *Pairs) reserve(fields []entry.Field) {
	for _, one := range fields {
		if !slices.Contains(f.others, one.Name) {
			f.others = append(f.others, one.Name)
		}
	}
}

// Starts returns the bytes with which a line begins that tells the format.
func (f *Pairs) Starts() Bytes {
	if f.Lead == "" {
		return All()
	}
	return Of(f.Lead[:1])
}

// Told looks for a line that is a record.
func (f *Pairs) Told(r *entry.Reader) bool { return f.Fits(r) > 0 }

// Fits returns how many of the first lines are records.
func (f *Pairs) Fits(r *entry.Reader) (n int) {
	for _, line := range r.Lines(entry.FirstLines) {
		if f.begins(line) {
			n++
		}
	}
	return n
}

// begins reports whether a line has the keys of the format, and most of its words are pairs.
func (f *Pairs) begins(line []byte) bool {
	if !bytes.HasPrefix(line, []byte(f.Lead)) {
		return false
	}
	if bytes.Count(line, equalsSign) < f.Least {
		return false
	}
	f.ready()
	head := priorityEnd(line)
	if head > 0 && f.Bare {
		return false
	}
	line = line[head:]
	pairs, words, needed, one := 0, 0, 0, len(f.OneOf) == 0
	for at := 0; ; words++ {
		p, next, ok := f.next(line, at, f.between(line, 0))
		if !ok {
			return false
		}
		if next == at {
			break
		}
		at = next
		if words == 0 && f.Least > 0 && !isKey(p.key) {
			return false // what begins otherwise has pairs in its message
		}
		if p.key == nil {
			continue
		}
		pairs++
		if slices.Contains(f.Not, string(p.key)) {
			return false
		}
		if slices.Contains(f.Needs, string(p.key)) {
			needed++
		}
		one = one || slices.Contains(f.OneOf, string(p.key))
		if n, ok := f.known[string(p.key)]; ok && f.Known[n].Kind >= Day && !isTimeValue(f.Known[n].Kind, p.value) {
			return false
		}
	}
	return pairs >= f.Least && needed >= len(f.Needs) && one && (f.Loose || 10*pairs >= 7*words)
}

// Read reads an entry to its end.
func (f *Pairs) Read(r *entry.Reader, y entry.Yield) {
	f.ready()
	p := newPairReader(r, f)
	r.EachLine(y, func(line []byte, offset int64) bool { return p.record(line, offset, y) })
}

// Documented returns the fields whose types are known.
func (f *Pairs) Documented() []entry.Field {
	fields := slices.Clone(f.Known)
	for i := range fields {
		fields[i].Name = string(appendKey(nil, []byte(fields[i].Name)))
	}
	return documented(fields)
}

func (f *Pairs) ready() {
	f.prepare.Do(func() {
		fields := slices.Clone(f.Known)
		f.known = map[string]int{}
		for i := range fields {
			f.known[fields[i].Name] = i
			fields[i].Name = string(appendKey(nil, []byte(fields[i].Name)))
		}
		f.taken = map[string]bool{}
		for _, field := range documented(fields) {
			f.taken[field.Name] = true
		}
		for _, name := range f.others {
			f.taken[name] = true
		}
		f.typed = newPlan(f.Record, 0, Layout{}, fields)
	})
}

// isKey reports whether a key is a word.
func isKey(key []byte) bool {
	for i, c := range key {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c == '@'
		if !letter && (i == 0 || !quote.IsDigit(c) && c != '.' && c != '-' && c != ':' && c != '/') {
			return false
		}
	}
	return len(key) > 0
}

var equalsSign = []byte("=")

// pair is one KEY=VALUE, without the quotes. A word that is none has no key.
type pair struct {
	key, value []byte
	escaped    bool // the value was in quotes
}

// next returns the pair that begins at i or behind the spaces there, and where it ends; i when there is none. ok is
// false for a quote without an end.
func (f *Pairs) next(line []byte, i int, separator byte) (p pair, next int, ok bool) {
	start := i
	for i < len(line) && (isBetween(line[i]) || line[i] == separator && separator != 0) {
		i++
	}
	if i == len(line) {
		return p, start, true
	}
	if separator != 0 {
		return separated(line, i, separator)
	}
	end := wordEnd(line, i)
	equals := bytes.IndexByte(line[i:end], '=')
	if equals < 0 && end < len(line) && slices.Contains(f.Prefixes, string(line[i:end])) {
		end = wordEnd(line, end+1)
		equals = bytes.IndexByte(line[i:end], '=')
	}
	if equals <= 0 {
		return pair{value: line[i:end]}, end, true
	}
	p.key = line[i : i+equals]
	i += equals + 1
	if i < len(line) && (line[i] == '"' || line[i] == '\'') {
		closing := closingQuote(line, i)
		if closing < 0 {
			return p, i, false
		}
		p.value, p.escaped = line[i+1:closing], line[i] == '"'
		if next = closing + 1; f.Lists && next < len(line) && (line[next] == ',' || line[next] == ';') {
			next++
		}
		return p, next, true
	}
	if f.Loose || len(f.Spaced) > 0 && slices.Contains(f.Spaced, string(p.key)) {
		end = f.looseEnd(line, end)
	}
	p.value = line[i:end]
	if f.Lists {
		p.value = bytes.TrimRight(p.value, ",;")
	}
	return p, end, true
}

// between returns what stands between the pairs of a line: what it says itself, the Separator when there is one in it,
// or 0 for spaces.
func (f *Pairs) between(line []byte, delimiter byte) byte {
	switch {
	case delimiter != 0:
		return delimiter
	case f.Separator != 0 && bytes.IndexByte(line, f.Separator) >= 0:
		return f.Separator
	}
	return 0
}

// separated is next for pairs that a separator stands between.
func separated(line []byte, i int, separator byte) (p pair, next int, ok bool) {
	end := len(line)
	if n := bytes.IndexByte(line[i:], separator); n >= 0 {
		end = i + n
	}
	if equals := bytes.IndexByte(line[i:end], '='); equals > 0 {
		return pair{key: line[i : i+equals], value: line[i+equals+1 : end]}, end, true
	}
	return pair{value: line[i:end]}, end, true
}

// isBetween reports whether a byte stands between words: white space, or what the audit daemon writes before
// interpreted values.
func isBetween(c byte) bool { return c == ' ' || c == '\t' || c == 0x1d }

func wordEnd(line []byte, i int) int {
	for i < len(line) && !isBetween(line[i]) {
		i++
	}
	return i
}

// looseEnd returns where a value ends whose first word ends at end: before the word that has the next =.
func (f *Pairs) looseEnd(line []byte, end int) int {
	for at := end; at < len(line); {
		at++
		stop := wordEnd(line, at)
		if equals := bytes.IndexByte(line[at:stop], '='); equals > 0 && line[at+equals-1] != '\\' {
			return end
		}
		end, at = stop, stop
	}
	return end
}

// closingQuote returns the position of the quote that closes the one at i, -1 for none.
func closingQuote(line []byte, i int) int {
	for j := i + 1; j < len(line); j++ {
		switch line[j] {
		case '\\':
			j++
		case line[i]:
			return j
		}
	}
	return -1
}

// pairReader turns the pairs of one entry into fields of records.
type pairReader struct {
	lineReader
	*Pairs
}

type pairReaders struct{}

func newPairReader(r *entry.Reader, f *Pairs) *pairReader {
	f.ready()
	p := entry.State(r, pairReaders{}, func() *pairReader { return &pairReader{} })
	*p = pairReader{lineReader: lineReader{Reader: r, plan: f.typed, both: p.both, names: p.names[:0]}, Pairs: f}
	return p
}

// pairsOf returns the reader of the pairs in a field.
func (r *lineReader) pairsOf(f *Pairs) *pairReader {
	if r.pairs == nil || r.pairs.Pairs != f {
		r.pairs = newPairReader(r.Reader, f)
	}
	return r.pairs
}

func (r *pairReader) record(line []byte, offset int64, y entry.Yield) bool {
	rec := penstock.Record{Offset: offset, Raw: line}
	head := priorityEnd(line)
	b, at, pairs, words := r.each(append(r.Buffer(len(line)), '{'), line[head:], &rec)
	if head > 0 && at < 0 {
		b = append(b, `,"`...)
		b = append(r.unique(append(b, "priority"...), len(b)), `":"`...)
		b = append(append(b, line[1:head-1]...), '"') // text, as the values of the pairs
	}
	r.JSON = b
	switch {
	case at >= 0:
		return r.EmitUnparsed(offset, line, entry.Unexpected(r.Record, line, head+at), y)
	case pairs < r.Least || pairs < words-pairs:
		return r.EmitUnparsed(offset, line, entry.Because("not "+r.Record+": too few pairs"), y)
	}
	if len(b) == 1 {
		b = append(b, ',')
	}
	b[1] = '{'
	r.JSON = append(b, '}')
	rec.JSON = r.JSON[1:]
	return r.Emit(rec, y)
}

// all appends the pairs of a field. It reports false when something in it cannot be.
func (r *pairReader) all(b, value []byte, delimiter byte, rec *penstock.Record) ([]byte, bool) {
	r.delimiter = delimiter
	if r.Loose {
		value = bytes.TrimRight(value, " ")
	}
	b, at, _, _ := r.each(b, value, rec)
	return b, at < 0
}

// each appends the pairs of a line. It returns the position of what cannot be, or -1, and how many pairs and words
// there are.
func (r *pairReader) each(b, line []byte, rec *penstock.Record) (_ []byte, bad, pairs, words int) {
	r.names, r.date, r.clock = r.names[:0], nil, nil
	b, bad, pairs, words = r.within(b, line, rec)
	if bad < 0 && r.clock != nil && rec.Time.IsZero() {
		rec.Time = r.joined()
	}
	return b, bad, pairs, words
}

// within is each for a part of a line.
func (r *pairReader) within(b, line []byte, rec *penstock.Record) (_ []byte, bad, pairs, words int) {
	separator := r.between(line, r.delimiter)
	for at := 0; ; words++ {
		p, next, ok := r.next(line, at, separator)
		if ok && next > at {
			if r.Nested != "" && string(p.key) == r.Nested && !p.escaped && bytes.IndexByte(p.value, '=') >= 0 {
				b, bad, _, _ = r.within(b, p.value, rec)
				ok = bad < 0
			} else {
				b, ok = r.pair(b, p, rec)
			}
		}
		if !ok || words > mostFields {
			return b, at, pairs, words
		}
		if next == at {
			return b, -1, pairs, words
		}
		if p.key != nil {
			pairs++
		}
		at = next
	}
}

// pair appends a pair. It reports false for a value that its field cannot have.
func (r *pairReader) pair(b []byte, p pair, rec *penstock.Record) ([]byte, bool) {
	if n, ok := r.known[string(p.key)]; ok {
		size := len(b)
		b, ok = r.append(b, n, &r.steps[n], p.value, false, rec)
		// What is written for an address or a request has names of its own: they count as one.
		if len(b) > size && !r.take(b, size+2, size+2+len(r.typed.fields[n].Name)) {
			b = b[:size] // once more: the first one counts
		}
		return b, ok
	}
	if p.key == nil && r.Loose {
		return b, false
	}
	b = append(b, `,"`...)
	from := len(b)
	if p.key == nil {
		b = r.unique(appendKey(b, p.value), from)
		return append(b, `":true`...), true
	}
	b = r.unique(appendKey(b, p.key), from)
	b = append(b, `":"`...)
	if p.escaped {
		return append(appendUnescaped(b, p.value, `"\\`), '"'), true
	}
	if r.Escapes != "" {
		return append(appendUnescaped(b, p.value, r.Escapes), '"'), true
	}
	return append(quote.Append(b, p.value), '"'), true
}

// take takes note of a name in the document, and reports whether it is the first one.
func (r *pairReader) take(b []byte, from, to int) bool {
	for _, n := range r.names {
		if bytes.Equal(b[n.from:n.to], b[from:to]) {
			return false
		}
	}
	r.names = append(r.names, name{from, to})
	return true
}

// unique makes the name at the end of the document one that no field has: with _2 and so on behind it.
func (r *pairReader) unique(b []byte, from int) []byte {
	size := len(b)
	for n := 2; r.taken[string(b[from:])] || !r.take(b, from, len(b)); n++ {
		b = strconv.AppendInt(append(b[:size], '_'), int64(n), 10)
	}
	return b
}

// appendKey appends what a key is called in a document: its letters, digits and _, and one _ for anything else.
func appendKey(b, key []byte) []byte {
	from := len(b)
	for _, c := range key {
		switch {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || quote.IsDigit(c):
			b = append(b, c)
		case len(b) > from && b[len(b)-1] != '_':
			b = append(b, '_')
		}
	}
	b = b[:from+len(bytes.TrimRight(b[from:], "_"))]
	switch {
	case len(b) == from:
		b = append(b, 'x')
	case string(b[from:]) == penstock.NameAWS || string(b[from:]) == penstock.NameMeta:
		b = append(b, "_x"...)
	}
	return b
}

// appendUnescaped appends the text of a value in which some characters stand behind backslashes. Other backslashes are
// kept.
func appendUnescaped(b, value []byte, escapes string) []byte {
	for {
		i := bytes.IndexByte(value, '\\')
		if i < 0 || i+1 == len(value) {
			return quote.Append(b, value)
		}
		b = quote.Append(b, value[:i])
		switch c := value[i+1]; {
		case c == 'n' || c == 't' || c == 'r' || c == '"' || c == '\\':
			b = append(b, '\\', c)
		case strings.IndexByte(escapes, c) >= 0:
			b = quote.Append(b, value[i+1:i+2])
		default:
			b = quote.Append(b, value[i:i+2])
		}
		value = value[i+2:]
	}
}

package lines

import (
	"bytes"
	"slices"
	"strconv"
	"sync"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/quote"
)

// Pairs is the grammar of a format whose lines are made of KEY=VALUE with spaces between them. A value may be in quotes, in which
// backslashes escape.
type Pairs struct {
	// Record is what a record is called in messages: "a logfmt record".
	Record string
	// Lead is what every line begins with, empty for anything.
	Lead string
	// Needs are keys that a line must have to tell the format, Least is how many pairs it has at least.
	Needs []string
	Least int
	// Loose says that words without a = belong to the value before them. Otherwise such a word is a key whose value is true.
	Loose bool
	// Known are the fields whose values are no text, by their keys: the time is one of them.
	Known []Field

	prepare sync.Once
	typed   *plan
	known   map[string]int // by key
	taken   []string       // the names of documents that they have
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
	f.ready()
	pairs, words, needed := 0, 0, 0
	for at := 0; ; words++ {
		p, next, ok := f.next(line, at)
		if !ok {
			return false
		}
		if next == at {
			break
		}
		at = next
		if p.key == nil {
			continue
		}
		pairs++
		if slices.Contains(f.Needs, string(p.key)) {
			needed++
		}
		if n, ok := f.known[string(p.key)]; ok && f.Known[n].Kind >= Day && !isTimeValue(f.Known[n].Kind, p.value) {
			return false
		}
	}
	return pairs >= f.Least && needed >= len(f.Needs) && (f.Loose || 10*pairs >= 7*words)
}

// Read reads an entry to its end.
func (f *Pairs) Read(r *entry.Reader, y entry.Yield) {
	f.ready()
	p := entry.State(r, pairReaders{}, func() *pairReader { return &pairReader{} })
	*p = pairReader{lineReader: newLineReader(r, f.typed), Pairs: f, names: p.names[:0]}
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
		for _, field := range documented(fields) {
			f.taken = append(f.taken, field.Name)
		}
		f.typed = newPlan(f.Record, 0, Layout{}, fields)
	})
}

// pair is one KEY=VALUE, without the quotes. A word that is none has no key.
type pair struct {
	key, value []byte
	escaped    bool // the value was in quotes
}

// next returns the pair that begins at i or behind the spaces there, and where it ends; i when there is none. ok is false for a quote
// without an end.
func (f *Pairs) next(line []byte, i int) (p pair, next int, ok bool) {
	start := i
	for i < len(line) && (line[i] == ' ' || line[i] == '\t') {
		i++
	}
	if i == len(line) {
		return p, start, true
	}
	end := wordEnd(line, i)
	equals := bytes.IndexByte(line[i:end], '=')
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
		return p, closing + 1, true
	}
	if f.Loose {
		end = f.looseEnd(line, end)
	}
	p.value = line[i:end]
	return p, end, true
}

func wordEnd(line []byte, i int) int {
	if n := bytes.IndexAny(line[i:], " \t"); n >= 0 {
		return i + n
	}
	return len(line)
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

// pairReader turns the lines of one entry into records.
type pairReader struct {
	*lineReader
	*Pairs
	names []name // of the record at hand
}

// name is where a name stands in the document.
type name struct{ from, to int }

type pairReaders struct{}

func (r *pairReader) record(line []byte, offset int64, y entry.Yield) bool {
	rec := penstock.Record{Offset: offset, Raw: line}
	r.names, r.more, r.date, r.clock = r.names[:0], nil, nil, nil
	b := append(r.JSON[:0], '{')
	pairs := 0
	for at := 0; ; pairs++ {
		p, next, ok := r.next(line, at)
		if ok && next > at {
			b, ok = r.pair(b, p, &rec)
		}
		if !ok || pairs > mostFields {
			r.JSON = b
			return r.EmitUnparsed(offset, line, entry.Unexpected(r.Record, line, at), y)
		}
		if next == at {
			break
		}
		at = next
	}
	if pairs < r.Least {
		r.JSON = b
		return r.EmitUnparsed(offset, line, entry.Because("not "+r.Record+": too few pairs"), y)
	}
	if r.clock != nil {
		rec.Time = r.joined()
	}
	if len(b) == 1 {
		b = append(b, ',')
	}
	b[1] = '{'
	r.JSON = append(b, '}')
	rec.JSON = r.JSON[1:]
	return r.Emit(rec, y)
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
		return append(appendUnescaped(b, p.value), '"'), true
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
	for n := 2; slices.Contains(r.taken, string(b[from:])) || !r.take(b, from, len(b)); n++ {
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
	case string(b[from:]) == "aws" || string(b[from:]) == "penstock":
		b = append(b, "_x"...)
	}
	return b
}

// appendUnescaped appends the text of a value in quotes.
func appendUnescaped(b, value []byte) []byte {
	for {
		i := bytes.IndexByte(value, '\\')
		if i < 0 || i+1 == len(value) {
			return quote.Append(b, value)
		}
		b = quote.Append(b, value[:i])
		switch c := value[i+1]; c {
		case 'n', 't', 'r', '"', '\\':
			b = append(b, '\\', c)
		default:
			b = quote.Append(b, value[i:i+2])
		}
		value = value[i+2:]
	}
}

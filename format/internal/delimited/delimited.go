// Package delimited reads tables: records whose cells are set apart by a separator, as in RFC 4180. What separates
// them, whether the first record names the columns and which types they have is told by the beginning of an entry, and
// holds for all of it.
package delimited

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/times"
	"github.com/seed56735111/penstock/internal/quote"
)

// Grammar is the grammar of a format whose records are rows of a table.
type Grammar struct {
	// Record is what a record is called in messages.
	Record string
	// Separators may set the cells of an entry apart; the first one that fits does.
	Separators string
	// Suffix is that of names of objects that hold such a table: it decides where a table has one row, or text only.
	Suffix string
	// Fields are the names of the columns in entries that do not have them; nil for those that a sample shows.
	Fields []string
	// Times are the names of the column with the time, the best one first, before the usual ones.
	Times []string
}

// TimedBy returns the grammar with names of the column that has the time.
func (f *Grammar) TimedBy(names []string) entry.Grammar {
	timed := *f
	timed.Times = names
	return &timed
}

// Told looks for rows that are alike, below names or with values that are no text.
func (f *Grammar) Told(r *entry.Reader) bool { return f.told(r, &f.state(r).look) }

// Documented returns nothing: the names are those that the columns have.
func (f *Grammar) Documented() []entry.Field { return nil }

// With returns the grammar with the parameter fields: the names of the columns in entries that have none.
func (f *Grammar) With(key, value string) (entry.Grammar, error) {
	if key != "fields" {
		return nil, fmt.Errorf("no parameter is called %q: there is fields", key)
	}
	names := strings.Split(value, ",")
	for i := range names {
		if names[i] = strings.TrimSpace(names[i]); names[i] == "" {
			return nil, errors.New("the parameter fields has a column without a name")
		}
	}
	if len(names) > mostColumns {
		return nil, fmt.Errorf("the parameter fields has %d names: at most %d are allowed", len(names), mostColumns)
	}
	return &Grammar{Record: f.Record, Separators: f.Separators, Suffix: f.Suffix, Fields: names, Times: f.Times}, nil
}

// state returns the reader that is kept with an entry's buffers. Each grammar has its own: what one has told of an
// entry stays when others are asked.
func (f *Grammar) state(r *entry.Reader) *reader {
	return entry.State(r, f, func() *reader { return &reader{} })
}

// reader turns the rows of one entry into records.
type reader struct {
	*entry.Reader
	look   look
	plan   plan
	header []byte // the record with the names
	date   []byte // of the record at hand
	clock  []byte
	both   []byte
	recent times.Recent
	record string
	began  bool // something other than a frame has been read
}

// Read reads an entry.
func (f *Grammar) Read(in *entry.Reader, y entry.Yield) {
	r := f.state(in)
	r.Reader, r.record, r.began, r.header = in, f.Record, false, r.header[:0]
	f.choose(in, &r.look)
	r.look.times = f.Times
	r.rows(f, y)
	r.Reader = nil
}

// choose looks at an entry that is read whatever it looks like.
func (f *Grammar) choose(r *entry.Reader, l *look) {
	if l.turn == r.Turn() || f.told(r, l) {
		l.header = l.header && f.Fields == nil
		return
	}
	best, columns := f.Separators[0], 1
	for i := range len(f.Separators) {
		if l.at(r.Sample(), isWhole(r), f.Separators[i], false); len(l.columns) > columns && 2*l.even >= l.records {
			best, columns = f.Separators[i], len(l.columns)
		}
	}
	l.at(r.Sample(), isWhole(r), best, false)
	l.header = l.header && f.Fields == nil
}

// rows hands over the rows of the entry.
func (r *reader) rows(f *Grammar, y entry.Yield) {
	if !r.look.header {
		r.plan.make(&r.look, f.Fields, nil)
	}
	banner := r.look.banner
	for {
		end, ok, _ := r.LineEnd(0)
		switch {
		case !ok && r.Ended() && r.Len() <= r.Max:
			r.EmitFailure(y)
			return
		case !ok:
			r.began = true
			if !r.SkipLine(y) {
				return
			}
			continue
		}
		line := r.upTo(end)
		before := banner > 0
		banner -= end
		if entry.IsBlank(line) {
			r.Advance(end)
			continue
		}
		if before {
			offset := r.Offset()
			r.Advance(end)
			if !r.message(line, offset, y) {
				return
			}
			continue
		}
		if !r.row(line, end, y) {
			return
		}
	}
}

// message hands over a line that stands before the table.
func (r *reader) message(line []byte, offset int64, y entry.Yield) bool {
	r.JSON = append(r.Buffer(len(line)), `{"message":"`...)
	r.JSON = append(quote.Append(r.JSON, line), `"}`...)
	return r.Emit(penstock.Record{Offset: offset, Raw: line, JSON: r.JSON}, y)
}

// upTo returns the bytes of the window up to the end of a line, without that.
func (r *reader) upTo(end int) []byte {
	return entry.TrimCR(bytes.TrimSuffix(r.Bytes()[:end], []byte{'\n'}))
}

// row hands over the row whose first line is at the beginning of the window.
func (r *reader) row(line []byte, end int, y entry.Yield) bool {
	offset := r.Offset()
	if r.began && !bytes.Equal(line, r.header) {
		rec := penstock.Record{Offset: offset, Raw: line}
		if b, n, ok := r.quick(line, &rec); ok {
			r.Advance(end)
			return r.emit(b, n, &rec, y)
		}
	}
	s := complete
	if bytes.IndexByte(line, '"') >= 0 {
		first := end
		if line, end, s = r.lines(line, end); s == open && r.Ended() && r.Len() <= r.Max &&
			r.BreaksOff("its last row, which has no closing quote,", y) {
			return false
		}
		if s != complete {
			end = first
			line = r.upTo(end)
		}
	}
	r.Advance(end)
	switch {
	case s != complete:
		r.began = true
		return r.EmitUnparsed(offset, line, func(dst []byte) []byte {
			return append(append(append(dst, "not "...), r.record...), ": a quote does not end its cell"...)
		}, y)
	case !r.began && isSeparatorLine(line):
		r.Frame(offset, int64(len(line)))
		return true
	case r.look.header && !r.began:
		r.header = append(r.header, line...)
		r.plan.make(&r.look, nil, line)
		r.Frame(offset, int64(len(line)))
		r.began = true
		return true
	case len(r.header) > 0 && bytes.Equal(line, r.header):
		r.Frame(offset, int64(len(line))) // of a file that was appended
		return true
	}
	r.began = true
	rec := penstock.Record{Offset: offset, Raw: line}
	b, n := r.cells(line, &rec)
	return r.emit(b, n, &rec, y)
}

// lines returns the row that begins in a line and may go on over others, and where its last line ends.
func (r *reader) lines(line []byte, end int) (row []byte, rowEnd int, s state) {
	s = r.look.walk(line, 0, false)
	for s == open {
		at := len(line)
		next, ok, _ := r.LineEnd(end)
		if !ok || next > r.Max {
			return line, end, open
		}
		end = next
		line = r.upTo(end)
		s = r.look.walk(line, at, true)
	}
	return line, end, s
}

// cells appends the values of a row, which has n cells.
func (r *reader) cells(row []byte, rec *penstock.Record) (b []byte, n int) {
	r.date, r.clock, rec.Time = nil, nil, time.Time{}
	b = append(r.Buffer(len(row)), '{')
	columns := r.plan.columns
	for i := 0; i <= len(row); n++ {
		var v []byte
		var doubled bool
		v, doubled, i = r.look.cell(row, i)
		switch {
		case len(v) == 0:
		case n < len(columns):
			b = r.value(b, &columns[n], n, v, doubled, rec)
		case n < len(columns)+mostBeyond:
			b = strconv.AppendInt(append(b, `,"field_`...), int64(n+1), 10)
			b = appendCell(append(b, `":"`...), v, doubled)
		}
	}
	return b, n
}

// emit hands over a row of n cells as a record: b is what becomes of their values.
func (r *reader) emit(b []byte, n int, rec *penstock.Record, y entry.Yield) bool {
	r.JSON = b
	columns := len(r.plan.columns)
	if n > columns+mostBeyond || 2*n < columns || n == 1 && columns > 1 {
		return r.uneven(rec.Raw, rec.Offset, n, y)
	}
	if r.clock != nil && r.date != nil {
		rec.Time = r.joined()
	}
	if len(b) > 1 {
		b[1] = '{' // over the first comma
		r.JSON = append(b, '}')
		rec.JSON = r.JSON[1:]
	} else {
		r.JSON = append(b, '}')
		rec.JSON = r.JSON
	}
	return r.Emit(*rec, y)
}

// mostBeyond is how many cells a row may have beyond the columns.
const mostBeyond = 99

// uneven hands over a row with another number of cells than there are columns.
func (r *reader) uneven(row []byte, offset int64, cells int, y entry.Yield) bool {
	return r.EmitUnparsed(offset, row, func(dst []byte) []byte {
		dst = append(append(append(dst, "not "...), r.record...), ": "...)
		dst = append(strconv.AppendInt(dst, int64(cells), 10), " cells where there are "...)
		return append(strconv.AppendInt(dst, int64(len(r.plan.columns)), 10), " columns"...)
	}, y)
}

// value appends the value of a column, under another name when it is not of the column's kind.
func (r *reader) value(b []byte, c *planned, n int, v []byte, doubled bool, rec *penstock.Record) []byte {
	switch c.kind {
	case text:
		return appendCell(append(b, c.quoted...), v, doubled)
	case boolean:
		if kindOf(v) == boolean {
			if v[0]|0x20 == 't' {
				return append(append(b, c.bare...), "true"...)
			}
			return append(append(b, c.bare...), "false"...)
		}
	case clock:
		if isClock(v) {
			if n == r.plan.clock {
				r.clock = v
			}
			return appendCell(append(b, c.quoted...), v, false)
		}
	case stamp:
		t, ok := stampOf(v)
		if !ok {
			t, ok = dayOf(&c.order, v)
		}
		if ok {
			if n == r.plan.time {
				rec.Time, r.date = t, v
			}
			return appendCell(append(b, c.quoted...), v, false)
		}
	case comma:
		if isComma(v) {
			return appendComma(append(b, c.bare...), v)
		}
		if numberKind(v) == integer {
			return append(append(append(b, c.bare...), v...), ".0"...)
		}
	default:
		if k := numberKind(v); k == c.kind || k == integer {
			if n == r.plan.time {
				rec.Time = epoch(v)
			}
			b = append(append(b, c.bare...), v...)
			if k != c.kind {
				b = append(b, ".0"...) // an index that sees no fraction in the first document cuts off those of the others
			}
			return b
		}
	}
	return appendCell(append(b, c.other...), v, doubled)
}

func epoch(v []byte) time.Time {
	t, size, ok := times.Epoch(v)
	if !ok || size != len(v) {
		return time.Time{}
	}
	return t
}

// joined returns the time of a record that has its date and its time of day in two columns.
func (r *reader) joined() time.Time {
	r.both = append(append(append(r.both[:0], r.date...), ' '), r.clock...)
	t, n, ok := times.ISO(r.both)
	if !ok {
		t, n = r.plan.columns[r.plan.time].order.Leading(r.both)
	}
	if n != len(r.both) {
		return time.Time{}
	}
	return t
}

// appendCell appends the rest of a JSON string.
func appendCell(b, v []byte, doubled bool) []byte {
	for doubled {
		i := bytes.IndexByte(v, '"')
		if i < 0 {
			break
		}
		b = append(quote.Append(b, v[:i]), `\"`...)
		v = v[i+2:]
	}
	if quote.IsPlain(v) {
		return append(append(b, v...), '"')
	}
	return append(quote.Append(b, v), '"')
}

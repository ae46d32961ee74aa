package multiline

import (
	"bytes"
	"strconv"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/lines"
	"github.com/seed56735111/penstock/format/internal/times"
	"github.com/seed56735111/penstock/internal/quote"
)

// Events is the grammar of a format whose records begin with a line of a known form, and may go on over lines of other
// forms.
type Events struct {
	// Record is what a record is called in messages: "a PostgreSQL record".
	Record string
	// First are the bytes that the first line of a record begins with.
	First lines.Bytes
	// Begins reports whether a line is the first one of a record. So does, while an entry is read, any that begins with a
	// time.
	Begins func(f times.File, line []byte) bool
	// Banner, when set, tells lines that a program writes when it starts. They go with the record behind them.
	Banner func(line []byte) bool
	// Joins, when set, tells lines behind which no record begins.
	Joins func(f times.File, line []byte) bool
	// Loose says that all other lines go on with the record before them. Else those do that are indented, or look like it.
	Loose bool
	// Inside says that a line which begins with a time, and no record, is inside of one too.
	Inside bool
	// Write writes the fields of a record and reports whether it is one.
	Write func(w *Writer, raw []byte) bool
	// Fields are those that a document may have.
	Fields []entry.Field
}

// Starts returns the bytes with which a line begins that tells the format.
func (f *Events) Starts() lines.Bytes { return f.First }

// Told looks for the first line of a record.
func (f *Events) Told(r *entry.Reader) bool { return f.Fits(r) > 0 }

// Fits returns how many of the first lines begin records. Those of banners do not count: a server may have been started
// several times before it had something to say.
func (f *Events) Fits(r *entry.Reader) (n int) {
	file := times.File{Stored: r.Stored}
	looked := 0
	for _, line := range r.Lines(entry.MostLines) {
		if f.Banner != nil && f.Banner(line) {
			continue
		}
		if f.Begins(file, line) {
			n++
		}
		if looked++; looked == entry.FirstLines {
			break
		}
	}
	return n
}

func (f *Events) goesOn(file times.File, line []byte) bool {
	if f.Inside {
		return true
	}
	if f.Loose {
		_, size := file.Leading(line[opening(line):])
		return size == 0
	}
	return entry.IsIndented(line) || entry.GoesOn(line)
}

// Read reads an entry to its end.
func (f *Events) Read(r *entry.Reader, y entry.Yield) {
	w := entry.State(r, writers{}, func() *Writer { return &Writer{} })
	*w = Writer{Reader: r, File: times.File{Stored: r.Stored}}
	begins := func(line []byte) bool {
		if len(line) == 0 {
			return false
		}
		joined := w.joins
		banner := f.Banner != nil && f.Banner(line)
		joins := f.Joins != nil && f.Joins(w.File, line)
		apart := !joined || joins && !w.banner // nothing begins behind a banner
		w.joins, w.banner = banner || joins, banner
		return apart && (banner || f.Begins(w.File, line) || !f.goesOn(w.File, line))
	}
	closes := func(rest []byte) bool { return len(rest) > 0 && !w.joins && f.Begins(w.File, rest) }
	r.EachEvent(y, begins, closes,
		func(raw []byte, offset int64) bool { return w.event(f, raw, offset, y) })
}

// Documented returns the fields that a document may have.
func (f *Events) Documented() []entry.Field { return f.Fields }

// writers is the key under which the writer is kept with an entry's buffers.
type writers struct{}

// Writer writes the fields of one record after the other.
type Writer struct {
	*entry.Reader
	// File is what is known of the times in the entry.
	File times.File
	// Time is that of the record, and before it is set that of the record before it.
	Time time.Time
	// joins says that the line before is one behind which no record begins, banner that it is a banner.
	joins, banner bool
}

// event hands over the record at hand.
func (w *Writer) event(f *Events, raw []byte, offset int64, y entry.Yield) bool {
	w.JSON = append(w.Buffer(len(raw)), '{')
	if !f.Write(w, raw) {
		if line, _ := firstLine(raw); !f.Begins(w.File, line) {
			if rec, ok := w.OfAnother(offset, raw, false); ok {
				return w.Emit(rec, y)
			}
			// A line of another kind, of which the time is known.
			if t, size := w.File.Leading(line[opening(line):]); size > 0 {
				w.Time = t
				w.JSON = append(w.JSON[:0], '{')
				w.Message("message", raw)
				return w.Emit(w.record(raw, offset), y)
			}
		}
		return w.EmitUnparsed(offset, raw, entry.Because("not "+f.Record), y)
	}
	return w.Emit(w.record(raw, offset), y)
}

func (w *Writer) record(raw []byte, offset int64) penstock.Record {
	w.JSON = append(w.JSON, '}')
	return penstock.Record{Offset: offset, Raw: raw, JSON: w.JSON, Time: w.Time}
}

func (w *Writer) name(name string) {
	if len(w.JSON) > 1 {
		w.JSON = append(w.JSON, ',')
	}
	w.JSON = append(w.JSON, '"')
	w.JSON = append(w.JSON, name...)
	w.JSON = append(w.JSON, `":`...)
}

// Text writes a field, unless it has no value.
func (w *Writer) Text(name string, value []byte) {
	if len(value) == 0 || len(value) == 1 && value[0] == '-' {
		return
	}
	w.name(name)
	w.JSON = append(w.JSON, '"')
	w.JSON = append(quote.Append(w.JSON, value), '"')
}

// Message writes a text of one or more lines.
func (w *Writer) Message(name string, value []byte) {
	if len(value) == 0 {
		return
	}
	w.name(name)
	w.JSON = append(w.JSON, '"')
	w.JSON = append(quote.AppendLines(w.JSON, value), '"')
}

// Number writes a number; what is none is left out and reported.
func (w *Writer) Number(name string, value []byte) bool {
	if len(value) == 0 {
		return true
	}
	if !isNumber(value) {
		return false
	}
	w.name(name)
	w.JSON = append(w.JSON, value...)
	return true
}

// Integer writes a number that is there.
func (w *Writer) Integer(name string, value int) {
	w.name(name)
	w.JSON = strconv.AppendInt(w.JSON, int64(value), 10)
}

// Quoted writes a text in which a quote is written twice.
func (w *Writer) Quoted(name string, value []byte) {
	if len(value) == 0 {
		return
	}
	w.name(name)
	w.JSON = append(w.JSON, '"')
	for {
		i := bytes.Index(value, []byte(`""`))
		if i < 0 {
			break
		}
		w.JSON = append(quote.AppendLines(w.JSON, value[:i]), `\"`...)
		value = value[i+2:]
	}
	w.JSON = append(quote.AppendLines(w.JSON, value), '"')
}

// isNumber reports whether a value is a JSON number that fits into 64 bits, with a fraction or without.
func isNumber(value []byte) bool {
	digits, point := 0, false
	for i, c := range value {
		switch {
		case quote.IsDigit(c):
			digits++
		case c == '-' && i == 0 && len(value) > 1:
		case c == '.' && !point && digits > 0 && i < len(value)-1:
			point = true
		default:
			return false
		}
	}
	whole := bytes.TrimPrefix(value, []byte("-"))
	if len(whole) == 19 && !point && string(whole) > "9223372036854775807" {
		return false
	}
	return digits > 0 && digits <= 19 && (len(whole) == 1 || whole[0] != '0' || whole[1] == '.')
}

// isInteger reports whether a value is a number without a fraction.
func isInteger(value []byte) bool { return isNumber(value) && bytes.IndexByte(value, '.') < 0 }

// word returns what stands before the first of the bytes in set, and what follows behind it.
func word(b []byte, set string) (first, rest []byte) {
	i := bytes.IndexAny(b, set)
	if i < 0 {
		return b, nil
	}
	return b[:i], b[i+1:]
}

// firstLine returns the first line of an event and the lines behind it.
func firstLine(raw []byte) (line, more []byte) {
	line, more, ok := bytes.Cut(raw, []byte{'\n'})
	if !ok {
		return raw, nil
	}
	return entry.TrimCR(line), more
}

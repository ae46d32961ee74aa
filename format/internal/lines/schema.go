// Package lines reads formats whose records are lines with fields in a known order, or in the order that a header names.
package lines

import (
	"fmt"
	"sync"
	"time"

	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/quote"
	"github.com/seed56735111/penstock/format/internal/times"
)

// Kind says how the value of a field is written in the log, and what it becomes in a record. A dash, or nothing, is no value.
type Kind uint8

// The kinds of fields.
const (
	Text     Kind = iota // a string
	Message              // a string for full-text search
	IP                   // an address without a port, as a string
	Integer              // digits; -1 stands for nothing
	Decimal              // digits with a fraction; -1 stands for nothing
	Address              // NAME_ip and NAME_port
	Request              // as it is, and NAME_method, NAME_url and NAME_protocol
	Words                // an array of strings, written with spaces between them
	Integers             // an array of integers
	Quoted               // an array of strings, each in quotes, with commas between them
	Day                  // a date, which gives the time of the record together with a Clock
	Clock                // the time of day of a record, in UTC
	ISO                  // the time of the record, as in ISO 8601, with a T; without a zone it is UTC
	ISOText              // the same with a space for the T or a comma in it, which no index takes for a date
	CLF                  // the time of the record, as in the common log format
	Syslog               // the time of the record, as in RFC 3164: without a year
	Epoch                // the time of the record, a number of seconds or of their parts since 1970
	Seconds              // the same with a fraction

	beyond Kind = 255 // a field without a name
)

// isTime reports whether a field of the kind alone is the time of its record. The first one of a line is.
func (k Kind) isTime() bool { return k >= ISO && k <= Seconds }

// Field is one field of a line.
type Field struct {
	Name string
	Kind Kind
	// Is, when set, decides together with those of the other fields whether a line is a record of the format.
	Is Check
	// Lead is what stands before the value, End what stands behind it instead of the separator. Without End the value may be in
	// quotes or brackets.
	Lead, End string
	// Optional says that a line may leave out a field with a Lead.
	Optional bool
	// LastQuote says that a value in quotes ends with the last quote of the line, because the values behind it have none.
	LastQuote bool
	// Rest says that the value is all that is left of the line.
	Rest bool
}

// Schema is the grammar of a format that has a record on each line: how it is told, read and refused follows from it.
type Schema struct {
	// Record is what a record is called in messages: "an ALB record".
	Record string
	// Least is how many fields a line has at least.
	Least int
	// Fields are the fields in their order. What a line has behind them is called field_34 and so on.
	Fields []Field
	// Several says that lines which are no records go on with the record before them. They are a part of the Message that is the
	// Rest of its line.
	Several bool
	// Layout is how the fields of a line are set apart.
	Layout

	prepare sync.Once
	plan    *plan
}

// Layout is how the fields of a line are set apart.
type Layout struct {
	// Separator stands between the fields, a space when zero.
	Separator byte
	// Bare says that no value is in quotes or brackets.
	Bare bool
	// Padded says that a value may have spaces around it.
	Padded bool
}

// Starts returns the bytes with which a line begins that tells the format.
func (f *Schema) Starts() Bytes { return f.Fields[0].starts(f.Bare) }

// Told looks for a line that is a record; the first lines of an entry may be damaged.
func (f *Schema) Told(r *entry.Reader) bool { return f.Fits(r) > 0 }

// Fits returns how many of the first lines are records.
func (f *Schema) Fits(r *entry.Reader) (n int) {
	for _, line := range r.Lines(entry.FirstLines) {
		if _, ok := f.ready().begins(line); ok {
			n++
		}
	}
	return n
}

// Read reads an entry to its end.
func (f *Schema) Read(r *entry.Reader, y entry.Yield) {
	l := newLineReader(r, f.ready())
	if f.Several {
		begins := func(line []byte) bool {
			_, ok := l.begins(line)
			return ok
		}
		r.EachEvent(y, begins, nil, func(raw []byte, offset int64) bool { return l.record(raw, offset, y) })
		return
	}
	r.EachLine(y, func(line []byte, offset int64) bool { return l.record(line, offset, y) })
}

// Documented returns the fields that a document may have.
func (f *Schema) Documented() []entry.Field { return documented(f.Fields) }

func (f *Schema) ready() *plan {
	f.prepare.Do(func() {
		f.plan = newPlan(f.Record, f.Least, f.Layout, f.Fields)
		if f.Several && f.plan.rest < 0 {
			panic("lines: the schema of " + f.Record + " has no Message for further lines")
		}
	})
	return f.plan
}

// plan is a schema made ready for writing: every name with its quotes, its colon and the comma before it.
type plan struct {
	record    string
	least     int
	separator byte
	bare      bool
	padded    bool
	lenient   bool
	rest      int // the Message that is the rest of a line, -1 for none
	fields    []Field
	steps     []step
	beyond    step                // of the fields that a line has behind the known ones
	short     func([]byte) []byte // the reason for a line with too few fields
}

type step struct {
	kind  Kind
	odd   bool
	first string    // what comes before the value
	parts [3]string // the same for what is taken out of an address or a request
	other string    // the same for a value that is not of the kind, in a plan that is lenient
}

// allow makes a plan lenient: it takes values that are not of their kind as text.
func (p *plan) allow() {
	p.lenient = true
	for i := range p.steps {
		p.steps[i].other = `,"` + p.fields[i].Name + other + `":"`
	}
}

func newPlan(record string, least int, layout Layout, fields []Field) *plan {
	p := &plan{
		record: record, least: least, separator: layout.Separator, bare: layout.Bare, padded: layout.Padded, rest: -1,
		fields: fields, steps: make([]step, len(fields)),
	}
	p.beyond.kind = beyond
	if p.separator == 0 {
		p.separator = ' '
	}
	p.short = entry.Because(fmt.Sprintf("not %s: fewer than %d fields", record, least))
	for i := range fields {
		f, s := &fields[i], &p.steps[i]
		if f.Kind == Message && f.Rest {
			p.rest = i
		}
		s.kind, s.odd, s.first = f.Kind, f.isOdd(), `,"`+f.Name+`":`
		switch f.Kind {
		case Address:
			s.parts = [3]string{`,"` + f.Name + `_ip":"`, `,"` + f.Name + `_port":`}
		case Request:
			s.parts = [3]string{`,"` + f.Name + `_method":"`, `,"` + f.Name + `_url":"`, `,"` + f.Name + `_protocol":"`}
			s.first += `"`
		case Words, Integers, Quoted:
			s.first += `[`
		case Integer, Decimal, Epoch, Seconds:
		case Text, Message, IP, Day, Clock, ISO, ISOText, CLF, Syslog:
			s.first += `"`
		}
	}
	return p
}

// documented returns the fields of documents that fields of lines become.
func documented(fields []Field) []entry.Field {
	var all []entry.Field
	add := func(name string, t entry.Type) { all = append(all, entry.Field{Name: name, Type: t}) }
	for i := range fields {
		f := &fields[i]
		switch f.Kind {
		case Message:
			add(f.Name, entry.Text)
		case IP:
			add(f.Name, entry.IP)
		case Integer, Integers, Epoch:
			add(f.Name, entry.Long)
		case Decimal, Seconds:
			add(f.Name, entry.Double)
		case ISO:
			add(f.Name, entry.Date)
		case Address:
			add(f.Name+"_ip", entry.IP)
			add(f.Name+"_port", entry.Long)
		case Request:
			add(f.Name, entry.Keyword)
			add(f.Name+"_method", entry.Keyword)
			add(f.Name+"_url", entry.Keyword)
			add(f.Name+"_protocol", entry.Keyword)
		case Text, Words, Quoted, Day, Clock, ISOText, CLF, Syslog:
			add(f.Name, entry.Keyword)
		}
	}
	return all
}

// begins reports whether the first fields of a line are what the plan wants to see in them, and where they end. Their times must be
// some; they are looked at last, because that costs most.
func (p *plan) begins(line []byte) (end int, ok bool) {
	var stamps [4]struct {
		kind  Kind
		value []byte
	}
	found, at := 0, 0
	for n := range p.least {
		f := &p.fields[n]
		if at >= len(line) {
			if !p.lacks(n, line) || f.Is.Is != nil && !f.Is.Is(nil) {
				return at, false
			}
			break
		}
		value, next, ok := p.token(n, line, at)
		if !ok || f.Is.Is != nil && !f.Is.Is(value) {
			return at, false
		}
		if f.Kind >= Day && found < len(stamps) {
			stamps[found].kind, stamps[found].value = f.Kind, value
			found++
		}
		at = next
	}
	for _, s := range stamps[:found] {
		if !isTimeValue(s.kind, s.value) {
			return at, false
		}
	}
	return at, true
}

// lacks reports whether nothing but the last value of a line is missing that has n: it ends with the separator before that.
func (p *plan) lacks(n int, line []byte) bool {
	return n == p.least-1 && p.separator != ' ' && len(line) > 0 && line[len(line)-1] == p.separator
}

// isTimeValue reports whether a value is a time of a kind. The year of a syslog time does not matter here.
func isTimeValue(k Kind, value []byte) bool {
	switch k {
	case Day:
		_, n, ok := times.ISO(value)
		return ok && n == len(value)
	case Clock:
		return len(value) >= 8 && quote.IsDigit(value[0]) && value[2] == ':' && value[5] == ':'
	case Syslog:
		return len(value) >= 15 && times.IsSyslog(value)
	}
	_, ok := timeOf(k, value, time.Time{})
	return ok
}

// timeOf reads the value of a field that is the time of its record.
func timeOf(k Kind, value []byte, stored time.Time) (t time.Time, ok bool) {
	n := 0
	switch k {
	case ISO, ISOText:
		t, n, ok = times.ISO(value)
		return t, ok && n == len(value) && n > len("2006-01-02")
	case CLF:
		return times.CLF(value)
	case Syslog:
		return times.Syslog(value, stored)
	default:
		t, n, ok = times.Epoch(value)
		return t, ok && n == len(value)
	}
}

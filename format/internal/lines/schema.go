// Package lines reads formats whose records are lines with fields in a known order, or in the order that a header
// names.
package lines

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/times"
	"github.com/seed56735111/penstock/internal/quote"
)

// Kind says how the value of a field is written in the log, and what it becomes in a record. A dash, or nothing, is no
// value.
type Kind uint8

// The kinds of fields.
const (
	Text          Kind = iota // a string
	Message                   // a string for full-text search
	IP                        // an address without a port, as a string
	Integer                   // digits; -1 stands for nothing
	Decimal                   // digits with a fraction; -1 stands for nothing
	Address                   // NAME_ip and NAME_port
	Request                   // as it is, and NAME_method, NAME_url and NAME_protocol
	Words                     // an array of strings, written with spaces between them
	Integers                  // an array of integers
	Quoted                    // an array of strings, each in quotes, with commas between them
	List                      // a string, or an array of those that commas stand between
	Addresses                 // the same, and NAME_ip and NAME_port of the last one
	Signed                    // digits, also behind a sign; -1 is a value
	SignedDecimal             // the same with a fraction
	Stamp                     // a string, and the time of the record when it is one in any notation
	Priority                  // a priority of syslog, and its facility and severity by their names
	// what stands before a message of RFC 3164: priority, time, host, app and pid, as far as they are there
	Head
	Structured // the structured data of RFC 5424, an object of objects
	Delimiter  // what stands between the Pairs behind it: a character, or its code as x09
	Day        // a date, which gives the time of the record together with a Clock
	Clock      // the time of day of a record, in UTC
	ISO        // the time of the record, as in ISO 8601, with a T; without a zone it is UTC
	ISOText    // the same with a space for the T or a comma in it, which no index takes for a date
	CLF        // the time of the record, as in the common log format
	Syslog     // the time of the record, as in RFC 3164: without a year
	Epoch      // the time of the record, a number of seconds or of their parts since 1970
	Seconds    // the same with a fraction
	AnyTime    // the time of the record, in any notation
	DayFirst   // the time of the record, as "24 Nov 2026 10:11:12.123", also without the year
	MonthDay   // the time of the record, as "1124 10:11:12.123"

	beyond Kind = 255 // a field without a name
)

// isTime reports whether a field of the kind is by itself the time of its record. The first one of a line counts.
func (k Kind) isTime() bool { return k >= ISO && k <= MonthDay }

// Field is one field of a line.
type Field struct {
	Name string
	Kind Kind
	// Is, when set, decides together with those of the other fields whether a line is a record of the format. That of a
	// Head is about the name of the program.
	Is Check
	// Lead is what stands before the value, End what stands behind it instead of the separator. Without End the value may
	// be in quotes or brackets.
	Lead, End string
	// Optional says that a line may leave the field out: its Lead or its End is not there, or the value is not what Is
	// takes.
	Optional bool
	// Width, when set, is how many bytes the value has.
	Width int
	// Escaped says that an End behind a backslash is a part of the value.
	Escaped bool
	// LastQuote says that a value in quotes ends with the last quote of the line, because the values behind it have none.
	LastQuote bool
	// Rest says that the value is all that is left of the line.
	Rest bool
	// Query says of a Request that NAME_path and NAME_query are fields too, when its URL has a query.
	Query bool
	// Details says that the Message which is the Rest of a line is looked through for what AppendDetails knows.
	Details bool
	// Pairs, when set, reads the Rest of the line as KEY=VALUE.
	Pairs *Pairs
}

// Form is one of several layouts that the lines of a format have.
type Form struct {
	Least  int
	Fields []Field
	// Whole says that the Message which is the Rest of a line is all of it: words that are in no value are not lost.
	Whole bool
}

// Schema is the grammar of a format that has a record on each line: how it is told, read and refused follows from it.
type Schema struct {
	// Record is what a record is called in messages: "an ALB record".
	Record string
	// Least is how many fields a line has at least.
	Least int
	// Fields are the fields in their order. What a line has behind them is called field_34 and so on.
	Fields []Field
	// Forms are the layouts of lines, instead of Least and Fields, when there are several: a line has the first one that
	// it fits.
	Forms []Form
	// Trailing are fields behind the Message that is the Rest of a line: some of them, in their order, each behind its
	// Lead.
	Trailing []Field
	// Has is a text that every record contains, empty for none. A line without it does not count for the format, without a
	// look at its fields.
	Has string
	// Free says that a line which has none of the forms is a record too, with a message alone.
	Free bool
	// Proof, when set, decides by the records among the first lines whether the format is told. An entry whose name has
	// one of the words in Named needs no proof.
	Proof func(records [][]byte) bool
	Named []string
	// Several says that a line which is no record goes on with the record before it, as a part of the Message that is the
	// Rest of the record's line. With GoesOn only the lines that it accepts go on; others stand by themselves.
	Several bool
	GoesOn  func(line []byte) bool
	// Between, when set, tells lines that stand between records of several Forms and say nothing.
	Between func(line []byte) bool
	// Layout is how the fields of a line are set apart.
	Layout

	prepare sync.Once
	plans   []*plan // one of each form
	has     []byte
}

// Layout is how the fields of a line are set apart.
type Layout struct {
	// Separator stands between the fields, a space when zero.
	Separator byte
	// Bare says that no value is in quotes or brackets.
	Bare bool
	// Padded says that a value may have spaces around it.
	Padded bool
	// Doubled says that a quote within a value in quotes is written twice. So it is where commas stand between fields.
	Doubled bool
}

// Starts returns the bytes with which a record of the format may begin.
func (f *Schema) Starts() (s Bytes) {
	for _, form := range f.forms() {
		s = s.With(starts(form.Fields, f.Bare))
	}
	return s
}

// MayBeDated reports whether a line may begin like a date as in 2026-11-24.
func (f *Schema) MayBeDated() bool {
	return slices.ContainsFunc(f.forms(), func(form Form) bool { return mayBeDated(form.Fields[:form.Least]) })
}

// starts returns the bytes with which a line of these fields may begin.
func starts(fields []Field, bare bool) (s Bytes) {
	for i := range fields {
		s = s.With(fields[i].starts(bare))
		if !fields[i].Optional {
			break
		}
	}
	return s
}

// forms returns the layouts of lines.
func (f *Schema) forms() []Form {
	if f.Forms == nil {
		return []Form{{Least: f.Least, Fields: f.Fields}}
	}
	return f.Forms
}

// Told looks for a line that is a record; the first lines of an entry may be damaged.
func (f *Schema) Told(r *entry.Reader) bool { return f.Fits(r) > 0 }

// Fits returns how many of the first lines are records.
func (f *Schema) Fits(r *entry.Reader) (n int) {
	plans := f.ready()
	for _, line := range r.Lines(entry.FirstLines) {
		if !bytes.Contains(line, f.has) {
			continue
		}
		for _, p := range plans {
			if !p.starts.Has(line[0]) || !bytes.Contains(line, p.inside) {
				continue
			}
			if _, ok := p.begins(line); ok {
				n++
				break
			}
		}
	}
	if n > 0 && f.Proof != nil && !f.proven(r) {
		return 0
	}
	return n
}

// proven reports whether the name of an entry, or the records among its first lines, prove that it is of the format.
func (f *Schema) proven(r *entry.Reader) bool {
	for _, word := range f.Named {
		if strings.Contains(r.Name, word) {
			return true
		}
	}
	var records [maxProof][]byte
	n := 0
	for _, line := range r.Lines(maxProof) {
		if fitting(f.plans, line) != nil {
			records[n] = line
			n++
		}
	}
	return f.Proof(records[:n])
}

// maxProof is how many of the first lines are asked for a proof.
const maxProof = 20

// fitting returns the first plan that a line fits, nil for none.
func fitting(plans []*plan, line []byte) *plan {
	for _, p := range plans {
		if _, ok := p.begins(line); ok {
			return p
		}
	}
	return nil
}

// Read reads an entry to its end.
func (f *Schema) Read(r *entry.Reader, y entry.Yield) {
	plans := f.ready()
	l := newLineReader(r, plans[0])
	if f.Forms != nil {
		l.forms, l.loose, l.framing = plans, f.Free, f.Between
	}
	if f.Several {
		begins := func(line []byte) bool {
			p := fitting(plans, line)
			begins := p != nil || f.GoesOn != nil && !f.GoesOn(line)
			if begins {
				l.fits[0], l.fits[1] = fit{r.Asked, len(line), p}, l.fits[0]
			}
			return begins
		}
		r.EachEvent(y, begins, nil, func(raw []byte, offset int64) bool { return l.record(raw, offset, y) })
		return
	}
	r.EachLine(y, func(line []byte, offset int64) bool { return l.record(line, offset, y) })
}

// Indented reports whether a line begins with white space.
func Indented(line []byte) bool { return len(line) == 0 || entry.IsIndented(line) }

// Undated reports whether a line does not begin with a time as in ISO 8601, also in a bracket.
func Undated(line []byte) bool {
	_, n, ok := times.ISO(bytes.TrimPrefix(line, []byte{'['}))
	return !ok || n <= len("2006-01-02")
}

// Documented returns the fields that a document may have. A field whose type differs between forms is mixed.
func (f *Schema) Documented() []entry.Field {
	var all []entry.Field
	places := map[string]int{}
	add := func(fields []Field) {
		for _, one := range documented(fields) {
			at, again := places[one.Name]
			switch {
			case !again:
				places[one.Name] = len(all)
				all = append(all, one)
			case all[at].Type != one.Type:
				all[at].Type = entry.Mixed
			}
		}
	}
	for _, form := range f.forms() {
		add(slices.DeleteFunc(slices.Clone(form.Fields), isAbsent))
	}
	add(f.Trailing)
	for _, form := range f.forms() {
		for _, one := range form.Fields {
			if _, there := places[one.Name]; isAbsent(one) && !there {
				add([]Field{one})
			}
		}
	}
	return all
}

// isAbsent reports whether a dash, which is no value and so has no type, may be all that a field has.
func isAbsent(f Field) bool { return f.Kind == Text && f.Is.Is != nil && f.Is.Is([]byte("-")) }

func (f *Schema) ready() []*plan {
	f.prepare.Do(func() {
		f.has = []byte(f.Has)
		for _, form := range f.forms() {
			p := newPlan(f.Record, form.Least, f.Layout, form.Fields)
			if p.whole = form.Whole; p.whole {
				p.steps[p.rest].quick = unhurried
			}
			if f.Several && p.rest < 0 {
				panic("lines: the schema of " + f.Record + " has no Message for further lines")
			}
			if len(f.Trailing) > 0 {
				p.trailing = newPlan(f.Record, 0, f.Layout, f.Trailing)
			}
			f.plans = append(f.plans, p)
		}
	})
	return f.plans
}

// inside returns the longest text that every record has, in a field or around one that another one follows. To look for
// it costs less than to read the fields before it.
func inside(fields []Field, least int) (longest []byte) {
	for i := range min(least, len(fields)) {
		f := &fields[i]
		texts := []string{f.Is.text}
		if i < least-1 && !f.Rest && f.Width == 0 && !f.measured() {
			texts = append(texts, f.Lead, f.End)
		}
		for _, text := range texts {
			if !f.Optional && len(text) > len(longest) {
				longest = []byte(text)
			}
		}
	}
	return longest
}

// plan is a schema made ready for writing: every name with its quotes, its colon and the comma before it.
type plan struct {
	record    string
	least     int
	starts    Bytes
	undated   bool   // no line begins like a date
	inside    []byte // a text that every record contains, empty for none
	separator byte
	bare      bool
	padded    bool
	doubled   bool
	lenient   bool
	nothing   string // what stands for no value beside a dash
	unset     string // the same, because the entry says so
	rest      int    // the Message that is the rest of a line, -1 for none
	whole     bool   // that Message is all of the line
	pairs     *Pairs // of its last field, or nil
	trailing  *plan  // what may stand behind the Message, or nil
	fields    []Field
	steps     []step
	beyond    step                // of the fields that a line has behind the known ones
	short     func([]byte) []byte // the reason for a line with too few fields
	misfit    func([]byte) []byte // the reason for a line that has no form of the format
	room      int                 // see reserve
}

type step struct {
	kind  Kind
	odd   bool       // more than the separator says where the field ends, see Field.isOdd
	slash bool       // an End in the value is behind a backslash
	quick quickness  // whether it has to be looked at closely
	first string     // what comes before the value
	head  quote.Head // the same
	port  quote.Head // the same for the port of an address
	parts [3]string  // the same for what is taken out of an address or a request
	other string     // the same for a value that is not of the kind, in a plan that is lenient
	query [2]string  // the same for what is taken out of its URL
}

// allow makes a plan lenient: it takes values that are not of their kind as text.
func (p *plan) allow() {
	p.lenient = true
	for i := range p.steps {
		if p.fields[i].Kind == IP {
			p.steps[i].quick = unhurried
		}
		p.steps[i].other = `,"` + p.fields[i].Name + other + `":"`
	}
}

func newPlan(record string, least int, layout Layout, fields []Field) *plan {
	p := &plan{
		record: record, least: least, separator: layout.Separator, bare: layout.Bare, padded: layout.Padded, rest: -1,
		doubled: layout.Doubled || layout.Separator == ',', fields: fields, steps: make([]step, len(fields)),
	}
	p.beyond.kind, p.starts = beyond, starts(fields, layout.Bare)
	p.undated = !mayBeDated(fields[:least])
	if p.separator == 0 {
		p.separator = ' '
	}
	p.misfit = entry.Because("not " + record + ": it has none of its forms")
	p.short = entry.Because(fmt.Sprintf("not %s: fewer than %d fields", record, least))
	p.inside = inside(fields, least)
	for i := range fields {
		f, s := &fields[i], &p.steps[i]
		if f.Kind == Message && f.Rest {
			p.rest = i
		}
		s.kind, s.odd, s.first = f.Kind, f.isOdd(), `,"`+f.Name+`":`
		s.slash = f.Escaped && f.Kind == Text
		if f.Pairs != nil {
			p.pairs = f.Pairs
			f.Pairs.reserve(documented(fields[:i]))
		}
		switch f.Kind {
		case Address:
			s.parts = [3]string{`,"` + f.Name + `_ip":"`, `,"` + f.Name + `_port":`}
		case Request:
			s.parts = [3]string{`,"` + f.Name + `_method":"`, `,"` + f.Name + `_url":"`, `,"` + f.Name + `_protocol":"`}
			s.first += `"`
			if f.Query {
				s.query = [2]string{`,"` + f.Name + `_path":"`, `,"` + f.Name + `_query":"`}
			}
		case Words, Integers, Quoted:
			s.first += `[`
		case Priority:
			s.parts[0] = `,"facility":"`
			s.parts[1] = `,"severity":"`
		case Structured:
			s.first += `{`
		case Addresses:
			s.parts = [3]string{`,"` + f.Name + `_ip":"`, `,"` + f.Name + `_port":`}
		case Integer, Decimal, Epoch, Seconds, List, Signed, SignedDecimal, Head:
		case Text, Message, IP, Stamp, Delimiter, Day, Clock, ISO, ISOText, CLF, Syslog, AnyTime, DayFirst, MonthDay:
			s.first += `"`
		}
		if s.quick = f.quickness(); s.quick == quickAddress {
			s.first, s.port = s.parts[0], quote.NewHead(s.parts[1])
		}
		s.head = quote.NewHead(s.first)
	}
	p.reserve()
	return p
}

// Closed reports whether records have no fields but those that are documented: none is named by what is read.
func (f *Schema) Closed() bool {
	open := func(one Field) bool { return one.Pairs != nil || one.Details }
	for _, form := range f.Forms {
		if slices.ContainsFunc(form.Fields, open) {
			return false
		}
	}
	return !slices.ContainsFunc(f.Fields, open)
}

// documented returns the fields of documents that fields of lines become.
func documented(fields []Field) []entry.Field {
	var all []entry.Field
	add := func(name string, t entry.Type) { all = append(all, entry.Field{Name: name, Type: t}) }
	for i := range fields {
		f := &fields[i]
		if f.Pairs != nil {
			all = append(all, f.Pairs.Documented()...)
			continue
		}
		switch f.Kind {
		case Message:
			add(f.Name, entry.Text)
			if f.Details {
				all = append(all, DetailFields()...)
			}
		case IP:
			add(f.Name, entry.IP)
		case Integer, Integers, Epoch, Signed:
			add(f.Name, entry.Long)
		case Decimal, Seconds, SignedDecimal:
			add(f.Name, entry.Double)
		case ISO:
			add(f.Name, entry.Date)
		case Address, Addresses:
			if f.Kind == Addresses {
				add(f.Name, entry.Keyword)
			}
			add(f.Name+"_ip", entry.IP)
			add(f.Name+"_port", entry.Long)
		case Request:
			add(f.Name, entry.Keyword)
			add(f.Name+"_method", entry.Keyword)
			add(f.Name+"_url", entry.Keyword)
			add(f.Name+"_protocol", entry.Keyword)
			if f.Query {
				add(f.Name+"_path", entry.Keyword)
				add(f.Name+"_query", entry.Keyword)
			}
		case Priority:
			add(f.Name, entry.Long)
			add("facility", entry.Keyword)
			add("severity", entry.Keyword)
		case Head:
			all = append(all, documented(headFields())...)
		case Structured:
		case Text, Words, Quoted, List, Stamp, Delimiter, Day, Clock, ISOText, CLF, Syslog, AnyTime, DayFirst, MonthDay:
			add(f.Name, entry.Keyword)
		}
	}
	return all
}

// begins reports whether the first fields of a line are what the plan wants to see in them, and where they end. What
// stands for a time must be one; times are checked last, because that costs most.
func (p *plan) begins(line []byte) (end int, ok bool) {
	if len(line) > 0 && !p.starts.Has(line[0]) || p.undated && IsDated(line) {
		return 0, false
	}
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
		switch {
		case !ok || next == at && f.Optional:
			if !ok {
				return at, false
			}
			continue
		case f.Kind == Clock && !isTimeValue(Clock, value),
			f.Is.Is != nil && f.Kind != Head && !f.Is.Is(value), f.Pairs != nil && !f.Pairs.begins(value):
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

// lacks reports whether a line with n values lacks only the last one that it needs, because that one is empty: the line
// ends with the separator before it.
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
	case AnyTime:
		return times.Any(value)
	case DayFirst:
		t, n, _, ok = times.DayFirst(value, stored)
		return t, ok && n == len(value)
	case MonthDay:
		t, n, _, ok = times.MonthDay(value, stored)
		return t, ok && n == len(value)
	default:
		t, n, ok = times.Epoch(value)
		return t, ok && n == len(value)
	}
}

package lines

import (
	"bytes"
	"strconv"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/times"
	"github.com/seed56735111/penstock/internal/quote"
)

// lineReader turns the lines of one entry into records.
type lineReader struct {
	*entry.Reader
	*plan
	day         []byte // the date of records without one
	date, clock []byte // of the record at hand
	both        []byte // date and clock joined
	recent      times.Recent
	more        []byte // the lines that go on with the one at hand, each behind a line feed
	// instead, when set, returns the plan of a line that has too few fields for its own, nil for none.
	instead func(line []byte) *plan
	// fits are those of the last two lines that begin an event: of the event at hand, and of the one behind it.
	fits [2]fit
	head head // of the record at hand

	whole []byte // the record at hand
	size  int    // of its first line

	framing     func(line []byte) bool // Schema.Between
	loose       bool                   // a line that fits no form is a message
	forms       []*plan                // of which a line has the first one that it fits; nil when there is one
	provisional bool                   // the time at hand has no year in the log
	delimiter   byte                   // between the pairs of the record at hand, as it says itself
	pairs       *pairReader
	names       []name // of an object of the record at hand
}

// fit is the plan of a line, nil for none.
type fit struct {
	offset int64
	size   int
	plan   *plan
}

// fitOf returns the plan of a line at a position of the entry, nil for none. It may be known.
func (r *lineReader) fitOf(line []byte, offset int64) *plan {
	for i := range r.fits {
		if f := &r.fits[i]; f.offset == offset && f.size == len(line) {
			return f.plan
		}
	}
	return fitting(r.forms, line)
}

// name is where a name stands in the document.
type name struct{ from, to int }

// readers is the key under which the reader is kept with an entry's buffers.
type readers struct{}

func newLineReader(r *entry.Reader, p *plan) *lineReader {
	l := entry.State(r, readers{}, func() *lineReader { return &lineReader{} })
	*l = lineReader{Reader: r, plan: p, day: l.day[:0], both: l.both, names: l.names[:0]}
	return l
}

// record hands over a line as a record, with the lines that go on with it.
func (r *lineReader) record(raw []byte, offset int64, y entry.Yield) bool {
	rec := penstock.Record{Offset: offset, Raw: raw}
	line := raw
	r.more, r.date, r.clock, r.provisional, r.delimiter = nil, nil, nil, false, 0
	if r.rest >= 0 || r.forms != nil {
		if i := bytes.IndexByte(raw, '\n'); i >= 0 {
			line, r.more = entry.TrimCR(raw[:i]), raw[i:]
		}
	}
	if r.forms != nil {
		p := r.fitOf(line, offset)
		switch {
		case p != nil:
			r.plan = p
		case r.framing != nil && r.framing(raw):
			r.Frame(offset, int64(len(raw)))
			return true
		case r.loose:
			return r.alone(rec, y)
		default:
			return r.EmitUnparsed(offset, raw, r.misfit, y)
		}
	}
	r.whole, r.size = raw, len(line)
	quotes, clean := 0, r.bare && quote.IsPlain(line)
	if !clean {
		quotes, clean = quote.IsClean(line)
	}
	b, at, enclosing := r.values(line, clean, &rec)
	if clean && at < 0 && enclosing != quotes {
		// Some quotes stand in values: each value has to be looked at.
		r.JSON = b
		b, at, _ = r.values(line, false, &rec)
	}
	r.JSON = b
	if r.clock != nil && rec.Time.IsZero() {
		rec.Time = r.joined()
	}
	switch {
	case at >= 0:
		return r.EmitUnparsed(offset, raw, entry.Unexpected(r.plan.record, line, at), y)
	case at == tooShort:
		if r.instead != nil {
			if p := r.instead(line); p != nil && p.least < r.least {
				r.plan = p
				return r.record(raw, offset, y)
			}
		}
		return r.EmitUnparsed(offset, raw, r.short, y)
	case len(b) > 1:
		b[1] = '{' // over the first comma
		r.JSON = append(b, '}')
		rec.JSON = r.JSON[1:]
	default:
		r.JSON = append(b, '}')
		rec.JSON = r.JSON
	}
	return r.Emit(rec, y)
}

// alone hands over a record that is a message and nothing else.
func (r *lineReader) alone(rec penstock.Record, y entry.Yield) bool {
	if rec.Raw[0] == '{' {
		if object, ok := r.OfAnother(rec.Offset, rec.Raw, false); ok {
			return r.Emit(object, y)
		}
	}
	r.JSON = quote.AppendLines(append(r.JSON[:0], `{"message":"`...), rec.Raw)
	r.JSON = append(r.JSON, '"')
	if t, n, ok := times.ISO(rec.Raw); ok && n > len("2006-01-02") && bytes.HasPrefix(rec.Raw[n:], []byte(" {")) {
		if b := AppendObject(r.Reader, r.JSON, rec.Raw[n:], &rec); len(b) > len(r.JSON) {
			r.JSON, rec.Time = b, t // as an export of CloudWatch Logs has it
		}
	}
	r.JSON = append(r.JSON, '}')
	rec.JSON = r.JSON
	return r.Emit(rec, y)
}

// What values returns instead of a position.
const (
	allGood  = -1
	tooShort = -2
)

// values appends the values of a line. It returns the position of one that cannot be, allGood or tooShort, and how many
// quotes stand around values. plain says that the values can stand in JSON strings as they are.
func (r *lineReader) values(line []byte, plain bool, rec *penstock.Record) (b []byte, at, enclosing int) {
	p := r.plan
	b = append(r.Buffer(len(line)), '{')
	n, next := 0, 0
	var message []byte
	for ; at < len(line); n++ {
		if plain && n < len(p.steps) && p.steps[n].quick != unhurried {
			if b, n, at, enclosing = r.quick(b, line, n, at, enclosing, rec); at == len(line) {
				break
			}
		}
		var value []byte
		var quoted, ok bool
		s := &p.beyond
		if n < len(p.steps) {
			s = &p.steps[n]
		}
		if s.kind == Head {
			value, next, ok = r.readHead(&p.fields[n], line, at)
		} else if s.odd {
			value, next, quoted, ok = p.odd(&p.fields[n], line, at)
		} else {
			value, next, quoted, ok = p.enclosed(line, at)
		}
		if quoted {
			enclosing += 2
		}
		if p.padded {
			value, next = unpadded(value, line, next)
		}
		switch {
		case !ok:
			return b, at, enclosing
		case n < len(p.fields) && p.fields[n].Pairs != nil:
			if b, ok = r.pairsOf(p.fields[n].Pairs).all(b, value, r.delimiter, rec); !ok {
				return b, at, enclosing
			}
		case n == p.rest && p.whole: // below
		case n == p.rest && p.trailing != nil:
			var around int
			if b, around, ok = r.behind(b, s, value, plain, rec); !ok {
				return b, at, enclosing
			}
			enclosing += around
		case n == p.rest && len(r.more) > 0:
			b = r.message(b, s, value, plain)
		case s.kind == Text && plain:
			if !p.isNothing(value) {
				b = append(append(append(b, s.first...), value...), '"')
			}
		default:
			if b, ok = r.append(b, n, s, value, plain, rec); !ok {
				return b, at, enclosing
			}
		}
		if n == p.rest {
			message = value
		}
		at = next
	}
	if n < p.least && !p.lacks(n, line) {
		return b, tooShort, enclosing
	}
	switch {
	case p.whole:
		b = r.message(b, &p.steps[p.rest], line, plain)
	case n <= p.rest && len(r.more) > 0:
		b = r.message(b, &p.steps[p.rest], nil, plain)
	}
	if message != nil && p.fields[p.rest].Details {
		if objected := AppendObject(r.Reader, b, message, rec); len(objected) > len(b) {
			b = objected
		} else {
			b = AppendDetails(b, message)
		}
	}
	return b, allGood, enclosing
}

// AppendObject appends what a message holds that is a JSON object, also behind the mark of Common Event Expression.
func AppendObject(r *entry.Reader, b, message []byte, rec *penstock.Record) []byte {
	message = bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(message), []byte("@cee:")))
	if n := len(message); n < len(`{"":0}`) || message[0] != '{' || message[n-1] != '}' || r.Message == nil {
		return b
	}
	inner, ok := r.Message(message)
	if !ok || len(inner.JSON) <= len("{}") || bytes.HasPrefix(inner.JSON, []byte(`{"message":"{`)) {
		return b // braces around something else
	}
	rec.Repaired = rec.Repaired || inner.Repaired
	return append(append(b, `,"`+ObjectField+`":`...), inner.JSON...)
}

// ObjectField is the field with the members of a message that is a JSON object.
const ObjectField = "json"

// message appends what is left of a line with the lines that go on with it.
func (r *lineReader) message(b []byte, s *step, value []byte, plain bool) []byte {
	b = appendBody(append(b, s.first...), value, plain)
	return append(quote.AppendLines(b, r.more), '"')
}

// unpadded returns a value without the spaces around it, and where the next one begins behind such spaces.
func unpadded(value, line []byte, next int) ([]byte, int) {
	for next < len(line) && line[next] == ' ' {
		next++
	}
	return bytes.Trim(value, " "), next
}

// byteOrderMark may stand before the message of RFC 5424.
var byteOrderMark = []byte("\ufeff")

// mostFields is how many fields a line may have.
const mostFields = 99

// append appends one field, unless it has no value. It reports false for a value that the field cannot have. plain says
// that the value can stand in a JSON string as it is.
func (r *lineReader) append(b []byte, n int, s *step, value []byte, plain bool, rec *penstock.Record) ([]byte, bool) {
	if r.isNothing(value) {
		return b, !s.kind.isTime() || n >= r.least
	}
	if s.kind == beyond {
		b = append(b, `,"field_`...)
		b = strconv.AppendInt(b, int64(n+1), 10)
		return appendQuoted(append(b, `":"`...), value, plain), n < max(mostFields, len(r.fields)+1)
	}
	switch s.kind {
	case Head:
		return r.appendHead(b, plain, rec), true
	case Priority:
		return priority(append(b, s.first...), value, s.parts[0], s.parts[1]), IsNumber(value, false)
	case Structured:
		return r.structured(append(b, s.first[:len(s.first)-1]...), value)
	case List:
		return s.oneOrMore(b, value, plain), true
	case Addresses:
		b = s.oneOrMore(b, value, plain)
		last := bytes.TrimSpace(value[bytes.LastIndexByte(value, ',')+1:])
		if hasPort(last) {
			return s.address(b, last, plain)
		}
		return b, true // a socket in the file system
	case Signed, SignedDecimal:
		digits := bytes.TrimPrefix(value, []byte{'+'})
		number := bytes.TrimPrefix(digits, []byte{'-'})
		if len(number) == 0 || !IsNumber(number, s.kind == SignedDecimal) {
			return appendQuoted(append(b, s.other...), value, plain), r.lenient
		}
		return append(append(b, s.first...), digits...), true
	case Stamp:
		if t, ok := times.Any(value); ok && (rec.Time.IsZero() || r.provisional) {
			rec.Time, r.provisional = t, false
		} else if !ok && isTimeValue(Clock, value) {
			r.clock = value
		}
		return appendQuoted(append(b, s.first...), value, plain), true
	case Message:
		return appendQuoted(append(b, s.first...), bytes.TrimPrefix(value, byteOrderMark), plain), true
	case Delimiter:
		r.delimiter = delimiter(value)
		return appendQuoted(append(b, s.first...), value, plain), r.delimiter != 0
	case IP:
		if r.lenient && !IsIP(value) {
			return s.zoned(b, value, plain), true
		}
		return appendQuoted(append(b, s.first...), value, plain), true
	case Text:
		if s.slash && !plain {
			return append(appendUnescaped(append(b, s.first...), value, r.fields[n].End), '"'), true
		}
		return r.appendText(append(b, s.first...), value, plain), true
	case Integer, Decimal:
		if string(value) == "-1" {
			return b, true
		}
		if !IsNumber(value, s.kind == Decimal) {
			return r.appendText(append(b, s.other...), value, plain), r.lenient
		}
		return append(append(b, s.first...), value...), true
	case Address:
		return s.address(b, value, plain)
	case Request:
		b = appendQuoted(append(b, s.first...), value, plain)
		return s.request(b, value, plain), true
	case Words, Integers:
		return s.list(b, value, plain, s.kind == Words)
	case Quoted:
		return s.quoted(b, value), true
	case Day:
		r.date = value
	case Clock:
		r.clock = value
	default:
		t, ok := r.timeOf(s.kind, value)
		if !ok && s.kind != Syslog {
			return appendQuoted(append(b, s.other...), value, plain), r.lenient
		}
		r.takes(rec, t)
		if s.kind == Epoch || s.kind == Seconds {
			return append(append(b, s.first...), value...), true
		}
	}
	return appendQuoted(append(b, s.first...), value, plain), true
}

// timeOf reads the value of a field that is the time of its record.
func (r *lineReader) timeOf(k Kind, value []byte) (time.Time, bool) {
	if k == ISO || k == ISOText {
		t, n, ok := r.recent.ISO(value)
		return t, ok && n == len(value) && n > len("2006-01-02")
	}
	return timeOf(k, value, r.Stored)
}

// takes takes the time of a field for that of the record, if it has none with a year.
func (r *lineReader) takes(rec *penstock.Record, t time.Time) {
	if rec.Time.IsZero() || r.provisional {
		rec.Time, r.provisional = t, false
	}
}

// zoned appends a value that an index takes for no address. One with a zone behind it is added without the zone too.
func (s *step) zoned(b, value []byte, plain bool) []byte {
	if ip, _, ok := bytes.Cut(value, []byte{'%'}); ok && IsIP(ip) {
		b = appendQuoted(append(b, s.first...), ip, plain)
	}
	return appendQuoted(append(b, s.other...), value, plain)
}

// isNothing reports whether a value stands for none.
func isNothing(value []byte) bool { return len(value) == 0 || len(value) == 1 && value[0] == '-' }

// isNothing is the same with what the entry's format has for it.
func (p *plan) isNothing(value []byte) bool {
	return isNothing(value) || len(p.nothing) > 0 && (string(value) == p.nothing || string(value) == p.unset)
}

// joined returns the time of a record that has its date in another field, or in the entry.
func (r *lineReader) joined() time.Time {
	r.both = append(r.both[:0], r.day...)
	if r.date != nil {
		r.both = append(r.both[:0], r.date...)
	}
	r.both = append(append(r.both, ' '), r.clock...)
	t, n, ok := times.ISO(r.both)
	if !ok {
		t, n = (&times.File{}).Leading(r.both) // 05-Mar-2024 06:07:08
	}
	if n != len(r.both) {
		return time.Time{}
	}
	return t
}

// address appends the halves of ADDRESS:PORT. An IPv6 address may be in brackets or not; either half may be a dash.
func (s *step) address(b, value []byte, plain bool) ([]byte, bool) {
	colon := bytes.LastIndexByte(value, ':')
	if colon < 0 {
		return appendQuoted(append(b, s.parts[0]...), value, plain), true
	}
	ip, port := value[:colon], value[colon+1:]
	if n := len(ip); n > 1 && ip[0] == '[' && ip[n-1] == ']' {
		ip = ip[1 : n-1]
	}
	if !isNothing(ip) {
		b = appendQuoted(append(b, s.parts[0]...), ip, plain)
	}
	if isNothing(port) {
		return b, true
	}
	return append(append(b, s.parts[1]...), port...), IsNumber(port, false)
}

// request appends method, URL and protocol: what stands before the first space, and behind the last one. HTTP/0.9 has
// no protocol.
func (s *step) request(b, value []byte, plain bool) []byte {
	first, last := bytes.IndexByte(value, ' '), bytes.LastIndexByte(value, ' ')
	switch {
	case first <= 0 || last == first && !isUpper(value[:first]):
		return b
	case last == first:
		last = len(value)
	}
	url := bytes.TrimSpace(value[first+1 : last])
	for i, part := range [...][]byte{value[:first], url, value[min(last+1, len(value)):]} {
		if !isNothing(part) {
			b = appendQuoted(append(b, s.parts[i]...), part, plain)
		}
	}
	if query := bytes.IndexByte(url, '?'); query > 0 && s.query[0] != "" {
		b = appendQuoted(append(b, s.query[0]...), url[:query], plain)
		b = appendQuoted(append(b, s.query[1]...), url[query+1:], plain)
	}
	return b
}

// list appends the values between spaces, without dashes.
func (s *step) list(b, value []byte, plain, words bool) ([]byte, bool) {
	b = append(b, s.first...)
	empty := true
	for len(value) > 0 {
		var one []byte
		one, value, _ = bytes.Cut(value, []byte{' '})
		if isNothing(one) {
			continue
		}
		if !empty {
			b = append(b, ',')
		}
		empty = false
		if words {
			b = appendQuoted(append(b, '"'), one, plain)
			continue
		}
		if !IsNumber(one, false) {
			return b, false
		}
		b = append(b, one...)
	}
	return append(b, ']'), true
}

// delimiter reads the name of a byte, 0 for none: itself, or x and its hexadecimal code.
func delimiter(value []byte) byte {
	if len(value) == 1 {
		return value[0]
	}
	code, ok := bytes.CutPrefix(bytes.TrimPrefix(value, []byte{'0'}), []byte{'x'})
	if n, err := strconv.ParseUint(string(code), 16, 7); ok && err == nil {
		return byte(n)
	}
	return 0
}

// oneOrMore appends a value, or an array of those between commas.
func (s *step) oneOrMore(b, value []byte, plain bool) []byte {
	b = append(b, s.first...)
	if bytes.IndexByte(value, ',') < 0 {
		return appendQuoted(append(b, '"'), value, plain)
	}
	b = append(b, '[')
	for i := 0; len(value) > 0; i++ {
		var one []byte
		one, value, _ = bytes.Cut(value, []byte{','})
		if i > 0 {
			b = append(b, ',')
		}
		b = appendQuoted(append(b, '"'), bytes.TrimSpace(one), plain)
	}
	return append(b, ']')
}

// quoted appends the values of a list such as "h2","http/1.1", of which the quotes at its ends may be gone.
func (s *step) quoted(b, value []byte) []byte {
	b = append(b, s.first...)
	for i := 0; len(value) > 0; i++ {
		var one []byte
		one, value, _ = bytes.Cut(value, []byte{','})
		if i > 0 {
			b = append(b, ',')
		}
		b = appendQuoted(append(b, '"'), bytes.Trim(one, `"`), false)
	}
	return append(b, ']')
}

// appendText is appendQuoted for a value in which a quote may be written twice.
func (p *plan) appendText(b, value []byte, plain bool) []byte {
	if p.doubled && !plain {
		return append(appendDoubled(b, value), '"')
	}
	return appendQuoted(b, value, plain)
}

// appendQuoted appends a value and the quote behind it.
func appendQuoted(b, value []byte, plain bool) []byte {
	return append(appendBody(b, value, plain), '"')
}

func appendBody(b, value []byte, plain bool) []byte {
	if plain || quote.IsPlain(value) {
		return append(b, value...)
	}
	return appendUnslashed(b, value)
}

// IsNumber reports whether a value is a JSON number of up to 18 digits, with a fraction where one is allowed.
func IsNumber(value []byte, fraction bool) bool {
	digits := 0
	for i, c := range value {
		switch {
		case quote.IsDigit(c):
			digits++
		case c == '.' && fraction && i > 0 && i < len(value)-1:
			fraction = false
		default:
			return false
		}
	}
	return digits <= 18 && (len(value) <= 1 || value[0] != '0' || value[1] == '.')
}

// appendUnslashed appends a value in which a quote may be written as \". Other backslashes are kept: \x22 is how many
// programs write what is not ASCII.
func appendUnslashed(dst, value []byte) []byte {
	for {
		i := bytes.Index(value, []byte(`\"`))
		if i < 0 {
			return quote.Append(dst, value)
		}
		dst = quote.Append(dst, value[:i])
		dst = append(dst, `\"`...)
		value = value[i+2:]
	}
}

// appendDoubled appends a value of a table, in which a quote is written twice.
func appendDoubled(dst, value []byte) []byte {
	for {
		i := bytes.Index(value, []byte(`""`))
		if i < 0 {
			return quote.Append(dst, value)
		}
		dst = append(quote.Append(dst, value[:i]), `\"`...)
		value = value[i+2:]
	}
}

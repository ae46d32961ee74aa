package shape

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/seed56735111/penstock"
)

// Pattern makes index names.
type Pattern struct {
	text   string
	parts  []part
	origin bool // some of the fields may be of the origin
	// recent is the last name that an entry began with: most entries of a run have the same one.
	recent atomic.Pointer[string]
}

// part is a piece of a pattern; one of the fields is set.
type part struct {
	literal string
	format  bool   // {format}
	date    []unit // {yyyy.MM.dd}
	field   field  // {service} or {service|unknown}
}

// unit is a piece of a date: one of yyyy, MM, dd, HH, xxxx and ww, or a separator.
type unit string

// field names a value of the record and what to take when there is none.
type field struct {
	path       string
	also       string // another name of it, in documents of log events
	otherwise  string
	hasDefault bool
}

// MaxIndexName is the longest index name in bytes that the engines take.
const MaxIndexName = 255

// forbidden are the characters that no index name has.
const forbidden = `\/*?"<>| ,#:`

// ParsePattern reads a pattern such as "logs-{format}-{yyyy.MM.dd}".
//
// In braces stand {format}; a date made of yyyy, MM, dd, HH, or xxxx and ww for the year and number of an ISO week,
// with dots, dashes or underscores between them; or the name of a field of the record, with dots for a path, and what
// to take for records without it behind a bar: {service|unknown}. Values from records are put in lower case, and what
// an index name cannot have becomes an underscore.
//
// {bucket}, {prefix} (the key up to its last slash), {key[2]} (a part of the key between slashes, counted from 0),
// {account}, {region} and {log_group} are where the record is from, as far as that is known; otherwise they are fields
// like others.
//
// A pattern begins with at least one character outside of braces, which a record's content cannot change.
func ParsePattern(s string) (*Pattern, error) {
	p := &Pattern{text: s}
	for rest := s; rest != ""; {
		q, after, err := cutPart(rest)
		if err != nil {
			return nil, p.wrong(err.Error())
		}
		_, ofOrigin := (&Origin{}).Value(q.field.path)
		p.origin = p.origin || ofOrigin
		p.parts = append(p.parts, q)
		rest = after
	}
	return p, p.check()
}

// Prefix is what every name begins with, and whether that is the whole of it.
func (p *Pattern) Prefix() (prefix string, whole bool) { return p.parts[0].literal, len(p.parts) == 1 }

// HasFormat reports whether names depend on the format.
func (p *Pattern) HasFormat() bool {
	return slices.ContainsFunc(p.parts, func(q part) bool { return q.format })
}

// HasDate reports whether names depend on the time of a record.
func (p *Pattern) HasDate() bool {
	return slices.ContainsFunc(p.parts, func(q part) bool { return q.date != nil })
}

// Wildcard returns the names of indexes for a format with asterisks: what depends on the record is any text, and so is
// what stands between the parts of a date, which records without one do not have. Without a format that is any text
// too.
func (p *Pattern) Wildcard(format string) string {
	n := names{Pattern: p}
	var b []byte
	for i, q := range p.parts {
		switch {
		case n.isBetweenDates(i):
		case q.literal != "":
			b = append(b, q.literal...)
		case q.format && format != "":
			b = appendName(b, []byte(format))
		case len(b) > 0 && b[len(b)-1] == '*':
		default:
			b = append(b, '*')
		}
	}
	return string(b)
}

func (p *Pattern) wrong(why string) error { return fmt.Errorf("index pattern %q: %s", p.text, why) }

// check holds the literal text to the engines' rules for names.
func (p *Pattern) check() error {
	if len(p.parts) == 0 || p.parts[0].literal == "" {
		return p.wrong("it must begin with letters or digits of its own, outside of braces, that no record can change")
	}
	if strings.ContainsRune("-_+.", rune(p.parts[0].literal[0])) {
		return p.wrong(`an index name does not begin with "-", "_", "+" or "."`)
	}
	for _, q := range p.parts {
		if err := checkLiteral(q.literal + q.field.otherwise); err != nil {
			return p.wrong(err.Error())
		}
	}
	if len(p.text) > MaxIndexName {
		return p.wrong(fmt.Sprintf("over %d bytes", MaxIndexName))
	}
	return nil
}

func checkLiteral(s string) error {
	if s != strings.ToLower(s) {
		return errors.New("an index name has no upper-case letters")
	}
	for _, r := range s {
		if r < ' ' || r == 0x7f || strings.ContainsRune(forbidden, r) {
			return fmt.Errorf("an index name cannot have %q", r)
		}
	}
	return nil
}

// cutPart reads the first part of a pattern: what stands before a brace, or in braces.
func cutPart(s string) (q part, rest string, err error) {
	if open := strings.IndexAny(s, "{}"); open != 0 {
		if open < 0 {
			open = len(s)
		}
		return part{literal: s[:open]}, s[open:], nil
	}
	end := strings.IndexByte(s, '}')
	if s[0] == '}' || end < 0 {
		return part{}, "", errors.New("braces do not match up")
	}
	q, err = parsePart(s[1:end])
	return q, s[end+1:], err
}

func parsePart(s string) (part, error) {
	switch s {
	case "":
		return part{}, errors.New("nothing in braces")
	case "format":
		return part{format: true}, nil
	}
	if date, ok := parseDate(s); ok {
		return part{date: date}, nil
	}
	if right, ok := respelled(s); ok {
		return part{}, fmt.Errorf("{%s} is no date: write {%s}", s, right)
	}
	var f field
	f.path, f.otherwise, f.hasDefault = strings.Cut(s, "|")
	if f.path == "" || strings.ContainsAny(f.path, " \t\"{") {
		return part{}, fmt.Errorf("%q is no field", s)
	}
	if _, ok := segmentOf(f.path); !ok && strings.HasPrefix(f.path, "key[") {
		return part{}, fmt.Errorf("%q is no part of a key: write {key[0]} for the first", s)
	}
	if f.hasDefault && f.otherwise == "" {
		return part{}, fmt.Errorf("%q has nothing behind its bar", s)
	}
	f.also = eventNames[f.path]
	return part{field: f}, nil
}

// value returns what a record has for the field.
func (f *field) value(record []byte) (value []byte, ok bool) {
	value, ok = lookup(record, f.path)
	if !ok && f.also != "" {
		value, ok = lookup(record, f.also)
		value = bytes.Trim(value, "/")
	}
	return value, ok
}

// parseDate reads a date layout; ok is false when s is something else.
func parseDate(s string) (date []unit, ok bool) {
	for s != "" {
		n := 0
		for _, u := range []string{"yyyy", "xxxx", "MM", "dd", "HH", "ww", ".", "-", "_"} {
			if strings.HasPrefix(s, u) {
				n = len(u)
				if n > 1 {
					ok = true
				}
				break
			}
		}
		if n == 0 {
			return nil, false
		}
		date = append(date, unit(s[:n]))
		s = s[n:]
	}
	return date, ok
}

// respelled returns a date layout as it is written here, when s is one in the letters of another notation: upper and
// lower case exchanged, or the percent signs of strftime. Fields have other names.
func respelled(s string) (right string, ok bool) {
	percent := strings.NewReplacer("%Y", "yyyy", "%G", "xxxx", "%m", "MM", "%d", "dd", "%H", "HH", "%V", "ww")
	if strings.Contains(s, "%") {
		right = percent.Replace(s)
	} else {
		fold := strings.NewReplacer("yyyy", "yyyy", "uuuu", "yyyy", "xxxx", "xxxx", "gggg", "xxxx",
			"mm", "MM", "dd", "dd", "hh", "HH", "ww", "ww")
		right = fold.Replace(strings.ToLower(s))
	}
	if _, ok = parseDate(right); !ok || right == s {
		return "", false
	}
	return right, true
}

// names makes the index names of one entry and remembers them: most records share theirs with the one before.
type names struct {
	*Pattern
	format  string
	hasDate bool
	fields  bool
	hour    int64    // of the last name
	dated   bool     // the last name has its date
	dates   [][]byte // the text of each part that is a date, in that hour; nil before it is needed
	last    string
	buf     []byte
	known   map[string]string
}

// maxKnown bounds the remembered names.
const maxKnown = 1024

func (p *Pattern) names(format string) *names {
	n := new(names)
	n.begin(p, format)
	return n
}

func (n *names) begin(p *Pattern, format string) {
	*n = names{Pattern: p, format: legalName(format)}
	for i := range p.parts {
		n.hasDate = n.hasDate || p.parts[i].date != nil
		n.fields = n.fields || p.parts[i].field.path != ""
	}
}

var errNoDate = errors.New("the record has no time, and neither has the object")

// undated stands in the place of a date that must not choose an index.
const undated = "undated"

// name returns the index for a record of the given time, which is a date for it or not.
func (n *names) name(r *penstock.Record, at time.Time, dated bool) (string, error) {
	if n.hasDate && !sound(at) {
		return "", errNoDate
	}
	hour := floorDiv(at.Unix(), 3600)
	same := n.last != "" && hour == n.hour && dated == n.dated
	if !n.fields && n.last != "" && (!n.hasDate || same) {
		return n.last, nil
	}
	if !same {
		if n.dates == nil {
			n.dates = make([][]byte, len(n.parts))
		}
		for i := range n.parts {
			n.dates[i] = appendDate(n.dates[i][:0], n.parts[i].date, at.UTC())
		}
		if !dated {
			n.undate()
		}
	}
	n.hour, n.dated = hour, dated
	b, err := n.append(n.buf[:0], r)
	n.buf = b
	if err != nil {
		return "", err
	}
	if len(b) > MaxIndexName {
		return "", fmt.Errorf("%d bytes are more than the %d of an index name", len(b), MaxIndexName)
	}
	if n.last != string(b) {
		n.last = n.remembered(b)
	}
	return n.last, nil
}

// remembered returns a name as a string, the same one each time, as far as names are remembered.
func (n *names) remembered(b []byte) string {
	if n.last == "" { // the first name of the entry
		if recent := n.recent.Load(); recent != nil && *recent == string(b) {
			return *recent
		}
		name := string(b)
		n.recent.Store(&name)
		return name
	}
	name, ok := n.known[string(b)]
	if !ok {
		if n.known == nil || len(n.known) >= maxKnown {
			n.known = map[string]string{}
		}
		name = string(b)
		n.known[name] = name
	}
	return name
}

// undate puts one word in the place of the dates.
func (n *names) undate() {
	word := undated
	for i := range n.parts {
		if n.parts[i].date != nil {
			n.dates[i] = append(n.dates[i][:0], word...)
			word = ""
		}
	}
}

// isBetweenDates reports whether a part only keeps two dates apart.
func (n *names) isBetweenDates(i int) bool {
	return i > 0 && i+1 < len(n.parts) && n.parts[i-1].date != nil && n.parts[i+1].date != nil &&
		strings.Trim(n.parts[i].literal, "-_.") == ""
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func (n *names) append(dst []byte, r *penstock.Record) ([]byte, error) {
	for i := range n.parts {
		q := &n.parts[i]
		switch {
		case !n.dated && n.isBetweenDates(i):
		case q.literal != "":
			dst = append(dst, q.literal...)
		case q.format:
			dst = append(dst, n.format...)
		case q.date != nil:
			dst = append(dst, n.dates[i]...)
		default:
			value, ok := q.field.value(r.JSON)
			switch {
			case ok:
				dst = appendName(dst, value)
			case q.field.hasDefault:
				dst = append(dst, q.field.otherwise...)
			default:
				return dst, fmt.Errorf("the record has no %q; {%s|other} would say what to take then", q.field.path, q.field.path)
			}
		}
	}
	return dst, nil
}

// legalName returns a value as a part of an index name.
func legalName(value string) string {
	for _, c := range []byte(value) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return string(appendName(nil, []byte(value)))
		}
	}
	return value
}

// appendName appends a value as a part of an index name.
func appendName(dst, value []byte) []byte {
	for len(value) > 0 {
		r, size := utf8.DecodeRune(value)
		value = value[size:]
		r = unicode.ToLower(r)
		if r < ' ' || r == 0x7f || r == utf8.RuneError || strings.ContainsRune(forbidden, r) {
			r = '_'
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

func appendDate(dst []byte, date []unit, at time.Time) []byte {
	for _, u := range date {
		switch u {
		case "yyyy":
			dst = appendDigits(dst, at.Year(), 4)
		case "MM":
			dst = appendDigits(dst, int(at.Month()), 2)
		case "dd":
			dst = appendDigits(dst, at.Day(), 2)
		case "HH":
			dst = appendDigits(dst, at.Hour(), 2)
		case "xxxx":
			y, _ := at.ISOWeek()
			dst = appendDigits(dst, y, 4)
		case "ww":
			_, w := at.ISOWeek()
			dst = appendDigits(dst, w, 2)
		default:
			dst = append(dst, u...)
		}
	}
	return dst
}

// appendDigits appends a number that is not negative with so many digits at least.
func appendDigits(dst []byte, n, digits int) []byte {
	for least := 1; digits > 1; digits-- {
		if least *= 10; n < least {
			dst = append(dst, '0')
		}
	}
	return strconv.AppendInt(dst, int64(n), 10)
}

// MayBegin reports whether some name of the pattern for a format begins with a prefix. A value of a record may be any
// text; so may the format when it is empty.
func (p *Pattern) MayBegin(prefix, format string) bool {
	for _, q := range p.parts {
		literal := q.literal
		switch {
		case prefix == "":
			return true
		case literal != "":
		case q.format && format != "":
			literal = legalName(format)
		case q.date != nil:
			var rest string
			if rest, literal = q.afterDate(prefix); literal == "" {
				prefix = rest
				continue
			}
		default:
			return true
		}
		if strings.HasPrefix(literal, prefix) {
			return true
		}
		var ok bool
		if prefix, ok = strings.CutPrefix(prefix, literal); !ok {
			return false
		}
	}
	return prefix == ""
}

// afterDate returns what is left of a prefix behind a date. The other result is the word for records without a date,
// when the prefix does not begin with one.
func (q *part) afterDate(prefix string) (rest, word string) {
	for _, u := range q.date {
		if strings.Trim(string(u), "-_.") == "" {
			if !strings.HasPrefix(prefix, string(u)) && prefix != "" {
				return "", undated
			}
			prefix = strings.TrimPrefix(prefix, string(u))
			continue
		}
		for range len(u) {
			if prefix == "" {
				return "", ""
			}
			if prefix[0] < '0' || prefix[0] > '9' {
				return "", undated
			}
			prefix = prefix[1:]
		}
	}
	return prefix, ""
}

// Span is how long the time is that one name stands for, at most; zero when names have no date.
func (p *Pattern) Span() time.Duration {
	const day = 24 * time.Hour
	spans := map[unit]time.Duration{
		"HH": time.Hour, "dd": day, "ww": 7 * day, "MM": 31 * day, "yyyy": 366 * day, "xxxx": 371 * day,
	}
	var least time.Duration
	for _, q := range p.parts {
		for _, u := range q.date {
			if s := spans[u]; s > 0 && (least == 0 || s < least) {
				least = s
			}
		}
	}
	return least
}

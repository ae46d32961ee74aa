// Package learn proposes the definition of a format from some of its lines, and says what is a guess in it.
package learn

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format"
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/times"
	"github.com/seed56735111/penstock/internal/lazyregexp"
)

// Proposal is a definition that was made of some lines, with all that is a guess in it.
type Proposal struct {
	format.Definition
	// Guesses say what was concluded, from what, and what it would be otherwise.
	Guesses []string
	// Lines is how many lines there were, Covered how many of them are in records of the definition.
	Lines, Covered int
	// Missed are the others, with the reason.
	Missed []Missed
	// Records are the first ones that the definition reads.
	Records []Record
	// Known is the format that reads the lines already, empty when none but a generic one does.
	Known string
}

// Missed is a text that a proposal does not read.
type Missed struct {
	Line      int
	Text, Why string
}

// Record is a record that a proposal reads, with its document and time.
type Record struct {
	Text string
	JSON []byte
	Time time.Time
}

// ErrNothing says that lines have nothing in common that a definition could say.
var ErrNothing = errors.New("the lines have nothing in common that a pattern could say")

// The bounds of what is learnt from.
const (
	mostLearnt  = 1000
	leastLearnt = 2
	mostRecords = 3
)

// From proposes a definition for lines of one format. The more lines there are, the fewer of its guesses are wrong;
// beyond a thousand they are left out.
func From(name string, text []byte) (*Proposal, error) {
	if wrong, _ := (&format.Definition{Name: name, Dissect: "own %{field}"}).Check(); len(wrong) > 0 {
		return nil, wrong[0]
	}
	l := &learner{p: &Proposal{}}
	text = l.split(text)
	if len(l.lines) < leastLearnt {
		return nil, fmt.Errorf("%d lines are too few to learn from; give it twenty", len(l.lines))
	}
	l.p.Lines = len(l.lines)
	l.dayOrMonth()
	for _, propose := range []func() bool{l.json, l.columns, l.dissect} {
		l.p.Guesses = nil
		l.p.Definition = format.Definition{Name: name}
		if !propose() {
			continue
		}
		wrong, doubts := l.p.Check()
		if len(wrong) > 0 {
			continue
		}
		for _, doubt := range doubts {
			l.guess("%s: %v", doubt.Key, doubt.Err)
		}
		if err := l.p.try(text, l.lines); err != nil {
			return nil, err
		}
		if 2*l.p.Covered >= l.p.Lines {
			return l.p, nil
		}
	}
	return nil, ErrNothing
}

// learner looks at lines.
type learner struct {
	p     *Proposal
	lines []learntLine
	file  times.File // which of the numbers of 03/05/2024 is the day
	told  bool       // a line proves it
}

// learntLine is a line that is not blank, with its number and where it begins.
type learntLine struct {
	text   string
	number int
	at     int
}

// split takes the lines of a text, and returns what they are in.
func (l *learner) split(text []byte) []byte {
	at, number := 0, 0
	for at < len(text) && len(l.lines) < mostLearnt {
		line := text[at:]
		if end := bytes.IndexByte(line, '\n'); end >= 0 {
			line = line[:end+1]
		}
		number++
		if plain := bytes.TrimRight(line, "\r\n"); len(bytes.TrimSpace(plain)) > 0 {
			l.lines = append(l.lines, learntLine{string(plain), number, at})
		}
		at += len(line)
	}
	return text[:at]
}

func (l *learner) guess(text string, args ...any) {
	l.p.Guesses = append(l.p.Guesses, fmt.Sprintf(text, args...))
}

// try reads the lines by the proposal.
func (p *Proposal) try(text []byte, lines []learntLine) error {
	known, err := format.New(format.Config{})
	if err != nil {
		return err
	}
	p.Covered, p.Missed, p.Records, p.Known = 0, nil, nil, ""
	rec, err := known.Recognize(&penstock.Object{}, penstock.Identity{}, penstock.Entry{Reader: bytes.NewReader(text)})
	if err == nil && !rec.Generic && rec.Format != "text" {
		p.Known = rec.Format
	}
	d, err := format.New(format.Config{Definitions: []format.Definition{p.Definition}, Force: p.Name})
	if err != nil {
		return err
	}
	rec, err = d.Recognize(&penstock.Object{}, penstock.Identity{}, penstock.Entry{Reader: bytes.NewReader(text)})
	if err != nil {
		return err
	}
	read := map[int]bool{} // lines by where they begin
	for r, err := range rec.Records {
		if err != nil {
			continue // its lines are missed
		}
		from := slices.IndexFunc(lines, func(l learntLine) bool { return l.at+len(l.text) > int(r.Offset) })
		if from < 0 {
			continue
		}
		if r.Unparsed {
			var doc struct {
				Why string `json:"parse_error"`
			}
			_ = json.Unmarshal(r.JSON, &doc) // without a reason it is missed all the same
			p.Missed = append(p.Missed, Missed{lines[from].number, string(r.Raw), doc.Why})
		}
		for i := from; i < len(lines) && lines[i].at < int(r.Offset)+len(r.Raw); i++ {
			if read[i] = true; !r.Unparsed {
				p.Covered++
			}
		}
		if !r.Unparsed && len(p.Records) < mostRecords {
			p.Records = append(p.Records, Record{string(r.Raw), bytes.Clone(r.JSON), r.Time})
		}
	}
	for i := range lines {
		if !read[i] {
			p.Missed = append(p.Missed, Missed{lines[i].number, lines[i].text, "a header, or what stands around records"})
		}
	}
	return nil
}

// json proposes names that all objects have.
func (l *learner) json() bool {
	var common []string
	var stamped string
	objects := 0
	for _, line := range l.lines {
		var members map[string]json.RawMessage
		if json.Unmarshal([]byte(line.text), &members) != nil {
			continue
		}
		if objects++; objects == 1 {
			dec := json.NewDecoder(strings.NewReader(line.text))
			common = topNames(dec)
		}
		common = slices.DeleteFunc(common, func(name string) bool { return members[name] == nil })
	}
	common = slices.DeleteFunc(common, func(name string) bool { return !isName.MatchString(name) })
	if 10*objects < 9*len(l.lines) || len(common) == 0 {
		return false
	}
	var telling []string
	for _, name := range common {
		values := l.members(name)
		switch {
		case stamped == "" && all(values, l.isTime):
			stamped = name
		case !slices.Contains(generic, strings.ToLower(name)) && len(telling) < 3:
			telling = append(telling, name)
		}
	}
	if len(telling) == 0 {
		telling = common[:1]
	}
	l.p.JSON = &format.JSONDefinition{Names: telling}
	l.guess("names: %s stand in all %d objects, and tell the format; JSON is read without a format too, as ndjson",
		strings.Join(telling, ", "), objects)
	if stamped != "" {
		l.p.Time.Fields = []string{stamped}
		l.timeGuess(stamped, l.members(stamped))
	} else {
		l.guess("time: no name at the top has a time in all objects")
	}
	return true
}

// generic are names that objects of many formats have.
var generic = []string{
	"time", "timestamp", "@timestamp", "ts", "level", "severity", "msg", "message", "logger", "host", "hostname", "pid",
	"thread", "name", "id", "type", "v", "version", "service", "caller", "error",
}

// topNames are the names of an object, in their order.
func topNames(dec *json.Decoder) (names []string) {
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil
	}
	for dec.More() {
		name, err := dec.Token()
		var value json.RawMessage
		if err != nil || dec.Decode(&value) != nil {
			return names
		}
		if text, ok := name.(string); ok && !slices.Contains(names, text) {
			names = append(names, text)
		}
	}
	return names
}

// members are the texts or numbers that objects have at a name.
func (l *learner) members(name string) (values []string) {
	for _, line := range l.lines {
		var object map[string]json.RawMessage
		if json.Unmarshal([]byte(line.text), &object) == nil {
			values = append(values, strings.Trim(string(object[name]), `"`))
		}
	}
	return values
}

func all(values []string, is func(string) bool) bool {
	return len(values) > 0 && !slices.ContainsFunc(values, func(v string) bool { return !is(v) })
}

// columns proposes a delimiter that stands in each line as often as in the others.
func (l *learner) columns() bool {
	for _, one := range []struct {
		delimiter string
		least     int
	}{{"\t", 1}, {" | ", 2}, {"|", 2}, {";", 2}, {",", 3}} {
		most, lines := 0, 0
		for n, count := range l.counts(one.delimiter) {
			if n >= one.least && count > lines {
				most, lines = n, count
			}
		}
		if 10*lines < 9*len(l.lines) {
			continue
		}
		if one.delimiter == "," && slices.ContainsFunc(l.lines, func(line learntLine) bool {
			return strings.Contains(line.text, ", ")
		}) {
			continue // a sentence
		}
		l.guess("delimiter: %q stands %d times in %d of %d lines", one.delimiter, most, lines, len(l.lines))
		l.inColumns(one.delimiter, most+1)
		return true
	}
	return false
}

// counts says how many lines have a delimiter how often, outside of quotes.
func (l *learner) counts(delimiter string) map[int]int {
	counts := map[int]int{}
	for _, line := range l.lines {
		counts[len(cells(line.text, delimiter))-1]++
	}
	return counts
}

// cells are the values between delimiters, of which those in quotes may have it.
func cells(line, delimiter string) (all []string) {
	for rest := line; ; {
		from := 0
		if strings.HasPrefix(rest, `"`) {
			if end := strings.Index(rest[1:], `"`+delimiter); end >= 0 {
				from = end + 2
			} else if strings.HasSuffix(rest, `"`) && len(rest) > 1 {
				from = len(rest)
			}
		}
		end := strings.Index(rest[from:], delimiter)
		if end < 0 {
			return append(all, rest)
		}
		all = append(all, rest[:from+end])
		rest = rest[from+end+len(delimiter):]
	}
}

// inColumns proposes names and types of columns.
func (l *learner) inColumns(delimiter string, n int) {
	l.p.Delimiter = delimiter
	values := make([][]string, n)
	for _, line := range l.lines {
		row := cells(line.text, delimiter)
		if len(row) != n {
			continue
		}
		for i, v := range row {
			if len(v) > 1 && v[0] == '"' && v[len(v)-1] == '"' {
				v, l.p.Quote = v[1:len(v)-1], `"`
			}
			values[i] = append(values[i], v)
		}
	}
	var header []string
	for i := range values {
		if isName.MatchString(values[i][0]) && !slices.Contains(header, values[i][0]) {
			header = append(header, values[i][0])
		}
	}
	isHeader := len(header) == n && slices.ContainsFunc(values, func(v []string) bool {
		return len(v) > 1 && typeOf(v[:1]) == "" && typeOf(v[1:]) != ""
	})
	if isHeader {
		l.guess("columns: the first line has names alone, and is taken as the header")
	} else {
		header = nil
	}
	names := &naming{}
	for i := range values {
		column := values[i]
		name := ""
		if header != nil {
			column, name = column[1:], names.unique(header[i])
			values[i] = column
		} else {
			name = l.name(names, column)
		}
		l.p.Columns = append(l.p.Columns, name)
		l.typed(name, column)
		if len(l.p.Time.Fields) == 0 && all(column, l.isTime) {
			l.p.Time.Fields = []string{name}
			l.timeGuess(name, column)
		}
	}
	if l.p.Quote != "" {
		l.guess("quote: some values stand between double quotes")
	}
	if len(l.p.Time.Fields) > 0 {
		return
	}
	for i := 1; i < n; i++ {
		if both := joinedValues(values[i-1], values[i]); all(both, l.isTime) {
			l.p.Time.Fields = l.p.Columns[i-1 : i+1 : i+1]
			l.timeGuess(strings.Join(l.p.Time.Fields, " and "), both)
			return
		}
	}
	l.guess("time: no column has a time in all lines")
}

func joinedValues(a, b []string) (both []string) {
	for i := range min(len(a), len(b)) {
		both = append(both, a[i]+" "+b[i])
	}
	return both
}

// isTime reports whether a text is a time with a time of day.
func (l *learner) isTime(v string) bool {
	_, ok := times.Any([]byte(v))
	if !ok {
		_, n := l.file.Leading([]byte(v))
		ok = n > 0 && n == len(v)
	}
	return ok && strings.Contains(v, ":")
}

// dayOrMonth finds out which number of a date with slashes is the day.
func (l *learner) dayOrMonth() {
	first, second := false, false // above 12
	for _, line := range l.lines {
		if m := slashed.FindStringSubmatch(line.text); m != nil {
			first = first || len(m[1]) > 1 && m[1] > "12"
			second = second || len(m[2]) > 1 && m[2] > "12"
		}
	}
	l.told = first != second
	l.file.DayFirst, l.file.MonthFirst = first && !second, !first || second
}

var (
	isName    = lazyregexp.New(`^[A-Za-z][\w-]{0,38}$`)
	isDigits  = lazyregexp.New(`^\d{1,18}$`)
	isDecimal = lazyregexp.New(`^-?\d{1,18}(\.\d+)?$`)
	isSigned  = lazyregexp.New(`^-?\d{1,18}$`)
	hasZeros  = lazyregexp.New(`^0\d`)
	isZoned   = lazyregexp.New(`(Z|[+-]\d\d:?\d\d|[A-Z]{3,4})\]?$`)
	slashed   = lazyregexp.New(`\b(\d{1,2})/(\d{1,2})/\d{4} \d{1,2}:`)
	inSlashes = lazyregexp.New(`^\d{1,2}/\d{1,2}/\d{4} \d{1,2}:\d\d:\d\d([.,]\d+)?( [APap][Mm])?` +
		`( ?[+-]\d\d:?\d\d| ?Z| [A-Z]{3,4})?$`)
)

// timeGuess says what is not known of times.
func (l *learner) timeGuess(field string, values []string) {
	l.guess("time: %s has a time in each of %d records, such as %q", field, len(values), values[0])
	if len(values[0]) > 0 && !isZoned.MatchString(values[0]) && !isDecimal.MatchString(values[0]) {
		l.guess("time: no zone stands in it, so it is taken as UTC; zone: Europe/Berlin, say, means the time there")
	}
	m := inSlashes.FindStringSubmatch(values[0])
	if m == nil {
		return
	}
	layout := "M/d/yyyy "
	if l.file.DayFirst {
		layout = "d/M/yyyy "
	}
	if layout += "H:mm:ss"; m[2] != "" {
		layout = strings.Replace(layout, "H", "h", 1)
	}
	if m[1] != "" {
		layout += "[.S]"
	}
	if m[2] != "" {
		layout += " a"
	}
	if m[3] != "" {
		layout += strings.Repeat(" ", strings.Count(m[3], " ")) + "Z"
	}
	l.p.Time.Layout = layout
	if l.told {
		l.guess("layout: one of two numbers is above 12 in some lines, which tells the day from the month")
	} else {
		l.guess("layout: nobody can tell the day from the month in %q; change d and M if the day is the first", values[0])
	}
}

// typed gives a field the type that all its values have.
func (l *learner) typed(name string, values []string) {
	typ := typeOf(values)
	if typ == "" {
		if all(values, isDigits.MatchString) {
			l.guess("%s: some values have zeros in front, which a number loses; they stay text", name)
		}
		return
	}
	if l.p.Types == nil {
		l.p.Types = map[string]string{}
	}
	l.p.Types[name] = typ
	l.guess("%s: %s, which all %d values are; one that is not makes its line unparsed", name, typ, len(values))
}

// typeOf is the type that all values have, empty for text. A dash, or nothing, is of any type.
func typeOf(values []string) string {
	var given []string
	for _, v := range values {
		if v != "" && v != "-" {
			given = append(given, v)
		}
	}
	switch {
	case all(given, isSigned.MatchString):
		if slices.ContainsFunc(given, hasZeros.MatchString) {
			return ""
		}
		return "integer"
	case all(given, isDecimal.MatchString):
		return "decimal"
	case all(given, func(v string) bool { return v == "true" || v == "false" }):
		return "boolean"
	case all(given, isAddress):
		return "ip"
	}
	return ""
}

// start proposes what begins an event: the shape of the first time, when lines without one go on with the line before.
func (l *learner) start() []learntLine {
	var begin []learntLine
	goOn := 0
	for _, line := range l.lines {
		switch {
		case l.leadingTime(line.text) > 0:
			begin = append(begin, line)
		case line.text[0] == ' ' || line.text[0] == '\t' || entry.GoesOn([]byte(line.text)):
			goOn++
		}
	}
	others := len(l.lines) - len(begin)
	if len(begin) < leastLearnt || others == 0 || 2*goOn < others {
		return l.lines
	}
	var shape strings.Builder
	shape.WriteString("^")
	for _, c := range begin[0].text[:min(len(begin[0].text), l.leadingTime(begin[0].text))] {
		switch {
		case c >= '0' && c <= '9':
			shape.WriteString(`\d`)
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			shape.WriteString(`[A-Za-z]`)
		case c == ' ':
			shape.WriteString(`\s`)
		default:
			shape.WriteString(regexp.QuoteMeta(string(c)))
		}
		if shape.Len() > 30 && c == ':' {
			break
		}
	}
	re, err := regexp.Compile(shape.String())
	if err != nil || slices.ContainsFunc(begin, func(line learntLine) bool { return !re.MatchString(line.text) }) {
		return l.lines
	}
	l.p.Start = shape.String()
	l.guess("start: %d of %d lines begin with a time, and %d go on with the line before them", len(begin), len(l.lines),
		others)
	return begin
}

// leadingTime is how long the time is that a line begins with, with a bracket before it; 0 for none.
func (l *learner) leadingTime(line string) int {
	at := 0
	if strings.HasPrefix(line, "[") {
		at = 1
	}
	if _, n := l.file.Leading([]byte(line[at:])); n > 0 {
		return at + n
	}
	return 0
}

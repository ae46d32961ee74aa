package delimited

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format/internal/times"
	"github.com/seed56735111/penstock/internal/quote"
)

// plan is what becomes of the cells of a row.
type plan struct {
	columns []planned
	time    int // the column of the time, -1 for none
	clock   int // the column of its time of day when that is another one, -1 for none
	room    int // what the quick way needs beside a row's own bytes
	key     []byte
	next    []byte
}

// planned is a column of documents.
type planned struct {
	kind  kind
	order times.File // of day and month in dates
	// bare, quoted and other come before a value that is no text, one that is, and one that is not of the kind: a comma,
	// the name, a colon, and a quote before texts.
	bare, quoted, other string
	// head is quoted, of which bare is the beginning.
	head quote.Head
}

// make plans rows for what a sample looks like. names are those of the columns, or header is the record that has them.
func (p *plan) make(l *look, names []string, header []byte) {
	p.next = append(append(p.next[:0], header...), '\n', l.separator)
	for i := range l.columns {
		c := &l.columns[i]
		p.next = append(p.next, byte(c.kind()))
		if c.order.DayFirst {
			p.next[len(p.next)-1] |= 0x80
		}
	}
	if names == nil && len(p.key) > 0 && bytes.Equal(p.key, p.next) {
		return // it is that of the last entry
	}
	*p = plan{columns: p.columns[:0], time: -1, clock: -1, room: 4 * quote.Pad, key: p.next, next: p.key}
	if names != nil {
		p.key = p.key[:0]
	}
	names = slices.Clone(names)
	for i := 0; header != nil && i <= len(header) && len(names) < mostColumns; {
		var v []byte
		v, _, i = l.cell(header, i)
		names = append(names, string(v))
	}
	for n := len(names); n < len(l.columns); n++ {
		names = append(names, "")
	}
	taken := map[string]bool{}
	free := func(name string) string {
		one := name
		for n := 2; taken[one]; n++ {
			one = name + "_" + strconv.Itoa(n)
		}
		taken[one] = true
		return one
	}
	found := make([]string, len(names))
	for i, name := range names {
		if found[i] = columnName(name); found[i] == "" {
			found[i] = "field_" + strconv.Itoa(i+1)
		}
		found[i] = free(found[i])
	}
	for i, name := range found {
		k := text
		var order times.File
		if i < len(l.columns) {
			k, order = l.columns[i].kind(), l.columns[i].order
		}
		c := planned{kind: k, order: order, bare: `,"` + name + `":`}
		c.quoted = c.bare + `"`
		c.head = quote.NewHead(c.quoted)
		p.room += c.head.Size + len(`"`)
		if k != text {
			c.other = `,"` + free(name+"_text") + `":"`
		}
		p.columns = append(p.columns, c)
	}
	p.findTime(found, l.times)
}

// timeNames are the names that columns with the time of a record have, the better ones first.
var timeNames = []string{
	"timestamp", "time", "datetime", "date_time", "event_time", "eventtime", "ts", "start_time", "start", "created_at",
	"date",
	"time_stamp", "log_time", "logtime", "utc_time", "when", "end_time", "end",
}

// findTime finds the columns of the time: one with a name that says so, else the first one that has dates.
func (p *plan) findTime(names, asked []string) {
	for n := range len(asked) + len(timeNames) {
		name := ""
		if n < len(asked) {
			name = columnName(asked[n])
		} else {
			name = timeNames[n-len(asked)]
		}
		if i := slices.Index(names, name); i >= 0 && p.isTime(i, true) {
			p.time = i
			break
		}
	}
	for i := range p.columns {
		if p.time < 0 && p.isTime(i, false) {
			p.time = i
		}
	}
	if p.time < 0 || p.columns[p.time].kind != stamp {
		return
	}
	for i := range p.columns {
		if p.columns[i].kind == clock && (i == p.time+1 || i == p.time-1) {
			p.clock = i
		}
	}
}

func (p *plan) isTime(i int, number bool) bool {
	k := p.columns[i].kind
	return k == stamp || number && (k == integer || k == decimal)
}

// columnName is what a column is called in a document: small letters, and _ for what is no letter and no digit, so that
// no name leads into an object, or is one that the engines or the program keep for themselves.
func columnName(name string) string {
	b := make([]byte, 0, len(name))
	for i := 0; i < len(name); {
		r, size := utf8.DecodeRuneInString(name[i:])
		switch c := name[i]; {
		case r != utf8.RuneError && r >= utf8.RuneSelf && r > '\u00a0' && r != '\ufeff' && r != '\u2028' && r != '\u2029':
			b = utf8.AppendRune(b, r)
		case c < utf8.RuneSelf && isLetter(c):
			b = append(b, c|0x20)
		case quote.IsDigit(c):
			b = append(b, c)
		case len(b) > 0 && b[len(b)-1] != '_':
			b = append(b, '_')
		}
		i += size
	}
	b = bytes.TrimRight(b, "_")
	if len(b) > 200 {
		b = b[:0] // no name that a person gives
	}
	if s := string(b); s == penstock.NameAWS || s == penstock.NameMeta || strings.HasPrefix(s, "field_") {
		return "x_" + s
	}
	return string(b)
}

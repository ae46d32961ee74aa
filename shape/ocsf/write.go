package ocsf

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed56735111/penstock/internal/quote"
)

// writer makes events by a plan. It is for one goroutine.
type writer struct {
	plan   *plan
	record []byte
	values [][]byte // of the fields, nil for those that a record does not have
	used   []bool   // which of them are in the event
	subs   []*writer
	seen   *[]observation
	at     time.Time
	time   []byte // at, as it is written
	inner  []byte // what a text stands for
	tried  []byte
}

// observation is a value that is written: its place among what was written.
type observation struct {
	begin      []byte
	start, end int
}

func newWriter(p *plan) *writer {
	w := &writer{plan: p, values: make([][]byte, len(p.index)), used: make([]bool, len(p.index)), seen: new([]observation)}
	for _, sub := range p.subs {
		one := newWriter(sub)
		w.subs = append(w.subs, one)
	}
	w.share(w.seen)
	return w
}

func (w *writer) share(seen *[]observation) {
	w.seen = seen
	for _, sub := range w.subs {
		sub.share(seen)
	}
}

// read finds the fields of a record.
func (w *writer) read(record []byte) {
	w.record = record
	clear(w.values)
	clear(w.used)
	w.find(record, w.plan.root)
}

// find finds the fields below a node in an object.
func (w *writer) find(object []byte, n *node) {
	for i := quote.Space(object, 1); i < len(object) && object[i] == '"'; {
		end, _ := quote.StringEnd(object, i)
		start := quote.Space(object, quote.Space(object, end)+1)
		next, _ := quote.ValueEnd(object, start)
		if kid := n.kids[string(object[i+1:end-1])]; kid != nil {
			value := object[start:next]
			if kid.field >= 0 {
				w.values[kid.field] = value
			}
			if value[0] == '{' && kid.kids != nil {
				w.find(value, kid)
			}
			if value[0] == '[' && kid.first != nil {
				if at := quote.Space(value, 1); value[at] == '{' {
					end, _ := quote.ValueEnd(value, at)
					w.find(value[at:end], kid.first)
				}
			}
		}
		i = comma(object, next)
	}
}

// text returns the text of a field that is one of the keys, nil for none.
func (w *writer) text(field string) []byte { return text(w.values[w.plan.index[field]]) }

// has reports whether a key has a value that is no null.
func (w *writer) has(field string) bool {
	v := w.values[w.plan.index[field]]
	return len(v) > 0 && v[0] != 'n'
}

// event appends the members of the event of the record that was read.
func (w *writer) event(b []byte, class int, at time.Time, text []byte) []byte {
	w.at, w.time = at, text
	*w.seen = (*w.seen)[:0]
	for _, kid := range w.plan.classes[class].kids {
		b, _ = w.target(b, kid)
	}
	b = w.observables(b)
	start := len(b)
	b = append(separate(b), `"unmapped":{`...)
	open := len(b)
	if b = w.rest(b, w.record, w.plan.root, false, 1); len(b) == open {
		return b[:start]
	}
	return append(b, '}')
}

// separate appends the comma that a further member or element wants.
func separate(b []byte) []byte {
	if n := len(b); n > 0 && b[n-1] != ',' && b[n-1] != '{' && b[n-1] != '[' {
		b = append(b, ',')
	}
	return b
}

// target appends an attribute, and reports whether there is something to it.
func (w *writer) target(b []byte, t *target) ([]byte, bool) {
	for _, l := range t.leaves {
		if b, ok := w.leaf(b, t, l); ok {
			return b, true
		}
	}
	if len(t.leaves) > 0 {
		return b, false
	}
	start := len(b)
	b = append(separate(b), t.key...)
	var ok bool
	if t.each > 0 {
		b, ok = w.array(b, t)
	} else {
		b, ok = w.object(b, t)
	}
	if !ok {
		b = b[:start]
	}
	return b, ok
}

// object appends an object, unless it is empty and need not be there.
func (w *writer) object(b []byte, t *target) ([]byte, bool) {
	b = append(b, '{')
	open := len(b)
	var known [maxNeeds]bool
	for _, kid := range t.kids {
		var ok bool
		if b, ok = w.target(b, kid); !ok {
			continue
		}
		for i := range t.needs {
			known[i] = known[i] || slices.Contains(t.needs[i].names, kid.name)
		}
	}
	if len(b) == open && !t.must {
		return b, false
	}
	for i := range t.needs {
		if !known[i] {
			b = append(separate(b), t.needs[i].unknown...)
		}
	}
	return append(b, '}'), true
}

// array appends an object for each element of an array.
func (w *writer) array(b []byte, t *target) ([]byte, bool) {
	value := w.values[t.array]
	if len(value) == 0 || value[0] == 'n' {
		return b, false
	}
	sub := w.subs[t.each-1]
	b = append(b, '[')
	open := len(b)
	for i := first(value); i < len(value) && value[i] != ']'; {
		end, _ := quote.ValueEnd(value, i)
		start := len(b)
		b = separate(b)
		ok := false
		switch element := value[i:end]; {
		case element[0] == '{':
			sub.read(element)
			b, ok = sub.object(b, sub.plan.classes[0])
		case element[0] == '"' && len(sub.plan.index) == 0: // the elements are texts
			b = append(append(b, '{'), sub.plan.classes[0].kids[0].key...)
			b, ok = append(append(b, element...), '}'), true
		}
		if !ok {
			b = b[:start]
		}
		i = comma(value, end)
	}
	if len(b) == open {
		return b, false
	}
	w.used[t.array] = true
	return append(b, ']'), true
}

// first returns where the first element of an array begins, or the value that is none.
func first(value []byte) int {
	if value[0] == '[' {
		return quote.Space(value, 1)
	}
	return 0
}

// leaf appends an attribute that is no object.
func (w *writer) leaf(b []byte, t *target, l *leaf) ([]byte, bool) {
	for i := range l.conditions {
		if !w.holds(&l.conditions[i]) {
			return b, false
		}
	}
	start := len(b)
	b = separate(b)
	switch {
	case l.enum != nil:
		return w.enum(b, l, start)
	case l.special == "time":
		return w.when(b, l, start)
	}
	b = append(b, t.key...)
	at := len(b)
	switch {
	case len(l.constant) > 0:
		return append(b, l.constant...), true
	case l.special == "hop":
		b = w.hop(b, l)
	case l.special == "path":
		b = w.path(b, l)
	case strings.HasPrefix(l.special, "header"):
		b = w.header(b, l)
	default:
		for i := range l.fields {
			value := w.value(&l.fields[i])
			if l.fields[i].member != "" {
				b = appendMembers(b, value, l.fields[i].member)
			} else if len(value) > 0 {
				b = l.kind.append(b, value)
			}
			if len(b) > at {
				if l.fields[i].inside == nil {
					w.used[l.fields[i].field] = true
				}
				break
			}
		}
	}
	if len(b) == at {
		return b[:start], false
	}
	if len(l.observed) > 0 && b[at] == '"' {
		*w.seen = append(*w.seen, observation{l.observed, at, len(b)})
	}
	return b, true
}

// holds reports whether a condition does.
func (w *writer) holds(c *check) bool {
	value := w.value(&c.place)
	there := len(value) > 0 && value[0] != 'n'
	if c.value == "" {
		return there != c.missing
	}
	return there && string(text(value)) == c.value
}

// value returns the value of a field, or of what is inside of it.
func (w *writer) value(p *place) []byte {
	value := w.values[p.field]
	if p.inside == nil || len(value) == 0 {
		return value
	}
	if value[0] == '"' {
		w.inner = quote.AppendUnquoted(w.inner[:0], value[1:len(value)-1])
		value = w.inner
		if end, ok := quote.Skip(value, 0); !ok || end != len(value) {
			return nil
		}
	}
	for _, name := range p.inside {
		if len(value) == 0 || value[0] != '{' {
			return nil
		}
		value = member(value, name)
	}
	return value
}

// member returns the value of a member of an object, nil for none.
func member(object []byte, name string) []byte {
	for i := quote.Space(object, 1); i < len(object) && object[i] == '"'; {
		end, _ := quote.StringEnd(object, i)
		start := quote.Space(object, quote.Space(object, end)+1)
		next, _ := quote.ValueEnd(object, start)
		if string(object[i+1:end-1]) == name {
			return object[start:next]
		}
		i = comma(object, next)
	}
	return nil
}

// enum appends an attribute that is numbered, and its caption.
func (w *writer) enum(b []byte, l *leaf, start int) ([]byte, bool) {
	n, body := l.enum.without, []byte(nil)
	for i := range l.fields {
		if body = text(w.value(&l.fields[i])); len(body) > 0 {
			n = l.enum.number(w, body)
			if l.enum.exact && l.fields[i].inside == nil {
				w.used[l.fields[i].field] = true
			}
			break
		}
	}
	members, ok := l.numbers[n]
	if !ok {
		return b[:start], false
	}
	b = append(b, members...)
	if b[len(b)-1] != ':' {
		return b, true
	}
	if len(body) == 0 {
		return append(b, `"Unknown"`...), true
	}
	return append(append(append(b, '"'), body...), '"'), true
}

// when appends the time of the event. The fields that say the same need not be kept.
func (w *writer) when(b []byte, l *leaf, start int) ([]byte, bool) {
	if w.time == nil {
		return b[:start], false
	}
	b = strconv.AppendInt(append(b, `"time":`...), w.at.UnixMilli(), 10)
	b = append(append(append(b, `,"time_dt":"`...), w.time...), '"')
	for i := range l.fields {
		if field := l.fields[i].field; w.isSame(w.values[field]) {
			w.used[field] = true
		}
	}
	return b, true
}

// isSame reports whether a value means the time of the event.
func (w *writer) isSame(value []byte) bool {
	if len(value) == 0 {
		return false
	}
	if value[0] == '"' {
		if !isDateTime(text(value)) { // an error would be allocated
			return false
		}
		t, err := time.Parse(time.RFC3339Nano, string(text(value)))
		return err == nil && t.Equal(w.at)
	}
	if !isInt(value) {
		return false
	}
	n, err := strconv.ParseInt(string(value), 10, 64)
	return err == nil && (n == w.at.UnixMilli() || n == w.at.Unix() && w.at.Nanosecond() == 0)
}

// hop appends the first field as a list, when the second one, which is the end of the way, is there and another one.
func (w *writer) hop(b []byte, l *leaf) []byte {
	hop, end := w.values[l.fields[0].field], w.values[l.fields[1].field]
	if text(hop) == nil || text(end) == nil {
		return b
	}
	w.used[l.fields[0].field] = true
	if bytes.Equal(hop, end) {
		return b
	}
	return append(append(append(b, '['), hop...), ']')
}

// path appends fields with slashes between them.
func (w *writer) path(b []byte, l *leaf) []byte {
	at := len(b)
	for i := range l.fields {
		body := text(w.values[l.fields[i].field])
		if len(body) == 0 {
			continue
		}
		w.used[l.fields[i].field] = true
		b = append(append(b, map[bool]byte{true: '"', false: '/'}[len(b) == at]), body...)
	}
	if len(b) > at {
		b = append(b, '"')
	}
	return b
}

// header appends the value of a header, from an array of names and values; "headers" as a list.
func (w *writer) header(b []byte, l *leaf) []byte {
	list := w.values[l.fields[0].field]
	kind, name, _ := strings.Cut(strings.TrimSuffix(l.special, ")"), "(")
	if len(list) == 0 || list[0] != '[' {
		return b
	}
	for i := first(list); i < len(list) && list[i] == '{'; {
		end, _ := quote.ValueEnd(list, i)
		if equalFold(text(member(list[i:end], "name")), name) {
			value := member(list[i:end], "value")
			if len(value) == 0 || value[0] != '"' {
				return b
			}
			if kind == "headers" {
				return appendAddresses(b, text(value))
			}
			return append(b, value...)
		}
		i = comma(list, end)
	}
	return b
}

// appendAddresses appends a list of the addresses between commas, or nothing when one of them is none.
func appendAddresses(b, list []byte) []byte {
	start := len(b)
	b = append(b, '[')
	for one := range bytes.SplitSeq(list, []byte{','}) {
		if one = bytes.TrimSpace(one); !isIP(one) {
			return b[:start]
		}
		b = append(append(append(separate(b), '"'), one...), '"')
	}
	return append(b, ']')
}

// equalFold reports whether a text is a name in small letters, in whatever case.
func equalFold(text []byte, name string) bool {
	if len(text) != len(name) {
		return false
	}
	for i, c := range text {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != name[i] {
			return false
		}
	}
	return true
}

// observables appends what was written and is to be observed.
func (w *writer) observables(b []byte) []byte {
	if len(*w.seen) == 0 {
		return b
	}
	b = append(separate(b), `"observables":[`...)
	for _, one := range *w.seen {
		b = append(append(separate(b), one.begin...), b[one.start:one.end]...)
		b = append(b, '}')
	}
	return append(b, ']')
}

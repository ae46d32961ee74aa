package rules

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/internal/extract"
	"github.com/seed56735111/penstock/internal/quote"
	"github.com/seed56735111/penstock/rules/expr"
)

// Record is one record in the hands of rules: a view over its JSON, of which only what changes is written anew. Its
// slices are valid until the next record.
type Record struct {
	of     *penstock.Record
	source []byte // its JSON
	origin []originField
	lookup func(name string) (string, bool) // the origin, for texts
	looked map[*expr.Path][]byte            // what that gave, as the body of a JSON string

	members []member
	parsed  bool
	changed bool
	escapes tristate // some name is written with escapes
	touched bool     // a name that the shape stage looks out for may have come or gone
	arena   []byte   // values that were made
	out     []byte
	id      []byte
	spans   []extract.Span // what a pattern found in a text
	secrets secrets
	typed   func(path []byte) bool // fields that are numbers or times whatever they look like

	goes goes
	went goes // before a rule in the shadow
	kept bool // no rule leaves it out any more

	length int    // of the record, or of the part of it, as it was read
	text   []byte // of a part, as it was read
	parted parted // how the rule at hand splits it
	room   partRoom

	entry    entry
	namers   map[*naming]Namer
	interned map[string]string
	now      penstock.Record // the record as it is, for those who name its index

	undo   []undone
	before struct {
		members          int
		changed, touched bool
		kept             bool
		texts, detectors int
		redactionFailed  bool
	}
}

var _ expr.Record = (*Record)(nil)

// entry is what a record is of.
type entry struct {
	object       *penstock.Object
	id           penstock.Identity
	name, format string
}

// goes is where a record goes instead, as far as rules say.
type goes struct {
	index, pipeline string
	routing         []byte
}

// member is a field at the top level. One that was removed has no name.
type member struct {
	name  []byte // as it is written between the quotes
	value []byte
	// start and end are where the member stands in the source; start is -1 when it does not.
	start, end int
}

// undone is what a member was before a rule.
type undone struct {
	at  int
	was member
}

// originField is a field that says where a record is from. Records have it unless they have one of that name.
type originField struct {
	path  string
	value []byte // JSON
}

type tristate uint8

const (
	unknown tristate = iota
	no
	yes
)

// keptArena is the most that a record leaves to the next one.
const keptArena = 1 << 20

// reset takes a record in hand.
func (r *Record) reset(of *penstock.Record) {
	r.of, r.source = of, of.JSON
	r.members, r.arena, r.undo = r.members[:0], r.arena[:0], r.undo[:0]
	if cap(r.arena) > keptArena {
		r.arena = nil
	}
	if cap(r.out) > keptArena {
		r.out = nil
	}
	r.parsed, r.changed, r.touched, r.kept, r.escapes = false, false, false, false, unknown
	r.secrets.reset()
	r.goes, r.id, r.text, r.length, r.room = goes{}, nil, nil, len(of.Raw), partRoom{}
}

// parse finds the members.
func (r *Record) parse() {
	r.parsed = true
	b := r.source
	i := quote.Space(b, 0)
	if i >= len(b) || b[i] != '{' {
		return
	}
	i = quote.Space(b, i+1)
	members := r.members
	r.escapes = no
	for i < len(b) && b[i] == '"' {
		name, value, end, escaped, ok := quote.NextMember(b, i)
		if !ok {
			break
		}
		if escaped {
			r.escapes = yes
		}
		members = append(members, member{name: b[i+1 : name-1], value: b[value:end], start: i, end: end})
		if end < len(b) && b[end] != ',' {
			end = quote.Space(b, end)
		}
		if end >= len(b) || b[end] != ',' {
			break
		}
		if i = end + 1; i < len(b) && b[i] != '"' {
			i = quote.Space(b, i)
		}
	}
	r.members = members
}

// find returns the number of the member of a name, -1 when there is none.
func (r *Record) find(name string) int {
	if !r.parsed {
		r.parse()
	}
	for i := range r.members {
		if m := &r.members[i]; len(m.name) == len(name) && string(m.name) == name && m.name != nil {
			return i
		}
	}
	if r.escapes == unknown {
		r.escapes = no
		for i := range r.members {
			if bytes.IndexByte(r.members[i].name, '\\') >= 0 {
				r.escapes = yes
			}
		}
	}
	if r.escapes == no {
		return -1
	}
	var room [128]byte
	for i := range r.members {
		m := &r.members[i]
		if bytes.IndexByte(m.name, '\\') >= 0 && string(quote.AppendUnquoted(room[:0], m.name)) == name {
			return i
		}
	}
	return -1
}

// locate returns the value at p, and the number of the member that it is in.
func (r *Record) locate(p *expr.Path) (value []byte, at int) {
	for n := 1; n <= p.Len(); n++ {
		if at = r.find(p.Name(n)); at < 0 {
			continue
		}
		if value, ok := p.Below(r.members[at].value, n); ok {
			return value, at
		}
	}
	return nil, -1
}

// Member is part of expr.Record. Where a record is from are fields of every record: aws.s3.bucket, aws.s3.key,
// penstock.file, penstock.entry and penstock.format.
func (r *Record) Member(p *expr.Path) (value []byte, ok bool) {
	if value, at := r.locate(p); at >= 0 {
		return value, true
	}
	for i := range r.origin {
		if r.origin[i].path == p.String() {
			return r.origin[i].value, true
		}
	}
	return nil, false
}

// Members calls yield with each field at the top level, as its name is written in JSON, without quotes, and its value.
// The record must not change meanwhile.
func (r *Record) Members(yield func(name, value []byte) bool) {
	if !r.parsed {
		r.parse()
	}
	for i := range r.members {
		if m := &r.members[i]; m.name != nil && !yield(m.name, m.value) {
			return
		}
	}
}

// Of is the record as it was read. Its JSON is that from before the rules.
func (r *Record) Of() *penstock.Record { return r.of }

// ID is what the document's id is made by.
func (r *Record) ID() []byte { return r.id }

// Room returns bytes to append a value to, and Made takes them back: what was appended stays valid as long as the
// record.
func (r *Record) Room() []byte { return r.arena }

// Made returns what was appended to the bytes from Room.
func (r *Record) Made(room []byte) []byte {
	made := room[len(r.arena):]
	r.arena = room
	return made
}

// Target is where a value is put: a path, prepared once.
type Target struct {
	path  *expr.Path
	name  []byte       // its first part, as it is written between quotes
	above []*expr.Path // the objects on the way to it, the innermost first
	below []wrapping   // what stands around a value in each of them, and last in the record
}

// wrapping is what stands before and behind a value.
type wrapping struct{ open, end []byte }

// wrap puts names around a value, an object for each but the first.
func wrap(names []string) (w wrapping) {
	for i, name := range names {
		if i > 0 {
			w.open, w.end = append(w.open, '{'), append(w.end, '}')
		}
		w.open = append(quote.AppendString(w.open, name), ':')
	}
	return w
}

// NewTarget prepares a name for [Record.Set]. Names that the document has for itself are none of a record's.
func NewTarget(name string) (*Target, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	names := strings.Split(name, ".")
	t := &Target{path: expr.NewPath(name), name: quote.Append(nil, []byte(names[0]))}
	for n := len(names) - 1; n > 0; n-- {
		t.above = append(t.above, expr.NewPath(strings.Join(names[:n], ".")))
		t.below = append(t.below, wrap(names[n:]))
	}
	return t, nil
}

// Path is the path of the target.
func (t *Target) Path() *expr.Path { return t.path }

// longestName bounds what a name of a file may be.
const longestName = 256

func checkName(name string) error {
	first, rest, _ := strings.Cut(name, ".")
	switch {
	case name == "":
		return errors.New("a field has no name")
	case len(name) > longestName:
		return fmt.Errorf("a name is longer than %d bytes", longestName)
	case strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") || strings.Contains(name, ".."):
		return fmt.Errorf("%q is no name of a field: a part between its dots is empty", name)
	case strings.ContainsFunc(name, func(c rune) bool { return c < ' ' || c == 0x7f || c == 0xfffd }):
		return fmt.Errorf("%q is no name of a field: it has a control character", name)
	case first == penstock.NameMeta:
		return fmt.Errorf("%q is written by penstock: choose another name", name)
	case first == penstock.NameAWS && (rest == "" || rest == "s3" || strings.HasPrefix(rest, "s3.")):
		return fmt.Errorf("%q says where the document is from: choose another name", name)
	case strings.HasPrefix(name, "_"):
		return fmt.Errorf("%q begins with an underscore, as the engines' own fields do: choose another name", name)
	}
	return nil
}

// errNoObject is why a value cannot be put below another.
type errNoObject string

func (e errNoObject) Error() string { return fmt.Sprintf("%q is there and is no object", string(e)) }

// Set puts a value, which is JSON, where t says: in the place of what is there, in the innermost object on the way to
// it that is there, or at the end of the record. The value must stay valid as long as the record.
func (r *Record) Set(t *Target, value []byte) error {
	if old, at := r.locate(t.path); at >= 0 {
		r.splice(at, old, value)
		return nil
	}
	for i, above := range t.above {
		object, at := r.locate(above)
		if at < 0 {
			continue
		}
		if object[0] != '{' {
			return errNoObject(above.String())
		}
		around := &t.below[i]
		room := append(r.Room(), object[:len(object)-1]...)
		if last := bytes.TrimRight(object[:len(object)-1], " \t\r\n"); last[len(last)-1] != '{' {
			room = append(room, ',')
		}
		room = append(append(append(room, around.open...), value...), around.end...)
		r.splice(at, object, r.Made(append(room, '}')))
		return nil
	}
	if len(t.below) > 0 {
		around := &t.below[len(t.below)-1]
		room := append(append(append(r.Room(), '{'), around.open...), value...)
		value = r.Made(append(append(room, around.end...), '}'))
	}
	r.touch(t.name)
	r.changed = true
	r.members = append(r.members, member{name: t.name, value: value, start: -1})
	if r.escapes == no && bytes.IndexByte(t.name, '\\') >= 0 {
		r.escapes = yes
	}
	return nil
}

// splice puts a value in the place of old, which is the value of a member or a part of it.
func (r *Record) splice(at int, old, value []byte) {
	whole := r.members[at].value
	if from := cap(whole) - cap(old); len(old) < len(whole) {
		room := append(r.Room(), whole[:from]...)
		room = append(room, value...)
		value = r.Made(append(room, whole[from+len(old):]...))
	}
	r.replace(at, member{name: r.members[at].name, value: value, start: -1})
}

// replace puts another member in the place of one.
func (r *Record) replace(at int, with member) {
	if at < r.before.members { // what the rule has added itself goes anyway
		r.undo = append(r.undo, undone{at, r.members[at]})
	}
	r.touch(r.members[at].name)
	r.changed = true
	r.members[at] = with
}

// touch notes that a member comes, goes or changes.
func (r *Record) touch(name []byte) {
	switch string(name) {
	case penstock.NameTime, penstock.NameAWS, penstock.NameMeta:
		r.touched = true
	}
}

// Remove takes the field at p out, and reports whether there was one.
func (r *Record) Remove(p *expr.Path) bool {
	value, at := r.locate(p)
	if at >= 0 {
		r.cut(at, value)
	}
	return at >= 0
}

// cut takes out a value, which is that of a member or a part of it.
func (r *Record) cut(at int, value []byte) {
	whole := r.members[at].value
	if len(value) == len(whole) {
		r.replace(at, member{start: -1})
		return
	}
	start, end := memberAround(whole, cap(whole)-cap(value))
	room := append(r.Room(), whole[:start]...)
	room = append(room, whole[end:]...)
	r.replace(at, member{name: r.members[at].name, value: r.Made(room), start: -1})
}

// memberAround returns what to cut out of an object so that the member goes whose value begins at an offset: its name,
// its value and one of the commas beside it.
func memberAround(object []byte, offset int) (start, end int) {
	comma := -1
	for i := quote.Space(object, 1); i < len(object) && object[i] == '"'; {
		named, _ := quote.StringEnd(object, i)
		value := quote.Space(object, quote.Space(object, named)+1)
		next, _ := quote.ValueEnd(object, value)
		behind := quote.Space(object, next)
		more := behind < len(object) && object[behind] == ','
		switch {
		case value == offset && more:
			return i, quote.Space(object, behind+1)
		case value == offset && comma >= 0:
			return comma, next
		case value == offset:
			return i, next
		case value < offset && offset < next:
			start, end = memberAround(object[value:next], offset-value)
			return start + value, end + value
		case !more:
			return 0, 0
		}
		comma = behind
		i = quote.Space(object, behind+1)
	}
	return 0, 0
}

// begin notes how things are, so that rollback can take back what a rule did.
func (r *Record) begin() {
	if !r.parsed {
		r.parse()
	}
	r.undo = r.undo[:0]
	r.before.members, r.before.kept = len(r.members), r.kept
	r.before.changed, r.before.touched = r.changed, r.touched
	r.before.texts, r.before.detectors = len(r.secrets.texts), len(r.secrets.detectors)
	r.before.redactionFailed = r.secrets.failed
}

// rollback takes back what was done since begin, but for where the record goes: an action that fails has not said that.
func (r *Record) rollback() {
	for _, u := range slices.Backward(r.undo) {
		r.members[u.at] = u.was
	}
	r.members = r.members[:r.before.members]
	r.kept, r.changed, r.touched = r.before.kept, r.before.changed, r.before.touched
	r.secrets.texts = r.secrets.texts[:r.before.texts]
	r.secrets.detectors = r.secrets.detectors[:r.before.detectors]
}

// JSON returns the record as it is now, on one line.
func (r *Record) JSON() []byte {
	if !r.changed {
		return r.source
	}
	b := append(r.out[:0], '{')
	for i := 0; i < len(r.members); {
		m := &r.members[i]
		if m.name == nil {
			i++
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		if m.start < 0 {
			b = append(b, '"')
			b = append(b, m.name...)
			b = append(b, '"', ':')
			b = append(b, m.value...)
			i++
			continue
		}
		end := m.end
		for i++; i < len(r.members) && r.members[i].start >= 0 && r.members[i].name != nil; i++ {
			end = r.members[i].end
		}
		b = append(b, r.source[m.start:end]...)
	}
	r.out = append(b, '}')
	return r.out
}

// top returns which of the names that the shape stage looks out for the record has now.
func (r *Record) top() penstock.TopNames {
	if !r.touched {
		return r.of.Top
	}
	var top penstock.TopNames
	if r.find(penstock.NameTime) >= 0 {
		top |= penstock.TopTimestamp
	}
	if at := r.find(penstock.NameAWS); at >= 0 && r.members[at].value[0] == '{' {
		top |= penstock.TopAWSObject
	}
	if r.find(penstock.NameMeta) >= 0 {
		top |= penstock.TopPenstock
	}
	return top
}

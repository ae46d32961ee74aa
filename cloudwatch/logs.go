package cloudwatch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/internal/jsjson"
)

// The formats of documents: of the log events of an invocation, and of payloads in objects.
const (
	FormatEvents   = "cwl-compat"
	FormatPayloads = "cloudwatch"
)

// Options say where the documents of log events differ from those of the LogsToElasticsearch function. The zero
// value makes equal documents, byte for byte.
type Options struct {
	// SafeNumbers leaves extracted fields as text when a number would change them: leading zeros, hexadecimal, more
	// digits than a double holds. Numbers in the JSON of a message keep their digits.
	SafeNumbers bool
	// JSON says where JSON is looked for in messages and extracted fields.
	JSON JSONSearch
	// Messages says how messages are read.
	Messages Messages
	// MaxEventBytes is the longest log event that becomes a document, 8 MiB when zero; the service makes none of more than
	// 1 MB.
	MaxEventBytes int
	// Force reads every object as payloads, NotObjects none.
	Force, NotObjects bool
	// NestUnder puts the fields found in a message under this name instead of at the top.
	NestUnder string
	// Everywhere has the pattern name the indexes of payloads in objects too; otherwise the wrapped shaper does.
	Everywhere bool
	// Index is the pattern of index names: {log_group}, {log_stream}, {owner}, {yyyy}, {MM}, {dd}; DefaultIndex when
	// empty.
	Index string
}

// DefaultIndex is the pattern that LogsToElasticsearch has.
const DefaultIndex = "cwl-{yyyy}.{MM}.{dd}"

// Logs recognises and shapes the payloads of CloudWatch Logs subscriptions, and leaves every other object to the stages
// that it wraps.
//
// An object with the attribute AttrLogGroup is one payload that came as an event; its documents are those of
// LogsToElasticsearch. Payloads in any other object, one or many behind each other as Firehose writes them, give
// documents with the same fields and ids, and with what the wrapped shaper adds to those of every object.
type Logs struct {
	Options
	penstock.Recognizer
	penstock.Shaper

	heads sync.Pool // *[head]byte, of the beginnings of objects
}

// New checks the options.
func New(o Options, r penstock.Recognizer, s penstock.Shaper) (*Logs, error) {
	if o.MaxEventBytes <= 0 {
		o.MaxEventBytes = maxEvent
	}
	if o.Index == "" {
		o.Index = DefaultIndex
	}
	if c := o.Index[0]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
		return nil, fmt.Errorf("index pattern %q: must begin with a lower-case letter or a digit", o.Index)
	}
	if name := (&logShaper{pattern: o.Index}).name(time.Time{}); slug(name) != name {
		return nil, fmt.Errorf("index pattern %q: has to be lower-case letters, digits, -._ and {log_group}, "+
			"{log_stream}, {owner}, {yyyy}, {MM}, {dd}", o.Index)
	}
	return &Logs{Options: o, Recognizer: r, Shaper: s}, nil
}

// Recognize is part of penstock.Recognizer.
func (l *Logs) Recognize(o *penstock.Object, id penstock.Identity, e penstock.Entry) (penstock.Recognized, error) {
	if _, ok := o.Attr[AttrLogGroup]; !ok {
		return l.object(o, id, e)
	}
	return penstock.Recognized{Format: FormatEvents, Records: l.records(o, id, e)}, nil
}

// records yields one record for each log event, or for each record that its message holds. Its JSON is the whole
// document.
func (l *Logs) records(o *penstock.Object, id penstock.Identity, e penstock.Entry) iter.Seq2[penstock.Record, error] {
	return func(yield func(penstock.Record, error) bool) {
		p := &payloadRecords{Logs: l, object: o, id: id, yield: yield}
		s := newPayloadScanner(e)
		s.event, s.overlong, s.longest = p.event, p.overlong, l.MaxEventBytes
		if err := s.scan(); err != nil {
			yield(penstock.Record{}, err)
		}
	}
}

// payloadRecords makes the records of log events.
type payloadRecords struct {
	*Logs
	object *penstock.Object // whose attributes are those of the payload
	id     penstock.Identity
	yield  func(penstock.Record, error) bool

	shaped bool  // the wrapped shaper adds to the documents
	ended  bool  // no more are wanted
	base   int64 // offset of the payload in its entry
	// packed says that the payload at hand was unpacked: its records, of which first is the number of the first one, have
	// no places of their own in the entry.
	packed bool
	first  int64
	seq    int64
	buf    []byte
}

// overlong yields the error about a log event that is too long to hold.
func (p *payloadRecords) overlong(beginning []byte, offset, length int64) bool {
	err := &penstock.RecordError{
		Reason: penstock.ReasonOverlong, Offset: p.place(offset), Length: length,
		Err: fmt.Errorf("log event %s is longer than %d bytes", idOf(beginning), p.MaxEventBytes),
	}
	p.seq++
	return p.yield(penstock.Record{}, err)
}

// idOf is the id of a log event whose beginning is known, by which it can be found in CloudWatch Logs.
func idOf(beginning []byte) string {
	d := json.NewDecoder(bytes.NewReader(beginning))
	for depth := 0; ; {
		token, err := d.Token()
		if err != nil {
			return "of unknown id"
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		case "id":
			var id string
			if depth == 1 && d.Decode(&id) == nil {
				return strconv.Quote(id)
			}
		}
	}
}

// place returns the position in the entry of the log event at a position in its payload.
func (p *payloadRecords) place(offset int64) int64 {
	if p.packed {
		offset = p.seq - p.first
	}
	return p.base + offset
}

// event yields the records of a log event. It returns false when no more are wanted.
func (p *payloadRecords) event(raw []byte, offset int64) bool {
	offset = p.place(offset)
	decoded := jsjson.Decode(raw)
	if decoded != string(raw) {
		raw = []byte(decoded)
	}
	event, err := jsjson.Parse(decoded)
	all := []found{{}}
	if err == nil {
		recognise := p.Messages == MessagesRecognised || p.Messages == MessagesOfObjects && p.shaped
		all = p.fields(p.object, p.id, &event, recognise)
	}
	for n, f := range all {
		rec := penstock.Record{Seq: p.seq, Offset: offset + int64(n), Raw: raw}
		p.seq++
		var doc jsjson.Value
		if err == nil {
			doc, rec.Time, err = p.document(p.object, f, &event)
		}
		if err != nil {
			err = &penstock.RecordError{
				Reason: penstock.ReasonUnshaped, Offset: rec.Offset, Length: int64(len(raw)), Raw: raw, Err: err,
			}
		} else {
			if p.shaped {
				rec.Top = makeRoom(&doc)
			}
			p.buf = p.write(p.buf[:0], &doc, f.format != "")
			rec.JSON = p.buf
		}
		if !p.yield(rec, err) {
			return false
		}
	}
	return true
}

// write appends a document. Numbers are those of JavaScript, unless they are to be safe or come from a parser of ours.
func (l *Logs) write(b []byte, doc *jsjson.Value, parsed bool) []byte {
	if l.SafeNumbers || parsed {
		return jsjson.AppendExact(b, doc)
	}
	return jsjson.Append(b, doc)
}

// document builds one document: the fields found first, then the six that always are there, which replace fields of the
// same name.
func (l *Logs) document(o *penstock.Object, f found, event *jsjson.Value) (jsjson.Value, time.Time, error) {
	doc := f.fields
	if l.NestUnder != "" && len(doc.Members) > 0 {
		nested := jsjson.Value{Kind: jsjson.Object}
		nested.Set(l.NestUnder, doc)
		doc = nested
	}
	id := identifier(event.Get("id"))
	if id == "" || len(id)+len(f.suffix) > 512 {
		return doc, time.Time{}, errors.New("log event has no usable id")
	}
	at, stamp, err := eventTime(event.Get("timestamp"))
	if err != nil {
		return doc, at, err
	}
	setText := func(name, attr string) {
		if v, ok := o.Attr[attr]; ok {
			doc.Set(name, jsjson.Value{Kind: jsjson.String, String: v})
		}
	}
	if f.suffix == "" {
		doc.Set("@id", *event.Get("id"))
	} else {
		doc.Set("@id", jsjson.Value{Kind: jsjson.String, String: id + f.suffix})
	}
	doc.Set(penstock.NameTime, jsjson.Value{Kind: jsjson.String, String: stamp})
	if message := event.Get("message"); message != nil {
		doc.Set("@message", *message)
	}
	setText("@owner", AttrOwner)
	setText("@log_group", AttrLogGroup)
	setText("@log_stream", AttrLogStream)
	if f.format != "" {
		doc.Set("@format", jsjson.Value{Kind: jsjson.String, String: f.format})
	}
	return doc, at, nil
}

// identifier is the id of an event: a text, or, from those who imitate the service, a number.
func identifier(v *jsjson.Value) string {
	if v != nil && v.Kind == jsjson.Number {
		return string(jsjson.AppendNumber(nil, v.Number))
	}
	return text(v)
}

func text(v *jsjson.Value) string {
	if v == nil || v.Kind != jsjson.String {
		return ""
	}
	return v.String
}

// fromFields is for events whose subscription filter names fields.
func (l *Logs) fromFields(fields *jsjson.Value) jsjson.Value {
	members := make([]jsjson.Member, 0, len(fields.Members))
	set := func(name string, v jsjson.Value) { members = append(members, jsjson.Member{Name: name, Value: v}) }
	for _, m := range fields.Members {
		if !truthy(&m.Value) || m.Name == "__proto__" {
			continue // assigning a text to __proto__ does nothing
		}
		if m.Value.Kind != jsjson.String {
			set(m.Name, m.Value)
			continue
		}
		if f, ok := jsjson.ToNumber(m.Value.String); ok && !(l.SafeNumbers && changes(m.Value.String, f)) {
			set(m.Name, jsjson.Value{Kind: jsjson.Number, Number: f})
			continue
		}
		if v, ok := l.embedded(m.Value.String); ok {
			set("$"+m.Name, v)
		}
		set(m.Name, m.Value)
	}
	return jsjson.NewObject(members)
}

// changes reports whether a text reads differently after it has been a number.
func changes(s string, f float64) bool {
	return string(jsjson.AppendNumber(nil, f)) != s
}

func truthy(v *jsjson.Value) bool {
	switch v.Kind {
	case jsjson.Null:
		return false
	case jsjson.Bool:
		return v.Bool
	case jsjson.Number:
		return v.Number != 0
	case jsjson.String:
		return v.String != ""
	default:
		return true
	}
}

// fromMessage is for all other events: the JSON in the message becomes the document.
func (l *Logs) fromMessage(message string) jsjson.Value {
	if v, ok := l.embedded(message); ok {
		if v.Kind == jsjson.Object {
			return v
		}
		doc := jsjson.Value{Kind: jsjson.Object}
		doc.Set("items", v)
		return doc
	}
	return jsjson.Value{Kind: jsjson.Object}
}

// Messages says how messages are read.
type Messages uint8

// Messages are recognised as a file of the same text would be: a line of a load balancer or an event of CloudTrail
// becomes its fields, and a message of no known format is treated as JSONSearch says. Or they are all treated so. The
// zero value recognises those of payloads in objects.
const (
	MessagesOfObjects Messages = iota
	MessagesCompat
	MessagesRecognised
)

// JSONSearch says where JSON is looked for in a text.
type JSONSearch uint8

// JSON is looked for from the first brace to the end, as the function does that this one replaces; anywhere, with text
// after it and behind braces that are none, arrays too; or not at all.
const (
	JSONCompat JSONSearch = iota
	JSONAnywhere
	JSONOff
)

// embedded finds JSON in a text: from the first brace to the end, or any balanced object or array.
func (l *Logs) embedded(s string) (jsjson.Value, bool) {
	switch l.JSON {
	case JSONOff:
		return jsjson.Value{}, false
	case JSONCompat:
		at := strings.IndexByte(s, '{')
		if at < 0 {
			return jsjson.Value{}, false
		}
		v, err := jsjson.Parse(s[at:])
		return v, err == nil
	case JSONAnywhere:
	}
	// Every attempt that fails costs a scan, so hostile text gets a bounded number of them.
	const attempts = 32
	for range attempts {
		at := strings.IndexAny(s, "{[")
		if at < 0 {
			return jsjson.Value{}, false
		}
		s = s[at:]
		v, err := jsjson.Prefix(s)
		if err == nil && (v.Kind == jsjson.Object || len(v.Items) > 0 && v.Items[0].Kind == jsjson.Object) {
			return v, true
		}
		s = s[1:]
	}
	return jsjson.Value{}, false
}

// maxTime is the last moment that a JavaScript date can be, in milliseconds from the epoch.
const maxTime = 8.64e15

// eventTime reads the milliseconds of an event and writes them as Date.toISOString does.
func eventTime(v *jsjson.Value) (time.Time, string, error) {
	ms := math.NaN()
	if v != nil && v.Kind == jsjson.Number {
		ms = math.Trunc(v.Number)
	} else if v != nil && v.Kind == jsjson.String {
		if f, ok := jsjson.ToNumber(v.String); ok {
			ms = math.Trunc(f)
		}
	}
	if math.IsNaN(ms) || math.Abs(ms) > maxTime {
		return time.Time{}, "", errors.New("log event has no valid timestamp")
	}
	t := time.UnixMilli(int64(ms)).UTC()
	stamp := t.Format("-01-02T15:04:05.000Z")
	switch y := t.Year(); {
	case y < 0:
		stamp = fmt.Sprintf("-%06d", -y) + stamp
	case y > 9999:
		stamp = fmt.Sprintf("+%06d", y) + stamp
	default:
		stamp = fmt.Sprintf("%04d", y) + stamp
	}
	return t, stamp, nil
}

// Entry is part of penstock.Shaper.
func (l *Logs) Entry(o *penstock.Object, id penstock.Identity, entry, format string) (penstock.EntryShaper, error) {
	switch format {
	case FormatEvents:
		return &logShaper{
			pattern: l.Index, owner: o.Attr[AttrOwner], group: o.Attr[AttrLogGroup], stream: o.Attr[AttrLogStream],
		}, nil
	case FormatPayloads:
		inner, err := l.Shaper.Entry(o, id, entry, format)
		if err != nil {
			return nil, err
		}
		s := &objectShaper{EntryShaper: inner}
		if l.Everywhere {
			s.pattern = l.Index
		}
		return s, nil
	}
	return l.Shaper.Entry(o, id, entry, format)
}

// logShaper makes documents of log events, whose JSON is complete already.
type logShaper struct {
	pattern, owner, group, stream string
	day                           time.Time
	index                         string
	id                            []byte
}

// Shape is part of penstock.EntryShaper. The document's id is the event's, as the service made it.
func (s *logShaper) Shape(r *penstock.Record) (penstock.Document, error) {
	id, ok := jsjson.Lookup(string(r.AsRead()), "@id") // no rule changes an id
	if !ok {
		return penstock.Document{}, errors.New("shape log event: our own document has no @id")
	}
	if day := r.Time.Truncate(24 * time.Hour); s.index == "" || !day.Equal(s.day) {
		s.day, s.index = day, s.name(r.Time)
	}
	s.id = r.AppendPart(append(s.id[:0], identifier(&id)...))
	return penstock.Document{Index: s.index, ID: s.id, Head: r.JSON, Raw: r.Text(), Offset: r.Offset}, nil
}

// name fills the index pattern. Everything that the payload contributes is made a legal part of an index name.
func (s *logShaper) name(t time.Time) string {
	name := strings.NewReplacer(
		"{yyyy}", fmt.Sprint(t.Year()), "{MM}", t.Format("01"), "{dd}", t.Format("02"),
		"{log_group}", slug(s.group), "{log_stream}", slug(s.stream), "{owner}", slug(s.owner),
	).Replace(s.pattern)
	const longest = 255
	if len(name) > longest {
		name = name[:longest]
	}
	return name
}

// slug makes a legal part of an index name: lower case, and a dash for everything else.
func slug(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-', r == '.', r == '_':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, strings.Trim(s, "/"))
}

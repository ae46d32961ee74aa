package cloudwatch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"sync"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/internal/jsjson"
)

// Signature and About say by what payloads in objects are told, and what they are.
const (
	Signature = `objects with messageType, owner, logGroup and logEvents, behind each other or alone, ` +
		`also as Lambda gets them: {"awslogs":{"data":…}}`
	About = "payloads of CloudWatch Logs subscriptions, also as Firehose writes them; messages are recognised"
)

// head is the beginning of an entry, by which payloads in objects are told.
const head = 4 << 10

// object looks whether an object holds payloads. Others are left to the wrapped recogniser, from their first byte on.
func (l *Logs) object(o *penstock.Object, id penstock.Identity, e penstock.Entry) (penstock.Recognized, error) {
	if l.NotObjects {
		return l.Recognizer.Recognize(o, id, e)
	}
	p := &peeked{Reader: e.Reader}
	if !l.Force && !isPayload(p.peek(&l.heads)) {
		e.Reader = p
		return l.Recognizer.Recognize(o, id, e)
	}
	return penstock.Recognized{Format: FormatPayloads, Records: func(yield func(penstock.Record, error) bool) {
		l.payloads(o, id, p, yield)
	}}, nil
}

// isPayload reports whether text begins with a payload: an object that says, before its log events, what kind of
// message it is, or whose and of what group. Whoever wrote the object anew may have sorted it, so that the events are
// first: then they have to look like some.
func isPayload(text []byte) bool {
	text = bytes.TrimLeft(text, " \t\r\n\ufeff")
	if len(text) == 0 || text[0] != '{' {
		return false
	}
	if isEvent(text) {
		return true
	}
	if !bytes.Contains(text, []byte("_MESSAGE")) && !bytes.Contains(text, []byte(`"logEvents"`)) {
		return false
	}
	var kind string
	var owner, group, event bool
	s := newPayloadScanner(bytes.NewReader(text))
	s.member = func(name string, value []byte) error {
		switch name {
		case "messageType":
			kind = string(bytes.Trim(value, `"`))
		case "owner":
			owner = true
		case "logGroup":
			group = true
		}
		return nil
	}
	s.event = func(raw []byte, _ int64) bool {
		var e struct {
			ID, Message *string
			Timestamp   *int64
		}
		event = json.Unmarshal(raw, &e) == nil && e.ID != nil && e.Message != nil && e.Timestamp != nil
		return false
	}
	_ = s.object() // cut off where the text ends
	switch kind {
	case "CONTROL_MESSAGE":
		return owner || group
	case "DATA_MESSAGE":
		return s.listed && (owner || group)
	case "":
		return s.listed && (owner && group || event)
	}
	return false
}

// isEvent reports whether text begins as the event does that Lambda gets of a subscription: with compressed data.
func isEvent(text []byte) bool {
	for _, token := range []string{"{", `"awslogs"`, ":", "{", `"data"`, ":", `"H4sI`} {
		var ok bool
		if text, ok = bytes.CutPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte(token)); !ok {
			return false
		}
	}
	return true
}

// subscribed returns the payload in {"awslogs":{"data":…}}, the event that Lambda gets; nil when text is none.
func subscribed(text []byte) []byte {
	if !isEvent(text) {
		return nil
	}
	var event struct {
		Logs struct {
			Data []byte `json:"data"`
		} `json:"awslogs"`
	}
	if json.Unmarshal(text, &event) != nil {
		return nil
	}
	return event.Logs.Data
}

// peeked is a reader whose beginning has been looked at.
type peeked struct {
	io.Reader
	head []byte
	err  error
	// buf is that of head until all of it was given; pool takes it then.
	buf  *[head]byte
	pool *sync.Pool
}

// peek reads ahead until there is enough, or nothing more for now.
func (p *peeked) peek(pool *sync.Pool) []byte {
	p.pool = pool
	var ok bool
	if p.buf, ok = pool.Get().(*[head]byte); !ok {
		p.buf = new([head]byte)
	}
	buf, n := p.buf[:], 0
	for n < len(buf) && p.err == nil {
		m, err := p.Reader.Read(buf[n:])
		n += m
		if errors.Is(err, penstock.ErrIdle) || m == 0 && err == nil {
			break
		}
		p.err = err
	}
	p.head = buf[:n]
	return p.head
}

// Read gives what was looked at, then the error that ended it, if any, then the rest.
func (p *peeked) Read(b []byte) (int, error) {
	switch {
	case len(p.head) > 0:
		n := copy(b, p.head)
		if p.head = p.head[n:]; len(p.head) == 0 {
			p.pool.Put(p.buf)
			p.head, p.buf = nil, nil
		}
		return n, nil
	case p.err != nil:
		return 0, p.err
	}
	return p.Reader.Read(b)
}

// patient waits for a stream that comes while it is read.
type patient struct{ r io.Reader }

func (p patient) Read(b []byte) (int, error) {
	for {
		n, err := p.r.Read(b)
		if n > 0 || !errors.Is(err, penstock.ErrIdle) {
			if errors.Is(err, penstock.ErrIdle) {
				err = nil
			}
			return n, err
		}
	}
}

// longestPayload bounds one payload in an object, and eventsInPayload does where events are small. The service sends at
// most 1 MB, compressed.
const (
	longestPayload  = 16 << 20
	eventsInPayload = 8
)

// payloads yields the records of payloads behind each other. What is no payload becomes an unparsed record.
func (l *Logs) payloads(
	o *penstock.Object, id penstock.Identity, r io.Reader, yield func(penstock.Record, error) bool,
) {
	p := &payloadRecords{Logs: l, id: id, yield: yield, shaped: true}
	s := newPayloadScanner(patient{r})
	s.end = math.MaxInt64
	for {
		c, err := s.next()
		switch {
		case errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
			return
		case err != nil:
			yield(penstock.Record{}, err)
			return
		}
		offset := s.off - 1
		text, err := s.value(c, min(longestPayload, eventsInPayload*l.MaxEventBytes))
		switch {
		case errors.Is(err, errLong):
			p.seq++
			if !yield(penstock.Record{}, &penstock.RecordError{
				Reason: penstock.ReasonOverlong, Offset: offset, Length: s.off - offset, Err: fmt.Errorf("payload: %w", err),
			}) {
				return
			}
			continue
		case err != nil && (!errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)):
			yield(penstock.Record{}, err)
			return
		case err != nil:
			text = s.buf // cut off
		}
		if err == nil && p.payload(o, text, offset) {
			if p.ended {
				return
			}
			continue
		}
		if !p.unparsed(text, offset) || err != nil {
			return
		}
	}
}

// payload yields the records of one payload. It reports false for what is none.
func (p *payloadRecords) payload(o *penstock.Object, text []byte, offset int64) bool {
	data := subscribed(text)
	p.packed = data != nil
	if p.packed {
		text = data
	}
	h, err := ReadHeader(text)
	switch {
	case err != nil:
		return false
	case h.MessageType == "CONTROL_MESSAGE":
		return true
	case h.MessageType != "DATA_MESSAGE" && (h.MessageType != "" || h.LogGroup == nil) || !h.HasEvents:
		return false
	}
	p.object = &penstock.Object{Name: o.Name, Attr: h.Attr()}
	p.base, p.first = offset, p.seq
	var plain io.Reader = bytes.NewReader(text)
	if p.packed {
		if plain, err = plainPayload(text); err != nil {
			return false
		}
	}
	s := newPayloadScanner(plain)
	s.longest = p.MaxEventBytes
	s.event = func(raw []byte, at int64) bool {
		p.ended = !p.event(raw, at)
		return !p.ended
	}
	s.overlong = func(beginning []byte, at, length int64) bool {
		p.ended = !p.overlong(beginning, at, length)
		return !p.ended
	}
	_ = s.scan() // ReadHeader has come to its end
	return true
}

// unparsed yields bytes that are no payload. It reports false when no more is wanted.
func (p *payloadRecords) unparsed(raw []byte, offset int64) bool {
	doc := jsjson.Value{Kind: jsjson.Object}
	doc.Set("message", jsjson.Value{Kind: jsjson.String, String: strings.ToValidUTF8(string(raw), "\ufffd")})
	doc.Set("parse_error", jsjson.Value{Kind: jsjson.String, String: "not a CloudWatch Logs payload"})
	p.buf = jsjson.AppendExact(p.buf[:0], &doc)
	rec := penstock.Record{Seq: p.seq, Offset: offset, Raw: raw, JSON: p.buf, Unparsed: true}
	p.seq++
	return p.yield(rec, nil)
}

// makeRoom renames the members of a document that the shaper's own would meet, or that engines refuse at the top, and
// says which of the shaper's names there are.
func makeRoom(doc *jsjson.Value) penstock.TopNames {
	top := penstock.TopTimestamp // every document of a log event has it
	for i := range doc.Members {
		m := &doc.Members[i]
		switch first, _, dotted := strings.Cut(m.Name, "."); {
		case m.Name == penstock.NameMeta:
			top |= penstock.TopPenstock
		case m.Name == penstock.NameAWS && m.Value.Kind == jsjson.Object:
			top |= penstock.TopAWSObject
		case strings.TrimSpace(m.Name) == "":
			m.Name = another(doc, "_empty")
		case m.Name == penstock.NameAWS || m.Name == "penstock_":
			m.Name = another(doc, m.Name+"_")
		case dotted && (first == penstock.NameAWS || first == penstock.NameMeta || first == "penstock_"):
			m.Name = another(doc, strings.ReplaceAll(m.Name, ".", "_"))
		case penstock.IsKeptByEngines(first):
			m.Name = another(doc, "x"+m.Name)
		}
	}
	return top
}

// another returns a name that no member has yet.
func another(doc *jsjson.Value, name string) string {
	for doc.Get(name) != nil {
		name += "_"
	}
	return name
}

// objectShaper makes documents of log events in objects.
type objectShaper struct {
	penstock.EntryShaper
	pattern string // of index names; empty leaves them to the wrapped shaper
	id      []byte
}

// Shape is part of penstock.EntryShaper. The document's id is the event's, so that a subscription and its copy in a
// bucket make one document in one index.
func (s *objectShaper) Shape(r *penstock.Record) (penstock.Document, error) {
	doc, err := s.EntryShaper.Shape(r)
	unnamed, ok := errors.AsType[*penstock.RecordError](err) // a document that lacks an index
	if err != nil && (!ok || unnamed.Document == nil) || r.Unparsed {
		return doc, err
	}
	text := string(r.AsRead()) // no rule changes an id
	id, ok := jsjson.Lookup(text, "@id")
	if !ok {
		return doc, fmt.Errorf("shape log event at byte %d: our own document has no @id", r.Offset)
	}
	s.id = r.AppendPart(append(s.id[:0], identifier(&id)...))
	doc.ID = s.id
	if s.pattern != "" {
		member := func(name string) string {
			v, _ := jsjson.Lookup(text, name)
			return v.String
		}
		n := logShaper{
			pattern: s.pattern, owner: member("@owner"), group: member("@log_group"), stream: member("@log_stream"),
		}
		doc.Index = n.name(r.Time)
		return doc, nil
	}
	if unnamed != nil {
		unnamed.ID = s.id
	}
	return doc, err
}

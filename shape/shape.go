package shape

import (
	"fmt"
	"slices"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/internal/quote"
)

// Config says how documents are made.
type Config struct {
	// Index is a pattern of index names, DefaultIndex when empty. See [ParsePattern].
	Index string
}

// DefaultIndex is a pattern that gives each format an index a day.
const DefaultIndex = "logs-{format}-{yyyy.MM.dd}"

// Shaper makes documents. It is safe for concurrent use.
type Shaper struct {
	index *Pattern
}

var _ penstock.Shaper = (*Shaper)(nil)

// New returns a Shaper, or an error that says what is wrong with the pattern.
func New(cfg Config) (*Shaper, error) {
	if cfg.Index == "" {
		cfg.Index = DefaultIndex
	}
	p, err := ParsePattern(cfg.Index)
	if err != nil {
		return nil, err
	}
	return &Shaper{index: p}, nil
}

// Entry is part of penstock.Shaper.
func (s *Shaper) Entry(o *penstock.Object, id penstock.Identity, entry, format string) (penstock.EntryShaper, error) {
	e := &entryShaper{identity: id, entry: entry, format: format}
	e.ids.begin(id, entry)
	e.index.begin(s.index.of(o, id), format)
	return e, nil
}

// entryShaper shapes the records of one entry. What is the same in all of their documents is written once, when the
// first record needs it: many objects have one record.
type entryShaper struct {
	identity      penstock.Identity
	entry, format string

	ids   ids
	index names
	clock clock
	// fallback is the time of records that have none, nil before there was one.
	fallback *fallback
	// meta is `"penstock":{…,"offset":`, without and with the name of the fallback, and with another name for records
	// that have a "penstock" themselves. object is `"aws":{"s3":{…}},`, and the same for records that have an "aws".
	meta, metaOwnTime, metaOther []byte
	object, objectDotted         []byte

	head []byte
	same beginning
}

// beginning is what the members before the offset depend on, and where they end in a head. Records often share their
// time with the one before.
type beginning struct {
	at   time.Time
	meta *byte // the first byte of what stands for the entry
	top  penstock.TopNames
	end  int // 0 for none
}

// written returns one of the metas, which is written at its first use.
func (e *entryShaper) written(meta *[]byte, name, timeFrom string) []byte {
	if len(*meta) == 0 {
		*meta = appendMeta(nil, name, e.identity, e.entry, e.format, timeFrom)
	}
	return *meta
}

// undated returns the time of records that have none, and the meta that says where it is from.
func (e *entryShaper) undated() (at fallback, meta []byte) {
	if e.fallback == nil {
		at := dateOf(e.identity, e.entry)
		e.fallback = &at
	}
	return *e.fallback, e.written(&e.meta, penstock.NameMeta, e.fallback.from)
}

// appendObject appends where in S3 the record is from, beside an "aws" that the record may have itself.
func (e *entryShaper) appendObject(b []byte, top penstock.TopNames) []byte {
	switch {
	case e.identity.Bucket == "":
		return b
	case top&penstock.TopAWSObject == 0:
		if len(e.object) == 0 {
			e.object = appendS3(nil, e.identity)
		}
		return append(b, e.object...)
	case len(e.objectDotted) == 0:
		e.objectDotted = appendS3Dotted(nil, e.identity)
	}
	return append(b, e.objectDotted...)
}

// Shape is part of penstock.EntryShaper. A document that only lacks an index is returned beside the error, for those
// who change it.
func (e *entryShaper) Shape(r *penstock.Record) (penstock.Document, error) {
	at, dated := r.Time, true
	var meta []byte
	switch {
	case !sound(at):
		var f fallback
		f, meta = e.undated()
		at, dated = f.at, f.dated
	case r.Top&penstock.TopPenstock == 0:
		meta = e.written(&e.metaOwnTime, penstock.NameMeta, "")
	}
	if r.Top&penstock.TopPenstock != 0 {
		meta = e.written(&e.metaOther, "penstock_", "")
	}
	id := e.ids.next(r) // for every record, because those behind it may depend on it
	if r.Left {
		return penstock.Document{}, penstock.ErrDrop
	}
	index, err := e.index.name(r, at, dated || !sound(at))
	b := appendInt(e.begin(at, meta, r.Top), r.Offset)
	if r.Part != nil {
		b = append(append(append(b, `,"part":"`...), r.Part...), '"')
	}
	if at.Location() == penstock.UnknownZone {
		b = append(b, `,"time_zone":"unknown"`...)
	}
	if r.Repaired {
		b = append(b, `,"repaired":true`...)
	}
	b = append(b, '}')
	tail := members(r.JSON)
	if len(tail) > 0 && tail[0] != '}' {
		b = append(b, ',')
	}
	e.head = b
	doc := penstock.Document{Index: index, ID: id, Head: b, Tail: tail, Raw: r.Text(), Offset: r.Offset}
	if r.Redacted != nil {
		doc.Length = int64(len(r.Raw))
	}
	if err != nil {
		return doc, unnamed(r, doc, err)
	}
	return doc, nil
}

// begin returns the members of a head up to the offset.
func (e *entryShaper) begin(at time.Time, meta []byte, top penstock.TopNames) []byte {
	same := beginning{at, &meta[0], top, e.same.end}
	if same == e.same && same.end > 0 {
		return e.head[:same.end]
	}
	b := append(e.head[:0], '{')
	if top&penstock.TopTimestamp == 0 && sound(at) {
		b = append(b, `"`+penstock.NameTime+`":"`...)
		b = e.clock.append(b, at)
		b = append(b, `",`...)
	}
	b = e.appendObject(b, top)
	b = append(b, meta...)
	same.end = len(b)
	e.same = same
	return b
}

// unnamed says that a document has no index. It and its id make a letter that can be sent to an index of another
// pattern.
func unnamed(r *penstock.Record, doc penstock.Document, err error) error {
	return &penstock.RecordError{
		Reason: penstock.ReasonUnshaped, Offset: r.Offset, Length: int64(len(r.Raw)), Raw: r.Text(),
		ID: doc.ID, Document: doc.Body(),
		Err: fmt.Errorf("name index: %w", err),
	}
}

// members returns the members of an object, and its end, as they stand behind other members.
func members(object []byte) []byte {
	rest := object[1:]
	for len(rest) > 0 && (rest[0] == ' ' || rest[0] == '\t') {
		rest = rest[1:]
	}
	return rest
}

// appendMeta appends `"NAME":{…,"offset":`, which a number and a closing brace complete.
func appendMeta(dst []byte, name string, id penstock.Identity, entry, format, timeFrom string) []byte {
	const room = len(`"":{"format":"","file":"","entry":"","time_from":"","offset":`)
	dst = slices.Grow(dst, room+len(name)+len(format)+len(id.Key)+len(entry)+len(timeFrom))
	dst = append(dst, '"')
	dst = append(dst, name...)
	dst = append(dst, `":{"format":`...)
	dst = quote.AppendString(dst, format)
	if id.Bucket == "" && id.Key != "" && id.Key != "-" {
		dst = append(dst, `,"file":`...)
		dst = quote.AppendString(dst, id.Key)
	}
	if entry != "" {
		dst = append(dst, `,"entry":`...)
		dst = quote.AppendString(dst, entry)
	}
	if timeFrom != "" {
		dst = append(dst, `,"time_from":`...)
		dst = quote.AppendString(dst, timeFrom)
	}
	return append(dst, `,"offset":`...)
}

// appendS3 appends `"aws":{"s3":{…}},` for an object in S3.
func appendS3(dst []byte, id penstock.Identity) []byte {
	dst = append(dst, `"`+penstock.NameAWS+`":{"s3":{"bucket":`...)
	dst = quote.AppendString(dst, id.Bucket)
	dst = append(dst, `,"key":`...)
	dst = quote.AppendString(dst, id.Key)
	return append(dst, `}},`...)
}

// appendS3Dotted appends the same as paths, which the engines join with the "aws" that the record has itself.
func appendS3Dotted(dst []byte, id penstock.Identity) []byte {
	dst = append(dst, `"`+penstock.NameAWS+`.s3.bucket":`...)
	dst = quote.AppendString(dst, id.Bucket)
	dst = append(dst, `,"`+penstock.NameAWS+`.s3.key":`...)
	dst = quote.AppendString(dst, id.Key)
	return append(dst, ',')
}

// Package penstock moves log records from where they lie (files, S3 objects, CloudWatch Logs events) into the
// indexes of an Amazon OpenSearch / Elasticsearch Service domain, and accounts for every one of them.
//
// This package holds the vocabulary that the stages share and [Run], which connects them. Every record that is read
// ends in exactly one state: delivered, duplicate, dead-lettered, dropped by a rule, or its source is left
// un-acknowledged so that it comes again. [Counts] holds these numbers, and they add up.
package penstock

import (
	"context"
	"io"
	"iter"
	"slices"
	"time"
)

// Item is the unit of acknowledgement: a listed key, a file, an SQS message, a Lambda event.
type Item struct {
	// ID names the item in logs: a path, a URL, a message id.
	ID string
	// Objects are the streams the item stands for. An item without objects is settled with nil at once.
	Objects []Object
	// Settle acknowledges the item (nil) or gives it back: with an *ItemError, or with why ctx ended before it was begun.
	// Run calls it exactly once, and with nil only after everything read from the item is delivered, already there,
	// dead-lettered or dropped. Nil means there is nobody to tell.
	Settle func(ctx context.Context, err error) error
}

// Object is one named stream of bytes.
type Object struct {
	// Name says where the object is, as a person would write it: s3://bucket/key, or a path.
	Name string
	// Size is the stored length in bytes, -1 when the source does not know it.
	Size int64
	// Modified is when it was stored, as a listing says before the object is opened; zero when it does not.
	Modified time.Time
	// Attr holds hints for recognition that the name does not carry, such as "log_group".
	Attr map[string]string
	// Once says that the bytes can be read once only: standard input, a pipe.
	Once bool
	// Remote says that Open takes a while in which nothing is to be done here.
	Remote bool
	// Linger, when not zero, says that the stream comes while it is read. Reading it returns ErrIdle when nothing comes
	// for a while, and what could become a record is not held back for longer than Linger.
	Linger time.Duration
	// Resume, when set, is where an earlier, paused reading left off: records before it are read and passed over. It
	// is void when the object has another ETag or version by now.
	Resume *Place
	// Open starts reading. It blocks until the first byte can be read or the object is known to be unreadable.
	// The caller closes the stream.
	Open func(ctx context.Context) (*Stream, error)
	// Again, when set, opens the very bytes that were read before under a pinned identity, and fails when they are not to
	// be had any longer.
	Again func(ctx context.Context, id Identity) (*Stream, error)
}

// Stream is an open object: its bytes, and what exactly was opened.
type Stream struct {
	io.ReadCloser
	Identity Identity
	// Summed says that the bytes are compared with a checksum of the whole object: at their end Read returns io.EOF when
	// they are the object's and an *AlteredError when they are not. Run reads such a stream to its end, whatever the
	// stages need of it, unless they read it by place and have ended that.
	Summed bool
}

// Places returns how the bytes are to be had by their place; nil when they are not.
func (s *Stream) Places() Places {
	if p, ok := s.ReadCloser.(Placed); ok {
		return p.Places()
	}
	return nil
}

// Placed is a reader of stored bytes that may be had by their place, too: those of a file, and of an object in S3.
type Placed interface {
	io.Reader
	// Places returns how, nil when they are to be had one behind the other only. Reading either way leaves the other one
	// where it is. It is not for several goroutines.
	Places() Places
}

// Places are stored bytes by their place, for those who need the end first. Errors are the source's own: what it says
// of bytes that have changed or do not come.
type Places interface {
	// ReadAt is that of io.ReaderAt, for several goroutines.
	io.ReaderAt
	// Size is how many bytes there are.
	Size() int64
	// Far says that each ReadAt is a request to somewhere else: few large ones are better than many small ones.
	Far() bool
	// End is for when nothing more is to be read, either way, and says how the reading ends, as Read does at its end; nil
	// stands for io.EOF. Where there is a checksum of the whole, it reads what was not read.
	End() error
}

// Identity says which bytes were opened; document ids derive from it. It is taken from the answer that carries the
// bytes, never from the event that announced them, so that listing, events, backfill and replay agree.
type Identity struct {
	// Bucket and Key name an S3 object. A file has its absolute path as Key and no Bucket.
	Bucket, Key string
	// Version is the S3 version id, empty in a bucket without versions (S3 says "null" there: the source leaves it out).
	Version string
	// ETag is the entity tag without quotes.
	ETag string
	// Modified is when the bytes were stored: the date of last resort for records that carry none.
	Modified time.Time
	// File says who a file is; it is zero for everything else.
	File File
}

// File is the identity of a file, which has no version. It goes with the file through rotation, compression and links:
// nothing that the file system numbers or dates is in it, and not the name under which the file was met.
type File struct {
	// Machine parts machines with equal paths; empty when the user gives no name.
	Machine string
	// Path is the real path.
	Path string
	// Stem is the real path without what rotation and compression have added to the name: what all generations share.
	Stem string
}

// IsFile reports whether the identity is that of a file.
func (i Identity) IsFile() bool { return i.File.Path != "" }

// Pinned reports whether the identity names immutable bytes. The bytes behind one that is not pinned (a file,
// standard input) can change under the same name, so ids there take the content up to the record into account too.
func (i Identity) Pinned() bool { return i.Version != "" || i.ETag != "" }

// Source gives items until there are no more. It may block between items. An error ends the sequence; items already
// given stay valid. The consumer stops the source by ending ctx or by breaking off the loop.
type Source interface {
	Items(ctx context.Context) iter.Seq2[Item, error]
}

// Entry is one stream of plain bytes in an object: the object itself, or one member of an archive in it.
type Entry struct {
	// Name is the path of an archive member, empty for the object itself.
	Name string
	// Table is the kind of file whose rows the entry has, one JSON object on each line: "parquet", "avro". Empty for bytes
	// that were stored as they are. The position of a row is its number, from 0.
	Table string
	io.Reader
}

// Decoder turns stored bytes into plain entries. An entry is read to its end, or abandoned, before the next one is
// asked for. A read error from an entry is the decoder's verdict on the input: truncated, corrupt, over a limit.
type Decoder interface {
	// Entries reads r; name is what the object is called.
	Entries(name string, r io.Reader) iter.Seq2[Entry, error]
}

// Recognizer finds out what an entry holds.
type Recognizer interface {
	// Recognize reads ahead in e and returns how to parse it from its first byte on. It does not close anything.
	Recognize(o *Object, id Identity, e Entry) (Recognized, error)
}

// Recognized is an entry with its format.
type Recognized struct {
	// Format is the name of the format, one of those that "penstock formats" lists.
	Format string
	// Generic says that the format does not tell who wrote the records: any JSON, any text.
	Generic bool
	// Skip, when not empty, is the reason why the entry holds no records: a folder marker, a digest file, nothing at all.
	Skip string
	// Rows says that records are known by their number: the Offset of each is its Seq.
	Rows bool
	// Undated says of a file that no line near its beginning tells one generation of it from another: its records are
	// known by its exact path then.
	Undated bool
	// Near are other formats that the entry looks like, the nearest first, when the Recognizer was asked for them.
	Near []Near
	// Route is the name of the route that the entry takes, empty for none, and Target that of the domain which its
	// documents go to, as in a Document. Shaper makes its documents; nil is the pipeline's.
	Route, Target string
	Shaper        Shaper
	// Records yields the records. A *RecordError concerns one record: the sequence goes on. Any other error is the last.
	Records iter.Seq2[Record, error]
}

// Near is a format that an entry looks like and does not have, with what speaks against it.
type Near struct{ Format, Against string }

// Record is one event read from an entry. Its slices are valid until the next record is asked for.
type Record struct {
	// Seq counts the records of the entry from 0, RecordErrors included.
	Seq int64
	// Offset is the position of the record's first byte in the plain bytes of the entry; it is unique in the entry.
	Offset int64
	// Raw is the record as it was read, without its line ending.
	Raw []byte
	// Redacted, when it is not nil, stands for Raw in documents and letters: rules have taken out of it what must not
	// leave. An empty one says that nothing of Raw may.
	Redacted []byte
	// JSON is the record as one JSON object on one line, valid UTF-8, with unique names that a mapper accepts.
	JSON []byte
	// Before is what JSON was before rules changed it, nil when they did not.
	Before []byte
	// Part is the place in its list of what rules have split the record into, such as 0, and behind it the place in the
	// list of that; nil for a whole record. All parts have the offset of their record.
	Part []byte
	// Time is when the event happened, zero when the record does not say. It is in UTC, or in UnknownZone.
	Time time.Time
	// Top tells which of the names that the shape stage writes the record has at its top level.
	Top TopNames
	// Content stands for what of a file tells its record from one of another generation: the plain bytes of the entry up
	// to the record's end, or for the records before it up to the end of the first line with a time. Zero for what is no
	// file.
	Content Content
	// Unparsed says that the format's grammar did not match: JSON holds the raw text and the parse error.
	Unparsed bool
	// Repaired says that the record was JSON but for what programs are known to write, such as \x22, NaN or an end that is
	// marked as cut off: JSON holds what it stands for, and the document says so.
	Repaired bool
	// Left says that the record has nothing to store, such as a delete in the body of a _bulk request: it is dropped.
	Left bool
	// More says that the record has parts behind the one at hand: calling Shape with it again shapes the next.
	More bool
}

// AppendPart appends to the id of a whole record what tells its part.
func (r *Record) AppendPart(id []byte) []byte {
	if r.Part == nil {
		return id
	}
	return append(append(id, '.'), r.Part...)
}

// AsRead is the record's JSON from before rules changed it.
func (r *Record) AsRead() []byte {
	if r.Before != nil {
		return r.Before
	}
	return r.JSON
}

// Text is the record as it may leave: Raw, or what rules have left of it.
func (r *Record) Text() []byte {
	if r.Redacted != nil {
		return r.Redacted
	}
	return r.Raw
}

// UnknownZone is the location of a Record's time that names a zone which means several offsets, or none that is known.
// The date and the time of day are as if they were UTC, and the document says so.
var UnknownZone = time.FixedZone("unknown", 0)

// Content is the XXH3-128 of plain bytes.
type Content struct{ Hi, Lo uint64 }

// TopNames is a set of top-level names of a record that concern the shape stage.
type TopNames uint8

// The names that the shape stage looks out for.
const (
	// TopTimestamp: the record has its own "@timestamp".
	TopTimestamp TopNames = 1 << iota
	// TopAWSObject: the record has its own "aws", and it is an object.
	TopAWSObject
	// TopPenstock: the record has its own "penstock"; it was shipped before, or is hostile. Parsers rename any "aws"
	// that is not an object to "aws_".
	TopPenstock
)

// Shaper makes documents of records.
type Shaper interface {
	// Entry prepares the shaping of one entry. The result is for one goroutine.
	Entry(o *Object, id Identity, entry, format string) (EntryShaper, error)
}

// EntryShaper makes a document of each record of one entry.
type EntryShaper interface {
	// Shape returns the document for r, valid until the next call. ErrDrop means that a rule of the user's leaves the
	// record out; a *RecordError that no document can be made of it. Where it leaves More in r, it is called with r until
	// that is gone: each call is for another part of the record.
	Shape(r *Record) (Document, error)
}

// RuleCounter is an EntryShaper that applies rules.
type RuleCounter interface {
	// RuleCounts returns what each rule did so far, in their order. It is valid until the next record.
	RuleCounts() []RuleCount
}

// Redactor is an EntryShaper with rules that take out of records what must not leave. One that stands around another
// has a method Unwrap that returns it.
type Redactor interface {
	// Redact does so with a record that has no document: it changes what err tells of it.
	Redact(err *RecordError)
	// RulesRun names the rules that have run on every document, in their order.
	RulesRun() []string
}

// redactorOf finds the Redactor in an EntryShaper; nil when there is none.
func redactorOf(s EntryShaper) Redactor {
	for s != nil {
		if r, ok := s.(Redactor); ok {
			return r
		}
		around, ok := s.(interface{ Unwrap() EntryShaper })
		if !ok {
			break
		}
		s = around.Unwrap()
	}
	return nil
}

// RouteCounter is an EntryShaper that counts by route.
type RouteCounter interface {
	// RouteCounts returns what became of the records so far. It is valid until the next record.
	RouteCounts() []RouteCount
}

// Document is one JSON body for an index.
type Document struct {
	Index string
	// ID is at most 512 bytes. The same record of the same object always has the same ID.
	ID []byte
	// Head and, directly behind it, Tail are one JSON object on one line. Tail is nil, or the record's own members as they
	// were read: a record need not be copied to become a document.
	Head, Tail []byte
	// Raw is the record the document was made of, as it may leave. With a RawSum, which stands for it, it can be read once
	// more: a deliverer need not keep it for a rejection, which is without it then.
	Raw    []byte
	RawSum uint64
	// Offset is the record's position in its entry. Length is that of the record as it was read when Raw has another one,
	// else 0.
	Offset, Length int64
	// Routing chooses the shard, and Pipeline is the ingest pipeline of the domain that the document goes through; empty
	// leaves both to the domain.
	Routing  []byte
	Pipeline string
	// Target is the name of the domain that the document goes to, where the deliverer knows several; empty is the run's.
	Target string
	// Replace says that the document takes the place of the one that has its ID, if there is one, and counts as a
	// duplicate then. Without it, what is there stays.
	Replace bool
}

// Body returns the document's JSON in a slice of its own.
func (d Document) Body() []byte { return slices.Concat(d.Head, d.Tail) }

// Size returns the length of the document's JSON in bytes.
func (d Document) Size() int { return len(d.Head) + len(d.Tail) }

// RawInTail reports whether the record stands in the Tail, but for its first brace: keeping it takes no copy.
func (d *Document) RawInTail() bool {
	n := len(d.Raw) - 1
	return n > 0 && n == len(d.Tail) && d.Raw[0] == '{' && &d.Raw[1] == &d.Tail[0]
}

// Deliverer takes documents to a domain. One deliverer serves all objects in hand.
type Deliverer interface {
	// Begin opens a delivery. Documents that the domain will never take are handed to reject, from one of the
	// deliverer's goroutines; the delivery is not complete before reject returned. If reject fails, so does the delivery.
	Begin(reject RejectFunc) Delivery
	// Hold says that more deliveries are about to begin: until release is called, what has been added may wait for them,
	// up to the deliverer's own bound. Without a hold it is sent as soon as every delivery waits. Calls of release after
	// the first do nothing; it must be called.
	Hold() (release func())
}

// RejectFunc puts one rejected document away for good. Its slices are valid during the call.
type RejectFunc func(ctx context.Context, r Rejection) error

// Delivery is the documents of one object, awaited together.
type Delivery interface {
	// Add copies d and returns; it blocks while too much is in flight. An error means that the delivery can no longer
	// succeed; d itself may or may not arrive.
	Add(ctx context.Context, d Document) error
	// Wait blocks until the outcome of every added document is known or ctx ends, and returns what is known. It must
	// be called exactly once, and after the last Add. Documents without a known outcome are in neither number.
	Wait(ctx context.Context) (Outcome, error)
}

// Outcome counts what became of the documents of a delivery. Dropped are those that the domain's own pipeline left out.
type Outcome struct {
	Delivered, Duplicate, Rejected, Dropped int64
}

// Known is the number of documents with a known outcome.
func (o Outcome) Known() int64 { return o.Delivered + o.Duplicate + o.Rejected + o.Dropped }

// Add adds p to o.
func (o *Outcome) Add(p Outcome) {
	o.Delivered += p.Delivered
	o.Duplicate += p.Duplicate
	o.Rejected += p.Rejected
	o.Dropped += p.Dropped
}

// Rejection is a document that the domain will never take.
type Rejection struct {
	Document
	// Status, Type and Reason are the domain's: 400, "mapper_parsing_exception", a sentence.
	Status int
	Type   string
	Reason string
}

// DeadLetters is where undeliverable records rest.
type DeadLetters interface {
	// Put stores the letters durably, with one sync for all of them, before it returns nil. A letter replaces an earlier
	// one with the same domain, index and ID, unless it is Gone and the earlier one has its record. The slices in a letter
	// are valid during the call.
	Put(ctx context.Context, letters ...Letter) error
}

// Letter is a dead letter: everything needed to understand why a record did not arrive and to send it again.
type Letter struct {
	// ID is stable: the same failure of the same record has the same ID. It is the document's ID, also of a document that
	// only lacks an index; a record that became none has an ID of its own.
	ID string `json:"id"`
	// Time is when the letter was written.
	Time time.Time `json:"time"`
	// Reason is one of the Reason constants; Type and Detail say more, Type in the words of whoever refused.
	Reason string `json:"reason"`
	Type   string `json:"type,omitempty"`
	Detail string `json:"detail,omitempty"`
	Status int    `json:"status,omitempty"`
	// Source says where the record came from.
	Source Place `json:"source"`
	// Domain says where the document was to go: the pipeline's Domain.
	Domain string `json:"domain,omitempty"`
	// Index and Document are set when a document was made. One whose index has no valid name is without Index.
	Index    string `json:"index,omitempty"`
	Document []byte `json:"document,omitempty"`
	// Routing and Pipeline are those of the document.
	Routing  string `json:"routing,omitempty"`
	Pipeline string `json:"pipeline,omitempty"`
	// Raw is the record as read, but for what rules have redacted. It is empty for a letter by reference, which Source
	// then locates: a record too long to hold, or the rest of an object that cannot be read. It is empty with Gone, too.
	Raw []byte `json:"raw,omitempty"`
	// Gone says that Raw is missing because its object could not be read again for it: it was deleted or replaced, or
	// there was no more time.
	Gone bool `json:"raw_gone,omitempty"`
	// Rules are those that have run on the document.
	Rules []string `json:"rules,omitempty"`
}

// Place locates a record.
type Place struct {
	// Object is the object's name, Entry the archive member in it, Format what it was recognised as.
	Object  string `json:"object"`
	Bucket  string `json:"bucket,omitempty"`
	Key     string `json:"key,omitempty"`
	Version string `json:"version,omitempty"`
	ETag    string `json:"etag,omitempty"`
	Entry   string `json:"entry,omitempty"`
	Format  string `json:"format,omitempty"`
	// Offset is a position in the plain bytes; Length is -1 for "to the end".
	Offset int64 `json:"offset"`
	Length int64 `json:"length,omitempty"`
}

// The reasons of dead letters.
const (
	ReasonRejected = "rejected"  // the domain will never take the document
	ReasonTooLarge = "too_large" // the document alone is over the domain's request limit
	ReasonOverlong = "overlong"  // the record is longer than the reader's bound
	ReasonUnshaped = "unshaped"  // no document could be made: no valid index name, no valid JSON
	ReasonCorrupt  = "corrupt"   // the object cannot be decoded from here on
	ReasonLimit    = "limit"     // the object decodes to more than the limit allows
	ReasonConflict = "conflict"  // another document has this id and it is not a re-delivery
	// ReasonUnreadable: the content is in a container that nobody here reads: an ORC file, an encrypted archive.
	ReasonUnreadable = "unreadable"
	// ReasonBinary: the content is no text.
	ReasonBinary = "binary"
	// ReasonRule: a rule of the user's failed on the record, and says that it becomes a dead letter then.
	ReasonRule = "rule"
)

// Reasons lists the reasons of dead letters.
func Reasons() []string {
	return []string{
		ReasonRejected, ReasonTooLarge, ReasonOverlong, ReasonUnshaped, ReasonCorrupt, ReasonLimit, ReasonConflict,
		ReasonUnreadable, ReasonBinary, ReasonRule,
	}
}

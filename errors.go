package penstock

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// ErrDrop is returned by an EntryShaper for a record that a rule of the user's leaves out, or that has nothing to
// store.
var ErrDrop = errors.New("dropped by rule")

// ErrIdle is returned by reads of a stream with a Linger when nothing comes for a while. The next read waits on.
var ErrIdle = errors.New("the stream idles")

// Idler is a reader that tells whether its reads may return ErrIdle.
type Idler interface {
	io.Reader
	Idles() bool
}

// RecordError concerns one record: it becomes a dead letter, and the object goes on.
type RecordError struct {
	// Reason is one of the Reason constants.
	Reason string
	// Offset and Length locate the record in the plain bytes of its entry.
	Offset, Length int64
	// Raw is the record, or nil when it is too long to hold: the letter then is by reference. Valid until the next record.
	Raw []byte
	// ID and Document are those of a document that only lacks an index. Valid until the next record.
	ID, Document []byte
	// Routing, Pipeline and Target are those of the document.
	Routing          []byte
	Pipeline, Target string
	// Content is the same as in a Record.
	Content Content
	// Rules are those that have run on the record.
	Rules []string
	Err   error
}

func (e *RecordError) Error() string {
	return fmt.Sprintf("record at byte %d (%d bytes): %v", e.Offset, e.Length, e.Err)
}

func (e *RecordError) Unwrap() error { return e.Err }

// ObjectError says that an object cannot be read to its end and that trying again would not help: it is corrupt,
// decodes to more than the limit, or is nothing that can be read. What came before the error is delivered; the rest
// becomes one dead letter by reference.
type ObjectError struct {
	// Reason is ReasonCorrupt, ReasonLimit, ReasonUnreadable, ReasonBinary or ReasonUnshaped.
	Reason string
	Err    error
}

func (e *ObjectError) Error() string { return e.Err.Error() }

func (e *ObjectError) Unwrap() error { return e.Err }

// AlteredError is returned by the Read of a summed Stream in place of io.EOF: the bytes that were read are not the ones
// that were stored. By then documents of them may be in the domain, under the ids that belong to the true records.
// [Run] reads the object again at once and replaces them; when that fails too, the item is given back and the documents
// stay as they are.
type AlteredError struct{ Err error }

func (e *AlteredError) Error() string { return e.Err.Error() }

func (e *AlteredError) Unwrap() error { return e.Err }

// Temporary is always true: the bytes can arrive unaltered another time.
func (e *AlteredError) Temporary() bool { return true }

// Temporary is implemented by errors whose maker knows whether a later attempt can succeed.
type Temporary interface {
	error
	Temporary() bool
}

// Fatal is implemented by errors that concern more than one item: going on with the next would fail the same way.
// Refused credentials are one, a domain that cannot be reached within the retry budget another. [Run] then takes no
// more items and gives back those in hand.
type Fatal interface {
	error
	Fatal() bool
}

// IsTemporary reports whether err says of itself that a later attempt can succeed.
func IsTemporary(err error) bool {
	t, ok := errors.AsType[Temporary](err)
	return ok && t.Temporary()
}

// IsFatal reports whether err says of itself that it concerns the whole run.
//
// What an error says of itself stands before what it wraps; of several that are joined one is enough.
func IsFatal(err error) bool {
	if f, ok := err.(Fatal); ok { //nolint:errorlint // the tree is walked here
		return f.Fatal()
	}
	switch e := err.(type) { //nolint:errorlint // the tree is walked here
	case interface{ Unwrap() error }:
		return IsFatal(e.Unwrap())
	case interface{ Unwrap() []error }:
		return slices.ContainsFunc(e.Unwrap(), IsFatal)
	}
	return false
}

// ItemError is what an item is given back with after its objects were read: what became of those that come again.
type ItemError struct {
	// Failures are in the order of the objects, at least one. Objects with a final state are not among them, nor are those
	// that were not begun because an earlier failure concerns the whole run.
	Failures []ObjectFailure
}

// ObjectFailure is why an object comes again.
type ObjectFailure struct {
	Object string
	Err    error
}

func (e *ItemError) Error() string {
	texts := make([]string, len(e.Failures))
	for i, f := range e.Failures {
		texts[i] = f.Object + ": " + f.Err.Error()
	}
	return strings.Join(texts, "\n")
}

// Unwrap returns the errors of all failures.
func (e *ItemError) Unwrap() []error {
	errs := make([]error, len(e.Failures))
	for i, f := range e.Failures {
		errs[i] = f.Err
	}
	return errs
}

// LetterError says that the dead letters could not be written. It is fatal: without a place for what cannot be
// delivered, the source must keep it.
type LetterError struct{ Err error }

func (e *LetterError) Error() string { return "store dead letter: " + e.Err.Error() }

func (e *LetterError) Unwrap() error { return e.Err }

// Fatal is always true.
func (e *LetterError) Fatal() bool { return true }

// InterruptedError says that the run was told to end before it was at its end. What was not finished comes again.
type InterruptedError struct {
	// Before says what had not happened yet.
	Before string
	// Err is why the context ended.
	Err error
}

func (e *InterruptedError) Error() string { return "interrupted before " + e.Before }

func (e *InterruptedError) Unwrap() error { return e.Err }

// Temporary is always true.
func (e *InterruptedError) Temporary() bool { return true }

// PausedError says that reading was stopped by Pipeline.Pause. Everything before Next has a final state.
type PausedError struct {
	// Next locates the first record that was not read.
	Next Place
}

func (e *PausedError) Error() string {
	return fmt.Sprintf("paused before byte %d of %s", e.Next.Offset, e.Next.Object)
}

// Temporary is always true: the object can be read on from Next.
func (e *PausedError) Temporary() bool { return true }

// GrowingError is the end of a file that was written to a moment ago: what it ends with may go on. The file is given
// back, for the next run to read the rest of it.
type GrowingError struct {
	Object string
	// What says what cannot be known yet.
	What string
}

func (e *GrowingError) Error() string {
	what := e.What
	if what == "" {
		what = "it"
	}
	return fmt.Sprintf("read %s: %s may go on, because the file was written to within the last %v: left for the next run",
		e.Object, what, SettleAge)
}

// Temporary is always true.
func (e *GrowingError) Temporary() bool { return true }

// SettleAge is how long a file must not have been written to before what it ends with counts as its end.
const SettleAge = 10 * time.Second

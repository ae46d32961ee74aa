// Package decode turns stored bytes into plain bytes: it tells compressions and archives by their first bytes, opens
// them inside one another, and reads all members of a stream, within bounds. A bare snappy block is also told by its
// name. The package also splits plain bytes into lines.
package decode

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"

	"golang.org/x/text/encoding"

	"github.com/seed56735111/penstock"
)

// Limits bound what one object may decode to. Zero fields have the defaults.
type Limits struct {
	// MaxBytes is the most plain bytes of all entries together, 64 GiB by default. It holds for every layer on the way
	// too, so that what is decoded and then thrown away (padding, the frame of an archive) does not escape it.
	MaxBytes int64
	// MaxRatio is the most decoded bytes for each stored byte, 1000 by default. It counts beyond the first 64 MiB of
	// output only, so that small objects may compress as well as they like.
	MaxRatio float64
	// MaxDepth is how many compressions and archives may be inside each other, 5 by default.
	MaxDepth int
	// MaxEntries is the most members of archives, 100,000 by default.
	MaxEntries int
	// MaxSpool is the largest zip archive or Parquet file, in stored bytes, 4 GiB by default, where it is kept while it is
	// read, because it is read from its end: up to 4 MiB in memory and a larger one in a temporary file. A Parquet file
	// that is an object by itself, in a source that can be read by place, is not kept.
	MaxSpool int64
	// MaxPages is the most memory for the pages and blocks of one Parquet or Avro file, 32 MiB by default. All that are
	// read at once have twice as much together.
	MaxPages int64
	// Encoding is what text is in that has no byte order mark and does not look like UTF-16 or UTF-32, nil for UTF-8.
	Encoding encoding.Encoding
	// Tables read files that have rows.
	Tables
}

// ratioFloor is the output from which the ratio counts.
const ratioFloor = 64 << 20

func (l Limits) withDefaults() Limits {
	if l.MaxBytes <= 0 {
		l.MaxBytes = 64 << 30
	}
	if l.MaxRatio <= 0 {
		l.MaxRatio = 1000
	}
	if l.MaxDepth <= 0 {
		l.MaxDepth = 5
	}
	if l.MaxEntries <= 0 {
		l.MaxEntries = 100_000
	}
	if l.MaxSpool <= 0 {
		l.MaxSpool = 4 << 30
	}
	if l.MaxPages <= 0 {
		l.MaxPages = 32 << 20
	}
	return l
}

// UnsupportedError names a container that is recognised and cannot be read.
type UnsupportedError struct{ Container string }

func (e *UnsupportedError) Error() string {
	return e.Container + " files are not supported"
}

// Decoder decodes objects, each in the goroutine of its reader. It is safe for concurrent use, and keeps the buffers of
// finished objects for the next ones.
type Decoder struct {
	limits  Limits
	buffers sync.Pool // *bufio.Reader of outerBuffer bytes
	gzips   sync.Pool // *inflate.Reader
	zstds   sync.Pool // *zstd.Decoder
	pages   *pages
}

var _ penstock.Decoder = (*Decoder)(nil)

// New returns a Decoder.
func New(l Limits) *Decoder {
	l = l.withDefaults()
	return &Decoder{limits: l, pages: newPages(l.MaxPages)}
}

// Entries gives the plain entries in r: of an archive its regular files, named by their paths, with "!" between the
// paths of archives in archives. A byte order mark is left out and UTF-16 and UTF-32 become UTF-8; offsets in an
// entry count the bytes that come out.
//
// name is the object's: it matters for what no byte tells, a snappy block alone.
//
// When r is a penstock.Idler that idles, compressed bytes are decoded as far as they have come.
//
// An error is a *penstock.ObjectError when the bytes themselves are at fault (corrupt, cut off, over a limit, or in a
// container that nobody here reads, with an *UnsupportedError inside), and the source's own error when reading r
// failed. Reading an entry fails with the same errors, after everything that came before. A member that cannot be read
// while its archive can does not end the sequence: the members after it follow.
func (d *Decoder) Entries(name string, r io.Reader) iter.Seq2[penstock.Entry, error] {
	return func(yield func(penstock.Entry, error) bool) {
		o := &object{Limits: d.limits, name: name, decoder: d, source: &source{r: r}, yield: yield}
		if live, ok := r.(penstock.Idler); ok {
			o.live = live.Idles()
		}
		o.decoded = make([]int64, o.MaxDepth)
		o.kinds = make([]container, o.MaxDepth)
		_ = o.report("", o.start())
	}
}

// object is one object being decoded.
type object struct {
	Limits
	name    string
	decoder *Decoder
	source  *source
	known   bool // the entry at hand told its encoding by itself
	live    bool // reads of the source may return penstock.ErrIdle
	yield   func(penstock.Entry, error) bool
	plain   int64   // bytes given out so far
	decoded []int64 // bytes that came out of the containers, by their depth
	kinds   []container
	entries int
}

// errStopped ends the recursion when the consumer has had enough.
var errStopped = errors.New("stopped by the consumer")

// toldError is a verdict that the consumer has had already, from reading the entry.
type toldError struct{ error }

func (e toldError) Unwrap() error { return e.error }

// isUntold reports whether an error is one that the consumer still has to hear of.
func isUntold(err error) bool {
	_, told := errors.AsType[toldError](err)
	return err != nil && !told && !errors.Is(err, errStopped)
}

// report tells the consumer of an error, unless it knows. It returns errStopped when the consumer has had enough.
func (o *object) report(name string, err error) error {
	if errors.Is(err, errStopped) {
		return err
	}
	if isUntold(err) && !o.yield(penstock.Entry{Name: name}, o.verdict(err)) {
		return errStopped
	}
	return nil
}

// source counts what is stored and remembers how it ended: a source that fails is not the fault of the bytes.
type source struct {
	r         io.Reader
	mu        sync.Mutex // guards read and end while the bytes are had by place
	read      int64
	end       error
	contained bool                   // the bytes are those of a container, which knows its end itself
	growing   *penstock.GrowingError // how the source ended
}

func (s *source) Read(p []byte) (int, error) {
	if s.end != nil {
		return 0, s.ended()
	}
	n, err := s.r.Read(p)
	s.read += int64(n)
	if err == nil || errors.Is(err, penstock.ErrIdle) {
		return n, err
	}
	s.over(err)
	return n, s.ended()
}

// over remembers how the source ended.
func (s *source) over(err error) {
	if growing, ok := errors.AsType[*penstock.GrowingError](err); ok {
		s.growing = growing
	} else if err != io.EOF && errors.Is(err, io.EOF) { //nolint:errorlint // nothing but io.EOF itself is the end
		err = &notTheEnd{err}
	}
	s.end = err
}

// ended is the end as the reader is to see it. That a file may go on is not for a container, which knows its end
// itself.
func (s *source) ended() error {
	if s.growing != nil && s.contained {
		return io.EOF
	}
	return s.end
}

// failure is the source's own error, if it had one.
func (s *source) failure() error {
	if end := s.ended(); !errors.Is(end, io.EOF) {
		return end
	}
	return nil
}

// notTheEnd is a failure that has an io.EOF somewhere inside, as when a server hangs up without an answer. Taken for
// the end, it would cut the object off in silence.
type notTheEnd struct{ err error }

func (e *notTheEnd) Error() string { return e.err.Error() }

// Is says that a stream which ends too early is not at its end, whatever errors are below.
func (e *notTheEnd) Is(target error) bool {
	return !errors.Is(target, io.EOF) && errors.Is(e.err, target)
}

// As finds the error below.
func (e *notTheEnd) As(target any) bool { return errors.As(e.err, target) }

// verdict tells whose fault an error is.
func (o *object) verdict(err error) error {
	if failure := o.source.failure(); failure != nil {
		return failure
	}
	if _, ok := errors.AsType[*penstock.ObjectError](err); ok {
		return err
	}
	if _, ok := errors.AsType[*UnsupportedError](err); ok {
		return &penstock.ObjectError{Reason: penstock.ReasonUnreadable, Err: err}
	}
	if _, ok := errors.AsType[*spoolError](err); ok {
		return err
	}
	if g := o.source.growing; g != nil {
		return &penstock.GrowingError{Object: g.Object, What: fmt.Sprintf("what is not complete yet (%v)", err)}
	}
	return &penstock.ObjectError{Reason: penstock.ReasonCorrupt, Err: err}
}

// OverLimit is the error of an object that asks for more than it may have.
func OverLimit(format string, args ...any) error {
	return &penstock.ObjectError{Reason: penstock.ReasonLimit, Err: fmt.Errorf(format, args...)}
}

// The outer buffer is between us and a network or a disk. The inner ones only hold what is looked at: reads that are
// larger go past them.
const (
	outerBuffer = 64 << 10
	innerBuffer = 4 << 10
)

func (o *object) start() error {
	br, ok := o.decoder.buffers.Get().(*bufio.Reader)
	if !ok {
		br = bufio.NewReaderSize(nil, outerBuffer)
	}
	br.Reset(o.source)
	defer func() {
		br.Reset(nil)
		o.decoder.buffers.Put(br)
	}()
	return o.peeked("", br, 0)
}

// isLine reports whether the first bytes of a stream that idles are enough to tell what it is: a line of text is, or
// the beginning of a value.
func isLine(head []byte) bool {
	return bytes.IndexByte(head, '\n') >= 0 || len(head) > 0 && (head[0] == '{' || head[0] == '[')
}

// open finds out what r holds and opens it, one layer at a time.
func (o *object) open(name string, r io.Reader, depth int) error {
	return o.peeked(name, bufio.NewReaderSize(r, innerBuffer), depth)
}

func (o *object) peeked(name string, br *bufio.Reader, depth int) error {
	head, err := br.Peek(peekSize)
	for errors.Is(err, penstock.ErrIdle) && !isLine(head) && sniff(head) == plainBytes {
		head, err = br.Peek(peekSize)
	}
	if err != nil && !errors.Is(err, io.EOF) && len(head) == 0 {
		return err
	}
	kind := sniff(head)
	if kind != plainBytes {
		o.source.contained = true
	}
	switch {
	case kind == plainBytes:
		return o.plainOrBlock(name, br, depth)
	case kind > avroFile:
		return &UnsupportedError{Container: kind.String()}
	case depth >= o.MaxDepth:
		return OverLimit("nested deeper than %d containers", o.MaxDepth)
	case kind == tarArchive:
		return o.tar(name, patient{br}, depth)
	case kind == zipArchive:
		return o.zip(name, patient{br}, depth)
	case kind == parquetFile:
		return o.parquet(name, patient{br}, depth)
	case kind == avroFile:
		return o.avro(name, patient{br}, depth)
	case o.live:
		e := o.decoder.eager(kind, br)
		defer e.stop()
		return o.inside(name, kind, e, depth)
	}
	inner, release, err := o.decoder.decompress(kind, br)
	if err != nil {
		return decodeError(kind, err)
	}
	defer release()
	return o.inside(name, kind, inner, depth)
}

// inside opens what comes out of a compression.
func (o *object) inside(name string, kind container, r io.Reader, depth int) error {
	l := o.layer(kind, r, depth)
	defer func() { l.end = errStopped }() // nobody reads what the next object decodes
	return o.open(name, l, depth+1)
}

// plainOrBlock gives an entry that no byte says is anything else.
func (o *object) plainOrBlock(name string, br *bufio.Reader, depth int) error {
	if depth >= o.MaxDepth || depth > 0 && o.kinds[depth-1] == snappyAlone {
		return o.entry(name, br, depth)
	}
	named := name
	if named == "" && depth == 0 {
		named = o.name
	}
	r, decoded := snappyBlock(named, br)
	if decoded {
		return o.open(name, o.layer(snappyAlone, r, depth), depth+1)
	}
	if r != io.Reader(br) {
		br = bufio.NewReader(r)
	}
	return o.entry(name, br, depth)
}

// layer is what comes out of one container: counted, with errors that say which container it was, and that stay.
type layer struct {
	*object
	kind  container
	depth int
	r     io.Reader
	end   error
}

func (o *object) layer(kind container, r io.Reader, depth int) *layer {
	o.kinds[depth] = kind
	return &layer{object: o, kind: kind, depth: depth, r: r}
}

func (l *layer) Read(p []byte) (int, error) {
	if l.end != nil {
		return 0, l.end
	}
	n, err := l.r.Read(p)
	if n == 0 && errors.Is(err, penstock.ErrIdle) {
		return 0, err
	}
	l.decoded[l.depth] += int64(n)
	switch total := l.decoded[l.depth]; {
	case total > l.MaxBytes:
		err = OverLimit("%v data decodes to more than %d bytes", l.kind, l.MaxBytes)
	case total > ratioFloor && float64(total) > l.MaxRatio*float64(l.source.read):
		err = OverLimit("%v data decodes to more than %g times its size", l.kind, l.MaxRatio)
	case err != nil && !errors.Is(err, io.EOF):
		err = decodeError(l.kind, err)
	}
	l.end = err
	return n, err
}

// failure is the error that ended the layer, if it was not its end.
func (l *layer) failure() error {
	if errors.Is(l.end, io.EOF) {
		return nil
	}
	return l.end
}

// entry gives one plain entry to the consumer.
func (o *object) entry(name string, br *bufio.Reader, depth int) error {
	text, known, err := o.transcoded(br)
	if err != nil {
		return err
	}
	o.known = known
	return o.give(penstock.Entry{Name: name}, text, depth)
}

// MayRecode reports whether an entry is text, or bytes, that did not tell an encoding by themselves, so that Recoded
// may say one. It is to be asked before the next entry is.
func MayRecode(e penstock.Entry) bool {
	r, ok := e.Reader.(*entryReader)
	return ok && e.Table == "" && !r.known
}

// Recoded reads text in an encoding as UTF-8. What cannot be in it becomes U+FFFD.
func Recoded(r io.Reader, in encoding.Encoding) io.Reader {
	return &charsetReader{r: r, decoder: in.NewDecoder()}
}

// give gives an entry to the consumer, who reads it from r.
func (o *object) give(entry penstock.Entry, r io.Reader, depth int) error {
	o.entries++
	if o.entries > o.MaxEntries {
		return OverLimit("more than %d entries", o.MaxEntries)
	}
	e := &entryReader{object: o, r: r, depth: depth, whole: entry.Name == ""}
	entry.Reader = e
	more := o.yield(entry, nil)
	failed := e.err
	e.err = errStopped // the bytes behind it are another entry's from now on
	switch {
	case !more:
		return errStopped
	case failed != nil:
		return toldError{failed}
	}
	return nil
}

// entryReader is what the consumer reads: within the limits, with errors that say whose fault they are.
type entryReader struct {
	*object
	r     io.Reader
	depth int   // how many containers it is in
	whole bool  // it is the object and no member of an archive
	err   error // a verdict
}

// Containers names what an entry of a Decoder is stored in, the outermost first: gzip, zip and so on. A plain object is
// in none. It is to be asked before the next entry is.
func Containers(e penstock.Entry) []string {
	var names []string
	if r, ok := e.Reader.(*entryReader); ok {
		for _, kind := range r.kinds[:r.depth] {
			names = append(names, kind.String())
		}
	}
	return names
}

func (e *entryReader) Read(p []byte) (int, error) {
	if e.err != nil {
		return 0, e.err
	}
	// One byte past the bound tells an entry that ends there from one that does not.
	if left := e.MaxBytes - e.plain + 1; int64(len(p)) > left {
		p = p[:left]
	}
	n, err := e.r.Read(p)
	e.plain += int64(n)
	if e.plain > e.MaxBytes {
		n--
		err = OverLimit("decodes to more than %d bytes", e.MaxBytes)
	}
	switch {
	case err == nil, errors.Is(err, penstock.ErrIdle):
	case errors.Is(err, io.EOF):
		// The compressed form of a file that may go on can end between two members.
		if e.whole && e.source.growing != nil {
			err = e.source.growing
		}
	default:
		e.err = e.verdict(err)
		err = e.err
	}
	return n, err
}

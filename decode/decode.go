// Package decode turns stored bytes into plain bytes: by their first bytes and never by name or metadata, through
// compressions inside compressions and archives, all members of a stream, within bounds. It also splits plain bytes into
// lines.
package decode

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/internal/inflate"
)

// Limits bound what one object may decode to. Zero fields have the defaults.
type Limits struct {
	// MaxBytes is the most plain bytes of all entries together, 64 GiB by default.
	MaxBytes int64
	// MaxRatio is the most plain bytes for each stored byte, 1000 by default. It counts beyond the first 64 MiB of
	// output only, so that small objects may compress as well as they like.
	MaxRatio float64
	// MaxDepth is how many compressions and archives may be inside each other, 5 by default.
	MaxDepth int
	// MaxEntries is the most members of archives, 100,000 by default.
	MaxEntries int
	// MaxSpool is the largest zip archive, in stored bytes, 4 GiB by default: a zip is read from its end, so it is
	// kept in a temporary file while it is read.
	MaxSpool int64
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
	return l
}

// UnsupportedError names a container that is recognised and cannot be read.
type UnsupportedError struct{ Container string }

func (e *UnsupportedError) Error() string {
	return e.Container + " files are not supported"
}

// Decoder decodes objects. It is safe for concurrent use.
type Decoder struct{ limits Limits }

var _ penstock.Decoder = (*Decoder)(nil)

// New returns a Decoder.
func New(l Limits) *Decoder { return &Decoder{limits: l.withDefaults()} }

// Entries gives the plain entries in r. An error is a *penstock.ObjectError when the bytes themselves are at fault
// (corrupt, cut off, over a limit), an *UnsupportedError for a container that cannot be read, and the source's own error
// when reading r failed. Reading an entry fails with the same errors, after everything that came before.
func (d *Decoder) Entries(r io.Reader) iter.Seq2[penstock.Entry, error] {
	return func(yield func(penstock.Entry, error) bool) {
		o := &object{Limits: d.limits, source: &source{r: r}, yield: yield}
		defer o.close()
		if err := o.open("", o.source, 0); err != nil && !errors.Is(err, errStopped) {
			yield(penstock.Entry{}, o.verdict(err))
		}
	}
}

// errStopped ends the recursion when the consumer has had enough.
var errStopped = errors.New("stopped by the consumer")

// object is one object being decoded.
type object struct {
	Limits
	source  *source
	yield   func(penstock.Entry, error) bool
	plain   int64 // bytes given out so far
	entries int
	closers []func()
}

func (o *object) close() {
	for i := len(o.closers) - 1; i >= 0; i-- {
		o.closers[i]()
	}
}

// source counts what is stored and remembers that the source failed: that is not the fault of the bytes.
type source struct {
	r    io.Reader
	read int64
	err  error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.read += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// verdict tells whose fault an error is.
func (o *object) verdict(err error) error {
	if o.source.err != nil {
		return o.source.err
	}
	if _, ok := errors.AsType[*penstock.ObjectError](err); ok {
		return err
	}
	if _, ok := errors.AsType[*UnsupportedError](err); ok {
		return err
	}
	if _, ok := errors.AsType[*spoolError](err); ok {
		return err
	}
	return &penstock.ObjectError{Reason: penstock.ReasonCorrupt, Err: err}
}

const peekSize = 512 // a tar header

// open finds out what r holds and opens it, one layer at a time.
func (o *object) open(name string, r io.Reader, depth int) error {
	br := bufio.NewReaderSize(r, 64<<10)
	head, err := br.Peek(peekSize)
	if err != nil && !errors.Is(err, io.EOF) && len(head) == 0 {
		return err
	}
	kind := sniff(head)
	if kind != plainBytes && depth >= o.MaxDepth {
		return &penstock.ObjectError{Reason: penstock.ReasonLimit, Err: fmt.Errorf("nested deeper than %d containers", o.MaxDepth)}
	}
	switch kind {
	case plainBytes:
		return o.entry(name, br)
	case tarArchive:
		return o.tar(name, br, depth)
	case zipArchive:
		return o.zip(name, br, depth)
	case parquetFile, avroFile, orcFile:
		return &UnsupportedError{Container: kind.String()}
	}
	inner, err := o.decompress(kind, br)
	if err != nil {
		return fmt.Errorf("%v: %w", kind, err)
	}
	return o.open(name, &layer{kind: kind, r: inner}, depth+1)
}

// layer names the compression in its errors.
type layer struct {
	kind container
	r    io.Reader
}

func (l *layer) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = fmt.Errorf("%v data is cut off: %w", l.kind, err)
		} else {
			err = fmt.Errorf("%v data is corrupt: %w", l.kind, err)
		}
	}
	return n, err
}

func (o *object) decompress(kind container, r *bufio.Reader) (io.Reader, error) {
	switch kind {
	case gzipStream:
		return inflate.NewReader(r), nil
	case zstdStream:
		const window = 128 << 20 // what the zstd tool makes at most without being asked for more
		d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(window))
		if err != nil {
			return nil, err
		}
		o.closers = append(o.closers, d.Close)
		return d, nil
	case bzip2Stream:
		return bzip2.NewReader(r), nil
	case xzStream:
		return xz.NewReader(r)
	case lz4Stream:
		return &multiLZ4{src: r, r: lz4.NewReader(r)}, nil
	default:
		return snappy.NewReader(r), nil
	}
}

// multiLZ4 reads lz4 frames that follow each other as one stream.
type multiLZ4 struct {
	src *bufio.Reader
	r   *lz4.Reader
}

func (m *multiLZ4) Read(p []byte) (int, error) {
	for {
		n, err := m.r.Read(p)
		if !errors.Is(err, io.EOF) || n > 0 {
			return n, err
		}
		if _, perr := m.src.Peek(1); perr != nil {
			return 0, io.EOF
		}
		m.r.Reset(m.src)
	}
}

// entry gives one plain entry to the consumer.
func (o *object) entry(name string, r io.Reader) error {
	o.entries++
	if o.entries > o.MaxEntries {
		return &penstock.ObjectError{Reason: penstock.ReasonLimit, Err: fmt.Errorf("more than %d entries", o.MaxEntries)}
	}
	text, err := transcoded(r)
	if err != nil {
		return err
	}
	e := &entryReader{object: o, r: text}
	if !o.yield(penstock.Entry{Name: name, Reader: e}, nil) {
		return errStopped
	}
	if e.err != nil {
		return errStopped // the consumer has been told
	}
	return nil
}

// entryReader is what the consumer reads: within the limits, with errors that say whose fault they are.
type entryReader struct {
	*object
	r   io.Reader
	err error // a verdict that ends the object too
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
	switch {
	case e.plain > e.MaxBytes:
		n--
		err = &penstock.ObjectError{Reason: penstock.ReasonLimit, Err: fmt.Errorf("decodes to more than %d bytes", e.MaxBytes)}
	case e.plain > ratioFloor && float64(e.plain) > e.MaxRatio*float64(e.source.read):
		err = &penstock.ObjectError{Reason: penstock.ReasonLimit, Err: fmt.Errorf("decodes to more than %g times its size", e.MaxRatio)}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		e.err = e.verdict(err)
		err = e.err
	}
	return n, err
}

// container is what the first bytes say.
type container uint8

const (
	plainBytes container = iota
	gzipStream
	zstdStream
	bzip2Stream
	xzStream
	lz4Stream
	snappyStream
	zipArchive
	tarArchive
	parquetFile
	avroFile
	orcFile
)

func (c container) String() string {
	return [...]string{"plain", "gzip", "zstd", "bzip2", "xz", "lz4", "snappy", "zip", "tar", "Parquet", "Avro", "ORC"}[c]
}

// sniff recognises a container by its magic bytes.
func sniff(head []byte) container {
	has := func(magic string) bool { return bytes.HasPrefix(head, []byte(magic)) }
	switch {
	case has("\x1f\x8b\x08"):
		return gzipStream
	case has("\x28\xb5\x2f\xfd"), len(head) >= 4 && head[0]&0xf0 == 0x50 && has(string(head[0])+"\x2a\x4d\x18"):
		return zstdStream // a frame, or a skippable one before it
	case len(head) >= 10 && has("BZh") && head[3] >= '1' && head[3] <= '9' && (string(head[4:10]) == "1AY&SY" || string(head[4:10]) == "\x17\x72\x45\x38\x50\x90"):
		return bzip2Stream
	case has("\xfd7zXZ\x00"):
		return xzStream
	case has("\x04\x22\x4d\x18"):
		return lz4Stream
	case has("\xff\x06\x00\x00sNaPpY"):
		return snappyStream
	case has("PK\x03\x04"), has("PK\x05\x06"):
		return zipArchive
	case len(head) >= 262 && string(head[257:262]) == "ustar":
		return tarArchive
	case has("PAR1"), has("PARE"):
		return parquetFile
	case has("Obj\x01"):
		return avroFile
	case has("ORC") && len(head) > 3 && head[3] < 0x20:
		return orcFile
	}
	return plainBytes
}

package decode

import (
	"errors"
	"io"
	"sync"

	"github.com/seed56735111/penstock"
)

// Tables are what reads files that have rows in place of bytes; the packages below this one do. A kind of file whose
// reader is nil is not supported: a program that has no use for it need not link it.
type Tables struct {
	// Parquet opens a Parquet file, Avro an Avro object container file.
	Parquet func(f RandomAccess, hold HoldFunc) (Rows, error)
	Avro    func(r io.Reader, hold HoldFunc) (Rows, error)
}

// RandomAccess is a file that is read by place.
type RandomAccess struct {
	io.ReaderAt
	Size int64
	// Ahead, when it is not 0, says that each ReadAt is a request to somewhere else, and how many bytes of the file may be
	// held so that there are few of them. It is safe for concurrent use then. A file of which so many bytes are too few is
	// refused with ErrScattered, and opened again where Ahead is 0.
	Ahead int64
}

// ErrScattered says of a file that what is read one behind the other lies in too many places.
var ErrScattered = errors.New("scattered over too many places")

// Rows are the rows of a file that has rows in place of bytes. They are for one goroutine.
type Rows interface {
	// Next appends the next row to dst, as a JSON object on one line without its end, in valid UTF-8. It returns io.EOF
	// behind the last one.
	Next(dst []byte) ([]byte, error)
	// Close lets go of what is held.
	Close()
}

// HoldFunc is asked before memory is used for as long as Rows are open, with all of it: what was asked for before is a
// part of it. It blocks until there is enough. A file that may not have so much gets an error.
type HoldFunc func(bytes int64) error

// mostAhead is the most of a file that is held so that few requests are made for it, and leastAhead the least.
const (
	mostAhead  = 8 << 20
	leastAhead = 1 << 20
)

// ahead is how much of a file may be held so that few requests are made for it: it is not a part of MaxPages.
func (l *Limits) ahead() int64 { return max(leastAhead, min(mostAhead, l.MaxPages/4)) }

// parquet gives the rows of a Parquet file, which is read from its end. Where its bytes are to be had by place, they
// are; else, and when its parts lie too far from each other for few requests, it is kept first. A small one from
// somewhere else is there before its end could be asked for.
func (o *object) parquet(name string, r io.Reader, depth int) error {
	if o.Parquet == nil {
		return &UnsupportedError{Container: parquetFile.String()}
	}
	if p := o.places(depth); p != nil && (!p.Far() || p.Size() > memorySpool) {
		if err := o.parquetByPlace(name, p, depth); !errors.Is(err, ErrScattered) {
			return err
		}
	}
	kept, size, release, err := o.spool(r, parquetFile)
	defer release()
	if err != nil {
		return err
	}
	f := RandomAccess{ReaderAt: kept, Size: size}
	return o.rows(name, parquetFile, depth, 0, nil, func(hold HoldFunc) (Rows, error) { return o.Parquet(f, hold) })
}

// places returns how the object is read by place, nil when it is not, or when it is only what holds the bytes.
func (o *object) places(depth int) *places {
	if depth > 0 {
		return nil
	}
	if p, ok := o.source.r.(penstock.Placed); ok {
		if by := p.Places(); by != nil {
			return &places{Places: by, source: o.source}
		}
	}
	return nil
}

func (o *object) parquetByPlace(name string, p *places, depth int) error {
	f := RandomAccess{ReaderAt: p, Size: p.Size()}
	if p.Far() {
		f.Ahead = o.ahead()
	}
	open := func(hold HoldFunc) (Rows, error) { return o.Parquet(f, hold) }
	err := o.rows(name, parquetFile, depth, f.Ahead, p.finish, open)
	if err == nil { // perhaps nobody had a use for the rows
		return p.finish()
	}
	if isUntold(err) && !errors.Is(err, ErrScattered) {
		_ = p.finish() // the verdict asks the source
	}
	return err
}

// places is the source by place. What fails there is the failure of the source.
type places struct {
	penstock.Places
	*source
	finished sync.Once
}

func (p *places) ReadAt(b []byte, at int64) (int, error) {
	n, err := p.Places.ReadAt(b, at)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.read += int64(n)
	if err != nil && err != io.EOF && p.end == nil { //nolint:errorlint // nothing but io.EOF itself is the end
		p.over(err)
	}
	return n, err
}

// finish learns how the reading ends.
func (p *places) finish() error {
	p.finished.Do(func() {
		if p.end != nil {
			return // it failed
		}
		err := p.End()
		if err == nil {
			err = io.EOF
		}
		p.over(err)
	})
	return p.failure()
}

// avro gives the rows of an Avro object container file.
func (o *object) avro(name string, r io.Reader, depth int) error {
	if o.Avro == nil {
		return &UnsupportedError{Container: avroFile.String()}
	}
	return o.rows(name, avroFile, depth, 0, nil, func(hold HoldFunc) (Rows, error) { return o.Avro(r, hold) })
}

// rows gives the rows of a file as an entry that has one JSON object on each line. The file may hold so many bytes
// ahead of those that MaxPages bounds, and finish, when it is set, says how the reading of the file ended.
func (o *object) rows(
	name string, kind container, depth int, ahead int64, finish func() error, open func(HoldFunc) (Rows, error),
) error {
	held := share{pages: o.decoder.pages}
	defer held.free()
	rows, err := open(func(n int64) error {
		if n-ahead > o.MaxPages {
			return OverLimit("%v file whose pages take %d MiB at once, over the limit of %d MiB, twice --max-record-bytes",
				kind, n>>20, o.MaxPages>>20)
		}
		held.hold(n)
		return nil
	})
	switch {
	case errors.Is(err, ErrScattered):
		return err
	case err != nil:
		return decodeError(kind, err)
	}
	defer rows.Close()
	l := o.layer(kind, &rowReader{rows: rows, finish: finish}, depth)
	defer func() { l.end = errStopped }()
	return o.give(penstock.Entry{Name: name, Table: tables[kind]}, l, depth+1)
}

// rowReader is rows as lines.
type rowReader struct {
	rows   Rows
	finish func() error
	line   []byte
	rest   []byte // of line
	err    error
}

func (r *rowReader) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		if len(r.rest) == 0 {
			if r.err != nil {
				break
			}
			if cap(r.line) > mostLine {
				r.line = nil
			}
			if r.line, r.err = r.rows.Next(r.line[:0]); r.err != nil {
				break
			}
			r.line = append(r.line, '\n')
			r.rest = r.line
		}
		k := copy(p[n:], r.rest)
		n, r.rest = n+k, r.rest[k:]
	}
	if n > 0 {
		return n, nil
	}
	if r.finish != nil {
		if err := r.finish(); err != nil {
			r.err = err
		}
	}
	return 0, r.err
}

// mostLine is the longest line whose buffer is kept for the next one.
const mostLine = 1 << 20

// tables are the names of the formats whose files have rows.
var tables = map[container]string{parquetFile: "parquet", avroFile: "avro"}

package decode

import (
	"context"
	"io"

	"github.com/seed56735111/penstock"
)

// Tables are what reads files that have rows in place of bytes; the packages below this one do. A kind of file whose
// reader is nil is not supported: a program that has no use for it need not link it.
type Tables struct {
	// Parquet opens a Parquet file, Avro an Avro object container file.
	Parquet func(f io.ReaderAt, size int64, hold HoldFunc) (Rows, error)
	Avro    func(r io.Reader, hold HoldFunc) (Rows, error)
}

// Rows are the rows of a file that has rows in place of bytes. They are for one goroutine.
type Rows interface {
	// Next appends the next row to dst, as a JSON object on one line without its end, in valid UTF-8. It returns io.EOF
	// behind the last one.
	Next(dst []byte) ([]byte, error)
	// Close lets go of what is held.
	Close()
}

// HoldFunc is asked before memory is used for as long as Rows are open, with the most of it. It blocks until there is
// enough, and is called at most once.
type HoldFunc func(bytes int64) error

// parquet gives the rows of a Parquet file, which is read from its end, so it is kept first.
func (o *object) parquet(name string, r io.Reader, depth int) error {
	if o.Parquet == nil {
		return &UnsupportedError{Container: parquetFile.String()}
	}
	kept, size, release, err := o.spool(r, parquetFile)
	defer release()
	if err != nil {
		return err
	}
	return o.rows(name, parquetFile, depth, func(hold HoldFunc) (Rows, error) { return o.Parquet(kept, size, hold) })
}

// avro gives the rows of an Avro object container file.
func (o *object) avro(name string, r io.Reader, depth int) error {
	if o.Avro == nil {
		return &UnsupportedError{Container: avroFile.String()}
	}
	return o.rows(name, avroFile, depth, func(hold HoldFunc) (Rows, error) { return o.Avro(r, hold) })
}

// rows gives the rows of a file as an entry that has one JSON object on each line.
func (o *object) rows(name string, kind container, depth int, open func(HoldFunc) (Rows, error)) error {
	held := int64(0)
	defer func() { o.decoder.pages.Release(held) }()
	rows, err := open(func(n int64) error {
		if n > o.MaxPages {
			return OverLimit("%v file whose pages take %d MiB at once, over the limit of %d MiB, twice --max-record-bytes",
				kind, n>>20, o.MaxPages>>20)
		}
		held = n
		return o.decoder.pages.Acquire(context.Background(), n)
	})
	if err != nil {
		return decodeError(kind, err)
	}
	defer rows.Close()
	l := o.layer(kind, &rowReader{rows: rows}, depth)
	defer func() { l.end = errStopped }()
	return o.give(penstock.Entry{Name: name, Table: tables[kind]}, l, depth+1)
}

// rowReader is rows as lines.
type rowReader struct {
	rows Rows
	line []byte
	rest []byte // of line
	err  error
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
	return 0, r.err
}

// mostLine is the longest line whose buffer is kept for the next one.
const mostLine = 1 << 20

// tables are the names of the formats whose files have rows.
var tables = map[container]string{parquetFile: "parquet", avroFile: "avro"}

// Package parquet reads the rows of Apache Parquet files as JSON objects, with bounds on the memory that a file may ask
// for. One page of each column is in memory at a time.
package parquet

import (
	"cmp"
	"errors"
	"fmt"
	"io"

	"github.com/seed56735111/penstock/decode"
)

// What things take of memory, at most: a field of the schema with its column, and a column of a group of rows.
const (
	ofField = 600
	ofChunk = 80
)

// Open reads what a file says of itself, and sees whether its columns can be where it says. Memory is asked for as it
// is needed: before a page is read, and before it is decompressed.
func Open(f decode.RandomAccess, hold decode.HoldFunc) (decode.Rows, error) {
	r := &rows{memory: memory{hold: hold}, layout: layout{f: f}}
	meta, err := r.readMeta(f)
	if err != nil {
		return nil, err
	}
	root, leaves, err := newTree(meta.schema)
	if err != nil {
		return nil, err
	}
	r.root, r.groups, r.columns = root, meta.groups, make([]column, len(leaves))
	if err := check(meta.groups, leaves, f.Size); err != nil {
		return nil, err
	}
	if f.Ahead > 0 {
		if err := r.layout.plan(&r.memory, r.groups); err != nil {
			return nil, err
		}
	}
	head, store := new([]byte), new([]byte)
	for i := range r.columns {
		r.columns[i] = column{columnSchema: &leaves[i], memory: &r.memory, head: head, store: store}
	}
	return r, nil
}

// check sees whether there is room in the file for what it says that its columns have.
func check(groups []rowGroup, leaves []columnSchema, size int64) error {
	left := size
	for g := range groups {
		if n := len(groups[g].chunks); n != len(leaves) {
			return fmt.Errorf("a group of rows with %d columns, want %d", n, len(leaves))
		}
		if n := groups[g].rows; n < 0 {
			return fmt.Errorf("a group of %d rows", n)
		}
		for i := range groups[g].chunks {
			ch := &groups[g].chunks[i]
			if err := ch.check(&leaves[i], size); err != nil {
				return err
			}
			if left -= ch.size; left < 0 {
				return fmt.Errorf("columns that lie over each other, with more bytes than the %d of the file", size)
			}
		}
	}
	return nil
}

// memory is what the rows of a file take.
type memory struct {
	used, held int64
	hold       decode.HoldFunc
}

// use takes bytes; fewer than none give them back, for the next use.
func (m *memory) use(n int64) error {
	if m.used += n; m.used <= m.held {
		return nil
	}
	if err := m.hold(m.used); err != nil {
		return err
	}
	m.held = m.used
	return nil
}

// bytes returns a buffer of n bytes: the one that there is, if it is large enough.
func (m *memory) bytes(b []byte, n int) ([]byte, error) {
	if n <= cap(b) {
		return b[:n], nil
	}
	if err := m.use(int64(n - cap(b))); err != nil {
		return nil, err
	}
	return make([]byte, n), nil
}

// rows are the rows of a file, one group of them after the other.
type rows struct {
	memory
	layout  layout
	root    *node
	groups  []rowGroup // to come
	columns []column
	left    int64 // rows of the group at hand
	room    int   // for a row
	err     error
}

// Next appends the next row to dst.
func (r *rows) Next(dst []byte) ([]byte, error) {
	for r.left == 0 && r.err == nil {
		r.err = r.nextGroup()
	}
	if r.err != nil {
		return dst, r.err
	}
	r.left--
	dst, r.err = r.members(append(dst, '{'), r.root.children)
	return append(dst, '}'), r.err
}

// maxRow is the longest row. One of a million bytes takes no memory that would count.
const (
	maxRow   = 64 << 20
	smallRow = 1 << 20
)

// grown sees that there is room for a row that has grown to n bytes.
func (r *rows) grown(n int) error {
	if n <= max(r.room, smallRow) {
		return nil
	}
	if n > maxRow {
		return decode.OverLimit("Parquet row of more than %d bytes", maxRow)
	}
	room := 3 * n // buffers grow by copying
	if err := r.use(int64(room - r.room)); err != nil {
		return err
	}
	r.room = room
	return nil
}

// nextGroup ends a group, of which all values must have been read, and begins the one behind it.
func (r *rows) nextGroup() error {
	for i := range r.columns {
		c := &r.columns[i]
		if more, err := c.peek(); more || err != nil {
			return errors.Join(err, fmt.Errorf("column %q has more values than the rows need", c.name))
		}
	}
	if len(r.groups) == 0 {
		return cmp.Or(r.layout.wait(), io.EOF)
	}
	g := &r.groups[0]
	for i := range r.columns {
		if err := r.columns[i].begin(&r.layout.f, &g.chunks[i]); err != nil {
			return err
		}
	}
	if r.layout.f.Ahead > 0 {
		if err := r.layout.group(r.columns, r.groups); err != nil {
			return err
		}
	}
	r.groups, r.left = r.groups[1:], g.rows
	return nil
}

// Close lets go of what is held.
func (r *rows) Close() {
	_ = r.layout.wait() // rows that nobody wants have no errors
	r.columns = nil
}

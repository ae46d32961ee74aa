// Package parquet reads the rows of Apache Parquet files as JSON objects, with bounds on the memory that a file may ask
// for. One page of each column is in memory at a time.
package parquet

import (
	"errors"
	"fmt"
	"io"

	"github.com/seed56735111/penstock/decode"
)

// Open reads what a file says of itself, and where its pages are and how large, before any of them is decoded.
func Open(f io.ReaderAt, size int64, hold decode.HoldFunc) (decode.Rows, error) {
	meta, err := readMeta(f, size)
	if err != nil {
		return nil, err
	}
	root, leaves, err := newTree(meta.schema)
	if err != nil {
		return nil, err
	}
	r := &rows{size: size, root: root, groups: meta.groups, columns: make([]column, len(leaves))}
	head, store := new([]byte), new([]byte)
	most := int64(0)
	for g := range r.groups {
		chunks := r.groups[g].chunks
		if len(chunks) != len(leaves) {
			return nil, fmt.Errorf("a group of rows with %d columns, want %d", len(chunks), len(leaves))
		}
		sum, largest := int64(0), int64(0)
		for i := range chunks {
			n, stored, err := survey(f, size, &leaves[i], &chunks[i], head)
			if err != nil {
				return nil, err
			}
			sum, largest = sum+n, max(largest, stored)
		}
		most = max(most, sum+largest)
	}
	if err := hold(most); err != nil {
		return nil, err
	}
	for i := range r.columns {
		r.columns[i] = column{columnSchema: &leaves[i], f: f, head: head, store: store}
	}
	return r, nil
}

// rows are the rows of a file, one group of them after the other.
type rows struct {
	size    int64
	root    *node
	groups  []rowGroup // to come
	columns []column
	left    int64 // rows of the group at hand
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

// nextGroup ends a group, of which all values must have been read, and begins the one behind it.
func (r *rows) nextGroup() error {
	for i := range r.columns {
		c := &r.columns[i]
		if more, err := c.peek(); more || err != nil {
			return errors.Join(err, fmt.Errorf("column %q has more values than the rows need", c.name))
		}
	}
	if len(r.groups) == 0 {
		return io.EOF
	}
	g := &r.groups[0]
	r.groups, r.left = r.groups[1:], g.rows
	if g.rows < 0 {
		return fmt.Errorf("a group of %d rows", g.rows)
	}
	for i := range r.columns {
		if err := r.columns[i].begin(r.size, &g.chunks[i]); err != nil {
			return err
		}
	}
	return nil
}

// Close lets go of what is held.
func (r *rows) Close() { r.columns = nil }

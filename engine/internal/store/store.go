// Package store keeps the documents of indexes, in memory or in a directory, in bleve, which nothing above it imports.
package store

import (
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/blevesearch/bleve/v2/index/scorch"
	bleve "github.com/blevesearch/bleve_index_api"
)

// store is where bleve keeps the documents of one index, on the disk or in memory.
type store struct {
	scorch *scorch.Scorch
	dir    string
}

// open opens a store in a directory, or an empty one in memory. What is applied to one in a directory is on the disk.
func open(dir string, queue *bleve.AnalysisQueue) (*store, error) {
	config := map[string]any{
		"path": dir, "bolt_timeout": "5s",
		// Batches wait until they are on the disk. Nobody goes back to older states.
		"unsafe_batch": false, "numSnapshotsToKeep": 1,
	}
	x, err := scorch.NewScorch(scorch.Name, config, queue)
	if err != nil {
		return nil, err
	}
	if err := x.Open(); err != nil {
		return nil, err
	}
	s, ok := x.(*scorch.Scorch)
	if !ok {
		return nil, fmt.Errorf("open store: %T is not bleve's index", x)
	}
	return &store{scorch: s, dir: dir}, nil
}

// apply makes a batch of changes, all or none of them.
func (s *store) apply(b *bleve.Batch) error {
	if err := s.scorch.Batch(b); err != nil {
		return fmt.Errorf("write index: %w", err)
	}
	if s.dir == "" {
		return nil
	}
	// bleve syncs its files; that they are in their directory has to be on the disk too.
	return SyncDir(s.dir)
}

// leastPart is how many documents are worth a batch of their own.
const leastPart = 200

// inParts applies documents in several batches at once: bleve makes each of them on one processor. The batches are made
// one after the other, and each is applied in whole or not at all.
func (s *store) inParts(records []*Record, batch func([]*Record) (*bleve.Batch, error)) error {
	parts := max(1, min(runtime.GOMAXPROCS(0), mostParts, len(records)/leastPart))
	errs := make([]error, parts)
	var wg sync.WaitGroup
	for i := range parts {
		b, err := batch(records[len(records)*i/parts : len(records)*(i+1)/parts])
		if err != nil {
			errs[i] = err
			break
		}
		wg.Go(func() { errs[i] = s.apply(b) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

const mostParts = 4

// close waits for what is being written. Nothing may be applied at the same time.
func (s *store) close() error { return s.scorch.Close() }

// What a snapshot reads by: the documents that have a term, one of them, and the terms of a field.
type (
	// TermDocs are the documents that have a term, in order.
	TermDocs = bleve.TermFieldReader
	// TermDoc is one document that has a term, with how often and where.
	TermDoc = bleve.TermFieldDoc
	// TermList is the terms of a field, in order.
	TermList = bleve.FieldDict
)

// Snapshot is the documents of one moment. It must be closed.
type Snapshot struct {
	*scorch.IndexSnapshot
	starts []uint64 // the first document of each segment
}

// snapshot is the documents as they are now.
func (s *store) snapshot() (*Snapshot, error) {
	r, err := s.scorch.Reader()
	if err != nil {
		return nil, err
	}
	is, ok := r.(*scorch.IndexSnapshot)
	if !ok || is == nil {
		return nil, fmt.Errorf("read index: no snapshot")
	}
	n := &Snapshot{IndexSnapshot: is}
	at := uint64(0)
	for _, segment := range is.Segments() {
		n.starts = append(n.starts, at)
		at += uint64(segment.FullSize()) //nolint:gosec // a count
	}
	n.starts = append(n.starts, at)
	return n, nil
}

// Close releases the documents of that moment.
func (s *Snapshot) Close() { _ = s.IndexSnapshot.Close() }

// Size is one more than the highest document number.
func (s *Snapshot) Size() int { return int(s.starts[len(s.starts)-1]) } //nolint:gosec // a count

// Live are the numbers of all documents, in order.
func (s *Snapshot) Live() []uint32 {
	out := make([]uint32, 0, s.Size())
	for i, segment := range s.Segments() {
		start := uint32(s.starts[i]) //nolint:gosec // bleve counts documents in 32 bits
		it := segment.DocNumbersLive().Iterator()
		for it.HasNext() {
			out = append(out, start+it.Next())
		}
	}
	return out
}

// Find returns the numbers of the documents with these keys.
func (s *Snapshot) Find(keys []string) ([]uint32, error) {
	var out []uint32
	for i, segment := range s.Segments() {
		docs, err := segment.DocNumbers(keys)
		if err != nil {
			return nil, err
		}
		if dead := segment.Deleted(); dead != nil {
			docs = roaring.AndNot(docs, dead)
		}
		it := docs.Iterator()
		for it.HasNext() {
			out = append(out, uint32(s.starts[i])+it.Next()) //nolint:gosec // bleve counts documents in 32 bits
		}
	}
	return out, nil
}

// Load reads a document, with its source when that is asked for.
func (s *Snapshot) Load(doc uint32, source bool) (*Stored, error) {
	i := 0
	for uint64(doc) >= s.starts[i+1] {
		i++
	}
	d := &Stored{}
	visit := func(name string, _ byte, value []byte, _ []uint64) bool {
		switch name {
		case idColumn:
			d.Key = string(value)
		case metaColumn:
			d.readMeta(value)
		case sourceColumn:
			if source {
				d.Source = append([]byte(nil), value...)
			}
		}
		return true
	}
	if err := s.Segments()[i].VisitDocument(uint64(doc)-s.starts[i], visit); err != nil {
		return nil, fmt.Errorf("read document: %w", err)
	}
	return d, nil
}

// Values returns a function that reads the values of documents, which should come in order.
func (s *Snapshot) Values(columns []string) (func(doc uint32, visit func(column string, term []byte)) error, error) {
	r, err := s.DocValueReader(columns)
	if err != nil {
		return nil, err
	}
	id := bleve.NewIndexInternalID(nil, 0)
	return func(doc uint32, visit func(string, []byte)) error {
		id.SetValue(uint64(doc))
		return r.VisitDocValues(id, visit)
	}, nil
}

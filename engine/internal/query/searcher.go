package query

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/store"
	"github.com/seed56735111/penstock/engine/internal/wire"
	"github.com/seed56735111/penstock/internal/glob"
)

// Searcher looks into one index as it is at one moment.
type Searcher struct {
	Index   *store.Index
	Mapping *mapping.Mapping
	Now     time.Time // of the request

	ctx   context.Context //nolint:containedctx // it lives as long as the request
	snap  *store.Snapshot
	state *store.State
	node  string
	old   bool // before OpenSearch 3
	order int  // of the index among those that are searched
	all   []uint32
}

// Searchers look into several indexes.
type Searchers []*Searcher

// Open opens indexes as they are now, for one request. An index that was deleted meanwhile is left out. Node is the
// name of this node in errors. Major is the version whose answers are given.
func Open(ctx context.Context, indexes []*store.Index, node string, major int) (Searchers, error) {
	var out Searchers
	now := time.Now()
	for _, x := range indexes {
		snap, state, err := x.View()
		if errors.Is(err, store.ErrClosed) {
			continue
		}
		if err != nil {
			out.Close()
			return nil, err
		}
		out = append(out, &Searcher{
			Index: x, Mapping: state.Mapping, Now: now,
			ctx: ctx, snap: snap, state: state, node: node, old: major < mapping.FirstThird, order: len(out),
		})
	}
	return out, nil
}

// Close releases the snapshots.
func (s Searchers) Close() {
	for _, one := range s {
		one.Close()
	}
}

// Close releases the snapshot.
func (s *Searcher) Close() { s.snap.Close() }

// Err is not nil when the request is over.
func (s *Searcher) Err() error { return s.ctx.Err() }

// Load reads a document, with its source or without.
func (s *Searcher) Load(doc uint32, source bool) (*store.Stored, error) {
	return s.snap.Load(doc, source)
}

// Values returns a function that reads the values of columns, of documents that come in order.
func (s *Searcher) Values(columns []string) (func(doc uint32, visit func(column string, term []byte)) error, error) {
	return s.snap.Values(columns)
}

// Set has the documents of hits.
func (s *Searcher) Set(h *Hits) Set { return newSet(s.snap.Size()).addAll(h.Docs) }

// live are all documents.
func (s *Searcher) live() []uint32 {
	if s.all == nil {
		s.all = s.snap.Live()
	}
	return s.all
}

// IsSpecial says whether a name is that of metadata, such as _id, and not of a field.
func IsSpecial(path string) bool {
	return path == "_id" || path == "_index" || path == "_type" || path == "_field_names"
}

// lookup returns a field that can be searched. It is nil when the mapping has none.
func (s *Searcher) lookup(path string) (*mapping.Field, error) {
	f, inside := s.Mapping.Find(path)
	switch {
	case f == nil:
		return nil, nil // no field is no error: nothing is found in it
	case inside && f.IsFlat():
		return nil, wire.NotOffered("searching inside of the field [%s], which is a %s", path, f.Kind)
	case inside, f.IsObject():
		return nil, nil // nor what only nested queries find
	case f.Class == mapping.Unindexed:
		return nil, wire.NotOffered("searching in the field [%s], which is a %s", path, f.Kind)
	case !f.Searchable && (!f.DocValues || s.Mapping.Major <= mapping.FirstUntyped):
		return nil, s.wrongText(wire.Illegal("Cannot search on field [%s] since it is not indexed.", path))
	}
	return f, nil
}

// expand returns the fields that a name with wildcards means.
func (s *Searcher) expand(pattern string) []string {
	everything := pattern == "_all" && s.Mapping.Major < mapping.FirstUntyped
	if everything {
		pattern = "*"
	}
	if !strings.Contains(pattern, "*") {
		return []string{pattern}
	}
	var out []string
	s.Mapping.Root.Leaves("", func(path string, f *mapping.Field) {
		if glob.Match(pattern, path) && f.Searchable && f.Class != mapping.Unindexed && (!everything || !f.NotInAll) {
			out = append(out, path)
		}
	})
	return out
}

// reader goes through the documents that have a term.
func (s *Searcher) reader(field, term string, positions bool) (store.TermDocs, error) {
	if err := s.ctx.Err(); err != nil {
		return nil, err
	}
	return s.snap.TermFieldReader(s.ctx, []byte(term), field, true, true, positions)
}

// having returns the documents that have a term, without scores.
func (s *Searcher) having(field, term string) ([]uint32, error) {
	r, err := s.reader(field, term, false)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	out := make([]uint32, 0, r.Count())
	var doc store.TermDoc
	for {
		d, err := r.Next(&doc)
		if err != nil || d == nil {
			return out, err
		}
		out = append(out, uint32(d.ID.Value())) //nolint:gosec // bleve counts documents in 32 bits
	}
}

// matching finds the documents with a term that begins with head and fits.
func (s *Searcher) matching(field, head string, fits func(string) bool) ([]uint32, error) {
	d, err := s.snap.FieldDictPrefix(field, []byte(head))
	if err != nil {
		return nil, err
	}
	defer func() { _ = d.Close() }()
	return s.collect(field, d, fits)
}

// dictionary finds the documents with a term between two, both included.
func (s *Searcher) dictionary(field, from, to string) ([]uint32, error) {
	if from > to {
		return nil, nil
	}
	d, err := s.snap.FieldDictRange(field, []byte(from), []byte(to))
	if err != nil {
		return nil, err
	}
	defer func() { _ = d.Close() }()
	return s.collect(field, d, func(term string) bool { return term <= to }) // bleve goes a little further
}

func (s *Searcher) collect(field string, d store.TermList, fits func(string) bool) ([]uint32, error) {
	all := newSet(s.snap.Size())
	for {
		e, err := d.Next()
		if err != nil {
			return nil, err
		}
		if e == nil {
			return all.docs(), nil
		}
		if !fits(e.Term) {
			continue
		}
		docs, err := s.having(field, strings.Clone(e.Term))
		if err != nil {
			return nil, err
		}
		all.addAll(docs)
	}
}

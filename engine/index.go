package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	bleve "github.com/blevesearch/bleve_index_api"

	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/wire"
)

// index is one index. Its name and settings do not change.
type index struct {
	name, uuid string
	dir        string // empty in memory
	created    string
	settings   settings
	typed      bool // documents are told apart by type and id, as before version 7
	aliases    map[string]json.RawMessage
	shared     *shared

	writing sync.Mutex // one writer at a time
	state   atomic.Pointer[state]
	graves  map[string]grave // by key; guarded by writing
	rebuilt int              // documents when the store was built anew; guarded by writing
	parts   int              // segments of the store then; guarded by writing

	life   sync.RWMutex // guards the store's being there
	store  *store       // nil when it could not be opened again after an error
	behind bool         // the store does not have the lengths of the last documents
	closed bool
}

// shared is what the indexes of an engine have together.
type shared struct {
	queue   *bleve.AnalysisQueue
	logger  *slog.Logger
	records recordPool
}

// state is what an index knows beside its documents. It is replaced, never changed.
type state struct {
	mapping *mapping.Mapping
	types   []string // before version 7, in the order of their appearance
	seq     int64    // of the next change
	lengths map[string]lengths
}

// lengths is what scores need to know about a field.
type lengths struct {
	Docs  int64 `json:"docs"`  // that have it
	Words int64 `json:"words"` // in all of them
}

// grave remembers the version of a deleted document for a while, as the engines do.
type grave struct {
	version int64
	at      time.Time
}

const (
	graveTime = time.Minute
	maxGraves = 100000
)

var errClosed error = wire.Errorf(http.StatusServiceUnavailable, "node_closed_exception", "node closed")

// Keys of what the store keeps for itself.
const (
	describeKey = "index"
	mappingKey  = "mapping"
	stateKey    = "state"
)

// description is what the disk has of an index for ever.
type description struct {
	Name     string                     `json:"name"`
	UUID     string                     `json:"uuid"`
	Created  string                     `json:"created"`
	Settings map[string]string          `json:"settings"`
	Typed    bool                       `json:"typed"`
	Aliases  map[string]json.RawMessage `json:"aliases,omitempty"`
}

type savedState struct {
	Seq     int64              `json:"seq"`
	Types   []string           `json:"types,omitempty"`
	Lengths map[string]lengths `json:"lengths"`
}

// newIndex makes an index; in a directory of its own below base, when that is not empty.
func newIndex(base, name string, s settings, m *mapping.Mapping, aliases map[string]json.RawMessage, sh *shared) (*index, error) {
	x := &index{
		name: name, uuid: newID() + "Aw", created: strconv.FormatInt(time.Now().UnixMilli(), 10), settings: s, aliases: aliases,
		typed: m.Major < mapping.FirstUntyped, shared: sh, graves: map[string]grave{},
	}
	if base != "" {
		x.dir = filepath.Join(base, x.uuid)
	}
	var err error
	if x.store, err = openStore(x.dir, sh.queue); err != nil {
		return nil, fmt.Errorf("create index %s: %w", name, err)
	}
	x.state.Store(&state{mapping: m, lengths: map[string]lengths{}})
	b := bleve.NewBatch()
	about, err := json.Marshal(description{name, x.uuid, x.created, s.values, x.typed, aliases})
	if err == nil {
		b.SetInternal([]byte(describeKey), about)
		err = x.save(b, &state{mapping: m}, true)
	}
	if err == nil {
		err = x.store.apply(b)
	}
	if err == nil && base != "" {
		err = syncDir(base)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("create index %s: %w", name, err), x.remove())
	}
	return x, nil
}

// errUnfinished is a directory whose index was never created to the end.
var errUnfinished = errors.New("the index was not created to its end")

// openIndex opens the index in a directory.
func openIndex(dir string, major int, sh *shared) (*index, error) {
	x := &index{dir: dir, shared: sh, graves: map[string]grave{}}
	var err error
	if x.store, err = openStore(dir, sh.queue); err != nil {
		return nil, fmt.Errorf("open index in %s: %w", dir, err)
	}
	if err = x.describe(major); err == nil {
		err = x.restore(major)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open index in %s: %w", dir, err), x.store.close())
	}
	return x, nil
}

// describe reads what an index has for ever.
func (x *index) describe(major int) error {
	s, err := x.store.snapshot()
	if err != nil {
		return err
	}
	defer s.close()
	var d description
	about, err := s.GetInternal([]byte(describeKey))
	if err != nil || about == nil {
		return errors.Join(err, errUnfinished)
	}
	if err := json.Unmarshal(about, &d); err != nil {
		return err
	}
	x.name, x.uuid, x.created, x.typed, x.aliases = d.Name, d.UUID, d.Created, d.Typed, d.Aliases
	if x.typed != (major < mapping.FirstUntyped) {
		return fmt.Errorf("index %s was made by a version with mapping types or without, the other way round than this one", d.Name)
	}
	x.settings, err = newSettings(d.Settings, major)
	return err
}

// restore reads the state.
func (x *index) restore(major int) error {
	s, err := x.store.snapshot()
	if err != nil {
		return err
	}
	defer s.close()
	text, err := s.GetInternal([]byte(mappingKey))
	if err != nil {
		return err
	}
	n, err := wire.Parse(text)
	if err != nil {
		return err
	}
	m := mapping.NewMapping(major)
	for i := range n.Members { // not through with, which takes a type's name for one
		if err := m.RootParam(&n.Members[i]); err != nil {
			return err
		}
		if n.Members[i].Name != "properties" {
			m.Params = append(m.Params, n.Members[i])
		}
	}
	var saved savedState
	if text, err = s.GetInternal([]byte(stateKey)); err != nil {
		return err
	}
	if err := json.Unmarshal(text, &saved); err != nil {
		return err
	}
	x.state.Store(&state{mapping: m, types: saved.Types, seq: saved.Seq, lengths: saved.Lengths})
	return nil
}

// save puts the state into a batch, so that it is on the disk together with the documents.
func (x *index) save(b *bleve.Batch, s *state, mapping bool) error {
	if mapping {
		b.SetInternal([]byte(mappingKey), wire.Append(nil, s.mapping.Body()))
	}
	text, err := json.Marshal(savedState{s.seq, s.types, s.lengths})
	b.SetInternal([]byte(stateKey), text)
	return err
}

// view returns the documents of this moment with what is known about them. The snapshot must be closed.
func (x *index) view() (*snapshot, *state, error) {
	x.life.RLock()
	if x.store == nil && !x.closed { // the last attempt to write left it so
		x.life.RUnlock()
		x.life.Lock()
		var err error
		if x.store == nil {
			err = x.reopen()
		}
		x.life.Unlock()
		if err != nil {
			return nil, nil, x.unavailable(err)
		}
		x.life.RLock()
	}
	defer x.life.RUnlock()
	if x.closed || x.store == nil {
		return nil, nil, errClosed
	}
	s, err := x.store.snapshot()
	return s, x.state.Load(), err
}

// unavailable is the error about an index that the disk does not take or give.
func (x *index) unavailable(err error) error {
	return wire.Errorf(http.StatusServiceUnavailable, "unavailable_shards_exception", "[%s][0] %s", x.name, err)
}

// reopen opens the store as it is on the disk, after an error of which nobody knows what it left in memory. The caller holds
// life.
func (x *index) reopen() error {
	if x.closed {
		return errClosed
	}
	if x.store != nil {
		if err := x.store.close(); err != nil {
			x.shared.logger.Warn("index not closed", "index", x.name, "error", err)
		}
		x.store = nil
	}
	s, err := openStore(x.dir, x.shared.queue)
	if err != nil {
		return fmt.Errorf("open index again: %w", err)
	}
	x.store = s
	if err := x.restore(x.state.Load().mapping.Major); err != nil {
		x.store = nil
		return errors.Join(fmt.Errorf("open index again: %w", err), s.close())
	}
	return nil
}

// change puts documents in place and takes others away, and makes s the state. The caller holds writing.
func (x *index) change(records []*record, gone []string, s *state) error {
	// In a directory nobody looks meanwhile: what can be seen is on the disk. (And bleve frees a part that it could not write
	// while others may be reading it.)
	lock := x.life.RLocker()
	if x.dir != "" {
		lock = &x.life
	}
	lock.Lock()
	defer lock.Unlock()
	if x.closed || x.store == nil {
		return errClosed
	}
	old := x.state.Load()
	err := x.store.inParts(records, func(part []*record) (*bleve.Batch, error) {
		b := bleve.NewBatch()
		for _, key := range gone {
			b.Delete(key)
		}
		gone = nil
		for _, r := range part {
			b.Update(r)
		}
		// The lengths that are saved are those before this batch: they are known only afterwards. A crash costs them, and
		// scores can bear it.
		return b, x.save(b, s, s.mapping != old.mapping)
	})
	if err != nil {
		x.shared.logger.Error("index not written", "index", x.name, "error", err)
		if x.dir != "" {
			if err := x.reopen(); err != nil {
				x.shared.logger.Error("index not available", "index", x.name, "error", err)
			}
		}
		return x.unavailable(err)
	}
	s.measure(records)
	x.state.Store(s)
	x.behind = len(records) > 0
	for _, r := range records {
		x.shared.records.put(r)
	}
	return nil
}

// measure adds what scores need to know about new documents.
func (s *state) measure(records []*record) {
	s.lengths = maps.Clone(s.lengths)
	if s.lengths == nil {
		s.lengths = map[string]lengths{}
	}
	for _, r := range records {
		for i := range r.columns {
			c := &r.columns[i]
			if c.field == nil {
				continue
			}
			l := s.lengths[c.name]
			l.Docs++
			l.Words += int64(c.length)
			s.lengths[c.name] = l
		}
	}
}

// When a store in memory is built anew: it has a segment for every batch, and never merges them by itself. What counts is
// how many came since the last time, because a large index has many from the beginning.
const (
	fewSegments  = 64
	manySegments = 512
)

// A store that is built anew has segments of leastPortion documents, and no more than mostPortions of them.
const (
	leastPortion = 1000
	mostPortions = 256
)

// compact builds a store in memory anew when it has come to consist of too many parts. The caller holds writing.
func (x *index) compact() error {
	if x.dir != "" {
		return nil
	}
	s, st, err := x.view()
	if err != nil {
		return err
	}
	defer s.close()
	docs := s.live()
	if n := len(s.Segments()) - x.parts; n < fewSegments || n < manySegments && len(docs) < 2*x.rebuilt {
		return nil
	}
	fresh, err := openStore("", x.shared.queue)
	if err != nil {
		return err
	}
	next := &state{mapping: st.mapping, types: st.types, seq: st.seq}
	portion, parts := max(leastPortion, (len(docs)+mostPortions-1)/mostPortions), 0
	for ; len(docs) > 0; parts++ {
		b := bleve.NewBatch()
		var records []*record
		for _, doc := range docs[:min(portion, len(docs))] {
			d, err := s.load(doc, true)
			if err != nil {
				return errors.Join(err, fresh.close())
			}
			r, err := st.record(d, &x.shared.records)
			if err != nil {
				return errors.Join(err, fresh.close())
			}
			records = append(records, r)
			b.Update(r)
		}
		if err := fresh.apply(b); err != nil {
			return errors.Join(err, fresh.close())
		}
		next.measure(records)
		docs = docs[len(records):]
		for _, r := range records {
			x.shared.records.put(r)
		}
	}
	count, err := s.DocCount()
	if err != nil {
		return errors.Join(err, fresh.close())
	}
	x.life.Lock()
	defer x.life.Unlock()
	if x.closed {
		return fresh.close()
	}
	old := x.store
	x.store, x.rebuilt, x.parts = fresh, int(count), parts //nolint:gosec // a count
	x.state.Store(next)
	return old.close()
}

// record reads a document that the mapping has taken before.
func (s *state) record(d *stored, pool *recordPool) (*record, error) {
	n, err := mapping.ReadSource(d.source)
	if err != nil {
		return nil, err
	}
	p, _, err := s.mapping.Read(d.id, len(s.lengths)+mapping.MaxFields, &n)
	if err != nil {
		return nil, err
	}
	return pool.newRecord(d, p), nil
}

// key is what the store knows a document by.
func (x *index) key(docType, id string) string {
	if x.typed {
		return docType + "#" + id
	}
	return id
}

// goesBy says whether an expression, perhaps with wildcards, means the index: its name or one of its aliases.
func (x *index) goesBy(pattern string) bool {
	if wire.Wildcard(pattern, x.name) {
		return true
	}
	for alias := range x.aliases {
		if wire.Wildcard(pattern, alias) {
			return true
		}
	}
	return false
}

// close closes the index after what is being written.
func (x *index) close() error {
	x.writing.Lock()
	defer x.writing.Unlock()
	x.life.Lock()
	defer x.life.Unlock()
	if x.closed {
		return nil
	}
	x.closed = true
	if x.store == nil {
		return nil
	}
	if x.dir != "" && x.behind {
		b := bleve.NewBatch()
		err := x.save(b, x.state.Load(), false)
		if err == nil {
			err = x.store.apply(b)
		}
		if err != nil {
			x.shared.logger.Warn("lengths not saved", "index", x.name, "error", err)
		}
	}
	return x.store.close()
}

// remove deletes the index. Under another name first, so that an index is never there in part.
func (x *index) remove() error {
	err := x.close()
	if x.dir == "" {
		return err
	}
	gone := x.dir + deletedSuffix
	if renameErr := os.Rename(x.dir, gone); renameErr != nil {
		return errors.Join(err, renameErr)
	}
	return errors.Join(err, syncDir(filepath.Dir(x.dir)), os.RemoveAll(gone))
}

const deletedSuffix = ".deleted"

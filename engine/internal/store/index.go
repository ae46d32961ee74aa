package store

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	bleve "github.com/blevesearch/bleve_index_api"

	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/wire"
	"github.com/seed56735111/penstock/internal/glob"
)

// ShardsWritten is what writes say about the copies they reached.
func (x *Index) ShardsWritten() wire.Object {
	return wire.Obj("total", 1+x.Settings.Replicas, "successful", 1, "failed", 0)
}

// Read returns a document, or nil.
func (x *Index) Read(docType, id string) (*Stored, error) {
	s, st, err := x.View()
	if err != nil {
		return nil, err
	}
	defer s.Close()
	keys := []string{x.Key(docType, id)}
	if x.Typed && (docType == "_all" || docType == "") {
		keys = nil
		for _, t := range st.Types {
			keys = append(keys, x.Key(t, id))
		}
	}
	docs, err := s.Find(keys)
	if err != nil || len(docs) == 0 {
		return nil, err
	}
	return s.Load(docs[0], true)
}

// Random returns n bytes that nobody can guess.
func Random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

// NewID is an id that nothing else has.
func NewID() string { return base64.RawURLEncoding.EncodeToString(Random(15)) }

// Index is one index. Its name and settings do not change.
type Index struct {
	Name, UUID string
	dir        string // empty in memory
	Created    string
	Settings   Settings
	Typed      bool // documents are told apart by type and id, as before version 7
	Aliases    map[string]json.RawMessage
	shared     *Shared

	writing sync.Mutex // one writer at a time
	state   atomic.Pointer[State]
	graves  map[string]grave // by key; guarded by writing

	life   sync.RWMutex // guards the store's being there
	store  *store       // nil when it could not be opened again after an error
	behind bool         // the store does not have the lengths of the last documents
	closed bool
}

// Shared is what the indexes of one engine share.
type Shared struct {
	queue   *bleve.AnalysisQueue
	logger  *slog.Logger
	records recordPool
}

// NewShared makes what the indexes of one engine share. It must be closed after them.
func NewShared(logger *slog.Logger) *Shared {
	exactBuffers()
	return &Shared{queue: bleve.NewAnalysisQueue(runtime.GOMAXPROCS(0)), logger: logger}
}

// Close stops what the indexes share.
func (s *Shared) Close() { s.queue.Close() }

// State is what an index knows beside its documents. It is replaced, never changed.
type State struct {
	Mapping *mapping.Mapping
	Types   []string // before version 7, in the order of their appearance
	Seq     int64    // of the next change
	Lengths map[string]lengths
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

// Buried is the version of a document that was deleted a short while ago, or 0. Like the other two it is for writers.
func (x *Index) Buried(key string) int64 {
	if g, ok := x.graves[key]; ok && time.Since(g.at) < graveTime {
		return g.version
	}
	return 0
}

// Bury remembers the version of a deleted document.
func (x *Index) Bury(key string, version int64) {
	if len(x.graves) >= maxGraves {
		clear(x.graves)
	}
	x.graves[key] = grave{version, time.Now()}
}

// Exhume forgets a deletion, because the document exists again.
func (x *Index) Exhume(key string) { delete(x.graves, key) }

// NewRecord makes a record of a document that the mapping has read.
func (x *Index) NewRecord(d *Stored, p mapping.Parsed) *Record {
	return x.shared.records.newRecord(d, p)
}

// Write runs f while nobody else changes the index.
func (x *Index) Write(f func() error) error {
	x.writing.Lock()
	defer x.writing.Unlock()
	if err := f(); err != nil {
		return err
	}
	if err := x.compact(); err != nil {
		x.shared.logger.Warn("index not compacted", "index", x.Name, "error", err)
	}
	return nil
}

// Now is what the index knows beside its documents.
func (x *Index) Now() *State { return x.state.Load() }

// ErrClosed is the error about an index that is closed or deleted.
var ErrClosed error = wire.Errorf(http.StatusServiceUnavailable, "node_closed_exception", "node closed")

// Keys of what the store keeps for itself.
const (
	describeKey = "index"
	mappingKey  = "mapping"
	stateKey    = "state"
)

// description is the part of an index on the disk that never changes.
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

// NewIndex makes an index; in a directory of its own below base, when that is not empty.
func NewIndex(
	base, name string, s Settings, m *mapping.Mapping, aliases map[string]json.RawMessage, sh *Shared,
) (*Index, error) {
	x := &Index{
		Name: name, UUID: NewID() + "Aw", Created: strconv.FormatInt(time.Now().UnixMilli(), 10), Settings: s,
		Aliases: aliases,
		Typed:   m.Major < mapping.FirstUntyped, shared: sh, graves: map[string]grave{},
	}
	if base != "" {
		x.dir = filepath.Join(base, x.UUID)
	}
	var err error
	if x.store, err = open(x.dir, sh.queue); err != nil {
		return nil, fmt.Errorf("create index %s: %w", name, err)
	}
	x.state.Store(&State{Mapping: m, Lengths: map[string]lengths{}})
	b := bleve.NewBatch()
	about, err := json.Marshal(description{name, x.UUID, x.Created, s.values, x.Typed, aliases})
	if err == nil {
		b.SetInternal([]byte(describeKey), about)
		err = x.save(b, &State{Mapping: m}, true)
	}
	if err == nil {
		err = x.store.apply(b)
	}
	if err == nil && base != "" {
		err = SyncDir(base)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("create index %s: %w", name, err), x.Remove())
	}
	return x, nil
}

// ErrUnfinished says that the index of a directory was not created completely.
var ErrUnfinished = errors.New("the index was not created to its end")

// OpenIndex opens the index in a directory.
func OpenIndex(dir string, major int, sh *Shared) (*Index, error) {
	x := &Index{dir: dir, shared: sh, graves: map[string]grave{}}
	var err error
	if x.store, err = open(dir, sh.queue); err != nil {
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

// describe reads the part of an index that never changes.
func (x *Index) describe(major int) error {
	s, err := x.store.snapshot()
	if err != nil {
		return err
	}
	defer s.Close()
	var d description
	about, err := s.GetInternal([]byte(describeKey))
	if err != nil || about == nil {
		return errors.Join(err, ErrUnfinished)
	}
	if err := json.Unmarshal(about, &d); err != nil {
		return err
	}
	x.Name, x.UUID, x.Created, x.Typed, x.Aliases = d.Name, d.UUID, d.Created, d.Typed, d.Aliases
	if x.Typed != (major < mapping.FirstUntyped) {
		return fmt.Errorf("index %s was made by a version with mapping types or without, the other way round than this one",
			d.Name)
	}
	x.Settings, err = NewSettings(d.Settings, major)
	return err
}

// restore reads the state.
func (x *Index) restore(major int) error {
	s, err := x.store.snapshot()
	if err != nil {
		return err
	}
	defer s.Close()
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
	x.state.Store(&State{Mapping: m, Types: saved.Types, Seq: saved.Seq, Lengths: saved.Lengths})
	return nil
}

// save puts the state into a batch, so that it is on the disk together with the documents.
func (x *Index) save(b *bleve.Batch, s *State, mapping bool) error {
	if mapping {
		b.SetInternal([]byte(mappingKey), wire.Append(nil, s.Mapping.Body()))
	}
	text, err := json.Marshal(savedState{s.Seq, s.Types, s.Lengths})
	b.SetInternal([]byte(stateKey), text)
	return err
}

// View returns the documents of this moment with what is known about them. The snapshot must be closed.
func (x *Index) View() (*Snapshot, *State, error) {
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
		return nil, nil, ErrClosed
	}
	s, err := x.store.snapshot()
	return s, x.state.Load(), err
}

// unavailable is the error about an index that cannot be written or read on the disk.
func (x *Index) unavailable(err error) error {
	return wire.Errorf(http.StatusServiceUnavailable, "unavailable_shards_exception", "[%s][0] %s", x.Name, err)
}

// reopen opens the store as it is on the disk, after an error that may have left anything in memory. The caller
// holds life.
func (x *Index) reopen() error {
	if x.closed {
		return ErrClosed
	}
	if x.store != nil {
		if err := x.store.close(); err != nil {
			x.shared.logger.Warn("index not closed", "index", x.Name, "error", err)
		}
		x.store = nil
	}
	s, err := open(x.dir, x.shared.queue)
	if err != nil {
		return fmt.Errorf("open index again: %w", err)
	}
	x.store = s
	if err := x.restore(x.state.Load().Mapping.Major); err != nil {
		x.store = nil
		return errors.Join(fmt.Errorf("open index again: %w", err), s.close())
	}
	return nil
}

// Change puts documents in place and takes others away, and makes s the state. The caller holds writing.
func (x *Index) Change(records []*Record, gone []string, s *State) error {
	// In a directory nobody looks meanwhile: what can be seen is on the disk. (And bleve frees a part that it could not
	// write while others may be reading it.)
	lock := x.life.RLocker()
	if x.dir != "" {
		lock = &x.life
	}
	lock.Lock()
	defer lock.Unlock()
	if x.closed || x.store == nil {
		return ErrClosed
	}
	old := x.state.Load()
	err := x.store.inParts(records, func(part []*Record) (*bleve.Batch, error) {
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
		return b, x.save(b, s, s.Mapping != old.Mapping)
	})
	if err != nil {
		x.shared.logger.Error("index not written", "index", x.Name, "error", err)
		if x.dir != "" {
			if err := x.reopen(); err != nil {
				x.shared.logger.Error("index not available", "index", x.Name, "error", err)
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

// measure adds the lengths of new documents, which scores need.
func (s *State) measure(records []*Record) {
	s.Lengths = maps.Clone(s.Lengths)
	if s.Lengths == nil {
		s.Lengths = map[string]lengths{}
	}
	for _, r := range records {
		for i := range r.columns {
			c := &r.columns[i]
			if c.field == nil {
				continue
			}
			l := s.Lengths[c.name]
			l.Docs++
			l.Words += int64(c.length)
			s.Lengths[c.name] = l
		}
	}
}

// compact writes segments of a store in memory anew, as fewer and larger ones: it has a segment for every batch,
// and never merges them by itself. What a portion replaces is gone before the next one is made. The caller holds
// writing.
func (x *Index) compact() error {
	if x.dir != "" {
		return nil
	}
	s, st, err := x.View()
	if err != nil {
		return err
	}
	defer s.Close()
	segments, portion := merging(s.counts())
	if len(segments) == 0 {
		return nil
	}
	next := *st
	isAll := len(segments) == len(s.Segments())
	if isAll { // so that the lengths of those that are gone are not counted any more
		next.Lengths = nil
	}
	for docs := range slices.Chunk(s.liveOf(segments), portion) {
		b := bleve.NewBatch()
		records := make([]*Record, 0, len(docs))
		for _, doc := range docs {
			d, err := s.Load(doc, true)
			if err != nil {
				return err
			}
			r, err := st.record(d, &x.shared.records)
			if err != nil {
				return err
			}
			records = append(records, r)
			b.Update(r)
		}
		if err := x.store.apply(b); err != nil {
			return err
		}
		if isAll {
			next.measure(records)
		}
		for _, r := range records {
			x.shared.records.put(r)
		}
	}
	x.state.Store(&next)
	return nil
}

// record reads a document that the mapping has taken before.
func (s *State) record(d *Stored, pool *recordPool) (*Record, error) {
	n, err := mapping.ReadSource(d.Source)
	if err != nil {
		return nil, err
	}
	p, _, err := s.Mapping.Read(d.ID, len(s.Lengths)+mapping.MaxFields, &n)
	if err != nil {
		return nil, err
	}
	return pool.newRecord(d, p), nil
}

// Key is what the store knows a document by.
func (x *Index) Key(docType, id string) string {
	if x.Typed {
		return docType + "#" + id
	}
	return id
}

// GoesBy says whether an expression, perhaps with wildcards, means the index: its name or one of its aliases.
func (x *Index) GoesBy(pattern string) bool {
	if glob.Match(pattern, x.Name) {
		return true
	}
	for alias := range x.Aliases {
		if glob.Match(pattern, alias) {
			return true
		}
	}
	return false
}

// Close closes the index after what is being written.
func (x *Index) Close() error {
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
			x.shared.logger.Warn("lengths not saved", "index", x.Name, "error", err)
		}
	}
	return x.store.close()
}

// Remove deletes the index. It renames the directory first, so that a crash never leaves a part of an index.
func (x *Index) Remove() error {
	err := x.Close()
	if x.dir == "" {
		return err
	}
	gone := x.dir + DeletedSuffix
	if renameErr := os.Rename(x.dir, gone); renameErr != nil {
		return errors.Join(err, renameErr)
	}
	return errors.Join(err, SyncDir(filepath.Dir(x.dir)), os.RemoveAll(gone))
}

// DeletedSuffix ends the name of a directory whose index is being deleted.
const DeletedSuffix = ".deleted"

// AliasBody is the aliases as the API shows them.
func (x *Index) AliasBody() wire.Object {
	o := wire.Object{}
	for _, name := range slices.Sorted(maps.Keys(x.Aliases)) {
		o = append(o, wire.Entry{Name: name, Value: x.Aliases[name]})
	}
	return o
}

// versionNumbers are the versions as the settings of an index show them.
var versionNumbers = map[int]string{1: "1050299", 7: "7100299", 8: "136407927", mapping.FirstThird: "137247827"}

// SettingsBody is the settings as the API shows them; flat is without nesting.
func (x *Index) SettingsBody(flat bool) wire.Object {
	major := x.Now().Mapping.Major
	values := map[string]string{}
	for name, v := range x.Settings.values {
		values["index."+name] = v
	}
	for name, v := range map[string]string{
		"number_of_shards": fmt.Sprint(x.Settings.Shards), "number_of_replicas": fmt.Sprint(x.Settings.Replicas),
		"provided_name": x.Name, "creation_date": x.Created, "uuid": x.UUID, "version.created": versionNumbers[major],
	} {
		values["index."+name] = v
	}
	if major > mapping.FirstUntyped {
		values["index.replication.type"] = "DOCUMENT"
	}
	if flat {
		o := make(wire.Object, 0, len(values))
		for _, name := range slices.Sorted(maps.Keys(values)) {
			o = append(o, wire.Entry{Name: name, Value: values[name]})
		}
		return o
	}
	return SettingsBody(values)
}

// Learn adds the fields of a definition to the mapping.
func (x *Index) Learn(n *wire.Node, docType string) error {
	x.writing.Lock()
	defer x.writing.Unlock()
	s := *x.state.Load()
	m, err := s.Mapping.With(n)
	if err != nil {
		return err
	}
	if m.Root.Count() > x.Settings.Fields {
		return wire.Illegal("Limit of total fields [%d] has been exceeded", x.Settings.Fields)
	}
	s.Mapping = m
	if docType != "" {
		s.Types = append(slices.Clip(s.Types), docType)
	}
	return x.Change(nil, nil, &s)
}

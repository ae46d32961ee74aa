package change

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/store"
	"github.com/seed56735111/penstock/engine/internal/wire"
)

// current is what is known of a document while a batch is made.
type current struct {
	exists  bool
	version int64
	seq     int64
	doc     uint32 // in the snapshot, when loaded is nil
	loaded  *store.Stored
}

// writer makes changes to one index, in order, a portion at a time.
type writer struct {
	x       *store.Index
	major   int
	snap    *store.Snapshot
	state   store.State
	known   map[string]*current
	records []*store.Record
	at      map[string]int // the place of a document's record
	gone    map[string]bool
	pending []*Op
}

// Portions of a large request that become one batch each, so that what they take in memory has a bound.
const (
	maxPortion      = 2000
	maxPortionBytes = 4 << 20
)

// Apply makes the changes to one index, in order. It fails only when the index is closed before the first one. Major is
// the version of the engine that is answered like.
func Apply(x *store.Index, major int, ops []*Op) error {
	return x.Write(func() error { return portions(x, major, ops) })
}

func portions(x *store.Index, major int, ops []*Op) error {
	for len(ops) > 0 {
		n, size := 0, 0
		for n < len(ops) && n < maxPortion && (n == 0 || size+len(ops[n].Source) <= maxPortionBytes) {
			size += len(ops[n].Source)
			n++
		}
		if err := portion(x, major, ops[:n]); err != nil {
			return err
		}
		ops = ops[n:]
	}
	return nil
}

func portion(x *store.Index, major int, ops []*Op) error {
	snap, st, err := x.View()
	if err != nil {
		return err
	}
	defer snap.Close()
	w := &writer{
		x: x, major: major, snap: snap, state: *st, known: make(map[string]*current, len(ops)),
		at: map[string]int{}, gone: map[string]bool{},
	}
	if err := w.look(ops); err != nil {
		return err
	}
	for _, o := range ops {
		o.Target, o.Err, o.Result = x, nil, ""
		if err := w.one(o); err != nil {
			o.Err = wire.AsFailure(err)
		}
	}
	if len(w.records) == 0 && len(w.gone) == 0 && w.state.Seq == st.Seq && w.state.Mapping == st.Mapping {
		return nil
	}
	gone := slices.Sorted(maps.Keys(w.gone))
	records := slices.DeleteFunc(w.records, func(r *store.Record) bool { return r == nil })
	state := w.state // a copy: the index keeps it, and is not to keep the writer with all of its records
	if err := x.Change(records, gone, &state); err != nil {
		if errors.Is(err, store.ErrClosed) {
			return err
		}
		for _, o := range w.pending {
			o.Err = wire.AsFailure(err)
		}
	}
	return nil
}

// look finds out which of the documents exist.
func (w *writer) look(ops []*Op) error {
	keys := make([]string, 0, len(ops))
	for _, o := range ops {
		keys = append(keys, w.x.Key(o.DocType, o.ID))
	}
	docs, err := w.snap.Find(keys)
	if err != nil {
		return err
	}
	for _, doc := range docs {
		d, err := w.snap.Load(doc, false)
		if err != nil {
			return err
		}
		w.known[d.Key] = &current{exists: true, version: d.Version, seq: d.Seq, doc: doc}
	}
	return nil
}

// now returns what is known of a document.
func (w *writer) now(key string) *current {
	if k := w.known[key]; k != nil {
		return k
	}
	k := &current{}
	k.version = w.x.Buried(key)
	w.known[key] = k
	return k
}

func (w *writer) conflict(o *Op, format string, args ...any) error {
	e := wire.Errorf(409, "version_conflict_engine_exception", "[%s]: version conflict, "+format,
		append([]any{o.ID}, args...)...)
	if w.major < mapping.FirstTyped {
		e.Reason = fmt.Sprintf("[%s][0] [%s]%s", w.x.Name, o.DocType, e.Reason)
	}
	return e.With("index", w.x.Name, "shard", "0", "index_uuid", w.x.UUID)
}

// one makes one change.
func (w *writer) one(o *Op) error {
	key := w.x.Key(o.DocType, o.ID)
	now := w.now(key)
	if o.Action == "update" {
		return w.update(o, key, now)
	}
	if o.Action == "delete" {
		if err := w.allowed(o, now); err != nil {
			return err
		}
		w.bury(o, key, now)
		return nil
	}
	n, err := mapping.ReadSource(o.Source)
	if err != nil {
		return err
	}
	return w.put(o, key, now, &n, o.Source)
}

// allowed checks what the change expects of the document.
func (w *writer) allowed(o *Op, now *current) error {
	switch {
	case o.Action == "create" && now.exists:
		if w.major < mapping.FirstTyped {
			return wire.Errorf(409, "document_already_exists_exception", "[%s][0] [%s][%s]: document already exists",
				w.x.Name, o.DocType, o.ID)
		}
		return w.conflict(o, "document already exists (current version [%d])", now.version)
	case o.IfSeq >= 0 && (!now.exists || now.seq != o.IfSeq || o.IfTerm != 1):
		if !now.exists {
			return w.conflict(o, "required seqNo [%d], primary term [%d]. but no document was found", o.IfSeq, o.IfTerm)
		}
		return w.conflict(o, "required seqNo [%d], primary term [%d]. current document has seqNo [%d] and primary term [1]",
			o.IfSeq, o.IfTerm, now.seq)
	case strings.HasPrefix(o.VersionType, "external") && now.version > 0 &&
		(now.version > o.Version || now.version == o.Version && o.VersionType != "external_gte"):
		if o.VersionType == "external_gte" {
			return w.conflict(o, "current version [%d] is higher than the one provided [%d]", now.version, o.Version)
		}
		return w.conflict(o, "current version [%d] is higher or equal to the one provided [%d]", now.version, o.Version)
	}
	return nil
}

func (o *Op) next(now *current) int64 {
	if strings.HasPrefix(o.VersionType, "external") {
		return o.Version
	}
	return now.version + 1
}

// put indexes a document.
func (w *writer) put(o *Op, key string, now *current, n *wire.Node, source json.RawMessage) error {
	p, m, err := w.state.Mapping.Read(o.ID, w.x.Settings.Fields, n)
	if e, ok := errors.AsType[*wire.Failure](err); ok && e.Cause != nil && e.Cause.Kind == mapping.TooManyBytes {
		w.state.Seq++ // the engines find this out only when the change has its number
	}
	if err != nil {
		return err
	}
	w.state.Mapping = m // also when the document is refused for its version, as in the engines
	if err := w.allowed(o, now); err != nil {
		return err
	}
	if o.DocType != "" && !slices.Contains(w.state.Types, o.DocType) {
		w.state.Types = append(slices.Clip(w.state.Types), o.DocType)
	}
	d := &store.Stored{
		Key: key, ID: o.ID, DocType: o.DocType, Version: o.next(now), Seq: w.state.Seq,
		Routing: o.Routing, Source: source,
	}
	w.state.Seq++
	o.Result, o.NewVersion, o.NewSeq = "created", d.Version, d.Seq
	if now.exists {
		o.Result = "updated"
	}
	w.drop(key)
	delete(w.gone, key)
	w.at[key] = len(w.records)
	w.records = append(w.records, w.x.NewRecord(d, p))
	w.pending = append(w.pending, o)
	w.x.Exhume(key)
	*now = current{exists: true, version: d.Version, seq: d.Seq, loaded: d}
	return nil
}

// drop takes a record back that a later change of the same batch replaces.
func (w *writer) drop(key string) {
	if i, ok := w.at[key]; ok {
		w.records[i] = nil
		delete(w.at, key)
	}
}

// bury deletes a document, or notes that there was none.
func (w *writer) bury(o *Op, key string, now *current) {
	o.Result, o.NewVersion, o.NewSeq = "not_found", o.next(now), w.state.Seq
	w.state.Seq++
	if now.exists {
		o.Result = "deleted"
		w.drop(key)
		w.gone[key] = true
	}
	w.pending = append(w.pending, o)
	w.x.Bury(key, o.NewVersion)
	*now = current{version: o.NewVersion}
}

// update changes parts of a document, or makes it.
func (w *writer) update(o *Op, key string, now *current) error {
	u := o.Update
	if u.script && (now.exists || u.upsert == nil) {
		if !now.exists {
			return w.missing(o)
		}
		return wire.NotOffered("scripts")
	}
	if !now.exists {
		switch {
		case o.IfSeq >= 0:
			return w.conflict(o, "required seqNo [%d], primary term [%d]. but no document was found", o.IfSeq, o.IfTerm)
		case u.upsert != nil:
			return w.made(o, key, now, u.upsert)
		case u.docAsUpsert:
			return w.made(o, key, now, u.doc)
		}
		return w.missing(o)
	}
	if err := w.allowed(o, now); err != nil {
		return err
	}
	source := json.RawMessage(nil)
	routing := ""
	if now.loaded != nil {
		source, routing = now.loaded.Source, now.loaded.Routing
	} else {
		d, err := w.snap.Load(now.doc, true)
		if err != nil {
			return err
		}
		source, routing = d.Source, d.Routing
	}
	old, err := mapping.ReadSource(source)
	if err != nil {
		return err
	}
	merged, changed := mergeNodes(&old, u.doc)
	if !changed && u.detectNoop {
		o.Result, o.NewVersion, o.NewSeq = "noop", now.version, now.seq
		o.updated = source
		return nil
	}
	o.Routing = routing
	return w.made(o, key, now, &merged)
}

func (w *writer) missing(o *Op) error {
	if w.major < mapping.FirstTyped {
		return wire.Errorf(404, "document_missing_exception", "[%s][0] [%s][%s]: document missing", w.x.Name, o.DocType, o.ID)
	}
	id := o.ID
	if w.major == mapping.FirstUntyped {
		id = "_doc][" + id
	}
	return wire.Errorf(404, "document_missing_exception", "[%s]: document missing", id).
		With("index", w.x.Name, "shard", "0", "index_uuid", w.x.UUID)
}

// made indexes what an update made.
func (w *writer) made(o *Op, key string, now *current, n *wire.Node) error {
	source := wire.AppendNode(nil, n)
	o.updated = source
	// Read again: positions in errors are those in the new text.
	fresh, err := mapping.ReadSource(source)
	if err != nil {
		return err
	}
	return w.put(o, key, now, &fresh, source)
}

package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/store"
	"github.com/seed56735111/penstock/engine/internal/wire"
)

// op is one change to one document, and what came of it.
type op struct {
	action  string // index, create, update, delete
	index   string
	docType string
	id      string
	routing string
	source  json.RawMessage // of an update: what the API's body says

	pipeline      string
	requireAlias  bool
	version       int64 // 0: any
	external      string
	ifSeq, ifTerm int64 // -1: any
	update        *update
	wantSource    *wire.SourceFilter // of an update

	// What came of it.
	err    *wire.Failure
	result string
	ver    int64
	seq    int64
	target *store.Index
	get    json.RawMessage // the source of an update that was asked for
}

func newOp() *op { return &op{ifSeq: -1, ifTerm: -1} }

// update is what the body of an update says.
type update struct {
	doc         *wire.Node
	upsert      *wire.Node
	docAsUpsert bool
	detectNoop  bool
	script      bool
	source      *wire.SourceFilter
}

// parseUpdate reads the body of an update.
func parseUpdate(n *wire.Node) (*update, error) {
	u := &update{detectNoop: true}
	for i := range n.Members {
		m := &n.Members[i]
		switch m.Name {
		case "doc":
			u.doc = &m.Node
		case "upsert":
			u.upsert = &m.Node
		case "doc_as_upsert":
			u.docAsUpsert = m.Node.Text == "true"
		case "detect_noop":
			u.detectNoop = m.Node.Text != "false"
		case "script":
			u.script = true
		case "scripted_upsert":
			if m.Node.Text == "true" {
				return nil, wire.NotOffered("scripts")
			}
		case "_source":
			f, err := wire.ParseSourceFilter(&m.Node)
			if err != nil {
				return nil, err
			}
			u.source = f
		case "lang", "params":
			u.script = true
		case "if_seq_no", "if_primary_term":
			return nil, wire.NotOffered("the field [%s] in the body of an update", m.Name)
		default:
			return nil, wire.Errorf(400, "x_content_parse_exception", "[1:%d] [UpdateRequest] unknown field [%s]", m.At+1, m.Name)
		}
	}
	for _, part := range []*wire.Node{u.doc, u.upsert} {
		if part != nil && part.Kind != wire.ObjectKind {
			return nil, wire.Errorf(400, "x_content_parse_exception", "[1:%d] [UpdateRequest] doc doesn't support values of type: %s", part.Start+1, part.Token())
		}
	}
	return u, nil
}

// maxID is how long an id may be, in bytes.
const maxID = 512

// check refuses what no index takes.
func (o *op) check() *wire.Failure {
	if len(o.id) > maxID {
		return wire.Invalid("id [%s] is too long, must be no longer than %d bytes but was: %d", o.id, maxID, len(o.id))
	}
	if o.action == "update" {
		switch {
		case o.update == nil || o.update.doc == nil && !o.update.script && o.update.upsert == nil:
			return wire.Invalid("script or doc is missing")
		case o.update.doc == nil && !o.update.script:
			return wire.Invalid("script or doc is missing")
		case o.update.doc != nil && o.update.script:
			return wire.Invalid("can't provide both script and doc")
		case o.update.docAsUpsert && o.update.doc == nil:
			return wire.Invalid("doc must be specified if doc_as_upsert is enabled")
		}
	}
	if o.version != 0 && o.external == "" {
		return wire.Invalid("internal versioning can not be used for optimistic concurrency control. Please use `if_seq_no` and `if_primary_term` instead")
	}
	return nil
}

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
	c       *call
	snap    *store.Snapshot
	state   store.State
	known   map[string]*current
	records []*store.Record
	at      map[string]int // the place of a document's record
	gone    map[string]bool
	pending []*op
}

// Portions of a large request that become one batch each, so that what they take in memory has a bound.
const (
	maxPortion      = 2000
	maxPortionBytes = 4 << 20
)

// apply makes the changes to one index, in order. It fails only when the index is closed before the first one.
func (c *call) apply(x *store.Index, ops []*op) error {
	return x.Write(func() error { return c.portions(x, ops) })
}

func (c *call) portions(x *store.Index, ops []*op) error {
	for len(ops) > 0 {
		n, size := 0, 0
		for n < len(ops) && n < maxPortion && (n == 0 || size+len(ops[n].source) <= maxPortionBytes) {
			size += len(ops[n].source)
			n++
		}
		if err := c.portion(x, ops[:n]); err != nil {
			return err
		}
		ops = ops[n:]
	}
	return nil
}

func (c *call) portion(x *store.Index, ops []*op) error {
	snap, st, err := x.View()
	if err != nil {
		return err
	}
	defer snap.Close()
	w := &writer{x: x, c: c, snap: snap, state: *st, known: make(map[string]*current, len(ops)), at: map[string]int{}, gone: map[string]bool{}}
	if err := w.look(ops); err != nil {
		return err
	}
	for _, o := range ops {
		o.target, o.err, o.result = x, nil, ""
		if err := w.one(o); err != nil {
			o.err = wire.AsFailure(err)
		}
	}
	if len(w.records) == 0 && len(w.gone) == 0 && w.state.Seq == st.Seq && w.state.Mapping == st.Mapping {
		return nil
	}
	gone := slices.Sorted(maps.Keys(w.gone))
	if err := x.Change(slices.DeleteFunc(w.records, func(r *store.Record) bool { return r == nil }), gone, &w.state); err != nil {
		if errors.Is(err, store.ErrClosed) {
			return err
		}
		for _, o := range w.pending {
			o.err = wire.AsFailure(err)
		}
	}
	return nil
}

// look finds out which of the documents exist.
func (w *writer) look(ops []*op) error {
	keys := make([]string, 0, len(ops))
	for _, o := range ops {
		keys = append(keys, w.x.Key(o.docType, o.id))
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

func (w *writer) conflict(o *op, format string, args ...any) error {
	e := wire.Errorf(409, "version_conflict_engine_exception", "[%s]: version conflict, "+format, append([]any{o.id}, args...)...)
	if w.c.profile.major < mapping.FirstTyped {
		e.Reason = fmt.Sprintf("[%s][0] [%s]%s", w.x.Name, o.docType, e.Reason)
	}
	return e.With("index", w.x.Name, "shard", "0", "index_uuid", w.x.UUID)
}

// one makes one change.
func (w *writer) one(o *op) error {
	key := w.x.Key(o.docType, o.id)
	now := w.now(key)
	if o.action == "update" {
		return w.update(o, key, now)
	}
	if o.action == "delete" {
		if err := w.allowed(o, now); err != nil {
			return err
		}
		w.bury(o, key, now)
		return nil
	}
	n, err := mapping.ReadSource(o.source)
	if err != nil {
		return err
	}
	return w.put(o, key, now, &n, o.source)
}

// allowed checks what the change expects of the document.
func (w *writer) allowed(o *op, now *current) error {
	switch {
	case o.action == "create" && now.exists:
		if w.c.profile.major < mapping.FirstTyped {
			return wire.Errorf(409, "document_already_exists_exception", "[%s][0] [%s][%s]: document already exists", w.x.Name, o.docType, o.id)
		}
		return w.conflict(o, "document already exists (current version [%d])", now.version)
	case o.ifSeq >= 0 && (!now.exists || now.seq != o.ifSeq || o.ifTerm != 1):
		if !now.exists {
			return w.conflict(o, "required seqNo [%d], primary term [%d]. but no document was found", o.ifSeq, o.ifTerm)
		}
		return w.conflict(o, "required seqNo [%d], primary term [%d]. current document has seqNo [%d] and primary term [1]", o.ifSeq, o.ifTerm, now.seq)
	case strings.HasPrefix(o.external, "external") && now.version > 0 && (now.version > o.version || now.version == o.version && o.external != "external_gte"):
		if o.external == "external_gte" {
			return w.conflict(o, "current version [%d] is higher than the one provided [%d]", now.version, o.version)
		}
		return w.conflict(o, "current version [%d] is higher or equal to the one provided [%d]", now.version, o.version)
	}
	return nil
}

func (o *op) next(now *current) int64 {
	if strings.HasPrefix(o.external, "external") {
		return o.version
	}
	return now.version + 1
}

// put indexes a document.
func (w *writer) put(o *op, key string, now *current, n *wire.Node, source json.RawMessage) error {
	p, m, err := w.state.Mapping.Read(o.id, w.x.Settings.Fields, n)
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
	if o.docType != "" && !slices.Contains(w.state.Types, o.docType) {
		w.state.Types = append(slices.Clip(w.state.Types), o.docType)
	}
	d := &store.Stored{Key: key, ID: o.id, DocType: o.docType, Version: o.next(now), Seq: w.state.Seq, Routing: o.routing, Source: source}
	w.state.Seq++
	o.result, o.ver, o.seq = "created", d.Version, d.Seq
	if now.exists {
		o.result = "updated"
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
func (w *writer) bury(o *op, key string, now *current) {
	o.result, o.ver, o.seq = "not_found", o.next(now), w.state.Seq
	w.state.Seq++
	if now.exists {
		o.result = "deleted"
		w.drop(key)
		w.gone[key] = true
	}
	w.pending = append(w.pending, o)
	w.x.Bury(key, o.ver)
	*now = current{version: o.ver}
}

// update changes parts of a document, or makes it.
func (w *writer) update(o *op, key string, now *current) error {
	u := o.update
	if u.script && (now.exists || u.upsert == nil) {
		if !now.exists {
			return w.missing(o)
		}
		return wire.NotOffered("scripts")
	}
	if !now.exists {
		switch {
		case o.ifSeq >= 0:
			return w.conflict(o, "required seqNo [%d], primary term [%d]. but no document was found", o.ifSeq, o.ifTerm)
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
		o.result, o.ver, o.seq = "noop", now.version, now.seq
		o.get = source
		return nil
	}
	o.routing = routing
	return w.made(o, key, now, &merged)
}

func (w *writer) missing(o *op) error {
	if w.c.profile.major < mapping.FirstTyped {
		return wire.Errorf(404, "document_missing_exception", "[%s][0] [%s][%s]: document missing", w.x.Name, o.docType, o.id)
	}
	id := o.id
	if w.c.profile.major == mapping.FirstUntyped {
		id = "_doc][" + id
	}
	return wire.Errorf(404, "document_missing_exception", "[%s]: document missing", id).With("index", w.x.Name, "shard", "0", "index_uuid", w.x.UUID)
}

// made indexes what an update made.
func (w *writer) made(o *op, key string, now *current, n *wire.Node) error {
	source := wire.AppendNode(nil, n)
	o.get = source
	// Read again: positions in errors are those in the new text.
	fresh, err := mapping.ReadSource(source)
	if err != nil {
		return err
	}
	return w.put(o, key, now, &fresh, source)
}

// mergeNodes puts the members of one object over those of another, objects inside of objects too.
func mergeNodes(old, add *wire.Node) (wire.Node, bool) {
	out := *old
	out.Members = slices.Clone(old.Members)
	changed := false
	places := old.Places()
	for i := range add.Members {
		m := &add.Members[i]
		at, ok := places(m.Name)
		switch {
		case !ok:
			out.Members = append(out.Members, *m)
			changed = true
		case m.Node.Kind == wire.ObjectKind && out.Members[at].Node.Kind == wire.ObjectKind:
			merged, different := mergeNodes(&out.Members[at].Node, &m.Node)
			out.Members[at].Node = merged
			changed = changed || different
		case !sameNode(&out.Members[at].Node, &m.Node):
			out.Members[at].Node = m.Node
			changed = true
		}
	}
	return out, changed
}

// sameNode says whether two values are the same, whatever the order of names.
func sameNode(a, b *wire.Node) bool {
	if a.Kind == wire.NumberKind && b.Kind == wire.NumberKind && a.Text != b.Text {
		x, err1 := strconv.ParseFloat(a.Text, 64)
		y, err2 := strconv.ParseFloat(b.Text, 64)
		return err1 == nil && err2 == nil && x == y && strings.ContainsAny(a.Text, ".eE") == strings.ContainsAny(b.Text, ".eE")
	}
	if a.Kind != b.Kind || a.Text != b.Text || len(a.Items) != len(b.Items) || len(a.Members) != len(b.Members) {
		return false
	}
	for i := range a.Items {
		if !sameNode(&a.Items[i], &b.Items[i]) {
			return false
		}
	}
	places := b.Places()
	for i := range a.Members {
		at, ok := places(a.Members[i].Name)
		if !ok || !sameNode(&a.Members[i].Node, &b.Members[at].Node) {
			return false
		}
	}
	return true
}

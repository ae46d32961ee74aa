package bulk

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/internal/quote"
)

// batch is the documents of one request. It owns copies of everything.
type batch struct {
	body []byte // action and document lines
	raw  []byte // records that are not part of their document
	// ids are as they were written: escaped. They lie together, so that comparing them with a response does not fetch
	// the body.
	ids     []byte
	docs    []document
	indexes []string
	byName  map[string]int // places in indexes
	actions []*actions     // for each of indexes
	// known are the actions of indexes that this batch had before: most batches are for the same ones.
	known map[string]*actions
	// replaces says that some documents are to take the place of those with their ids.
	replaces bool
	begun    int64     // documents of all batches that had arrived when it was begun
	since    time.Time // it was begun
	// alone says that it has the tokens of all batches in hand, for one document. Its record is borrowed: lent is held
	// while somebody looks at raw.
	alone  bool
	lent   sync.Mutex
	lease  lease
	answer answer
	sum    bodySum
}

// answer is what is reused from one response to the next.
type answer struct {
	body    bytes.Buffer
	classes []class
	items   []item
}

// actions are those of one index: to add, to replace.
type actions [2]action

// mostKnown is how many indexes a batch remembers the actions of.
const mostKnown = 64

// action is the line before the documents of one index.
type action struct {
	upToID  []byte // what is before the id of a document
	without []byte // the whole line, for documents without one
}

// document locates one document in its batch.
type document struct {
	delivery  *delivery
	start     int // of the action line
	id, idEnd int // in ids
	body, end int // in body; end is the position of the line feed
	raw       int // in batch.raw, or in body
	rawEnd    int
	rawInBody bool  // all of it but the opening brace, which is the document's
	rounds    uint8 // how often the domain refused it for a reason that may be its own
	replace   bool
	extras    bool // its action line has a routing or a pipeline
	index     int  // in batch.indexes
	offset    int64
	length    int64  // of the record as it was read, 0 for that of raw
	rawSum    uint64 // of a record that is not kept
	idText    string // set only when the id needs escapes
}

func newBatch(size int) *batch { return &batch{body: make([]byte, 0, size)} }

func (b *batch) reset() {
	clear(b.docs)
	clear(b.answer.items)
	b.sum.reset()
	if b.answer.body.Cap() > 2*largeAnswer {
		b.answer.body = bytes.Buffer{}
	}
	if b.alone {
		b.raw = nil
	}
	b.body, b.raw, b.ids, b.docs, b.indexes = b.body[:0], b.raw[:0], b.ids[:0], b.docs[:0], b.indexes[:0]
	b.actions, b.replaces = b.actions[:0], false
	clear(b.byName)
}

// actionSize is about the size of the action line; it need not be exact.
func actionSize(doc penstock.Document, docType string) int {
	n := len(`{"create":{"_index":"","_type":"","_id":""}}`) + len(doc.Index) + len(docType) + len(doc.ID) + 1
	if hasExtras(&doc) {
		n += len(`,"routing":"","pipeline":""`) + len(doc.Routing) + len(doc.Pipeline)
	}
	return n
}

// add appends a document.
func (b *batch) add(d *delivery, doc *penstock.Document, cfg *Config) {
	b.docs = slices.Grow(b.docs, 1)[:len(b.docs)+1]
	e := &b.docs[len(b.docs)-1] // filled where it stays: it is large
	*e = document{}
	e.delivery, e.start, e.offset, e.length = d, len(b.body), doc.Offset, doc.Length
	e.index, e.replace = b.indexOf(doc.Index), doc.Replace || cfg.Overwrite
	b.replaces = b.replaces || e.replace
	action := b.action(e, cfg)
	e.id = len(b.ids)
	if quote.IsPlain(doc.ID) {
		b.ids = append(b.ids, doc.ID...)
	} else if b.ids = quote.AppendExact(b.ids, doc.ID); len(b.ids)-e.id != len(doc.ID) {
		e.idText = string(doc.ID)
	}
	e.idEnd = len(b.ids)
	if len(doc.ID) > 0 && !cfg.NoIDs {
		b.body = append(b.body, action.upToID...)
		b.body = append(b.body, b.ids[e.id:]...)
		b.body = append(b.body, "\"}}\n"...)
	} else {
		b.body = append(b.body, action.without...)
	}
	if hasExtras(doc) {
		e.extras = true
		b.addExtras(doc)
	}
	e.body = len(b.body)
	b.body = append(b.body, doc.Head...)
	b.body = append(b.body, doc.Tail...)
	e.end = len(b.body)
	b.body = append(b.body, '\n')
	b.keepRaw(e, doc)
}

// hasExtras reports whether the action of a document says more than its index and its id.
func hasExtras(doc *penstock.Document) bool { return len(doc.Routing) > 0 || doc.Pipeline != "" }

// addExtras puts the routing and the pipeline of a document into the action line at the end of the body.
func (b *batch) addExtras(doc *penstock.Document) {
	const end = "}}\n"
	b.body = b.body[:len(b.body)-len(end)]
	add := func(name, value []byte) {
		if len(value) == 0 {
			return
		}
		if b.body[len(b.body)-1] != '{' {
			b.body = append(b.body, ',')
		}
		b.body = append(append(append(b.body, '"'), name...), `":"`...)
		b.body = append(quote.AppendExact(b.body, value), '"')
	}
	add([]byte("routing"), doc.Routing)
	add([]byte("pipeline"), []byte(doc.Pipeline))
	b.body = append(b.body, end...)
}

// extras are what the action line of a document says beside its index and its id.
type extras struct{ Routing, Pipeline string }

// extrasOf returns those of a document, as they were written.
func (b *batch) extrasOf(e *document) (x extras) {
	if !e.extras {
		return x
	}
	var line map[string]extras
	if json.Unmarshal(b.body[e.start:e.body], &line) == nil {
		for _, x = range line {
			return x
		}
	}
	return x
}

// action returns the action line of a document.
func (b *batch) action(e *document, cfg *Config) *action {
	for i := len(b.actions); i <= e.index; i++ {
		b.actions = append(b.actions, b.actionsOf(b.indexes[i], cfg))
	}
	if e.replace {
		return &b.actions[e.index][1]
	}
	return &b.actions[e.index][0]
}

func (b *batch) actionsOf(index string, cfg *Config) *actions {
	if a, ok := b.known[index]; ok {
		return a
	}
	if b.known == nil || len(b.known) == mostKnown {
		b.known = map[string]*actions{}
	}
	a := &actions{newAction("create", index, cfg), newAction("index", index, cfg)}
	b.known[index] = a
	return a
}

func newAction(name, index string, cfg *Config) action {
	opening := `{"` + name + `":{`
	var members []string
	if !cfg.IndexInPath {
		members = append(members, `"_index":"`+string(quote.AppendExact(nil, []byte(index)))+`"`)
	}
	if cfg.DocType != "" {
		members = append(members, `"_type":"`+string(quote.AppendExact(nil, []byte(cfg.DocType)))+`"`)
	}
	return action{
		without: []byte(opening + strings.Join(members, ",") + "}}\n"),
		upToID:  []byte(opening + strings.Join(append(members, `"_id":"`), ",")),
	}
}

// keepRaw keeps the record's bytes for a rejection. A record that was JSON is the end of its document already: the
// shape stage puts its own fields behind the opening brace.
func (b *batch) keepRaw(e *document, doc *penstock.Document) {
	n := len(doc.Raw)
	switch {
	case doc.RawInTail(), doc.RawSum == 0 && n > 1 && doc.Raw[0] == '{' &&
		bytes.HasSuffix(b.body[e.body:e.end], doc.Raw[1:]):
		e.rawInBody, e.raw, e.rawEnd = true, e.end-(n-1), e.end
		return
	case doc.RawSum != 0:
		e.rawSum = doc.RawSum
		if e.length == 0 {
			e.length = int64(n)
		}
		return
	case b.alone:
		b.raw, e.rawEnd = doc.Raw, n
		return
	}
	e.raw = len(b.raw)
	b.raw = append(b.raw, doc.Raw...)
	e.rawEnd = len(b.raw)
}

func (b *batch) indexOf(name string) int {
	last := len(b.indexes) - 1
	if last >= 0 && b.indexes[last] == name { // the likeliest
		return last
	}
	if i, ok := b.byName[name]; ok {
		return i
	}
	if b.byName == nil {
		b.byName = map[string]int{}
	}
	b.indexes = append(b.indexes, name)
	b.byName[name] = last + 1
	return last + 1
}

// id returns the id of a document as it was given.
func (b *batch) id(e *document) []byte {
	if e.idText != "" {
		return []byte(e.idText)
	}
	return b.written(e)
}

// written returns the id of a document as the request has it.
func (b *batch) written(e *document) []byte { return b.ids[e.id:e.idEnd] }

// rawOf returns the record of a document.
func (b *batch) rawOf(e *document) []byte {
	if e.rawSum != 0 {
		return nil
	}
	if !e.rawInBody {
		return b.raw[e.raw:e.rawEnd]
	}
	return append([]byte{'{'}, b.body[e.raw:e.rawEnd]...)
}

// keep leaves some of the documents in the batch and returns it. When somebody still reads the body, it returns a batch
// of its own.
func (b *batch) keep(keep func(i int) bool) *batch {
	if !b.lease.free() {
		return b.pick(0, len(b.docs), keep)
	}
	from := &batch{body: b.body, raw: b.raw, ids: b.ids, docs: b.docs, indexes: b.indexes}
	b.sum.reset()
	b.body, b.raw, b.ids, b.docs, b.replaces = b.body[:0], b.raw[:0], b.ids[:0], b.docs[:0], false
	for i := range from.docs {
		if keep(i) {
			b.copy(from, i) // never behind its old place: what follows is still there
		}
	}
	clear(from.docs[len(b.docs):])
	return b
}

// pick makes a batch of some of the documents.
func (b *batch) pick(from, to int, keep func(i int) bool) *batch {
	n := newBatch(0)
	for i := from; i < to; i++ {
		if keep == nil || keep(i) {
			n.copy(b, i)
		}
	}
	return n
}

// halves makes two batches of one.
func (b *batch) halves() []*batch {
	half := len(b.docs) / 2
	return []*batch{b.pick(0, half, nil), b.pick(half, len(b.docs), nil)}
}

// byIndex makes a batch for each of the indexes.
func (b *batch) byIndex() []*batch {
	parts := make([]*batch, len(b.indexes))
	for i := range b.docs {
		n := b.docs[i].index
		if parts[n] == nil {
			parts[n] = newBatch(0)
		}
		parts[n].copy(b, i)
	}
	return parts
}

// copy appends a document of another batch.
func (b *batch) copy(from *batch, i int) {
	e := from.docs[i]
	b.replaces = b.replaces || e.replace
	shift := len(b.body) - e.start
	b.body = append(b.body, from.body[e.start:e.end+1]...)
	e.index = b.indexOf(from.indexes[e.index])
	e.start += shift
	b.ids = append(b.ids, from.written(&e)...)
	e.id, e.idEnd = len(b.ids)-(e.idEnd-e.id), len(b.ids)
	e.body, e.end = e.body+shift, e.end+shift
	if e.rawInBody {
		e.raw, e.rawEnd = e.raw+shift, e.rawEnd+shift
	} else {
		raw := from.raw[e.raw:e.rawEnd]
		e.raw = len(b.raw)
		b.raw = append(b.raw, raw...)
		e.rawEnd = len(b.raw)
	}
	b.docs = append(b.docs, e)
}

// lease counts the readers of a body that are still open. The transport can go on reading a body after it has answered
// (golang/go issue 51907), so a buffer is used again only when every reader of it is closed.
type lease struct{ open atomic.Int32 }

func (l *lease) free() bool { return l.open.Load() == 0 }

// reader returns a reader of body that holds the lease until it is closed. sum is called for the body's SHA-256.
func (l *lease) reader(body []byte, sum func() [sha256.Size]byte) io.ReadCloser {
	l.open.Add(1)
	return &leased{Reader: bytes.NewReader(body), lease: l, sum: sum}
}

type leased struct {
	*bytes.Reader
	lease  *lease
	sum    func() [sha256.Size]byte
	closed atomic.Bool
}

// PayloadSHA256 spares sigv4.Transport a reading of the body.
func (r *leased) PayloadSHA256() [sha256.Size]byte { return r.sum() }

// Close is called by the transport, once or more.
func (r *leased) Close() error {
	if !r.closed.Swap(true) {
		r.lease.open.Add(-1)
	}
	return nil
}

// stack holds batches to be filled again, no more than may be in hand. The one that was used last is taken first:
// its memory is the likeliest to be in a cache.
type stack struct {
	mu      sync.Mutex
	batches []*batch
	alone   *batch // for a document that is sent by itself; dropped when another batch is taken
}

func (s *stack) put(b *batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b.alone {
		s.alone = b
		return
	}
	s.batches = append(s.batches, b)
}

// largeBody is the size from which a body is worth a collection before there is another one.
const largeBody = 4 << 20

// takeAlone lets go of all batches and returns one for a document that is sent by itself.
func (s *stack) takeAlone(size int) *batch {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.alone
	s.batches, s.alone = nil, nil
	if b == nil || cap(b.body) < size {
		if size > largeBody {
			runtime.GC() // what was let go of makes room: the collector by itself comes when there is more already
		}
		b = &batch{body: make([]byte, 0, size), alone: true}
	}
	return b
}

// take returns nil when there is none.
func (s *stack) take() *batch {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.alone = nil
	last := len(s.batches) - 1
	if last < 0 {
		return nil
	}
	b := s.batches[last]
	s.batches[last] = nil
	s.batches = s.batches[:last]
	return b
}

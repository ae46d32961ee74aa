// Package lawtest holds the program's law under faults: nothing acknowledged is lost, no document arrives twice, the
// counts add up. It runs the pipeline and the bulk writer in virtual time, between a source and a domain that know what
// the outcome has to be.
package lawtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"strings"
	"sync"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/source"
)

// Texts in records that the domain acts on: no index takes the record, its pipeline fails on it or drops it, or it
// refuses the whole request.
const (
	poisonText = `"kind":"poison"`
	failsText  = `"kind":"fails"`
	noopText   = `"kind":"noop"`
	wholeText  = `"kind":"whole"`
)

// shutIndex is an index that is closed now and then.
const shutIndex = "law-shut"

// object is one object of the world: its records, and how reading it goes wrong.
type object struct {
	name    string
	kinds   []string // of its records: ok, raw, poison, fails, whole, noop, drop, overlong
	index   string
	corrupt bool // it cannot be read to its end, ever
	breaks  int  // how many readings break off before one succeeds
	crashes int  // how many times shaping a record of it panics
	altered bool // false bytes of it were read before it was acknowledged
	// lost says that something went wrong with a reading for its letters in this round: they may be without their records.
	lost bool

	emitted, dropped int64 // records of the last reading in this round
}

// worldItem is one item: a unit of acknowledgement.
type worldItem struct {
	id      string
	objects []*object
	done    bool
	settled int // in this round
}

// World is the source, the stages and the dead letters of a run, and checks that the law holds.
type World struct {
	// LetterFaults is the share of writes of dead letters that fail.
	LetterFaults float64
	// ReadingShare is the share of requests for objects that a fault of ReadingKinds strikes.
	ReadingShare float64
	ReadingKinds []readingFault
	// AgainShare is the share of objects that are no longer what they were, or not there, when they are opened again for
	// the letters about them; or when that happens, everything ends. Kill ends it.
	AgainShare float64
	Kill       func()
	// Violation is called when a law is broken.
	Violation func(format string, args ...any)

	rand   *rand.Rand
	domain *Domain

	mu      sync.Mutex
	items   []*worldItem
	letters map[letterKey]penstock.Letter
	fails   bool // there is a record that the domain's pipeline fails on
	s3      *source.S3
	// anyAltered says that false bytes of some object were read in this round.
	anyAltered bool
}

var (
	_ penstock.Source      = (*World)(nil)
	_ penstock.Decoder     = (*World)(nil)
	_ penstock.Recognizer  = (*World)(nil)
	_ penstock.Shaper      = (*World)(nil)
	_ penstock.DeadLetters = (*World)(nil)
	_ penstock.EntryShaper = (*shaper)(nil)
)

// newWorld makes items, objects and records.
func newWorld(r *rand.Rand, d *Domain) *World {
	w := &World{rand: r, domain: d, letters: map[letterKey]penstock.Letter{}}
	for i := range 2 + r.IntN(10) {
		it := &worldItem{id: fmt.Sprintf("item-%d", i)}
		for j := range 1 + r.IntN(2) {
			it.objects = append(it.objects, w.newObject(r, fmt.Sprintf("object-%d-%d", i, j)))
		}
		w.items = append(w.items, it)
	}
	return w
}

func (w *World) newObject(r *rand.Rand, name string) *object {
	o := &object{name: name, index: "law", corrupt: r.IntN(8) == 0}
	if r.IntN(5) == 0 {
		o.index = shutIndex
	}
	if r.IntN(4) == 0 {
		o.breaks = 1 + r.IntN(2)
	}
	if r.IntN(8) == 0 {
		o.crashes = 1
	}
	for range r.IntN(40) {
		kind := "ok"
		switch r.IntN(21) {
		case 0:
			kind = "poison"
		case 1:
			kind = "drop"
		case 2:
			kind = "overlong"
		case 3:
			kind = "noop"
		case 4, 5:
			kind = "raw"
		case 6:
			kind = "whole"
		case 7:
			// One in a world, and not the first record: a domain where nothing else arrives may itself be what fails.
			if !w.fails && len(o.kinds) > 0 && o.index == "law" {
				kind, w.fails = "fails", true
				o.kinds[0] = "ok"
			}
		case 8:
			kind = "unshaped"
		}
		o.kinds = append(o.kinds, kind)
	}
	return o
}

// raw is the text of record n, and id its document's id.
func (o *object) raw(n int) string {
	return fmt.Sprintf(`{"object":%q,"n":%d,"kind":%q,"pad":%q}`, o.name, n, o.kinds[n], strings.Repeat("x", n%17))
}

// end is the position behind the last record.
func (o *object) end() int64 {
	last := len(o.kinds) - 1
	switch {
	case last < 0:
		return 0
	case o.kinds[last] == "overlong":
		return int64(last)*recordStride + recordStride
	}
	return int64(last)*recordStride + int64(len(o.raw(last)))
}

func (o *object) id(n int) string { return fmt.Sprintf("%s/%d", o.name, n) }

// Items gives the items that are not acknowledged yet.
func (w *World) Items(ctx context.Context) iter.Seq2[penstock.Item, error] {
	return func(yield func(penstock.Item, error) bool) {
		for _, it := range w.items {
			if it.done {
				continue
			}
			if ctx.Err() != nil || !yield(w.item(it), nil) {
				return
			}
		}
	}
}

func (w *World) item(it *worldItem) penstock.Item {
	out := penstock.Item{ID: it.id, Settle: func(_ context.Context, err error) error {
		w.settle(it, err)
		return nil
	}}
	for _, o := range it.objects {
		listed := w.s3.Object(source.Ref{Bucket: "b", Key: o.name, ETag: "e", Size: int64(len(o.text()))})
		open := listed.Open
		listed.Name, listed.Open = o.name, func(ctx context.Context) (*penstock.Stream, error) {
			w.mu.Lock()
			o.emitted, o.dropped = 0, 0 // only the last reading of a round counts
			w.mu.Unlock()
			return open(ctx)
		}
		again := listed.Again
		listed.Again = func(ctx context.Context, id penstock.Identity) (*penstock.Stream, error) {
			if w.drawAgain() {
				w.lose(o)
				if w.intN(4) == 0 {
					w.Kill()
				}
				ctx = context.WithValue(ctx, goneKey{}, true)
			}
			stream, err := again(context.WithValue(ctx, againKey{}, true), id)
			if err == nil {
				stream.ReadCloser = &rereading{stream.ReadCloser}
			}
			return stream, err
		}
		out.Objects = append(out.Objects, listed)
	}
	return out
}

// againKey marks the requests of a reading for letters, and goneKey those for an object that is not what it was.
type (
	againKey struct{}
	goneKey  struct{}
)

// rereading is a reading for letters. Its records are in no count.
type rereading struct{ io.ReadCloser }

func (w *World) drawAgain() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rand.Float64() < w.AgainShare
}

func (w *World) intN(n int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rand.IntN(n)
}

// lose says that letters about an object may be without their records.
func (w *World) lose(o *object) {
	w.mu.Lock()
	defer w.mu.Unlock()
	o.lost = true
}

func (w *World) loseAll() {
	for _, it := range w.items {
		for _, o := range it.objects {
			w.lose(o)
		}
	}
}

// find returns an object by its name.
func (w *World) find(name string) *object {
	for _, it := range w.items {
		for _, o := range it.objects {
			if o.name == name {
				return o
			}
		}
	}
	panic("no object " + name)
}

// begin resets the counts for a new round.
func (w *World) begin() {
	w.anyAltered = false
	for _, it := range w.items {
		it.settled = 0
		for _, o := range it.objects {
			o.emitted, o.dropped, o.lost = 0, 0, false
		}
	}
}

// read returns how many records were read in this round, and how many of them were dropped.
func (w *World) read() (emitted, dropped int64) {
	for _, it := range w.items {
		for _, o := range it.objects {
			emitted, dropped = emitted+o.emitted, dropped+o.dropped
		}
	}
	return emitted, dropped
}

// wasAltered reports whether false bytes of an object, or of any object that is not acknowledged, have been read.
func (w *World) wasAltered(o *object) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if o != nil {
		return o.altered
	}
	for _, it := range w.items {
		for _, o := range it.objects {
			if !it.done && o.altered {
				return true
			}
		}
	}
	return false
}

// settle checks the law when an item is acknowledged, as the item does not come again.
func (w *World) settle(it *worldItem, err error) {
	w.mu.Lock()
	it.settled++
	again := it.settled > 1
	if err == nil {
		it.done = true
	}
	w.mu.Unlock()
	if again {
		w.Violation("%s was settled twice", it.id)
	}
	if err == nil {
		w.checkDone(it)
	}
}

// checkDone compares what became of every record of an item with what had to become of it.
func (w *World) checkDone(it *worldItem) {
	w.domain.mu.Lock()
	defer w.domain.mu.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, o := range it.objects {
		for n, kind := range o.kinds {
			body, there := w.domain.docs[o.id(n)]
			letter, lettered := w.letters[letterKey{lawDomain, o.index, o.id(n)}]
			_, unshaped := w.letters[letterKey{lawDomain, "", o.id(n)}]
			switch kind {
			case "ok", "raw":
				if !there || body != o.raw(n) {
					w.Violation("%s is acknowledged, and record %s is not in the domain", it.id, o.id(n))
				}
			case "poison", "fails", "whole":
				switch {
				case !lettered || string(letter.Document) != o.raw(n):
					w.Violation("%s is acknowledged, and record %s is not in the dead letters", it.id, o.id(n))
				case letter.Gone && !o.lost:
					w.Violation("the record of the letter %s is gone, and nothing went wrong with the reading", o.id(n))
				case !letter.Gone && string(letter.Raw) != o.raw(n):
					w.Violation("the letter %s has another record: %s", o.id(n), letter.Raw)
				}
			case "unshaped":
				if l := w.letters[letterKey{lawDomain, "", o.id(n)}]; string(l.Raw) != o.raw(n) || string(l.Document) != o.raw(n) {
					w.Violation("%s is acknowledged, and record %s, which lacks an index, "+
						"does not rest with its document under its id", it.id, o.id(n))
				}
			case "overlong":
				if !w.hasLetter(o, int64(n)*recordStride, penstock.ReasonOverlong) {
					w.Violation("%s is acknowledged, and the overlong record %s is not in the dead letters", it.id, o.id(n))
				}
			}
			good := kind == "ok" || kind == "raw"
			if !good && there || lettered && (good || kind == "drop" || kind == "noop" || kind == "unshaped") ||
				unshaped && kind != "unshaped" {
				w.Violation("%s record %s ended in a wrong state", kind, o.id(n))
			}
		}
		if o.corrupt && !w.hasLetter(o, o.end(), penstock.ReasonCorrupt) {
			w.Violation("%s is acknowledged, and the rest of %s is not in the dead letters", it.id, o.name)
		}
	}
}

// hasLetter reports whether there is a letter about a position of an object.
func (w *World) hasLetter(o *object, offset int64, reason string) bool {
	for _, l := range w.letters {
		if l.Source.Object == o.name && l.Source.Offset == offset && l.Reason == reason {
			return true
		}
	}
	return false
}

// letterKey identifies a letter.
type letterKey struct{ domain, index, id string }

// lawDomain is the domain's endpoint.
const lawDomain = "https://search.example.com"

// recordStride is the distance between the positions of two records, whatever their length.
const recordStride = 200

// Entries gives one entry: the whole object.
func (w *World) Entries(_ string, r io.Reader) iter.Seq2[penstock.Entry, error] {
	return func(yield func(penstock.Entry, error) bool) { yield(penstock.Entry{Reader: r}, nil) }
}

// Recognize reads an entry as records of an object of the world.
func (w *World) Recognize(po *penstock.Object, _ penstock.Identity, e penstock.Entry) (penstock.Recognized, error) {
	_, again := e.Reader.(*rereading)
	return penstock.Recognized{Format: "law", Records: w.records(w.find(po.Name), e, again)}, nil
}

var errBroken = errors.New("connection reset while reading")

// records cuts the text into records. The rest at its end is a record too.
func (w *World) records(o *object, text io.Reader, again bool) iter.Seq2[penstock.Record, error] {
	return func(yield func(penstock.Record, error) bool) {
		breakAt := -1
		w.mu.Lock()
		if o.breaks > 0 {
			o.breaks--
			breakAt = w.rand.IntN(len(o.kinds) + 1)
			o.lost = o.lost || again
		}
		w.mu.Unlock()
		var buf [recordStride]byte // the slices of a record are valid until the next one
		for n := 0; ; n++ {
			if n == breakAt {
				yield(penstock.Record{}, errBroken)
				return
			}
			got, err := io.ReadFull(text, buf[:])
			if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
				yield(penstock.Record{}, err)
				return
			}
			if got == 0 {
				break
			}
			kind, raw := o.kinds[n], bytes.TrimRight(buf[:got], " \n")
			r := penstock.Record{
				Seq: int64(n), Offset: int64(n) * recordStride, Raw: raw, JSON: raw, Unparsed: kind == "raw",
			}
			err = nil
			if kind == "overlong" {
				r = penstock.Record{}
				err = &penstock.RecordError{
					Reason: penstock.ReasonOverlong,
					Offset: int64(n) * recordStride,
					Length: recordStride,
					Err:    errors.New("too long"),
				}
			}
			if !again {
				w.emit(o)
			}
			if !yield(r, err) {
				return
			}
			clear(buf[:])
		}
		switch {
		case breakAt == len(o.kinds):
			yield(penstock.Record{}, errBroken)
		case o.corrupt:
			if !again {
				w.emit(o)
			}
			yield(penstock.Record{}, &penstock.ObjectError{Reason: penstock.ReasonCorrupt, Err: errors.New("bad checksum")})
		}
	}
}

func (w *World) emit(o *object) {
	w.mu.Lock()
	defer w.mu.Unlock()
	o.emitted++
}

// Entry gives a shaper for an object of the world.
func (w *World) Entry(o *penstock.Object, _ penstock.Identity, _, _ string) (penstock.EntryShaper, error) {
	return &shaper{world: w, object: w.find(o.Name)}, nil
}

type shaper struct {
	world  *World
	object *object
}

// crash panics now and then, as often as the object says.
func (s *shaper) crash() {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	if s.object.crashes > 0 && s.world.rand.IntN(10) == 0 {
		s.object.crashes--
		panic("a bug in the shaper")
	}
}

func (s *shaper) Shape(r *penstock.Record) (penstock.Document, error) {
	s.crash()
	if bytes.Contains(r.Raw, []byte(`"kind":"drop"`)) {
		s.world.mu.Lock()
		s.object.dropped++
		s.world.mu.Unlock()
		return penstock.Document{}, penstock.ErrDrop
	}
	id := []byte(s.object.id(int(r.Seq)))
	if bytes.Contains(r.Raw, []byte(`"kind":"unshaped"`)) {
		return penstock.Document{}, &penstock.RecordError{
			Reason: penstock.ReasonUnshaped, Offset: r.Offset, Length: int64(len(r.Raw)), Raw: r.Raw, ID: id, Document: r.JSON,
			Err: errors.New("no index"),
		}
	}
	return penstock.Document{Index: s.object.index, ID: id, Head: r.JSON, Raw: r.Raw, Offset: r.Offset}, nil
}

var errDisk = errors.New("no space left on device")

// Put keeps letters, or fails.
func (w *World) Put(_ context.Context, letters ...penstock.Letter) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.rand.Float64() < w.LetterFaults {
		return errDisk
	}
	for _, l := range letters {
		if l.Reason == "" || l.Source.Object == "" {
			w.Violation("letter %s says neither why nor from where", l.ID)
		}
		if l.Reason == penstock.ReasonRejected && l.Gone != (len(l.Raw) == 0) {
			w.Violation("letter %s has %d bytes of its record, gone: %v", l.ID, len(l.Raw), l.Gone)
		}
		key := letterKey{l.Domain, l.Index, l.ID}
		if l.Gone && len(w.letters[key].Raw) > 0 {
			continue
		}
		l.Raw, l.Document = bytes.Clone(l.Raw), bytes.Clone(l.Document)
		w.letters[key] = l
	}
	return nil
}

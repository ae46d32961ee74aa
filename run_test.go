package penstock_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/seed56735111/penstock"
)

// The fakes below give every line of an object one meaning: "ok" is delivered, "dup" is a duplicate, "bad" is rejected,
// "drop" is dropped, "long" is a record error, "unshaped" cannot be shaped, "lost" stays without an outcome, "corrupt"
// ends the object as corrupt, "cut" as a broken connection, "panic" panics while it is parsed and "crash" while it is
// shaped, "fatal" makes the delivery fail for good, "late" does so when it is waited for.

type stages struct {
	mu      sync.Mutex
	letters []penstock.Letter
	putErr  error
	settled map[string][]error
	waiting int // deliveries whose Wait has returned
	docs    map[string]string
}

func (s *stages) pipeline(items ...penstock.Item) *penstock.Pipeline {
	return &penstock.Pipeline{
		Source: itemSource(items), Decoder: s, Recognizer: s, Shaper: s, Deliverer: s, DeadLetters: s,
	}
}

type itemSource []penstock.Item

func (s itemSource) Items(ctx context.Context) iter.Seq2[penstock.Item, error] {
	return func(yield func(penstock.Item, error) bool) {
		for _, it := range s {
			if ctx.Err() != nil || !yield(it, nil) {
				return
			}
		}
	}
}

func (s *stages) item(id string, objects ...string) penstock.Item {
	it := penstock.Item{ID: id, Settle: func(_ context.Context, err error) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.settled == nil {
			s.settled = map[string][]error{}
		}
		s.settled[id] = append(s.settled[id], err)
		return nil
	}}
	for i, text := range objects {
		it.Objects = append(it.Objects, penstock.Object{
			Name: fmt.Sprintf("%s/%d", id, i), Size: int64(len(text)),
			Open: func(context.Context) (*penstock.Stream, error) {
				if text == "missing" {
					return nil, errors.New("no such object")
				}
				return &penstock.Stream{
					ReadCloser: io.NopCloser(strings.NewReader(text)), Identity: penstock.Identity{Key: id, ETag: "e"},
				}, nil
			},
		})
	}
	return it
}

func (s *stages) Entries(_ string, r io.Reader) iter.Seq2[penstock.Entry, error] {
	return func(yield func(penstock.Entry, error) bool) { yield(penstock.Entry{Reader: r}, nil) }
}

func (s *stages) Recognize(_ *penstock.Object, _ penstock.Identity, e penstock.Entry) (penstock.Recognized, error) {
	text, err := io.ReadAll(e)
	switch {
	case len(text) == 0 && err != nil:
		return penstock.Recognized{}, err
	case len(text) == 0 || string(text) == "skip":
		return penstock.Recognized{Skip: "empty"}, nil
	}
	return penstock.Recognized{Format: "words", Records: words(text, err)}, nil
}

// words gives the records of text, and at its end the error that reading it ended with.
func words(text []byte, end error) iter.Seq2[penstock.Record, error] {
	return func(yield func(penstock.Record, error) bool) {
		var off int64
		for i, line := range bytes.Fields(text) {
			rec, err := penstock.Record{Seq: int64(i), Offset: off, Raw: line, JSON: line, Time: time.Unix(1, 0)}, error(nil)
			switch string(line) {
			case "long":
				rec = penstock.Record{}
				err = &penstock.RecordError{Reason: penstock.ReasonOverlong, Offset: off, Length: 4, Err: errors.New("too long")}
			case "raw":
				rec.Unparsed = true
			case "timeless":
				rec.Time = time.Time{}
			case "corrupt":
				err = &penstock.ObjectError{Reason: penstock.ReasonCorrupt, Err: errors.New("bad checksum")}
			case "cut":
				err = errors.New("connection reset")
			case "sleep":
				time.Sleep(time.Minute)
			case "panic":
				panic("boom")
			}
			if !yield(rec, err) {
				return
			}
			off += int64(len(line)) + 1
		}
		if end != nil {
			yield(penstock.Record{}, end)
		}
	}
}

func (s *stages) Entry(*penstock.Object, penstock.Identity, string, string) (penstock.EntryShaper, error) {
	return s, nil
}

func (s *stages) Shape(r *penstock.Record) (penstock.Document, error) {
	switch string(r.Raw) {
	case "drop":
		return penstock.Document{}, penstock.ErrDrop
	case "crash":
		panic("boom")
	case "unshaped":
		return penstock.Document{}, &penstock.RecordError{
			Reason: penstock.ReasonUnshaped, Offset: r.Offset, Raw: r.Raw, Err: errors.New("no index"),
		}
	}
	return penstock.Document{
		Index: "i", ID: fmt.Appendf(nil, "%d", r.Offset), Head: r.JSON, Raw: r.Raw, Offset: r.Offset,
	}, nil
}

func (s *stages) Put(_ context.Context, letters ...penstock.Letter) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.putErr != nil {
		return s.putErr
	}
	s.letters = append(s.letters, letters...)
	return nil
}

func TestWhatGoesWhereIsReported(t *testing.T) {
	t.Parallel()
	s := new(stages)
	p := s.pipeline(s.item("a", "ok drop unshaped ok"), s.item("b", "skip"))
	p.Shaper = spread{s}
	var got []string
	p.Observe = func(r penstock.ObjectReport) { got = append(got, fmt.Sprint(r.Object, r.Indexes)) }
	if _, err := counted(p.Run(t.Context())); err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	if want := "[a/0[{ i-0 1} { i-17 1}] b/0[]]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
	got = nil
	p = s.pipeline(s.item("many", strings.Repeat("ok ", 1500)))
	p.Shaper = spread{s}
	p.Observe = func(r penstock.ObjectReport) {
		last := r.Indexes[len(r.Indexes)-1]
		got = append(got, fmt.Sprintf("%d %q %d", len(r.Indexes), last.Index, last.Documents))
	}
	if _, err := counted(p.Run(t.Context())); err != nil {
		t.Fatal(err)
	}
	if want := `[1001 "" 500]`; fmt.Sprint(got) != want {
		t.Errorf("more indexes than are reported: got %v, want %s", got, want)
	}
}

// spread makes each document for an index of its own.
type spread struct{ *stages }

func (s spread) Entry(*penstock.Object, penstock.Identity, string, string) (penstock.EntryShaper, error) {
	return s, nil
}

func (s spread) Shape(r *penstock.Record) (penstock.Document, error) {
	d, err := s.stages.Shape(r)
	d.Index = fmt.Sprintf("i-%d", r.Offset)
	return d, err
}

func TestRecordsWithoutATimeAreCounted(t *testing.T) {
	t.Parallel()
	s := new(stages)
	p := s.pipeline(s.item("a", "ok timeless drop timeless"))
	got, err := counted(p.Run(t.Context()))
	if err != nil || got.Undated != 2 || got.Records != 4 || !got.Balanced() {
		t.Errorf("got %+v, %v", got, err)
	}
}

type fatalError struct{ error }

func (fatalError) Fatal() bool { return true }

type fakeDelivery struct {
	*stages
	reject penstock.RejectFunc
	out    penstock.Outcome
	err    error
	late   error
}

func (*stages) Hold() (release func()) { return func() {} }

func (s *stages) Begin(reject penstock.RejectFunc) penstock.Delivery {
	return &fakeDelivery{stages: s, reject: reject}
}

func (d *fakeDelivery) Add(ctx context.Context, doc penstock.Document) error {
	switch text := string(doc.Raw); text {
	case "ok", "false", "raw":
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.docs == nil {
			d.docs = map[string]string{}
		}
		_, there := d.docs[string(doc.ID)]
		if there && doc.Replace {
			d.out.Duplicate++
		} else {
			d.out.Delivered++
		}
		if !there || doc.Replace {
			d.docs[string(doc.ID)] = text
		}
	case "dup":
		d.out.Duplicate++
	case "bad":
		d.out.Rejected++
		err := d.reject(ctx, penstock.Rejection{Document: doc, Status: 400, Type: "mapper_parsing_exception"})
		if err != nil {
			d.out.Rejected--
			d.err = err
		}
	case "fatal":
		d.err = fatalError{errors.New("refused")}
	case "late":
		d.late = fatalError{errors.New("gave up")}
	case "hang":
		<-ctx.Done()
		return ctx.Err()
	}
	return d.err
}

func (d *fakeDelivery) Wait(context.Context) (penstock.Outcome, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.waiting++
	return d.out, errors.Join(d.err, d.late)
}

func TestEveryRecordHasOneOutcomeAndItemsSettleOnce(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		objects []string
		want    penstock.Counts
		letters int
		given   bool // the item is given back
		fatal   bool
	}{
		{
			name: "delivered, duplicate, rejected, dropped", objects: []string{"ok dup bad drop"}, letters: 1,
			want: penstock.Counts{Objects: 1, Records: 4, Delivered: 1, Duplicate: 1, DeadLettered: 1, Dropped: 1},
		},
		{
			name: "records that cannot become documents", objects: []string{"ok long unshaped ok"}, letters: 2,
			want: penstock.Counts{Objects: 1, Records: 4, Delivered: 2, DeadLettered: 2},
		},
		{
			name: "the rest of a corrupt object is one letter", objects: []string{"ok ok corrupt ok"}, letters: 1,
			want: penstock.Counts{Objects: 1, Records: 3, Delivered: 2, DeadLettered: 1},
		},
		{
			name: "a broken connection gives the item back", objects: []string{"ok cut ok"}, given: true,
			want: penstock.Counts{Objects: 1, ObjectsGivenBack: 1, Records: 1, Delivered: 1},
		},
		{
			name: "a document without an outcome gives the item back", objects: []string{"ok lost"}, given: true,
			want: penstock.Counts{Objects: 1, ObjectsGivenBack: 1, Records: 2, Delivered: 1, Unacknowledged: 1},
		},
		{
			name: "an unreadable object", objects: []string{"missing"}, given: true,
			want: penstock.Counts{Objects: 1, ObjectsGivenBack: 1},
		},
		{
			name: "one bad object gives the whole item back", objects: []string{"ok", "missing", "dup"}, given: true,
			want: penstock.Counts{Objects: 3, ObjectsGivenBack: 1, Records: 2, Delivered: 1, Duplicate: 1},
		},
		{
			name: "a panic is one object's", objects: []string{"ok panic"}, given: true,
			want: penstock.Counts{Objects: 1, ObjectsGivenBack: 1, Records: 1, Delivered: 1},
		},
		{
			name: "a panic after a record was counted", objects: []string{"ok crash ok"}, given: true,
			want: penstock.Counts{Objects: 1, ObjectsGivenBack: 1, Records: 2, Delivered: 1, Unacknowledged: 1},
		},
		{name: "an empty object", objects: []string{""}, want: penstock.Counts{Objects: 1}},
		{name: "an item without objects", want: penstock.Counts{}},
		{
			name: "a fatal failure behind a broken reading", objects: []string{"ok late cut"}, given: true, fatal: true,
			want: penstock.Counts{Objects: 1, ObjectsGivenBack: 1, Records: 2, Delivered: 1, Unacknowledged: 1},
		},
		{
			name: "a fatal failure", objects: []string{"ok fatal"}, given: true, fatal: true,
			want: penstock.Counts{Objects: 1, ObjectsGivenBack: 1, Records: 2, Delivered: 1, Unacknowledged: 1},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := new(stages)
			got, err := counted(s.pipeline(s.item("a", tt.objects...)).Run(t.Context()))
			if (err != nil) != tt.fatal {
				t.Errorf("Run error = %v, want fatal %v", err, tt.fatal)
			}
			tt.want.Items = 1
			if tt.given {
				tt.want.ItemsGivenBack = 1
			}
			got.BytesIn = 0
			if got != tt.want {
				t.Errorf("counts\n got %+v\nwant %+v", got, tt.want)
			}
			if !got.Balanced() {
				t.Errorf("counts do not add up: %+v", got)
			}
			if n := len(s.settled["a"]); n != 1 {
				t.Errorf("settled %d times", n)
			} else if (s.settled["a"][0] != nil) != tt.given {
				t.Errorf("settled with %v, want an error: %v", s.settled["a"][0], tt.given)
			}
			if len(s.letters) != tt.letters {
				t.Errorf("%d letters, want %d: %+v", len(s.letters), tt.letters, s.letters)
			}
			for _, l := range s.letters {
				if l.Reason == penstock.ReasonCorrupt && l.Source.Length != -1 {
					t.Errorf("a letter about the rest of an object has the length %d", l.Source.Length)
				}
			}
		})
	}
}

func TestWithoutAPlaceForLettersTheSourceKeepsEverything(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"ok bad", "ok long", "ok unshaped", "ok corrupt"} {
		s := &stages{putErr: errors.New("disk full")}
		got, err := counted(s.pipeline(s.item("a", text), s.item("b", "ok")).Run(t.Context()))
		if _, ok := errors.AsType[*penstock.LetterError](err); !ok {
			t.Errorf("%q: Run error = %v, want a LetterError", text, err)
		}
		if s.settled["a"][0] == nil || got.DeadLettered != 0 || got.Unacknowledged != 1 || !got.Balanced() {
			t.Errorf("%q: settled with %v, counts %+v", text, s.settled["a"][0], got)
		}
	}
}

func TestManyRejectionsAreStoredInGroupsAndAllOfThem(t *testing.T) {
	t.Parallel()
	s := new(stages)
	got, err := counted(s.pipeline(s.item("a", strings.Repeat("bad ", 1000))).Run(t.Context()))
	if err != nil || got.DeadLettered != 1000 || len(s.letters) != 1000 {
		t.Fatalf("counts %+v, %d letters, error %v", got, len(s.letters), err)
	}
	if l := s.letters[1]; string(l.Raw) != "bad" || l.Source.Offset != 4 || l.Source.Object != "a/0" || l.Status != 400 {
		t.Errorf("letter %+v", l)
	}
}

// What is dead-lettered is what was stored, however many rejections were held together when the disk filled up.
func TestRejectionsThatCannotBeStoredAreUnacknowledgedHoweverMany(t *testing.T) {
	t.Parallel()
	for _, n := range []int{255, 256, 257, 1000} {
		s := &stages{putErr: errors.New("disk full")}
		got, err := counted(s.pipeline(s.item("a", strings.Repeat("bad ", n))).Run(t.Context()))
		if _, ok := errors.AsType[*penstock.LetterError](err); !ok {
			t.Errorf("%d: Run error = %v, want a LetterError", n, err)
		}
		if got.DeadLettered != 0 || got.Unacknowledged != got.Records || !got.Balanced() {
			t.Errorf("%d: counts %+v, want nothing dead-lettered", n, got)
		}
	}
}

// An interrupt while the source looks for the next item leaves items that nobody took in hand: the run must not pass
// for a finished one.
func TestAnInterruptWhileTheSourceListsIsNoFinishedRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := new(stages)
		p := s.pipeline()
		p.Source = slowSource{s.item("a", "ok"), s.item("b", "ok")}
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		got, err := counted(p.Run(ctx))
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Run: %v, want an error that says that the run was cut short", err)
		}
		if got.Items != 1 || got.Delivered != 1 {
			t.Errorf("counts %+v, want what was in hand to be finished", got)
		}
	})
}

// slowSource takes a minute to find each item, and ends with its context as a directory walk does.
type slowSource []penstock.Item

func (s slowSource) Items(ctx context.Context) iter.Seq2[penstock.Item, error] {
	return func(yield func(penstock.Item, error) bool) {
		for _, it := range s {
			select {
			case <-time.After(time.Minute):
			case <-ctx.Done():
				return
			}
			if !yield(it, nil) {
				return
			}
		}
	}
}

func TestAFatalFailureTakesNoMoreItems(t *testing.T) {
	t.Parallel()
	s := new(stages)
	items := []penstock.Item{s.item("first", "fatal")}
	for i := range 1000 {
		items = append(items, s.item(fmt.Sprint(i), "ok"))
	}
	p := s.pipeline(items...)
	p.Workers, p.InHand = 1, 1
	got, err := counted(p.Run(t.Context()))
	if err == nil || got.Items > 3 {
		t.Errorf("took %d items after a fatal failure, error %v", got.Items, err)
	}
	for id, errs := range s.settled {
		if len(errs) != 1 {
			t.Errorf("item %s settled %d times", id, len(errs))
		}
	}
}

func TestAnInterruptedRunEndsWithinTheGracePeriod(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := new(stages)
		p := s.pipeline(s.item("stuck", "ok hang"), s.item("quick", "ok"))
		p.Grace = 10 * time.Second
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		begun := time.Now()
		got, err := counted(p.Run(ctx))
		if err != nil {
			t.Errorf("Run: %v", err)
		}
		if d := time.Since(begun); d != 70*time.Second {
			t.Errorf("ended after %v, want the minute and the grace period", d)
		}
		if s.settled["stuck"][0] == nil || s.settled["quick"][0] != nil || !got.Balanced() {
			t.Errorf("settled %v, counts %+v", s.settled, got)
		}
	})
}

func TestASecondInterruptEndsTheGracePeriod(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := new(stages)
		abort := make(chan struct{})
		p := s.pipeline(s.item("stuck", "hang"))
		p.Abort = abort
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			time.Sleep(time.Second)
			cancel()
			time.Sleep(time.Second)
			close(abort)
		}()
		begun := time.Now()
		if _, err := counted(p.Run(ctx)); err != nil {
			t.Errorf("Run: %v", err)
		}
		if d := time.Since(begun); d != 2*time.Second {
			t.Errorf("ended after %v, want 2s", d)
		}
	})
}

func TestAPausedObjectGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := new(stages)
		item := s.item("a", "ok ok sleep ok dup", "ok")
		pause := make(chan struct{})
		p := s.pipeline(item)
		p.Pause = pause
		go func() {
			time.Sleep(30 * time.Second)
			close(pause)
		}()
		first, err := counted(p.Run(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		if first.Records != 2 || first.Delivered != 2 || !first.Balanced() {
			t.Errorf("first reading: %+v", first)
		}
		var places []*penstock.Place
		given, ok := errors.AsType[*penstock.ItemError](s.settled["a"][0])
		if !ok {
			t.Fatalf("settled with %v", s.settled["a"][0])
		}
		for _, f := range given.Failures {
			pe, ok := errors.AsType[*penstock.PausedError](f.Err)
			if !ok {
				t.Fatalf("settled with %v", f.Err)
			}
			places = append(places, &pe.Next)
		}
		if len(places) != 2 || places[0].Offset != 6 || places[1].Offset != 0 {
			t.Fatalf("paused at %+v", places)
		}

		again := s.item("b", "ok ok sleep ok dup", "ok")
		again.Objects[0].Resume, again.Objects[1].Resume = places[0], places[1]
		second, err := counted(s.pipeline(again).Run(t.Context()))
		if err != nil || second.Records != 4 || second.Delivered != 2 || second.Duplicate != 1 || second.Unacknowledged != 1 {
			t.Errorf("second reading: %+v, error %v", second, err)
		}
	})
}

func TestAPositionInAnotherVersionIsVoid(t *testing.T) {
	t.Parallel()
	s := new(stages)
	item := s.item("a", "ok ok")
	item.Objects[0].Resume = &penstock.Place{Offset: 3, ETag: "older"}
	if got, err := counted(s.pipeline(item).Run(t.Context())); err != nil || got.Delivered != 2 {
		t.Errorf("counts %+v, error %v", got, err)
	}
}

// readings makes an object whose every opening gives the next text, the last one from then on. A text that ends with
// "~" turns out to be altered at its end; "missing" cannot be opened.
func readings(texts ...string) penstock.Object {
	n := 0
	return penstock.Object{Name: "o", Size: -1, Open: func(context.Context) (*penstock.Stream, error) {
		text, altered := strings.CutSuffix(texts[min(n, len(texts)-1)], "~")
		n++
		if text == "missing" {
			return nil, errors.New("no such object")
		}
		var r io.Reader = strings.NewReader(text)
		if altered {
			r = io.MultiReader(r, iotest.ErrReader(&penstock.AlteredError{Err: errors.New("sum differs")}))
		}
		return &penstock.Stream{
			ReadCloser: io.NopCloser(r), Identity: penstock.Identity{Key: "o", ETag: "e"}, Summed: true,
		}, nil
	}}
}

// The documents of an altered reading are replaced by those of the next one, and of its letters none is left.
func TestAnAlteredObjectIsReadAgainAtOnce(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("bad ", 300)
	tests := []struct {
		name     string
		readings []string
		want     penstock.Counts
		docs     map[string]string
		letters  int
		given    bool
	}{
		{
			name: "true in the end", readings: []string{"ok ok"}, docs: map[string]string{"0": "ok", "3": "ok"},
			want: penstock.Counts{Records: 2, Delivered: 2},
		},
		{
			name: "altered once", readings: []string{"ok false drop ok~", "ok ok ok drop"},
			// the last one of them is the altered reading's alone
			docs: map[string]string{"0": "ok", "3": "ok", "6": "ok", "14": "ok"},
			want: penstock.Counts{Records: 4, Delivered: 3, Dropped: 1},
		},
		{
			name: "letters of the altered reading", readings: []string{"ok long unshaped bad corrupt~", "ok ok bad"}, letters: 1,
			want: penstock.Counts{Records: 3, Delivered: 2, DeadLettered: 1}, docs: map[string]string{"0": "ok", "3": "ok"},
		},
		{
			name: "more letters than are held back", readings: []string{many + "~", "ok"}, letters: 256,
			want: penstock.Counts{Records: 1, Delivered: 1}, docs: map[string]string{"0": "ok"},
		},
		{
			name: "corrupt and not altered", readings: []string{"ok corrupt"}, letters: 1,
			want: penstock.Counts{Records: 2, Delivered: 1, DeadLettered: 1}, docs: map[string]string{"0": "ok"},
		},
		{
			name: "nothing to be read, and altered", readings: []string{"skip~", "ok"},
			want: penstock.Counts{Records: 1, Delivered: 1}, docs: map[string]string{"0": "ok"},
		},
		{
			name: "what was there stays counted as there", readings: []string{"dup dup ok~", "dup dup ok"},
			want: penstock.Counts{Records: 3, Delivered: 1, Duplicate: 2}, docs: map[string]string{"8": "ok"},
		},
		{
			name: "altered twice", readings: []string{"ok false~", "ok ok ok~"}, given: true,
			want: penstock.Counts{Records: 3, Delivered: 3}, docs: map[string]string{"0": "ok", "3": "ok", "6": "ok"},
		},
		{
			name: "the second reading breaks off", readings: []string{"ok false~", "ok cut"}, given: true,
			want: penstock.Counts{Records: 1, Delivered: 1}, docs: map[string]string{"0": "ok", "3": "false"},
		},
		{
			name: "not there any more", readings: []string{"ok~", "missing"}, given: true, docs: map[string]string{"0": "ok"},
		},
		{
			name: "the first reading was not delivered", readings: []string{"ok lost bad long unshaped~", "ok ok"}, given: true,
			docs: map[string]string{"0": "ok"},
			want: penstock.Counts{Records: 5, Delivered: 1, Unacknowledged: 4},
		},
	}
	both := append(slices.Clone(tests), tests...)
	for i, tt := range both {
		name, ahead := tt.name, i >= len(tests)
		if ahead {
			name += ", opened ahead"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := new(stages)
			item := s.item("a")
			item.Objects = []penstock.Object{readings(tt.readings...)}
			p := s.pipeline(item)
			if ahead {
				item.Objects[0].Remote, item.Objects[0].Size, p.OpenAhead = true, int64(len(tt.readings[0])), 8
			}
			p.Progress = new(penstock.Progress)
			got, err := counted(p.Run(t.Context()))
			if err != nil {
				t.Fatal(err)
			}
			tt.want.Items, tt.want.Objects, got.BytesIn = 1, 1, 0
			if tt.given {
				tt.want.ItemsGivenBack, tt.want.ObjectsGivenBack = 1, 1
			}
			if got != tt.want || !got.Balanced() {
				t.Errorf("counts\n got %+v\nwant %+v", got, tt.want)
			}
			if n := p.Progress.Records.Load(); n != got.Records {
				t.Errorf("progress shows %d records, want %d", n, got.Records)
			}
			if !maps.Equal(s.docs, tt.docs) || len(s.letters) != tt.letters {
				t.Errorf("documents %v, want %v; %d letters, want %d", s.docs, tt.docs, len(s.letters), tt.letters)
			}
			settled := s.settled["a"][0]
			if _, altered := errors.AsType[*penstock.AlteredError](settled); altered != tt.given {
				t.Errorf("settled with %v, want an AlteredError: %v", settled, tt.given)
			}
		})
	}
}

// Going on after a pause would add documents, where those of the altered reading have to be replaced.
func TestASecondReadingIsNotPaused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := new(stages)
		item := s.item("a")
		item.Objects = []penstock.Object{readings("ok ok~", "ok sleep ok")}
		pause := make(chan struct{})
		p := s.pipeline(item)
		p.Pause = pause
		time.AfterFunc(30*time.Second, func() { close(pause) })
		got, err := counted(p.Run(t.Context()))
		settled := s.settled["a"][0]
		_, paused := errors.AsType[*penstock.PausedError](settled)
		_, altered := errors.AsType[*penstock.AlteredError](settled)
		if err != nil || paused || !altered || got.Records != 1 || !got.Balanced() {
			t.Errorf("settled with %v, counts %+v, error %v", settled, got, err)
		}
	})
}

// Whoever gets an item back hears of each object that comes again, and of no other.
func TestAnItemComesBackWithTheFailureOfEachObject(t *testing.T) {
	t.Parallel()
	s := new(stages)
	item := s.item("a", "ok", "cut", "panic")
	if _, err := counted(s.pipeline(item).Run(t.Context())); err != nil {
		t.Fatal(err)
	}
	got := s.settled["a"]
	if len(got) != 1 {
		t.Fatalf("settled with %v", got)
	}
	failed, ok := errors.AsType[*penstock.ItemError](got[0])
	if !ok || len(failed.Failures) != 2 {
		t.Fatalf("given back with %v", got[0])
	}
	if failed.Failures[0].Object != item.Objects[1].Name || failed.Failures[1].Object != item.Objects[2].Name {
		t.Errorf("got %v, want %s and %s", failed.Failures, item.Objects[1].Name, item.Objects[2].Name)
	}
}

// redacting is a shaper whose records were longer before something was taken out of them.
type redacting struct{ *stages }

type redactingEntry struct{ penstock.EntryShaper }

func (s redacting) Entry(o *penstock.Object, id penstock.Identity, entry, format string) (penstock.EntryShaper, error) {
	inner, err := s.stages.Entry(o, id, entry, format)
	return wrapped{redactingEntry{inner}}, err
}

// wrapped stands around an entry shaper, as that of another rule may.
type wrapped struct{ penstock.EntryShaper }

func (w wrapped) Unwrap() penstock.EntryShaper { return w.EntryShaper }

func (e redactingEntry) Shape(r *penstock.Record) (penstock.Document, error) {
	doc, err := e.EntryShaper.Shape(r)
	doc.Length = 17
	return doc, err
}

func (redactingEntry) Redact(err *penstock.RecordError) {
	err.Err, err.Rules = errors.New("told to nobody"), []string{"first"}
}

func (redactingEntry) RulesRun() []string { return []string{"first", "second"} }

// What a rule takes out of a record is not in its letter, which has the place of the whole record and the rules that
// ran; records that become no document come by the rules, too.
func TestLettersHoldWhatRulesLeave(t *testing.T) {
	t.Parallel()
	s := &stages{}
	p := s.pipeline(s.item("a", "ok bad long"))
	p.Shaper = redacting{s}
	if res := p.Run(t.Context()); res.DeadLettered != 2 {
		t.Fatalf("got %+v", res.Counts)
	}
	for _, l := range s.letters {
		switch l.Reason {
		case penstock.ReasonRejected:
			if string(l.Raw) != "bad" || l.Source.Length != 17 || len(l.Rules) != 2 {
				t.Errorf("got %+v", l)
			}
		case penstock.ReasonOverlong:
			if l.Detail != "told to nobody" || len(l.Rules) != 1 {
				t.Errorf("got %+v", l)
			}
		}
	}
}

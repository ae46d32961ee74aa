package penstock_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"github.com/seed56735111/penstock"
)

// forgetful is a Deliverer that keeps no record which can be read again.
type forgetful struct{ *stages }

func (f forgetful) Begin(reject penstock.RejectFunc) penstock.Delivery {
	return f.stages.Begin(func(ctx context.Context, r penstock.Rejection) error {
		if r.RawSum != 0 {
			r.Raw, r.Length = nil, int64(len(r.Raw))
		}
		return reject(ctx, r)
	})
}

// recallable returns an item of one object that is read again as another text, and how often that happened.
func recallable(s *stages, text string, again func() (io.Reader, error)) (penstock.Item, *atomic.Int64) {
	item, count := s.item("a", text), new(atomic.Int64)
	item.Objects[0].Again = func(_ context.Context, id penstock.Identity) (*penstock.Stream, error) {
		count.Add(1)
		r, err := again()
		if err != nil {
			return nil, err
		}
		return &penstock.Stream{ReadCloser: io.NopCloser(r), Identity: id}, nil
	}
	return item, count
}

func same(text string) func() (io.Reader, error) {
	return func() (io.Reader, error) { return strings.NewReader(text), nil }
}

// However many documents are refused, their records are read again once, and each letter has its own.
func TestLettersGetTheirRecordsByOneReading(t *testing.T) {
	t.Parallel()
	const n = 20_000
	text := strings.Repeat("ok bad long drop ", n)
	s := new(stages)
	item, again := recallable(s, text, same(text))
	p := s.pipeline(item)
	p.Deliverer = forgetful{s}
	got, err := counted(p.Run(t.Context()))
	want := penstock.Counts{Items: 1, Objects: 1, Records: 4 * n, Delivered: n, DeadLettered: 2 * n, Dropped: n}
	if got.BytesIn = 0; err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	if again.Load() != 1 {
		t.Errorf("read again %d times, want once", again.Load())
	}
	whole := 0
	for _, l := range s.letters {
		if l.Reason != penstock.ReasonRejected {
			continue
		}
		from := int(l.Source.Offset)
		if l.Gone || string(l.Raw) != "bad" || text[from:from+3] != "bad" || l.Source.Length != 3 ||
			l.ID != fmt.Sprint(from) || string(l.Document) != "bad" {
			t.Fatalf("letter %+v", l)
		}
		whole++
	}
	if whole != n {
		t.Errorf("%d letters of refused documents, want %d", whole, n)
	}
}

// A record that is not to be had any longer holds nothing back: its letter says that it is gone.
func TestWhatCannotBeReadAgainIsALetterWithoutItsRecord(t *testing.T) {
	t.Parallel()
	const text = "ok bad ok bad"
	for name, tt := range map[string]struct {
		again func() (io.Reader, error)
		whole int // letters that have their records
	}{
		"deleted":        {func() (io.Reader, error) { return nil, errors.New("no such key") }, 0},
		"another object": {same("bad ok bad ok"), 0},
		"false bytes":    {same("ok bed ok bad"), 1},
		"shorter":        {same("ok bad"), 1},
		"cut off": {func() (io.Reader, error) {
			return io.MultiReader(strings.NewReader("ok bad "), iotest.ErrReader(errors.New("reset"))), nil
		}, 1},
		"empty":   {same(""), 0},
		"a panic": {same("ok bad panic"), 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := new(stages)
			item, _ := recallable(s, text, tt.again)
			p := s.pipeline(item)
			p.Deliverer = forgetful{s}
			got, err := counted(p.Run(t.Context()))
			want := penstock.Counts{Items: 1, Objects: 1, Records: 4, Delivered: 2, DeadLettered: 2}
			if got.BytesIn = 0; err != nil || got != want {
				t.Errorf("%+v, %v, want %+v", got, err, want)
			}
			whole := 0
			for _, l := range s.letters {
				if l.Gone != (l.Raw == nil) || string(l.Document) != "bad" || l.Source.Object != "a/0" || l.Source.Length != 3 {
					t.Errorf("letter %+v", l)
				}
				if !l.Gone {
					whole++
				}
			}
			if len(s.letters) != 2 || whole != tt.whole {
				t.Errorf("%d letters, %d with their records, want 2 and %d", len(s.letters), whole, tt.whole)
			}
			if settled := s.settled["a"]; len(settled) != 1 || settled[0] != nil {
				t.Errorf("settled with %v", settled)
			}
		})
	}
}

// An object that comes again brings its letters with it: it is not read for them now.
func TestAnObjectThatComesAgainIsNotReadForItsLetters(t *testing.T) {
	t.Parallel()
	s := new(stages)
	const text = "ok bad cut"
	item, again := recallable(s, text, same(text))
	p := s.pipeline(item)
	p.Deliverer = forgetful{s}
	got, _ := counted(p.Run(t.Context()))
	if got.DeadLettered != 0 || got.Unacknowledged != 1 || got.ItemsGivenBack != 1 || !got.Balanced() {
		t.Errorf("%+v", got)
	}
	if again.Load() != 0 || len(s.letters) != 0 {
		t.Errorf("read again %d times, letters %+v", again.Load(), s.letters)
	}
}

// ruling is a shaper with rules that leave records as they are.
type ruling struct{ *stages }

func (r ruling) Entry(*penstock.Object, penstock.Identity, string, string) (penstock.EntryShaper, error) {
	return r, nil
}

func (ruling) Redact(*penstock.RecordError) {}
func (ruling) RulesRun() []string           { return []string{"mask"} }

// Where a record cannot be read again, or is not what the object has, it is kept.
func TestARecordIsKeptWhereReadingItAgainWillNotDo(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(p *penstock.Pipeline, o *penstock.Object){
		"the source cannot": func(_ *penstock.Pipeline, o *penstock.Object) { o.Again = nil },
		"the bytes are not pinned": func(_ *penstock.Pipeline, o *penstock.Object) {
			open := o.Open
			o.Open = func(ctx context.Context) (*penstock.Stream, error) {
				stream, err := open(ctx)
				stream.Identity.ETag = ""
				return stream, err
			}
		},
		"there are rules": func(p *penstock.Pipeline, _ *penstock.Object) {
			p.Shaper = ruling{p.Shaper.(*stages)} //nolint:forcetypeassert // it is one
		},
		"there is a deadline": func(p *penstock.Pipeline, _ *penstock.Object) { p.Pause = make(chan struct{}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := new(stages)
			const text = "ok bad"
			item, again := recallable(s, text, same(text))
			p := s.pipeline(item)
			p.Deliverer = forgetful{s}
			change(p, &item.Objects[0])
			p.Source = itemSource{item}
			if got, err := counted(p.Run(t.Context())); err != nil || got.DeadLettered != 1 {
				t.Errorf("%+v, %v", got, err)
			}
			if again.Load() != 0 || len(s.letters) != 1 || string(s.letters[0].Raw) != "bad" {
				t.Errorf("read again %d times, letters %+v", again.Load(), s.letters)
			}
		})
	}
}

// Entries of an archive are told by their places in it: two may have one name.
func TestTheEntriesOfAnArchiveAreReadAgain(t *testing.T) {
	t.Parallel()
	const text = "ok bad|ok ok|bad|long bad"
	s := new(stages)
	item, again := recallable(s, text, same(text))
	p := s.pipeline(item)
	p.Decoder, p.Deliverer = archive{}, forgetful{s}
	got, err := counted(p.Run(t.Context()))
	if err != nil || got.DeadLettered != 4 || got.Records != 7 {
		t.Errorf("%+v, %v", got, err)
	}
	whole := 0
	for _, l := range s.letters {
		if string(l.Raw) == "bad" {
			whole++
		}
	}
	if again.Load() != 1 || whole != 3 {
		t.Errorf("read again %d times, %d letters with their records, want 1 and 3", again.Load(), whole)
	}
}

// archive gives what is between bars as entries of one name.
type archive struct{}

func (archive) Entries(_ string, r io.Reader) iter.Seq2[penstock.Entry, error] {
	return func(yield func(penstock.Entry, error) bool) {
		text, _ := io.ReadAll(r)
		for part := range bytes.SplitSeq(text, []byte("|")) {
			if !yield(penstock.Entry{Name: "same", Reader: bytes.NewReader(part)}, nil) {
				return
			}
		}
	}
}

// The letters of an altered reading are not stored, nor are those that wait for their records.
func TestLettersOfAnAlteredReadingDoNotWait(t *testing.T) {
	t.Parallel()
	s := new(stages)
	const text = "ok ok bad"
	item, again := recallable(s, text, same(text))
	first := true
	open := item.Objects[0].Open
	item.Objects[0].Open = func(ctx context.Context) (*penstock.Stream, error) {
		stream, err := open(ctx)
		stream.Summed = true
		if first {
			first = false
			stream.ReadCloser = io.NopCloser(io.MultiReader(strings.NewReader("bad bad ok"),
				iotest.ErrReader(&penstock.AlteredError{Err: errors.New("sum differs")})))
		}
		return stream, err
	}
	p := s.pipeline(item)
	p.Deliverer = forgetful{s}
	got, err := counted(p.Run(t.Context()))
	if err != nil || got.DeadLettered != 1 || got.Records != 3 || !got.Balanced() {
		t.Errorf("%+v, %v", got, err)
	}
	offsets := []int64{}
	for _, l := range s.letters {
		offsets = append(offsets, l.Source.Offset)
	}
	if again.Load() != 1 || !slices.Equal(offsets, []int64{6}) || string(s.letters[0].Raw) != "bad" {
		t.Errorf("read again %d times, letters %+v", again.Load(), s.letters)
	}
}

// Letters that wait for their records are not stored when the run is stopped meanwhile, and their items come again.
func TestTheBrakeKeepsLettersThatWaitFromBeingStored(t *testing.T) {
	t.Parallel()
	s := new(stages)
	first, again := recallable(s, "bad", same("bad"))
	p := s.pipeline(first, s.item("b", "bad bad bad"))
	p.Deliverer, p.Brake, p.Workers = forgetful{s}, 3, 1
	got, err := counted(p.Run(t.Context()))
	if _, braked := errors.AsType[*penstock.BrakeError](err); !braked || !got.Balanced() {
		t.Errorf("%+v, %v, want a BrakeError", got, err)
	}
	if again.Load() != 0 || len(s.letters) != 0 {
		t.Errorf("read again %d times, letters %+v", again.Load(), s.letters)
	}
	for _, id := range []string{"a", "b"} {
		settled := s.settled[id]
		if _, braked := errors.AsType[*penstock.BrakeError](settled[0]); len(settled) != 1 || !braked {
			t.Errorf("%s: settled with %v, want a BrakeError", id, settled)
		}
	}
}

// Why an object comes again is what went wrong with it, and not that letters of another entry wait.
func TestLettersThatWaitDoNotHideWhyAnObjectComesAgain(t *testing.T) {
	t.Parallel()
	s := new(stages)
	const text = "bad|late"
	item, again := recallable(s, text, same(text))
	p := s.pipeline(item)
	p.Decoder, p.Deliverer = archive{}, forgetful{s}
	got, _ := counted(p.Run(t.Context()))
	if len(s.settled["a"]) != 1 || s.settled["a"][0] == nil || !got.Balanced() ||
		strings.Contains(s.settled["a"][0].Error(), "without an outcome") {
		t.Errorf("%+v, settled with %v", got, s.settled["a"])
	}
	if again.Load() != 0 || len(s.letters) != 0 {
		t.Errorf("read again %d times, letters %+v", again.Load(), s.letters)
	}
}

// Where no temporary file can be written, an object is read more than once for its letters, and memory stays bounded.
func TestLettersGetTheirRecordsWithoutATemporaryFile(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	t.Setenv("TMPDIR", none)
	t.Setenv("TMP", none)
	const n = 60_000
	text := strings.Repeat("bad ", n)
	s := new(stages)
	item, again := recallable(s, text, same(text))
	p := s.pipeline(item)
	p.Deliverer = forgetful{s}
	if got, err := counted(p.Run(t.Context())); err != nil || got.DeadLettered != n {
		t.Errorf("%+v, %v", got, err)
	}
	if n := again.Load(); n < 2 || n > 10 {
		t.Errorf("read again %d times, want a few", n)
	}
	for _, l := range s.letters {
		if string(l.Raw) != "bad" {
			t.Fatalf("letter %+v", l)
		}
	}
}

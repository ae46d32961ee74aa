package deadletter_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/deadletter"
)

func letter(id, raw string) penstock.Letter {
	return penstock.Letter{
		ID: id, Time: time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC), Reason: penstock.ReasonRejected,
		Type:   "mapper_parsing_exception",
		Detail: "failed to parse", Status: 400,
		Source: penstock.Place{
			Object: "s3://b/k", Bucket: "b", Key: "k", ETag: "e", Format: "ndjson", Offset: 7, Length: int64(len(raw)),
		},
		Index: "logs", Document: []byte(raw), Raw: []byte(raw), Routing: `r"1`, Pipeline: "enrich",
	}
}

// A letter is sent again where it was sent before, and the way it was.
func TestALetterKeepsTheWayOfItsDocument(t *testing.T) {
	t.Parallel()
	got, err := deadletter.DocumentOf(letter("a", "{}"))
	want := penstock.Document{
		Index: "logs", ID: []byte("a"), Head: []byte("{}"), Raw: []byte("{}"), Offset: 7,
		Routing: []byte(`r"1`), Pipeline: "enrich",
	}
	if diff := cmp.Diff(got, want); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

func put(t *testing.T, d *deadletter.Dir, letters ...penstock.Letter) {
	t.Helper()
	if err := d.Put(t.Context(), letters...); err != nil {
		t.Fatal(err)
	}
}

func letters(t *testing.T, d *deadletter.Dir) (all []penstock.Letter) {
	t.Helper()
	for l, err := range d.Letters(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
	}
	return all
}

func ids(list []penstock.Letter) (out []string) {
	for _, l := range list {
		out = append(out, l.ID)
	}
	return out
}

// lines are the stored lines of all files.
func lines(t *testing.T, dir string) (out []string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.dead.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")...)
	}
	return out
}

func TestALetterIsOneLineThatPeopleAndProgramsCanRead(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		`{"n":"many"}`, "line\nfeed\r\ttab", "quote\" back\\slash </script>", "\x00\x01\x7f\u2028\u202e",
		"not \xff UTF-8 \xc3", strings.Repeat("x", 100<<10), "",
	} {
		dir := t.TempDir()
		d := deadletter.Open(dir, nil)
		want := letter("a", raw)
		put(t, d, want)
		stored := lines(t, dir)
		if len(stored) != 1 || !json.Valid([]byte(stored[0])) {
			t.Errorf("%.20q: %d lines", raw, len(stored))
		}
		if diff := cmp.Diff(letters(t, d), []penstock.Letter{want}); diff != "" {
			t.Errorf("%.20q: %.500s", raw, diff)
		}
		if raw == `{"n":"many"}` && !strings.Contains(stored[0], `"raw":"{\"n\":\"many\"}"`) {
			t.Errorf("text is not stored as text: %s", stored[0])
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestALetterByReferenceHasNoBytes(t *testing.T) {
	t.Parallel()
	d := deadletter.Open(t.TempDir(), nil)
	want := penstock.Letter{
		ID: "r", Reason: penstock.ReasonCorrupt, Source: penstock.Place{Object: "o", Offset: 5, Length: -1},
	}
	put(t, d, want)
	if diff := cmp.Diff(letters(t, d), []penstock.Letter{want}); diff != "" {
		t.Error(diff)
	}
}

func TestTheNewestLetterOfAnIDStandsAndTheReplayedAreGone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, second := deadletter.Open(dir, nil), deadletter.Open(dir, nil)
	put(t, first, letter("a", "1"), letter("b", "1"), letter("c", "1"))
	put(t, second, letter("a", "2"))
	put(t, first, letter("b", "3"))
	got := letters(t, first)
	slices.SortFunc(got, func(x, y penstock.Letter) int { return strings.Compare(x.ID, y.ID) })
	var raws []string
	for _, l := range got {
		raws = append(raws, l.ID+string(l.Raw))
	}
	if diff := cmp.Diff(raws, []string{"a2", "b3", "c1"}); diff != "" {
		t.Errorf("letters (-got +want):\n%s", diff)
	}
	gone := []deadletter.Mark{deadletter.MarkOf(letter("a", "")), deadletter.MarkOf(letter("c", ""))}
	if err := first.Remove(t.Context(), gone...); err != nil {
		t.Fatal(err)
	}
	if err := second.Remove(t.Context(), gone...); err != nil {
		t.Fatal(err)
	}
	if got := ids(letters(t, first)); !slices.Equal(got, []string{"b"}) {
		t.Errorf("after a replay of a and c: %v", got)
	}
	later := letter("a", "4")
	later.Time = later.Time.Add(time.Second)
	put(t, first, later) // into a file that was begun before the mark
	if got := ids(letters(t, first)); len(got) != 2 {
		t.Errorf("a letter that came again after its replay: %v", got)
	}
}

func TestATornLineAfterACrashIsPassedOverAndSaid(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := deadletter.Open(dir, nil)
	put(t, d, letter("a", "1"), letter("b", "2"))
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(names) != 1 {
		t.Fatalf("%v, %v", names, err)
	}
	text, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	whole := bytes.IndexByte(text, '\n') + 1
	for cut := whole; cut < len(text)-1; cut++ {
		if err := os.WriteFile(names[0], text[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		again := deadletter.Open(dir, slog.New(slog.NewTextHandler(&log, nil)))
		if got := ids(letters(t, again)); !slices.Equal(got, []string{"a"}) {
			t.Fatalf("cut at %d of %d: letters %v, want a", cut, len(text), got)
		}
		if cut > whole && !strings.Contains(log.String(), "line passed over") {
			t.Fatalf("cut at %d: the log says nothing: %s", cut, log.String())
		}
	}
	// What is written after the crash goes into a file of its own.
	again := deadletter.Open(dir, nil)
	put(t, again, letter("c", "3"))
	if got := ids(letters(t, again)); !slices.Equal(got, []string{"a", "c"}) {
		t.Errorf("after the crash: %v", got)
	}
}

func TestAWriteThatFailsHalfWayHurtsNoOtherLetter(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := deadletter.Open(dir, nil)
	put(t, d, letter("a", "1"))
	// The file is closed under the store: the next write fails, the one after it goes into a new file.
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	f, err := os.OpenFile(names[0], os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"id":"torn","ti`); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	put(t, d, letter("b", "2"))
	if got := ids(letters(t, d)); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("letters %v", got)
	}
}

func TestAPlaceThatCannotBeWrittenIsAnErrorWithItsName(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := deadletter.Open(filepath.Join(file, "below"), nil).Put(t.Context(), letter("a", "1"))
	if err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("error %v, want one that names %s", err, file)
	}
	// Reading a store that was never written is no error, and makes nothing.
	none := filepath.Join(dir, "none")
	if got := letters(t, deadletter.Open(none, nil)); len(got) != 0 {
		t.Errorf("letters of nobody: %v", got)
	}
	if _, err := os.Stat(none); err == nil {
		t.Error("reading made the directory")
	}
}

func TestOnlyTheOwnerReadsTheLetters(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("modes mean something else on Windows")
	}
	dir := filepath.Join(t.TempDir(), "new")
	d := deadletter.Open(dir, nil)
	put(t, d, letter("a", "1"))
	err := filepath.WalkDir(dir, func(name string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestManyWritersShareADirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var wg sync.WaitGroup
	for w := range 4 {
		d := deadletter.Open(dir, nil)
		for g := range 4 {
			wg.Go(func() {
				for i := range 10 {
					if err := d.Put(t.Context(), letter(fmt.Sprintf("%d-%d-%d", w, g, i), strings.Repeat("x", i))); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	wg.Wait()
	if got := letters(t, deadletter.Open(dir, nil)); len(got) != 160 {
		t.Errorf("%d letters, want 160", len(got))
	}
}

// domain is a Deliverer: it refuses documents that say so, knows those that it has, and breaks on demand.
type domain struct {
	mu     sync.Mutex
	docs   map[string]string
	writes int
	broken error // of every Wait
}

type delivery struct {
	*domain
	reject penstock.RejectFunc
	out    penstock.Outcome
}

func (*domain) Hold() (release func()) { return func() {} }

func (d *domain) Begin(reject penstock.RejectFunc) penstock.Delivery {
	return &delivery{domain: d, reject: reject}
}

func (d *delivery) Add(ctx context.Context, doc penstock.Document) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if strings.Contains(string(doc.Body()), "poison") {
		d.out.Rejected++
		return d.reject(ctx, penstock.Rejection{Document: doc, Status: 400})
	}
	if _, ok := d.docs[string(doc.ID)]; ok {
		d.out.Duplicate++
		return nil
	}
	d.docs[string(doc.ID)] = string(doc.Body())
	d.writes++
	d.out.Delivered++
	return nil
}

func (d *delivery) Wait(context.Context) (penstock.Outcome, error) { return d.out, d.broken }

func TestReplayTakesOutWhatArrivesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store := deadletter.Open(dir, nil)
	var all []penstock.Letter
	for i := range 2500 {
		text := fmt.Sprintf(`{"n":%d}`, i)
		if i%1000 == 7 {
			text = `{"n":"poison"}`
		}
		all = append(all, letter(fmt.Sprintf("id-%04d", i), text))
	}
	put(t, store, all...)
	put(t, store, penstock.Letter{
		ID: "by-reference", Reason: penstock.ReasonOverlong, Source: penstock.Place{Object: "o"},
	})
	target := &domain{docs: map[string]string{"id-0001": "there already"}}

	// A replay that breaks off marks nothing that it is not sure of; running it again adds no document.
	target.broken = context.DeadlineExceeded
	broken, err := deadletter.Replay(t.Context(), store, target, deadletter.ReplayOptions{})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a broken delivery ends with %v", err)
	}
	if broken.Letters == 0 ||
		broken.Letters != broken.Delivered+broken.Duplicate+broken.Again+broken.Unshaped+broken.ByReference+
			broken.Unacknowledged {
		t.Errorf("counts of a broken replay do not add up: %+v", broken)
	}
	if n := len(letters(t, store)); n != 2501 {
		t.Errorf("after a broken replay %d letters are left, want all 2501", n)
	}
	target.broken = nil
	counts, err := deadletter.Replay(t.Context(), store, target, deadletter.ReplayOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// The first group had arrived; it is found there.
	if counts.Letters != 2501 || counts.Delivered+counts.Duplicate != 2497 || counts.Again != 3 ||
		counts.ByReference != 1 || counts.Unacknowledged != 0 {
		t.Errorf("counts %+v", counts)
	}
	if target.writes != 2496 || len(target.docs) != 2497 {
		t.Errorf("%d writes, %d documents", target.writes, len(target.docs))
	}
	want := []string{"id-0007", "id-1007", "id-2007", "by-reference"}
	if diff := cmp.Diff(ids(letters(t, store)), want); diff != "" {
		t.Errorf("letters that stay (-got +want):\n%s", diff)
	}
	chosen, err := deadletter.Replay(t.Context(), store, target, deadletter.ReplayOptions{
		Choose: func(l penstock.Letter) bool { return l.ID == "id-1007" },
	})
	if err != nil || chosen.Letters != 1 || chosen.Again != 1 {
		t.Errorf("choosing one: %+v, %v", chosen, err)
	}
}

// full is a domain that takes two documents and then no more, as when the replay is interrupted.
type full struct {
	penstock.Delivery
	taken int64
}

func (*full) Hold() (release func()) { return func() {} }

func (f *full) Begin(penstock.RejectFunc) penstock.Delivery { return f }

func (f *full) Add(context.Context, penstock.Document) error {
	if f.taken == 2 {
		return context.Canceled
	}
	f.taken++
	return nil
}

func (f *full) Wait(context.Context) (penstock.Outcome, error) {
	return penstock.Outcome{Delivered: f.taken}, nil
}

func TestALetterThatWasNotSentStays(t *testing.T) {
	t.Parallel()
	store := deadletter.Open(t.TempDir(), nil)
	put(t, store, letter("a", "1"), letter("b", "2"), letter("c", "3"), letter("d", "4"))
	counts, err := deadletter.Replay(t.Context(), store, &full{}, deadletter.ReplayOptions{})
	if !errors.Is(err, context.Canceled) ||
		counts != (deadletter.ReplayCounts{Letters: 3, Delivered: 2, Unacknowledged: 1}) {
		t.Errorf("counts %+v, error %v", counts, err)
	}
	if left := ids(letters(t, store)); !slices.Equal(left, []string{"c", "d"}) {
		t.Errorf("letters left: %v, want c, which was not taken, and d", left)
	}
}

func FuzzParse(f *testing.F) {
	line, err := deadletter.Append(nil, letter("a", "x"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(line)
	f.Add([]byte(`{"id":"a","raw_base64":"!"}`))
	f.Add([]byte(`{"id":"a","replayed":true}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, replayed, err := deadletter.Parse(data)
		if err != nil || replayed {
			return
		}
		again, err := deadletter.Append(nil, l)
		if err != nil {
			return // a time that JSON cannot have
		}
		second, _, err := deadletter.Parse(again)
		if err != nil || second.ID != l.ID || !bytes.Equal(second.Raw, l.Raw) || !bytes.Equal(second.Document, l.Document) {
			t.Errorf("%q: stored as %q, read as %+v, %v", data, again, second, err)
		}
	})
}

func BenchmarkPut(b *testing.B) {
	d := deadletter.Open(b.TempDir(), nil)
	group := make([]penstock.Letter, 256)
	for i := range group {
		group[i] = letter(fmt.Sprint(i), strings.Repeat("x", 500))
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := d.Put(context.Background(), group...); err != nil {
			b.Fatal(err)
		}
	}
}

// closedError is about one index.
type closedError struct{}

func (closedError) Error() string { return "the index is closed" }
func (closedError) Fatal() bool   { return false }

// closing is a domain one index of which is closed.
type closing struct{ *domain }

func (c closing) Begin(reject penstock.RejectFunc) penstock.Delivery {
	return &closingDelivery{Delivery: c.domain.Begin(reject)}
}

type closingDelivery struct {
	penstock.Delivery
	closed bool
}

func (d *closingDelivery) Add(ctx context.Context, doc penstock.Document) error {
	if doc.Index == "closed" {
		d.closed = true
		return nil
	}
	return d.Delivery.Add(ctx, doc)
}

func (d *closingDelivery) Wait(ctx context.Context) (penstock.Outcome, error) {
	out, err := d.Delivery.Wait(ctx)
	if d.closed && err == nil {
		err = closedError{}
	}
	return out, err
}

// An index that takes nothing keeps its letters; those of the others arrive and are taken out.
func TestReplayGoesOnWithoutAnIndexThatTakesNothing(t *testing.T) {
	t.Parallel()
	store := deadletter.Open(t.TempDir(), nil)
	var all []penstock.Letter
	for i := range 3000 {
		l := letter(fmt.Sprintf("id-%04d", i), fmt.Sprintf(`{"n":%d}`, i))
		l.Index = []string{"closed", "open", fmt.Sprintf("day-%d", i%100)}[i%3]
		all = append(all, l)
	}
	put(t, store, all...)
	got, err := deadletter.Replay(t.Context(), store, closing{&domain{docs: map[string]string{}}},
		deadletter.ReplayOptions{})
	if !errors.Is(err, closedError{}) || got.Letters != 3000 || got.Delivered != 2000 || got.Unacknowledged != 1000 {
		t.Errorf("%+v, error %v", got, err)
	}
	for _, l := range letters(t, store) {
		if l.Index != "closed" {
			t.Fatalf("%s of %s is left", l.ID, l.Index)
		}
	}
	if n := len(letters(t, store)); n != 1000 {
		t.Errorf("%d letters are left, want 1000", n)
	}
}

// A letter that becomes several documents is taken out when all of them have arrived, and counts once.
func TestALetterOfPartsGoesAsAWhole(t *testing.T) {
	t.Parallel()
	parts := func(l penstock.Letter) (docs []penstock.Document, err error) {
		doc, err := deadletter.DocumentOf(l)
		for i, text := range strings.Split(string(l.Document), ",") {
			part := doc
			part.ID, part.Head = fmt.Appendf(nil, "%s.%d", l.ID, i), []byte(text)
			docs = append(docs, part)
		}
		return docs, err
	}
	store := deadletter.Open(t.TempDir(), nil)
	put(t, store, letter("a", "1,2"), letter("b", "3,poison"), letter("c", "4"), letter("d", "5,6"))
	target := &domain{docs: map[string]string{"d.0": "5", "d.1": "6", "a.1": "2"}}
	counts, err := deadletter.Replay(t.Context(), store, target, deadletter.ReplayOptions{Documents: parts})
	if want := (deadletter.ReplayCounts{Letters: 4, Delivered: 2, Duplicate: 1, Again: 1}); err != nil || counts != want {
		t.Errorf("got %+v, %v, want %+v", counts, err, want)
	}
	if diff := cmp.Diff(ids(letters(t, store)), []string{"b"}); diff != "" {
		t.Errorf("letters that stay (-got +want):\n%s", diff)
	}
	if target.docs["a.0"] != "1" || target.docs["b.0"] != "3" || target.writes != 3 {
		t.Errorf("there are %v", target.docs)
	}
	put(t, store, letter("e", "7,8"))
	target.broken = context.DeadlineExceeded
	counts, err = deadletter.Replay(t.Context(), store, target, deadletter.ReplayOptions{Documents: parts})
	if !errors.Is(err, context.DeadlineExceeded) || counts.Unacknowledged == 0 || len(letters(t, store)) != 2 {
		t.Errorf("a broken delivery: %+v, %v", counts, err)
	}
}

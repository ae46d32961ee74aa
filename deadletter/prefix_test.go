package deadletter_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/deadletter"
)

// memory is a bucket.
type memory struct {
	mu      sync.Mutex
	objects map[string][]byte
	refuse  error
}

func newMemory() *memory { return &memory{objects: map[string][]byte{}} }

func (m *memory) Put(_ context.Context, key string, body []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refuse != nil {
		return m.refuse
	}
	m.objects[key] = bytes.Clone(body)
	return nil
}

func (m *memory) Get(_ context.Context, key string) (io.ReadCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	body, ok := m.objects[key]
	if !ok {
		return nil, errors.New("no object " + key)
	}
	return io.NopCloser(bytes.NewReader(bytes.Clone(body))), nil
}

func (m *memory) List(_ context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		m.mu.Lock()
		keys := slices.Sorted(maps.Keys(m.objects))
		m.mu.Unlock()
		for _, key := range keys {
			if strings.HasPrefix(key, prefix) && !yield(key, nil) {
				return
			}
		}
	}
}

func (m *memory) Delete(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.objects, key)
	return nil
}

func collect(t *testing.T, s deadletter.Store) (all []penstock.Letter) {
	t.Helper()
	for l, err := range s.Letters(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
	}
	return all
}

// Taking letters out of an object keeps everything else in it, also what cannot be read.
func TestALetterThatIsTakenOutTakesNoOtherLineOfItsObjectAlong(t *testing.T) {
	t.Parallel()
	objects := newMemory()
	store := deadletter.OpenPrefix(objects, "p", nil)
	var text []byte
	for _, id := range []string{"a", "b"} {
		var err error
		if text, err = deadletter.Append(text, penstock.Letter{
			ID: id, Reason: penstock.ReasonRejected, Raw: []byte(id),
		}); err != nil {
			t.Fatal(err)
		}
	}
	text = append(text, "{\"id\":\"cut off\",\"ti\n\nnot a letter"...)
	objects.objects["p/x.jsonl"] = text
	all := collect(t, store)
	if got := ids(all); !slices.Equal(got, []string{"a", "b"}) {
		t.Fatalf("letters %v", got)
	}
	if err := store.Remove(t.Context(), deadletter.MarkOf(all[0])); err != nil {
		t.Fatal(err)
	}
	if got := ids(collect(t, store)); !slices.Equal(got, []string{"b"}) {
		t.Errorf("letters %v, want b", got)
	}
	_, rest, _ := bytes.Cut(text, []byte("\n"))
	if got := string(objects.objects["p/x.jsonl"]); strings.TrimSpace(got) != string(rest) {
		t.Errorf("the object holds %q, want %q", got, rest)
	}
	if err := store.Remove(t.Context(), deadletter.MarkOf(all[1])); err != nil {
		t.Fatal(err)
	}
	got := string(objects.objects["p/x.jsonl"])
	if !strings.Contains(got, "cut off") || !strings.Contains(got, "not a letter") {
		t.Errorf("the object holds %q", got)
	}
}

// Both kinds of stores, as the tests below use them.
func stores(t *testing.T) map[string]deadletter.Store {
	dir := deadletter.Open(t.TempDir(), nil)
	t.Cleanup(func() { _ = dir.Close() })
	return map[string]deadletter.Store{
		"directory": dir, "prefix": deadletter.OpenPrefix(newMemory(), "letters/", nil),
		"whole bucket": deadletter.OpenPrefix(newMemory(), "", nil),
	}
}

// One record that failed on its way to two indexes, or to two domains, has a letter for each; taking one out keeps the
// others.
func TestALetterIsWhoItIsByDomainIndexAndID(t *testing.T) {
	t.Parallel()
	for name, store := range stores(t) {
		var all []penstock.Letter
		for _, domain := range []string{"https://a", "https://b"} {
			for _, index := range []string{"x", "y", ""} {
				l := letter("one", "1")
				l.Domain, l.Index = domain, index
				all = append(all, l)
			}
		}
		if err := store.Put(t.Context(), all...); err != nil {
			t.Fatal(err)
		}
		for n, l := range all {
			if got := len(collect(t, store)); got != len(all)-n {
				t.Fatalf("%s: %d letters, want %d", name, got, len(all)-n)
			}
			if err := store.Remove(t.Context(), deadletter.MarkOf(l)); err != nil {
				t.Fatal(err)
			}
			for _, left := range collect(t, store) {
				if deadletter.KeyOf(left) == deadletter.KeyOf(l) {
					t.Errorf("%s: %+v is still there", name, deadletter.KeyOf(l))
				}
			}
		}
	}
}

// A failure that is written again while its older letter is being replayed is not taken out with it.
func TestALetterThatIsWrittenAgainStays(t *testing.T) {
	t.Parallel()
	for name, store := range stores(t) {
		old, again := letter("a", "1"), letter("a", "2")
		again.Time = again.Time.Add(time.Minute)
		if err := errors.Join(store.Put(t.Context(), old), store.Put(t.Context(), again)); err != nil {
			t.Fatal(err)
		}
		if got := collect(t, store); len(got) != 1 || string(got[0].Raw) != "2" {
			t.Fatalf("%s: letters %+v, want the newer", name, got)
		}
		if err := store.Remove(t.Context(), deadletter.MarkOf(old)); err != nil {
			t.Fatal(err)
		}
		if got := collect(t, store); len(got) != 1 || string(got[0].Raw) != "2" {
			t.Errorf("%s: letters %+v, want the newer", name, got)
		}
	}
}

// What earlier versions wrote: letters without a domain, which one with a domain replaces, and marks with the id alone.
func TestLettersAndMarksOfEarlierVersions(t *testing.T) {
	t.Parallel()
	const stored = `{"id":"a","time":"2026-11-24T00:00:00Z","reason":"rejected","source":{"object":"o","offset":1},` +
		`"index":"x","raw":"a"}
{"id":"b","time":"2026-11-24T00:00:00Z","reason":"rejected","source":{"object":"o","offset":2},"index":"x","raw":"b"}
{"id":"c","time":"2026-11-24T00:00:00Z","reason":"rejected","source":{"object":"o","offset":3},` +
		`"domain":"https://d","index":"x","raw":"c"}
{"id":"a","time":"2026-11-24T00:00:01Z","source":{"object":"","offset":0},"replayed":true}
{"id":"c","time":"2026-11-24T00:00:01Z","source":{"object":"","offset":0},"replayed":true}
`
	objects := newMemory()
	objects.objects["old.jsonl"] = []byte(stored)
	store := deadletter.OpenPrefix(objects, "", nil)
	if got := ids(collect(t, store)); !slices.Equal(got, []string{"b", "c"}) {
		t.Errorf("letters %v, want b and c, whose mark means a letter without a domain", got)
	}
	again := letter("b", "again")
	again.Domain, again.Index = "https://d", "x"
	if err := store.Put(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	got := collect(t, store)
	if slices.Sort(ids(got)); len(got) != 2 {
		t.Errorf("letters %v, want one b", ids(got))
	}
	for _, l := range got {
		if l.ID == "b" && string(l.Raw) != "again" {
			t.Errorf("b is %q", l.Raw)
		}
	}
}

// A prefix is a store of its own: what only begins like it is not its.
func TestAPrefixEndsAtASlash(t *testing.T) {
	t.Parallel()
	objects := newMemory()
	for _, prefix := range []string{"a", "ab", "a/b", ""} {
		if err := deadletter.OpenPrefix(objects, prefix, nil).Put(t.Context(), letter(prefix+"-", prefix)); err != nil {
			t.Fatal(err)
		}
	}
	if got := ids(collect(t, deadletter.OpenPrefix(objects, "ab/", nil))); !slices.Equal(got, []string{"ab-"}) {
		t.Errorf("letters %v, want ab-", got)
	}
}

func TestPrepareProvesThatLettersCanBeWrittenAndLeavesNone(t *testing.T) {
	t.Parallel()
	for name, store := range stores(t) {
		for range 2 {
			if err := store.Prepare(t.Context()); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if got := collect(t, store); len(got) != 0 {
			t.Errorf("%s: letters %v", name, got)
		}
		if err := store.Put(t.Context(), letter("a", "1")); err != nil || len(collect(t, store)) != 1 {
			t.Errorf("%s: a letter after it: %v", name, err)
		}
	}
	refused := newMemory()
	refused.refuse = errors.New("not allowed")
	if err := deadletter.OpenPrefix(refused, "p", nil).Prepare(t.Context()); !errors.Is(err, refused.refuse) {
		t.Errorf("error %v", err)
	}
}

// While a replay takes letters out of objects, those that come after them in the same objects are neither lost nor
// doubled.
func TestAReplayThatRewritesWhatItReadsSeesEveryLetterOnce(t *testing.T) {
	t.Parallel()
	for name, store := range stores(t) {
		// Each letter is in three objects, the newest in the last one that is listed or the first.
		for round := range 3 {
			for batch := range 7 {
				var all []penstock.Letter
				for i := range 400 {
					l := letter(string(rune('a'+batch))+strings.Repeat("i",
						i%9)+string(rune('A'+i%26))+string(rune('0'+i%10))+strings.Repeat("j", i/26), "x")
					l.Time = l.Time.Add(time.Duration(round) * time.Second)
					l.Raw = []byte{byte('0' + round)}
					all = append(all, l)
				}
				if err := store.Put(t.Context(), all...); err != nil {
					t.Fatal(err)
				}
			}
		}
		want := len(collect(t, store))
		target := &domain{docs: map[string]string{}}
		counts, err := deadletter.Replay(t.Context(), store, target, deadletter.ReplayOptions{})
		if err != nil || int(counts.Delivered) != want || counts.Letters != counts.Delivered {
			t.Errorf("%s: %+v, %v, want %d delivered", name, counts, err, want)
		}
		if left := collect(t, store); len(left) != 0 {
			t.Errorf("%s: %d letters are left", name, len(left))
		}
	}
}

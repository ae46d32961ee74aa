package deadletter_test

import (
	"slices"
	"testing"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/deadletter"
)

// A letter whose record is gone is replaced by one that has it and replaces none, whichever was written first. What
// takes the letter out takes both.
func TestALetterWithoutItsRecordReplacesNoneThatHasIt(t *testing.T) {
	t.Parallel()
	whole, gone := letter("a", "{}"), letter("a", "{}")
	gone.Raw, gone.Gone = nil, true
	for name, open := range map[string]func(t *testing.T) deadletter.Store{
		"directory": func(t *testing.T) deadletter.Store { return deadletter.Open(t.TempDir(), nil) },
		"prefix":    func(*testing.T) deadletter.Store { return deadletter.OpenPrefix(newMemory(), "p", nil) },
	} {
		for order, first := range map[string]bool{"gone first": true, "gone last": false} {
			for at, later := range map[string]time.Duration{"gone earlier": -time.Hour, "gone later": time.Hour} {
				t.Run(name+", "+order+", "+at, func(t *testing.T) {
					t.Parallel()
					gone := gone
					gone.Time = whole.Time.Add(later)
					two := []penstock.Letter{whole, gone}
					if first {
						slices.Reverse(two)
					}
					store := open(t)
					defer func() { _ = store.Close() }()
					for _, l := range two {
						if err := store.Put(t.Context(), l); err != nil {
							t.Fatal(err)
						}
					}
					all := collect(t, store)
					if len(all) != 1 || string(all[0].Raw) != "{}" || all[0].Gone {
						t.Fatalf("letters %+v, want the one with its record", all)
					}
					if err := store.Remove(t.Context(), deadletter.MarkOf(all[0])); err != nil {
						t.Fatal(err)
					}
					if all := collect(t, store); len(all) > 0 {
						t.Errorf("letters %+v after it was taken out", all)
					}
				})
			}
		}
	}
}

// A letter whose record is gone says so, keeps its document, and is sent again as any other.
func TestALetterWithoutItsRecordIsSentAgain(t *testing.T) {
	t.Parallel()
	gone := letter("a", `{"n":1}`)
	gone.Raw, gone.Gone = nil, true
	store := deadletter.Open(t.TempDir(), nil)
	defer func() { _ = store.Close() }()
	put(t, store, gone)
	if all := letters(t, store); len(all) != 1 || !all[0].Gone || string(all[0].Document) != `{"n":1}` {
		t.Fatalf("letters %+v", all)
	}
	got, err := deadletter.Replay(t.Context(), store, &domain{docs: map[string]string{}}, deadletter.ReplayOptions{})
	if want := (deadletter.ReplayCounts{Letters: 1, Delivered: 1}); err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	if all := letters(t, store); len(all) > 0 {
		t.Errorf("letters %+v after they arrived", all)
	}
}

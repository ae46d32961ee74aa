package penstock_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed56735111/penstock"
)

// counted returns the two things about a run that most tests want to know.
func counted(r penstock.Result) (penstock.Counts, error) { return r.Counts, r.Err() }

// A result tells apart how a run came to its end.
func TestAResultSaysHowTheRunEnded(t *testing.T) {
	t.Parallel()
	broken := errors.New("listing broke off")
	tests := []struct {
		name      string
		items     map[string]string
		source    error // after the items
		interrupt bool
		letters   error
		fatal     bool
		cut       bool
		complete  bool
		given     []string
		failed    string // the first object that failed
	}{
		{name: "everything is settled", items: map[string]string{"a": "ok bad drop"}, complete: true},
		{
			name: "an object fails alone", items: map[string]string{"a": "ok", "b": "ok cut"},
			given: []string{"b"}, failed: "b/0",
		},
		{name: "the source breaks off", items: map[string]string{"a": "ok"}, source: broken},
		{
			name: "nothing can be put away", items: map[string]string{"a": "bad"},
			letters: errors.New("disk full"), fatal: true, given: []string{"a"}, failed: "a/0",
		},
		{
			name: "an interrupt", items: map[string]string{"a": "ok sleep"}, interrupt: true, cut: true,
			given: []string{"z", "a"}, failed: "a/0", // there was no room for z
		},
		{
			name: "an interrupt of which the source tells", items: map[string]string{"a": "ok sleep"},
			interrupt: true, source: context.Canceled, cut: true,
			given: []string{"z", "a"}, failed: "a/0",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &stages{putErr: tt.letters}
				var items []penstock.Item
				for _, id := range []string{"a", "b"} {
					if text, ok := tt.items[id]; ok {
						items = append(items, s.item(id, text))
					}
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				p := s.pipeline()
				p.Workers, p.InHand, p.Grace = 1, 1, time.Hour
				if tt.interrupt {
					items = append(items, s.item("z", "ok"))
					time.AfterFunc(time.Second, cancel)
				}
				p.Source = breakingSource{items, tt.source}
				got := p.Run(ctx)
				if (got.Fatal != nil) != tt.fatal || (got.Interrupted != nil) != tt.cut || got.Complete() != tt.complete {
					t.Errorf("fatal %v, interrupted %v, complete %v", got.Fatal, got.Interrupted, got.Complete())
				}
				if want := tt.source; !tt.interrupt && !errors.Is(got.Source, want) {
					t.Errorf("source ended with %v, want %v", got.Source, want)
				}
				if tt.interrupt && got.Source != nil {
					t.Errorf("source ended with %v, and it was interrupted", got.Source)
				}
				if (got.Err() != nil) != (tt.fatal || tt.cut || tt.source != nil) {
					t.Errorf("ended with %v", got.Err())
				}
				var given []string
				for _, g := range got.GivenBack {
					if g.Err == nil {
						t.Errorf("%s is given back without a reason", g.ID)
					}
					given = append(given, g.ID)
				}
				if fmt.Sprint(given) != fmt.Sprint(tt.given) || int(got.ItemsGivenBack) != len(given) {
					t.Errorf("given back %v of %d, want %v", given, got.ItemsGivenBack, tt.given)
				}
				if f, ok := got.FirstFailure(); ok != (tt.failed != "") || f.Object != tt.failed {
					t.Errorf("first failure %+v, %v, want that of %q", f, ok, tt.failed)
				}
			})
		})
	}
}

// A run with many failures keeps the first of them and counts all.
func TestAResultIsBounded(t *testing.T) {
	t.Parallel()
	s := new(stages)
	var items []penstock.Item
	for i := range penstock.MaxGivenBack + 20 {
		items = append(items, s.item(fmt.Sprint(i), "cut"))
	}
	got := s.pipeline(items...).Run(t.Context())
	if len(got.GivenBack) != penstock.MaxGivenBack || got.ItemsGivenBack != penstock.MaxGivenBack+20 {
		t.Errorf("%d kept, %d counted", len(got.GivenBack), got.ItemsGivenBack)
	}
}

// breakingSource ends with an error behind its items.
type breakingSource struct {
	items []penstock.Item
	err   error
}

func (s breakingSource) Items(context.Context) iter.Seq2[penstock.Item, error] {
	return func(yield func(penstock.Item, error) bool) {
		for _, item := range s.items {
			if !yield(item, nil) {
				return
			}
		}
		if s.err != nil {
			yield(penstock.Item{}, s.err)
		}
	}
}

package penstock_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed56735111/penstock"
)

// far is a store of objects that knows which of them are open.
type far struct {
	mu           sync.Mutex
	opened, open int
	most         int // at once
}

// object is one with a text, of which a listing says that it has so many bytes.
func (f *far) object(name, text string, size int64) penstock.Object {
	o := penstock.Object{Name: name, Size: size, Open: func(context.Context) (*penstock.Stream, error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.opened++
		f.open++
		f.most = max(f.most, f.open)
		return &penstock.Stream{
			ReadCloser: &farReader{Reader: strings.NewReader(text), close: sync.OnceFunc(func() {
				f.mu.Lock()
				defer f.mu.Unlock()
				f.open--
			})}, Identity: penstock.Identity{Key: name, ETag: "e"},
		}, nil
	}}
	remote(&o, 30*time.Millisecond)
	return o
}

type farReader struct {
	io.Reader
	close func()
}

func (r *farReader) Close() error {
	r.close()
	return nil
}

// items are so many of one object each.
func (f *far) items(s *stages, n int, text string, size int64) (items []penstock.Item) {
	for i := range n {
		item := s.item(fmt.Sprint(i))
		item.Objects = []penstock.Object{f.object(item.ID, text, size)}
		items = append(items, item)
	}
	return items
}

const (
	smallSize = 100
	largeSize = 3 << 20 // two of them are opened ahead
	hugeSize  = 9 << 20 // none of them is
)

// What is opened ahead is bounded by number and by bytes; small objects are not open any more while they wait.
func TestFewObjectsAreOpenedAhead(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		size   int64
		ahead  int
		opened int // while the first is read
		open   int
	}{
		"small ones, by number":  {smallSize, 8, 1 + 8, 1},
		"large ones, by bytes":   {largeSize, 8, 1 + 2, 1 + 2},
		"huge ones, none":        {hugeSize, 8, 1, 1},
		"of unknown size, none":  {-1, 8, 1, 1},
		"no more than is wanted": {smallSize, 0, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, f := new(stages), new(far)
				p := s.pipeline(f.items(s, 20, "sleep ok", tt.size)...)
				p.Workers, p.OpenAhead = 1, tt.ahead
				time.AfterFunc(30*time.Second, func() {
					f.mu.Lock()
					defer f.mu.Unlock()
					if f.opened != tt.opened || f.open > tt.open {
						t.Errorf("%d opened, %d of them open, want %d and %d at most", f.opened, f.open, tt.opened, tt.open)
					}
				})
				got, err := counted(p.Run(t.Context()))
				// "sleep" is a word that has no outcome: each item comes again.
				if err != nil || got.Delivered != 20 || f.open != 0 || f.opened != 20 {
					t.Errorf("%+v, %v; %d opened, %d open", got, err, f.opened, f.open)
				}
			})
		})
	}
}

// What is opened and not begun when the run has to end is closed and given back; what is being opened is not waited
// for.
func TestWhatIsOpenedAheadAndNotBegunIsGivenBack(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]func(p *penstock.Pipeline, first *penstock.Object, cancel func()){
		"a signal": func(_ *penstock.Pipeline, _ *penstock.Object, cancel func()) {
			time.AfterFunc(time.Second, cancel)
		},
		"a pause": func(p *penstock.Pipeline, _ *penstock.Object, _ func()) {
			pause := make(chan struct{})
			p.Pause = pause
			time.AfterFunc(time.Second, func() { close(pause) })
		},
		"a fatal error": func(_ *penstock.Pipeline, first *penstock.Object, _ func()) {
			first.Open = new(far).object("first", "sleep fatal", smallSize).Open
		},
	} {
		for _, size := range []int64{smallSize, largeSize} {
			t.Run(fmt.Sprintf("%s, %d bytes", name, size), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s, f := new(stages), new(far)
					items := f.items(s, 20, "sleep ok", size)
					stuck := s.item("stuck")
					stuck.Objects = []penstock.Object{f.object("stuck", "ok", 10)}
					remote(&stuck.Objects[0], 24*time.Hour)
					items = append([]penstock.Item{items[0], stuck}, items[1:]...)
					p := s.pipeline(items...)
					p.Workers, p.OpenAhead = 1, 8
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					stop(p, &items[0].Objects[0], cancel)
					begun := time.Now()
					result := p.Run(ctx)
					// Each of those that have begun takes a minute, and any of them may be the one with the error.
					if took := time.Since(begun); took > 2*time.Minute && name != "a fatal error" || took > 10*time.Minute {
						t.Errorf("the run ended after %v", took)
					}
					if f.open != 0 {
						t.Errorf("%d of %d objects are still open", f.open, f.opened)
					}
					for id, errs := range s.settled {
						if len(errs) != 1 || id != "0" && errs[0] == nil {
							t.Errorf("item %s was settled with %v", id, errs)
						}
					}
					if n := len(s.settled); n < 3 || s.settled["stuck"] == nil || !result.Balanced() {
						t.Errorf("%d items were settled: %+v", n, result.Counts)
					}
				})
			})
		}
	}
}

// A listing may be older than the object.
func TestAnObjectThatIsLongerThanListedIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	for _, size := range []int64{0, 1, 7, 8, 9} { // it has 8
		synctest.Test(t, func(t *testing.T) {
			s, f := new(stages), new(far)
			p := s.pipeline(f.items(s, 1, "ok ok ok", size)...)
			p.OpenAhead = 1
			got, err := counted(p.Run(t.Context()))
			if err != nil || got.Delivered != 3 || got.BytesIn != 8 || f.open != 0 {
				t.Errorf("listed with %d bytes: %+v, %v; %d open", size, got, err, f.open)
			}
		})
	}
}

// What goes wrong when an object is opened ahead is told as if it were opened by who reads it.
func TestOpeningAheadFailsAsOpeningDoes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, f := new(stages), new(far)
		items := f.items(s, 3, "ok", smallSize)
		items[0].Objects[0].Open = func(context.Context) (*penstock.Stream, error) { panic("boom") }
		items[1].Objects[0].Open = func(context.Context) (*penstock.Stream, error) { return nil, errors.New("no such key") }
		p := s.pipeline(items...)
		p.OpenAhead = 8
		got, err := counted(p.Run(t.Context()))
		if err != nil || got.Delivered != 1 || got.ItemsGivenBack != 2 || !got.Balanced() {
			t.Errorf("%+v, %v", got, err)
		}
		for id, want := range map[string]string{"0": "internal error: boom", "1": "no such key"} {
			if errs := s.settled[id]; len(errs) != 1 || !strings.Contains(fmt.Sprint(errs[0]), want) {
				t.Errorf("item %s was settled with %v, want %s", id, errs, want)
			}
		}
	})
}

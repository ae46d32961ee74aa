package penstock_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed56735111/penstock"
)

func words10(word string, n int) string { return strings.Repeat(word+" ", n) }

// With nothing stored yet, refused records are no letters and unparsed ones are not sent before the run is known to
// be a good one.
func TestTheBrake(t *testing.T) {
	t.Parallel()
	const limit = 10
	for _, test := range []struct {
		name    string
		objects []string // an item each
		once    bool
		braked  bool
		letters int
		want    penstock.Counts // but for items, objects and bytes
	}{
		{
			name: "everything is refused", objects: []string{words10("bad", 40)}, braked: true,
			want: penstock.Counts{Records: 10, Unacknowledged: 10},
		},
		{
			name: "nothing can be read", objects: []string{words10("long", 40)}, braked: true,
			want: penstock.Counts{Records: 10, Unacknowledged: 10},
		},
		{
			name: "nothing matches the format", objects: []string{words10("raw", 40)}, braked: true,
			want: penstock.Counts{Records: 10, Unacknowledged: 10, Unparsed: 10},
		},
		{
			name: "a little of each", objects: []string{"bad raw bad", "long raw long raw", "bad raw raw raw raw bad"},
			braked: true, want: penstock.Counts{},
		},
		{"fewer refused", []string{words10("bad", 9)}, false, false, 9, penstock.Counts{Records: 9, DeadLettered: 9}},
		{
			name: "fewer unparsed", objects: []string{words10("raw", 9)},
			want: penstock.Counts{Records: 9, Delivered: 9, Unparsed: 9},
		},
		{
			name: "one in each item", objects: strings.Fields(words10("bad", 9)), letters: 9,
			want: penstock.Counts{Records: 9, DeadLettered: 9},
		},
		{"one in each of many items", strings.Fields(words10("raw", 40)), false, true, 0, penstock.Counts{}},
		{
			name: "the first one is stored", objects: []string{"ok " + words10("drop", 3), words10("bad", 40)}, letters: 40,
			want: penstock.Counts{Records: 44, Delivered: 1, Dropped: 3, DeadLettered: 40},
		},
		{
			name: "a duplicate is stored", objects: []string{"dup", words10("bad", 40)}, letters: 40,
			want: penstock.Counts{Records: 41, Duplicate: 1, DeadLettered: 40},
		},
		{
			name: "some before the first that is stored", objects: []string{"raw bad raw long", "bad raw", "ok"}, letters: 3,
			want: penstock.Counts{Records: 7, Delivered: 4, DeadLettered: 3, Unparsed: 3},
		},
		{
			name: "it cannot be read again", objects: []string{words10("raw", 40)}, once: true,
			want: penstock.Counts{Records: 40, Delivered: 40, Unparsed: 40},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &stages{}
				var items []penstock.Item
				for i, text := range test.objects {
					it := s.item(fmt.Sprint("item", i), text)
					it.Objects[0].Once = test.once
					items = append(items, it)
				}
				p := s.pipeline(items...)
				p.Brake, p.Workers, p.InHand = limit, 1, 1
				if test.once {
					p.Deliverer = &starting{stages: s, stored: make(chan struct{})}
				}
				got, err := counted(p.Run(t.Context()))
				be, braked := errors.AsType[*penstock.BrakeError](err)
				if braked != test.braked || err != nil && !braked || len(s.letters) != test.letters || !got.Balanced() {
					t.Fatalf("error %v, %d letters, want %d: %+v", err, len(s.letters), test.letters, got)
				}
				if braked {
					if be.Refused+be.Unparsed != limit || be.First == "" || len(s.docs) != 0 || got.ItemsGivenBack == 0 ||
						got.Delivered != 0 {
						t.Errorf("%v: %d documents stored, %+v", be, len(s.docs), got)
					}
				}
				if test.want.Records > 0 {
					got.Items, got.ItemsGivenBack, got.Objects, got.ObjectsGivenBack, got.BytesIn = 0, 0, 0, 0, 0
					got.Undated = 0
					if got != test.want {
						t.Errorf("got %+v\nwant %+v", got, test.want)
					}
				}
			})
		})
	}
}

// starting tells at once when something is stored.
type starting struct {
	*stages
	stored chan struct{}
}

func (s *starting) Stored() <-chan struct{} { return s.stored }

func (s *starting) Begin(reject penstock.RejectFunc) penstock.Delivery {
	return &startingDelivery{s.stages.Begin(reject), s}
}

type startingDelivery struct {
	penstock.Delivery
	s *starting
}

func (d *startingDelivery) Add(ctx context.Context, doc penstock.Document) error {
	err := d.Delivery.Add(ctx, doc)
	if text := string(doc.Raw); text == "ok" || text == "raw" {
		d.s.mu.Lock()
		defer d.s.mu.Unlock()
		select {
		case <-d.s.stored:
		default:
			close(d.s.stored)
		}
	}
	return err
}

// In a long object the brake is let go when the first document is stored, not at the object's end.
func TestTheBrakeIsLetGoInTheMiddleOfAnObject(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &stages{}
		p := s.pipeline(s.item("a", "raw raw bad ok raw "+words10("bad", 300)+" sleep"))
		p.Brake, p.Deliverer = 10, &starting{stages: s, stored: make(chan struct{})}
		time.AfterFunc(time.Second, func() { // in the last minute of the reading
			s.mu.Lock()
			defer s.mu.Unlock()
			if len(s.docs) != 4 || len(s.letters) == 0 {
				t.Errorf("%d documents and %d letters before the end of the object", len(s.docs), len(s.letters))
			}
		})
		got, err := counted(p.Run(t.Context()))
		if err != nil || got.Delivered != 4 || got.DeadLettered != 301 || len(s.letters) != 301 {
			t.Errorf("%v: %+v, %d letters", err, got, len(s.letters))
		}
	})
}

// An interrupt ends the waiting: what is held back goes the way it would have gone.
func TestAnInterruptEndsTheWaitingForTheBrake(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &stages{}
		p := s.pipeline(s.item("a", "bad raw"), s.item("b", "sleep"), s.item("c", "bad"))
		p.Brake, p.Workers, p.Grace = 10, 1, time.Hour
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		got, err := counted(p.Run(ctx))
		_, ok := errors.AsType[*penstock.InterruptedError](err)
		if !ok || !got.Balanced() || got.DeadLettered != 1 || got.Delivered != 1 {
			t.Errorf("%v: %+v", err, got)
		}
	})
}

// What is held back is bounded: beyond that it goes its way before anything is known.
func TestWhatTheBrakeHoldsBackIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &stages{}
		long := "x" + strings.Repeat("y", 3<<20)
		p := s.pipeline(s.item("a", words10(long, 4)+" sleep"))
		p.Brake, p.Recognizer, p.Deliverer = 100, unparsed{s}, refusing{s}
		time.AfterFunc(time.Second, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			if len(s.letters) == 0 {
				t.Error("everything is still held back")
			}
		})
		got, err := counted(p.Run(t.Context()))
		if err != nil || got.DeadLettered != 5 || got.Unparsed != 5 {
			t.Errorf("%v: %+v", err, got)
		}
	})
}

// unparsed marks every record.
type unparsed struct{ *stages }

func (u unparsed) Recognize(o *penstock.Object, id penstock.Identity, e penstock.Entry) (penstock.Recognized, error) {
	rec, err := u.stages.Recognize(o, id, e)
	all := rec.Records
	rec.Records = func(yield func(penstock.Record, error) bool) {
		for r, err := range all {
			r.Unparsed = true
			if !yield(r, err) {
				return
			}
		}
	}
	return rec, err
}

// refusing takes no document.
type refusing struct{ *stages }

func (refusing) Hold() (release func()) { return func() {} }

func (r refusing) Begin(reject penstock.RejectFunc) penstock.Delivery {
	return &refusingDelivery{reject: reject}
}

type refusingDelivery struct {
	reject penstock.RejectFunc
	out    penstock.Outcome
}

func (d *refusingDelivery) Add(ctx context.Context, doc penstock.Document) error {
	d.out.Rejected++
	return d.reject(ctx, penstock.Rejection{Document: doc, Status: 400, Type: "mapper_parsing_exception"})
}

func (d *refusingDelivery) Wait(context.Context) (penstock.Outcome, error) { return d.out, nil }

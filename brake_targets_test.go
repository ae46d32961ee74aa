package penstock_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/seed56735111/penstock"
)

// targets are stages with two domains: objects whose names begin with audit go to the target of this name, those that
// begin with mixed to both in turns, and others to the one without a name.
type targets struct {
	*stages
	broken string // the target whose mapping takes nothing; "own" is the one without a name
	silent bool   // does not tell when something is stored
	stored map[string]chan struct{}
}

func newTargets(broken string) *targets {
	return &targets{stages: &stages{}, broken: broken, stored: map[string]chan struct{}{
		"": make(chan struct{}), "audit": make(chan struct{}), "any": make(chan struct{}),
	}}
}

func (s *targets) pipeline(limit int, items ...penstock.Item) *penstock.Pipeline {
	p := s.stages.pipeline(items...)
	p.Recognizer, p.Shaper, p.Deliverer, p.Brake = s, s, s, limit
	if s.silent {
		p.Deliverer = struct{ penstock.Deliverer }{s}
	}
	p.Domain, p.Domains = "https://own", map[string]string{"audit": "https://audit"}
	return p
}

func (s *targets) Stored() <-chan struct{}                { return s.stored["any"] }
func (s *targets) StoredIn(target string) <-chan struct{} { return s.stored[target] }

// Recognize knows the target of an object, as a route does. That of mixed ones is known of each record.
func (s *targets) Recognize(o *penstock.Object, id penstock.Identity, e penstock.Entry) (penstock.Recognized, error) {
	if strings.HasPrefix(o.Name, "torn") {
		return penstock.Recognized{}, &penstock.ObjectError{Reason: penstock.ReasonCorrupt, Err: errors.New("torn")}
	}
	rec, err := s.stages.Recognize(o, id, e)
	if strings.HasPrefix(o.Name, "audit") {
		rec.Target = "audit"
	}
	return rec, err
}

func (s *targets) Entry(o *penstock.Object, id penstock.Identity, _, _ string) (penstock.EntryShaper, error) {
	return targetShaper{s, o.Name}, nil
}

type targetShaper struct {
	*targets
	object string
}

func (s targetShaper) Shape(r *penstock.Record) (penstock.Document, error) {
	doc, err := s.stages.Shape(r)
	target := ""
	if strings.HasPrefix(s.object, "audit") || strings.HasPrefix(s.object, "mixed") && r.Offset%2 == 1 {
		target = "audit"
	}
	if re, ok := errors.AsType[*penstock.RecordError](err); ok {
		re.Target = target
	}
	doc.Target, doc.ID = target, fmt.Appendf(nil, "%s-%d", s.object, r.Offset)
	return doc, err
}

func (s *targets) Begin(reject penstock.RejectFunc) penstock.Delivery {
	return &targetDelivery{s.stages.Begin(reject), s}
}

type targetDelivery struct {
	penstock.Delivery
	*targets
}

func (d *targetDelivery) Add(ctx context.Context, doc penstock.Document) error {
	if cmp.Or(doc.Target, "own") == d.broken {
		doc.Raw = []byte("bad")
	}
	err := d.Delivery.Add(ctx, doc)
	if text := string(doc.Raw); text == "ok" || text == "raw" {
		d.mu.Lock()
		defer d.mu.Unlock()
		for _, name := range []string{doc.Target, "any"} {
			select {
			case <-d.stored[name]:
			default:
				close(d.stored[name])
			}
		}
	}
	return err
}

// A target that takes nothing is stopped alone: nothing of it is left behind, and what is for the other arrives.
func TestTheBrakeOfATargetIsItsOwn(t *testing.T) {
	t.Parallel()
	const limit = 10
	for _, tt := range []struct {
		name, broken string
		objects      []string // name and text
		silent       bool
		target       string // of the brake that is pulled
		fatal        bool
		delivered    int64
		letters      int
	}{
		{
			name: "a target that takes nothing", broken: "audit", target: "the target audit",
			objects: []string{"a ok ok", "audit " + words10("ok", 40), "b bad ok", "audit ok", "c ok"}, delivered: 4, letters: 1,
		},
		{
			name: "the one without a name", broken: "own", target: "https://own",
			objects:   []string{"audit ok ok", "a " + words10("ok", 40), "audit bad ok", "b ok", "audit ok"},
			delivered: 4, letters: 1,
		},
		{
			name: "nobody tells what is stored", broken: "audit", silent: true, target: "the target audit",
			objects: []string{"a ok ok", "audit " + words10("ok", 40), "b bad ok", "audit ok", "c ok"}, delivered: 4, letters: 1,
		},
		{
			name: "its format is wrong", target: "the target audit",
			objects:   []string{"a ok ok", "audit " + words10("raw", 40), "b bad raw", "c ok"},
			delivered: 4, letters: 1,
		},
		{
			name: "objects for both", broken: "audit", target: "the target audit",
			objects: []string{"mixed " + words10("ok", 40), "mixed ok bad", "a bad ok"}, delivered: 12, letters: 1,
		},
		{
			name: "few are refused", broken: "audit",
			objects: []string{"a ok ok", "audit " + words10("ok", 9), "b ok"}, delivered: 3, letters: 9,
		},
		{
			name: "all take nothing", target: "the target audit", fatal: true,
			objects: []string{"a bad", "b " + words10("bad", 40), "audit " + words10("bad", 40), "audit bad"},
		},
		{
			name: "what cannot be read is of no target", objects: append([]string{"a ok"}, corrupt(40)...), delivered: 1,
			letters: 40,
		},
		{name: "nothing can be read", objects: append([]string{"a bad"}, corrupt(40)...), fatal: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newTargets(tt.broken)
				s.silent = tt.silent
				var items []penstock.Item
				for i, text := range tt.objects {
					name, words, _ := strings.Cut(text, " ")
					items = append(items, s.item(fmt.Sprint(name, i), words))
				}
				p := s.pipeline(limit, items...)
				p.Workers, p.InHand = 1, 1
				result := p.Run(t.Context())
				got := result.Counts
				if !got.Balanced() || got.Delivered != tt.delivered || len(s.letters) != tt.letters {
					t.Errorf("%+v with %d letters, want %d delivered and %d letters", got, len(s.letters), tt.delivered, tt.letters)
				}
				var be *penstock.BrakeError
				for _, item := range result.GivenBack {
					if e, ok := errors.AsType[*penstock.BrakeError](item.Err); ok {
						be = e
					}
				}
				if e, ok := errors.AsType[*penstock.BrakeError](result.Fatal); ok {
					be = e
				}
				switch {
				case be == nil && (tt.target != "" || tt.fatal):
					t.Errorf("no brake is pulled: %+v", result.GivenBack)
				case be != nil && (be.Target != tt.target || (result.Fatal != nil) != tt.fatal || be.Others == tt.fatal):
					t.Errorf("%v, fatal %v", be, result.Fatal)
				}
			})
		})
	}
}

// corrupt are objects of which nothing is read.
func corrupt(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = "torn x"
	}
	return all
}

// Whatever comes in whatever order: counts add up, a braked target has neither letters nor documents of its own, what
// is for the other arrives, and once the mapping is mended everything does.
func TestTwoTargetsLaw(t *testing.T) {
	t.Parallel()
	const limit = 20
	braked := 0
	for seed := range uint64(300) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 14))
			s := newTargets([]string{"audit", "own"}[random.IntN(2)])
			s.silent = random.IntN(3) == 0
			var items []penstock.Item
			var healthy, all int64 // documents
			name := map[bool]string{true: "audit", false: "own"}
			for i := range 1 + random.IntN(30) {
				kind := []string{"audit", "own", "mixed"}[random.IntN(3)]
				var words []string
				for n := range random.IntN(12) {
					word := []string{"ok", "ok", "raw", "bad", "long", "drop"}[random.IntN(6)]
					words = append(words, word)
					if word == "bad" || word == "long" || word == "drop" {
						continue
					}
					to := kind
					if kind == "mixed" {
						to = name[n%2 == 1]
					}
					all++
					if kind == to && to != s.broken {
						healthy++
					}
				}
				items = append(items, s.item(fmt.Sprint(kind, i), strings.Join(words, " ")))
			}
			p := s.pipeline(limit, items...)
			p.Workers, p.InHand = 1+random.IntN(4), 1+random.IntN(20)
			result := p.Run(t.Context())
			if !result.Balanced() || result.Fatal != nil {
				// Refused records of the healthy target come before the first that it stores at times: then all are stopped.
				if _, ok := errors.AsType[*penstock.BrakeError](result.Fatal); !ok || !result.Balanced() {
					t.Fatalf("seed %d: %+v, fatal %v", seed, result.Counts, result.Fatal)
				}
				return
			}
			pulled, healthyPulled := false, false
			broken := map[string]string{"audit": "the target audit", "own": "https://own"}[s.broken]
			for _, item := range result.GivenBack {
				if e, ok := errors.AsType[*penstock.BrakeError](item.Err); ok {
					pulled = pulled || e.Target == broken
					healthyPulled = healthyPulled || e.Target != broken
				}
			}
			for _, l := range s.letters {
				if pulled && l.Domain == "https://"+s.broken {
					t.Errorf("seed %d: the braked target has a letter: %+v", seed, l)
				}
			}
			if !healthyPulled && result.Delivered < healthy {
				t.Errorf("seed %d: %d documents of the other target arrived of %d at least, given back %v", seed,
					result.Delivered, healthy, result.GivenBack)
			}
			if pulled {
				braked++
			}
			s.broken, s.settled = "", nil
			again := s.pipeline(0, items...)
			after := again.Run(t.Context())
			if !after.Complete() || after.Delivered != all {
				t.Errorf("seed %d: after the mapping is mended %+v, want %d delivered", seed, after.Counts, all)
			}
		})
	}
	if braked < 30 {
		t.Errorf("the brake of one target was pulled in %d of 300 histories", braked)
	}
}

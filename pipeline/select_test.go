package pipeline

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/mapping"
)

// items gives items of these names, and knows which of them were let go.
type items struct {
	names   []string
	stored  map[string]time.Time
	settled []string
	err     error
}

func (s *items) Items(context.Context) iter.Seq2[penstock.Item, error] {
	return func(yield func(penstock.Item, error) bool) {
		for _, name := range s.names {
			item := penstock.Item{ID: name, Objects: []penstock.Object{{Name: name, Modified: s.stored[name]}}}
			item.Settle = func(context.Context, error) error {
				s.settled = append(s.settled, name)
				return nil
			}
			if !yield(item, nil) {
				return
			}
		}
		if s.err != nil {
			yield(penstock.Item{}, s.err)
		}
	}
}

var selectNow = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

func chosen(t *testing.T, o Selection, s *items, most int) []string {
	t.Helper()
	choice, err := o.compile(selectNow)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for item, err := range choice.source(s).Items(t.Context()) {
		if err != nil {
			return append(got, "error "+err.Error())
		}
		got = append(got, strings.TrimPrefix(item.ID, "s3://b/"))
		if len(got) == most {
			break
		}
	}
	return got
}

func TestObjectsAreChosenByNameAndDate(t *testing.T) {
	t.Parallel()
	names := []string{
		"s3://b/app/2026/11/20/a.gz", "s3://b/app/2026/11/21/b.log", "s3://b/app/x_20261122T1005Z.gz", "s3://b/stored", "-",
		"./logs/app.log",
	}
	stored := map[string]time.Time{
		"s3://b/stored":              time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC),
		"s3://b/app/2026/11/20/a.gz": selectNow, "./logs/app.log": time.Date(2026, 11, 10, 0, 0, 0, 0, time.UTC),
	}
	for _, tt := range []struct {
		o    Selection
		want string
	}{
		{Selection{}, "app/2026/11/20/a.gz app/2026/11/21/b.log app/x_20261122T1005Z.gz stored - ./logs/app.log"},
		{Selection{Include: []string{"*.gz"}}, "app/2026/11/20/a.gz app/x_20261122T1005Z.gz"},
		{Selection{Include: []string{"app/*"}}, "app/x_20261122T1005Z.gz"},
		{
			Selection{Include: []string{"app/**", "-"}, Exclude: []string{"*.log"}},
			"app/2026/11/20/a.gz app/x_20261122T1005Z.gz -",
		},
		{Selection{Include: []string{"logs/*.log"}}, "./logs/app.log"},
		{Selection{Since: "2026-11-21"}, "app/2026/11/21/b.log app/x_20261122T1005Z.gz stored -"},
		{Selection{Since: "2026-11-21T23:00"}, "app/2026/11/21/b.log app/x_20261122T1005Z.gz stored -"},
		{Selection{Since: "2026-11-22T10:05:59Z"}, "app/x_20261122T1005Z.gz stored -"},
		{Selection{Since: "2026-11-22T10:06"}, "stored -"},
		{Selection{Since: "4d"}, "stored -"},
		{Selection{Since: "60h"}, "-"},
		{Selection{Until: "2026-11-21"}, "app/2026/11/20/a.gz - ./logs/app.log"},
		{Selection{Since: "2026-11-20", Until: "2026-11-22"}, "app/2026/11/20/a.gz app/2026/11/21/b.log -"},
		{Selection{Limit: 2}, "app/2026/11/20/a.gz app/2026/11/21/b.log"},
		{Selection{Limit: 1, Include: []string{"stored"}}, "stored"},
		{
			Selection{Order: OrderNewest, Exclude: []string{"-", "app.log"}},
			"stored app/x_20261122T1005Z.gz app/2026/11/21/b.log app/2026/11/20/a.gz",
		},
		{Selection{Order: OrderNewest, Limit: 1}, "stored"},
	} {
		s := &items{names: names, stored: stored}
		if diff := cmp.Diff(chosen(t, tt.o, s, -1), strings.Fields(tt.want)); diff != "" {
			t.Errorf("%+v (-got +want):\n%s", tt.o, diff)
		}
	}
}

// What is not taken is let go, for it may hold a file open; what is taken is the consumer's to settle.
func TestWhatIsNotTakenIsLetGo(t *testing.T) {
	t.Parallel()
	var names []string
	for i := range 100 {
		names = append(names, fmt.Sprintf("s3://b/2026-11-%02d-%03d", 1+i%28, i))
	}
	for _, o := range []Selection{
		{Include: []string{"*1"}}, {Order: OrderNewest, Limit: 3}, {Order: OrderNewest}, {Sample: "20%"},
	} {
		s := &items{names: names}
		got := chosen(t, o, s, 2)
		all := slices.Clone(s.settled)
		for _, name := range got {
			if slices.Contains(all, "s3://b/"+name) {
				t.Errorf("%+v: %s is taken and let go", o, name)
			}
		}
		if o.Order == OrderNewest && len(all) != 98 {
			t.Errorf("%+v: %d let go, want 98", o, len(all))
		}
	}
	s := &items{names: names, err: errors.New("gone")}
	got := chosen(t, Selection{Order: OrderNewest}, s, -1)
	if !slices.Equal(got, []string{"error gone"}) || len(s.settled) != 100 {
		t.Errorf("a listing that breaks off: %d given, %d let go", len(got), len(s.settled))
	}
}

func TestASampleIsTheSameEachTime(t *testing.T) {
	t.Parallel()
	var names []string
	for i := range 20_000 {
		names = append(names, fmt.Sprintf("s3://b/AWSLogs/123456789012/2026/11/24/file_%05d.gz", i))
	}
	first := chosen(t, Selection{Sample: "10%"}, &items{names: names}, -1)
	again := chosen(t, Selection{Sample: "10%"}, &items{names: names}, -1)
	half := chosen(t, Selection{Sample: "50%"}, &items{names: names}, -1)
	if !slices.Equal(first, again) || len(first) < 1800 || len(first) > 2200 {
		t.Errorf("%d of 20,000, and then %d", len(first), len(again))
	}
	isInHalf := map[string]bool{}
	for _, name := range half {
		isInHalf[name] = true
	}
	for _, name := range first {
		if !isInHalf[name] {
			t.Fatalf("%s is in a tenth of the objects and not in half of them", name)
		}
	}
}

func TestWrongSelectionsSaySo(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]Selection{
		"--since":              {Since: "soon"},
		"--until":              {Until: "0d"},
		"nothing is between":   {Since: "2026-11-24", Until: "2026-11-24"},
		"--sample":             {Sample: "10"},
		`"0%" is no part`:      {Sample: "0%"},
		`"NaN%" is no part`:    {Sample: "NaN%"},
		"--order is":           {Order: "oldest"},
		"--include is empty":   {Include: []string{""}},
		`"-3h" is no date`:     {Since: "-3h"},
		`"99999d" is no date`:  {Since: "99999d"},
		`"2026-13-01" is no d`: {Since: "2026-13-01"},
	} {
		_, err := o.compile(selectNow)
		e, ok := errors.AsType[*OptionError](err)
		if !ok || e.Problem != BadSelection || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want it to say %q", o, err, want)
		}
	}
}

// Objects are named by lines: URLs, keys of one bucket, or paths.
func TestObjectsAreNamedByLines(t *testing.T) {
	t.Parallel()
	read := func(names []string, lines string) string {
		o := &Sources{Names: names, From: strings.NewReader(lines), Select: Selection{Exclude: []string{"*.png"}}}
		s, err := o.Open(t.Context(), &AWS{Region: "eu-west-1"}, &S3{}, nil)
		if err != nil {
			return "error " + err.Error()
		}
		var got []string
		for item, err := range s.Items(t.Context()) {
			if err != nil {
				got = append(got, "error "+err.Error())
				break
			}
			got = append(got, item.ID)
		}
		return strings.Join(got, " | ")
	}
	for _, tt := range []struct {
		names       []string
		lines, want string
	}{
		{
			nil, "s3://b/k 1\r\n\ns3://b/k?versionId=v\ns3://b/x.png\nselect_test.go\nnone.txt\n",
			"s3://b/k 1 | s3://b/k?versionId=v | select_test.go | none.txt",
		},
		{[]string{"s3://b"}, "k\na/b%20c\ns3://other/k\n", "s3://b/k | s3://b/a/b%20c | s3://other/k"},
		{[]string{"s3://b/"}, "k", "s3://b/k"},
		{nil, "s3://b/\n", `error --files-from: line 1: "s3://b/" names no key`},
		{nil, "s3://b/k\ns3://b~/k\n", `s3://b/k | error --files-from: line 2: "s3://b~/k": "b~" is no name of a bucket: ` +
			`it cannot have '~'`},
		{
			[]string{"s3://b/prefix"},
			"k",
			"error --files-from names the objects; beside it stands one bucket, such as s3://my-logs",
		},
		{[]string{"a", "b"}, "k", "error --files-from names the objects; beside it stands one bucket, or nothing"},
		{nil, strings.Repeat("x", 10_000), "error read names of objects: bufio.Scanner: token too long"},
	} {
		if got := read(tt.names, tt.lines); got != tt.want {
			t.Errorf("%q and %.60q:\n got %s\nwant %s", tt.names, tt.lines, got, tt.want)
		}
	}
}

// taker is a deliverer that takes everything at once.
type taker struct{ n, bytes int }

func (*taker) Hold() (release func()) { return func() {} }

func (k *taker) Begin(penstock.RejectFunc) penstock.Delivery { return k }

func (k *taker) Add(_ context.Context, d penstock.Document) error {
	k.n++
	k.bytes += d.Size()
	return nil
}

func (k *taker) Wait(context.Context) (penstock.Outcome, error) { return penstock.Outcome{}, nil }

func TestARateIsKeptByAllDeliveriesTogether(t *testing.T) {
	t.Parallel()
	doc := penstock.Document{Head: make([]byte, 1000)}
	for text, want := range map[string]time.Duration{
		"1000": 4 * time.Second, "500": 8 * time.Second, "1MB": 4 * time.Second, "100KB": 40 * time.Second,
	} {
		rate, err := ParseRate(text)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Test(t, func(t *testing.T) {
			var all []penstock.Delivery
			d := rate.deliverer(new(taker))
			for range 4 {
				all = append(all, d.Begin(nil))
			}
			began := time.Now()
			for i := range 4000 {
				if err := all[i%4].Add(t.Context(), doc); err != nil {
					t.Fatal(err)
				}
			}
			if took := time.Since(began); took < want-200*time.Millisecond || took > want+200*time.Millisecond {
				t.Errorf("%s: 4,000 documents of 1,000 bytes took %v, want %v", text, took, want)
			}
			time.Sleep(time.Hour) // what was not used is not saved up
			began = time.Now()
			for range 400 {
				_ = all[0].Add(t.Context(), doc)
			}
			if took := time.Since(began); took < want/10-250*time.Millisecond {
				t.Errorf("%s: after an hour 400 documents took %v", text, took)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			if err := all[0].Add(ctx, penstock.Document{Head: make([]byte, 10_000_000)}); err == nil && rate.Bytes > 0 {
				t.Error("a document waits beyond the end of its context")
			}
		})
	}
	for _, text := range []string{"0", "-1", "many", "5 apples", "1.5", "99999999999", "MiB"} {
		if r, err := ParseRate(text); err == nil {
			t.Errorf("%q is taken for %+v", text, r)
		}
	}
	if d := penstock.Deliverer(new(taker)); (Rate{}).deliverer(d) != d {
		t.Error("no rate is in the way")
	}
}

// started is a deliverer that tells when something is stored.
type started struct {
	taker
	stored chan struct{}
}

func (s *started) Stored() <-chan struct{} { return s.stored }

func TestWhatStandsBeforeTheWriterTellsWhenSomethingIsStored(t *testing.T) {
	t.Parallel()
	first := &started{stored: make(chan struct{})}
	write := Write{Conflicts: string(mapping.Rename)}
	for name, d := range map[string]penstock.Deliverer{
		"rate":      Rate{Documents: 1}.deliverer(first),
		"conflicts": write.Deliverer(first, nil, slog.New(slog.DiscardHandler)),
		"both":      Rate{Documents: 1}.deliverer(write.Deliverer(first, nil, slog.New(slog.DiscardHandler))),
	} {
		s, ok := d.(penstock.Starter)
		if !ok || s.Stored() != (<-chan struct{})(first.stored) {
			t.Errorf("%s: %T does not tell", name, d)
		}
	}
}

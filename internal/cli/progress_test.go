package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/pipeline"
	"github.com/seed56735111/penstock/source"
)

// sized is a source of items of these sizes, and of an error at its end.
type sized struct {
	sizes []int64
	err   error
	given *int // items given back
}

func (s sized) Items(context.Context) iter.Seq2[penstock.Item, error] {
	return func(yield func(penstock.Item, error) bool) {
		for i, n := range s.sizes {
			item := penstock.Item{ID: fmt.Sprint(i), Objects: []penstock.Object{{Size: n}}}
			if s.given != nil {
				item.Settle = func(_ context.Context, err error) error {
					if err != nil {
						*s.given++
					}
					return nil
				}
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

func TestProgressSaysHowMuchThereIsOnceThatIsKnown(t *testing.T) {
	t.Parallel()
	began := time.Unix(1000, 0)
	const records, letters = "  1,234,567 records", "  12 dead letters"
	for _, tt := range []struct {
		name     string
		source   sized
		after    time.Duration
		draining bool
		want     string
	}{
		{
			name: "all is known", source: sized{sizes: []int64{6e9, 4e9}}, after: 10 * time.Second,
			want: "2.5 GB of 10 GB, 25 %  31 s left  250 MB/s" + records + "  1 object of 2" + letters,
		},
		{
			name: "too early for a speed", source: sized{sizes: []int64{6e9, 4e9}}, after: time.Second,
			want: "2.5 GB of 10 GB, 25 %  2.5 GB/s" + records + "  1 object of 2" + letters,
		},
		{
			name:   "the listing breaks off",
			source: sized{sizes: []int64{6e9, 4e9}, err: errors.New("no")}, after: 10 * time.Second,
			want: "2.5 GB of ≥ 10 GB  250 MB/s" + records + "  1 object of ≥ 2" + letters,
		},
		{
			name: "something has no length", source: sized{sizes: []int64{6e9, -1}}, after: 10 * time.Second,
			want: "2.5 GB  250 MB/s" + records + "  1 object of 2" + letters,
		},
		{
			name: "hours", source: sized{sizes: []int64{2502.5e9}}, after: 10 * time.Second,
			want: "2.5 GB of 2.5 TB, 0 %  2 h 46 min left  250 MB/s" + records + "  1 object of 1" + letters,
		},
		{
			name: "draining", source: sized{sizes: []int64{6e9, 4e9}}, after: 10 * time.Second, draining: true,
			want: "draining  2.5 GB  250 MB/s" + records + "  1 object of 2" + letters,
		},
	} {
		p := &progress{Progress: new(penstock.Progress), total: &totals{source: tt.source}, began: began}
		p.total.measure(t.Context())
		p.draining.Store(tt.draining)
		p.BytesIn.Store(25e8)
		p.Records.Store(1234567)
		p.Objects.Store(1)
		p.DeadLettered.Store(12)
		if got := p.line(began.Add(tt.after), 1000); got != tt.want {
			t.Errorf("%s:\n got %q\nwant %q", tt.name, got, tt.want)
		}
		for _, width := range []int{79, 60, 40} {
			got := p.line(began.Add(tt.after), width)
			if n := utf8.RuneCountInString(got); n > width || !strings.Contains(got, "2.5 GB") ||
				!strings.Contains(got, "dead letters") {
				t.Errorf("%s: %d of %d columns: %q", tt.name, n, width, got)
			}
		}
	}
}

func TestTheSecondLookHoldsNothing(t *testing.T) {
	t.Parallel()
	given := 0
	total := &totals{source: sized{sizes: make([]int64, 3), given: &given}}
	total.measure(t.Context())
	if given != 3 || total.objects.Load() != 3 {
		t.Errorf("%d of %d items given back", given, total.objects.Load())
	}
}

func TestSpeedIsThatOfTheLastHalfMinute(t *testing.T) {
	t.Parallel()
	p := &progress{Progress: new(penstock.Progress), began: time.Unix(0, 0)}
	var last int64
	for s := range int64(300) {
		read := 1000 * s
		if s > 200 {
			read = 200_000 + 10*(s-200)
		}
		last = p.speed(time.Unix(s, 0), read)
	}
	if last != 10 || len(p.samples) > 40 {
		t.Errorf("%d bytes a second from %d samples, want 10", last, len(p.samples))
	}
}

func TestProgressIsLoggedWhereThereIsNoTerminal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		a := &app{Streams: Streams{Err: &out}}
		p := &progress{Progress: new(penstock.Progress), total: &totals{source: sized{}}, began: time.Now()}
		p.BytesIn.Store(60_000)
		stop := p.tell(a, slog.New(slog.NewJSONHandler(&out, nil)), false)
		time.Sleep(95 * time.Second)
		stop()
		if n := strings.Count(out.String(), `"msg":"progress"`); n != 3 ||
			!strings.Contains(out.String(), `"bytes_in":60000,"bytes_per_second":2000`) {
			t.Errorf("%d lines in 95 s:\n%s", n, out.String())
		}
	})
}

func TestWhatIsWrittenGoesAboveTheStatus(t *testing.T) {
	t.Parallel()
	f, err := os.Create(filepath.Join(t.TempDir(), "terminal"))
	if err != nil {
		t.Fatal(err)
	}
	s := &screen{File: f}
	fmt.Fprint(s, "before\n")
	s.show("1 %")
	fmt.Fprint(s, "log line\n")
	s.show("2 %")
	fmt.Fprint(s, "no line end")
	s.show("")
	s.show("")
	fmt.Fprint(s, "after\n")
	got, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	want := "before\n\r\x1b[K1 %\r\x1b[Klog line\n1 %\r\x1b[K2 %\r\x1b[Kno line end\n2 %\r\x1b[Kafter\n"
	if string(got) != want {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

func TestTheMarkPassesNothingThatIsNotSettled(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		settle string // the numbers of items in the order of settling; with a minus they are given back
		want   string
	}{
		{"", ""},
		{"0 1 2", "2"},
		{"1 2", ""},
		{"1 2 0", "2"},
		{"0 2", "0"},
		{"0 2 -1", "0"},
		{"-2 0 1 3", "1"},
		{"-0 1 2 3", ""},
		{"3 -2 1 0", "1"},
		{"0 -3 -1 2", "0"},
		{"4 3 2 1 0", "4"},
	} {
		w := pipeline.NewMark(sized{sizes: make([]int64, 5)})
		settle := map[string]func(context.Context, error) error{}
		for item := range w.Items(t.Context()) {
			settle[item.ID] = item.Settle
		}
		for text := range strings.FieldsSeq(tt.settle) {
			id, given := strings.CutPrefix(text, "-")
			var err error
			if given {
				err = errors.New("given back")
			}
			_ = settle[id](t.Context(), err)
		}
		if got := w.Reached(); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.settle, got, tt.want)
		}
	}
}

func TestWhereARunStoppedIsSaidWithTheWayOn(t *testing.T) {
	t.Parallel()
	const upTo = "penstock: everything up to and including "
	for _, tt := range []struct {
		o       shipOptions
		args    []string
		reached string
		want    string
	}{
		{args: []string{"s3://b/"}},
		{
			args: []string{"s3://b/"}, reached: "s3://b/it's",
			want: upTo + `s3://b/it's is settled; --start-after 'it'\''s' goes on behind it` + "\n",
		},
		{
			o:    shipOptions{Options: pipeline.Options{Sources: pipeline.Sources{List: source.ListOptions{Versions: true}}}},
			args: []string{"s3://b/"}, reached: "s3://b/k?versionId=1",
			want: upTo + "s3://b/k?versionId=1 is settled\n",
		},
		{
			args: []string{"s3://b/", "s3://c/"}, reached: "s3://b/k",
			want: upTo + "s3://b/k is settled\n",
		},
		{
			args: []string{"/var/log"}, reached: "/var/log/\x1b[2J",
			want: upTo + `/var/log/\u001b[2J is settled` + "\n",
		},
	} {
		var out bytes.Buffer
		tt.o.sayMark(&app{Streams: Streams{Err: &out}}, tt.args, tt.reached)
		if out.String() != tt.want {
			t.Errorf("%v, %q: got %q, want %q", tt.args, tt.reached, out.String(), tt.want)
		}
	}
}

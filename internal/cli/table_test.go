package cli

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/seed56735111/penstock"
)

func widest(text string) int {
	n := 0
	for line := range strings.SplitSeq(text, "\n") {
		n = max(n, utf8.RuneCountInString(line))
	}
	return n
}

// The widest summary that there is: long names, every column, numbers of seven digits.
func fullSummary(all bool) (*summary, *result) {
	c := penstock.Counts{
		Objects: 1, Records: 1_234_567, Delivered: 1_000_000, Duplicate: 34_567, DeadLettered: 100_000,
		Dropped: 60_000, DroppedByDomain: 7,
		Unacknowledged: 40_000, Unparsed: 1_000_123, Undated: 1_000_456, BytesIn: 1 << 40,
	}
	s, r := newSummary(all), &result{Seconds: 12345}
	var total penstock.Counts
	for i := range 100 {
		report := penstock.ObjectReport{
			Object:  fmt.Sprintf("s3://a-bucket/%s/%d.log.gz", strings.Repeat("long/", 30), i),
			Formats: []string{"elasticsearch-slowlog", "text"},
			Indexes: []penstock.IndexCount{{
				Index:     fmt.Sprintf("logs-%s-%03d", strings.Repeat("x", 100), i),
				Documents: int64(i + 1),
			}},
			Counts: c, Elapsed: 100 * time.Minute,
		}
		if i%2 == 1 {
			report.Err = errors.New("read: connection reset")
		}
		s.add(report)
		total.Add(c)
	}
	r.count(total, false)
	return s, r
}

func TestTablesFitTerminalsFrom80Columns(t *testing.T) {
	t.Parallel()
	for _, all := range []bool{false, true} {
		s, r := fullSummary(all)
		for _, width := range []int{80, 81, 100, 120, 160, 400} {
			var text strings.Builder
			if err := s.write(&text, r, width); err != nil {
				t.Fatal(err)
			}
			if n := widest(text.String()); n > width {
				t.Errorf("all %v: %d columns on a terminal of %d:\n%s", all, n, width, text.String())
			}
			for _, want := range []string{
				"1,234,567", "1,000,123", "123,456,700 records", "records = ",
				"pipeline left out 700",
			} {
				if !strings.Contains(text.String(), want) {
					t.Errorf("all %v, %d columns: no %q in\n%s", all, width, want, text.String())
				}
			}
		}
		var text strings.Builder
		if err := s.write(&text, r, 0); err != nil {
			t.Fatal(err)
		}
		objects, shown := strings.Count(text.String(), "s3://"), 40
		if all {
			shown = 100
		}
		if objects != shown || all == strings.Contains(text.String(), "--all shows them") {
			t.Errorf("all %v: %d objects shown, want %d", all, objects, shown)
		}
	}
	for _, width := range []int{80, 120} {
		tab := table{
			left: 3, wrap: true, header: []string{"name", "about", "told by"},
			rows: [][]string{{"x", strings.Repeat("some words ", 20), strings.Repeat("y", 90)}},
		}
		var text strings.Builder
		tab.print(&text, width)
		if n := widest(text.String()); n > width || strings.Contains(text.String(), "…") ||
			strings.Count(text.String(), "some") != 20 || strings.Count(text.String(), "y") != 91 {
			t.Errorf("%d columns on a terminal of %d, or text is lost:\n%s", n, width, text.String())
		}
	}
}

func TestWhatGoesWithoutSayingIsNotShown(t *testing.T) {
	t.Parallel()
	s, r := newSummary(false), &result{}
	c := penstock.Counts{Objects: 1, Records: 2, Delivered: 2}
	s.add(penstock.ObjectReport{
		Object: "fine", Formats: []string{"ndjson"}, Counts: c,
		Indexes: []penstock.IndexCount{{Index: "i", Documents: 2}},
	})
	r.count(c, false)
	var text strings.Builder
	if err := s.write(&text, r, 80); err != nil {
		t.Fatal(err)
	}
	want := `  format  objects  records  delivered  bytes
  ndjson        1        2          2    0 B

  index  documents
  i              2

  2 records = 2 delivered + 0 duplicate + 0 dead-lettered + 0 dropped + 0
    unacknowledged
  0 B in 0 ms
`
	if text.String() != want {
		t.Errorf("got\n%s\nwant\n%s", text.String(), want)
	}
	r.count(c, true)
	if got := r.equation(); !strings.HasPrefix(got, "2 records = 2 previewed + ") || r.Delivered != 0 ||
		*r.Previewed != 2 {
		t.Errorf("a dry run: %s, %+v", got, r)
	}
}

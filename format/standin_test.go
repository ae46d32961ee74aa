package format

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format/internal/events"
	"github.com/seed56735111/penstock/format/internal/lines"
)

// largeTable is the table with n stand-ins before it, of the kinds that there are: lines that begin with a word, a
// time, a number or anything, headers, and JSON.
func largeTable(n int) []schema {
	var all []schema
	for i := range n {
		word := fmt.Sprintf("%cord%d", 'a'+i%26, i)
		f := schema{name: "standin" + word}
		switch i % 5 {
		case 0:
			f.grammar = &lines.Schema{Record: word, Least: 3, Fields: []lines.Field{
				{Name: "type", Is: lines.OneOf(word)}, {Name: "time", Kind: lines.ISO}, {Name: "client", Kind: lines.Address},
			}}
		case 1:
			f.grammar = &lines.Schema{Record: word, Least: 3, Fields: []lines.Field{
				{Name: "time", Kind: lines.ISO}, {Name: "level", Is: lines.OneOf(word)}, {Name: "message", Rest: true},
			}}
		case 2:
			f.grammar = &lines.Headed{
				Record: word, Prefix: "#" + word, Comment: "#", Least: 2, Known: []lines.Field{{Name: "date"}, {Name: word}},
			}
		case 3:
			f.grammar = &lines.Schema{Record: word, Least: 3, Fields: []lines.Field{
				{Name: "host"}, {Name: "user"}, {Name: "time", Kind: lines.CLF},
			}}
		case 4:
			f.grammar = &events.Row{Names: []string{word, "time", "level", "detail.id"}, Least: 3}
		}
		all = append(all, f)
	}
	return append(all, table()...)
}

// An entry that no format knows costs a few allocations, whatever number of formats there is. [BenchmarkUnknownEntry]
// shows the time.
func TestRecognitionAllocatesLittleWithManyFormats(t *testing.T) {
	for _, text := range unknownEntries() {
		d, err := newDetector(Config{}, largeTable(40))
		if err != nil {
			t.Fatal(err)
		}
		recognise(t, d, text)                                                            // makes the buffers
		if got := testing.AllocsPerRun(100, func() { recognise(t, d, text) }); got > 6 { // and the product promises 8
			t.Errorf("%.40q: %v allocations, want at most 6", text, got)
		}
	}
}

func unknownEntries() []string {
	return []string{
		"one line of text that no format knows, from 203.0.113.9\n",
		"2026-11-24T10:00:00Z one line that begins with a time\n",
		`{"one":1,"object":"that no format knows","time":"2026-11-24T10:00:00Z"}` + "\n",
	}
}

func recognise(t testing.TB, d *Detector, text string) {
	rec, err := d.Recognize(&penstock.Object{}, penstock.Identity{}, penstock.Entry{Reader: strings.NewReader(text)})
	if err != nil || !rec.Generic {
		t.Fatal(rec.Format, err)
	}
	for range rec.Records { // gives the buffers back
		break
	}
}

// BenchmarkUnknownEntry recognises and reads eight entries of one line that no format knows, with more formats than
// there are. What recognition alone takes of one is said as told-ns: it is to be below 2,000.
func BenchmarkUnknownEntry(b *testing.B) {
	for _, formats := range []int{0, 40, 100} {
		for _, text := range unknownEntries() {
			b.Run(fmt.Sprintf("%d/%.12q", formats, text), func(b *testing.B) {
				d, err := newDetector(Config{}, largeTable(formats))
				if err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				n, told := 0, time.Duration(0)
				for b.Loop() {
					told += toldIn(b, d, text)
					n += batch
				}
				b.ReportMetric(float64(told.Nanoseconds())/float64(n), "told-ns")
			})
		}
	}
}

// batch is how many entries are recognised between two looks at the clock.
const batch = 8

// toldIn recognises entries and returns how long that took, without the reading of them that lets their buffers go.
func toldIn(b *testing.B, d *Detector, text string) time.Duration {
	b.Helper()
	var all [batch]penstock.Recognized
	start := time.Now()
	for i := range all {
		var err error
		all[i], err = d.Recognize(&penstock.Object{}, penstock.Identity{}, penstock.Entry{Reader: strings.NewReader(text)})
		if err != nil {
			b.Fatal(err)
		}
	}
	told := time.Since(start)
	for i := range all {
		for range all[i].Records {
			break
		}
	}
	return told
}

package format_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format"
)

var file = penstock.File{Path: "/v/app.log.1", Stem: "/v/app.log"}

// endsInTime is the rule for a time that parts generations, told backwards.
var endsInTime = regexp.MustCompile(`(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-6][0-9]$|[0-9]{10}$`)

// firstTime returns where the first time ends in the bytes that are looked through, and where its line does; 0 for
// none.
func firstTime(text []byte) (end, line int) {
	head := text[:min(len(text), 64<<10)]
	for at := range len(head) + 1 {
		if endsInTime.Match(head[max(0, at-10):at]) {
			rest, _, _ := bytes.Cut(head[at:], []byte("\n"))
			return at, at + len(rest)
		}
	}
	return 0, 0
}

// contents reads a file and holds the content of each of its records against the rule.
func contents(t *testing.T, text []byte, size int) {
	t.Helper()
	d := detector(t, format.Config{})
	rec, err := d.Recognize(&penstock.Object{}, penstock.Identity{File: file}, penstock.Entry{
		Reader: &cutReader{data: text, size: size, err: io.EOF},
	})
	if err != nil {
		t.Fatal(err)
	}
	time, line := firstTime(text)
	if rec.Undated != (time == 0) {
		t.Fatalf("undated %v with a time at %d", rec.Undated, time)
	}
	for r, err := range rec.Records {
		if err != nil {
			continue
		}
		end := int(r.Offset) + len(r.Raw)
		if end < time {
			end = line
		}
		if want := penstock.Content(xxh3.Hash128(text[:end])); r.Content != want {
			t.Fatalf("record at %d, %d bytes at a time: content %v, want %v", r.Offset, size, r.Content, want)
		}
	}
}

// The scheme of ids rests on this: the content of a record is a function of the plain bytes up to its end alone,
// however they are read and split.
func TestContentIsThatOfThePlainBytesUpToTheRecordsEnd(t *testing.T) {
	t.Parallel()
	texts := map[string][]byte{}
	for _, s := range samples(t) {
		texts[s.path] = s.text
	}
	for _, s := range subjects(format.Table(), samples(t)) {
		texts["many/"+s.Name()] = s.corpus(t, 1000, "")
	}
	banner := strings.Repeat("{\"msg\":\"same\"}\n\n", 50)
	texts["banner"] = []byte(banner + `{"time":"2026-11-24T10:00:00Z"}` + "\r\n" + banner)
	texts["no time"] = []byte(banner)
	texts["no time in 64 KiB"] = []byte(strings.Repeat("x\n", 32<<10) + "10:00:00\n")
	texts["time across 64 KiB"] = []byte(strings.Repeat("x\n", 32<<10-2) + "10:00:00\n")
	texts["line across 64 KiB"] = []byte(strings.Repeat("x\n", 32<<10-10) + "10:00:00 " + strings.Repeat("y", 100) + "\n")
	for name, text := range texts {
		for _, size := range []int{1, 7, 4096, 0} {
			if size == 1 && len(text) > 100_000 {
				continue
			}
			t.Run(fmt.Sprintf("%s/%d", name, size), func(t *testing.T) { contents(t, text, size) })
		}
	}
}

// The rule is a part of the scheme of ids: what it takes for a time must never change.
func TestATimeThatPartsGenerationsIsALexicalMatter(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]bool{
		"2026-11-24 10:00:00 up": true, `[24/Nov/2026:23:59:60 +0000] "GET /"`: true, `{"ts":1795773600123}`: true,
		"1795773600 up": true, "id 12345678901234": true, "x10:00:00y": true, "999:10:00:00": true,
		"": false, "starting": false, "24:00:00": false, "10:60:00": false, "10:00:70": false, "1:00:00": false,
		"10:00": false, "123456789": false,
		"12345-67890": false, "10:00:0": false, "１０:00:00": false, "::1": false,
	} {
		end, _ := firstTime([]byte(line + "\n"))
		rec, err := detector(t, format.Config{}).Recognize(&penstock.Object{}, penstock.Identity{File: file}, penstock.Entry{
			Reader: strings.NewReader(line + "\nx\n"),
		})
		if err != nil || rec.Undated == want || end > 0 != want {
			t.Errorf("%q: undated %v, error %v, want a time: %v", line, rec.Undated, err, want)
		}
	}
}

func TestWhatMayGoOnInAGrowingFileIsLeft(t *testing.T) {
	t.Parallel()
	const dated = "{\"time\":\"2026-11-24T10:00:00Z\"}\n"
	for _, test := range []struct {
		name, text string
		records    int
		left       string // what the error says, empty for none
	}{
		{"whole lines", dated + "{\"n\":1}\n", 2, ""},
		{"last line broken off", dated + `{"n":1,"x`, 1, "last line"},
		{"last line without its end", dated + `{"n":1}`, 1, "last line"},
		{"no time yet", "{\"n\":1}\n", 0, "no line with a time yet"},
		{"the line with the time is broken off", "{\"n\":1}\n{\"time\":\"2026-11-24T10:00:00", 0, "no line with a time yet"},
		{"text", "a 10:00:00\nb\nx y", 2, "last line"},
		{"text that may be the name of an exception", "a 10:00:00\nb\nx", 1, "last line"},
		{"text with a time", "2026-11-24 10:00:00 a\n2026-11-24 10:00:01 b\n2026-11-24 10:00:02 c", 2, "last line"},
		{"a trace that may go on", "2026-11-24 10:00:00 a\n2026-11-24 10:00:01 b\n\tat x", 1, "last line"},
		{"a trace without times", "up 10:00:00\nb\nCaus", 1, "last line"},
		{
			name: "an event of Windows that goes on",
			text: "<Event ><System><EventID>1</EventID><TimeCreated " +
				"SystemTime='2026-11-24T10:00:00Z'/></System></Event>\n<Event >\n",
			records: 1,
			left:    "no end",
		},
		{"the first bytes of a magic", "\x1f\x8b", 0, "may go on"},
		{
			name:    "quotes that may be closed yet",
			text:    "at,n\n" + strings.Repeat("10:00:00,1\n", 20) + "10:00:01,\"x\ny\n",
			records: 20,
			left:    "no closing quote",
		},
	} {
		growing := &penstock.GrowingError{Object: "app.log"}
		for _, size := range []int{1, 0} {
			rec, err := detector(t, format.Config{}).Recognize(&penstock.Object{}, penstock.Identity{File: file},
				penstock.Entry{Reader: &cutReader{data: []byte(test.text), size: size, err: growing}})
			n := 0
			for r, rerr := range orNone(rec.Records) {
				if rerr != nil {
					err = rerr
					break
				}
				_ = r
				n++
			}
			if n != test.records || (err == nil) != (test.left == "") ||
				err != nil && !strings.Contains(err.Error(), test.left) {
				t.Errorf("%s, %d bytes at a time: %d records and error %v, want %d and %q", test.name, size, n, err, test.records,
					test.left)
			}
		}
	}
}

// What is known not to be the end is none, at the end of a line too; and no id is made before it is known of what.
func TestABrokenReadingOfAFileIsNoEnd(t *testing.T) {
	t.Parallel()
	cut := &penstock.GrowingError{Object: "app.log.gz", What: "what is not complete yet"}
	corrupt := &penstock.ObjectError{Reason: penstock.ReasonCorrupt, Err: errors.New("cut off")}
	for _, test := range []struct {
		text    string
		err     error
		records int
	}{
		{"{\"n\":1}\n{\"n\":2}\n", cut, 0},
		{"{\"n\":1}\n{\"time\":\"2026-11-24T10:00:00Z\"}\n{\"n\":2}\n", cut, 3},
		{"{\"n\":1}\n{\"n\":2}\n", errBroken, 0},
		{"{\"n\":1}\n{\"time\":\"2026-11-24T10:00:00Z\"}\n{\"n\":2}\n", errBroken, 3},
		{"{\"n\":1}\n{\"n\":2}\n", corrupt, 2},
	} {
		rec, err := detector(t, format.Config{}).Recognize(&penstock.Object{}, penstock.Identity{File: file},
			penstock.Entry{Reader: &cutReader{data: []byte(test.text), err: test.err}})
		n := 0
		for _, rerr := range orNone(rec.Records) {
			if rerr != nil {
				err = rerr
				break
			}
			n++
		}
		if n != test.records || !errors.Is(err, test.err) {
			t.Errorf("%q, then %v: %d records and error %v, want %d", test.text, test.err, n, err, test.records)
		}
	}
}

// idling gives its parts one after the other, and idles between them until enough records have come.
type idling struct {
	t     *testing.T
	parts []string
	want  []int // records before the next part comes
	got   *int
	idles int
}

func (r *idling) Read(p []byte) (int, error) {
	if len(r.want) > 0 && *r.got < r.want[0] {
		if r.idles++; r.idles > 1000 {
			r.t.Fatalf("%d records while the stream idles, want %d", *r.got, r.want[0])
		}
		time.Sleep(time.Millisecond)
		return 0, penstock.ErrIdle
	}
	if len(r.parts) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.parts[0])
	r.parts, r.want = r.parts[1:], r.want[1:]
	return n, nil
}

func TestAnIdleStreamHoldsNoRecordBack(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]idling{
		"text": {
			parts: []string{"2026-11-24 10:00:00 a\n2026-11-24 10:00:01 b\n\tat x\n", "2026-11-24 10:00:02 c\n2026"},
			want:  []int{0, 2, 3},
		},
		"lines":  {parts: []string{"a\nb", "\nc\n"}, want: []int{0, 1, 3}},
		"ndjson": {parts: []string{`{"n":1}`, `{"n":2}`}, want: []int{0, 1, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := 0
			test.t, test.got = t, &n
			rec, err := detector(t, format.Config{}).Recognize(&penstock.Object{Linger: time.Millisecond},
				penstock.Identity{Key: "-"}, penstock.Entry{Reader: &test})
			if err != nil {
				t.Fatal(err)
			}
			for _, err := range rec.Records {
				if n++; err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

var errBroken = errors.New("truncated while it was read")

func orNone(records iter.Seq2[penstock.Record, error]) iter.Seq2[penstock.Record, error] {
	if records == nil {
		return func(func(penstock.Record, error) bool) {}
	}
	return records
}

package format_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format"
)

const bound = 64 << 10 // the smallest one that a Detector takes

// A record that is too long to hold is named by its place, and those around it are read.
func TestOverlongRecordsBecomeErrorsThatLocateThem(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 3*bound)
	for _, tt := range []struct {
		name, format, text string
		overlong           string // the record
		want               []string
	}{
		{
			name: "a line of text", format: "text", text: "one\n" + long + "\ntwo\n", overlong: long,
			want: []string{`{"message":"one"}`, "overlong", `{"message":"two"}`},
		},
		{"the last line of text", "text", "one\n" + long, long, []string{`{"message":"one"}`, "overlong"}},
		{"a line between ALB records", "alb", albLine + "\r\n" + long + "\r\n" + albLine, long, nil},
		{
			name: "an object on a line", format: "ndjson", text: `{"a":1}` + "\n" + `{"a":"` + long + `"}` + "\n" + `{"a":2}`,
			overlong: `{"a":"` + long + `"}`, want: []string{`{"a":1}`, "overlong", `{"a":2}`},
		},
		{
			name: "a broken object on a line", format: "ndjson", text: `{"a":1}` + "\n" + `{"a":"` + long + "\n" + `{"a":2}`,
			overlong: `{"a":"` + long, want: []string{`{"a":1}`, "overlong", `{"a":2}`},
		},
		{
			name: "text between objects", format: "ndjson", text: `{"a":1}` + "\n" + long + "\n" + `{"a":2}`, overlong: long,
			want: []string{`{"a":1}`, "overlong", `{"a":2}`},
		},
		{
			name: "an object over many lines", format: "json",
			text:     `{"a":1}{` + "\n\"b\":[" + strings.Repeat("1,\n", bound) + "2]}" + `{"a":2}`,
			overlong: "{\n\"b\":[" + strings.Repeat("1,\n", bound) + "2]}", want: []string{`{"a":1}`, "overlong", `{"a":2}`},
		},
		{
			name: "an element of an array", format: "json", text: `[{"a":1},{"a":"}]` + long + `"},{"a":2}]`,
			overlong: `{"a":"}]` + long + `"}`, want: []string{`{"a":1}`, "overlong", `{"a":2}`},
		},
		{
			name: "an element of an envelope", format: "json",
			text: `{"Records":[{"a":1},{"a":{"b":["` + long + `"]}},{"a":2}]}`, overlong: `{"a":{"b":["` + long + `"]}}`,
			want: []string{`{"a":1}`, "overlong", `{"a":2}`},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := detector(t, format.Config{Force: tt.format, MaxRecordBytes: 1})
			for _, size := range []int{0, 999} {
				r := read(t, d, penstock.Identity{}, []byte(tt.text), &cutReader{data: []byte(tt.text), size: size, err: io.EOF})
				if r.Err != nil {
					t.Fatal(r.Err)
				}
				if diff := cmp.Diff(tt.want, documents(r.Records)); tt.want != nil && diff != "" {
					t.Error(diff)
				}
				at := -1
				for i, rec := range r.Records {
					if rec.Err != "" {
						at = i
					}
				}
				if at < 0 || len(r.Records) < 2 {
					t.Fatal("no error in", documents(r.Records))
				}
				o := r.Records[at]
				if got := tt.text[o.Offset : o.Offset+o.Length]; got != tt.overlong {
					t.Errorf("located %d bytes at %d: %.40s…", len(got), o.Offset, got)
				}
			}
		})
	}
}

// The longest record that is allowed is no error, whatever ends its line.
func TestTheBoundItselfIsAllowed(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"", "\n", "\r\n", "\nnext\n"} {
		for _, f := range []string{"text", "ndjson", "alb"} {
			d := detector(t, format.Config{Force: f, MaxRecordBytes: bound})
			for size, want := range map[int]string{
				bound - 1: "", bound: "", bound + 3: penstock.ReasonOverlong, bound + 30: penstock.ReasonOverlong,
			} {
				text := `{"` + strings.Repeat("x", size-6) + `":1}` + end
				r := read(t, d, penstock.Identity{}, []byte(text), strings.NewReader(text))
				if r.Err != nil || len(r.Records) == 0 || r.Records[0].Err != want || r.Records[0].Length != int64(size) {
					t.Errorf("%s, %d bytes and %q: %v, %d records", f, size, end, r.Err, len(r.Records))
				}
			}
		}
	}
}

// Whatever the lengths are around the bound, each record is there.
func TestNothingIsLostAroundTheBound(t *testing.T) {
	t.Parallel()
	for _, f := range []string{"text", "ndjson", "alb"} {
		d := detector(t, format.Config{Force: f, MaxRecordBytes: bound})
		for size := bound - 1; size < bound+4; size++ {
			for _, text := range []string{"%s", "%s\n", "\n%s", "\n%s\r\n", "%s\r", "1\n%s", "1\n%s\n2", "%s\n2"} {
				text = strings.ReplaceAll(text, "%s", strings.Repeat("x", size))
				for _, chunk := range []int{0, 10_000} {
					r := read(t, d, penstock.Identity{}, []byte(text), &cutReader{data: []byte(text), size: chunk, err: io.EOF})
					covered(t, []byte(text), r)
				}
			}
		}
	}
}

// An event of many lines that comes to no end is handed over in parts.
func TestAnEndlessEventIsHandedOverInParts(t *testing.T) {
	t.Parallel()
	text := "2026-11-24 10:00:00 first\n" + strings.Repeat("a line without a time\n",
		20_000) + "2026-11-24 10:00:01 last\n"
	r := read(t, detector(t, format.Config{MaxRecordBytes: bound}), penstock.Identity{}, []byte(text),
		strings.NewReader(text))
	covered(t, []byte(text), r)
	for _, rec := range r.Records {
		if rec.Length > bound || rec.Err != "" {
			t.Errorf("%d bytes, %s", rec.Length, rec.Err)
		}
	}
	if last := r.Records[len(r.Records)-1].JSON; last != `{"message":"2026-11-24 10:00:01 last"}` {
		t.Error(last)
	}
}

// endless gives a pattern again and again, n bytes of it.
type endless struct {
	pattern string
	n, at   int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.n <= 0 {
		return 0, io.EOF
	}
	n := 0
	for p = p[:min(len(p), e.n)]; n < len(p); {
		c := copy(p[n:], e.pattern[e.at:])
		n += c
		e.at = (e.at + c) % len(e.pattern)
	}
	e.n -= n
	return n, nil
}

// brokenInput makes a parser of JSON look ahead for the end of the value: each, again and again, is an object in which
// that must not take time with the square of the length. [BenchmarkBrokenInput] shows whether it does.
var brokenInput = []string{
	"{\"a\":\n",
	"{\"a\":[\n",
	"{x\n y\n",
	"[\n",
	"{\"a\":{\"b\":1,,\n \n",
	`{"a":1,"b":"` + strings.Repeat("y", 200) + "\\\"\n",
	"{" + strings.Repeat(" ", 90) + "x\n",
	"{" + strings.Repeat(" ", 90) + "x\n \n",
}

// smallReads reads text 512 bytes at a time.
func smallReads(t testing.TB, name string, text []byte) reading {
	t.Helper()
	r := read(t, detector(t, format.Config{Force: name}), penstock.Identity{}, text,
		&cutReader{data: text, size: 512, err: io.EOF})
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	return r
}

func TestBrokenInputIsCoveredByItsRecords(t *testing.T) {
	t.Parallel()
	for _, pattern := range brokenInput {
		for _, f := range []string{"ndjson", "json"} {
			t.Run(fmt.Sprintf("%s/%.20q", f, pattern), func(t *testing.T) {
				t.Parallel()
				text := []byte(strings.Repeat(pattern, 1<<19/len(pattern)))
				covered(t, text, smallReads(t, f, text))
			})
		}
	}
}

// BenchmarkBrokenInput is linear when the throughput of a pattern is the same at both lengths.
func BenchmarkBrokenInput(b *testing.B) {
	for _, pattern := range brokenInput {
		for _, length := range []int{1 << 17, 1 << 20} {
			b.Run(fmt.Sprintf("%.20q/%dKiB", pattern, length>>10), func(b *testing.B) {
				text := []byte(strings.Repeat(pattern, length/len(pattern)))
				b.SetBytes(int64(len(text)))
				b.ReportAllocs()
				for b.Loop() {
					smallReads(b, "ndjson", text)
				}
			})
		}
	}
}

// A long record that comes in small reads is one record.
func TestALongRecordInSmallReadsIsWhole(t *testing.T) {
	t.Parallel()
	text := []byte(`{"a":[` + strings.Repeat("1,", 1<<20) + "2]}")
	if r := smallReads(t, "ndjson", text).Records; len(r) != 1 || r[0].Length != int64(len(text)) {
		t.Errorf("%d records: %+v", len(r), r[0])
	}
}

// A reader that gives nothing for ever is given up.
func TestAReaderWithoutProgressIsAnError(t *testing.T) {
	t.Parallel()
	r := read(t, detector(t, format.Config{}), penstock.Identity{}, []byte("one\n"),
		io.MultiReader(strings.NewReader("one\n"), idle{}))
	if !errors.Is(r.Err, io.ErrNoProgress) {
		t.Errorf("got %v after %d records", r.Err, len(r.Records))
	}
}

type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

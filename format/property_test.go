package format_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/decode"
	"github.com/seed56735111/penstock/format"
)

// members compresses data as k gzip members, cut without regard to lines.
func members(data []byte, k int) []byte {
	var out bytes.Buffer
	for i := range k {
		w := gzip.NewWriter(&out)
		_, _ = w.Write(data[len(data)*i/k : len(data)*(i+1)/k])
		_ = w.Close()
	}
	return out.Bytes()
}

// decoded reads the plain bytes of stored as the one entry that it is.
func decoded(t testing.TB, d *format.Detector, id penstock.Identity, plain []byte, stored io.Reader) reading {
	t.Helper()
	for e, err := range decode.New(decode.Limits{}).Entries("", stored) {
		if err != nil {
			return reading{Err: err}
		}
		return read(t, d, id, plain, e.Reader)
	}
	return reading{Skip: "empty"}
}

// withoutPlaces leaves out what line endings change.
func withoutPlaces(r reading) reading {
	r.Records, r.Frames = slices.Clone(r.Records), nil
	for i := range r.Records {
		r.Records[i].Offset, r.Records[i].Length = 0, 0
	}
	return r
}

func TestMembersLineEndingsAndReadSizesChangeNoDocument(t *testing.T) {
	t.Parallel()
	for _, s := range samples(t) {
		t.Run(s.path, func(t *testing.T) {
			t.Parallel()
			d := detector(t, format.Config{})
			want := read(t, d, s.identity(), s.text, bytes.NewReader(s.text))
			crlf := bytes.ReplaceAll(s.text, []byte("\n"), []byte("\r\n"))
			for _, size := range []int{1, 2, 7, 333, 4096, 0} {
				got := read(t, d, s.identity(), s.text, &cutReader{data: s.text, size: size, err: io.EOF})
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("read %d bytes at a time: %s", size, diff)
				}
				for _, k := range []int{1, 2, 3, 10} {
					for _, text := range [][]byte{s.text, crlf} {
						stored := &cutReader{data: members(text, k), size: size, err: io.EOF}
						got := decoded(t, d, s.identity(), text, stored)
						if diff := cmp.Diff(withoutPlaces(want), withoutPlaces(got)); diff != "" {
							t.Fatalf("%d members, CRLF %v, %d bytes at a time: %s", k, len(text) > len(s.text), size, diff)
						}
					}
				}
			}
		})
	}
}

// lawOfTheCut holds that what is read of the beginning of an entry, before an error, is a beginning of what is read of the
// whole, that no record which had come whole is missing, and that the error comes last.
func lawOfTheCut(t *testing.T, whole, cut reading, text []byte, failure error) {
	t.Helper()
	if !errors.Is(cut.Err, failure) {
		t.Fatalf("cut at %d: ended with %v", len(text), cut.Err)
	}
	if len(cut.Records) > len(whole.Records) {
		t.Fatalf("cut at %d: %d records of %d", len(text), len(cut.Records), len(whole.Records))
	}
	if diff := cmp.Diff(whole.Records[:len(cut.Records)], cut.Records); len(cut.Records) > 0 && diff != "" {
		t.Fatalf("cut at %d: %s", len(text), diff)
	}
	for i, r := range whole.Records[len(cut.Records):] {
		// An event of text, and a broken value, is known to be whole only when the one behind it has come; an array on a line
		// is one when the line has come.
		if end := int(r.Offset + r.Length); i > 0 && end < len(text) && bytes.IndexByte(text[end:], '\n') >= 0 {
			t.Fatalf("cut at %d: the record at %d is missing", len(text), whole.Records[len(cut.Records)].Offset)
		}
	}
}

// cuts yields where to cut size bytes: everywhere near the beginning and the end, and at every few bytes between.
func cuts(size int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for n := 1; n < size; n++ {
			if n > 500 && n < size-100 {
				n += 6
			}
			if !yield(n) {
				return
			}
		}
	}
}

// sameAtAnyCut reports whether the beginning of a sample shows what the whole does. Where most lines of a text have a time,
// but not the first one, it takes some of them.
func sameAtAnyCut(s sample) bool { return s.path != "testdata/text/app.log" }

func TestRecordsBeforeAReadErrorAreAccountedFor(t *testing.T) {
	t.Parallel()
	broken := &penstock.ObjectError{Reason: penstock.ReasonCorrupt, Err: io.ErrUnexpectedEOF}
	for _, s := range samples(t) {
		if !sameAtAnyCut(s) {
			continue
		}
		t.Run(s.path, func(t *testing.T) {
			t.Parallel()
			d := detector(t, format.Config{Force: s.format})
			whole := read(t, d, s.identity(), s.text, bytes.NewReader(s.text))
			for n := range cuts(len(s.text)) {
				cut := read(t, d, s.identity(), s.text, &cutReader{data: s.text[:n], err: broken})
				lawOfTheCut(t, whole, cut, s.text[:n], broken)
			}
		})
	}
}

func TestTruncatedGzipGivesTheRecordsBeforeTheCut(t *testing.T) {
	t.Parallel()
	for _, s := range samples(t) {
		if !sameAtAnyCut(s) {
			continue
		}
		t.Run(s.path, func(t *testing.T) {
			t.Parallel()
			d := detector(t, format.Config{Force: s.format})
			whole := read(t, d, s.identity(), s.text, bytes.NewReader(s.text))
			stored := members(s.text, 3)
			most := 0
			for n := range cuts(len(stored)) {
				if n < 20 {
					continue // less than a header is no gzip
				}
				cut := decoded(t, d, s.identity(), s.text, bytes.NewReader(stored[:n]))
				if cut.Err == nil {
					continue // a cut between two members is not seen
				}
				lawOfTheCut(t, whole, cut, nil, io.ErrUnexpectedEOF)
				if len(cut.Records) < most {
					t.Fatalf("cut at %d: %d records, %d before", n, len(cut.Records), most)
				}
				most = len(cut.Records)
			}
		})
	}
}

// An entry that just ends is read to its end, and nothing in it is passed over.
func TestAnEntryThatEndsAnywhereIsCovered(t *testing.T) {
	t.Parallel()
	for _, s := range samples(t) {
		t.Run(s.path, func(t *testing.T) {
			t.Parallel()
			d := detector(t, format.Config{})
			for n := range cuts(len(s.text)) {
				r := read(t, d, s.identity(), s.text[:n], bytes.NewReader(s.text[:n]))
				if r.Err != nil {
					t.Fatalf("cut at %d: %v", n, r.Err)
				}
				covered(t, s.text[:n], r)
			}
		})
	}
}

// The window moves and grows: what is longer than it, or lies across its end, must not suffer.
func TestLongEntriesAreReadThroughASmallWindow(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ format, record, between, head, tail string }{
		{"ndjson", `{"time":"2026-11-24T10:00:00Z","n":%d,"pad":"%s"}`, "\n", "", "\n"},
		{"json", `{"time":"2026-11-24T10:00:00Z","n":%d,"pad":"%s"}`, ",\n", "[", "]"},
		{"json", `{"time":"2026-11-24T10:00:00Z","n":%d,"pad":"%s"}`, ",", `{"Records":[`, "]}"},
		{"json", "{\n\"n\":%d,\"pad\":\"%s\"}", "", "", ""},
		{"text", "2026-11-24 10:00:00 INFO %d\n%s", "\n", "", "\n"},
	} {
		for _, size := range []int{1, 5000, 70_000, 300_000} {
			var text bytes.Buffer
			text.WriteString(tt.head)
			n := 3 + 200_000/max(size, 200)
			for i := range n {
				if i > 0 {
					text.WriteString(tt.between)
				}
				fmt.Fprintf(&text, tt.record, i, strings.Repeat("x", size-i%2*size/2))
			}
			text.WriteString(tt.tail)
			d := detector(t, format.Config{})
			for _, chunk := range []int{0, 1000} {
				r := read(t, d, penstock.Identity{}, text.Bytes(), &cutReader{data: text.Bytes(), size: chunk, err: io.EOF})
				if r.Format != tt.format || r.Err != nil || len(r.Records) != n {
					t.Errorf("%s of %d bytes, %d at a time: %s, %d records of %d, %v", tt.record, size, chunk, r.Format, len(r.Records), n, r.Err)
				}
				for i, rec := range r.Records {
					if !strings.Contains(rec.JSON, fmt.Sprint(i)) || rec.Unparsed {
						t.Fatalf("%s of %d bytes: record %d is %.80s", tt.record, size, i, rec.JSON)
					}
				}
			}
		}
	}
}

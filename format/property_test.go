package format_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

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

// withoutPlaces leaves out what line endings change: places, and line ends in the quotes of a table, which are a part
// of the value.
func withoutPlaces(r reading) reading {
	r.Records, r.Frames = slices.Clone(r.Records), nil
	for i := range r.Records {
		r.Records[i].Offset, r.Records[i].Length = 0, 0
		if r.Format == "csv" || r.Format == "tsv" {
			r.Records[i].JSON = strings.ReplaceAll(r.Records[i].JSON, `\r\n`, `\n`)
		}
	}
	return r
}

// The window moves and grows: what is longer than it, or lies across its end, must not suffer.
func TestLongEntriesAreReadThroughASmallWindow(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ format, record, between, head, tail string }{
		{"ndjson", `{"time":"2026-11-24T10:00:00Z","n":%d,"pad":"%s"}`, "\n", "", "\n"},
		{"json", `{"time":"2026-11-24T10:00:00Z","n":%d,"pad":"%s"}`, ",\n", "[", "]"},
		{"json", `{"time":"2026-11-24T10:00:00Z","n":%d,"pad":"%s"}`, ",", `{"Records":[`, "]}"},
		{"json", "{\n\"n\":%d,\"pad\":\"%s\"}", "", "", ""},
		{"text", "2026-11-24 10:00:00 INFO %d %s", "\n", "", "\n"},
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
					t.Errorf("%s of %d bytes, %d at a time: %s, %d records of %d, %v", tt.record, size, chunk, r.Format,
						len(r.Records), n, r.Err)
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

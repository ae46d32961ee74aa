package format_test

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format"
)

// An array or an envelope that ends without its bracket may lack records: the last one that is there says so.
func TestACutEnvelopeIsSaid(t *testing.T) {
	t.Parallel()
	const event = `{"eventVersion":"1.08","eventTime":"2026-11-24T10:00:00Z","eventSource":"s3","eventName":"PutObject"}`
	for _, tt := range []struct {
		name, text string
		want       []bool // of each record, whether it is marked
	}{
		{"whole envelope", `{"Records":[` + event + "," + event + "]}", []bool{false, false}},
		{"behind an element", `{"Records":[` + event + "," + event, []bool{false, true}},
		{"behind a comma", `{"Records":[` + event + ",\n", []bool{true}},
		{"without the last brace", `{"Records":[` + event + "]", []bool{false}},
		{"array", "[{\"a\":1},\n{\"a\":2},\n", []bool{false, true}},
		{"whole array", "[{\"a\":1},\n{\"a\":2}\n]\n", []bool{false, false}},
		{"lines are no array", "{\"a\":1}\n{\"a\":2}\n", []bool{false, false}},
	} {
		for _, small := range []bool{false, true} {
			var in io.Reader = strings.NewReader(tt.text)
			if small {
				in = iotest.OneByteReader(in)
			}
			d, err := format.New(format.Config{})
			if err != nil {
				t.Fatal(err)
			}
			r := read(t, d, penstock.Identity{}, []byte(tt.text), in)
			var got []bool
			for _, rec := range r.Records {
				got = append(got, rec.Repaired)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s, read byte by byte %v: %s", tt.name, small, diff)
			}
		}
	}
}

package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed56735111/penstock/engine"
)

// A short list of terms is the beginning of the long one, whatever the order, and counts what it leaves out.
func TestAShortListOfTermsBeginsAsTheLongOne(t *testing.T) {
	t.Parallel()
	e := open(t, engine.Config{})
	must(t, e, "PUT", "/logs", `{"mappings":{"properties":{"word":{"type":"keyword"},"n":{"type":"long"}}}}`)
	var body strings.Builder
	for i := range 400 {
		fmt.Fprintf(&body, "{\"create\":{}}\n{\"word\":[\"w%d\",\"w%d\"],\"n\":%d}\n", i*i%57, i%57, i*7%31)
	}
	must(t, e, "POST", "/logs/_bulk", body.String())
	type bucket struct {
		Key   any
		Count int `json:"doc_count"`
	}
	ask := func(field, order string, size int) (buckets []bucket, other int) {
		var answer struct {
			Aggregations struct {
				T struct {
					Other   int `json:"sum_other_doc_count"`
					Buckets []bucket
				}
			}
		}
		decode(t, must(t, e, "POST", "/logs/_search", fmt.Sprintf(
			`{"size":0,"aggs":{"t":{"terms":{"field":%q,"size":%d,"order":%s},"aggs":{"s":{"sum":{"field":"n"}}}}}}`,
			field, size, order)), &answer)
		return answer.Aggregations.T.Buckets, answer.Aggregations.T.Other
	}
	for _, field := range []string{"word", "n"} {
		for _, order := range []string{
			`{"_count":"desc"}`, `{"_count":"asc"}`, `{"_key":"asc"}`, `{"_key":"desc"}`, `{"s":"desc"}`,
			`[{"s":"asc"},{"_key":"desc"}]`,
		} {
			all, other := ask(field, order, 1000)
			if len(all) < 30 || other != 0 {
				t.Fatalf("%s by %s: %d buckets and %d others", field, order, len(all), other)
			}
			for _, size := range []int{1, 2, 10, len(all) - 1, len(all)} {
				got, other := ask(field, order, size)
				if !slices.Equal(got, all[:size]) {
					t.Errorf("%s by %s, size %d: got %v, want %v", field, order, size, got, all[:size])
				}
				want := 0
				for _, b := range all[size:] {
					want += b.Count
				}
				if other != want {
					t.Errorf("%s by %s, size %d: got %d others, want %d", field, order, size, other, want)
				}
			}
		}
	}
}

package bulk_test

import (
	"testing"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/bulk"
)

// A document that the domain's pipeline drops is answered with 200 and "noop". It is neither delivered nor a
// duplicate: the index does not have it.
func TestADocumentThatTheDomainDropsIsCountedAsDropped(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		overwrite bool
		items     []any
		want      penstock.Outcome
	}{
		"create": {false, []any{
			map[string]any{"create": map[string]any{"_id": "id-0", "status": 200}},
			map[string]any{"create": map[string]any{"_id": "id-1", "status": 201}},
			map[string]any{"create": map[string]any{"_id": "id-2", "status": 200, "result": "noop"}},
		}, penstock.Outcome{Delivered: 1, Dropped: 2}},
		"index": {true, []any{
			map[string]any{"index": map[string]any{"_id": "id-0", "result": "noop", "status": 200}},
			map[string]any{"index": map[string]any{"_id": "id-1", "result": "created", "status": 201}},
			map[string]any{"index": map[string]any{"_id": "id-2", "result": "updated", "status": 200}},
		}, penstock.Outcome{Delivered: 1, Dropped: 1, Duplicate: 1}},
	} {
		e := &engine{after: func(_ int, a map[string]any) any {
			a["items"] = test.items
			return a
		}}
		w := start(t, e, bulk.Config{Overwrite: test.overwrite})
		if got, err := deliver(t, w, 3, nil); err != nil || got != test.want {
			t.Errorf("%s: %+v, error %v, want %+v", name, got, err, test.want)
		}
		if got := w.Stats().Outcome; got != test.want {
			t.Errorf("%s: the writer counts %+v, want %+v", name, got, test.want)
		}
	}
}

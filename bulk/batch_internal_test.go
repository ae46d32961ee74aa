package bulk

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/seed56735111/penstock"
)

// What stays of a batch in its own place is what a copy of it would be.
func TestKeepingSomeDocumentsIsPickingThem(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		b := newBatch(0)
		for i := range 1 + rnd.IntN(40) {
			raw := fmt.Appendf(nil, `{"n":%0*d}`, 1+rnd.IntN(30), i)
			doc := penstock.Document{
				Index: fmt.Sprint("i", rnd.IntN(3)), ID: fmt.Appendf(nil, "%d\"", i),
				Head: []byte(`{"a":1,`), Tail: raw[1:], Raw: raw,
			}
			if rnd.IntN(2) == 0 {
				doc.Head, doc.Tail, doc.Raw = fmt.Appendf(nil, `{"m":"%d"}`, i), nil, fmt.Appendf(nil, "line %d", i)
			}
			b.add(nil, &doc, &Config{})
		}
		kept := map[int]bool{}
		for i := range b.docs {
			kept[i] = rnd.IntN(2) == 0
		}
		keep := func(i int) bool { return kept[i] }
		want := b.pick(0, len(b.docs), keep)
		got := b.keep(keep)
		if got != b {
			t.Fatal("a batch that nobody reads was copied")
		}
		if string(got.body) != string(want.body) || len(got.docs) != len(want.docs) {
			t.Fatalf("body %q, want %q", got.body, want.body)
		}
		for i := range got.docs {
			g, w := &got.docs[i], &want.docs[i]
			if string(got.rawOf(g)) != string(want.rawOf(w)) ||
				string(got.id(g)) != string(want.id(w)) || string(got.written(g)) != string(want.written(w)) ||
				string(got.body[g.start:g.end]) != string(want.body[w.start:w.end]) ||
				got.indexes[g.index] != want.indexes[w.index] {
				t.Fatalf("document %d: %+v, want %+v", i, g, w)
			}
		}
		reader := b.lease.reader(b.body, nil)
		if b.keep(func(int) bool { return true }) == b {
			t.Fatal("a body was changed while somebody reads it")
		}
		_ = reader.Close()
	}
}

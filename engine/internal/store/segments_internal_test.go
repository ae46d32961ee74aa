package store

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"testing"

	"github.com/seed56735111/penstock/engine/internal/mapping"
)

// batches writes small batches, of which each writes a document anew that is there, and returns the documents by key.
func batches(t *testing.T, x *Index, n, docs int) map[string]string {
	t.Helper()
	const fields = 1000
	sources := map[string]string{}
	for i := range n {
		st := *x.Now()
		var records []*Record
		put := func(key string) {
			d := &Stored{Key: key, ID: key, Version: 1, Seq: st.Seq, Source: json.RawMessage(
				fmt.Sprintf(`{"n":%d,"text":"batch %d"}`, st.Seq, i))}
			st.Seq++
			node, err := mapping.ReadSource(d.Source)
			if err != nil {
				t.Fatal(err)
			}
			p, m, err := st.Mapping.Read(key, fields, &node)
			if err != nil {
				t.Fatal(err)
			}
			st.Mapping = m
			records = append(records, x.NewRecord(d, p))
			sources[key] = string(d.Source)
		}
		if i > 0 {
			put(fmt.Sprintf("%d-%d", (i-1)*7919%i, i%docs))
		}
		for j := range docs {
			put(fmt.Sprintf("%d-%d", i, j))
		}
		if err := x.Write(func() error { return x.Change(records, nil, &st) }); err != nil {
			t.Fatal(err)
		}
	}
	return sources
}

func TestSmallSegmentsAreMerged(t *testing.T) {
	t.Parallel()
	shared := NewShared(slog.New(slog.DiscardHandler))
	defer shared.Close()
	const major = 8
	settings, err := NewSettings(nil, major)
	if err != nil {
		t.Fatal(err)
	}
	x, err := NewIndex("", "logs", settings, mapping.NewMapping(major), nil, shared)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	const n, each, docs = 300, 9, 2700
	sources := batches(t, x, n, each)
	s, st, err := x.View()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := len(s.Segments()); got >= 2*manySmall {
		t.Errorf("%d segments after %d batches", got, n)
	}
	live := s.Live()
	if len(live) != docs {
		t.Errorf("%d documents, not %d", len(live), docs)
	}
	for _, doc := range live {
		d, err := s.Load(doc, true)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(d.Source); got != sources[d.Key] {
			t.Errorf("document %s is %s, not %s", d.Key, got, sources[d.Key])
		}
		delete(sources, d.Key)
	}
	if l := st.Lengths[mapping.FieldPrefix+"text"]; l.Docs < docs || l.Words != 2*l.Docs {
		t.Errorf("lengths are %+v for %d documents", l, docs)
	}
}

func TestSegmentsAreMergedWhenManyAreSmallOrMuchIsGone(t *testing.T) {
	t.Parallel()
	of := func(n, size int) []int { return slices.Repeat([]int{size}, n) }
	for _, c := range []struct {
		name       string
		live, dead []int
		segments   int
		portion    int
	}{
		{"none", nil, nil, 0, 1000},
		{"few", of(63, 10), of(63, 0), 0, 1000},
		{"many", of(64, 10), of(64, 0), 64, 1000},
		{"many behind large ones", append(of(100, 1000), of(64, 499)...), of(164, 0), 64, 1000},
		{"many among large ones", slices.Repeat([]int{499, 1000}, 64), of(128, 0), 64, 1000},
		{"large", of(1000, 500), of(1000, 0), 1000, 1953},
		{"small among so many", of(513, 1000), of(513, 0), 513, 2003},
		{"large enough", of(512, 1000), of(512, 0), 0, 2000},
		{"more gone than there", of(2, 600), []int{1201, 0}, 2, 1000},
		{"half gone", of(2, 600), []int{1200, 0}, 0, 1000},
		{"few are gone", of(1, 1), of(1, 1000), 0, 1000},
	} {
		segments, portion := merging(c.live, c.dead)
		if portion != c.portion || len(segments) != c.segments {
			t.Errorf("%s: %d segments, %d each; want %d, %d", c.name, len(segments), portion, c.segments, c.portion)
		}
	}
}

package pipeline

import (
	"testing"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/shape"
)

// A letter of an earlier version holds the record and no document: where the object's identity alone makes the id, the
// document is made again, the same as shipping the object would make it.
func TestTheRecordInALetterOfAnEarlierVersionBecomesItsDocument(t *testing.T) {
	t.Parallel()
	const raw = `{"time":"2015-11-19T08:00:00Z","n":1}`
	place := penstock.Place{
		Object: "s3://b/k", Bucket: "b", Key: "k", ETag: "e", Format: "ndjson", Offset: 70,
		Length: int64(len(raw)),
	}
	r, err := newReshaper("x-{service|none}-{yyyy}", false, nil)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := r.document(penstock.Letter{ID: "hash", Reason: penstock.ReasonUnshaped, Source: place, Raw: []byte(raw)})
	if err != nil {
		t.Fatal(err)
	}
	s, err := shape.New(shape.Config{Index: "x-{service|none}-{yyyy}"})
	if err != nil {
		t.Fatal(err)
	}
	entry, err := s.Entry(&penstock.Object{}, penstock.Identity{Bucket: "b", Key: "k", ETag: "e"}, "", "ndjson")
	if err != nil {
		t.Fatal(err)
	}
	want, err := entry.Shape(&penstock.Record{
		Offset: 70, Raw: []byte(raw), JSON: []byte(raw),
		Time: time.Date(2015, 11, 19, 8, 0, 0, 0, time.UTC),
	})
	if err != nil {
		t.Fatal(err)
	}
	if doc.Index != "x-none-2015" || string(doc.ID) != string(want.ID) || string(doc.Body()) != string(want.Body()) ||
		doc.Offset != 70 {
		t.Errorf("%s %s %s\nwant %s %s %s", doc.Index, doc.ID, doc.Body(), want.Index, want.ID, want.Body())
	}
	for what, l := range map[string]penstock.Letter{
		"of a file, whose id nobody knows": {
			Source: penstock.Place{Object: "a", Key: "/a", Format: "ndjson"}, Raw: []byte(raw),
		},
		"of a format that is none": {
			Source: penstock.Place{Object: "o", Bucket: "b", Key: "k", ETag: "e", Format: "none"}, Raw: []byte(raw),
		},
		"with two records": {Source: place, Raw: []byte(raw + "\n" + raw)},
		"with none":        {Source: place, Raw: []byte{}},
	} {
		if doc, err := r.document(l); err == nil {
			t.Errorf("a letter %s becomes %s", what, doc.Body())
		}
	}
}

package cli

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
	place := penstock.Place{Object: "s3://b/k", Bucket: "b", Key: "k", ETag: "e", Format: "ndjson", Offset: 70, Length: int64(len(raw))}
	r, err := newReshaper("x-{service|none}-{yyyy}", false)
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
	want, err := entry.Shape(&penstock.Record{Offset: 70, Raw: []byte(raw), JSON: []byte(raw), Time: time.Date(2015, 11, 19, 8, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	if doc.Index != "x-none-2015" || string(doc.ID) != string(want.ID) || string(doc.Body()) != string(want.Body()) || doc.Offset != 70 {
		t.Errorf("%s %s %s\nwant %s %s %s", doc.Index, doc.ID, doc.Body(), want.Index, want.ID, want.Body())
	}
	for what, l := range map[string]penstock.Letter{
		"of a file, whose id nobody knows": {Source: penstock.Place{Object: "a", Key: "/a", Format: "ndjson"}, Raw: []byte(raw)},
		"of a format that is none":         {Source: penstock.Place{Object: "o", Bucket: "b", Key: "k", ETag: "e", Format: "none"}, Raw: []byte(raw)},
		"with two records":                 {Source: place, Raw: []byte(raw + "\n" + raw)},
		"with none":                        {Source: place, Raw: []byte{}},
	} {
		if doc, err := r.document(l); err == nil {
			t.Errorf("a letter %s becomes %s", what, doc.Body())
		}
	}
}

// A letter names its domain in one way, however the endpoint is written.
func TestADomainHasOneName(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://Search-X.eu-west-1.es.amazonaws.com":      "https://search-x.eu-west-1.es.amazonaws.com",
		"https://search-x.eu-west-1.es.amazonaws.com:443/": "https://search-x.eu-west-1.es.amazonaws.com",
		"http://127.0.0.1:80":                              "http://127.0.0.1",
		"http://127.0.0.1:9200/":                           "http://127.0.0.1:9200",
		"http://[::1]:9200/a/":                             "http://[::1]:9200/a",
		"https://[2001:db8::1]":                            "https://[2001:db8::1]",
	} {
		if got, err := domainName(text); err != nil || got != want {
			t.Errorf("%s is %q, %v, want %q", text, got, err, want)
		}
	}
	tunnel := target{url: "https://127.0.0.1:8443", signFor: "Search-X.eu-west-1.es.amazonaws.com:443"}
	if got, err := tunnel.name(); err != nil || got != "https://search-x.eu-west-1.es.amazonaws.com" {
		t.Errorf("behind a tunnel: %q, %v", got, err)
	}
}

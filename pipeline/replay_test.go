package pipeline

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/rules"
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
	r, err := newReshaper("x-{service|none}-{yyyy}", false, &Read{})
	if err != nil {
		t.Fatal(err)
	}
	doc, err := oneOf(r, penstock.Letter{ID: "hash", Reason: penstock.ReasonUnshaped, Source: place, Raw: []byte(raw)})
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
		if doc, err := oneOf(r, l); err == nil {
			t.Errorf("a letter %s becomes %s", what, doc.Body())
		}
	}
}

// oneOf is the document of a letter that is of one.
func oneOf(r *reshaper, l penstock.Letter) (penstock.Document, error) {
	docs, err := r.documents(l)
	if err == nil && len(docs) != 1 {
		err = fmt.Errorf("%d documents", len(docs))
	}
	if err != nil {
		return penstock.Document{}, err
	}
	return docs[0], nil
}

// A letter is sent again by the rules that have not run on it, and by no other.
func TestAReplayRunsTheRulesThatHaveNotRun(t *testing.T) {
	t.Parallel()
	set := func(name, value string) rules.Rule {
		return rules.Rule{Name: name, Verb: rules.Set{Fields: []rules.Assignment{{Field: name, Value: value}}}}
	}
	mask := rules.Rule{Name: "mask", Verb: rules.Redact{Fields: []string{"user"}, With: rules.WithMask}}
	r, err := newReshaper("x", false, &Read{
		Always: []rules.Rule{set("a", "1")},
		Routes: []Route{
			{Name: "b", Match: Match{Bucket: globs("b")}, Rules: []rules.Rule{set("b", "2"), mask}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		bucket          string
		run             []string
		want, wantRaw   string
		document, wrong string
	}{
		{bucket: "b", run: []string{"a", "b", "mask"}, want: `{"user":"ada"}`, wantRaw: "ada"},
		{bucket: "b", run: []string{"a", "mask"}, want: `{"user":"ada","b":"2"}`, wantRaw: "ada"},
		{bucket: "b", want: `{"user":"[redacted]","a":"1","b":"2"}`, wantRaw: "[redacted]"},
		{bucket: "c", want: `{"user":"ada","a":"1"}`, wantRaw: "ada"},
		{bucket: "b", document: `{"parse_error":"x","message":"ada"}`, wrong: "cannot be read"},
	} {
		l := penstock.Letter{
			ID: "id", Index: "i", Rules: tt.run, Raw: []byte("ada"), Document: []byte(cmp.Or(tt.document, `{"user":"ada"}`)),
			Source: penstock.Place{Object: "s3://b/k", Bucket: tt.bucket, Key: "k", Format: "ndjson", Offset: 7},
		}
		doc, err := oneOf(r, l)
		if tt.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), tt.wrong) {
				t.Errorf("%+v: %v", tt, err)
			}
			continue
		}
		if err != nil || string(doc.Body()) != tt.want || string(doc.Raw) != tt.wantRaw || string(doc.ID) != "id" ||
			doc.Index != "i" || doc.Offset != 7 {
			t.Errorf("%+v: got %s, raw %s, %+v, %v", tt, doc.Body(), doc.Raw, doc, err)
		}
	}
}

// A letter becomes what shipping its record by the same rules would make of it: the documents of its parts, under their
// ids, or those of the parts of a part.
func TestAReplaySplits(t *testing.T) {
	t.Parallel()
	split := rules.Rule{Name: "s", Verb: rules.Split{Field: "a"}}
	odd := rules.Rule{Name: "odd", Verb: rules.Drop{Reason: "odd"}, When: "a % 2 == 1"}
	r, err := newReshaper("x", false, &Read{Routes: []Route{
		{Name: "b", Match: Match{Bucket: globs("b")}, Rules: []rules.Rule{split, odd}, Action: ActionIndex},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		id, document string
		run          []string
		want         string
	}{
		{"7", `{"penstock":{"offset":7},"a":[1,2,4]}`, nil, `7.1 {"penstock":{"offset":7,"part":"1"},"a":2} 7.2 ` +
			`{"penstock":{"offset":7,"part":"2"},"a":4}`},
		{"7.3", `{"a":[2],"penstock":{"offset":7,"part":"3"}}`, nil, `7.3.0 {"a":2,"penstock":{"offset":7,"part":"3.0"}}`},
		{"7", `{"a":[2]}`, []string{"s"}, `7 {"a":[2]}`},
		{"7", `{"a":[1,3]}`, nil, `dropped by the rule odd: odd`},
	} {
		docs, err := r.documents(penstock.Letter{
			ID: tt.id, Index: "i", Rules: tt.run, Document: []byte(tt.document),
			Source: penstock.Place{Object: "s3://b/k", Bucket: "b", Key: "k", Format: "ndjson", Offset: 7},
		})
		var got []string
		for _, doc := range docs {
			got = append(got, string(doc.ID), string(doc.Body()))
			if !doc.Replace || doc.Offset != 7 {
				t.Errorf("%s: %+v: it does not go as its route says", tt.document, doc)
			}
		}
		if err != nil {
			got = append(got, err.Error())
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: got %s, want %s", tt.document, got, tt.want)
		}
	}
}

package pipeline

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock"
)

// shipped is what became of an entry: its route, and its documents as INDEX ID.
type shipped struct {
	route, format, skip string
	docs                []string
	bodies              []string
	dropped             int
	err                 error
}

func readAs(t *testing.T, o *Read, object *penstock.Object, id penstock.Identity, r io.Reader) shipped {
	t.Helper()
	p, _, err := o.Stages()
	if err != nil {
		t.Fatal(err)
	}
	reading, err := p.Read(object, id, penstock.Entry{Reader: r})
	if err != nil {
		return shipped{err: err}
	}
	got := shipped{route: reading.Route, format: reading.Format, skip: reading.Skip}
	if got.skip != "" {
		return got
	}
	for s, err := range reading.Documents(0) {
		switch {
		case errors.Is(err, penstock.ErrDrop):
			got.dropped++
		case err != nil:
			got.err = err
		default:
			got.docs = append(got.docs, s.Document.Index+" "+string(s.Document.ID))
			got.bodies = append(got.bodies, string(s.Document.Body()))
		}
	}
	return got
}

func globs(texts ...string) []Pattern {
	var all []Pattern
	for _, text := range texts {
		all = append(all, Pattern{Glob: text})
	}
	return all
}

const (
	ndjson = `{"time":"2026-11-24T10:00:00Z","level":"info","n":1}` + "\n" +
		`{"time":"2026-11-24T10:00:01Z","level":"debug","n":2}` + "\n"
	plain = "2026-11-24 10:00:00 INFO one\n2026-11-24 10:00:01 INFO two\n"
)

func TestTheFirstRouteThatMatchesIsTaken(t *testing.T) {
	t.Parallel()
	yes := true
	o := &Read{Index: "rest-{format}", Routes: []Route{
		{Name: "pictures", Match: Match{Key: globs("**/*.png")}, Skip: "pictures"},
		{Name: "json", Match: Match{Format: globs("ndjson", "json"), Bucket: globs("logs-*")}, Index: "json", Drop: []string{
			"level=debug",
		}},
		{
			Name: "audit", Match: Match{Account: globs("123456789012"), Region: []Pattern{{Regex: "^eu-"}}},
			Index: "a-{account}",
		},
		{Name: "forced", Match: Match{Key: globs("forced/**")}, Format: "text", Index: "forced", Original: &yes},
		{Name: "berlin", Match: Match{Format: globs("text")}, Index: "b-{yyyy-MM-dd-HH}", TimeZone: "Europe/Berlin"},
	}}
	for _, tt := range []struct {
		bucket, key, text string
		want              string
	}{
		{"logs-1", "x/a.png", ndjson, "pictures skip pictures"},
		{"logs-1", "a", ndjson, "json ndjson json 1 dropped 1"},
		{"other", "a", ndjson, " ndjson rest-ndjson 2 dropped 0"},
		{"other", "a", plain, "berlin text b-2026-11-24-09 2 dropped 0"},
		{"other", "AWSLogs/123456789012/x/eu-west-1/a", plain, "audit text a-123456789012 2 dropped 0"},
		{"other", "AWSLogs/123456789012/x/us-east-1/a", ndjson, " ndjson rest-ndjson 2 dropped 0"},
		{"other", "forced/a", ndjson, "forced text forced 2 dropped 0"},
		{"logs-1", "forced/a", ndjson, "json ndjson json 1 dropped 1"},
		{"other", "forced/a", "", "forced skip empty"},
		{"other", "forced/_SUCCESS", plain, "forced text forced 2 dropped 0"},
		{"other", "_SUCCESS", plain, " skip job marker"},
	} {
		id := penstock.Identity{Bucket: tt.bucket, Key: tt.key, ETag: "e"}
		for _, r := range []io.Reader{strings.NewReader(tt.text), iotest.OneByteReader(strings.NewReader(tt.text))} {
			got := readAs(t, o, &penstock.Object{}, id, r)
			text := got.route + " skip " + got.skip
			if got.skip == "" {
				index, _, _ := strings.Cut(strings.Join(got.docs, ""), " ")
				text = fmt.Sprintf("%s %s %s %d dropped %d", got.route, got.format, index, len(got.docs), got.dropped)
			}
			if got.err != nil || text != tt.want {
				t.Errorf("s3://%s/%s: got %q, error %v, want %q", tt.bucket, tt.key, text, got.err, tt.want)
			}
		}
	}
}

// What a route does not change is as without routes: ids, and documents byte for byte, however an entry was recognised.
func TestRoutesChangeNoIDAndNoDocument(t *testing.T) {
	t.Parallel()
	without := &Read{Index: "x"}
	with := &Read{Index: "x", Routes: []Route{
		{Name: "never", Match: Match{Format: globs("alb")}, Index: "never"},
		{Name: "zone", Match: Match{Format: globs("ndjson")}, TimeZone: "Asia/Tokyo"}, // recognised twice
		{Name: "forced", Match: Match{Key: globs("**")}, Format: "text"},
	}}
	long := strings.Repeat(ndjson, 5000) // longer than what is looked at for recognition
	for _, text := range []string{ndjson, plain, long, ndjson + "broken\n"} {
		id := penstock.Identity{Bucket: "b", Key: "k", ETag: "e"}
		want := readAs(t, without, &penstock.Object{}, id, strings.NewReader(text))
		got := readAs(t, with, &penstock.Object{}, id, iotest.HalfReader(strings.NewReader(text)))
		if len(got.docs) == 0 || !slices.Equal(got.docs, want.docs) || !slices.Equal(got.bodies, want.bodies) {
			t.Errorf("%.20q…: %d documents by route %q as %s, want %d as %s (or others)", text, len(got.docs), got.route,
				got.format, len(want.docs), want.format)
		}
	}
	// An error of the stream is one, on either way, and comes once.
	for _, o := range []*Read{without, with} {
		broken := io.MultiReader(strings.NewReader(ndjson), iotest.ErrReader(errors.New("gone")))
		got := readAs(t, o, &penstock.Object{}, penstock.Identity{Bucket: "b", Key: "k", ETag: "e"}, broken)
		if got.err == nil || got.err.Error() != "gone" {
			t.Errorf("error %v, want that of the stream", got.err)
		}
	}
}

func payload(group string, id int) string {
	return fmt.Sprintf(`{"messageType":"DATA_MESSAGE","owner":"123456789012","logGroup":%q,"logStream":"s",`+
		`"subscriptionFilters":["all"],"logEvents":[{"id":"%d","timestamp":1447920000000,"message":"{\"n\":%d}"}]}`,
		group, id, id)
}

func TestLogEventsHaveTheRouteOfTheirLogGroup(t *testing.T) {
	t.Parallel()
	o := &Read{Index: "rest", Routes: []Route{
		{Name: "eks", Match: Match{LogGroup: []Pattern{{Regex: "^/eks/(prod|stage)/"}}}, Index: "eks-{log_group}"},
		{Name: "quiet", Match: Match{LogGroup: globs("/quiet/**")}, Skip: "nobody reads them"},
		{Name: "logs", Match: Match{Key: globs("firehose/**")}, Index: "logs"},
	}}
	text := payload("/eks/prod/a", 1) + payload("/quiet/x", 2) + payload("/ecs/web", 3) + payload("/eks/stage/b", 4)
	got := readAs(t, o, &penstock.Object{}, penstock.Identity{Bucket: "b", Key: "firehose/x", ETag: "e"},
		strings.NewReader(text))
	want := []string{"eks-eks_prod_a 1", "logs 3", "eks-eks_stage_b 4"}
	if diff := cmp.Diff(got.docs, want); diff != "" || got.dropped != 1 || got.err != nil {
		t.Errorf("payloads in an object (-got +want), %d dropped, error %v:\n%s", got.dropped, got.err, diff)
	}
	got = readAs(t, o, &penstock.Object{}, penstock.Identity{Bucket: "b", Key: "firehose/x", ETag: "e"},
		strings.NewReader(ndjson))
	if got.route != "logs" || len(got.docs) != 2 {
		t.Errorf("what is no payload: %+v", got)
	}
	for group, want := range map[string]string{
		"/eks/prod/a": "eks-eks_prod_a 7", "/quiet/x": "skip nobody reads them", "/ecs/web": "cwl-2015.11.19 7",
	} {
		object := &penstock.Object{Attr: map[string]string{
			"log_group": group, "owner": "123456789012", "log_stream": "s",
		}}
		got := readAs(t, o, object, penstock.Identity{Key: "logs://" + group, ETag: "e"},
			strings.NewReader(payload(group, 7)))
		text := strings.Join(got.docs, "")
		if got.skip != "" {
			text = "skip " + got.skip
		}
		if text != want || got.err != nil {
			t.Errorf("events of %s: %q, error %v, want %q", group, text, got.err, want)
		}
	}
}

func TestAWrongRouteIsNamed(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]Route{
		"pattern": {Match: Match{Key: []Pattern{{Regex: "("}}}},
		"empty":   {Match: Match{Key: []Pattern{{}}}},
		"format":  {Format: "cobol"},
		"both":    {Format: "text", Match: Match{Format: globs("alb")}},
		"index":   {Index: "{bucket}"},
		"zone":    {TimeZone: "Mars"},
		"drop":    {Drop: []string{"x"}},
	} {
		r.Name = name
		_, _, err := (&Read{Routes: []Route{r}}).Stages()
		e, ok := errors.AsType[*RouteError](err)
		if _, option := errors.AsType[*OptionError](err); !ok || !option || e.Route != name {
			t.Errorf("%s: %v does not name the route", name, err)
		}
	}
}

// A letter without an index gets that of the route by which its record went.
func TestLettersGetTheIndexOfTheirRoute(t *testing.T) {
	t.Parallel()
	r, err := newReshaper("rest-{service|none}", false, &Read{Routes: []Route{
		{Name: "a", Match: Match{Bucket: globs("b"), Format: globs("ndjson")}, Index: "a-{key[0]}-{service|none}"},
		{Name: "b", Match: Match{LogGroup: globs("/ecs/*")}, Index: "b-{log_group}"},
		{Name: "c", Match: Match{File: globs("/var/**")}, Index: "c"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for want, l := range map[string]penstock.Letter{
		"a-x-none":  {Source: penstock.Place{Bucket: "b", Key: "X/y", Format: "ndjson"}, Document: []byte(`{"n":1}`)},
		"rest-none": {Source: penstock.Place{Bucket: "b", Key: "X/y", Format: "text"}, Document: []byte(`{"n":1}`)},
		"b-ecs_web": {Source: penstock.Place{Format: "cwl-compat"}, Document: []byte(`{"@log_group":"/ecs/web"}`)},
		"c":         {Document: []byte(`{"penstock":{"file":"/var/log/x"}}`)},
	} {
		l.ID = "i"
		doc, err := oneOf(r, l)
		if err != nil || doc.Index != want {
			t.Errorf("index %q, error %v, want %q", doc.Index, err, want)
		}
	}
}

// A route costs an entry something, and a record nothing.
func BenchmarkRoutes(b *testing.B) {
	text := strings.Repeat(ndjson, 2000)
	for name, routes := range map[string][]Route{"without": nil, "with": {
		{Name: "a", Match: Match{Format: globs("alb")}, Index: "a"},
		{Name: "b", Match: Match{Format: globs("ndjson")}, Index: "logs-{format}-{yyyy.MM.dd}"},
	}} {
		b.Run(name, func(b *testing.B) {
			p, _, err := (&Read{Routes: routes}).Stages()
			if err != nil {
				b.Fatal(err)
			}
			id := penstock.Identity{Bucket: "b", Key: "k", ETag: "e"}
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				reading, err := p.Read(&penstock.Object{}, id, penstock.Entry{Reader: strings.NewReader(text)})
				if err != nil {
					b.Fatal(err)
				}
				for range reading.Documents(0) {
				}
			}
		})
	}
}

// Whatever its fields are called, the document in a letter without an index is the one that is shipped with an index.
func TestALetterWithoutAnIndexHoldsTheDocument(t *testing.T) {
	t.Parallel()
	const flow = "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 " +
		"1418530070 ACCEPT OK\n"
	id := penstock.Identity{Bucket: "b", Key: "k", ETag: "e"}
	for _, fields := range []string{FieldsOwn, FieldsECS, FieldsOCSF} {
		for _, original := range []bool{false, true} {
			o := &Read{Index: "x", Fields: fields, Original: original, Format: "vpcflow"}
			want := readAs(t, o, &penstock.Object{}, id, strings.NewReader(flow))
			o.Index = "x-{nowhere}"
			got := readAs(t, o, &penstock.Object{}, id, strings.NewReader(flow))
			re, ok := errors.AsType[*penstock.RecordError](got.err)
			if !ok || len(want.bodies) != 1 || string(re.Document) != want.bodies[0] || "x "+string(re.ID) != want.docs[0] {
				t.Errorf("%s, original %t: error %v\n got %s\nwant %s", fields, original, got.err, re.Document, want.bodies)
			}
		}
	}
}

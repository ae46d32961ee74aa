package shape_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/shape"
)

var (
	noon   = time.Date(2026, 11, 24, 12, 0, 0, 123_000_000, time.UTC)
	stored = time.Date(2026, 11, 25, 1, 2, 3, 0, time.UTC)
	pinned = penstock.Identity{Bucket: "logs", Key: "a/b.log", ETag: "abc", Modified: stored}
	loose  = penstock.Identity{Key: "/var/log/app.log", Modified: stored}
	stdin  = penstock.Identity{Key: "-", Modified: stored}
)

func entry(t testing.TB, index string, id penstock.Identity, name string) penstock.EntryShaper {
	t.Helper()
	s, err := shape.New(shape.Config{Index: index})
	if err != nil {
		t.Fatal(err)
	}
	e, err := s.Entry(&penstock.Object{}, id, name, "ndjson")
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func record(body string, at time.Time, offset int64) *penstock.Record {
	return &penstock.Record{Offset: offset, Raw: []byte(body), JSON: []byte(body), Time: at}
}

func TestDocumentsSayWhereTheyAreFrom(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		id    penstock.Identity
		entry string
		rec   *penstock.Record
		top   penstock.TopNames
		want  string
	}{
		{
			name: "object", id: pinned, rec: record(`{"n":1}`, noon, 17),
			want: `{"@timestamp":"2026-11-24T12:00:00.123Z","aws":{"s3":{"bucket":"logs","key":"a/b.log"}},` +
				`"penstock":{"format":"ndjson","offset":17},"n":1}`,
		},
		{
			name: "archive member", id: pinned, entry: "x/y", rec: record(`{}`, noon, 0),
			want: `{"@timestamp":"2026-11-24T12:00:00.123Z","aws":{"s3":{"bucket":"logs","key":"a/b.log"}},` +
				`"penstock":{"format":"ndjson","entry":"x/y","offset":0}}`,
		},
		{
			name: "file without a time", id: loose, rec: record(`{ }`, time.Time{}, 5),
			want: `{"@timestamp":"2026-11-25T01:02:03.000Z","penstock":{"format":"ndjson","file":"/var/log/app.log",` +
				`"time_from":"stored","offset":5}}`,
		},
		{
			name: "standard input", id: penstock.Identity{Key: "-", Modified: stored}, rec: record(`{"n":1}`, noon.Add(456), 5),
			want: `{"@timestamp":"2026-11-24T12:00:00.123000456Z","penstock":{"format":"ndjson","offset":5},"n":1}`,
		},
		{
			name: "own time", id: loose, rec: record(`{"@timestamp":"2026-11-24"}`, noon, 5), top: penstock.TopTimestamp,
			want: `{"penstock":{"format":"ndjson","file":"/var/log/app.log","offset":5},"@timestamp":"2026-11-24"}`,
		},
		{
			name: "own aws", id: pinned, rec: record(`{"aws":{"x":1}}`, noon, 5), top: penstock.TopAWSObject,
			want: `{"@timestamp":"2026-11-24T12:00:00.123Z","aws.s3.bucket":"logs","aws.s3.key":"a/b.log",` +
				`"penstock":{"format":"ndjson","offset":5},"aws":{"x":1}}`,
		},
		{
			name: "shipped before", id: pinned, rec: record(`{"penstock":1}`, noon, 5), top: penstock.TopPenstock,
			want: `{"@timestamp":"2026-11-24T12:00:00.123Z","aws":{"s3":{"bucket":"logs","key":"a/b.log"}},` +
				`"penstock_":{"format":"ndjson","offset":5},"penstock":1}`,
		},
		{
			name: "hostile name", id: penstock.Identity{Bucket: "b", Key: "\"\\\n\x7f\xff\u202e", ETag: "e"},
			rec: record(`{}`, noon, 0),
			want: `{"@timestamp":"2026-11-24T12:00:00.123Z","aws":{"s3":{"bucket":"b","key":"\"\\\n` + "\x7f\ufffd\u202e" +
				`"}},"penstock":{"format":"ndjson","offset":0}}`,
		},
		{
			name: "no time anywhere", id: penstock.Identity{Bucket: "b", Key: "k", ETag: "e"}, rec: record(`{}`, time.Time{}, 0),
			want: `{"aws":{"s3":{"bucket":"b","key":"k"}},"penstock":{"format":"ndjson","offset":0}}`,
		},
		{
			name: "a year that JSON dates cannot have", id: pinned,
			rec: record(`{}`, time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), 0),
			want: `{"@timestamp":"2026-11-25T01:02:03.000Z","aws":{"s3":{"bucket":"logs","key":"a/b.log"}},` +
				`"penstock":{"format":"ndjson","time_from":"stored","offset":0}}`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.rec.Top = test.top
			doc, err := entry(t, "logs", test.id, test.entry).Shape(test.rec)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(doc.Body()), test.want); diff != "" {
				t.Errorf("document (-got +want):\n%s", diff)
			}
			if !json.Valid(doc.Body()) {
				t.Errorf("not JSON: %s", doc.Body())
			}
			if doc.Offset != test.rec.Offset || string(doc.Raw) != string(test.rec.Raw) {
				t.Errorf("offset %d, raw %q: not the record's", doc.Offset, doc.Raw)
			}
		})
	}
}

func TestTimeOfRecordsWithoutOneComesFromTheNameBeforeTheStore(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"AWSLogs/123456789012/elasticloadbalancing/eu-west-1/2026/11/24/" +
			"123456789012_elb_20261124T1005Z_x.log.gz": "2026-11-24T10:05:00.000Z",
		"cf/E2K.2026-11-24-13.abcd.gz":                "2026-11-24T13:00:00.000Z",
		"year=2026/month=11/day=4/hour=7/part-0.json": "2026-11-04T07:00:00.000Z",
		"firehose/2026/11/24/09/stream-1":             "2026-11-24T09:00:00.000Z",
		"2020/01/01/app-20261124.log":                 "2026-11-24T00:00:00.000Z",
		"access.log-2026-11-24_101112":                "2026-11-24T10:11:12.000Z",
		"2026-11-31.log":                              "2026-11-25T01:02:03.000Z", // no such day
		"app.log":                                     "2026-11-25T01:02:03.000Z",
		"20261124101112345678":                        "2026-11-25T01:02:03.000Z",
		strings.Repeat("2026-99-", 1000):              "2026-11-25T01:02:03.000Z",
		"2026-11-24T99:00:00":                         "2026-11-24T00:00:00.000Z",
		"dt=2026-11-24/hour=10/x":                     "2026-11-24T00:00:00.000Z",
		"2026/11/24/app-2026-11-23.log":               "2026-11-23T00:00:00.000Z",
		"i-0123/20251231T235959Z.gz":                  "2025-12-31T23:59:59.000Z",
	} {
		id := pinned
		id.Key = name
		doc, err := entry(t, "logs-{yyyy-MM-dd}", id, "").Shape(record(`{}`, time.Time{}, 0))
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			At string `json:"@timestamp"`
		}
		if err := json.Unmarshal(doc.Body(), &got); err != nil {
			t.Fatal(err)
		}
		if got.At != want || doc.Index != "logs-"+want[:10] {
			t.Errorf("%q: %s in %s, want %s", name, got.At, doc.Index, want)
		}
	}
}

func TestIndexNamesComeFromTheRecord(t *testing.T) {
	t.Parallel()
	const body = `{"service":"Pay/Ments","n":7,"ok":true,"a":{"b":{"c":"x"},"b.d":"y"},"esc\u0061pe":"z","empty":"",` +
		`"nul":null,"list":["q"],"evil":"../../_all,*","a.b":{"e":"w"}}`
	for pattern, want := range map[string]string{
		"logs-{format}-{yyyy.MM.dd}":   "logs-ndjson-2026.11.24",
		"logs":                         "logs",
		"x{yyyy}{MM}{dd}{HH}":          "x2026112412",
		"weekly-{xxxx.ww}":             "weekly-2026.48",
		"s-{service}":                  "s-pay_ments",
		"s-{n}-{ok}":                   "s-7-true",
		"s-{a.b.c}":                    "s-x",
		"s-{a.b.d}":                    "s-y",
		"s-{a.b.e}":                    "s-w",
		"s-{escape}":                   "s-z",
		"s-{empty|none}":               "s-none",
		"s-{nul|none}-{list|l}-{a|o}":  "s-none-l-o",
		"s-{missing|none}-{yyyy-MM}":   "s-none-2026-11",
		"s-{evil}":                     "s-.._.._" + "_all__",
		"logs-{service|none}-{format}": "logs-pay_ments-ndjson",
	} {
		doc, err := entry(t, pattern, pinned, "").Shape(record(body, noon, 0))
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
		} else if doc.Index != want {
			t.Errorf("%s: index %q, want %q", pattern, doc.Index, want)
		}
	}
}

func TestRecordsThatHaveNoIndexAreKeptAsErrors(t *testing.T) {
	t.Parallel()
	undated := penstock.Identity{Bucket: "b", Key: "k", ETag: "e"}
	for _, test := range []struct {
		pattern, body, want string
		id                  penstock.Identity
		at                  time.Time
	}{
		{"logs-{service}", `{"n":1}`, `no "service"`, pinned, noon},
		{"logs-{yyyy}", `{"n":1}`, "no time", undated, time.Time{}},
		{"logs-{s}", `{"s":"` + strings.Repeat("x", 300) + `"}`, "305 bytes", pinned, noon},
	} {
		_, err := entry(t, test.pattern, test.id, "").Shape(record(test.body, test.at, 9))
		re, ok := errors.AsType[*penstock.RecordError](err)
		if !ok || re.Reason != penstock.ReasonUnshaped || re.Offset != 9 || string(re.Raw) != test.body ||
			!strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want a RecordError with the record and %q", test.pattern, err, test.want)
		}
	}
}

// What lacks an index alone is a document otherwise: the same as with a pattern that fits, under the same id.
func TestADocumentWithoutAnIndexIsNamedByAnotherPatternLater(t *testing.T) {
	t.Parallel()
	for _, id := range []penstock.Identity{pinned, {Key: "/var/log/app.log", Modified: stored}} {
		want, err := entry(t, "logs-{format}-{service|none}-{yyyy.MM.dd}", id, "").Shape(record(`{"n":1}`, noon, 9))
		if err != nil {
			t.Fatal(err)
		}
		wantBody, wantID := string(want.Body()), string(want.ID)
		_, err = entry(t, "logs-{service}", id, "").Shape(record(`{"n":1}`, noon, 9))
		re, ok := errors.AsType[*penstock.RecordError](err)
		if !ok || string(re.ID) != wantID || string(re.Document) != wantBody {
			t.Fatalf("error %+v, want one with id %s and document %s", err, wantID, wantBody)
		}
		for pattern, index := range map[string]string{
			"logs-{format}-{service|none}-{yyyy.MM.dd}": want.Index, "x-{n}": "x-1", "y-{yyyy}": "y-" + noon.Format("2006"),
		} {
			p, err := shape.ParsePattern(pattern)
			if err != nil {
				t.Fatal(err)
			}
			namer := p.Namer()
			for range 2 {
				got, err := namer.Name(penstock.Place{Format: "ndjson"}, re.Document)
				if err != nil || got != index {
					t.Errorf("%s: index %q, %v, want %q", pattern, got, err, index)
				}
			}
			if _, err := p.Namer().Name(penstock.Place{Format: "ndjson"}, []byte(`{"@timestamp":"yesterday"}`)); err == nil {
				t.Errorf("%s: a document without a time and fields has an index", pattern)
			}
		}
	}
}

func TestPatternsThatCouldLeaveTheirPrefixOrNameNoIndexAreRefused(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{
		"{service}-logs": "must begin with", "{yyyy}": "must begin with", "-x": "does not begin", "_x": "does not begin",
		".x{n}": "does not begin",
		"Logs":  "upper-case", "lo gs": "cannot have ' '", "logs-*": "cannot have '*'", "a,b": "cannot have ','",
		"a/b": "cannot have '/'", "a\x00b": "cannot have",
		"logs-{x|A}": "upper-case", "logs-{x|}": "nothing behind", "logs-{}": "nothing in braces", "logs-{": "do not match",
		"logs-}":      "do not match",
		"logs-{a{b}}": "is no field", "logs-{|x}": "is no field", strings.Repeat("x", 256): "over 255",
		"l-{YYYY.MM.DD}": "write {yyyy.MM.dd}", "l-{YYYY-MM-dd}": "write {yyyy-MM-dd}",
		"l-{yyyy.mm.dd}": "write {yyyy.MM.dd}", "l-{DD}": "write {dd}",
		"l-{%Y.%m.%d}": "write {yyyy.MM.dd}", "l-{GGGG.WW}": "write {xxxx.ww}", "l-{yyyy.MM.dd.hh}": "write {yyyy.MM.dd.HH}",
	} {
		_, err := shape.New(shape.Config{Index: pattern})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", pattern, err, want)
		}
	}
}

func idsOf(t testing.TB, id penstock.Identity, name string, lines ...string) []string {
	t.Helper()
	e := entry(t, "logs", id, name)
	var ids []string
	var offset int64
	for _, line := range lines {
		doc, err := e.Shape(record(line, noon, offset))
		if err != nil {
			t.Fatal(err)
		}
		if len(doc.ID) > 512 {
			t.Errorf("id of %d bytes", len(doc.ID))
		}
		ids = append(ids, string(doc.ID))
		offset += int64(len(line)) + 1
	}
	return ids
}

func TestIDsFollowTheObjectAndThePosition(t *testing.T) {
	t.Parallel()
	lines := []string{`{"n":1}`, `{"n":1}`, `{"n":2}`}
	first := idsOf(t, pinned, "", lines...)
	if diff := cmp.Diff(first, idsOf(t, pinned, "", lines...)); diff != "" {
		t.Errorf("read twice: %s", diff)
	}
	seen := map[string]string{}
	for _, id := range first {
		seen[id] = "pinned"
	}
	if len(seen) != 3 {
		t.Errorf("%d ids for 3 records, two of them equal", len(seen))
	}
	for name, id := range map[string]penstock.Identity{
		"bucket":  {Bucket: "logs2", Key: "a/b.log", ETag: "abc"},
		"key":     {Bucket: "logs", Key: "a/b.log2", ETag: "abc"},
		"etag":    {Bucket: "logs", Key: "a/b.log", ETag: "abd"},
		"version": {Bucket: "logs", Key: "a/b.log", Version: "1", ETag: "abc"},
		"shifted": {Bucket: "logsa/", Key: "b.log", ETag: "abc"},
	} {
		for _, got := range idsOf(t, id, "", lines...) {
			if other, ok := seen[got]; ok {
				t.Errorf("%s and %s share id %s", name, other, got)
			}
			seen[got] = name
		}
	}
	for _, got := range idsOf(t, pinned, "member", lines...) {
		if other, ok := seen[got]; ok {
			t.Errorf("archive member and %s share id %s", other, got)
		}
	}
	// The version alone decides when there is one: a copy of the answer's ETag may differ in how it is written.
	v1 := penstock.Identity{Bucket: "logs", Key: "k", Version: "1", ETag: "x"}
	v2 := v1
	v2.ETag = "y"
	if diff := cmp.Diff(idsOf(t, v1, "", lines...), idsOf(t, v2, "", lines...)); diff != "" {
		t.Errorf("same version: %s", diff)
	}
}

// The ids of what was shipped must never change: that would double every document at the next run.
func TestIDsStayWhatTheyWere(t *testing.T) {
	t.Parallel()
	lines := []string{`{"n":1}`, `{"n":2}`}
	versioned := penstock.Identity{Bucket: "logs", Key: "a/b.log", Version: "v1", ETag: "abc"}
	logEvents := penstock.Identity{Key: "/aws/lambda/f/2026/11/24/[$LATEST]0", ETag: "0123456789abcdef0123456789abcdef"}
	for name, test := range map[string]struct {
		id    penstock.Identity
		entry string
		want  []string
	}{
		"S3 object":               {pinned, "", []string{"j4i__mr5IsF45FJBbs7X6A-0", "j4i__mr5IsF45FJBbs7X6A-8"}},
		"S3 object, member":       {pinned, "m", []string{"sn76YFrMkSZ2G69K0WsGDQ-0", "sn76YFrMkSZ2G69K0WsGDQ-8"}},
		"S3 object, version":      {versioned, "", []string{"3iZqzKTDramxr3sDDCKNBw-0", "3iZqzKTDramxr3sDDCKNBw-8"}},
		"log events":              {logEvents, "", []string{"kjCODc8NjVqepxyRLtBd2A-0", "kjCODc8NjVqepxyRLtBd2A-8"}},
		"standard input":          {stdin, "", []string{"LV95gT4O9Zs8HJZccvv8dQ-0", "ocA6N90hUSjuF1Qd3L8-aQ-8"}},
		"standard input, member":  {stdin, "m", []string{"O40Ry_CxzpTX1bCCTbAx_A-0", "txJSfROeaicF3nLD4_Tz4A-8"}},
		"no version and no place": {loose, "", []string{"1lky080ewMEZHGBHgEgaMw-0", "WsZxZS4xZHLLF6IGLgzYLw-8"}},
	} {
		if diff := cmp.Diff(idsOf(t, test.id, test.entry, lines...), test.want); diff != "" {
			t.Errorf("%s: ids (-got +want):\n%s", name, diff)
		}
	}
}

func TestGrownFileShipsOnlyItsNewRecordsAnew(t *testing.T) {
	t.Parallel()
	old := idsOf(t, loose, "", "a", "b", "c")
	grown := idsOf(t, loose, "", "a", "b", "c", "d")
	if diff := cmp.Diff(grown[:3], old); diff != "" {
		t.Errorf("grown file: %s", diff)
	}
	changed := idsOf(t, loose, "", "a", "X", "c")
	if changed[0] != old[0] || changed[1] == old[1] || changed[2] == old[2] {
		t.Errorf("changed file: ids %v, before %v: want new ones from the second on", changed, old)
	}
}

func FuzzShapedRecordsAreJSONOfTheirPrefix(f *testing.F) {
	f.Add(`{"service":"x","a":{"b":"c"}}`, "service", int64(0))
	f.Add(`{}`, "a.b", int64(1)<<62)
	f.Add(`{"a.b":{"c":"\ud800"}}`, "a.b.c", int64(-1))
	f.Fuzz(func(t *testing.T, body, path string, offset int64) {
		var object map[string]json.RawMessage
		if json.Unmarshal([]byte(body), &object) != nil || object == nil || strings.ContainsAny(body, "\n\r") ||
			body[0] != '{' {
			t.Skip()
		}
		s, err := shape.New(shape.Config{Index: "logs-{" + path + "}"})
		if err != nil {
			t.Skip()
		}
		e, err := s.Entry(&penstock.Object{}, pinned, "", "f")
		if err != nil {
			t.Fatal(err)
		}
		doc, err := e.Shape(record(body, noon, offset))
		if err != nil {
			return
		}
		if !json.Valid(doc.Body()) {
			t.Errorf("%q: not JSON: %s", body, doc.Body())
		}
		if !strings.HasPrefix(doc.Index, "logs-") || strings.ContainsAny(doc.Index, `\/*?"<>| ,#:`) {
			t.Errorf("%q: index %q", body, doc.Index)
		}
	})
}

func TestShapingAllocatesNothingForEachRecord(t *testing.T) {
	for name, id := range map[string]penstock.Identity{"pinned": pinned, "file": loose} {
		e := entry(t, shape.DefaultIndex, id, "")
		r := record(`{"a":"b","n":12345}`, noon, 123456)
		got := testing.AllocsPerRun(1000, func() {
			if _, err := e.Shape(r); err != nil {
				t.Fatal(err)
			}
		})
		if got > 0 {
			t.Errorf("%s: %g allocations a record, want none", name, got)
		}
	}
}

func BenchmarkShape(b *testing.B) {
	body := `{"level":"info","message":"` + strings.Repeat("x", 450) + `"}`
	for name, id := range map[string]penstock.Identity{"pinned": pinned, "file": loose} {
		for _, pattern := range []string{shape.DefaultIndex, "logs-{level}-{yyyy.MM.dd}"} {
			b.Run(fmt.Sprintf("%s/%s", name, pattern), func(b *testing.B) {
				e := entry(b, pattern, id, "")
				r := record(body, noon, 0)
				b.SetBytes(int64(len(body)))
				b.ReportAllocs()
				for b.Loop() {
					r.Offset += 500
					r.Time = r.Time.Add(time.Millisecond)
					if _, err := e.Shape(r); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func TestWildcardsCoverTheNamesOfAPattern(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ pattern, format, want string }{
		{shape.DefaultIndex, "alb", "logs-alb-*"},
		{shape.DefaultIndex, "", "logs-*-*"},
		{"app-{yyyy}-{MM}.{dd}", "alb", "app-*"},
		{"app-{service|x}{yyyy}-{format}", "nginx-error", "app-*-nginx-error"},
		{"app", "alb", "app"},
	} {
		p, err := shape.ParsePattern(test.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Wildcard(test.format); got != test.want {
			t.Errorf("%s for %q is %s, want %s", test.pattern, test.format, got, test.want)
		}
	}
}

package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed56735111/penstock/bench/prototype"
)

func TestCorporaAreTheSameBytesWithTheSizesOfRealLogs(t *testing.T) {
	for format, want := range formats() {
		t.Run(format, func(t *testing.T) {
			of := contents{Format: format, Objects: 8}
			a, err := makeCorpus(t.TempDir(), of, 8000)
			if err != nil {
				t.Fatal(err)
			}
			b, err := makeCorpus(t.TempDir(), of, 8000)
			if err != nil {
				t.Fatal(err)
			}
			if a.Records != 8000 || a.Bytes != b.Bytes || a.Stored != b.Stored {
				t.Errorf("two corpora of 8000 records differ: %+v, %+v", a, b)
			}
			if length := float64(a.Bytes) / 8000; length < want.length*0.95 || length > want.length*1.05 {
				t.Errorf("records of %.0f bytes, want about %.0f", length, want.length)
			}
			if ratio := float64(a.Bytes) / float64(a.Stored); ratio < want.ratio*0.85 || ratio > want.ratio*1.15 {
				t.Errorf("gzip ratio %.2f, want about %.1f", ratio, want.ratio)
			}
			if n := countRecords(t, a.Dir, want); n != a.Records {
				t.Errorf("%d records in the objects, want %d", n, a.Records)
			}
		})
	}
}

func countRecords(t *testing.T, dir string, k kind) (n int64) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		if k.between == "\n" {
			n += int64(bytes.Count(text, []byte("\n")) - strings.Count(k.header, "\n"))
			continue
		}
		var all struct{ Records []json.RawMessage }
		if err := json.Unmarshal(text, &all); err != nil {
			t.Fatal(err)
		}
		n += int64(len(all.Records))
	}
	return n
}

func TestSinkCountsWhatItIsSentAndSeesWhatIsWrong(t *testing.T) {
	const good = "{\"create\":{\"_index\":\"a\",\"_id\":\"1\"}}\n{\"x\":1}\n{\"index\":{\"_id\":\"2\"}}\n{\"x\":2}\n"
	for _, test := range []struct {
		name, query, body, answer string
		unsigned                  bool
		want                      received
	}{
		{
			name: "filtered", query: "filter_path=errors,items.*.status,items.*._id", body: good,
			answer: `{"errors":false,"items":[{"create":{"_id":"1","status":201}},{"index":{"_id":"2","status":201}}]}`,
			want:   received{Requests: 1, Documents: 2, Unique: 2},
		},
		{
			name: "no items asked for", query: "filter_path=took,errors", body: good,
			answer: `{"took":30,"errors":false}`,
			want:   received{Requests: 1, Documents: 2, Unique: 2},
		},
		{
			name: "not JSON", query: "filter_path=errors", body: "{\"index\":{}}\n{\"x\":01}\n",
			want: received{Requests: 1, Malformed: 1},
		},
		{
			name: "no newline at the end", query: "filter_path=errors", body: strings.TrimSuffix(good, "\n"),
			want: received{Requests: 1, Documents: 1, Malformed: 1},
		},
		{
			name: "unsigned", query: "filter_path=errors", body: good, unsigned: true,
			answer: `{"errors":false}`,
			want:   received{Requests: 1, Documents: 2, Unique: 2, Unsigned: 1},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSink(0)
			s.strict = true
			r := httptest.NewRequest(http.MethodPost, "/b/_bulk?"+test.query, strings.NewReader(test.body))
			if !test.unsigned {
				r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=x")
			}
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if test.answer != "" && w.Body.String() != test.answer {
				t.Errorf("answer %s, want %s", w.Body, test.answer)
			}
			got := s.got
			got.BodyBytes, got.WireBytes, got.Sum = 0, 0, 0
			if test.want.Malformed > 0 {
				got.Unique, test.want.Unique = 0, 0
			}
			if got != test.want {
				t.Errorf("received %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestUnfilteredAnswerIsWhatADomainSays(t *testing.T) {
	s := newSink(0)
	body := strings.Repeat("{\"index\":{\"_index\":\"logs\",\"_id\":\"0123456789abcdef\"}}\n{}\n", 50)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/_bulk", strings.NewReader(body)))
	var answer struct {
		Items []map[string]struct {
			Index  string `json:"_index"`
			Status int
		}
	}
	size := w.Body.Len()
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatal(err)
	}
	n := len(answer.Items)
	if n != 50 || answer.Items[0]["index"].Index != "logs" || answer.Items[0]["index"].Status != 201 {
		t.Errorf("%d items, the first %+v", n, answer.Items[0])
	}
	if per := size / 50; per < 140 || per > 240 {
		t.Errorf("%d bytes an item, want about 170", per)
	}
}

// What does not depend on how busy the machine is, is a gate: documents counted, allocations, memory.
func TestShipperStaysWithinItsAllocationsAndMemory(t *testing.T) {
	c, to := measured(t)
	for _, format := range []string{"ndjson", "alb"} {
		from, err := makeCorpus(c.cache, contents{Format: format, Objects: 8}, 100e6/int(formats()[format].length))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := runOnce(t.Context(), c, to, from, true, c.shipper(to, from)); err != nil {
			t.Fatalf("%s: strict pass: %v", format, err)
		}
		s, err := runOnce(t.Context(), c, to, from, false, c.shipper(to, from))
		if err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		const maxAllocs, maxRSS = 0.5, 96
		if got := s.allocs / float64(from.Records); !(got <= maxAllocs) {
			t.Errorf("%s: %.3f allocations a document, want at most %g", format, got, maxAllocs)
		}
		if s.rssMB > maxRSS {
			t.Errorf("%s: peak RSS %.1f MB, want at most %d", format, s.rssMB, maxRSS)
		}
		t.Logf("%s: %.3f allocations a document, %.1f MB", format, s.allocs/float64(from.Records), s.rssMB)
	}
}

// measured is a binary to measure and a sink for it.
func measured(t *testing.T) (config, *server) {
	t.Helper()
	binary, err := filepath.Abs(filepath.Join("..", "bin", "penstock"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(binary); err != nil {
		t.Skip("no bin/penstock to measure: make build")
	}
	sink := httptest.NewServer(newSink(0))
	t.Cleanup(sink.Close)
	return config{binary: binary, cache: t.TempDir()}, &server{url: sink.URL, client: sink.Client()}
}

// The ratio to the prototype says something only when both do the same work.
func TestPrototypeSendsTheSameDocuments(t *testing.T) {
	c, to := measured(t)
	for format := range formats() {
		from, err := makeCorpus(c.cache, contents{Format: format, Objects: 2}, 5000)
		if err != nil {
			t.Fatal(err)
		}
		ours, err := runOnce(t.Context(), c, to, from, true, c.shipper(to, from))
		if err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		if _, err := to.ask(t.Context(), "/-/reset?strict=true"); err != nil {
			t.Fatal(err)
		}
		if err := prototype.Run(t.Context(), prototype.Config{Dir: from.Dir, Format: format, URL: to.url}); err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		text, err := to.ask(t.Context(), "/-/received")
		if err != nil {
			t.Fatal(err)
		}
		var got received
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		if got.Sum != ours.sum || got.BodyBytes != ours.body || got.Unique != from.Records {
			t.Errorf("%s: the prototype sent %+v, penstock %d bytes with the sum %d", format, got, ours.body, ours.sum)
		}
	}
}

func TestBucketListsInPagesAndGivesItsObjects(t *testing.T) {
	c, to := measured(t)
	from, err := makeCorpus(c.cache, contents{Format: "ndjson", Objects: 1100}, 2200)
	if err != nil {
		t.Fatal(err)
	}
	b, err := newBucket(from.Dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(b)
	defer server.Close()
	to.bucket = server.URL
	if _, err := runOnce(t.Context(), c, to, from, true, c.shipper(to, from)); err != nil {
		t.Error(err)
	}
}

func TestPageHasEveryRow(t *testing.T) {
	table := newTable(io.Discard, config{rounds: 1})
	for _, r := range rows() {
		s := sample{wall: time.Second, cpu: time.Second, rssMB: 50, allocs: 10, requests: 7, body: 10}
		table.add(result{
			row: r, corpus: corpus{contents: r.of, Records: 10, Bytes: 10}, ours: []sample{s}, floor: []sample{s},
		})
	}
	file := filepath.Join(t.TempDir(), "page.md")
	if err := table.page(file); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows() {
		if !strings.Contains(string(text), "| "+r.title+" | ") {
			t.Errorf("the page lacks %q:\n%s", r.title, text)
		}
	}
}

func TestPeersAreMeasuredWithPlainLinesOfFiles(t *testing.T) {
	var names []string
	for _, r := range rows() {
		if r.hasPeers() {
			names = append(names, r.name)
		}
	}
	if got, want := strings.Join(names, " "), "ndjson ndjson-gz"; got != want {
		t.Errorf("rows for peers: %s, want %s", got, want)
	}
	if err := new(config).measurePeers(t.Context(), nil, corpus{}, &result{row: rows()[0]}); err != nil {
		t.Errorf("peers that nobody asked for: %v", err)
	}
}

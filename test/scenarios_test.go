package test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed56735111/penstock/internal/hostile"
)

// scenario is one way in which the world around the program misbehaves, and how the program has to end then.
//
// To add one, append a row to the table below, under the heading of what misbehaves. A row needs a name, what is
// hostile (s3, list, domain or a setup of its own) and how the run ends. Without anything else it ships five objects of
// 500 records, listed on three pages, from an S3 to a domain in memory (internal/hostile), and then holds the promise:
// once the hostility is over, the same command brings every record into the domain, each once and with the text that it
// was stored with.
type scenario struct {
	// name is what is wrong, as a sentence.
	name string

	// summed gives the objects checksums. get answers a request for an object, list a page of a listing, and domain a
	// _bulk request; each may return false to let the server do its work.
	summed bool
	get    func(w http.ResponseWriter, r *hostile.Get) bool
	list   func(w http.ResponseWriter, l *hostile.List) bool
	domain func(d *hostile.Domain) func(w http.ResponseWriter, r *hostile.BulkRequest) bool

	// args are more flags, env more variables.
	args, env []string
	// files are shipped from a directory instead of the objects, by their names in it. prepare makes the fault in it.
	files   map[string]string
	prepare func(t *testing.T, dir string)

	// exit is the exit code, says a part of the text on standard error, and counts are numbers of the summary.
	exit   int
	says   string
	counts map[string]int64

	// again are the flags of the run after the hostility, when they are others. With lasting the promise is not checked.
	// check then gets the documents in the domain, by "index/id".
	again   []string
	lasting bool
	check   func(t *testing.T, docs map[string]string)
}

// scenarioRecords is the number of records that a scenario without files ships.
const scenarioRecords = 5 * 500

// scenarios are the rows.
var scenarios = slices.Concat(bodies, answers, listings, checksums, files, content)

// Bodies that end early, without anything in HTTP that says so.
var bodies = []scenario{
	{name: "a chunked body is cut, once", get: hostile.Once(hostile.ChunkedAndCut), counts: whole},
	{
		name: "a chunked body is cut, always at another place",
		get:  hostile.Always(hostile.ChunkedAndCut),
		exit: 4,
		says: "bytes",
	},
	{
		name: "a chunked body is cut, always at the same place",
		get:  hostile.Always(hostile.ChunkedAndStuck),
		exit: 4,
		says: "bytes",
	},
	{name: "an HTTP/1.0 body is cut, once", get: hostile.Once(hostile.PlainAndCut), counts: whole},
	{name: "an HTTP/1.0 body is cut, always", get: hostile.Always(hostile.PlainAndCut), exit: 4},
	{name: "the length is too small, once", get: hostile.Once(hostile.LengthTooSmall), counts: whole},
	{name: "the length is too small, always", get: hostile.Always(hostile.LengthTooSmall), exit: 4, says: "bytes"},
	{name: "the connection is cut, once", get: hostile.Once(hostile.Cut), counts: whole},
}

// Answers with status 200 that are not the object.
var answers = []scenario{
	{name: "HTML in place of an object", get: hostile.Always(hostile.Page), exit: 4, says: "no ETag", counts: nothing},
	{
		name: "an empty answer in place of an object", get: hostile.Always(hostile.Nothing), exit: 4, says: "no ETag",
		counts: nothing,
	},
	{name: "an empty body with the object's ETag", get: hostile.Always(hostile.EmptyObject), exit: 4, counts: nothing},
	{
		name:   "an object that is overwritten after it was listed",
		counts: map[string]int64{"records": scenarioRecords + 1, "delivered": scenarioRecords + 1},
		get: func(w http.ResponseWriter, g *hostile.Get) bool {
			if g.Key != "o3.ndjson" {
				return false
			}
			other := hostile.Get{Request: g.Request, Body: g.Body + hostile.Lines("o5.ndjson", 1)}
			hostile.Whole(w, &other)
			return true
		},
		lasting: true, check: holds(scenarioRecords + 1),
	},
	{name: "an object without an ETag", get: hostile.Always(hostile.NoETag), exit: 4, says: "no ETag", counts: nothing},
	{
		name: "more bytes than listed under the same ETag", get: hostile.Always(hostile.TooLong), exit: 4,
		says: "the listing", counts: nothing,
	},
	{name: "more bytes than listed, without a length", get: hostile.Always(hostile.TooLongWithoutLength), exit: 4},
}

// Listings that are not the whole bucket.
var listings = []scenario{
	{
		name:   "HTML in place of the first page",
		list:   hostile.FromPage(1, hostile.Instead(hostile.HTML)),
		exit:   4,
		counts: nothing,
	},
	{name: "HTML in place of the second page", list: hostile.FromPage(2, hostile.Instead(hostile.HTML)), exit: 4},
	{
		name:   "an empty body in place of the first page",
		list:   hostile.FromPage(1, hostile.Instead("")),
		exit:   4,
		counts: nothing,
	},
	{name: "an empty body in place of the second page", list: hostile.FromPage(2, hostile.Instead("")), exit: 4},
	{name: "half of a page", list: hostile.FromPage(2, hostile.Half), exit: 4},
	{name: "a page without Name", list: hostile.FromPage(2, hostile.Without("Name")), exit: 4, says: "Name"},
	{
		name: "a page without IsTruncated",
		list: hostile.FromPage(2, hostile.Without("IsTruncated")),
		exit: 4,
		says: "IsTruncated",
	},
	{
		name: "IsTruncated without a token",
		list: hostile.FromPage(2, hostile.Without("NextContinuationToken")),
		exit: 4,
		says: "token",
	},
	{name: "pages in another order of keys", list: hostile.FromPage(1, hostile.Reversed), counts: whole},
	{name: "the same token for ever", list: hostile.FromPage(1, hostile.WithToken("o1.ndjson")), exit: 4, says: "token"},
}

// Bytes that are altered on their way.
var checksums = []scenario{
	{name: "a wrong checksum, once", summed: true, get: hostile.Once(hostile.Altered), counts: whole},
	{name: "a wrong checksum after a resume", summed: true, get: hostile.Once(hostile.AlteredAndCut), counts: whole},
	{name: "the right checksum after a resume", summed: true, get: hostile.Once(hostile.Cut), counts: whole},
	{
		name: "a wrong checksum, for ever", summed: true, get: hostile.Always(hostile.Altered), exit: 4, says: "--overwrite",
		counts: map[string]int64{"records": scenarioRecords, "delivered": scenarioRecords}, again: []string{"--overwrite"},
	},
	{
		name: "a wrong checksum, once, into a data stream", summed: true, domain: hostile.DataStream, exit: 4,
		says: "a data stream",
		get: func(w http.ResponseWriter, g *hostile.Get) bool {
			return g.Key == "o0.ndjson" && hostile.Once(hostile.Altered)(w, g)
		},
		counts: map[string]int64{"delivered": scenarioRecords * 4 / 5, "duplicate": 0, "dead_lettered": 0}, lasting: true,
	},
	{
		name: "--overwrite into a data stream", domain: hostile.DataStream, args: []string{"--overwrite"}, exit: 4,
		says:   "leave --overwrite out",
		counts: map[string]int64{"delivered": 0, "duplicate": 0, "dead_lettered": 0},
	},
	{
		name: "--overwrite without ids", args: []string{"--overwrite", "--no-ids"}, exit: 2, says: "without an id",
		lasting: true,
	},
}

// Files with many names, and files that somebody is writing to.
var files = []scenario{
	{
		name: "links to a file", files: map[string]string{"b.ndjson": hostile.Lines("b", 7)},
		counts: map[string]int64{"objects": 1, "records": 7, "delivered": 7},
		prepare: func(t *testing.T, dir string) {
			t.Helper()
			err := errors.Join(os.Symlink("b.ndjson", filepath.Join(dir, "a.ndjson")),
				os.Link(filepath.Join(dir, "b.ndjson"), filepath.Join(dir, "c.ndjson")))
			if err != nil {
				t.Fatal(err)
			}
		},
	},
	{
		name:  "a file whose last line is being written",
		files: map[string]string{"a.ndjson": strings.TrimSuffix(hostile.Lines("a", 7), "\n")}, exit: 4,
		counts: map[string]int64{"records": 6, "delivered": 6}, lasting: true, check: holds(6),
		prepare: func(t *testing.T, dir string) {
			t.Helper()
			if err := os.Chtimes(filepath.Join(dir, "a.ndjson"), time.Time{}, time.Now()); err != nil {
				t.Fatal(err)
			}
		},
	},
	{
		name: "a file of the system, whose size says nothing", files: map[string]string{}, lasting: true,
		prepare: func(t *testing.T, dir string) {
			t.Helper()
			if err := os.Symlink("/proc/version", filepath.Join(dir, "version")); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat("/proc/version"); err != nil {
				t.Skip("no /proc/version here")
			}
		},
		counts: map[string]int64{"records": 1, "delivered": 1, "items_given_back": 0}, check: holds(1),
	},
	{
		name:  "snappy as Hadoop writes it, cut off",
		files: map[string]string{"a.snappy": "\x00\x00\x00\x0a\x00\x00\x00\x0c\x0a\x24{\"n\":"}, exit: 3,
		counts: map[string]int64{"records": 1, "dead_lettered": 1, "delivered": 0}, lasting: true, check: holds(0),
	},
}

var (
	// whole is the summary of a run that nothing is missing from.
	whole = map[string]int64{
		"records": scenarioRecords, "delivered": scenarioRecords, "duplicate": 0, "unacknowledged": 0, "dead_lettered": 0,
	}
	// nothing is the summary of a run that delivered nothing.
	nothing = map[string]int64{"records": 0, "delivered": 0}
)

func TestScenarios(t *testing.T) {
	t.Parallel()
	for _, s := range scenarios {
		t.Run(strings.ReplaceAll(s.name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			s.run(t)
		})
	}
}

func (s *scenario) run(t *testing.T) {
	bucket := &hostile.S3{PageKeys: 2, Summed: s.summed, Get: s.get, List: s.list}
	truth := map[string]int{}
	source := "s3://" + hostile.Bucket + "/"
	if s.files == nil {
		for i := range 5 {
			key := "o" + strconv.Itoa(i) + ".ndjson"
			text := hostile.Lines(key, scenarioRecords/5)
			bucket.Put(key, text)
			addLines(truth, text)
		}
	} else {
		source = t.TempDir()
		for name, text := range s.files {
			writeSettled(t, filepath.Join(source, name), text)
			addLines(truth, text)
		}
		if s.prepare != nil {
			s.prepare(t, source)
		}
	}
	domain := new(hostile.Domain)
	if s.domain != nil {
		domain.Answer = s.domain(domain)
	}
	store, index := httptest.NewServer(bucket), httptest.NewServer(domain)
	defer store.Close()
	defer index.Close()
	command := []string{
		"ship", source, "--domain", index.URL, "--no-sign", "--json", "--dead-letters", t.TempDir(), "--endpoint-url",
		store.URL, "--path-style",
		"--index", "scenario",
	}
	ends := s.ship(t, append(command, s.args...))
	if ends.code != s.exit {
		t.Errorf("exit code %d, want %d; it said:\n%s", ends.code, s.exit, ends.said)
	}
	if !strings.Contains(ends.said, s.says) {
		t.Errorf("it said:\n%s\nwant %q in that", ends.said, s.says)
	}
	for name, want := range s.counts {
		if got := ends.number(name); got != want {
			t.Errorf("%s is %d, want %d", name, got, want)
		}
	}
	sum := ends.number("delivered") + ends.number("duplicate") + ends.number("dead_lettered") + ends.number("dropped") +
		ends.number("unacknowledged")
	if sum != ends.number("records") {
		t.Errorf("the counts do not add up: %v", ends.summary)
	}
	if s.check != nil {
		s.check(t, domain.Docs())
	}
	if s.lasting {
		return
	}
	if s.exit == 0 && !maps.Equal(texts(domain.Docs()), truth) {
		t.Errorf("the run says that all is well, and the domain does not hold the records as they were stored")
	}
	bucket.Calm()
	domain.Calm()
	ends = s.ship(t, slices.Concat(command, s.args, s.again))
	if ends.code != 0 {
		t.Errorf("run again: exit code %d; it said:\n%s", ends.code, ends.said)
	}
	if !maps.Equal(texts(domain.Docs()), truth) {
		t.Errorf("run again: the domain does not hold the records as they were stored, each once")
	}
}

// addLines adds the lines of a text, with how often they occur.
func addLines(to map[string]int, text string) {
	for line := range strings.Lines(text) {
		to[recordOf(line)]++
	}
}

// texts are the records in the domain, with how often they are there.
func texts(docs map[string]string) map[string]int {
	got := map[string]int{}
	for _, body := range docs {
		got[recordOf(body)]++
	}
	return got
}

// recordOf is what a document has of its record: the members that hostile.Lines gives it.
func recordOf(text string) string {
	var r struct {
		Key, Text string
		N         int
	}
	if err := json.Unmarshal([]byte(text), &r); err != nil || r.Key == "" {
		return text
	}
	return r.Key + " " + strconv.Itoa(r.N) + " " + r.Text
}

// ended is how a run ended.
type ended struct {
	code    int
	said    string
	summary map[string]any
}

func (e *ended) number(name string) int64 {
	n, _ := e.summary[name].(float64)
	return int64(n)
}

func (s *scenario) ship(t *testing.T, command []string) *ended {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, penstock, command...)
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret", "AWS_REGION=eu-west-1")
	cmd.Env = append(cmd.Env, s.env...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	exit, failed := errors.AsType[*exec.ExitError](err)
	if err != nil && !failed || ctx.Err() != nil {
		t.Fatalf("penstock: %v, %v\n%s", err, ctx.Err(), errs.String())
	}
	e := &ended{said: errs.String(), summary: map[string]any{}}
	if failed {
		e.code = exit.ExitCode()
	}
	if len(out) > 0 {
		if err := json.Unmarshal(out, &e.summary); err != nil {
			t.Fatalf("summary: %v: %s", err, out)
		}
	}
	return e
}

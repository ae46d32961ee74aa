package test

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	inmemory "github.com/seed56735111/penstock/internal/bucket"
	"github.com/seed56735111/penstock/internal/hostile"
)

// Dead letters in S3 are written, read and removed with the endpoint and the credentials of the source, whoever signs
// for the domain.
func TestLettersInS3AreReachedAsTheObjectsAre(t *testing.T) {
	t.Parallel()
	b, err := inmemory.New("store")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Put("logs/a.ndjson", []byte(`{"key":"a","n":1}`+"\n"+`{"key":"a","poison":true}`+"\n")); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	keys, methods := map[string]bool{}, map[string]bool{}
	credential := regexp.MustCompile(`Credential=([^/]+)/[0-9]+/([^/]+)/`)
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		m := append(credential.FindStringSubmatch(r.Header.Get("Authorization")), "", "", "")
		keys[m[1]+" "+m[2]], methods[r.Method] = true, true
		mu.Unlock()
		b.ServeHTTP(w, r)
	}))
	defer store.Close()
	var poisoned atomic.Bool
	poisoned.Store(true)
	domain := new(hostile.Domain)
	domain.Answer = func(w http.ResponseWriter, r *hostile.BulkRequest) bool {
		var items []hostile.Item
		for _, doc := range r.Docs() {
			if poisoned.Load() && strings.Contains(doc.Body, "poison") {
				items = append(items, hostile.Item{
					Doc: doc, Status: 400, Type: "mapper_parsing_exception", Reason: "failed to parse field [poison] of type [long]",
				})
				continue
			}
			items = append(items, domain.Store(doc))
		}
		_, _ = w.Write([]byte(hostile.Items(items)))
		return true
	}
	index := httptest.NewServer(domain)
	defer index.Close()
	dir := t.TempDir()
	config := filepath.Join(dir, "config")
	text := "[profile domain]\nregion=eu-central-1\naws_access_key_id=DOMAINKEY\naws_secret_access_key=x\n" +
		"[profile store]\nregion=eu-west-3\naws_access_key_id=STOREKEY\naws_secret_access_key=y\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(code int, args ...string) string {
		t.Helper()
		args = append(args, "--dead-letters", "s3://store/letters/x", "--endpoint-url", store.URL, "--path-style",
			"--s3-profile", "store", "--s3-region", "eu-west-3", "--profile", "domain")
		cmd := exec.CommandContext(t.Context(), penstock, args...)
		cmd.Env = []string{
			"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "AWS_CONFIG_FILE=" + config, "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
			"AWS_EC2_METADATA_DISABLED=true",
		}
		var errs bytes.Buffer
		cmd.Stderr = &errs
		out, _ := cmd.Output()
		if cmd.ProcessState.ExitCode() != code {
			t.Fatalf("penstock %v: exit code %d, want %d\n%s%s", args, cmd.ProcessState.ExitCode(), code, out, errs.String())
		}
		return string(out)
	}
	if out := run(0, "deadletter", "list"); !strings.Contains(out, "no dead letters in s3://store/letters/x") {
		t.Errorf("an empty prefix: %s", out)
	}
	ship := []string{
		"ship", "s3://store/logs/", "--domain", index.URL, "--region", "eu-central-1", "--index", "letters", "--json",
	}
	run(3, ship...)
	// The letters lie beside the objects, and the next run over the whole bucket does not ship them.
	var counts struct{ Objects, Records, Duplicate, DeadLettered int64 }
	ship[1] = "s3://store/"
	if err := json.Unmarshal([]byte(run(3, ship...)), &counts); err != nil || counts.Records != 2 ||
		counts.Duplicate != 1 || counts.Objects < 3 {
		t.Errorf("the whole bucket: %+v, %v", counts, err)
	}
	var summary struct {
		Letters       int64
		Field, Domain map[string]int64
	}
	if err := json.Unmarshal([]byte(run(0, "deadletter", "summary", "--json")), &summary); err != nil ||
		summary.Letters != 1 || summary.Field["poison"] != 1 || summary.Domain[index.URL] != 1 {
		t.Errorf("summary %+v, %v", summary, err)
	}
	poisoned.Store(false)
	run(0, "deadletter", "replay", "--domain", index.URL, "--region", "eu-central-1")
	if docs := domain.Docs(); len(docs) != 2 {
		t.Errorf("%d documents, want 2", len(docs))
	}
	poisoned.Store(true)
	ship[7] = "elsewhere"
	run(3, ship...)
	if out := run(0, "deadletter", "remove", "--all"); !strings.HasPrefix(out, "1 dead letter removed") {
		t.Errorf("remove says %s", out)
	}
	if out := run(0, "deadletter", "list"); !strings.Contains(out, "no dead letters") {
		t.Errorf("after all were removed: %s", out)
	}
	if len(keys) != 1 || !keys["STOREKEY eu-west-3"] {
		t.Errorf("S3 was asked by %v, want the store's key and region alone", keys)
	}
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		if !methods[method] {
			t.Errorf("no %s among the requests: %v", method, methods)
		}
	}
}

// Other files and texts beside the records.
var content = []scenario{
	{
		name: "dead letters among the files",
		files: map[string]string{
			"a.ndjson": hostile.Lines("a", 3), "b.dead.ndjson": letterLine, "c.log": "\n" + letterLine + letterLine,
		},
		counts: map[string]int64{"objects": 3, "records": 3, "delivered": 3}, lasting: true, check: holds(3),
	},
	{
		name:  "dead letters among the files, with a format",
		files: map[string]string{"a.ndjson": hostile.Lines("a", 3), "b": letterLine},
		args:  []string{"--format", "ndjson"}, counts: map[string]int64{"records": 3, "delivered": 3}, lasting: true,
		check: holds(3),
	},
	{
		name: "a Parquet file", files: map[string]string{"a.ndjson": hostile.Lines("a", 3), "b.parquet": "PAR1\x15\x04\x15"},
		exit: 3, says: "1 dead letter",
		counts: map[string]int64{"records": 4, "delivered": 3, "dead_lettered": 1, "items_given_back": 0}, lasting: true,
		check: holds(3),
	},
	{
		name: "a program", files: map[string]string{"a.ndjson": hostile.Lines("a", 3), "b": "\x7fELF\x02\x01\x01"}, exit: 3,
		says:   "1 dead letter",
		counts: map[string]int64{"records": 4, "delivered": 3, "dead_lettered": 1}, lasting: true, check: holds(3),
	},
	{
		name:   "a program, to be skipped",
		files:  map[string]string{"a.ndjson": hostile.Lines("a", 3), "b": "\x7fELF\x02\x01\x01"},
		args:   []string{"--binary", "skip"},
		counts: map[string]int64{"records": 3, "delivered": 3, "dead_lettered": 0}, lasting: true, check: holds(3),
	},
	{
		name: "text in another encoding", files: map[string]string{"a.log": strings.Repeat("\x83G\x83\x89\x81[ 2026\n", 3)},
		counts: map[string]int64{"records": 3, "delivered": 3}, lasting: true, check: holds(3),
	},
	{
		name: "records without an index", files: map[string]string{"a.ndjson": hostile.Lines("a", 3)},
		args: []string{"--index", "x-{service}"}, exit: 3,
		counts: map[string]int64{"records": 3, "dead_lettered": 3}, lasting: true, check: holds(0),
	},
	{
		name: "a place for letters that is none", files: map[string]string{"a.ndjson": hostile.Lines("a", 3)},
		args: []string{"--dead-letters", "/dev/null/letters"},
		exit: 4, says: "write dead letters in /dev/null/letters", lasting: true, check: holds(0),
	},
	{
		name: "a bucket for letters that is none", files: map[string]string{"a.ndjson": hostile.Lines("a", 3)},
		args: []string{"--dead-letters", "s3://nosuch/letters"},
		exit: 2, says: "write s3://nosuch/letters/", lasting: true, check: holds(0),
	},
}

const letterLine = `{"id":"a","time":"2026-11-24T00:00:00Z","reason":"rejected","source":{"object":"o","offset":1},` +
	`"index":"x","raw":"a"}` + "\n"

// holds checks how many documents there are.
func holds(n int) func(*testing.T, map[string]string) {
	return func(t *testing.T, docs map[string]string) {
		t.Helper()
		if len(docs) != n {
			t.Errorf("%d documents, want %d: %v", len(docs), n, slices.Sorted(maps.Keys(docs)))
		}
	}
}

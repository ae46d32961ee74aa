package engine_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/seed56735111/penstock/engine"
)

// childVariable makes this test binary the process that TestWhatIsAcknowledgedSurvivesAKill kills.
const childVariable = "PENSTOCK_ENGINE_TEST_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childVariable); dir != "" {
		writeForEver(dir)
	}
	os.Exit(m.Run())
}

// writeForEver writes batches and says so after each answer.
func writeForEver(dir string) {
	e, err := engine.Open(engine.Config{Dir: dir})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	t := &testing.T{}
	start, _ := strconv.Atoi(os.Getenv(childVariable + "_START"))
	for i := start; ; i++ {
		// A field of its own for every batch, so that the mapping changes all the time.
		body := fmt.Sprintf(`{"create":{"_index":"logs-%d","_id":"%d"}}`+"\n"+`{"n":%d,"f%d":"x"}`+"\n", i%3, i, i, i%200)
		status, text := do(t, e, "POST", "/_bulk", body)
		if status != http.StatusOK || strings.Contains(text, `"errors":true`) {
			fmt.Println("error", text)
			os.Exit(1)
		}
		if i%20 == 19 {
			fmt.Println("deleting", i-5)
			do(t, e, "DELETE", fmt.Sprintf("/logs-%d/_doc/%d", (i-5)%3, i-5), "")
			fmt.Println("deleted", i-5)
		}
		fmt.Println("written", i)
	}
}

func TestWhatIsAcknowledgedSurvivesAKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	next := 0
	gone, maybe := map[int]bool{}, map[int]bool{}
	for round := range 4 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childVariable+"="+dir, fmt.Sprintf("%s_START=%d", childVariable, next))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// What it wrote before it was killed is read to the end: it may be ahead of the reader.
		killed := false
		lines := bufio.NewScanner(out)
		for want := next + 20 + rand.IntN(60); lines.Scan(); {
			word, number, _ := strings.Cut(lines.Text(), " ")
			n, err := strconv.Atoi(number)
			switch {
			case err != nil:
				t.Fatal(lines.Text())
			case word == "deleting":
				maybe[n] = true
			case word == "deleted":
				gone[n] = true
			default:
				next = n + 1
			}
			if next >= want && !killed {
				killed = true
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait()

		e := open(t, engine.Config{Dir: dir})
		for n := range next {
			status, text := do(t, e, "GET", fmt.Sprintf("/logs-%d/_doc/%d", n%3, n), "")
			missing := status == http.StatusNotFound
			another := status == http.StatusOK && !strings.Contains(text, fmt.Sprintf(`"n":%d,`, n))
			if gone[n] && !missing || missing && !maybe[n] || another {
				t.Errorf("round %d: document %d, deleted %t: status %d: %s", round, n, gone[n], status, text)
			}
		}
		// What was written without an answer may be there, and is searchable if it is.
		if total := count(t, e, "logs-*"); total < next-len(maybe) {
			t.Errorf("round %d: %d documents, want %d at least", round, total, next-len(maybe))
		}
		for {
			if status, _ := do(t, e, "GET", fmt.Sprintf("/logs-%d/_doc/%d", next%3, next), ""); status != http.StatusOK {
				break
			}
			next++
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhatIsAcknowledgedIsThereAfterReopening(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := open(t, engine.Config{Dir: dir})
	must(t, e, "PUT", "/_component_template/c", `{"template":{"settings":{"number_of_shards":2}}}`)
	must(t, e, "PUT", "/_index_template/t",
		`{"index_patterns":["logs-*"],"template":{"mappings":{"properties":{"amount":{"type":"double"}}}},`+
			`"composed_of":["c"]}`)
	must(t, e, "PUT", "/_template/l", `{"index_patterns":["old-*"],"settings":{"number_of_replicas":0}}`)
	must(t, e, "PUT", "/logs-1/_doc/1",
		`{"amount":1,"who":"alice","at":"2015-05-13T10:00:00Z","ip":"10.0.0.1","deep":{"er":[1,2]}}`)
	must(t, e, "PUT", "/logs-1/_doc/2", `{"amount":2.5,"who":"bob"}`)
	must(t, e, "PUT", "/logs-1/_doc/2", `{"amount":3.5,"who":"bob"}`)
	must(t, e, "PUT", "/gone", "")
	must(t, e, "DELETE", "/gone", "")
	must(t, e, "PUT", "/named", `{"aliases":{"al":{}},"settings":{"refresh_interval":"7s"}}`)
	targets := []string{
		"/logs-1/_doc/1", "/logs-1/_doc/2", "/logs-1", "/_index_template", "/_component_template", "/_template", "/named",
		"/al/_settings",
		"/logs-1/_search?q=who:bob&filter_path=hits", "/logs-1/_search?q=amount:%5B1%20TO%202%5D&filter_path=hits",
		"/_cat/indices?h=index,docs.count&s=index",
	}
	var before []string
	for _, target := range targets {
		before = append(before, must(t, e, "GET", target, ""))
	}
	for range 2 {
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		e = open(t, engine.Config{Dir: dir})
		for i, target := range targets {
			if got := must(t, e, "GET", target, ""); got != before[i] {
				t.Errorf("%s: %s, before it was %s", target, got, before[i])
			}
		}
	}
	got := must(t, e, "PUT", "/logs-1/_doc/2", `{"amount":4}`)
	if !strings.Contains(got, `"_version":3`) || !strings.Contains(got, `"_seq_no":3`) {
		t.Errorf("versions do not go on: %s", got)
	}
	if status, text := do(t, e, "PUT", "/logs-1/_doc/3", `{"amount":"x"}`); status != http.StatusBadRequest {
		t.Errorf("the mapping is forgotten: %d: %s", status, text)
	}
}

func TestACopyOfTheDirectoryOpens(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := open(t, engine.Config{Dir: dir})
	const n = 300
	must(t, e, "POST", "/_bulk", lines("logs", 0, n))
	must(t, e, "DELETE", "/logs/_doc/7", "")
	// As after a loss of power: the files as they are, the engine still running.
	copied := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	other := open(t, engine.Config{Dir: copied})
	if got := count(t, other, "logs"); got != n-1 {
		t.Errorf("%d documents in the copy, want %d", got, n-1)
	}
}

func TestADirectoryServesOneEngine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open(t, engine.Config{Dir: dir})
	if _, err := engine.Open(engine.Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("error %v, want that another process uses it", err)
	}
}

func TestAnythingElsesDirectoryIsLeftAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := engine.Open(engine.Config{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "not an engine's directory") {
		t.Errorf("error %v, want that it is no engine's directory", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("%d files in it, %v; want the one that was there", len(entries), err)
	}
}

func TestWhatACrashLeavesOfAnIndexIsCleared(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := open(t, engine.Config{Dir: dir})
	must(t, e, "PUT", "/logs/_doc/1", `{"a":1}`)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	// One index was being made, one being deleted.
	if err := os.MkdirAll(filepath.Join(dir, "half-made"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "half-gone.deleted"), 0o700); err != nil {
		t.Fatal(err)
	}
	e = open(t, engine.Config{Dir: dir})
	if got := must(t, e, "GET", "/_cat/indices?h=index", ""); got != "logs\n" {
		t.Errorf("indexes %q", got)
	}
	for _, name := range []string{"half-made", "half-gone.deleted"} {
		if _, err := os.Stat(filepath.Join(dir, name)); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", name, err)
		}
	}
}

func TestADirectoryWithTypesIsNotOpenedWithout(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := open(t, engine.Config{Dir: dir, Profile: "elasticsearch-1.5.2"})
	must(t, e, "PUT", "/logs/log/1", `{"a":1}`)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := engine.Open(engine.Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), "mapping types") {
		t.Errorf("error %v, want one about mapping types", err)
	}
	e = open(t, engine.Config{Dir: dir, Profile: "elasticsearch-1.5.2"})
	must(t, e, "GET", "/logs/log/1", "")
}

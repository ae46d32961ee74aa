package test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/seed56735111/penstock/internal/realtest"
)

// refusalSummary is the part of ship's summary that these tests check.
type refusalSummary struct {
	Records, Delivered, Duplicate, Dropped, Unacknowledged int64
	DeadLettered                                           int64  `json:"dead_lettered"`
	DroppedByDomain                                        int64  `json:"dropped_by_domain"`
	Error                                                  string `json:"error"`
}

// shipRecords ships lines as a file in an index and returns the exit code, the counts, what was said, and the
// directory of the dead letters.
func shipRecords(
	t *testing.T, url, index string, lines []string, args ...string,
) (int, refusalSummary, string, string) {
	t.Helper()
	dir := t.TempDir()
	file, letters := filepath.Join(dir, "in.ndjson"), filepath.Join(dir, "letters")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), penstock, append([]string{
		"ship", file, "--domain", url, "--no-sign", "--json", "--index", index, "--dead-letters", letters,
	}, args...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		if _, ok := errors.AsType[*exec.ExitError](err); !ok {
			t.Fatal(err)
		}
	}
	var got refusalSummary
	if err := json.Unmarshal(out.Bytes(), &got); err != nil && !strings.Contains(errs.String(), "penstock: error: ") {
		t.Fatalf("%v: %s%s", err, out.String(), errs.String())
	}
	if sum := got.Delivered + got.Duplicate + got.DeadLettered + got.Dropped + got.Unacknowledged; sum != got.Records {
		t.Errorf("counts do not add up: %+v", got)
	}
	return cmd.ProcessState.ExitCode(), got, errs.String(), letters
}

// refuser is a hostile domain that gives each document the answer that it asks for by its member "say".
type refuser struct {
	answers map[string]refuserAnswer
	before  func(n int64, w http.ResponseWriter, r *http.Request) bool // in place of a _bulk answer

	n    atomic.Int64
	mu   sync.Mutex
	docs map[string]string
}

// refuserAnswer is the list of answers to a document, one for each attempt. The last one stays.
type refuserAnswer []struct {
	status       int
	kind, reason string
}

func (h *refuser) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if !strings.HasSuffix(r.URL.Path, "/_bulk") {
		_, _ = io.WriteString(w, `{"cluster_name":"hostile","version":{"number":"2.19.1","distribution":"opensearch"}}`)
		return
	}
	if n := h.n.Add(1); h.before != nil && h.before(n, w, r) {
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	lines := strings.Split(strings.TrimSuffix(string(body), "\n"), "\n")
	h.mu.Lock()
	defer h.mu.Unlock()
	var items []string
	for i := 0; i+1 < len(lines); i += 2 {
		var action map[string]struct {
			ID    string `json:"_id"`
			Index string `json:"_index"`
		}
		var doc struct{ Say string }
		if json.Unmarshal([]byte(lines[i]), &action) != nil || json.Unmarshal([]byte(lines[i+1]), &doc) != nil {
			http.Error(w, `{"error":{"type":"json_parse_exception","reason":"not JSON"},"status":400}`, http.StatusBadRequest)
			return
		}
		a := action["create"]
		status, failure := http.StatusCreated, ""
		if says := h.answers[doc.Say]; len(says) > 0 {
			say := says[0]
			if len(says) > 1 {
				h.answers[doc.Say] = says[1:]
			}
			status = say.status
			if say.kind != "" {
				failure = fmt.Sprintf(`,"error":{"type":%q,"reason":%q}`, say.kind, say.reason)
			}
		}
		if status == http.StatusCreated {
			if h.docs[a.Index+"/"+a.ID] != "" && a.ID != "" {
				status, failure = 409, `,"error":{"type":"version_conflict_engine_exception","reason":"there"}`
			} else {
				h.docs[a.Index+"/"+a.ID] = lines[i+1]
			}
		}
		items = append(items, fmt.Sprintf(`{"create":{"_id":%q,"status":%d%s}}`, a.ID, status, failure))
	}
	_, _ = io.WriteString(w, `{"took":1,"errors":true,"items":[`+strings.Join(items, ",")+`]}`)
}

func startRefuser(t *testing.T, h *refuser) string {
	t.Helper()
	h.docs = map[string]string{}
	srv := httptest.NewServer(h)
	t.Cleanup(func() {
		srv.CloseClientConnections()
		srv.Close()
	})
	return srv.URL
}

func says(status int, kind, reason string) refuserAnswer {
	return refuserAnswer{{status, kind, reason}}
}

// Every kind of answer to one document among others: whose fault it is, what is counted and how the run ends.
func TestWhoseFaultARefusalIs(t *testing.T) {
	t.Parallel()
	good := []string{
		`{"time":"2026-01-01T00:00:00Z","n":1}`, `{"time":"2026-01-01T00:00:00Z","n":2}`,
		`{"time":"2026-01-01T00:00:00Z","n":3}`,
	}
	bad := append(append([]string{}, good...), `{"time":"2026-01-01T00:00:00Z","say":"this"}`)
	later := func(a refuserAnswer) refuserAnswer { return append(a, says(201, "", "")...) }
	letter := refusalSummary{Records: 4, Delivered: 3, DeadLettered: 1}
	back := refusalSummary{Records: 4, Delivered: 3, Unacknowledged: 1}
	none := refusalSummary{Records: 4, Unacknowledged: 4}
	for _, test := range []struct {
		name   string
		answer refuserAnswer
		exit   int
		want   refusalSummary
		said   string
	}{
		{"mapping", says(400, "mapper_parsing_exception", "failed to parse"), 3, letter, "1 dead letter"},
		{"strict mapping", says(400, "strict_dynamic_mapping_exception", "not allowed"), 3, letter, ""},
		{
			name: "immense term", answer: says(400, "illegal_argument_exception", "Document contains at least one immense term"),
			exit: 3, want: letter,
		},
		{"too large alone", says(413, "", ""), 3, letter, ""},
		{"pipeline fails", says(500, "fail_processor_exception", "no"), 3, letter, ""},
		{
			name: "unknown and passing", answer: later(says(500, "brand_new_exception", "no")),
			want: refusalSummary{Records: 4, Delivered: 4},
		},
		{
			name: "there already", answer: says(409, "version_conflict_engine_exception", "there"),
			want: refusalSummary{Records: 4, Delivered: 3, Duplicate: 1},
		},
		{
			name: "there already, 2.x", answer: says(409, "document_already_exists_exception", "there"),
			want: refusalSummary{Records: 4, Delivered: 3, Duplicate: 1},
		},
		{"another conflict", says(409, "resource_busy_exception", "busy"), 3, letter, ""},
		{"dropped", says(200, "", ""), 0, refusalSummary{Records: 4, Delivered: 3, Dropped: 1, DroppedByDomain: 1}, ""},
		{
			name: "full queue", answer: later(says(429, "es_rejected_execution_exception", "full")),
			want: refusalSummary{Records: 4, Delivered: 4},
		},
		{
			name: "moving shard", answer: later(says(503, "unavailable_shards_exception", "moving")),
			want: refusalSummary{Records: 4, Delivered: 4},
		},
		{"too slow", later(says(408, "", "")), 0, refusalSummary{Records: 4, Delivered: 4}, ""},
		{"closed", says(400, "index_closed_exception", "closed"), 4, back, "open the index"},
		{"missing", says(404, "index_not_found_exception", "no such index"), 4, back, "action.auto_create_index"},
		{
			name: "missing pipeline", answer: says(400, "illegal_argument_exception", "pipeline with id [p] does not exist"),
			exit: 4, want: back, said: "its ingest pipeline does not exist",
		},
		{
			name: "alias", answer: says(400, "illegal_argument_exception", "no write index is defined for alias [x]"), exit: 4,
			want: back, said: "an alias without a write index",
		},
		{
			name:   "field limit",
			answer: says(400, "illegal_argument_exception", "Limit of total fields [1000] has been exceeded"), exit: 4,
			want: back, said: "its limit of fields is reached",
		},
		{
			name:   "@timestamp",
			answer: says(400, "mapper_parsing_exception", "failed to parse field [@timestamp] of type [long] in document"),
			exit:   4, want: back, said: "map @timestamp as a date",
		},
		{
			name: "data stream",
			answer: says(400, "illegal_argument_exception",
				"only write ops with an op_type of create are allowed in data streams"),
			exit: 4, want: back, said: "nothing but create",
		},
		{
			name: "no permission", answer: says(403, "security_exception", "no permissions for [indices:data/write/bulk[s]]"),
			exit: 5, want: none, said: "cause: fine-grained-role",
		},
		{
			name:   "no ids",
			answer: says(400, "illegal_argument_exception", "Document ID is not supported in create/index operation request"),
			exit:   4, want: none, said: "--no-ids",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := &refuser{answers: map[string]refuserAnswer{"this": test.answer}}
			exit, got, said, letters := shipRecords(t, startRefuser(t, h), "logs", bad)
			got.Error = ""
			if exit != test.exit || got != test.want || !strings.Contains(said, test.said) {
				t.Errorf("exit %d, %+v, want %d, %+v: %s", exit, got, test.exit, test.want, said)
			}
			if n := int64(len(refusalLetters(t, letters))); n != test.want.DeadLettered {
				t.Errorf("%d dead letters, want %d", n, test.want.DeadLettered)
			}
		})
	}
}

// refusalLetters are the lines of the dead letters, of which there may be none.
func refusalLetters(t *testing.T, dir string) (lines []string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			lines = append(lines, line)
		}
	}
	return lines
}

// A fault of a whole answer, or of the connection, passes, or ends the run with its exit code.
func TestWholeAnswersOfAHostileDomain(t *testing.T) {
	t.Parallel()
	lines := []string{
		`{"time":"2026-01-01T00:00:00Z","n":1,"text":"` + strings.Repeat("x", 8<<20) + `"}`,
		`{"time":"2026-01-01T00:00:00Z","n":2}`,
	}
	all := func(h *refuser) int64 { h.mu.Lock(); defer h.mu.Unlock(); return int64(len(h.docs)) }
	redirect := func(w http.ResponseWriter) {
		w.Header().Set("Location", "https://login.example.com/")
		w.WriteHeader(http.StatusTemporaryRedirect)
	}
	page := func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<!doctype html><title>Maintenance</title>")
	}
	for _, test := range []struct {
		name   string
		before func(n int64, w http.ResponseWriter, r *http.Request) bool
		exit   int
		said   string
	}{
		{"silent before its answer", func(n int64, _ http.ResponseWriter, r *http.Request) bool {
			if n == 1 {
				_, _ = io.Copy(io.Discard, r.Body)
				<-r.Context().Done()
			}
			return n == 1
		}, 0, ""},
		{"silent inside its answer", func(n int64, w http.ResponseWriter, r *http.Request) bool {
			if n == 1 {
				_, _ = io.Copy(io.Discard, r.Body)
				_, _ = io.WriteString(w, `{"took":1,"items":[{"create":`)
				_ = http.NewResponseController(w).Flush()
				<-r.Context().Done()
			}
			return n == 1
		}, 0, ""},
		{"stops reading the request", func(n int64, _ http.ResponseWriter, r *http.Request) bool {
			if n == 1 {
				_, _ = io.CopyN(io.Discard, r.Body, 1000)
				time.Sleep(8 * time.Second)
			}
			return n == 1
		}, 0, ""},
		{"408", func(n int64, w http.ResponseWriter, _ *http.Request) bool {
			if n == 1 {
				w.WriteHeader(http.StatusRequestTimeout)
			}
			return n == 1
		}, 0, ""},
		{"a redirect for a while", func(n int64, w http.ResponseWriter, _ *http.Request) bool {
			if n == 1 {
				redirect(w)
			}
			return n == 1
		}, 0, ""},
		{"a redirect that stays", func(_ int64, w http.ResponseWriter, _ *http.Request) bool {
			redirect(w)
			return true
		}, 4, "a redirect to https://login.example.com/"},
		{"a page that stays", func(_ int64, w http.ResponseWriter, _ *http.Request) bool {
			page(w)
			return true
		}, 4, "an HTML page"},
		{"refused whatever it is", func(_ int64, w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error":{"type":"illegal_state_exception","reason":"not today"},"status":400}`)
			return true
		}, 4, "not today"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := &refuser{before: test.before}
			budget := "2s"
			if test.exit == 0 {
				budget = "1m"
			}
			exit, got, said, letters := shipRecords(t, startRefuser(t, h), "logs", lines,
				"--stall-timeout", "2s", "--retry-budget", budget)
			if exit != test.exit || !strings.Contains(said, test.said) || len(refusalLetters(t, letters)) > 0 ||
				got.Records != 2 {
				t.Errorf("exit %d, %+v, want %d: %s", exit, got, test.exit, said)
			}
			if n := all(h); test.exit == 0 && (n != 2 || got.Delivered+got.Duplicate != 2) {
				t.Errorf("the domain has %d documents: %+v", n, got)
			}
		})
	}
}

// A domain that stalls cannot hold the process after a signal: it ends within the grace, and its counts are true.
func TestSIGTERMAtADomainThatStalls(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]func(n int64, w http.ResponseWriter, r *http.Request) bool{
		"inside its answer": func(_ int64, w http.ResponseWriter, r *http.Request) bool {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(w, `{"took":1,"items":[`)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
			return true
		},
		"reading the request": func(_ int64, _ http.ResponseWriter, r *http.Request) bool {
			_, _ = io.CopyN(io.Discard, r.Body, 1000)
			time.Sleep(20 * time.Second)
			return true
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := make(chan struct{})
			var once sync.Once
			h := &refuser{before: func(n int64, w http.ResponseWriter, r *http.Request) bool {
				once.Do(func() { close(began) })
				return before(n, w, r)
			}}
			url := startRefuser(t, h)
			dir := t.TempDir()
			line := `{"time":"2026-01-01T00:00:00Z","text":"` + strings.Repeat("x", 1<<20) + `"}` + "\n"
			if err := os.WriteFile(filepath.Join(dir, "in.ndjson"), []byte(strings.Repeat(line, 30)), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(penstock, "ship", dir, "--domain", url, "--no-sign", "--json", "--grace", "2s", "--dead-letters",
				filepath.Join(t.TempDir(), "letters"))
			var out, errs bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &errs
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			<-began
			time.Sleep(300 * time.Millisecond)
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			select {
			case <-ended:
			case <-time.After(15 * time.Second): // the grace, and a busy machine
				_ = cmd.Process.Kill()
				t.Fatalf("it does not end: %s", errs.String())
			}
			var got refusalSummary
			if err := json.Unmarshal(out.Bytes(), &got); err != nil || cmd.ProcessState.ExitCode() != 4 {
				t.Fatalf("exit %d, %v: %s%s", cmd.ProcessState.ExitCode(), err, out.String(), errs.String())
			}
			if got.Delivered != 0 || got.Records == 0 || got.Unacknowledged != got.Records {
				t.Errorf("%+v, want everything that was read to be unacknowledged", got)
			}
		})
	}
}

// Against real nodes: what becomes of records and runs when they refuse.
func TestWhoseFaultARefusalIsAgainstRealNodes(t *testing.T) {
	t.Parallel()
	record := func(more string) string { return `{"time":"2026-01-01T00:00:00Z"` + more + `}` }
	for _, version := range []string{"3.3.0", "2.19.1", "7.10.2"} {
		t.Run(version, func(t *testing.T) {
			node := realtest.StartOpenSearch(t, version)
			ask := func(requests ...string) {
				for _, request := range requests {
					if status, body := askNode(t, node.URL, request); status >= 300 {
						t.Fatalf("%s: %d: %s", request, status, body)
					}
				}
			}
			pipeline := func(index, processor string) {
				ask("PUT /_ingest/pipeline/"+index+` {"processors":[`+processor+`]}`,
					"PUT /"+index+` {"settings":{"index.default_pipeline":"`+index+`"}}`)
			}
			ask(`PUT /mapping {"mappings":{"properties":{"n":{"type":"long"}}}}`,
				"PUT /closed {}", "POST /closed/_close", `PUT /pipeline {"settings":{"index.default_pipeline":"nowhere"}}`,
				`PUT /fields {"settings":{"index.mapping.total_fields.limit":20}}`,
				`PUT /timestamp {"mappings":{"properties":{"@timestamp":{"type":"long"}}}}`,
				`PUT /a1 {"aliases":{"alias":{}}}`, `PUT /a2 {"aliases":{"alias":{}}}`,
				`PUT /blocked {"settings":{"index.blocks.write":true}}`,
				`PUT /_cluster/settings {"transient":{"action.auto_create_index":"-missing,+*"}}`)
			pipeline("fails", `{"fail":{"if":"ctx.n == 'bad'","message":"not this one"}}`)
			pipeline("dissects", `{"dissect":{"if":"ctx.n == 'bad'","field":"n","pattern":"%{a} - %{b}"}}`)
			pipeline("drops", `{"drop":{"if":"ctx.n == 'bad'"}}`)
			var many strings.Builder
			for i := range 30 {
				fmt.Fprintf(&many, `,"f%d":1`, i)
			}
			letter := refusalSummary{Records: 3, Delivered: 2, DeadLettered: 1}
			back := refusalSummary{Records: 3, Unacknowledged: 3}
			for _, test := range []struct {
				index string
				exit  int
				want  refusalSummary
			}{
				{"mapping", 3, letter},
				{"fails", 3, letter},
				{"dissects", 3, letter},
				{"drops", 0, refusalSummary{Records: 3, Delivered: 2, Dropped: 1, DroppedByDomain: 1}},
				{"closed", 4, back},
				{"missing", 4, back},
				{"alias", 4, back},
				{"pipeline", 4, back},
				{"timestamp", 4, back},
				{"blocked", 4, back},
				{"fields", 4, refusalSummary{Records: 3, Delivered: 2, Unacknowledged: 1}},
			} {
				lines := []string{record(`,"n":1`), record(`,"n":2`), record(`,"n":"bad"`)}
				if test.index == "fields" {
					lines[2] = record(many.String())
				}
				exit, got, said, letters := shipRecords(t, node.URL, test.index, lines)
				got.Error = ""
				if exit != test.exit || got != test.want || int64(len(refusalLetters(t, letters))) != test.want.DeadLettered {
					t.Errorf("%s: exit %d, %+v, want %d, %+v: %s", test.index, exit, got, test.exit, test.want, said)
				}
			}
		})
	}
}

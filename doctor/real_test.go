package doctor_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed56735111/penstock/doctor"
	"github.com/seed56735111/penstock/guard"
	"github.com/seed56735111/penstock/internal/hostile"
	"github.com/seed56735111/penstock/internal/realtest"
	"github.com/seed56735111/penstock/sigv4"
)

// send makes one signed request, as penstock request does.
func send(t *testing.T, cfg doctor.Config, method, target, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, cfg.URL+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	transport := &sigv4.Transport{Credentials: cfg.Credentials, Region: region, Service: "es"}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// set is send for what must succeed.
func set(t *testing.T, cfg doctor.Config, method, target, body string) {
	t.Helper()
	if status, text := send(t, cfg, method, target, body); status > 299 {
		t.Fatalf("%s %s: %d %s", method, target, status, text)
	}
}

// TestARealEngineIsLookedInto plants in OpenSearch 2.19 what keeps writes out, behind the gate, and applies what mends
// it.
func TestARealEngineIsLookedInto(t *testing.T) {
	node := realtest.StartOpenSearch(t, "2.19.1")
	behind, err := guard.NewForward(node.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	w := world{behind: behind, set: func(c *doctor.Config) { c.Index, c.Write = "logs-*", true }}
	cfg := w.open(t)
	healthy := func(when string) {
		t.Helper()
		r := doctor.Walk(t.Context(), cfg)
		// The disk is this machine's, and may be nearly full.
		if !r.OK || r.Cause != "" && r.Cause != doctor.DiskFull {
			t.Fatalf("%s: %s", when, textOf(r))
		}
		for _, c := range r.Checks {
			inside := c.Name == "blocks" || c.Name == "shards" || c.Name == "fields" || c.Name == "write"
			if inside && c.Status != doctor.OK {
				t.Errorf("%s: %+v", when, c)
			}
		}
	}
	healthy("empty")
	set(t, cfg, "PUT", "/logs-1", `{"mappings":{"properties":{"a":{"type":"text","fields":{"k":{"type":"keyword"}}}}}}`)
	set(t, cfg, "PUT", "/logs-2", "")
	healthy("with two indexes")

	for _, test := range []struct {
		name               string
		target, plant      string
		want               doctor.Cause
		candidates         string
		undo, undoneTarget string // where the fix is no command
	}{
		{
			name: "write block on all indexes", target: "/logs-1,logs-2/_settings", plant: `{"index.blocks.write":true}`,
			want: doctor.WritesBlocked,
		},
		{
			name: "read-only", target: "/logs-1,logs-2/_settings", plant: `{"index.blocks.read_only":true}`,
			want: doctor.WritesBlocked,
		},
		{
			name: "block of the watermark, with room on the disk", target: "/logs-2/_settings",
			plant: `{"index.blocks.read_only_allow_delete":true}`, want: doctor.WritesBlocked, candidates: "disk-full",
		},
		{
			name: "no new indexes", target: "/_cluster/settings",
			plant: `{"persistent":{"cluster.blocks.create_index":true}}`, want: doctor.WritesBlocked,
		},
		{
			name: "shards", target: "/_cluster/settings", plant: `{"persistent":{"cluster.max_shards_per_node":4}}`,
			want: doctor.ShardLimit, undoneTarget: "/_cluster/settings",
			undo: `{"persistent":{"cluster.max_shards_per_node":null}}`,
		},
		{
			name: "fields", target: "/logs-1/_settings", plant: `{"index.mapping.total_fields.limit":2}`,
			want: doctor.FieldLimit, undoneTarget: "/logs-1/_settings", undo: `{"index.mapping.total_fields.limit":null}`,
		},
	} {
		set(t, cfg, "PUT", test.target, test.plant)
		// A block on every index takes several commands: one for each that the doctor names.
		for range 2 {
			r := doctor.Walk(t.Context(), cfg)
			if r.OK {
				break
			}
			if r.Cause != test.want || joined(r.Candidates) != test.candidates {
				t.Fatalf("%s: cause %s, candidates %v: %s", test.name, r.Cause, r.Candidates, textOf(r))
			}
			if test.undo != "" {
				set(t, cfg, "PUT", test.undoneTarget, test.undo)
				continue
			}
			request(t, cfg, failedCheck(r).Fix)
		}
		// What another index still has is no failure of the pattern.
		set(t, cfg, "PUT", "/logs-1,logs-2/_settings", `{"index.blocks.read_only":null}`) // takes no other beside it
		set(t, cfg, "PUT", "/logs-1,logs-2/_settings", `{"index.blocks.write":null}`)
		healthy("after " + test.name)
	}
}

func failedCheck(r *doctor.Report) doctor.Check {
	for _, c := range r.Checks {
		if c.Status == doctor.Failed {
			return c
		}
	}
	return doctor.Check{}
}

// request carries out the first "penstock request" of a fix.
func request(t *testing.T, cfg doctor.Config, fix string) {
	t.Helper()
	_, command, ok := strings.Cut(fix, "penstock request ")
	if !ok {
		t.Fatalf("no command in: %s", fix)
	}
	words := shellWords(t, strings.SplitN(command, " and penstock request ", 2)[0])
	if len(words) != 4 || words[2] != "-d" {
		t.Fatalf("another command: %q", words)
	}
	set(t, cfg, words[0], words[1], words[3])
}

// asGrace tells fine-grained access control who calls, as the edge of the managed service does.
func asGrace(r *http.Request) {
	r.Header.Set("X-Forwarded-For", "127.0.0.1")
	r.Header.Set("X-Proxy-User", graceARN)
	r.Header.Set("X-Proxy-Roles", graceARN)
}

// TestTheSecurityPluginIsAsked walks to OpenSearch with its security plugin as a caller whom nothing maps to a role,
// carries out the commands that the doctor prints as an admin, and walks again.
func TestTheSecurityPluginIsAsked(t *testing.T) {
	node := realtest.StartSecuredOpenSearch(t)
	asAdmin := func(method, path, body string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), method, node.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{
			"Content-Type": "application/json", "X-Forwarded-For": "127.0.0.1", "X-Proxy-User": "admin",
			"X-Proxy-Roles": "admin",
		} {
			req.Header.Set(name, value)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(text)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(500 * time.Millisecond) {
		if status, text := asAdmin(http.MethodGet, "/_cluster/health", ""); status == http.StatusOK {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("the plugin is not ready: %d %s", status, text)
		}
	}
	w := world{behind: hostile.Hop(node.URL, asGrace), set: func(c *doctor.Config) { c.Index = "logs-*" }}
	cfg := w.open(t)
	r := doctor.Walk(t.Context(), cfg)
	c := failedCheck(r)
	if r.Cause != doctor.FineGrainedRole || c.Name != "fine-grained" {
		t.Fatalf("%s", textOf(r))
	}
	const document = `{"index":{"_index":"logs-1","_id":"1"}}` + "\n" + `{"a":1}` + "\n"
	if status, text := send(t, cfg, http.MethodPost, "/_bulk", document); !strings.Contains(text, "security_exception") {
		t.Fatalf("without a role: %d %s", status, text)
	}
	commands := strings.Split(strings.TrimPrefix(c.Fix, "as a master user: "), " and penstock request ")
	if len(commands) != 2 {
		t.Fatalf("the fix is %s", c.Fix)
	}
	for _, command := range commands {
		words := shellWords(t, strings.TrimPrefix(command, "penstock request "))
		if status, text := asAdmin(words[0], words[1], words[3]); status > 299 {
			t.Fatalf("%q: %d %s", words, status, text)
		}
	}
	if r := doctor.Walk(t.Context(), cfg); !r.OK {
		t.Errorf("after the fix: %s", textOf(r))
	}
	status, text := send(t, cfg, http.MethodPost, "/_bulk", document)
	if status != http.StatusOK || strings.Contains(text, `"error":`) {
		t.Errorf("the same call after the fix: %d %s", status, text)
	}
	// The role is for the index that was named, and for no other.
	other := strings.Replace(document, "logs-1", "other-1", 1)
	if _, text := send(t, cfg, http.MethodPost, "/_bulk", other); !strings.Contains(text, "security_exception") {
		t.Errorf("another index: %s", text)
	}
}

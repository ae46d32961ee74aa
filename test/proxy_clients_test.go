package test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed56735111/penstock/internal/realtest"
)

// unsignedClients are the clients of docs/clients.md as people use them where nobody signs.
func unsignedClients(t *testing.T) []client {
	t.Helper()
	program := goClients(t)
	golang := func(name string) client {
		return client{name: name, command: func(_ *testing.T, ctx context.Context) *exec.Cmd {
			return exec.CommandContext(ctx, program, name)
		}}
	}
	python := func(name string) client {
		return client{name: name, command: func(t *testing.T, ctx context.Context) *exec.Cmd {
			return exec.CommandContext(ctx, realtest.Python(t, pythonClients...), filepath.Join("clients", "clients.py"), name)
		}}
	}
	node := func(name string) client {
		return client{name: name, command: func(t *testing.T, ctx context.Context) *exec.Cmd {
			script, err := filepath.Abs(filepath.Join("clients", "clients.js"))
			if err != nil {
				t.Fatal(err)
			}
			return realtest.NodeWith(t, nodeClients...).Command(ctx, script, name)
		}}
	}
	return []client{
		golang("net/http unsigned"), golang("opensearch-go unsigned"), golang("go-elasticsearch unsigned"),
		python("requests unsigned"), python("opensearch-py/urllib3 unsigned"), python("opensearch-py/requests unsigned"),
		node("http unsigned"), node("opensearch-js unsigned"),
	}
}

// clientProxy starts a guarded domain and the proxy in front of it.
func clientProxy(t *testing.T, engine string) string {
	t.Helper()
	domain := clientDomain(t, engine)
	return serveWith(t, append(key("AKIAALICE", "alice-secret", ""), "AWS_EC2_METADATA_DISABLED=true"),
		"proxy", "--listen", "127.0.0.1:0", "--domain", domain, "--region", clientRegion)
}

func TestUnsignedClientsReachAGuardedDomainThroughTheProxy(t *testing.T) {
	t.Parallel()
	testUnsigned(t, clientProxy(t, ""))
}

func TestUnsignedClientsReachARealOpenSearchThroughTheProxy(t *testing.T) {
	t.Parallel()
	node := realtest.StartOpenSearch(t, "2.19.1")
	testUnsigned(t, clientProxy(t, node.URL))
}

func testUnsigned(t *testing.T, endpoint string) {
	t.Helper()
	none := situation{env: []string{"AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=", "AWS_SESSION_TOKEN="}}
	for _, c := range unsignedClients(t) {
		t.Run(strings.ReplaceAll(c.name, "/", "-"), func(t *testing.T) {
			for i, a := range c.send(t, endpoint, none) {
				r := clientRequests[i]
				if a.Status == 400 && strings.Contains(a.Body, "Failed to parse query [n:+1]") {
					continue // a real engine reads it so, and it arrived as it was written
				}
				if a.Status/100 != 2 || !answersTo(r.Target, a.Body) {
					t.Errorf("%s: %s %s: %d %.300s", c.name, r.Method, r.Target, a.Status, a.Body)
				}
			}
		})
	}
	// One after the other: each reads what the one before has stored.
	t.Run("scan", func(t *testing.T) { scan(t, endpoint) })
	t.Run("elasticdump", func(t *testing.T) { dump(t, endpoint) })
	t.Run("wrk", func(t *testing.T) { wrk(t, endpoint) })
}

// answersTo reports whether an answer has what its request asks for, where that is one document.
func answersTo(target, body string) bool {
	compact := strings.NewReplacer(" ", "", "\n", "").Replace(body)
	switch target {
	case "/idx/_doc/a%2Fb":
		return strings.Contains(compact, `"a/b"`)
	case "/idx2/_doc/%C3%BC%201":
		return strings.Contains(compact, `"n":2`)
	case "/idx*/_search?q=n:1", "/idx/_search?q=n%3A1%20OR%20n%3A2&size=5", "/idx/_search?size=5&q=n%3A%2B1":
		return strings.Contains(compact, `"value":1`)
	case "/idx,idx2/_search?size=1":
		return strings.Contains(compact, `"value":2`)
	}
	return true
}

const dumped = 2500

// scan reads an index with opensearch-py's scan, in pages that it asks for by scroll ids.
func scan(t *testing.T, endpoint string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, realtest.Python(t, pythonClients...), filepath.Join("clients", "scan.py"), endpoint,
		fmt.Sprint(dumped))
	out, err := cmd.CombinedOutput()
	want := fmt.Sprintf("%d documents, %d different", dumped, dumped)
	if err != nil || strings.TrimSpace(string(out)) != want {
		t.Errorf("%v: %s, want %s", err, tail(string(out), 20), want)
	}
}

// dump copies the index that scan has filled with elasticdump, into a file and into another index.
func dump(t *testing.T, endpoint string) {
	t.Helper()
	node := realtest.NodeWith(t, "elasticdump@6.125.1")
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	program := filepath.Join(node.Dir, "node_modules", "elasticdump", "bin", "elasticdump")
	file := filepath.Join(t.TempDir(), "dump.ndjson")
	for _, step := range [][2]string{{endpoint + "/scanned", file}, {file, endpoint + "/restored"}} {
		cmd := node.Command(ctx, program, "--input="+step[0], "--output="+step[1], "--type=data", "--limit=500")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("elasticdump %v: %v\n%s", step, err, tail(string(out), 20))
		}
	}
	text, err := os.ReadFile(file)
	if err != nil || strings.Count(string(text), "\n") != dumped {
		t.Errorf("the file has %d lines, %v; want %d", strings.Count(string(text), "\n"), err, dumped)
	}
	c := domainClient{url: endpoint}
	c.call(t, "POST", "/restored/_refresh", "", &json.RawMessage{})
	var answer struct{ Count int }
	if c.call(t, "GET", "/restored/_count", "", &answer); answer.Count != dumped {
		t.Errorf("%d documents were restored, want %d", answer.Count, dumped)
	}
}

// wrk sends one request again and again on many connections.
func wrk(t *testing.T, endpoint string) {
	t.Helper()
	program := os.Getenv("PENSTOCK_TEST_WRK")
	if program == "" {
		program = "wrk"
	}
	program, err := exec.LookPath(program)
	if err != nil {
		t.Skipf("wrk is not installed (PENSTOCK_TEST_WRK names its program): %v", err)
	}
	out, err := exec.CommandContext(t.Context(), program, "-t1", "-c16", "-d2s", endpoint+"/restored/_doc/d%2F1").Output()
	text := string(out)
	if err != nil || strings.Contains(text, "Non-2xx") || strings.Contains(text, "Socket errors") ||
		!strings.Contains(text, "Requests/sec:") || strings.Contains(text, " 0 requests in") {
		t.Errorf("%v\n%s", err, text)
	}
	t.Log(text)
}

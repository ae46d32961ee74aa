//go:build live

package test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestLiveDomain ships a file twice into an index of its own on the domain of PENSTOCK_LIVE_DOMAIN, counts the
// documents and removes the index. PENSTOCK_LIVE_FLAGS are flags for every command, such as "--region eu-west-1".
func TestLiveDomain(t *testing.T) {
	domain := os.Getenv("PENSTOCK_LIVE_DOMAIN")
	if domain == "" {
		t.Skip("no PENSTOCK_LIVE_DOMAIN: the URL of a domain to test against")
	}
	flags := append([]string{"--domain", domain}, strings.Fields(os.Getenv("PENSTOCK_LIVE_FLAGS"))...)
	index := fmt.Sprintf("penstock-live-%d", time.Now().UnixNano())
	dir := t.TempDir()
	var text strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&text, `{"timestamp":"2026-11-24T00:00:00Z","n":%d}`+"\n", i)
	}
	if err := os.WriteFile(filepath.Join(dir, "live.ndjson"), []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { command(t, "request", append([]string{"DELETE", "/" + index}, flags...)) })

	ship := append([]string{dir, "--index", index, "--json", "--dead-letters", t.TempDir()}, flags...)
	var first, second summary
	decodeJSON(t, command(t, "ship", ship), &first)
	diff := cmp.Diff(summary{Objects: 1, Records: 1000, Delivered: 1000, BytesIn: int64(text.Len())}, first, outcome)
	if diff != "" {
		t.Errorf("first time (-want +got):\n%s", diff)
	}
	decodeJSON(t, command(t, "ship", ship), &second)
	if diff := cmp.Diff(again(first), second, outcome); diff != "" {
		t.Errorf("second time (-want +got):\n%s", diff)
	}
	command(t, "request", append([]string{"POST", "/" + index + "/_refresh"}, flags...))
	var answer struct{ Count int64 }
	decodeJSON(t, command(t, "request", append([]string{"GET", "/" + index + "/_count"}, flags...)), &answer)
	if answer.Count != 1000 {
		t.Errorf("the domain holds %d documents, want 1000", answer.Count)
	}
}

func command(t *testing.T, name string, args []string) []byte {
	t.Helper()
	cmd := exec.Command(penstock, append([]string{name}, args...)...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("penstock %s: %v\n%s", name, err, errs.String())
	}
	return out
}

func decodeJSON(t *testing.T, text []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
}

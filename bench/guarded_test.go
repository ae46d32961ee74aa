package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/seed56735111/penstock/domaintest"
)

// TestTheGuardRefusesNothingThatIsShipped puts a gate in front of the sink. It verifies the signature of each request
// over its whole body: with four objects at once, bodies are hashed in turns. "make bench-guarded" ships 10 million
// documents.
func TestTheGuardRefusesNothingThatIsShipped(t *testing.T) {
	n, cache := 20_000, t.TempDir()
	if os.Getenv("PENSTOCK_TEST_FULL") != "" {
		n = 10_000_000
	}
	binary := filepath.Join(cache, "penstock")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-tags", "lambda.norpc", "-ldflags", "-s -w",
		"-o", binary, "./cmd/penstock")
	build.Dir, build.Env = "..", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	from, err := makeCorpus(cache, contents{Format: "ndjson", Objects: 4}, n)
	if err != nil {
		t.Fatal(err)
	}
	behind := newSink(0)
	domain := domaintest.Start(t, behind, domaintest.Config{})
	keys := domain.Credentials()
	cmd := exec.CommandContext(t.Context(), binary, "ship", from.Dir, "--domain", domain.URL, "--json")
	cmd.Dir = cache
	cmd.Env = append(config{}.environment(), "AWS_REGION="+domain.Region, "AWS_ACCESS_KEY_ID="+keys.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY="+keys.SecretAccessKey)
	out, err := cmd.Output()
	var said shipped
	if err == nil {
		err = json.Unmarshal(out, &said)
	}
	if err != nil {
		t.Fatalf("ship: %v\n%s", err, out)
	}
	behind.got.Unsigned = 0 // the gate keeps the signature
	if err := verify(from, said, behind.got, false); err != nil {
		t.Error(err)
	}
	t.Logf("%d documents in %d requests", behind.got.Documents, behind.got.Requests)
}

// Package test runs the built binary against real services: an S3 server that checks signatures, and OpenSearch behind
// the IAM gate. What the binary says it did is compared with what was put in and with what the domain holds.
package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// penstock is the path of the binary under test.
var penstock string

func TestMain(m *testing.M) {
	os.Exit(testMain(m))
}

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "penstock-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	penstock = filepath.Join(dir, "penstock")
	build := exec.Command("go", "build", "-trimpath", "-o", penstock, "../cmd/penstock")
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build penstock: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

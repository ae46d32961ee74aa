package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The assembly in the repository is what this program writes.
func TestTheAssemblyIsWhatIsWritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const assembly, stubs = "blocks_amd64.s", "blocks_amd64.go"
	cmd := exec.CommandContext(t.Context(), "go", "run", ".", "-pkg", "sha2x",
		"-out", filepath.Join(dir, assembly), "-stubs", filepath.Join(dir, stubs))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	for _, name := range []string{assembly, stubs} {
		if !bytes.Equal(withoutCommand(t, filepath.Join(dir, name)),
			withoutCommand(t, filepath.Join("..", "..", "internal", "sha2x", name))) {
			t.Errorf("internal/sha2x/%s is not what this program writes: go generate ./internal/sha2x", name)
		}
	}
}

// withoutCommand reads a file without its first line, which has the command that wrote it.
func withoutCommand(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ = bytes.Cut(text, []byte("\n"))
	return text
}

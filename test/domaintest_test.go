package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTheGoHelperWorksInAnotherModule runs the example of docs/domain.md as the test of somebody else's module.
func TestTheGoHelperWorksInAnotherModule(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/domain.md")
	if err != nil {
		t.Fatal(err)
	}
	example := regexp.MustCompile("(?ms)^```go\n(.*?)^```$").FindSubmatch(page)
	if example == nil {
		t.Fatal("docs/domain.md has no Go example")
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	ours, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile("../go.sum")
	if err != nil {
		t.Fatal(err)
	}
	const name = "github.com/seed56735111/penstock"
	mod := strings.Replace(string(ours), "module "+name, "module example.com/app", 1) +
		"\nrequire " + name + " v0.0.0\n\nreplace " + name + " => " + root + "\n"
	dir := t.TempDir()
	for file, text := range map[string]string{
		"go.mod": mod, "go.sum": string(sums), "app_test.go": string(example[1]),
	} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "go", "test", "-mod=mod", "./...")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOPROXY=off", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("go test: %v\n%s", err, out)
	}
}

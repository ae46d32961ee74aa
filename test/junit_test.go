package test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/seed56735111/penstock/internal/realtest"
)

// TestJUnitHasAGuardedDomain compiles and runs the classes of docs/junit.md.
func TestJUnitHasAGuardedDomain(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/junit.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var files []string
	for _, shown := range regexp.MustCompile("(?ms)^`(\\w+\\.java)`:\n\n```java\n(.*?)^```$").FindAllSubmatch(page, -1) {
		file := filepath.Join(dir, string(shown[1]))
		if err := os.WriteFile(file, shown[2], 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	if len(files) != 2 {
		t.Fatalf("docs/junit.md has %d classes", len(files))
	}
	if out := realtest.JUnit(t, []string{"PENSTOCK_PROGRAM=" + penstock}, files...); !strings.Contains(out,
		"2 tests successful") {
		t.Errorf("not every test passed:\n%s", tail(out, 40))
	}
}

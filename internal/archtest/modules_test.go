package archtest_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite testdata/modules.txt and testdata/modules-function.txt")

// What is linked is what has to be trusted, built and kept up to date: a module joins the list on purpose, with a
// record in docs/decisions.
func TestLinkedModulesAreThoseDecidedOn(t *testing.T) {
	t.Parallel()
	for golden, command := range map[string]string{
		"modules.txt": "./cmd/penstock", "modules-function.txt": "./cmd/penstock-lambda",
	} {
		cmd := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", command)
		cmd.Dir = filepath.Join("..", "..")
		// The list is that of the released binary, wherever the test runs.
		cmd.Env = append(cmd.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", cmd, err)
		}
		linked := strings.Fields(string(out))
		slices.Sort(linked)
		linked = slices.DeleteFunc(slices.Compact(linked), func(m string) bool { return m == module })
		name := filepath.Join("testdata", golden)
		if *update {
			if err := os.MkdirAll("testdata", 0o750); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, []byte(strings.Join(linked, "\n")+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(linked, strings.Fields(string(want))); diff != "" {
			t.Errorf("linked modules (-got +want), see docs/decisions/README.md and -update:\n%s", diff)
		}
	}
}

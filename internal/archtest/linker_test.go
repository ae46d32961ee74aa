package archtest

import (
	"bytes"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A lookup of a method by a name that is no constant keeps every method of every type in the program: a third of its
// size. See docs/decisions/0026-binary-size.md.
func TestTheLinkerLeavesOutWhatNothingCalls(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("links both programs: not with -short")
	}
	for _, program := range []string{"penstock", "penstock-lambda"} {
		cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-tags", "lambda.norpc",
			"-ldflags", "-s -w -dumpdep", "-o", filepath.Join(t.TempDir(), program), "./cmd/"+program)
		cmd.Dir = filepath.Join("..", "..")
		cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
		var edges bytes.Buffer
		cmd.Stderr = &edges
		if err := cmd.Run(); err != nil {
			t.Fatalf("%v\n%s", err, edges.Bytes()[:min(edges.Len(), 2000)])
		}
		if n := strings.Count(edges.String(), " -> "); n < 10_000 {
			t.Errorf("%s: the linker tells of %d edges: is there another flag by now?", program, n)
		}
		for edge := range strings.Lines(edges.String()) {
			if strings.Contains(edge, "<ReflectMethod>") {
				t.Errorf("%s: a package looks up methods by a name that is no constant; the first one is\n%s", program, edge)
				break
			}
		}
	}
}

// The tag of a release leaves out one protocol of the function's runtime library, and nothing of ours.
func TestTheTagLeavesOutOneProtocol(t *testing.T) {
	t.Parallel()
	list := func(flags ...string) map[string]bool {
		args := slices.Concat([]string{"list", "-deps"}, flags, []string{"./cmd/penstock"})
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = filepath.Join("..", "..")
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		all := map[string]bool{}
		for name := range strings.FieldsSeq(string(out)) {
			all[name] = true
		}
		return all
	}
	with, without := list("-tags", "lambda.norpc"), list()
	maps.DeleteFunc(without, func(name string, _ bool) bool { return with[name] })
	got := slices.Sorted(maps.Keys(without))
	want := []string{"encoding/gob", "go/token", "html/template", "net/rpc"}
	if !slices.Equal(got, want) {
		t.Errorf("the tag lambda.norpc leaves out %q, want %q", got, want)
	}
}

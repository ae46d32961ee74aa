package deploy_test

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/seed56735111/penstock/internal/realtest"
)

const zizmor = "zizmor==1.16.3"

// The workflows are what their tools take, call the Makefile, and are given no right that they do not need.
func TestTheWorkflowsAreValid(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("..", ".github", "workflows", "*.yml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no workflows: %v", err)
	}
	t.Run("actionlint", func(t *testing.T) {
		t.Parallel()
		args := append([]string{"tool", "-modfile=../tools/goreleaser/go.mod", "actionlint"}, files...)
		if out, err := exec.CommandContext(t.Context(), "go", args...).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
	t.Run("zizmor", func(t *testing.T) {
		t.Parallel()
		program := filepath.Join(filepath.Dir(realtest.Python(t, zizmor)), "zizmor")
		args := append([]string{"--offline", "--no-progress", "--persona=pedantic"}, files...)
		if out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
}

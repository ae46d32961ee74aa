package realtest

import (
	"context"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// Node is a directory with installed npm packages.
type Node struct {
	program string
	// Dir is where scripts must run so that require and import find the packages.
	Dir string
}

// NodeWith returns an environment that holds the given packages, each pinned as in "aws4@1.13.2". It is made once,
// without running the packages' install scripts, and kept in the user's cache directory.
func NodeWith(t testing.TB, packages ...string) *Node {
	t.Helper()
	wanted(t)
	node, err := exec.LookPath("node")
	if err != nil {
		unavailable(t, "Node", "%v", err)
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		unavailable(t, "Node", "%v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), installTimeout)
	defer cancel()
	packages = slices.Sorted(slices.Values(packages))
	dir, err := installed(t, "node", packages, func(dir string) error {
		args := slices.Concat([]string{"install", "--prefix", dir, "--silent", "--no-audit", "--no-fund", "--ignore-scripts"},
			packages)
		_, err := run(t, exec.CommandContext(ctx, npm, args...))
		return err
	})
	if err != nil {
		unavailable(t, "Node", "%v", err)
	}
	return &Node{program: node, Dir: dir}
}

// Command is a run of node with the given arguments, in the directory of the packages.
func (n *Node) Command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, n.program, args...)
	cmd.Dir = n.Dir
	cmd.Env = append(cmd.Environ(), "NODE_PATH="+filepath.Join(n.Dir, "node_modules"))
	return cmd
}

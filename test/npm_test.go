package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/seed56735111/penstock/internal/realtest"
)

// TestTheNpmPackageWorksWhereItIsInstalled packs the packages, installs the tarballs into an empty directory without a
// registry, and runs the package's tests and the example of its page there.
func TestTheNpmPackageWorksWhereItIsInstalled(t *testing.T) {
	t.Parallel()
	node := realtest.NodeWith(t, "aws4@1.13.2")
	platforms := map[string]string{"linux/amd64": "linux-x64", "linux/arm64": "linux-arm64"}
	platform, ok := platforms[runtime.GOOS+"/"+runtime.GOARCH]
	if !ok {
		t.Skipf("no package is packed for %s/%s here", runtime.GOOS, runtime.GOARCH)
	}
	pack, err := filepath.Abs("../npm/pack.js")
	if err != nil {
		t.Fatal(err)
	}
	tarballs, app := t.TempDir(), t.TempDir()
	run := func(cmd *exec.Cmd) string {
		t.Helper()
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, tail(string(out), 60))
		}
		return string(out)
	}
	run(node.Command(t.Context(), pack, "v1.2.3", tarballs, platform+"="+penstock))
	packed, err := filepath.Glob(filepath.Join(tarballs, "*.tgz"))
	if err != nil || len(packed) != 2 {
		t.Fatalf("packed %v, %v", packed, err)
	}
	install := exec.CommandContext(t.Context(), "npm",
		append([]string{"install", "--prefix", app, "--offline", "--silent", "--no-audit", "--no-fund"}, packed...)...)
	install.Dir = app
	run(install)

	page, err := os.ReadFile("../npm/penstock-aws/README.md")
	if err != nil {
		t.Fatal(err)
	}
	example := regexp.MustCompile("(?ms)^```js\n(.*?)^```$").FindSubmatch(page)
	tests, err := os.ReadFile("../npm/tests/domain.test.js")
	if err != nil || example == nil {
		t.Fatalf("the page has no example, or %v", err)
	}
	for name, text := range map[string][]byte{"page.test.js": example[1], "domain.test.js": tests} {
		if err := os.WriteFile(filepath.Join(app, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := node.Command(t.Context(), "--test", "page.test.js", "domain.test.js")
	cmd.Dir = app
	cmd.Env = slices.DeleteFunc(cmd.Env, func(kv string) bool { return strings.HasPrefix(kv, "PENSTOCK_") })
	if out := run(cmd); !strings.Contains(out, "# pass 9") || !strings.Contains(out, "# skipped 0") {
		t.Errorf("not every test ran:\n%s", tail(out, 20))
	}
}

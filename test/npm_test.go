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
	examples := regexp.MustCompile("(?ms)^```js\n(.*?)^```$").FindAllSubmatch(page, -1)
	tests, err := os.ReadFile("../npm/tests/domain.test.js")
	if err != nil || len(examples) != 3 {
		t.Fatalf("the page has %d examples, want those of node:test, Jest and Vitest; %v", len(examples), err)
	}
	for name, text := range map[string][]byte{
		"page.test.js": examples[0][1], "domain.test.js": tests,
		"jest/orders.test.js": examples[1][1], "jest/package.json": []byte("{}"),
		"vitest/orders.test.mjs": examples[2][1],
		"plain.ts": []byte("import { startDomain } from 'penstock-aws';\n" +
			"export const start = async () => (await startDomain({ compat: 'current' })).stop();\n"),
		"using.ts": []byte("import { startDomain } from 'penstock-aws';\n" +
			"export async function url() { await using d = await startDomain(); return d.url; }\n"),
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(app, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(app, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// What runs a test, its arguments, and what it says of one that passes.
	// TypeScript has the types of a disposable domain only where its libraries do.
	runners := realtest.NodeWith(t, "jest@29.7.0", "vitest@3.2.4", "typescript@5.9.3")
	tsc := []string{"typescript/bin/tsc", "--noEmit", "--strict", "--target", "es2022", "--module", "nodenext"}
	for _, r := range [][]string{
		{"jest/bin/jest.js", "--rootDir", "jest", "--no-cache", "Tests:       1 passed, 1 total"},
		{"vitest/vitest.mjs", "run", "--root", "vitest", "1 passed (1)"},
		slices.Concat(tsc, []string{"--lib", "es2022,dom", "plain.ts", ""}),
		slices.Concat(tsc, []string{"--lib", "esnext,dom", "plain.ts", "using.ts", ""}),
	} {
		last := len(r) - 1
		program := filepath.Join(runners.Dir, "node_modules", r[0])
		cmd := runners.Command(t.Context(), append([]string{program}, r[1:last]...)...)
		cmd.Dir = app
		cmd.Env = append(bare(cmd.Env), "NO_COLOR=1", "CI=true")
		if out := run(cmd); !strings.Contains(out, r[last]) {
			t.Errorf("%s says, without %q:\n%s", r[0], r[last], tail(out, 20))
		}
	}
	cmd := node.Command(t.Context(), "--test", "page.test.js", "domain.test.js")
	cmd.Dir = app
	cmd.Env = bare(cmd.Env)
	if out := run(cmd); !strings.Contains(out, "# pass 10") || !strings.Contains(out, "# skipped 0") {
		t.Errorf("not every test ran:\n%s", tail(out, 20))
	}
}

// bare is an environment without settings of ours.
func bare(env []string) []string {
	return slices.DeleteFunc(env, func(kv string) bool { return strings.HasPrefix(kv, "PENSTOCK_") })
}

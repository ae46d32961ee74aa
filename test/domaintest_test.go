package test

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestTheGoHelperWorksInAnotherModule runs the example of docs/domain.md as the test of somebody else's module, which
// gets ours as everybody does: from a module proxy, as a zip of what is in the repository.
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
	ours, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile("../go.sum")
	if err != nil {
		t.Fatal(err)
	}
	const name, version = "github.com/seed56735111/penstock", "v0.1.0"
	released := moduleProxy(t, name, version)
	found, err := exec.CommandContext(t.Context(), "go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	theirs := filepath.Join(strings.TrimSpace(string(found)), "cache", "download")
	mod := strings.Replace(string(ours), "module "+name, "module example.com/app", 1) +
		"\nrequire " + name + " " + version + "\n"
	dir := t.TempDir()
	for file, text := range map[string]string{
		"go.mod": mod, "go.sum": string(sums), "app_test.go": string(example[1]),
		// What a domain without the embedded engine links.
		"guarded/guarded_test.go": "package guarded\n\nimport _ \"" + name + "/domaintest\"\n",
	} {
		file = filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cache := t.TempDir()
	goCommand := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = dir
		// Compiled as the binary is, so that what both link is compiled once.
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod -modcacherw -trimpath", "CGO_ENABLED=0", "GOWORK=off",
			"GOMODCACHE="+cache,
			"GOPROXY=file://"+filepath.ToSlash(released)+",file://"+filepath.ToSlash(theirs), "GONOSUMDB="+name, "GOSUMDB=off")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	goCommand("test", ".")
	if linked := goCommand("list", "-test", "-deps", "./guarded"); strings.Contains(linked, "bleve") ||
		!strings.Contains(linked, name+"/guard\n") {
		t.Errorf("a domain in front of an engine of one's own links:\n%s", linked)
	}
}

// moduleProxy makes a directory that is a module proxy with the files of the repository as one version. The go command
// looks at the zip as strictly as at one from anywhere.
func moduleProxy(t *testing.T, module, version string) string {
	t.Helper()
	list := exec.CommandContext(t.Context(), "git", "ls-files", "-co", "--exclude-standard", "-z")
	list.Dir = ".."
	text, err := list.Output()
	if err != nil {
		t.Skipf("no git or no repository, which says what belongs to the module: %v", err)
	}
	files := strings.Split(strings.TrimRight(string(text), "\x00"), "\x00")
	var nested []string
	for _, file := range files {
		if d, base := path.Split(file); base == "go.mod" && d != "" {
			nested = append(nested, d)
		}
	}
	var packed bytes.Buffer
	w := zip.NewWriter(&packed)
	for _, file := range files {
		if slices.ContainsFunc(nested, func(d string) bool { return strings.HasPrefix(file, d) }) {
			continue // a module of its own
		}
		info, err := os.Lstat(filepath.Join("..", file))
		if err != nil || !info.Mode().IsRegular() {
			continue // removed and not committed yet, or a link
		}
		in, err := os.Open(filepath.Join("..", file))
		if err != nil {
			t.Fatal(err)
		}
		out, err := w.Create(module + "@" + version + "/" + file)
		if err == nil {
			_, err = io.Copy(out, in)
		}
		_ = in.Close()
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	dir := filepath.Join(root, filepath.FromSlash(module), "@v")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{
		"list": []byte(version + "\n"), version + ".mod": mod, version + ".zip": packed.Bytes(),
		version + ".info": []byte(`{"Version":"` + version + `","Time":"2026-11-24T10:05:00Z"}`),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

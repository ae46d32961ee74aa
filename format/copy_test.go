package format_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// packageFiles returns the directories and files of the module that the tests of this package are made from.
func packageFiles(t *testing.T) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-test", "-f",
		"{{if not .Standard}}{{.Dir}}{{$dir := .Dir}}{{range .EmbedFiles}}\n{{$dir}}/{{.}}{{end}}{{end}}", ".")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	all := []string{"docs/formats.md", "format/testdata"}
	for dir := range strings.FieldsSeq(string(out)) { // and what they embed
		name, err := filepath.Rel(root, dir)
		if err != nil || strings.HasPrefix(name, "..") || seen[dir] {
			continue
		}
		seen[dir] = true
		if info, err := os.Stat(dir); err == nil && !info.IsDir() {
			all = append(all, name)
			continue
		}
		files, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if !f.IsDir() && (filepath.Base(dir) == "format" || !strings.HasSuffix(f.Name(), "_test.go")) {
				all = append(all, filepath.Join(name, f.Name()))
			}
		}
	}
	return all
}

// copyTree copies files and directories below one directory to the same places below another.
func copyTree(t *testing.T, to, from string, names ...string) {
	t.Helper()
	for _, name := range names {
		err := filepath.WalkDir(filepath.Join(from, name), func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			rel, err := filepath.Rel(from, path)
			if err != nil {
				return err
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			target := filepath.Join(to, rel)
			if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
				return err
			}
			return os.WriteFile(target, data, 0o600)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// goTest runs the tests of package format in a copy of the module and returns what they print.
func goTest(t *testing.T, root string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"test", "./format"}, args...)...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "PENSTOCK_FORMAT_COPY=1", "GOWORK=off")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("go test %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

package source_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/source"
)

func tree(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range files {
		p := filepath.Join(dir, f)
		if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte("content of "+f), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func names(t *testing.T, s penstock.Source, dir string) []string {
	t.Helper()
	var got []string
	for item, err := range s.Items(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		rel, _ := filepath.Rel(dir, item.ID)
		got = append(got, rel)
	}
	return got
}

func TestDirectoriesAreReadInOrderAndLoopsOnce(t *testing.T) {
	t.Parallel()
	dir := tree(t, "b/2.log", "b/10.log", "a.log", "c/d/e.log", ".hidden")
	for link, to := range map[string]string{"c/loop": "..", "c/self": ".", "b/nowhere": "missing", "b/itself": "itself", "z.log": "a.log"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	f, err := source.NewFiles([]string{dir})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{".hidden", "a.log", "b/10.log", "b/2.log", "c/d/e.log", "z.log"}
	if diff := cmp.Diff(want, names(t, f, dir)); diff != "" {
		t.Error(diff)
	}
}

func TestAMissingFileIsKnownBeforeAnythingIsRead(t *testing.T) {
	t.Parallel()
	dir := tree(t, "a")
	_, err := source.NewFiles([]string{filepath.Join(dir, "a"), filepath.Join(dir, "no such file")})
	se, ok := errors.AsType[*source.Error](err)
	if !ok || se.Kind != source.KindMissing || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("error %v", err)
	}
}

func TestAFileIsReadAsLongAsItWas(t *testing.T) {
	t.Parallel()
	dir := tree(t, "a")
	path := filepath.Join(dir, "a")
	f, err := source.NewFiles([]string{path})
	if err != nil {
		t.Fatal(err)
	}
	for item := range f.Items(t.Context()) {
		stream, err := item.Objects[0].Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("content of a, and more"), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(stream); err != nil || string(got) != "content of a" {
			t.Errorf("grown: %q, error %v", got, err)
		}
		if stream.Identity.Key != path || stream.Identity.Pinned() || stream.Identity.Modified.IsZero() {
			t.Errorf("identity %+v", stream.Identity)
		}
		again, err := item.Objects[0].Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, 3); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(again)
		if se, ok := errors.AsType[*source.Error](err); !ok || se.Kind != source.KindChanged {
			t.Errorf("shrunk: %q, error %v", got, err)
		}
	}
}

func TestSourcesFollowEachOther(t *testing.T) {
	t.Parallel()
	dir := tree(t, "a", "b")
	f, err := source.NewFiles([]string{dir})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for item, err := range source.Concat(source.Stdin(strings.NewReader("x")), f).Items(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, filepath.Base(item.ID))
	}
	if diff := cmp.Diff([]string{"-", "a", "b"}, got); diff != "" {
		t.Error(diff)
	}
}

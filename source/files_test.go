package source_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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
		age(t, p)
	}
	return dir
}

// age makes a file one that nobody has written to for an hour.
func age(t *testing.T, path string) {
	t.Helper()
	at := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
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
	for link, to := range map[string]string{
		"c/loop": "..", "c/self": ".", "b/nowhere": "missing", "b/itself": "itself", "z.log": "a.log",
	} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	f, err := source.NewFiles([]string{dir})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{".hidden", "a.log", "b/10.log", "b/2.log", "c/d/e.log"}
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
		age(t, path)
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
	for item, err := range source.Concat(source.Stdin(strings.NewReader("x"), 0), f).Items(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, filepath.Base(item.ID))
	}
	if diff := cmp.Diff([]string{"-", "a", "b"}, got); diff != "" {
		t.Error(diff)
	}
}

// shipped reads every item of a source and returns what is in the objects by their names; errors stand in their place.
func shipped(t *testing.T, f *source.Files) map[string]string {
	t.Helper()
	got := map[string]string{}
	for item, err := range f.Items(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		o := item.Objects[0]
		stream, err := o.Open(t.Context())
		if err != nil {
			got[o.Name] = err.Error()
			continue
		}
		text, err := io.ReadAll(stream)
		got[o.Name] = string(text)
		if err != nil {
			got[o.Name] += " " + err.Error()
		}
		_ = stream.Close()
		if item.Settle != nil {
			_ = item.Settle(t.Context(), nil)
		}
	}
	return got
}

func newFiles(t *testing.T, paths ...string) *source.Files {
	t.Helper()
	f, err := source.NewFiles(paths)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestAFileWithManyNamesIsShippedOnceUnderTheFirst(t *testing.T) {
	t.Parallel()
	dir, err := filepath.EvalSymlinks(tree(t, "m/app.log", "z/other.log"))
	if err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"m/latest": "app.log", "link": "m", "n": "m/app.log"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(filepath.Join(dir, "z/other.log"), filepath.Join(dir, "a.log")); err != nil {
		t.Fatal(err)
	}
	// The link is named last, and still is the first name; the directory is reached by three paths.
	f := newFiles(t, dir+"/z", dir+"/m/../m", dir+"/link", dir)
	want := map[string]string{dir + "/a.log": "content of z/other.log", dir + "/m/../m/app.log": "content of m/app.log"}
	for name := range want {
		clean := filepath.Clean(name)
		if clean != name {
			want[clean] = want[name]
			delete(want, name)
		}
	}
	if diff := cmp.Diff(want, shipped(t, f)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for item := range f.Items(t.Context()) {
		s, err := item.Objects[0].Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if p := s.Identity.File.Path; p != dir+"/a.log" && p != dir+"/m/app.log" {
			t.Errorf("%s has the path %s", item.ID, p)
		}
	}
}

func TestRotationWhileADirectoryIsReadLeavesNothingOut(t *testing.T) {
	t.Parallel()
	dir := tree(t, "app.log", "app.log.1", "app.log.2")
	got := map[string]int{}
	for item := range newFiles(t, dir).Items(t.Context()) {
		stream, err := item.Objects[0].Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(stream)
		if err != nil {
			t.Fatal(err)
		}
		got[string(text)]++
		if len(got) > 1 {
			continue
		}
		for _, name := range []string{"/app.log.2", "/app.log.1", "/app.log"} {
			next := map[string]string{"/app.log": "/app.log.1", "/app.log.1": "/app.log.2", "/app.log.2": "/app.log.3"}[name]
			if err := os.Rename(dir+name, dir+next); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(dir+"/app.log", []byte("new"), 0o600); err != nil {
			t.Fatal(err)
		}
		age(t, dir+"/app.log")
	}
	want := map[string]int{"content of app.log": 1, "content of app.log.1": 1, "content of app.log.2": 1, "new": 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What a file is filled with after it was truncated never passes for the rest of what it was.
func TestATruncatedFileIsGivenBackBeforeAnyByteOfTheNext(t *testing.T) {
	t.Parallel()
	for name, refill := range map[string]string{
		"empty": "", "refilled": strings.Repeat("new\n", 50_000), "shorter": "new\n",
	} {
		dir := tree(t, "a")
		path := filepath.Join(dir, "a")
		old := strings.Repeat("old\n", 50_000)
		if err := os.WriteFile(path, []byte(old), 0o600); err != nil {
			t.Fatal(err)
		}
		for item := range newFiles(t, path).Items(t.Context()) {
			stream, err := item.Objects[0].Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			first := make([]byte, 1000)
			if _, err := io.ReadFull(stream, first); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(refill), 0o600); err != nil { // truncates
				t.Fatal(err)
			}
			rest, err := io.ReadAll(stream)
			se, ok := errors.AsType[*source.Error](err)
			if !ok || se.Kind != source.KindChanged || !se.Temporary() || strings.Contains(string(rest), "new") {
				t.Errorf("%s: %d bytes more, error %v", name, len(rest), err)
			}
		}
	}
}

func TestAFileIsSettledWhenNobodyHasWrittenToItForAWhile(t *testing.T) {
	t.Parallel()
	for age, growing := range map[time.Duration]bool{
		0: true, 5 * time.Second: true, 11 * time.Second: false, time.Hour: false, -time.Hour: false,
	} {
		dir := tree(t, "a")
		at := time.Now().Add(-age)
		if err := os.Chtimes(filepath.Join(dir, "a"), at, at); err != nil {
			t.Fatal(err)
		}
		for item := range newFiles(t, dir).Items(t.Context()) {
			stream, err := item.Objects[0].Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(stream)
			if _, ok := errors.AsType[*penstock.GrowingError](err); ok != growing || string(text) != "content of a" {
				t.Errorf("written to %v ago: %q, error %v", age, text, err)
			}
		}
	}
}

func TestFilesOfTheSystemAreReadToTheirEnd(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/proc/self/status": "Name:",
		"/proc/meminfo":     "MemTotal:",
		"/sys/kernel/mm/transparent_hugepage/enabled": "never",
		"/sys/class/net/lo/mtu":                       "65536",
	} {
		if _, err := os.Stat(path); err != nil {
			t.Logf("%s is not here: left out", path)
			continue
		}
		got := shipped(t, newFiles(t, path))
		if text := got[path]; !strings.Contains(text, want) || !strings.HasSuffix(text, "\n") {
			t.Errorf("%s: %q", path, text)
		}
	}
}

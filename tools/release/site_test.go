package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/seed56735111/penstock/internal/realtest"
)

// elsewhere is something that a page would load from another host.
var elsewhere = regexp.MustCompile(`<(?:script|link|img|iframe|source)[^>]*(?:src|href)="(?:https?:)?//[^"]*"`)

// The site is made without a warning: no link and no anchor leads nowhere, every page is reached, and nothing is loaded
// from elsewhere.
func TestTheSiteIsMadeWithoutAWarning(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it builds the program and the site")
	}
	r, err := open(t.Context(), filepath.Join("..", ".."), "")
	if err != nil {
		t.Fatal(err)
	}
	r.site = t.TempDir()
	if err := site(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	python := realtest.Python(t, "mkdocs-material==9.8.2")
	cmd := exec.CommandContext(t.Context(), python, "-m", "mkdocs", "build", "--strict", "--quiet", "-f",
		filepath.Join(r.site, "mkdocs.yml"))
	cmd.Env = append(os.Environ(), "NO_MKDOCS_2_WARNING=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	read := 0
	err = filepath.WalkDir(filepath.Join(r.site, "html"), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".html") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		read++
		if found := elsewhere.Find(text); found != nil {
			t.Errorf("%s loads %s", filepath.Base(path), found)
		}
		return nil
	})
	if err != nil || read < 100 {
		t.Errorf("the site has %d pages, %v", read, err)
	}
	for _, name := range []string{"demo", "explain", "check"} {
		text, err := os.ReadFile(filepath.Join(r.site, "docs", "pictures", name+".svg"))
		if err != nil {
			t.Fatal(err)
		}
		if name == "demo" && !strings.Contains(string(text), "An anonymous call is refused") {
			t.Errorf("the picture of the demo shows\n%s", text)
		}
	}
}

// Every page of docs is in the navigation.
func TestEveryPageIsInTheNavigation(t *testing.T) {
	t.Parallel()
	head, err := os.ReadFile("mkdocs.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{"*.md", "guides/*.md"} {
		pages, err := filepath.Glob(filepath.Join("..", "..", "docs", pattern))
		if err != nil || len(pages) == 0 {
			t.Fatalf("%v, %v", pages, err)
		}
		for _, page := range pages {
			name, err := filepath.Rel(filepath.Join("..", "..", "docs"), page)
			if err != nil {
				t.Fatal(err)
			}
			if name = filepath.ToSlash(name); name != "README.md" && !strings.Contains(string(head), " "+name+"\n") {
				t.Errorf("%s is not in mkdocs.yml", name)
			}
		}
	}
}

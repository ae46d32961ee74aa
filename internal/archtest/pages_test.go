package archtest_test

import (
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// page is a Markdown file of the project.
type page struct {
	path string // from the root of the project
	text string // without its fenced blocks, whose lines are empty here
}

// pages reads every Markdown file of the project.
func pages(t *testing.T) []page {
	t.Helper()
	root := filepath.Join("..", "..")
	var all []page
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && path != root && (strings.HasPrefix(e.Name(), ".") || slices.Contains(notOurs, e.Name())):
			return fs.SkipDir
		case e.IsDir() || filepath.Ext(path) != ".md":
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		all = append(all, page{filepath.ToSlash(name), withoutBlocks(string(text))})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// notOurs are the directories whose pages other people wrote, or that hold what a test reads.
var notOurs = []string{"testdata", "node_modules", "bin", "dist"}

// withoutBlocks empties the lines of fenced blocks, so that the others keep their numbers.
func withoutBlocks(text string) string {
	var b strings.Builder
	inside := false
	for line := range strings.Lines(text) {
		fence := strings.HasPrefix(strings.TrimSpace(line), "```")
		if fence {
			inside = !inside
		}
		if fence || inside {
			line = "\n"
		}
		b.WriteString(line)
	}
	return b.String()
}

var (
	inlineCode = regexp.MustCompile("`[^`\n]*`")
	pageLink   = regexp.MustCompile(`\[[^\[\]]*(?:\[[^\[\]]*\])?[^\[\]]*\]\(([^()\s]+)\)`)
	heading    = regexp.MustCompile(`(?m)^#{1,6} +(.+?) *$`)
	linkText   = regexp.MustCompile(`\[([^\[\]]*)\]\([^()]*\)`)
)

// links are the targets of the links of a page, with the number of their line.
func links(text string) (targets []string, lines []int) {
	text = inlineCode.ReplaceAllStringFunc(text, func(code string) string { return strings.Repeat("x", len(code)) })
	for _, at := range pageLink.FindAllStringSubmatchIndex(text, -1) {
		targets = append(targets, text[at[2]:at[3]])
		lines = append(lines, 1+strings.Count(text[:at[0]], "\n"))
	}
	return targets, lines
}

// anchors are the names that a browser finds the headings of a page by.
func anchors(text string) []string {
	var all []string
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		title := strings.ReplaceAll(linkText.ReplaceAllString(m[1], "$1"), "`", "")
		name := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r):
				return unicode.ToLower(r)
			}
			return -1
		}, title)
		for n := 1; slices.Contains(all, name); n++ {
			if next := fmt.Sprintf("%s-%d", name, n); !slices.Contains(all, next) {
				name = next
			}
		}
		all = append(all, name)
	}
	return all
}

// brokenLinks says what is wrong with the links of the pages to files and to headings.
func brokenLinks(all []page, exists func(path string) bool) []string {
	headings := map[string][]string{}
	for _, p := range all {
		headings[p.path] = anchors(p.text)
	}
	var broken []string
	for _, p := range all {
		targets, lines := links(p.text)
		for i, target := range targets {
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			where := fmt.Sprintf("%s:%d: (%s)", p.path, lines[i], target)
			file, anchor, _ := strings.Cut(target, "#")
			file, err := url.PathUnescape(file)
			if err != nil {
				broken = append(broken, where+": "+err.Error())
				continue
			}
			to := p.path
			if file != "" {
				to = filepath.ToSlash(filepath.Join(filepath.Dir(p.path), file))
			}
			if !exists(to) {
				broken = append(broken, where+": there is no such file")
			} else if anchor != "" && !slices.Contains(headings[to], anchor) {
				broken = append(broken, where+": no heading there has this name")
			}
		}
	}
	return broken
}

// TestNoLinkOfAPageIsBroken follows the links between the pages, and those to files and headings.
func TestNoLinkOfAPageIsBroken(t *testing.T) {
	t.Parallel()
	all := pages(t)
	found := 0
	for _, p := range all {
		targets, _ := links(p.text)
		found += len(targets)
	}
	if len(all) < 40 || found < 100 {
		t.Fatalf("%d links found on %d pages", found, len(all))
	}
	for _, text := range brokenLinks(all, func(path string) bool {
		_, err := os.Stat(filepath.Join("..", "..", filepath.FromSlash(path)))
		return err == nil
	}) {
		t.Error(text)
	}
}

// TestABrokenLinkIsFound shows the rule on pages that break it.
func TestABrokenLinkIsFound(t *testing.T) {
	t.Parallel()
	all := []page{
		{
			path: "README.md",
			text: "# Start\n" +
				"[a](docs/a.md) [b](docs/a.md#the-first-one-1) [c](#start) [d](https://example.com/x#y) `[code](none.md)`\n",
		},
		{
			path: "docs/a.md",
			text: "# `The` first, one\n## The first one\n" +
				"[up](../README.md#start) [gone](b.md)\n[x](#none) [y](../README.md#begin)\n",
		},
	}
	want := []string{
		"docs/a.md:3: (b.md): there is no such file",
		"docs/a.md:4: (#none): no heading there has this name",
		"docs/a.md:4: (../README.md#begin): no heading there has this name",
	}
	got := brokenLinks(all, func(path string) bool { return path == "README.md" || path == "docs/a.md" })
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestEveryPageIsInTheIndex wants each index to lead to every page beside it.
func TestEveryPageIsInTheIndex(t *testing.T) {
	t.Parallel()
	all := pages(t)
	for _, index := range []string{"README.md", "docs/README.md", "docs/decisions/README.md"} {
		at := slices.IndexFunc(all, func(p page) bool { return p.path == index })
		if at < 0 {
			t.Errorf("there is no %s", index)
			continue
		}
		targets, _ := links(all[at].text)
		for _, p := range all {
			if path.Dir(p.path) == path.Dir(index) && p.path != index && !slices.Contains(targets, path.Base(p.path)) {
				t.Errorf("%s does not lead to %s", index, p.path)
			}
		}
	}
}

// pageWidth is how long a line of a page may be. Tables, blocks and what cannot be broken may be longer.
const pageWidth = 120

// wideLines are the lines of a text that should have been broken.
func wideLines(text string) []int {
	var wide []int
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimRight(line, "\r\n")
		table := strings.HasPrefix(strings.TrimSpace(line), "|")
		unbroken := len(strings.Fields(inlineCode.ReplaceAllString(line, "x"))) < 2
		if utf8.RuneCountInString(line) > pageWidth && !table && !unbroken && !strings.HasPrefix(line, "#") {
			wide = append(wide, n)
		}
	}
	return wide
}

// TestLinesOfPagesFitTheScreen holds the width of the lines that people read and compare.
func TestLinesOfPagesFitTheScreen(t *testing.T) {
	t.Parallel()
	for _, p := range pages(t) {
		for _, n := range wideLines(p.text) {
			t.Errorf("%s:%d: the line is longer than %d characters", p.path, n, pageWidth)
		}
	}
	text := strings.Join([]string{
		"short", strings.Repeat("word ", 30), "| " + strings.Repeat("cell ", 30) + "|", strings.Repeat("x", 130),
	}, "\n")
	if got := wideLines(text); !slices.Equal(got, []int{2}) {
		t.Errorf("got the wide lines %v, want the second one", got)
	}
}

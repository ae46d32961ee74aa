package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra/doc"

	"github.com/seed56735111/penstock/internal/cli"
)

// site writes what mkdocs makes the site of, into bin/site: the pages of docs, a page for each command and format that
// is made from the program, pictures of what it prints, and mkdocs.yml.
func site(ctx context.Context, r *release) error {
	if err := os.RemoveAll(r.site); err != nil {
		return err
	}
	program := filepath.Join(r.site, "penstock")
	if _, err := output(ctx, r.root, nil, "go", "build", "-trimpath", "-o", program, "./cmd/penstock"); err != nil {
		return err
	}
	s := &pages{release: r, program: program, dir: filepath.Join(r.site, "docs")}
	for _, step := range []func(context.Context) error{s.copied, s.commands, s.formats, s.pictures, s.navigation} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// pages are the pages of the site while they are written.
type pages struct {
	*release
	program, dir             string
	commandNames, formatRows []string
}

// source is where files are that are no pages.
const source = home + "/blob/main/"

// link is a link of a page to another file.
var link = regexp.MustCompile(`\]\(([^)#:\s]+)(#[^)\s]*)?\)`)

// copied copies the pages of docs. Links that leave docs lead to the repository.
func (s *pages) copied(context.Context) error {
	from := filepath.Join(s.root, "docs")
	return filepath.WalkDir(from, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(from, file)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(file) //nolint:gosec // pages of ours
		if err != nil {
			return err
		}
		if strings.HasSuffix(name, ".md") {
			text = outward(text, path.Dir("docs/"+filepath.ToSlash(name)))
		}
		if name == "README.md" {
			name = "index.md"
		}
		return write(filepath.Join(s.dir, name), text)
	})
}

// outward makes links of a page in a directory of the repository lead there when they leave docs.
func outward(text []byte, dir string) []byte {
	return link.ReplaceAllFunc(text, func(found []byte) []byte {
		m := link.FindSubmatch(found)
		to := path.Join(dir, string(m[1]))
		switch {
		case !strings.HasPrefix(to, "docs/") && to != "docs":
			return []byte("](" + source + to + string(m[2]) + ")")
		case strings.HasSuffix(to, "docs/README.md"):
			return bytes.Replace(found, []byte("README.md"), []byte("index.md"), 1)
		}
		return found
	})
}

// commands writes a page for each command, from the same texts as its help and its manual page.
func (s *pages) commands(context.Context) error {
	dir := filepath.Join(s.dir, "commands")
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // for everybody
		return err
	}
	root := cli.Commands()
	root.DisableAutoGenTag = true
	if err := doc.GenMarkdownTree(root, dir); err != nil {
		return err
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		if !strings.HasPrefix(f.Name(), "penstock_completion") && f.Name() != "penstock.md" {
			s.commandNames = append(s.commandNames, strings.TrimSuffix(f.Name(), ".md"))
		}
		// Names in capitals between brackets are no HTML.
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			return err
		}
		if err := write(filepath.Join(dir, f.Name()), prose(text)); err != nil {
			return err
		}
	}
	return nil
}

// prose escapes what Markdown would take for markup outside of code.
func prose(text []byte) []byte {
	code := false
	var b bytes.Buffer
	for line := range bytes.Lines(text) {
		if bytes.HasPrefix(line, []byte("```")) {
			code = !code
		}
		if !code {
			line = bytes.ReplaceAll(line, []byte("<"), []byte("&lt;"))
		}
		b.Write(line)
	}
	return b.Bytes()
}

// formats writes a page for each format: what it is, how it is told, a sample, and the document of its first record.
func (s *pages) formats(ctx context.Context) error {
	out, err := output(ctx, s.root, nil, s.program, "formats", "--json")
	if err != nil {
		return err
	}
	for line := range strings.Lines(out) {
		var f struct{ Name, About, Signature string }
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			return err
		}
		s.formatRows = append(s.formatRows, f.Name)
		var b bytes.Buffer
		_, _ = fmt.Fprintf(&b, "# %s\n\n%s.\n\nTold by: %s.\n", f.Name, prose([]byte(f.About)), prose([]byte(f.Signature)))
		samples, err := filepath.Glob(filepath.Join(s.root, "format", "testdata", f.Name, "docs.*"))
		if err != nil {
			return err
		}
		for _, sample := range samples {
			if err := shown(&b, sample); err != nil {
				return err
			}
		}
		_, _ = fmt.Fprintf(&b, "\n[All formats](../formats.md) · [what documents look like](../documents.md)\n")
		if err := write(filepath.Join(s.dir, "formats", f.Name+".md"), b.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// shown adds the beginning of a sample, and of what it becomes.
func shown(b *bytes.Buffer, sample string) error {
	text, err := os.ReadFile(sample)
	if err != nil || strings.HasSuffix(sample, ".golden") {
		return err
	}
	const most = 1500
	beginning := string(text)
	if len(beginning) > most {
		beginning = strings.ToValidUTF8(beginning[:most], "") + "…"
	}
	_, _ = fmt.Fprintf(b, "\n## A file\n\n```\n%s\n```\n", strings.TrimSpace(beginning))
	golden, err := os.ReadFile(sample + ".golden")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(golden)) {
		var document bytes.Buffer
		if !strings.HasPrefix(line, "{") || json.Indent(&document, []byte(line), "", "  ") != nil {
			continue
		}
		_, _ = fmt.Fprintf(b, "\n## Its first record\n\n```json\n%s\n```\n", strings.TrimSpace(document.String()))
		return nil
	}
	return fmt.Errorf("%s.golden has no document", sample)
}

// pictures runs the program and draws what it prints.
func (s *pages) pictures(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "penstock-pictures-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	alb, err := os.ReadFile(filepath.Join(s.root, "format", "testdata", "alb", "docs.log"))
	if err != nil {
		return err
	}
	for name, text := range map[string]string{
		"access.log": string(alb),
		"wrong.yaml": "indx: 'web-{yyyy.MM}'\nworkers: many\nroutes:\n  - name: web\n    match: { key: s3://logs/** }\n",
	} {
		if err := write(filepath.Join(dir, name), []byte(text)); err != nil {
			return err
		}
	}
	for _, p := range []struct{ name, command string }{
		{"demo", "penstock demo"},
		{"explain", "penstock explain access.log --index 'web-{yyyy.MM}'"},
		{"check", "penstock check wrong.yaml"},
	} {
		// What fails shows how.
		out, _ := output(ctx, dir, []string{"PATH=" + filepath.Dir(s.program) + string(os.PathListSeparator) +
			os.Getenv("PATH"), "HOME=" + dir}, "sh", "-c", p.command+" 2>&1 || true")
		if strings.TrimSpace(out) == "" {
			return fmt.Errorf("%s prints nothing", p.command)
		}
		if err := write(filepath.Join(s.dir, "pictures", p.name+".svg"), picture(p.command, out)); err != nil {
			return err
		}
	}
	return nil
}

// picture draws a terminal as SVG.
func picture(command, out string) []byte {
	const width, most, lineHeight, letter, margin = 110, 60, 18, 8.4, 16
	lines := []string{"$ " + command}
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\n")
		for len([]rune(line)) > width {
			lines = append(lines, string([]rune(line)[:width]))
			line = string([]rune(line)[width:])
		}
		lines = append(lines, line)
	}
	if len(lines) > most {
		lines = append(lines[:most], "…")
	}
	w, h := int(width*letter)+2*margin, len(lines)*lineHeight+2*margin
	var b bytes.Buffer
	_, _ = fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" `+
		`role="img">`+
		"\n<title>%s</title>\n"+`<rect width="100%%" height="100%%" rx="8" fill="#101418"/>`+"\n"+
		`<g font-family="ui-monospace,Menlo,Consolas,monospace" font-size="14" fill="#d8dee4" xml:space="preserve">`+"\n",
		w, h, w, h, html.EscapeString(command))
	for i, line := range lines {
		_, _ = fmt.Fprintf(&b, `<text x="%d" y="%d">%s</text>`+"\n", margin, margin+(i+1)*lineHeight-4,
			html.EscapeString(line))
	}
	b.WriteString("</g>\n</svg>\n")
	return b.Bytes()
}

// navigation writes mkdocs.yml, and puts the pictures on the first page.
func (s *pages) navigation(context.Context) error {
	first := filepath.Join(s.dir, "index.md")
	text, err := os.ReadFile(first)
	if err != nil {
		return err
	}
	text = append(text, "\n## What it looks like\n\n![the demo](pictures/demo.svg)\n\n"+
		"![an object explained](pictures/explain.svg)\n\n![the mistakes of a file](pictures/check.svg)\n"...)
	if err := write(first, text); err != nil {
		return err
	}
	head, err := os.ReadFile(filepath.Join(s.root, "tools", "release", "mkdocs.yml"))
	if err != nil {
		return err
	}
	var b bytes.Buffer
	b.Write(head)
	b.WriteString("  - Commands:\n      - commands/penstock.md\n")
	for _, name := range s.commandNames {
		_, _ = fmt.Fprintf(&b, "      - commands/%s.md\n", name)
	}
	b.WriteString("  - A page a format:\n")
	slices.Sort(s.formatRows)
	for _, name := range s.formatRows {
		_, _ = fmt.Fprintf(&b, "      - formats/%s.md\n", name)
	}
	return write(filepath.Join(s.site, "mkdocs.yml"), b.Bytes())
}

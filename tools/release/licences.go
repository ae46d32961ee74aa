package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// platforms are those that programs are built for, as Go calls them.
var platforms = []string{
	"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64", "windows/arm64",
}

// licenceFile is a file with terms of use.
var licenceFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|copyright|patents)(\.(md|txt|[a-z-]+))?$`)

// licences writes the terms of everything that is linked into a program, as the authors want it to go along.
func licences(ctx context.Context, r *release) error {
	const form = `{{if .Standard}}std{{else}}{{with .Module}}{{if not .Main}}{{.Path}}@{{.Version}}{{end}}{{end}}{{end}}` +
		"\t{{.Dir}}\t{{with .Module}}{{.Dir}}{{end}}"
	texts := map[string]map[string]string{} // by module and path in it
	for _, platform := range platforms {
		system, processor, _ := strings.Cut(platform, "/")
		env := []string{"GOOS=" + system, "GOARCH=" + processor, "CGO_ENABLED=0"}
		out, err := output(ctx, r.root, env, "go", "list", "-deps", "-f", form, "./cmd/penstock", "./cmd/penstock-lambda")
		if err != nil {
			return err
		}
		for line := range strings.Lines(out) {
			part := strings.Split(strings.TrimSpace(line), "\t")
			if len(part) != 3 || part[0] == "std" { // of this module, or of Go
				continue
			}
			if texts[part[0]] == nil {
				texts[part[0]] = map[string]string{}
			}
			if err := termsOf(texts[part[0]], part[1], part[2]); err != nil {
				return err
			}
		}
	}
	goroot, err := output(ctx, r.root, nil, "go", "env", "GOROOT")
	if err != nil {
		return err
	}
	texts["Go"] = map[string]string{}
	dir := strings.TrimSpace(goroot)
	if err := termsOf(texts["Go"], dir, dir); err != nil {
		return err
	}
	var b bytes.Buffer
	_, _ = fmt.Fprint(&b, "penstock is under the Apache License 2.0 (LICENSE). The programs contain what follows.\n")
	var order []string             // of the texts, each of which stands once
	where := map[string][]string{} // by text
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		if len(texts[name]) == 0 {
			return fmt.Errorf("no licence is found in %s", name)
		}
		for _, path := range slices.Sorted(maps.Keys(texts[name])) {
			text := strings.TrimSpace(texts[name][path])
			if where[text] == nil {
				order = append(order, text)
			}
			where[text] = append(where[text], name+" "+path)
		}
	}
	for _, text := range order {
		_, _ = fmt.Fprintf(&b, "\n%s\n%s\n\n%s\n", strings.Repeat("=", 80), strings.Join(where[text], "\n"), text)
	}
	return write(filepath.Join(r.parts, "THIRD-PARTY.txt"), b.Bytes())
}

// termsOf reads the files with terms in a package's directory, and in those above it up to the module's.
func termsOf(texts map[string]string, dir, top string) error {
	for ; strings.HasPrefix(dir, top); dir = filepath.Dir(dir) {
		files, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, f := range files {
			if f.IsDir() || !licenceFile.MatchString(f.Name()) || strings.HasSuffix(f.Name(), ".go") {
				continue
			}
			text, err := os.ReadFile(filepath.Join(dir, f.Name()))
			if err != nil {
				return err
			}
			path, err := filepath.Rel(top, filepath.Join(dir, f.Name()))
			if err != nil {
				return err
			}
			texts[filepath.ToSlash(path)] = strings.ReplaceAll(string(text), "\r\n", "\n")
		}
	}
	return nil
}

// inTree begins a link to a file of the repository.
const inTree = "](../../"

// notes makes the notes of the release of the files in changes/unreleased, in the order of their names.
func notes(_ context.Context, r *release) error {
	files, err := filepath.Glob(filepath.Join(r.root, "changes", "unreleased", "*.md"))
	if err != nil {
		return err
	}
	var b bytes.Buffer
	_, _ = fmt.Fprintf(&b, "## %s (%s)\n\n", r.version, r.date.Format("2006-01-02"))
	for _, file := range files {
		if filepath.Base(file) == "README.md" {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		change := strings.TrimSpace(string(text))
		if !strings.HasPrefix(change, "- ") {
			change = "- " + strings.ReplaceAll(change, "\n", "\n  ")
		}
		change = strings.ReplaceAll(change, inTree, "]("+home+"/blob/"+r.commit+"/")
		b.WriteString(change + "\n")
	}
	return write(filepath.Join(r.parts, "notes.md"), b.Bytes())
}

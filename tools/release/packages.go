package main

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
)

// lambdaZips makes the packages of the function.
func lambdaZips(ctx context.Context, r *release) error {
	for _, processor := range processors {
		name := fmt.Sprintf("penstock-lambda_%s_%s.zip", r.version, processor)
		_, err := output(ctx, r.root, nil, "go", "run", "./internal/lambdazip", "-arch", processor,
			"-version", r.version, "-commit", r.commit, "-date", r.date.Format(time.RFC3339),
			"-with", filepath.Join(r.parts, "THIRD-PARTY.txt"), "-with", filepath.Join(r.root, "LICENSE"),
			"-o", filepath.Join(r.dist, name))
		if err != nil {
			return err
		}
	}
	return nil
}

// program finds what GoReleaser built for a platform.
func (r *release) program(platform string) (string, error) {
	system, processor, _ := strings.Cut(platform, "/")
	found, err := filepath.Glob(filepath.Join(r.dist, "penstock_"+system+"_"+processor+"*", "penstock*"))
	if err != nil {
		return "", err
	}
	if len(found) != 1 {
		return "", fmt.Errorf("%s has %d programs for %s, want one: run goreleaser first", r.dist, len(found), platform)
	}
	return found[0], nil
}

// npmPackages packs the package for Node and one for each platform.
func npmPackages(ctx context.Context, r *release) error {
	args := []string{
		filepath.Join(r.root, "npm", "pack.js"), "--licences", filepath.Join(r.parts, "THIRD-PARTY.txt"), r.version, r.dist,
	}
	named := strings.NewReplacer("/", "-", "amd64", "x64", "windows", "win32")
	for _, platform := range platforms {
		program, err := r.program(platform)
		if err != nil {
			return err
		}
		args = append(args, named.Replace(platform)+"="+program)
	}
	_, err := output(ctx, r.root, nil, "node", args...)
	return err
}

// project is what pyproject.toml says of the Python package.
type project struct {
	Project struct {
		Name, Description, License string
		Readme                     string
		RequiresPython             string `toml:"requires-python"`
		Keywords, Classifiers      []string
		Dependencies               []string
		OptionalDependencies       map[string][]string          `toml:"optional-dependencies"`
		URLs                       map[string]string            `toml:"urls"`
		EntryPoints                map[string]map[string]string `toml:"entry-points"`
	}
}

// wheelTag is a line of the table in python/hatch_build.py.
var wheelTag = regexp.MustCompile(`(?m)^    "([a-z]+/[a-z0-9]+)": "([a-z0-9_.]+)",$`)

// wheels makes the wheels of the Python package, one for each platform and one without the program. They are what
// hatchling makes of the same directory; here no Python is needed and nothing is fetched.
func wheels(_ context.Context, r *release) error {
	dir := filepath.Join(r.root, "python")
	var p project
	if _, err := toml.DecodeFile(filepath.Join(dir, "pyproject.toml"), &p); err != nil {
		return err
	}
	if len(p.Project.Dependencies) > 0 {
		return errors.New("pyproject.toml has dependencies, which no wheel names yet")
	}
	hook, err := os.ReadFile(filepath.Join(dir, "hatch_build.py"))
	if err != nil {
		return err
	}
	tags := map[string]string{"": "any"}
	for _, m := range wheelTag.FindAllSubmatch(hook, -1) {
		tags[string(m[1])] = string(m[2])
	}
	if len(tags) != len(platforms)+1 {
		return fmt.Errorf("hatch_build.py has tags for %d platforms, want %d", len(tags)-1, len(platforms))
	}
	for _, platform := range slices.Sorted(maps.Keys(tags)) {
		if err := r.wheel(&p, dir, platform, tags[platform]); err != nil {
			return err
		}
	}
	return nil
}

// wheel makes the wheel for a platform, or the one without a program.
func (r *release) wheel(p *project, dir, platform, tag string) error {
	version := pythonVersion(r.version)
	base := strings.ReplaceAll(p.Project.Name, "-", "_") + "-" + version
	w := &wheelWriter{info: base + ".dist-info"}
	w.zip = zip.NewWriter(&w.b)
	w.zip.RegisterCompressor(zip.Deflate, deflate)
	src := filepath.Join(dir, "src")
	err := filepath.WalkDir(src, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.Contains(file, "__pycache__") {
			return err
		}
		name, err := filepath.Rel(src, file)
		if err != nil {
			return err
		}
		return w.copy(filepath.ToSlash(name), file, 0o644)
	})
	if err != nil {
		return err
	}
	pure := platform == ""
	if !pure {
		program, err := r.program(platform)
		if err != nil {
			return err
		}
		if err := w.copy(base+".data/scripts/"+filepath.Base(program), program, 0o755); err != nil {
			return err
		}
		if err := w.copy(w.info+"/licenses/THIRD-PARTY.txt", filepath.Join(r.parts, "THIRD-PARTY.txt"), 0o644); err != nil {
			return err
		}
	}
	if err := w.copy(w.info+"/licenses/LICENSE", filepath.Join(r.root, "LICENSE"), 0o644); err != nil {
		return err
	}
	readme, err := os.ReadFile(filepath.Join(dir, p.Project.Readme))
	if err != nil {
		return err
	}
	w.add(w.info+"/METADATA", 0o644, metadata(p, version, pure, string(readme)))
	var kind bytes.Buffer
	_, _ = fmt.Fprintf(&kind, "Wheel-Version: 1.0\nGenerator: penstock\nRoot-Is-Purelib: %t\n", pure)
	for one := range strings.SplitSeq(tag, ".") {
		_, _ = fmt.Fprintf(&kind, "Tag: py3-none-%s\n", one)
	}
	w.add(w.info+"/WHEEL", 0o644, kind.Bytes())
	w.add(w.info+"/entry_points.txt", 0o644, entryPoints(p))
	data, err := w.close()
	if err != nil {
		return err
	}
	return write(filepath.Join(r.dist, base+"-py3-none-"+tag+".whl"), data)
}

// pythonVersion is a version as PEP 440 has it: 1.2.3-rc.1 is 1.2.3rc1, and what is no such word is a development
// version.
func pythonVersion(v string) string {
	base, pre, found := strings.Cut(v, "-")
	if !found {
		return base
	}
	word, number, _ := strings.Cut(pre, ".")
	short, ok := map[string]string{"alpha": "a", "beta": "b", "rc": "rc"}[word]
	if ok && regexp.MustCompile(`^\d+$`).MatchString(number) {
		return base + short + number
	}
	return base + ".dev0"
}

// metadata is the METADATA file of a wheel, version 2.4.
func metadata(p *project, version string, pure bool, readme string) []byte {
	var b bytes.Buffer
	line := func(key, value string) { _, _ = fmt.Fprintf(&b, "%s: %s\n", key, value) }
	line("Metadata-Version", "2.4")
	line("Name", p.Project.Name)
	line("Version", version)
	line("Summary", p.Project.Description)
	for _, name := range slices.Sorted(maps.Keys(p.Project.URLs)) {
		line("Project-URL", name+", "+p.Project.URLs[name])
	}
	line("License-Expression", p.Project.License)
	line("License-File", "LICENSE")
	if !pure {
		line("License-File", "THIRD-PARTY.txt")
	}
	line("Keywords", strings.Join(slices.Sorted(slices.Values(p.Project.Keywords)), ","))
	for _, c := range p.Project.Classifiers {
		line("Classifier", c)
	}
	line("Requires-Python", p.Project.RequiresPython)
	for _, extra := range slices.Sorted(maps.Keys(p.Project.OptionalDependencies)) {
		line("Provides-Extra", extra)
		for _, d := range p.Project.OptionalDependencies[extra] {
			line("Requires-Dist", d+"; extra == '"+extra+"'")
		}
	}
	line("Description-Content-Type", "text/markdown")
	b.WriteString("\n" + readme)
	return b.Bytes()
}

func entryPoints(p *project) []byte {
	var b bytes.Buffer
	for _, group := range slices.Sorted(maps.Keys(p.Project.EntryPoints)) {
		_, _ = fmt.Fprintf(&b, "[%s]\n", group)
		for _, name := range slices.Sorted(maps.Keys(p.Project.EntryPoints[group])) {
			_, _ = fmt.Fprintf(&b, "%s = %s\n", name, p.Project.EntryPoints[group][name])
		}
	}
	return b.Bytes()
}

func deflate(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestCompression) }

// wheelWriter writes a zip file with a record of its files.
type wheelWriter struct {
	b      bytes.Buffer
	zip    *zip.Writer
	info   string // the directory about the wheel
	record strings.Builder
	err    error // the first one
}

func (w *wheelWriter) copy(name, file string, mode fs.FileMode) error {
	data, err := os.ReadFile(file)
	if err == nil {
		w.add(name, mode, data)
	}
	return err
}

func (w *wheelWriter) add(name string, mode fs.FileMode, data []byte) {
	sum := sha256.Sum256(data)
	_, _ = fmt.Fprintf(&w.record, "%s,sha256=%s,%d\n", name, base64.RawURLEncoding.EncodeToString(sum[:]), len(data))
	w.put(name, mode, data)
}

func (w *wheelWriter) put(name string, mode fs.FileMode, data []byte) {
	// The time is one that every program reads: 2020-02-02, as in wheels that hatchling makes to be reproduced.
	h := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: time.Date(2020, 2, 2, 0, 0, 0, 0, time.UTC)}
	h.SetMode(mode)
	f, err := w.zip.CreateHeader(h)
	if err == nil {
		_, err = f.Write(data)
	}
	if w.err == nil {
		w.err = err
	}
}

func (w *wheelWriter) close() ([]byte, error) {
	name := path.Join(w.info, "RECORD")
	w.put(name, 0o644, []byte(w.record.String()+name+",,\n"))
	err := errors.Join(w.err, w.zip.Close()) // which writes the directory
	return w.b.Bytes(), err
}

// components writes what each program is made of, in the words of CycloneDX.
func components(ctx context.Context, r *release) error {
	for _, platform := range platforms {
		program, err := r.program(platform)
		if err != nil {
			return err
		}
		name := fmt.Sprintf("penstock_%s_%s.cdx.json", r.version, strings.ReplaceAll(platform, "/", "_"))
		if err := r.bom(ctx, program, name); err != nil {
			return err
		}
	}
	for _, processor := range processors {
		name := fmt.Sprintf("penstock-lambda_%s_%s", r.version, processor)
		dir, err := os.MkdirTemp("", "penstock-")
		if err != nil {
			return err
		}
		bootstrap := filepath.Join(dir, "bootstrap") // a name that the list has
		err = unpack(filepath.Join(r.dist, name+".zip"), bootstrap)
		if err == nil {
			err = r.bom(ctx, bootstrap, name+".cdx.json")
		}
		if err := errors.Join(err, os.RemoveAll(dir)); err != nil {
			return err
		}
	}
	return nil
}

// bom writes the list for a program. Its date is that of the commit, not of today.
func (r *release) bom(ctx context.Context, program, name string) error {
	out, err := output(ctx, r.root, nil, "go", "tool", "-modfile="+filepath.Join(r.root, "tools", "goreleaser", "go.mod"),
		"cyclonedx-gomod", "bin", "-json", "-noserial", "-std", "-version", r.version, program)
	if err != nil {
		return err
	}
	var list map[string]any
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		return fmt.Errorf("read the components of %s: %w", program, err)
	}
	about, ok := list["metadata"].(map[string]any)
	if !ok {
		return fmt.Errorf("the components of %s have no metadata", program)
	}
	about["timestamp"] = r.date.Format(time.RFC3339)
	text, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return err
	}
	return write(filepath.Join(r.dist, name), append(text, '\n'))
}

// unpack writes the member of a zip file that has the name of the file.
func unpack(archive, file string) error {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer func() { _ = z.Close() }()
	data, err := fs.ReadFile(z, filepath.Base(file))
	if err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o600)
}

// formula writes a formula for Homebrew.
func formula(_ context.Context, r *release) error {
	var b bytes.Buffer
	_, _ = fmt.Fprintf(&b, `class Penstock < Formula
  desc "Bring log files from S3 and CloudWatch Logs through IAM into an OpenSearch domain"
  homepage "%s"
  version "%s"
  license "Apache-2.0"
`, home, r.version)
	for _, system := range []struct{ ours, theirs string }{{"darwin", "macos"}, {"linux", "linux"}} {
		_, _ = fmt.Fprintf(&b, "\n  on_%s do\n", system.theirs)
		for _, processor := range []struct{ ours, theirs string }{{"arm64", "arm"}, {"amd64", "intel"}} {
			name := fmt.Sprintf("penstock_%s_%s_%s.tar.gz", r.version, system.ours, processor.ours)
			data, err := os.ReadFile(filepath.Join(r.dist, name))
			if err != nil {
				return err
			}
			_, _ = fmt.Fprintf(&b, "    on_%s do\n      url \"%s/releases/download/v%s/%s\"\n      sha256 \"%x\"\n    end\n",
				processor.theirs, home, r.version, name, sha256.Sum256(data))
		}
		b.WriteString("  end\n")
	}
	b.WriteString(`
  def install
    bin.install "penstock"
    man1.install Dir["man/*.1.gz"]
    bash_completion.install "completions/penstock.bash" => "penstock"
    zsh_completion.install "completions/_penstock"
    fish_completion.install "completions/penstock.fish"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/penstock version")
  end
end
`)
	return write(filepath.Join(r.dist, "penstock.rb"), b.Bytes())
}

// checksums writes the sums of all artifacts.
func checksums(_ context.Context, r *release) error {
	files, err := os.ReadDir(r.dist)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	for _, f := range files {
		switch f.Name() {
		case "SHA256SUMS", "artifacts.json", "metadata.json", "config.yaml": // notes of GoReleaser's own
			continue
		}
		if !f.Type().IsRegular() {
			continue
		}
		data, err := os.ReadFile(filepath.Join(r.dist, f.Name()))
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(&b, "%x  %s\n", sha256.Sum256(data), f.Name())
	}
	return write(filepath.Join(r.dist, "SHA256SUMS"), b.Bytes())
}

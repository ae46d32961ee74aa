// Command release makes what a release has beside the archives and packages of GoReleaser. It publishes nothing, and
// writes the same bytes whenever and wherever it runs on the same commit with the same version of Go.
//
// "release before" writes the manual pages, completions, licences and notes that GoReleaser packs. "release after"
// makes the packages for Lambda, Python, Node and Homebrew, the image, the lists of components and the checksums of the
// programs that GoReleaser built. "release site" writes what mkdocs makes the site of.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// module is the module that is released, and home where it is.
const (
	module = "github.com/seed56735111/penstock"
	home   = "https://" + module
)

// processors are those that the function and the image are for.
var processors = []string{"amd64", "arm64"}

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// release is what the steps share.
type release struct {
	root    string // of the repository
	parts   string // directory of what GoReleaser packs
	dist    string // directory of artifacts
	site    string // directory of what the site is made of
	version string // without the v of a tag
	commit  string
	date    time.Time // of the commit
}

var steps = map[string][]func(context.Context, *release) error{
	"before": {manual, completions, licences, notes},
	"site":   {site},
	"after":  {lambdaZips, wheels, npmPackages, components, image, formula, checksums},
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 || steps[args[0]] == nil {
		return errors.New(`want "before", "after" or "site"`)
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	root := flags.String("root", ".", "directory of the repository")
	version := flags.String("version", "", "the version, as in a tag; 0.0.0-dev without one")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	r, err := open(ctx, *root, *version)
	if err != nil {
		return err
	}
	for _, step := range steps[args[0]] {
		if err := step(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// semantic is a version of semver.org without the parts that no registry takes.
var semantic = regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`)

// open finds out which commit is released.
func open(ctx context.Context, root, version string) (*release, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	version = strings.TrimPrefix(cmp.Or(version, "v0.0.0-dev"), "v")
	if !semantic.MatchString(version) {
		return nil, fmt.Errorf("version %q is none of semver.org: want v1.2.3 or v1.2.3-rc.1", version)
	}
	out, err := output(ctx, root, nil, "git", "log", "-1", "--format=%H %ct")
	if err != nil {
		return nil, err
	}
	commit, seconds, _ := strings.Cut(strings.TrimSpace(out), " ")
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("read the date of the commit: %w", err)
	}
	return &release{
		root: root, parts: filepath.Join(root, "bin", "release"), dist: filepath.Join(root, "dist"),
		site:    filepath.Join(root, "bin", "site"),
		version: version, commit: commit, date: time.Unix(unix, 0).UTC(),
	}, nil
}

// output runs a command in a directory with more variables, and returns what it prints.
func output(ctx context.Context, dir string, env []string, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...) //nolint:gosec // our own commands
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, said.String())
	}
	return string(out), nil
}

// write writes a file of an artifact, and the directories above it.
func write(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // for everybody
		return err
	}
	return os.WriteFile(path, data, 0o644) //nolint:gosec // for everybody
}

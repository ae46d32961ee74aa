package main

import (
	"archive/zip"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed56735111/penstock/internal/realtest"
)

// A wheel is what hatchling makes of the same directory, but for the terms that go along with the program.
func TestWheelsAreThoseOfHatchling(t *testing.T) {
	t.Parallel()
	const platform, tag = "windows/amd64", "win_amd64"
	dir := t.TempDir()
	r := &release{
		root: filepath.Join("..", ".."), parts: filepath.Join(dir, "parts"), dist: filepath.Join(dir, "dist"),
		version: "1.2.3-rc.4", date: time.Unix(0, 0),
	}
	var program string
	for _, one := range platforms {
		name := "penstock"
		if strings.HasPrefix(one, "windows/") {
			name += ".exe"
		}
		path := filepath.Join(r.dist, "penstock_"+strings.ReplaceAll(one, "/", "_")+"_v1", name)
		if err := write(path, []byte("program for "+one)); err != nil {
			t.Fatal(err)
		}
		if one == platform {
			program = path
		}
	}
	if err := write(filepath.Join(r.parts, "THIRD-PARTY.txt"), []byte("terms")); err != nil {
		t.Fatal(err)
	}
	if err := wheels(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	python := realtest.PythonOf(t, "3.13", "hatchling==1.27.0")
	for name, env := range map[string][]string{
		"penstock_aws-1.2.3rc4-py3-none-" + tag + ".whl": {
			"PENSTOCK_WHEEL_BINARY=" + program, "PENSTOCK_WHEEL_PLATFORM=" + platform,
		},
		"penstock_aws-1.2.3rc4-py3-none-any.whl": {},
	} {
		theirs := filepath.Join(t.TempDir(), name)
		cmd := exec.CommandContext(t.Context(), python, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
			"--no-index", "--wheel-dir", filepath.Dir(theirs), filepath.Join(r.root, "python"))
		cmd.Env = append(append(os.Environ(), "PENSTOCK_WHEEL_VERSION=v1.2.3rc4"), env...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		ours, want := members(t, filepath.Join(r.dist, name)), members(t, theirs)
		for member, text := range want {
			switch got, ok := ours[member]; {
			case !ok:
				t.Errorf("%s lacks %s", name, member)
			case strings.HasSuffix(member, "/RECORD"), strings.HasSuffix(member, "/WHEEL") && sameWheel(got, text):
			case got != text:
				t.Errorf("%s: %s is\n%s\nwant\n%s", name, member, got, text)
			}
			delete(ours, member)
		}
		delete(ours, "penstock_aws-1.2.3rc4.dist-info/licenses/THIRD-PARTY.txt")
		for member := range ours {
			t.Errorf("%s has %s", name, member)
		}
	}
}

// sameWheel compares two WHEEL files but for who made them.
func sameWheel(a, b string) bool {
	lines := func(text string) []string {
		return slices.DeleteFunc(slices.Sorted(strings.Lines(text)), func(line string) bool {
			return strings.HasPrefix(line, "Generator: ")
		})
	}
	return slices.Equal(lines(a), lines(b))
}

// members are the files in a zip file, without the lines of METADATA that only those with terms have.
func members(t *testing.T, archive string) map[string]string {
	t.Helper()
	z, err := zip.OpenReader(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = z.Close() }()
	all := map[string]string{}
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		data, err := fs.ReadFile(z, f.Name)
		if err != nil {
			t.Fatal(err)
		}
		all[f.Name] = strings.Replace(string(data), "License-File: THIRD-PARTY.txt\n", "", 1)
	}
	return all
}

func TestVersionsOfPython(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"1.2.3": "1.2.3", "1.2.3-rc.1": "1.2.3rc1", "1.2.3-beta.20": "1.2.3b20", "0.0.0-dev": "0.0.0.dev0",
		"1.0.0-rc.x": "1.0.0.dev0",
	} {
		if got := pythonVersion(given); got != want {
			t.Errorf("%s: got %s, want %s", given, got, want)
		}
	}
}

func TestWhatIsNoVersionIsRefused(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"1.2", "latest", "v1.2.3+build", "1.2.3 -X main.x=y"} {
		if _, err := open(t.Context(), filepath.Join("..", ".."), version); err == nil {
			t.Errorf("%q is taken", version)
		}
	}
}

package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"

	"github.com/seed56735111/penstock/domaintest"
	"github.com/seed56735111/penstock/domaintest/embedded"
	"github.com/seed56735111/penstock/internal/bucket"
	"github.com/seed56735111/penstock/internal/realtest"
	"github.com/seed56735111/penstock/internal/samples"
)

var long = flag.Bool("release", false, "make two releases, which takes minutes, and try what is in them")

const released = "0.1.0-rc.1"

// TestRelease makes two releases in two directories, which have to be the same, and has the program of each artifact
// ship the files of the demo.
func TestRelease(t *testing.T) {
	if !*long {
		t.Skip("it takes minutes: make test-release")
	}
	first, second := made(t), made(t)
	same(t, first, second)
	processor := runtime.GOARCH
	if runtime.GOOS != "linux" {
		t.Skip("the artifacts are tried on Linux")
	}
	artifact := func(form string, args ...any) string {
		t.Helper()
		path := filepath.Join(first, fmt.Sprintf(form, args...))
		if _, err := os.Stat(path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	dir := untar(t, artifact("penstock_%s_linux_%s.tar.gz", released, processor))
	program := filepath.Join(dir, "penstock")
	t.Run("archive", func(t *testing.T) {
		works(t, program)
		has(t, dir, "LICENSE", "THIRD-PARTY.txt", "man/penstock-ship.1.gz", "completions/penstock.bash")
	})
	t.Run("archive for arm64", func(t *testing.T) {
		if processor == "arm64" {
			t.Skip("it is that of this machine")
		}
		qemu := realtest.Debian(t, "qemu-user-static", "qemu-aarch64-static")
		dir := untar(t, artifact("penstock_%s_linux_arm64.tar.gz", released))
		worksEmulated(t, qemu, filepath.Join(dir, "penstock"))
	})
	t.Run("apk", func(t *testing.T) {
		dir := untar(t, artifact("penstock_%s_linux_%s.apk", released, processor))
		installed(t, dir)
	})
	t.Run("deb", func(t *testing.T) {
		needs(t, "dpkg")
		dir := t.TempDir()
		shell(t, "dpkg", "-x", artifact("penstock_%s_linux_%s.deb", released, processor), dir)
		installed(t, dir)
	})
	t.Run("deb by apt-get", func(t *testing.T) {
		byApt(t, artifact("penstock_%s_linux_%s.deb", released, processor))
	})
	t.Run("rpm", func(t *testing.T) {
		dir := t.TempDir()
		if err := unpackRPM(artifact("penstock_%s_linux_%s.rpm", released, processor), dir); err != nil {
			t.Fatal(err)
		}
		installed(t, dir)
	})
	t.Run("image", func(t *testing.T) {
		root := imageRoot(t, artifact("penstock_%s_image.tar", released), processor)
		works(t, filepath.Join(root, "usr/bin/penstock"))
		has(t, root, "etc/ssl/certs/ca-certificates.crt", "etc/passwd", "usr/share/doc/penstock/THIRD-PARTY.txt")
	})
	t.Run("image by skopeo and umoci", func(t *testing.T) {
		path := debianTools(t, "skopeo", "umoci")
		dir := t.TempDir()
		shell(t, path["skopeo"], "--override-os=linux", "--override-arch="+processor, "--insecure-policy", "copy",
			"oci-archive:"+artifact("penstock_%s_image.tar", released), "oci:"+dir+"/image:x")
		shell(t, path["umoci"], "unpack", "--rootless", "--image", dir+"/image:x", dir+"/bundle")
		works(t, filepath.Join(dir, "bundle/rootfs/usr/bin/penstock"))
	})
	t.Run("lambda", func(t *testing.T) {
		path := artifact("penstock-lambda_%s_%s.zip", released, processor)
		names := zipNames(t, path)
		if want := []string{"LICENSE", "THIRD-PARTY.txt", "bootstrap"}; !slices.Equal(names, want) {
			t.Errorf("the package has %v, want %v", names, want)
		}
		worksAsFunction(t, program, filepath.Join(unzip(t, path), "bootstrap"))
	})
	for _, version := range []string{"3.9", "3.13"} {
		t.Run("wheel of Python "+version, func(t *testing.T) {
			wheels, err := filepath.Glob(filepath.Join(first, "*manylinux*_"+machine()+".*.whl"))
			if err != nil || len(wheels) != 1 {
				t.Fatalf("got %v, %v", wheels, err)
			}
			env := filepath.Join(t.TempDir(), "env")
			shell(t, realtest.PythonOf(t, version, "packaging==25.0"), "-m", "venv", env)
			shell(t, env+"/bin/python", "-m", "pip", "install", "--quiet", "--no-index", wheels[0])
			works(t, filepath.Join(env, "bin", "penstock"))
			out := shell(t, env+"/bin/python", "-c", "import penstock_aws\n"+
				"with penstock_aws.Domain() as d: print(d.url)")
			if !strings.HasPrefix(out, "http://127.0.0.1:") {
				t.Errorf("the domain is at %q", out)
			}
		})
	}
	t.Run("npm", func(t *testing.T) {
		needs(t, "npm")
		app := t.TempDir()
		named := strings.NewReplacer("amd64", "x64").Replace(processor)
		shell(t, "npm", "install", "--prefix", app, "--offline", "--silent", "--no-audit", "--no-fund",
			artifact("penstock-aws-%s.tgz", released), artifact("penstock-aws-linux-%s-%s.tgz", named, released))
		works(t, filepath.Join(app, "node_modules", ".bin", "penstock"))
	})
}

// made makes a release in a fresh clone and returns the directory of its artifacts.
func made(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "clone")
	shell(t, "git", "clone", "--quiet", root, dir)
	shell(t, "make", "-C", dir, "release", "VERSION=v"+released)
	return filepath.Join(dir, "dist")
}

// same compares the artifacts in two directories.
func same(t *testing.T, a, b string) {
	t.Helper()
	sums := map[string]string{}
	for _, dir := range []string{a, b} {
		text, err := os.ReadFile(filepath.Join(dir, "SHA256SUMS"))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
			if dir == a {
				sums[name] = sum
				continue
			}
			if sums[name] != sum {
				t.Errorf("%s differs", name)
			}
			delete(sums, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(sums)) {
		t.Errorf("the second release lacks %s", name)
	}
}

// works has a program say its version and ship the files of the demo.
func works(t *testing.T, program string) {
	t.Helper()
	saysVersion(t, program)
	if out := shell(t, program, "demo"); !strings.Contains(out, "0 delivered + 2,279 duplicate + 1 dead-lettered") {
		t.Errorf("%s shows\n%s", program, out)
	}
}

// saysVersion has a program say the version of the release.
func saysVersion(t *testing.T, command ...string) {
	t.Helper()
	args := append(slices.Clone(command), "version", "--json")
	out := shell(t, args[0], args[1:]...)
	for _, want := range []string{`"version":"` + released + `"`, `"commit":"`, `"date":"`} {
		if !strings.Contains(strings.ReplaceAll(out, `": "`, `":"`), want) {
			t.Errorf("%s says of itself\n%s, want %s", command, out, want)
		}
	}
}

// worksAsFunction has the function of a package ship the files of the demo.
func worksAsFunction(t *testing.T, program, bootstrap string) {
	t.Helper()
	ships(t, func(objects []string) []string {
		args := []string{program, "invoke", "--binary", bootstrap}
		for _, object := range objects {
			args = append(args, "--s3", object)
		}
		return args
	})
}

// worksEmulated has a program for another processor say its version and ship the files of the demo. The demo itself
// starts programs, which an emulator does not.
func worksEmulated(t *testing.T, emulator, program string) {
	t.Helper()
	saysVersion(t, emulator, program)
	ships(t, func(objects []string) []string { return append([]string{emulator, program, "ship"}, objects...) })
}

// ships runs a command that is to ship objects, and looks for their records in the domain of its environment.
func ships(t *testing.T, command func(objects []string) []string) {
	t.Helper()
	store, err := bucket.New("logs")
	if err != nil {
		t.Fatal(err)
	}
	all, err := samples.All()
	if err != nil {
		t.Fatal(err)
	}
	var objects []string
	var want int
	for _, o := range all {
		if err := store.Put(o.Key, o.Body); err != nil {
			t.Fatal(err)
		}
		objects = append(objects, "s3://logs/"+o.Key)
		want += o.Records - o.Poison
	}
	server := httptest.NewServer(store)
	t.Cleanup(server.Close)
	domain := embedded.Start(t, domaintest.Config{})
	domain.Setenv(domain.Credentials())
	t.Setenv("AWS_ENDPOINT_URL_S3", server.URL)
	t.Setenv("PENSTOCK_DOMAIN", domain.URL)
	t.Setenv("PENSTOCK_DEAD_LETTERS", "s3://logs/letters/")
	args := command(objects)
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Dir = t.TempDir()
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 3) { // 3: one record is a dead letter
		t.Fatalf("%s: %v\n%s", args, err, out)
	}
	if got := len(domain.Documents("*")); got != want {
		t.Errorf("the domain has %d documents, want %d\n%s", got, want, out)
	}
}

// installed looks at what a package puts on a machine.
func installed(t *testing.T, root string) {
	t.Helper()
	works(t, filepath.Join(root, "usr/bin/penstock"))
	has(t, root, "usr/share/doc/penstock/copyright", "usr/share/doc/penstock/THIRD-PARTY.txt",
		"usr/share/man/man1/penstock.1.gz", "usr/share/bash-completion/completions/penstock",
		"usr/lib/systemd/system/penstock-proxy@.service")
	// It is not begun by being installed.
	if links, err := filepath.Glob(filepath.Join(root, "etc/systemd/system/*/*")); err != nil || len(links) > 0 {
		t.Errorf("the package enables %v, %v", links, err)
	}
}

func has(t *testing.T, root string, names ...string) {
	t.Helper()
	for _, name := range names {
		if info, err := os.Stat(filepath.Join(root, name)); err != nil {
			t.Error(err)
		} else if info.Size() == 0 {
			t.Errorf("%s is empty", name)
		}
	}
}

func needs(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("this machine has no %s", program)
	}
}

func shell(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = t.TempDir()
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, said.Bytes())
	}
	return string(out)
}

// machine is the processor as Linux calls it.
func machine() string {
	return map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]
}

func zipNames(t *testing.T, archive string) []string {
	t.Helper()
	z, err := zip.OpenReader(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = z.Close() }()
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
	}
	slices.Sort(names)
	return names
}

// unzip unpacks an archive with no directories.
func unzip(t *testing.T, archive string) string {
	t.Helper()
	z, err := zip.OpenReader(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = z.Close() }()
	dir := t.TempDir()
	if err := os.CopyFS(dir, z); err != nil {
		t.Fatal(err)
	}
	return dir
}

// untar unpacks an archive, or several gzip streams of parts of one, as apk has them.
func untar(t *testing.T, archive string) string {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := extract(z, dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// extract writes the regular files of an archive below a directory. Headers of apk are read over.
func extract(r io.Reader, dir string) error {
	in := tar.NewReader(r)
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		path := filepath.Join(dir, filepath.FromSlash(h.Name))
		if !strings.HasPrefix(path, dir) {
			return fmt.Errorf("%s leads out of the directory", h.Name)
		}
		data, err := io.ReadAll(in)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(path), 0o755)
		}
		if err == nil {
			err = os.WriteFile(path, data, fs.FileMode(h.Mode&0o777))
		}
		if err != nil {
			return err
		}
	}
}

// imageRoot unpacks the file system of an image and looks at what it says of itself.
func imageRoot(t *testing.T, archive, processor string) string {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	oci, root := t.TempDir(), t.TempDir()
	if err := extract(f, oci); err != nil {
		t.Fatal(err)
	}
	top, err := layout.ImageIndexFromPath(oci)
	if err != nil {
		t.Fatal(err)
	}
	list, err := top.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	index, err := top.ImageIndex(list.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	manifests, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(manifests.Manifests, func(d v1.Descriptor) bool { return d.Platform.Architecture == processor })
	if at < 0 || len(manifests.Manifests) != 2 {
		t.Fatalf("the image is for %+v", manifests.Manifests)
	}
	img, err := index.Image(manifests.Manifests[at].Digest)
	if err != nil {
		t.Fatal(err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.Config.User != "65532:65532" || config.Architecture != processor {
		t.Errorf("the image runs as %q on %s", config.Config.User, config.Architecture)
	}
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range layers {
		content, err := l.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		if err := extract(content, root); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

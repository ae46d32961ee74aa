package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// byApt installs a package into a root of its own, as apt-get does it, and removes it again. Nothing of the machine's
// own packages is read or changed.
func byApt(t *testing.T, deb string) {
	t.Helper()
	needs(t, "apt-get")
	needs(t, "dpkg")
	if os.Geteuid() != 0 {
		t.Skip("apt-get installs as root alone")
	}
	root := t.TempDir()
	for _, dir := range []string{
		"var/lib/dpkg/info", "var/lib/dpkg/updates", "apt/state/lists/partial", "apt/cache/archives/partial", "apt/log",
	} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"var/lib/dpkg/status", "var/lib/dpkg/available"} {
		if err := os.WriteFile(filepath.Join(root, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	apt := func(args ...string) string {
		t.Helper()
		return shell(t, "apt-get", append([]string{
			"-y", "--no-install-recommends", "-o", "Dir::State=" + root + "/apt/state",
			"-o", "Dir::State::status=" + root + "/var/lib/dpkg/status", "-o", "Dir::Cache=" + root + "/apt/cache",
			"-o", "Dir::Log=" + root + "/apt/log", "-o", "Dir::Etc::SourceList=/dev/null",
			"-o", "Dir::Etc::SourceParts=/dev/null", "-o", "APT::Sandbox::User=root",
			"-o", "DPkg::Options::=--root=" + root, "-o", "DPkg::Options::=--log=" + root + "/apt/log/dpkg.log",
		}, args...)...)
	}
	apt("install", deb)
	installed(t, root)
	if out := shell(t, "dpkg-query", "--root="+root, "-W", "-f", "${Status}", "penstock"); out != "install ok installed" {
		t.Errorf("dpkg says %q of the package", out)
	}
	apt("remove", "penstock")
	if _, err := os.Stat(filepath.Join(root, "usr/bin/penstock")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the program is there after its package was removed: %v", err)
	}
}

// debianTools finds programs, or takes them and their libraries out of the packages of Debian 12 without installing
// them.
func debianTools(t *testing.T, names ...string) map[string]string {
	t.Helper()
	libraries := map[string][]string{"skopeo": {"libgpgme11", "libassuan0"}}
	found := map[string]string{}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			found[name] = path
			continue
		}
		needs(t, "apt-get")
		needs(t, "dpkg")
		dir := t.TempDir()
		get := exec.CommandContext(t.Context(), "apt-get",
			append([]string{"download", "-o", "APT::Sandbox::User=root", name}, libraries[name]...)...)
		get.Dir = dir
		if out, err := get.CombinedOutput(); err != nil {
			t.Skipf("this machine has no %s, and its distribution gives none: %v: %s", name, err, out)
		}
		debs, err := filepath.Glob(filepath.Join(dir, "*.deb"))
		if err != nil {
			t.Fatal(err)
		}
		for _, deb := range debs {
			shell(t, "dpkg", "-x", deb, dir)
		}
		if libraries[name] != nil {
			t.Setenv("LD_LIBRARY_PATH", filepath.Join(dir, "usr/lib", machine()+"-linux-gnu"))
		}
		found[name] = filepath.Join(dir, "usr/bin", name)
		if out, err := exec.CommandContext(t.Context(), found[name], "--version").CombinedOutput(); err != nil {
			t.Skipf("%s does not run without being installed: %v: %s", name, err, out)
		}
	}
	return found
}

// unpackRPM writes the regular files of a package below a directory: behind a lead of 96 bytes and two headers there is
// a cpio archive. See "RPM V4 Package format" in rpm's own documentation.
func unpackRPM(path, dir string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	const lead = 96
	if len(text) < lead || !bytes.HasPrefix(text, []byte("\xed\xab\xee\xdb")) {
		return errors.New("it is no RPM package")
	}
	at := lead
	for _, padding := range []int{8, 1} { // the signature's header ends at a multiple of 8
		const head, entry = 16, 16
		if len(text) < at+head || !bytes.HasPrefix(text[at:], []byte("\x8e\xad\xe8\x01")) {
			return fmt.Errorf("there is no header at %d", at)
		}
		entries := int(binary.BigEndian.Uint32(text[at+8:]))
		at += head + entries*entry + int(binary.BigEndian.Uint32(text[at+12:]))
		at += (padding - at%padding) % padding
	}
	if at > len(text) {
		return errors.New("the headers are longer than the package")
	}
	archive, err := gzip.NewReader(bytes.NewReader(text[at:]))
	if err != nil {
		return fmt.Errorf("unpack archive: %w", err)
	}
	plain, err := io.ReadAll(archive)
	if err != nil {
		return fmt.Errorf("unpack archive: %w", err)
	}
	return unpackCPIO(plain, dir)
}

// unpackCPIO reads the form "new ASCII": heads of 110 bytes with numbers of eight hexadecimal digits, names and data
// padded to multiples of four.
func unpackCPIO(text []byte, dir string) error {
	const head = 110
	padded := func(n int) int { return (n + 3) / 4 * 4 }
	for at := 0; at+head <= len(text); {
		if !bytes.HasPrefix(text[at:], []byte("07070")) {
			return fmt.Errorf("there is no entry at %d", at)
		}
		number := func(i int) int {
			n, err := strconv.ParseUint(string(text[at+6+8*i:at+14+8*i]), 16, 32)
			if err != nil {
				return len(text) // beyond every bound
			}
			return int(n)
		}
		mode, size, named := number(1), number(6), number(11)
		data := padded(at + head + named)
		if data+size > len(text) || named == 0 {
			return fmt.Errorf("the entry at %d is longer than the archive", at)
		}
		name := string(text[at+head : at+head+named-1])
		at = padded(data + size)
		if name == "TRAILER!!!" {
			return nil
		}
		const kind, regular = 0o170000, 0o100000
		if mode&kind != regular {
			continue
		}
		path := filepath.Join(dir, filepath.FromSlash(name))
		if !strings.HasPrefix(path, dir) {
			return fmt.Errorf("%s leads out of the directory", name)
		}
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if err == nil {
			err = os.WriteFile(path, text[data:data+size], os.FileMode(mode&0o777))
		}
		if err != nil {
			return err
		}
	}
	return errors.New("the archive has no end")
}

package realtest

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"testing"
)

// Debian returns a program: that of this machine, or the one in a package of its distribution, which is unpacked into
// the user's cache directory and not installed. The libraries that it needs must be there.
func Debian(t testing.TB, pkg, program string) string {
	t.Helper()
	wanted(t)
	if path, err := exec.LookPath(program); err == nil {
		return path
	}
	apt, err := exec.LookPath("apt-get")
	if err != nil {
		unavailable(t, program, "this machine has neither it nor apt-get")
	}
	ctx, cancel := context.WithTimeout(t.Context(), installTimeout)
	defer cancel()
	dir, err := installed(t, "debian", []string{pkg}, func(dir string) error {
		get := exec.CommandContext(ctx, apt, "download", "-q", "-o", "APT::Sandbox::User=root", pkg)
		get.Dir = dir
		if _, err := run(t, get); err != nil {
			return err
		}
		debs, err := filepath.Glob(filepath.Join(dir, "*.deb"))
		if err != nil || len(debs) != 1 {
			return errors.Join(errors.New("it gave no package"), err)
		}
		_, err = run(t, exec.CommandContext(ctx, "dpkg", "-x", debs[0], dir))
		return err
	})
	if err != nil {
		unavailable(t, program, "%v", err)
	}
	path := filepath.Join(dir, "usr", "bin", program)
	if _, err := run(t, exec.CommandContext(ctx, path, "--version")); err != nil {
		unavailable(t, program, "it does not run without being installed: %v", err)
	}
	return path
}

//go:build unix

package cli

import (
	"errors"
	"os"
	"syscall"
)

// trusted reports an error about a file that somebody else than the user of the process, or root, may have written.
func trusted(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if s, ok := info.Sys().(*syscall.Stat_t); ok && s.Uid != 0 && int(s.Uid) != os.Geteuid() {
		return errors.New("another user owns it")
	}
	const others = 0o022
	if info.Mode().Perm()&others != 0 {
		return errors.New("other users may write to it")
	}
	return nil
}

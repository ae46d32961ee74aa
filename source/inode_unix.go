//go:build unix

package source

import (
	"io/fs"
	"syscall"
)

// inode numbers a file of this machine while it exists.
type inode struct{ device, number uint64 }

// inodeOf returns the number of a file and whether it has more than one name. ok is false where the system tells
// neither.
func inodeOf(info fs.FileInfo) (n inode, linked, ok bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return inode{}, false, false
	}
	return inode{uint64(s.Dev), uint64(s.Ino)}, s.Nlink > 1, true //nolint:unconvert // the types differ between systems
}

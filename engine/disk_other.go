//go:build !unix

package engine

import "os"

// lockFile opens the file; this system has no portable lock that ends with its process.
func lockFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
}

// syncDir has nothing to do: this system has no way to sync a directory, and needs none.
func syncDir(string) error { return nil }

//go:build !unix

package store

import "os"

// LockFile opens the file; this system has no portable lock that ends with its process.
func LockFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
}

// SyncDir has nothing to do: this system has no way to sync a directory, and needs none.
func SyncDir(string) error { return nil }

//go:build !unix

package cli

import "os"

// trusted takes every file: who may write to it is not in its mode here.
func trusted(*os.File) error { return nil }

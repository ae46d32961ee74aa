//go:build !amd64

package sha2x

// instructions returns nil: other processors are left to the standard library.
func instructions() turns { return nil }

//go:build unix

package sigv4

import (
	"runtime"
	"syscall"
)

func newChunk() *chunk {
	b, err := syscall.Mmap(-1, 0, maxChunk, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return &chunk{make([]byte, maxChunk)} // the system has a bound on the number of mappings
	}
	c := &chunk{b}
	runtime.AddCleanup(c, func(b []byte) { _ = syscall.Munmap(b) }, b)
	return c
}

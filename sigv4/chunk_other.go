//go:build !unix

package sigv4

func newChunk() *chunk { return &chunk{make([]byte, maxChunk)} }

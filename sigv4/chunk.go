package sigv4

import "sync"

// chunk is a part of a body. It lies outside of the memory that the garbage collector counts, which would let the heap
// grow to twice what bodies take. Its memory goes back to the system when nobody refers to it, and to the pool before.
type chunk struct{ bytes []byte }

// takeChunk returns a chunk of maxChunk bytes from the pool, or a new one.
func takeChunk(pool *sync.Pool) *chunk {
	if c, ok := pool.Get().(*chunk); ok {
		return c
	}
	return newChunk()
}

package sha2x

import "github.com/klauspost/cpuid/v2"

//go:generate -command avo go run -C ../../tools/sha2x . -pkg sha2x
//go:generate avo -out ../../internal/sha2x/blocks_amd64.s -stubs ../../internal/sha2x/blocks_amd64.go

// instructions returns the way in turns when the processor has what it takes.
func instructions() turns {
	if !cpuid.CPU.Supports(cpuid.SHA, cpuid.SSE4, cpuid.SSSE3) {
		return nil
	}
	return func(a, b *[8]uint32, p, q []byte, n int) {
		_, _ = p[64*n-1], q[64*n-1]
		blocks(a, &p[0], b, &q[0], n)
	}
}

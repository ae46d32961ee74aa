package main

import "math/big"

// cubeRoots returns the first 32 bits of the fractional parts of the cube roots of the first 64 primes.
func cubeRoots() (words [64]uint32) {
	n := 0
	for p := int64(2); n < len(words); p++ {
		if !big.NewInt(p).ProbablyPrime(0) {
			continue
		}
		// The largest root with root^3 <= p * 2^96, bit by bit.
		target, root := new(big.Int).Lsh(big.NewInt(p), 96), new(big.Int)
		for bit := 36; bit >= 0; bit-- {
			with := new(big.Int).SetBit(root, bit, 1)
			if new(big.Int).Exp(with, big.NewInt(3), nil).Cmp(target) <= 0 {
				root = with
			}
		}
		words[n] = uint32(root.Uint64() & (1<<32 - 1))
		n++
	}
	return words
}

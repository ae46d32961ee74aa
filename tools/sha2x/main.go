// Command sha2x writes the assembly of internal/sha2x: SHA-256 over two streams in turns, with the SHA instructions of
// amd64. One stream waits for the result of each instruction before the next can begin; the instructions of the other
// one fill that time.
//
// The way of the rounds is that of S. Gulley and others, "New Instructions Supporting the Secure Hash Algorithm on
// Intel Architecture Processors", July 2013.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// stream is what one of the two streams has in registers.
type stream struct {
	digest, data GPPhysical
	abef, cdgh   VecPhysical    // the state, in the order that the instructions want
	w            [4]VecPhysical // 16 words of the message
	tmp          VecPhysical
	saved        Mem // the state before the block
}

// wk is the operand that the round instruction has without naming it: words with their constants.
var wk = X0

func main() {
	TEXT("blocks", NOSPLIT, "func(a *[8]uint32, p *byte, b *[8]uint32, q *byte, n int)")
	Pragma("noescape")
	Doc("blocks moves two states on by n blocks of 64 bytes each, which begin at p and q. n is 1 or more.")
	frame := AllocLocal(64)
	both := []*stream{
		{
			digest: RDI, data: RSI, abef: X1, cdgh: X2, w: [4]VecPhysical{X3, X4, X5, X6}, tmp: X7,
			saved: frame,
		},
		{
			digest: RBX, data: RDX, abef: X8, cdgh: X9, w: [4]VecPhysical{X10, X11, X12, X13}, tmp: X14,
			saved: frame.Offset(32),
		},
	}
	n, constants, swap := RCX, RAX, X15
	Load(Param("a"), both[0].digest)
	Load(Param("p"), both[0].data)
	Load(Param("b"), both[1].digest)
	Load(Param("q"), both[1].data)
	Load(Param("n"), n)
	LEAQ(table(), constants)
	MOVOU(bigEndian(), swap)
	for _, s := range both {
		s.load()
	}

	Label("block")
	for _, s := range both {
		MOVOU(s.abef, s.saved)
		MOVOU(s.cdgh, s.saved.Offset(16))
	}
	for four := range 16 {
		for _, s := range both {
			s.rounds(four, constants, swap)
		}
		for _, s := range both {
			s.moreRounds(four)
		}
	}
	for _, s := range both {
		MOVOU(s.saved, s.tmp)
		PADDD(s.tmp, s.abef)
		MOVOU(s.saved.Offset(16), s.tmp)
		PADDD(s.tmp, s.cdgh)
		ADDQ(Imm(64), s.data)
	}
	DECQ(n)
	JNZ(LabelRef("block"))

	for _, s := range both {
		s.store()
	}
	RET()
	Generate()
}

// load brings the state from DCBA, HGFE into ABEF, CDGH.
func (s *stream) load() {
	MOVOU(Mem{Base: s.digest}, s.abef)
	MOVOU(Mem{Base: s.digest}.Offset(16), s.cdgh)
	PSHUFD(Imm(0xb1), s.abef, s.abef)
	PSHUFD(Imm(0x1b), s.cdgh, s.cdgh)
	MOVOA(s.abef, s.tmp)
	PALIGNR(Imm(8), s.cdgh, s.abef)
	PBLENDW(Imm(0xf0), s.tmp, s.cdgh)
}

// store is the way back.
func (s *stream) store() {
	PSHUFD(Imm(0x1b), s.abef, s.abef)
	PSHUFD(Imm(0xb1), s.cdgh, s.cdgh)
	MOVOA(s.abef, s.tmp)
	PBLENDW(Imm(0xf0), s.cdgh, s.abef)
	PALIGNR(Imm(8), s.tmp, s.cdgh)
	MOVOU(s.abef, Mem{Base: s.digest})
	MOVOU(s.cdgh, Mem{Base: s.digest}.Offset(16))
}

// rounds does the first two of four rounds, leaves what the others need in tmp, and ends the next four words.
func (s *stream) rounds(four int, constants Register, swap VecPhysical) {
	now, before, next := s.w[four%4], s.w[(four+3)%4], s.w[(four+1)%4]
	if four < 4 {
		MOVOU(Mem{Base: s.data}.Offset(16*four), now)
		PSHUFB(swap, now)
	}
	MOVOA(now, wk)
	PADDD(Mem{Base: constants}.Offset(16*four), wk)
	SHA256RNDS2(wk, s.abef, s.cdgh)
	PSHUFD(Imm(0x0e), wk, s.tmp)
	if four >= 3 && four < 15 {
		MOVOA(now, wk)
		PALIGNR(Imm(4), before, wk)
		PADDD(wk, next)
		SHA256MSG2(now, next)
	}
}

// moreRounds does the other two, and begins the four words that come three later.
func (s *stream) moreRounds(four int) {
	MOVOA(s.tmp, wk)
	SHA256RNDS2(wk, s.cdgh, s.abef)
	if four >= 1 && four < 13 {
		SHA256MSG1(s.w[four%4], s.w[(four+3)%4])
	}
}

// bigEndian turns the bytes of four words round.
func bigEndian() Mem {
	mask := GLOBL("bigEndian", RODATA|NOPTR)
	DATA(0, U64(0x0405060700010203))
	DATA(8, U64(0x0c0d0e0f08090a0b))
	return mask
}

// table is that of the constants of FIPS 180-4, 4.2.2: the first 32 bits of the fractional parts of the cube roots of
// the first 64 primes.
func table() Mem {
	k := GLOBL("constants", RODATA|NOPTR)
	for i, word := range cubeRoots() {
		DATA(4*i, U32(word))
	}
	return k
}

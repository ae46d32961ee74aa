package inflate

import "math/bits"

const (
	maxLit  = 286 // symbols of the literal and length alphabet
	maxDist = 30  // symbols of the distance alphabet
	maxCode = 15  // bits

	litBits       = 11
	distBits      = 9
	litTableSize  = 1<<litBits + 2048 // 2^11 and the worst case of second-level tables, 294, rounded up to a power of two
	distTableSize = 1<<distBits + 512 // the same with 80
)

// A table entry says, from the lowest bit:
//
//	0-5    bits to consume: the code, and for lengths and distances its extra bits too; the codes of a pair of literals
//	6-7    number of literals
//	8-11   bits of the code alone, of the first one in a pair; for a link, the bits that index the second table
//	12-15  what it is
//	16-31  literal, with the second one above it, base length or distance, or the start of the second table
//
// The zero entry is a code that does not exist.
const (
	isLiteral = 1 << 15
	isBase    = 1 << 14 // a length or a distance
	isLink    = 1 << 13
	isEnd     = 1 << 12
)

// base and extra bits of the length symbols from 257 on and of the distance symbols (RFC 1951, 3.2.5).
var (
	lengthBase = [29]uint16{
		3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
	}
	lengthExtra = [29]uint8{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}
	distBase    = [30]uint16{
		1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145,
		8193, 12289, 16385, 24577,
	}
	distExtra = [30]uint8{0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13}
	codeOrder = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}
)

func litEntry(sym int) uint32 {
	switch {
	case sym < 256:
		return isLiteral | uint32(sym)<<16 | 1<<6
	case sym == 256:
		return isEnd
	case sym < maxLit:
		return isBase | uint32(lengthBase[sym-257])<<16 | uint32(lengthExtra[sym-257])
	}
	return 0
}

func distEntry(sym int) uint32 {
	if sym < maxDist {
		return isBase | uint32(distBase[sym])<<16 | uint32(distExtra[sym])
	}
	return 0
}

// codeEntry is for the alphabet of code lengths: the symbol is the value.
func codeEntry(sym int) uint32 { return isBase | uint32(sym)<<16 }

// build fills table for the canonical code with these lengths. Codes of up to primary bits are found with one look-up.
// It reports whether the code is usable: complete, or empty, or a single code of one bit (as encoders write it when one
// distance is in use).
func build(table []uint32, primary uint, lengths []uint8, entry func(sym int) uint32) bool {
	var count, next [16]int
	longest := uint(0)
	for _, n := range lengths {
		count[n]++
		longest = max(longest, uint(n))
	}
	clear(table)
	if longest == 0 {
		return true
	}
	code := 0
	for n := uint(1); n <= longest; n++ {
		code <<= 1
		next[n] = code
		code += count[n]
	}
	if code != 1<<longest && (code != 1 || longest != 1) {
		return false
	}
	codes := next // the first code of each length, for the second pass
	var widths [1 << litBits]uint8
	if longest > primary {
		for _, length := range lengths {
			n := uint(length)
			if n > primary {
				low := reverse(next[n], n) & (1<<primary - 1)
				widths[low] = max(widths[low], uint8(n-primary))
			}
			next[n]++
		}
	}
	free := 1 << primary // where the next second-level table begins
	for sym, length := range lengths {
		if length == 0 {
			continue
		}
		n := uint(length)
		at := reverse(codes[n], n)
		codes[n]++
		e := entry(sym)
		if e != 0 {
			e += uint32(n) | uint32(n)<<8
		}
		if n <= primary {
			for i := at; i < 1<<primary; i += 1 << n {
				table[i] = e
			}
			continue
		}
		low := at & (1<<primary - 1)
		width := widths[low]
		if table[low] == 0 {
			table[low] = isLink | uint32(free)<<16 | uint32(width)<<8
			free += 1 << width
		}
		start := int(table[low] >> 16)
		for i := at >> primary; i < 1<<width; i += 1 << (n - primary) {
			table[start+i] = e
		}
	}
	return true
}

// pair makes entries of two literals where both codes fit into the index. lengths are those of the literals' codes. It
// goes down, so that the entry for what follows the first code, at a lower index, is still one of a single literal.
func pair(table []uint32, lengths []uint8) {
	shortest := uint8(maxCode)
	for _, n := range lengths {
		if n > 0 {
			shortest = min(shortest, n)
		}
	}
	if 2*shortest > litBits {
		return
	}
	for i := 1<<litBits - 1; i >= 0; i-- {
		e := table[i]
		if e&isLiteral == 0 {
			continue
		}
		n := e & 63
		if next := table[i>>n]; next&isLiteral != 0 && n+next&63 <= litBits {
			table[i] = e + 1<<6 + next&63 + next>>16<<24
		}
	}
}

// reverse turns a code of n bits around: the stream has its first bit lowest.
func reverse(code int, n uint) int {
	return int(bits.Reverse16(uint16(code)) >> (16 - n))
}

// fixedTables makes the tables of fixed blocks (RFC 1951, 3.2.6), which may be shorter than it takes to make them:
// those of the fixed block before are still good. No two of their literals make a pair.
func (r *Reader) fixedTables() {
	if r.fixed {
		return
	}
	r.fixed = true
	var lengths [288]uint8
	for i := range lengths {
		switch {
		case i < 144:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		case i < 280:
			lengths[i] = 7
		default:
			lengths[i] = 8
		}
	}
	build(r.lit[:], litBits, lengths[:], litEntry)
	for i := range 32 {
		lengths[i] = 5
	}
	build(r.dist[:], distBits, lengths[:32], distEntry)
}

// dynamicTables reads the two codes of a block (RFC 1951, 3.2.7).
func (r *Reader) dynamicTables() error {
	v, err := r.bits(14)
	if err != nil {
		return err
	}
	nlit, ndist, nclen := int(v&31)+257, int(v>>5&31)+1, int(v>>10)+4
	if nlit > maxLit || ndist > maxDist {
		return ErrCorrupt
	}
	var lengths [19]uint8
	for _, sym := range codeOrder[:nclen] {
		v, err := r.bits(3)
		if err != nil {
			return err
		}
		lengths[sym] = uint8(v)
	}
	var codes [1 << 7]uint32
	if !build(codes[:], 7, lengths[:], codeEntry) {
		return ErrCorrupt
	}
	if err := r.codeLengths(&codes, nlit+ndist); err != nil {
		return err
	}
	r.fixed = false
	if !build(r.lit[:], litBits, r.lengths[:nlit], litEntry) ||
		!build(r.dist[:], distBits, r.lengths[nlit:nlit+ndist], distEntry) {
		return ErrCorrupt
	}
	pair(r.lit[:], r.lengths[:min(nlit, 256)])
	return nil
}

// codeLengths reads n code lengths into r.lengths.
func (r *Reader) codeLengths(codes *[1 << 7]uint32, n int) error {
	for i := 0; i < n; {
		sym, err := r.codeSymbol(codes)
		if err != nil {
			return err
		}
		if sym < 16 {
			r.lengths[i] = uint8(sym)
			i++
			continue
		}
		value, least, extra := uint8(0), 3, uint(3)
		switch sym {
		case 16:
			if i == 0 {
				return ErrCorrupt
			}
			value, extra = r.lengths[i-1], 2
		case 18:
			least, extra = 11, 7
		}
		v, err := r.bits(extra)
		if err != nil {
			return err
		}
		repeat := least + int(v)
		if i+repeat > n {
			return ErrCorrupt
		}
		for range repeat {
			r.lengths[i] = value
			i++
		}
	}
	return nil
}

// codeSymbol decodes one symbol of the code length alphabet, bit by bit at the end of the input.
func (r *Reader) codeSymbol(codes *[1 << 7]uint32) (uint, error) {
	for {
		e := codes[r.b&127]
		if n := uint(e & 15); e != 0 && n <= r.nb {
			r.b >>= n
			r.nb -= n
			return uint(e >> 16), nil
		}
		if r.nb >= 7 {
			return 0, ErrCorrupt
		}
		r.fill(1)
		if r.pos >= len(r.in) {
			return 0, r.ended()
		}
		r.b |= uint64(r.in[r.pos]) << r.nb
		r.pos++
		r.nb += 8
	}
}

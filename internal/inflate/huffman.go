package inflate

import "encoding/binary"

// huffman decodes symbols until the block ends or the chunk is full.
//
// The register is refilled to at least 56 bits before a symbol. A length takes at most 20 of them and a distance 28, so
// both fit; two literals of the first table (22 bits) are taken with one refill.
func (r *Reader) huffman() error {
	const outEnd = history + chunk
	var (
		in, out  = r.in[:cap(r.in)], r.out
		pos, end = r.pos, r.end
		b, nb    = r.b, r.nb
		floor    = r.sum - r.window // matches must not reach before it
		lit      = &r.lit
		dist     = &r.dist
		careful  = false // symbols may come from the padding: check each one before it counts
		err      error
	)
	inEnd := len(r.in) - 16 // up to here the register can be filled without care
	for end < outEnd {
		if pos > inEnd {
			r.pos, r.b, r.nb = pos, b, nb
			r.fill(padding)
			pos, inEnd = r.pos, len(r.in)-16
			if r.srcErr != nil {
				// The last bytes, with zeros behind them: go on with care.
				inEnd, careful = len(r.in)+8, true
				if pos > inEnd {
					err = r.ended()
					break
				}
			}
		}
		b |= binary.LittleEndian.Uint64(in[pos:pos+8]) << (nb & 63)
		pos += int((63 - nb) >> 3 & 7)
		nb |= 56

		e := lit[b&(1<<litBits-1)]
		if e&kindMask == kindLiteral && !careful {
			b >>= e & 31
			nb -= uint(e & 31)
			out[end] = byte(e >> 16)
			end++
			e = lit[b&(1<<litBits-1)]
			if e&kindMask == kindLiteral {
				b >>= e & 31
				nb -= uint(e & 31)
				out[end] = byte(e >> 16)
				end++
				continue
			}
			b |= binary.LittleEndian.Uint64(in[pos:pos+8]) << (nb & 63)
			pos += int((63 - nb) >> 3 & 7)
			nb |= 56
		}
		if e&kindMask == kindLink {
			e = lit[(uint(e>>16)+uint(b>>litBits)&(1<<(e>>8&15)-1))%litTableSize]
		}
		if e&kindMask == kindLiteral {
			b >>= e & 31
			nb -= uint(e & 31)
			if careful && overrun(pos, nb, len(r.in)) {
				err = r.ended()
				break
			}
			out[end] = byte(e >> 16)
			end++
			continue
		}
		if e&kindMask == kindEnd {
			b >>= e & 31
			nb -= uint(e & 31)
			if careful && overrun(pos, nb, len(r.in)) {
				err = r.ended()
				break
			}
			r.state = atBlock
			break
		}
		if e&kindMask != kindBase {
			err = r.broken(pos, nb)
			break
		}
		length := int(e>>16) + int(b>>(e>>8&15)&(1<<(e&31-e>>8&15)-1))
		b >>= e & 31
		nb -= uint(e & 31)

		d := dist[b&(1<<distBits-1)]
		if d&kindMask == kindLink {
			d = dist[(uint(d>>16)+uint(b>>distBits)&(1<<(d>>8&15)-1))%distTableSize]
		}
		if d&kindMask != kindBase {
			err = r.broken(pos, nb)
			break
		}
		distance := int(d>>16) + int(b>>(d>>8&15)&(1<<(d&31-d>>8&15)-1))
		b >>= d & 31
		nb -= uint(d & 31)
		if careful && overrun(pos, nb, len(r.in)) {
			err = r.ended()
			break
		}
		from := end - distance
		if from < floor {
			err = ErrCorrupt
			break
		}
		if distance >= 8 && length <= 16 {
			src, dst := out[from:from+16], out[end:end+16]
			binary.LittleEndian.PutUint64(dst, binary.LittleEndian.Uint64(src))
			binary.LittleEndian.PutUint64(dst[8:16], binary.LittleEndian.Uint64(src[8:16]))
		} else {
			copyMatch(out, from, end, length)
		}
		end += length
	}
	if over := pos - len(r.in); over > 0 && err == nil {
		// What was loaded from the padding is not input.
		pos, nb = len(r.in), nb-8*uint(over)
		b &= 1<<nb - 1
	}
	r.pos, r.b, r.nb, r.end = pos, b, nb, end
	return err
}

// copyMatch copies length bytes from from to to, eight at a time and up to seven too many. The ranges may overlap.
func copyMatch(out []byte, from, to, length int) {
	switch distance := to - from; {
	case distance >= 8:
		src, dst := out[from:to+length+8], out[to:to+length+8]
		for i := 0; i < length; i += 8 {
			binary.LittleEndian.PutUint64(dst[i:i+8], binary.LittleEndian.Uint64(src[i:i+8]))
		}
	case distance == 1:
		v := uint64(out[from]) * 0x0101010101010101
		dst := out[to : to+length+8]
		for i := 0; i < length; i += 8 {
			binary.LittleEndian.PutUint64(dst[i:i+8], v)
		}
	default:
		for i := range length {
			out[to+i] = out[from+i]
		}
	}
}

// overrun reports whether more bits were consumed than the input had.
func overrun(pos int, nb uint, size int) bool { return pos*8-int(nb) > size*8 }

// broken is the error for a code that does not exist: cut off when it was read from the padding.
func (r *Reader) broken(pos int, nb uint) error {
	// A symbol that starts in the input and ends in the padding may look like any code.
	if r.srcErr != nil && pos*8-int(nb)+15 > len(r.in)*8 {
		return r.ended()
	}
	return ErrCorrupt
}

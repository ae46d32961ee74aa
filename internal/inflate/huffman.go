package inflate

import (
	"encoding/binary"
	"errors"
	"io"
)

const (
	margin  = 16 // input that one turn of the fast loop may load: seven bytes and eight, rounded up
	lookups = 4  // of literals in one turn
	step    = 16 // bytes that a match is copied by
)

// huffman decodes symbols until the block ends or the chunk is full.
func (r *Reader) huffman() error {
	want := margin
	if r.to != nil {
		want = 0 // what there is may be whole symbols: the rest is not waited for before they are decoded
	}
	for r.state == inHuffman && r.end < history+chunk {
		r.fill(want)
		var err error
		if len(r.in)-r.pos >= margin {
			err = r.symbols()
		} else {
			err = r.symbol()
		}
		if r.to != nil && r.srcErr == nil && errors.Is(err, io.ErrUnexpectedEOF) {
			r.fill(1)
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// symbols decodes symbols while there is input for any of them.
//
// A fill makes the register hold at least 56 bits. Four look-ups of literals take 44 of them at most, a length takes 20
// and a distance 28. Whole entries are subtracted from nb: its lowest six bits are the number, and theirs.
func (r *Reader) symbols() error {
	var (
		in, out  = r.in, r.out
		pos, end = r.pos, r.end
		b, nb    = r.b, r.nb
		floor    = r.sum - r.window // matches must not reach before it
		lit      = &r.lit
		dist     = &r.dist
		inEnd    = len(in) - margin
		err      error
	)
turn:
	for end < history+chunk && pos <= inEnd {
		b |= binary.LittleEndian.Uint64(in[pos:pos+8]) << (nb & 63)
		pos += int((63 - nb) >> 3 & 7)
		nb |= 56

		e := lit[b&(1<<litBits-1)]
		for n := 1; e&isLiteral != 0; n++ {
			b >>= e & 63
			nb -= uint(e)
			binary.LittleEndian.PutUint16(out[end:end+2], uint16(e>>16))
			end += int(e >> 6 & 3)
			if n == lookups {
				continue turn
			}
			e = lit[b&(1<<litBits-1)]
		}
		b |= binary.LittleEndian.Uint64(in[pos:pos+8]) << (nb & 63)
		pos += int((63 - nb) >> 3 & 7)
		nb |= 56
		if e&isBase == 0 {
			if e&isLink != 0 {
				e = lit[(uint(e>>16)+uint(b>>litBits)&(1<<(e>>8&15)-1))%litTableSize]
			}
			if e&isBase == 0 {
				b >>= e & 63
				nb -= uint(e)
				if e&isLiteral != 0 {
					out[end] = byte(e >> 16)
					end++
					continue
				}
				if e&isEnd != 0 {
					r.state = atBlock
				} else {
					err = ErrCorrupt
				}
				break
			}
		}
		length := int(e>>16) + int(b&(1<<(e&63)-1)>>(e>>8&15))
		b >>= e & 63
		nb -= uint(e)

		d := dist[b&(1<<distBits-1)]
		if d&isBase == 0 {
			if d&isLink != 0 {
				d = dist[(uint(d>>16)+uint(b>>distBits)&(1<<(d>>8&15)-1))%distTableSize]
			}
			if d&isBase == 0 {
				err = ErrCorrupt
				break
			}
		}
		distance := int(d>>16) + int(b&(1<<(d&63)-1)>>(d>>8&15))
		b >>= d & 63
		nb -= uint(d)
		from := end - distance
		if from < floor {
			err = ErrCorrupt
			break
		}
		if distance >= step {
			src, dst := out[from:from+2*step], out[end:end+2*step]
			copyStep(dst, src)
			copyStep(dst[step:], src[step:])
			if length > 2*step {
				copyLong(out, from, end, length)
			}
		} else {
			copyNear(out, from, end, length)
		}
		end += length
	}
	nb &= 63
	b &= 1<<nb - 1 // what was loaded beyond is still in the input
	r.pos, r.b, r.nb, r.end = pos, b, nb, end
	return err
}

// copyStep copies one step with one load and one store.
func copyStep(dst, src []byte) { *(*[step]byte)(dst) = *(*[step]byte)(src) }

// copyLong copies what is left of a match after two steps.
func copyLong(out []byte, from, to, length int) {
	src, dst := out[from:to+length+step], out[to:to+length+step]
	for i := 2 * step; i < length; i += step {
		copyStep(dst[i:], src[i:])
	}
}

// copyNear copies a match that repeats itself within a step.
func copyNear(out []byte, from, to, length int) {
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

// symbol decodes one symbol near the end of the input, where the register may not fill.
func (r *Reader) symbol() error {
	for r.nb < 56 && r.pos < len(r.in) {
		r.b |= uint64(r.in[r.pos]) << r.nb
		r.pos++
		r.nb += 8
	}
	b, nb := r.b, r.nb
	// take consumes a symbol with its extra bits. Zeros stand for the bits that are missing: a symbol made of them is one
	// that is cut off, whatever it looks like.
	take := func(table []uint32, primary uint) (entry uint32, value int, err error) {
		e := table[b&(1<<primary-1)]
		if e&isLink != 0 {
			e = table[uint(e>>16)+uint(b>>primary)&(1<<(e>>8&15)-1)]
		}
		n := uint(e & 63)
		if e&isLiteral != 0 {
			n = uint(e >> 8 & 15)
		}
		switch {
		case n > nb, e == 0 && nb < maxCode:
			return 0, 0, r.ended()
		case e == 0:
			return 0, 0, ErrCorrupt
		}
		value = int(e>>16) + int(b&(1<<n-1)>>(e>>8&15))
		b >>= n
		nb -= n
		return e, value, nil
	}
	e, length, err := take(r.lit[:], litBits)
	switch {
	case err != nil:
		return err
	case e&isLiteral != 0:
		r.out[r.end] = byte(e >> 16)
		r.end++
	case e&isEnd != 0:
		r.state = atBlock
	default:
		_, distance, err := take(r.dist[:], distBits)
		if err != nil {
			return err
		}
		if r.end-distance < r.sum-r.window {
			return ErrCorrupt
		}
		for range length {
			r.out[r.end] = r.out[r.end-distance]
			r.end++
		}
	}
	r.b, r.nb = b, nb
	return nil
}

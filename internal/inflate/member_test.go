package inflate_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math/bits"
	"testing"
	"testing/iotest"

	"github.com/seed56735111/penstock/internal/inflate"
)

// member writes a gzip member of one fixed block. ends are the bits at which the bytes of out are known.
type member struct {
	z, out []byte
	bit    int
	ends   []int
}

func newMember() *member {
	return &member{z: []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0, 3}, bit: 83} // the last block, with the fixed codes
}

func (m *member) put(v, n int) {
	for i := range n {
		if m.bit == 8*len(m.z) {
			m.z = append(m.z, 0)
		}
		m.z[m.bit/8] |= byte(v >> i & 1 << (m.bit % 8))
		m.bit++
	}
}

func (m *member) code(v, n int) { m.put(int(bits.Reverse16(uint16(v)))>>(16-n), n) }

func (m *member) literals(n int) {
	for range n {
		c := byte(len(m.out)*len(m.out)>>3) & 127
		m.code(0x30+int(c), 8)
		m.out, m.ends = append(m.out, c), append(m.ends, m.bit)
	}
}

func (m *member) match(length, distance int) {
	sym, n, d := length-3, 0, distance-1
	switch {
	case length == 258:
		sym = 28
	case sym >= 8:
		n = bits.Len(uint(sym)) - 3
		sym = 4*(n+1) + sym>>n&3
	}
	if sym < 23 {
		m.code(sym+1, 7)
	} else {
		m.code(0xc0+sym-23, 8)
	}
	m.put((length-3)&(1<<n-1), n)
	n = max(0, bits.Len(uint(d))-2)
	m.code(2*n+d>>n, 5)
	m.put(d&(1<<n-1), n)
	for range length {
		m.out, m.ends = append(m.out, m.out[max(0, len(m.out)-distance)]), append(m.ends, m.bit)
	}
}

func (m *member) close() []byte {
	m.code(0, 7)
	z := binary.LittleEndian.AppendUint32(m.z, crc32.ChecksumIEEE(m.out))
	return binary.LittleEndian.AppendUint32(z, uint32(len(m.out)))
}

func TestEveryMatch(t *testing.T) {
	t.Parallel()
	for _, distance := range []int{1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 31, 32, 33, 48, 257, 32767, 32768} {
		m := newMember()
		m.literals(distance) // the first match reaches back to the first byte
		for length := 3; length <= 258; length++ {
			m.match(length, distance)
			m.literals(length % 4)
		}
		z := m.close()
		for name, src := range map[string]io.Reader{
			"whole": bytes.NewReader(z), "one byte at a time": iotest.OneByteReader(bytes.NewReader(z)),
		} {
			if got, err := io.ReadAll(inflate.NewReader(src)); err != nil || !bytes.Equal(got, m.out) {
				t.Errorf("distance %d, %s: %d bytes, error %v; want %d", distance, name, len(got), err, len(m.out))
			}
		}
		for n := max(len(z)-300, 11); n < len(z)-8; n++ { // a cut gives exactly the bytes that are known before it
			want := len(m.out)
			for want > 0 && m.ends[want-1] > 8*n {
				want--
			}
			broken := errors.New("broken")
			src := io.MultiReader(bytes.NewReader(z[:n]), iotest.ErrReader(broken))
			if got, err := io.ReadAll(inflate.NewReader(src)); len(got) != want || !errors.Is(err, broken) {
				t.Fatalf("distance %d, cut at %d of %d: %d bytes, error %v; want %d", distance, n, len(z), len(got), err, want)
			}
		}
	}
}

func TestAMatchStaysInItsMember(t *testing.T) {
	t.Parallel()
	first := compress(t, 6, corpus()["noise"])
	for _, after := range []int{0, 100} { // at the end of the input and before it
		for _, n := range []int{1, 2, 16, 17, 300, 32767} {
			m := newMember()
			m.literals(n)
			m.match(20, n+1)
			m.literals(after)
			z := append(bytes.Clone(first), m.close()...)
			got, err := io.ReadAll(inflate.NewReader(bytes.NewReader(z)))
			if !errors.Is(err, inflate.ErrCorrupt) || len(got) != 300_000+n {
				t.Errorf("%d bytes, then a match of one more: %d bytes, error %v", n, len(got), err)
			}
		}
	}
}

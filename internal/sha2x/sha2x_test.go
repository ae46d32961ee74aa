package sha2x

import (
	"bytes"
	"crypto/fips140"
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"errors"
	"hash"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/seed56735111/penstock/internal/realtest"
)

// bytesOf returns n bytes that are no pattern.
func bytesOf(n int, seed uint64) []byte {
	var key [32]byte
	key[0], key[1] = byte(seed), byte(seed>>8)
	p := make([]byte, n)
	_, _ = rand.NewChaCha8(key).Read(p)
	return p
}

// testPair writes p and q in parts whose sizes next gives, and compares the sums with those of crypto/sha256: as this
// machine does it, and one stream after the other as the others do.
func testPair(t *testing.T, a, b *Digest, p, q []byte, next func(most int) int) {
	t.Helper()
	for _, way := range []turns{inTurns(), nil} {
		a.Reset()
		b.Reset()
		for i, j := 0, 0; i < len(p) || j < len(q); {
			n, m := next(len(p)-i), next(len(q)-j)
			writePair(way, a, p[i:i+n], b, q[j:j+m])
			i, j = i+n, j+m
		}
		if a.Sum() != sha256.Sum256(p) || b.Sum() != sha256.Sum256(q) {
			t.Fatalf("streams of %d and %d bytes have other sums than crypto/sha256", len(p), len(q))
		}
	}
}

func whole(most int) int { return most }

func TestWritePairEveryLength(t *testing.T) {
	t.Parallel()
	if !Paired() {
		t.Log("this machine hashes one stream after the other")
	}
	data, a, b := bytesOf(1000, 1), New(), New()
	for n := range 301 {
		for m := range 301 {
			testPair(t, a, b, data[n%64:][:n], data[500+m%16:][:m], whole)
		}
	}
}

func TestWritePairAtBoundaries(t *testing.T) {
	t.Parallel()
	data, a, b := bytesOf(2<<16+200, 2), New(), New()
	var lengths []int
	for _, of := range []int{0, 55, 56, 64, 119, 120, 128, 4096, 1 << 16, 2 << 16} {
		lengths = append(lengths, max(0, of-1), of, of+1, of+63, of+64)
	}
	for _, n := range lengths {
		for _, m := range lengths {
			testPair(t, a, b, data[n%7:][:n], data[m%5:][:m], whole)
		}
	}
}

func TestWritePairInAnyParts(t *testing.T) {
	t.Parallel()
	data, a, b := bytesOf(20_000, 3), New(), New()
	r := rand.New(rand.NewPCG(4, 5))
	for range 2000 {
		p, q := data[r.IntN(100):][:r.IntN(10_000)], data[r.IntN(100):][:r.IntN(10_000)]
		longest := 1 + r.IntN(1+r.IntN(3000))
		testPair(t, a, b, p, q, func(most int) int { return min(most, r.IntN(longest+1)) })
	}
}

// One stream may be written to by itself in between, and its sum asked for.
func TestWritePairBetweenOtherCalls(t *testing.T) {
	t.Parallel()
	data := bytesOf(3000, 6)
	a, b := New(), New()
	a.Write(data[:10])
	WritePair(a, data[10:1000], b, data[:700])
	if a.Sum() != sha256.Sum256(data[:1000]) {
		t.Error("the first stream has another sum half-way")
	}
	b.Write(data[700:900])
	WritePair(b, data[900:], a, data[1000:])
	if want := sha256.Sum256(data); a.Sum() != want || b.Sum() != want {
		t.Error("a stream has another sum at the end")
	}
}

func FuzzWritePair(f *testing.F) {
	f.Add(bytesOf(700, 7), bytesOf(200, 8), uint16(100), uint16(64))
	f.Add(bytesOf(64, 9), []byte{}, uint16(0), uint16(0))
	f.Fuzz(func(t *testing.T, p, q []byte, i, j uint16) {
		a, b := New(), New()
		n, m := min(int(i), len(p)), min(int(j), len(q))
		WritePair(a, p[:n], b, q[:m])
		WritePair(b, q[m:], a, p[n:])
		if a.Sum() != sha256.Sum256(p) || b.Sum() != sha256.Sum256(q) {
			t.Fatal("a stream has another sum than crypto/sha256 gives")
		}
	})
}

// portable moves a state on by n blocks.
func portable(t *testing.T, x *[8]uint32, p []byte, n int) {
	t.Helper()
	d := New()
	state, err := d.std.(encoding.BinaryAppender).AppendBinary(nil)
	for i, w := range x {
		binary.BigEndian.PutUint32(state[stateWords+4*i:], w)
	}
	if err = errors.Join(err, d.std.(encoding.BinaryUnmarshaler).UnmarshalBinary(state)); err != nil {
		t.Fatal(err)
	}
	d.Write(p[:64*n])
	if !d.takeState() {
		t.Fatal("the standard library keeps its state in another way")
	}
	*x = d.words
}

// What computes something else stands aside.
func TestWhatDiffersStandsAside(t *testing.T) {
	t.Parallel()
	right := func(a, b *[8]uint32, p, q []byte, n int) {
		portable(t, a, p, n)
		portable(t, b, q, n)
	}
	if judged(right, false) == nil {
		t.Fatal("a right implementation stands aside")
	}
	if judged(right, true) != nil {
		t.Error("it is used in FIPS 140-3 mode")
	}
	if judged(nil, false) != nil {
		t.Error("there is an implementation where there is none")
	}
	for name, wrong := range map[string]turns{
		"does nothing": func(_, _ *[8]uint32, _, _ []byte, _ int) {},
		"one bit in the first stream": func(a, b *[8]uint32, p, q []byte, n int) {
			right(a, b, p, q, n)
			a[7] ^= 1
		},
		"one bit in the second stream": func(a, b *[8]uint32, p, q []byte, n int) {
			right(a, b, p, q, n)
			b[0] ^= 1 << 31
		},
		"the streams are exchanged": func(a, b *[8]uint32, p, q []byte, n int) { right(a, b, q, p, n) },
		"a block is left out":       func(a, b *[8]uint32, p, q []byte, n int) { right(a, b, p, q, n-1) },
	} {
		if judged(wrong, false) != nil {
			t.Errorf("%s: it is used", name)
		}
	}
}

// opaque is a hash that does not give its state away.
type opaque struct{ hash.Hash }

// foreign is a hash that writes its state in another way.
type foreign struct{ opaque }

func (f foreign) AppendBinary(b []byte) ([]byte, error) { return append(b, "sha\x04"...), nil }

// When the standard library keeps its state in another way, it hashes alone.
func TestAnotherStateIsLeftAlone(t *testing.T) {
	t.Parallel()
	data := bytesOf(1000, 11)
	for _, std := range []hash.Hash{opaque{sha256.New()}, foreign{opaque{sha256.New()}}} {
		a, b := New(), &Digest{std: std}
		if writePair(instructions(), a, data, b, data[1:]) {
			t.Errorf("%T: hashed in turns", std)
		}
		if a.Sum() != sha256.Sum256(data) || b.Sum() != sha256.Sum256(data[1:]) {
			t.Errorf("%T: another sum", std)
		}
	}
}

// In FIPS 140-3 mode every byte goes through the validated module.
func TestFIPSModeHashesAlone(t *testing.T) {
	t.Parallel()
	if fips140.Enabled() {
		if Paired() {
			t.Error("two streams are hashed in turns")
		}
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	run := "-test.run=^(TestFIPSModeHashesAlone|TestWritePairAtBoundaries)$"
	cmd := exec.CommandContext(t.Context(), self, run, "-test.v")
	cmd.Env = append(cmd.Environ(), "GODEBUG=fips140=on")
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: TestFIPSModeHashesAlone")) {
		t.Errorf("%v:\n%s", err, out)
	}
}

// Other processors are left to the standard library.
func TestOtherProcessors(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds for another processor")
	}
	qemu := realtest.Debian(t, "qemu-user-static", "qemu-aarch64-static")
	tests := filepath.Join(t.TempDir(), "sha2x.test")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", tests, ".")
	build.Env = append(build.Environ(), "GOARCH=arm64", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	for mode, more := range map[string][]string{
		"off": {"-test.skip=TestFIPSModeHashesAlone"}, // it starts itself, which this machine cannot
		"on":  {"-test.v"},
	} {
		cmd := exec.CommandContext(t.Context(), qemu, append([]string{tests, "-test.short"}, more...)...)
		cmd.Env = append(cmd.Environ(), "GODEBUG=fips140="+mode)
		out, err := cmd.CombinedOutput()
		if err != nil || mode == "on" && !bytes.Contains(out, []byte("--- PASS: TestFIPSModeHashesAlone")) {
			t.Errorf("fips140=%s: %v:\n%s", mode, err, out)
		}
	}
}

const step = 64 << 10

func BenchmarkWritePair(b *testing.B) {
	if !Paired() {
		b.Log("this machine hashes one stream after the other")
	}
	x, y, p, q := New(), New(), bytesOf(step, 12), bytesOf(step, 13)
	b.SetBytes(2 * step)
	b.ReportAllocs()
	for b.Loop() {
		WritePair(x, p, y, q)
	}
}

func BenchmarkWrite(b *testing.B) {
	x, p := New(), bytesOf(step, 14)
	b.SetBytes(step)
	b.ReportAllocs()
	for b.Loop() {
		x.Write(p)
	}
}

package inflate_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	kgzip "github.com/klauspost/compress/gzip"

	"github.com/seed56735111/penstock/internal/inflate"
)

func compress(tb testing.TB, level int, members ...[]byte) []byte {
	tb.Helper()
	var buf bytes.Buffer
	for _, m := range members {
		w, err := gzip.NewWriterLevel(&buf, level)
		if err != nil {
			tb.Fatal(err)
		}
		w.Name, w.Comment, w.Extra = "a name", "a comment", []byte("extra")
		if _, err := w.Write(m); err != nil {
			tb.Fatal(err)
		}
		if err := w.Close(); err != nil {
			tb.Fatal(err)
		}
	}
	return buf.Bytes()
}

// corpus has text, noise, runs and mixtures of them, of sizes around the buffers' bounds.
func corpus() map[string][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 300_000)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	var log strings.Builder
	for log.Len() < 1<<20 {
		fmt.Fprintf(&log, `{"time":"2015-11-19T09:%02d:%02dZ","level":"info","id":%d,"path":"/a/%x"}`+"\n", r.IntN(60),
			r.IntN(60), r.IntN(1e9), r.Uint32())
	}
	skewed := make([]byte, 200_000) // long codes, so that second-level tables are used
	for i := range skewed {
		for skewed[i] = 0; skewed[i] < 200 && r.IntN(3) > 0; {
			skewed[i]++
		}
		if r.IntN(500) == 0 {
			skewed[i] = byte(r.Uint32())
		}
	}
	out := map[string][]byte{
		"empty": {}, "one byte": {'x'}, "text": []byte(log.String()), "noise": noise, "skewed": skewed,
		"zeros": make([]byte, 1<<20), "period 3": bytes.Repeat([]byte("abc"), 100_000),
		"mixed": append(append([]byte(log.String()[:300_000]), noise...), make([]byte, 70_000)...),
	}
	for _, n := range []int{32<<10 - 1, 32 << 10, 192 << 10, 192<<10 + 1, 224 << 10} {
		out[fmt.Sprintf("%d bytes", n)] = []byte(log.String()[:n])
	}
	return out
}

func TestDecompressesWhatTheStandardLibraryCompressed(t *testing.T) {
	t.Parallel()
	for name, data := range corpus() {
		for _, level := range []int{
			gzip.HuffmanOnly, gzip.NoCompression, gzip.BestSpeed, gzip.DefaultCompression, gzip.BestCompression,
		} {
			if testing.Short() && level != gzip.DefaultCompression {
				continue
			}
			z := compress(t, level, data, data[:len(data)/3], nil, data)
			want := bytes.Join([][]byte{data, data[:len(data)/3], data}, nil)
			for reader, src := range map[string]io.Reader{
				"whole":              bytes.NewReader(z),
				"one byte at a time": iotest.OneByteReader(bytes.NewReader(z)),
				"data with EOF":      iotest.DataErrReader(bytes.NewReader(z)),
			} {
				got, err := io.ReadAll(inflate.NewReader(src))
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("%s, level %d, %s: %d bytes, error %v; want %d bytes", name, level, reader, len(got), err, len(want))
				}
			}
		}
	}
}

// stride is how far positions that are tried lie apart: with -short not every one is.
func stride() int {
	if testing.Short() {
		return 37
	}
	return 1
}

func TestACutStreamGivesEveryByteBeforeTheCut(t *testing.T) {
	t.Parallel()
	data := corpus()["text"][:6000]
	for _, level := range []int{gzip.HuffmanOnly, gzip.NoCompression, gzip.BestCompression} {
		z := compress(t, level, data[:4000], data[4000:])
		for n := 0; n < len(z); n += stride() {
			got, err := io.ReadAll(inflate.NewReader(bytes.NewReader(z[:n])))
			want, wantErr := reference(z[:n])
			if len(got) < len(want) || !bytes.HasPrefix(data, got) {
				t.Fatalf("level %d, cut at %d: %d bytes, the standard library gives %d", level, n, len(got), len(want))
			}
			if (err == nil) != (wantErr == nil) || err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("level %d, cut at %d: error %v, want %v", level, n, err, wantErr)
			}
		}
	}
}

// reference decompresses with the standard library, for which no input at all is an error.
func reference(z []byte) ([]byte, error) {
	if len(z) == 0 {
		return nil, nil
	}
	r, err := gzip.NewReader(bytes.NewReader(z))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

func TestASourceErrorIsKeptAndComesAfterTheData(t *testing.T) {
	t.Parallel()
	data := corpus()["text"]
	z := compress(t, 6, data)
	broken := errors.New("connection reset")
	src := io.MultiReader(bytes.NewReader(z[:len(z)/2]), iotest.ErrReader(broken))
	got, err := io.ReadAll(inflate.NewReader(src))
	if !errors.Is(err, broken) || len(got) < len(data)/3 || !bytes.HasPrefix(data, got) {
		t.Errorf("%d bytes, error %v", len(got), err)
	}
}

func TestWhatFollowsTheLastMember(t *testing.T) {
	t.Parallel()
	z := compress(t, 6, []byte("hello"))
	tests := []struct {
		name string
		tail []byte
		want error
	}{
		{"nothing", nil, nil},
		{"one zero", []byte{0}, nil},
		{"a block of zeros", make([]byte, 100_000), nil},
		{"garbage", []byte("garbage"), inflate.ErrTrailing},
		{"zeros, then garbage", append(make([]byte, 100), "garbage"...), inflate.ErrTrailing},
		{"half a header", []byte{0x1f, 0x8b, 8}, io.ErrUnexpectedEOF},
		{"zeros, then a member", append(make([]byte, 512), z...), nil},
	}
	for _, tt := range tests {
		got, err := io.ReadAll(inflate.NewReader(bytes.NewReader(append(bytes.Clone(z), tt.tail...))))
		if !errors.Is(err, tt.want) || !bytes.HasPrefix(got, []byte("hello")) {
			t.Errorf("%s: %q, error %v, want %v", tt.name, got, err, tt.want)
		}
	}
}

func TestDamageIsNoticed(t *testing.T) {
	t.Parallel()
	data := corpus()["text"][:20_000]
	z := compress(t, 6, data)
	for i := 0; i < len(z); i += stride() {
		if i >= 4 && i < 10+2+5+7+10 { // time, system and the texts of the header carry no check
			continue
		}
		bad := bytes.Clone(z)
		bad[i] ^= 0x10
		if got, err := io.ReadAll(inflate.NewReader(bytes.NewReader(bad))); err == nil {
			t.Errorf("byte %d of %d changed: %d bytes without an error", i, len(z), len(got))
		}
	}
}

func TestAResetReaderForgets(t *testing.T) {
	t.Parallel()
	r := inflate.NewReader(strings.NewReader("not gzip at all"))
	if _, err := io.ReadAll(r); !errors.Is(err, inflate.ErrHeader) {
		t.Errorf("error %v, want %v", err, inflate.ErrHeader)
	}
	data := corpus()["mixed"]
	for range 3 {
		r.Reset(bytes.NewReader(compress(t, 6, data)))
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes, error %v", len(got), err)
		}
	}
}

func TestASourceThatGivesNothingIsGivenUp(t *testing.T) {
	t.Parallel()
	if _, err := io.ReadAll(inflate.NewReader(stuck{})); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("error %v", err)
	}
}

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

// FuzzReader compares with the standard library: same bytes, and an error for the same inputs.
func FuzzReader(f *testing.F) {
	for _, data := range corpus() {
		f.Add(compress(f, 6, data[:min(len(data), 3000)]))
		f.Add(compress(f, gzip.HuffmanOnly, data[:min(len(data), 1000)], []byte("second")))
		f.Add(compress(f, gzip.NoCompression, data[:min(len(data), 1000)]))
	}
	f.Fuzz(func(t *testing.T, z []byte) {
		const limit = 1 << 24
		got, err := io.ReadAll(io.LimitReader(inflate.NewReader(iotest.HalfReader(bytes.NewReader(z))), limit))
		want, wantErr := reference(z)
		if len(want) >= limit {
			return
		}
		if wantErr == nil && (err != nil || !bytes.Equal(got, want)) {
			t.Fatalf("%d bytes, error %v; want %d bytes", len(got), err, len(want))
		}
		if !bytes.HasPrefix(got, want) && !bytes.HasPrefix(want, got) {
			t.Fatalf("bytes differ: %d and %d", len(got), len(want))
		}
		// Zero padding, long names and a byte less than a header are the places where the libraries differ.
		longName := errors.Is(wantErr, gzip.ErrHeader) && len(z) > 512 // which the standard library refuses
		if wantErr != nil && err == nil && !longName && len(bytes.TrimRight(z, "\x00")) == len(z) {
			t.Fatalf("no error; want %v", wantErr)
		}
	})
}

// Blocks that hold nothing must not take the time to make the tables of a fixed block.
func BenchmarkEmptyFixedBlocks(b *testing.B) {
	// Four of them, each 010 and the code 0000000, lowest bit first, are five bytes.
	z := append([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255},
		bytes.Repeat([]byte{0x02, 0x08, 0x20, 0x80, 0x00}, 25_000)...)
	z = append(z, 1, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0) // an empty stored block, checksum, size
	b.SetBytes(int64(len(z)))
	b.ReportAllocs()
	r := inflate.NewReader(nil)
	for b.Loop() {
		r.Reset(bytes.NewReader(z))
		if n, err := io.Copy(io.Discard, r); n != 0 || err != nil {
			b.Fatal(n, err)
		}
	}
}

func BenchmarkReader(b *testing.B) {
	data := bytes.Repeat(corpus()["text"], 8)
	z := compress(b, 6, data)
	run := func(name string, open func(io.Reader) (io.Reader, error)) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			src := bytes.NewReader(z)
			r, err := open(src)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				src.Reset(z)
				switch r := r.(type) {
				case *inflate.Reader:
					r.Reset(src)
				case *gzip.Reader:
					err = r.Reset(src)
				case *kgzip.Reader:
					err = r.Reset(src)
				}
				if err != nil {
					b.Fatal(err)
				}
				if n, err := io.Copy(io.Discard, struct{ io.Reader }{r}); err != nil || n != int64(len(data)) {
					b.Fatal(n, err)
				}
			}
		})
	}
	run("inflate", func(r io.Reader) (io.Reader, error) { return inflate.NewReader(r), nil })
	run("klauspost", func(r io.Reader) (io.Reader, error) { return kgzip.NewReader(r) })
	run("stdlib", func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) })
}

// WriteTo gives what Read gives, with the same end, however the input comes.
func TestWriteToIsRead(t *testing.T) {
	t.Parallel()
	for name, data := range corpus() {
		z := compress(t, 6, data, data[:len(data)/3], nil)
		damaged := bytes.Clone(z)
		damaged[len(z)/2] ^= 0x10
		for kind, stored := range map[string][]byte{"whole": z, "cut off": z[:len(z)*2/3], "damaged": damaged} {
			want, wantErr := io.ReadAll(inflate.NewReader(bytes.NewReader(stored)))
			var got bytes.Buffer
			n, err := inflate.NewReader(iotest.OneByteReader(bytes.NewReader(stored))).WriteTo(&got)
			if n != int64(len(want)) || !bytes.Equal(got.Bytes(), want) || !errors.Is(err, wantErr) {
				t.Errorf("%s, %s: %d bytes, error %v; want %d, %v", name, kind, n, err, len(want), wantErr)
			}
		}
	}
}

func TestWriteToEndsWhenTheWriterFails(t *testing.T) {
	t.Parallel()
	full := errors.New("disk full")
	r, w := io.Pipe()
	_ = r.CloseWithError(full)
	if _, err := inflate.NewReader(bytes.NewReader(compress(t, 6, corpus()["text"]))).WriteTo(w); !errors.Is(err, full) {
		t.Errorf("error %v", err)
	}
}

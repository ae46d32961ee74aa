package decode_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/decode"
)

const text = "first line\nsecond line\r\n\nfourth, without an end"

func gz(data ...string) string {
	var b bytes.Buffer
	for _, d := range data {
		w := gzip.NewWriter(&b)
		_, _ = io.WriteString(w, d)
		_ = w.Close()
	}
	return b.String()
}

func through(open func(io.Writer) (io.WriteCloser, error)) func(string) string {
	return func(s string) string {
		var b bytes.Buffer
		w, err := open(&b)
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(w, s)
		_ = w.Close()
		return b.String()
	}
}

var (
	zst   = through(func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) })
	xzip  = through(func(w io.Writer) (io.WriteCloser, error) { return xz.NewWriter(w) })
	lz    = through(func(w io.Writer) (io.WriteCloser, error) { return lz4.NewWriter(w), nil })
	snap  = through(func(w io.Writer) (io.WriteCloser, error) { return snappy.NewBufferedWriter(w), nil })
	bz2of = func() string { // bzip2 of text: Go has no compressor
		return "BZh91AY&SY" + "\x0c\xf6\x13\x3d"
	}
)

func tarOf(members ...string) string {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	_ = w.WriteHeader(&tar.Header{Name: "folder/", Typeflag: tar.TypeDir})
	for i := 0; i < len(members); i += 2 {
		_ = w.WriteHeader(&tar.Header{Name: members[i], Size: int64(len(members[i+1])), Mode: 0o600, Typeflag: tar.TypeReg})
		_, _ = io.WriteString(w, members[i+1])
	}
	_ = w.Close()
	return b.String()
}

func zipOf(members ...string) string {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(members); i += 2 {
		f, _ := w.Create(members[i])
		_, _ = io.WriteString(f, members[i+1])
	}
	_ = w.Close()
	return b.String()
}

func utf16Of(s string, order binary.AppendByteOrder) string {
	b := order.AppendUint16(nil, 0xfeff)
	for _, u := range utf16.Encode([]rune(s)) {
		b = order.AppendUint16(b, u)
	}
	return string(b)
}

// all reads every entry of an object.
func all(d *decode.Decoder, r io.Reader) (map[string]string, error) {
	got := map[string]string{}
	for e, err := range d.Entries(r) {
		if err != nil {
			return got, err
		}
		data, err := io.ReadAll(e)
		got[e.Name] = string(data)
		if err != nil {
			return got, err
		}
	}
	return got, nil
}

func TestWhatIsInsideIsFoundByItsBytes(t *testing.T) {
	t.Parallel()
	one := map[string]string{"": text}
	tests := []struct {
		name, stored string
		want         map[string]string
	}{
		{"plain", text, one},
		{"empty", "", map[string]string{"": ""}},
		{"gzip", gz(text), one},
		{"gzip of nothing", gz(""), map[string]string{"": ""}},
		{"three members", gz(text[:7], text[7:20], text[20:]), one},
		{"gzip in gzip", gz(gz(text)), one},
		{"zero padding", gz(text) + strings.Repeat("\x00", 700), one},
		{"zstd", zst(text), one},
		{"two zstd frames", zst(text[:9]) + zst(text[9:]), one},
		{"a skippable zstd frame first", "\x50\x2a\x4d\x18\x03\x00\x00\x00abc" + zst(text), one},
		{"xz", xzip(text), one},
		{"lz4", lz(text), one},
		{"two lz4 frames", lz(text[:9]) + lz(text[9:]), one},
		{"framed snappy", snap(text), one},
		{"zip", zipOf("a.log", text, "b/c.log.gz", gz("two")), map[string]string{"a.log": text, "b/c.log.gz": "two"}},
		{"tar", tarOf("a.log", text, "b", ""), map[string]string{"a.log": text, "b": ""}},
		{"tar.gz", gz(tarOf("a.log", text)), map[string]string{"a.log": text}},
		{"zip in tar", tarOf("z", zipOf("a", text)), map[string]string{"z!a": text}},
		{"UTF-8 mark", "\xef\xbb\xbf" + text, one},
		{"UTF-16 little endian", utf16Of("日本 😀\n", binary.LittleEndian), map[string]string{"": "日本 😀\n"}},
		{"UTF-16 big endian in gzip", gz(utf16Of(text, binary.BigEndian)), one},
		{"text that begins like bzip2", "BZh is not it\n", map[string]string{"": "BZh is not it\n"}},
		{"text that begins like ORC", "ORCHID\n", map[string]string{"": "ORCHID\n"}},
	}
	for _, tt := range tests {
		for reader, r := range map[string]io.Reader{"whole": strings.NewReader(tt.stored), "by bytes": iotest.OneByteReader(strings.NewReader(tt.stored))} {
			got, err := all(decode.New(decode.Limits{}), r)
			if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
				t.Errorf("%s, %s: error %v\n%s", tt.name, reader, err, diff)
			}
		}
	}
}

func TestDamageIsOfTheObjectAndComesAfterTheData(t *testing.T) {
	t.Parallel()
	long := strings.Repeat(text, 2000)
	for name, stored := range map[string]string{
		"gzip cut off": gz(long)[:200], "gzip with garbage behind it": gz(long) + "garbage", "zstd cut off": zst(long)[:40], "xz cut off": xzip(long)[:100],
		"lz4 cut off": lz(long)[:100], "snappy cut off": snap(long)[:1000], "tar cut off": tarOf("a", long)[:20_000], "zip cut off": zipOf("a", long)[:100],
		"not bzip2 after all": bz2of(),
	} {
		got, err := all(decode.New(decode.Limits{}), strings.NewReader(stored))
		oe, ok := errors.AsType[*penstock.ObjectError](err)
		if !ok || oe.Reason != penstock.ReasonCorrupt {
			t.Errorf("%s: error %v", name, err)
		}
		for _, data := range got {
			if !strings.HasPrefix(long, data) {
				t.Errorf("%s: %d bytes that are not the beginning", name, len(data))
			}
		}
		if strings.HasPrefix(name, "gzip with") && got[""] != long {
			t.Errorf("%s: %d bytes of %d", name, len(got[""]), len(long))
		}
	}
}

func TestASourceThatBreaksIsNotCorruption(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection reset")
	for _, stored := range []string{text, gz(strings.Repeat(text, 5000)), zipOf("a", text), tarOf("a", text)} {
		r := io.MultiReader(strings.NewReader(stored[:len(stored)/2]), iotest.ErrReader(broken))
		if _, err := all(decode.New(decode.Limits{}), r); !errors.Is(err, broken) {
			t.Errorf("error %v", err)
		} else if _, ok := errors.AsType[*penstock.ObjectError](err); ok {
			t.Errorf("a broken source is reported as a broken object: %v", err)
		}
	}
}

func TestContainersThatCannotBeReadSaySo(t *testing.T) {
	t.Parallel()
	for stored, want := range map[string]string{"PAR1\x15\x04": "Parquet", "Obj\x01\x04": "Avro", "ORC\x01": "ORC"} {
		_, err := all(decode.New(decode.Limits{}), strings.NewReader(stored))
		if u, ok := errors.AsType[*decode.UnsupportedError](err); !ok || u.Container != want {
			t.Errorf("%q: error %v", stored, err)
		}
	}
}

// zeros is an endless compressible stream, gzipped.
func bomb(n int64) io.Reader {
	pr, pw := io.Pipe()
	go func() {
		w := gzip.NewWriter(pw)
		_, err := io.CopyN(w, zeroReader{}, n)
		_ = pw.CloseWithError(errors.Join(err, w.Close()))
	}()
	return pr
}

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestOutputIsBounded(t *testing.T) {
	t.Parallel()
	nested := text
	for range 8 {
		nested = gz(nested)
	}
	many := strings.Repeat(gz(""), 100_000)
	tests := []struct {
		name   string
		limits decode.Limits
		r      io.Reader
		limit  bool
	}{
		{"absolute", decode.Limits{MaxBytes: 10 << 20}, bomb(200 << 20), true},
		{"ratio", decode.Limits{MaxRatio: 50}, bomb(200 << 20), true},
		{"depth", decode.Limits{}, strings.NewReader(nested), true},
		{"entries", decode.Limits{MaxEntries: 2}, strings.NewReader(tarOf("a", "", "b", "", "c", "")), true},
		{"spool", decode.Limits{MaxSpool: 10}, strings.NewReader(zipOf("a", text)), true},
		{"exactly the bound", decode.Limits{MaxBytes: int64(len(text))}, strings.NewReader(gz(text)), false},
		{"one byte over", decode.Limits{MaxBytes: int64(len(text)) - 1}, strings.NewReader(gz(text)), true},
		{"many empty members", decode.Limits{}, strings.NewReader(many), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var err error
			var total int64
			for e, eerr := range decode.New(tt.limits).Entries(tt.r) {
				if err = eerr; err == nil {
					var n int64
					n, err = io.Copy(io.Discard, e)
					total += n
				}
				if err != nil {
					break
				}
			}
			oe, ok := errors.AsType[*penstock.ObjectError](err)
			if ok != tt.limit || ok && oe.Reason != penstock.ReasonLimit || !ok && err != nil {
				t.Errorf("%d bytes, error %v", total, err)
			}
			if tt.limits.MaxBytes > 0 && total > tt.limits.MaxBytes {
				t.Errorf("%d bytes over a limit of %d", total, tt.limits.MaxBytes)
			}
		})
	}
}

func TestAConsumerMayStop(t *testing.T) {
	t.Parallel()
	n := 0
	for range decode.New(decode.Limits{}).Entries(strings.NewReader(tarOf("a", "1", "b", "2", "c", "3"))) {
		if n++; n == 2 {
			break
		}
	}
	if n != 2 {
		t.Errorf("%d entries", n)
	}
}

type line struct {
	Offset, Length int64
	Text           string
	Overlong       bool
}

func lines(r io.Reader, bound int) ([]line, error) {
	l := decode.NewLineReader(r, bound)
	var out []line
	for {
		got, err := l.Next()
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return out, err
		}
		out = append(out, line{got.Offset, got.Length, string(got.Bytes), got.Overlong})
	}
}

// reference splits with the simplest code that is right.
func reference(s string, bound int) []line {
	var out []line
	for at := 0; at < len(s); {
		rest := s[at:]
		i := strings.IndexByte(rest, '\n')
		whole, next := rest, len(s)
		if i >= 0 {
			whole, next = strings.TrimSuffix(rest[:i], "\r"), at+i+1
		}
		l := line{Offset: int64(at), Length: int64(len(whole)), Text: whole}
		if len(whole) > bound {
			l.Text, l.Overlong = whole[:bound], true
		}
		out = append(out, l)
		at = next
	}
	return out
}

func randomText(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(30) {
		b.WriteString(strings.Repeat([]string{"a", "é", "\r", "\x00", "xyz"}[r.IntN(5)], r.IntN(40)))
		b.WriteString([]string{"\n", "\r\n", "\n\n", "\r\r\n", ""}[r.IntN(5)])
	}
	return b.String()
}

func TestLinesDoNotDependOnHowTheyAreCutAndCompressed(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 7))
	for round := range 100 {
		s, bound := randomText(r), 1+r.IntN(200)
		want := reference(s, bound)
		var stored strings.Builder
		for at := 0; at < len(s); {
			n := min(1+r.IntN(50), len(s)-at)
			stored.WriteString(gz(s[at : at+n]))
			at += n
		}
		if s == "" {
			stored.WriteString(gz(""))
		}
		for name, src := range map[string]io.Reader{
			"plain": strings.NewReader(s), "plain by bytes": iotest.OneByteReader(strings.NewReader(s)), "members": strings.NewReader(stored.String()), "members by halves": iotest.HalfReader(strings.NewReader(stored.String())),
		} {
			for e, err := range decode.New(decode.Limits{}).Entries(src) {
				if err != nil {
					t.Fatal(err)
				}
				got, err := lines(e, bound)
				if diff := cmp.Diff(want, got); err != nil || diff != "" {
					t.Fatalf("round %d, %s, bound %d: %q\nerror %v\n%s", round, name, bound, s, err, diff)
				}
			}
		}
	}
}

func TestAnOverlongLineIsKnownByItsHash(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("0123456789", 100_000) + "\r"
	l := decode.NewLineReader(strings.NewReader("a\n"+long+"\r\nb"), 1000)
	for i, want := range []string{"a", long, "b"} {
		got, err := l.Next()
		if err != nil {
			t.Fatal(err)
		}
		if i == 1 && (got.Hash != sha256.Sum256([]byte(want)) || got.Length != int64(len(want)) || len(got.Bytes) != 1000) {
			t.Errorf("line of %d bytes, %d held", got.Length, len(got.Bytes))
		}
		if i != 1 && string(got.Bytes) != want {
			t.Errorf("got %q, want %q", got.Bytes, want)
		}
	}
}

func TestPeekDoesNotConsume(t *testing.T) {
	t.Parallel()
	l := decode.NewLineReader(iotest.OneByteReader(strings.NewReader(text)), 0)
	for _, n := range []int{1, 10, 1000} {
		if got := string(l.Peek(n)); got != text[:min(n, len(text))] {
			t.Errorf("peek %d: %q", n, got)
		}
	}
	got, err := lines(strings.NewReader(text), 100)
	first, ferr := l.Next()
	if err != nil || ferr != nil || string(first.Bytes) != got[0].Text {
		t.Errorf("after a peek the first line is %q", first.Bytes)
	}
}

func TestTruncationAnywhereGivesEveryLineBeforeIt(t *testing.T) {
	t.Parallel()
	s := strings.Repeat("a line of text\n", 40)
	for name, stored := range map[string]string{"gzip": gz(s[:100], s[100:]), "zstd": zst(s), "lz4": lz(s), "snappy": snap(s), "xz": xzip(s), "tar": tarOf("m", s), "zip": zipOf("m", s)} {
		for n := range stored {
			got := 0
			for e, err := range decode.New(decode.Limits{}).Entries(strings.NewReader(stored[:n])) {
				if err != nil {
					break
				}
				ls, _ := lines(e, 1000)
				for i, l := range ls {
					if l.Text != "a line of text" && (i != len(ls)-1 || !strings.HasPrefix("a line of text", l.Text)) && n >= 512 {
						t.Fatalf("%s cut at %d: line %d is %q", name, n, i, l.Text)
					}
				}
				got += len(ls)
			}
			if got > 41 {
				t.Fatalf("%s cut at %d: %d lines", name, n, got)
			}
		}
	}
}

func FuzzEntries(f *testing.F) {
	for _, s := range []string{text, gz(text), zst(text), lz(text), snap(text), xzip(text), tarOf("a", text), zipOf("a", text), gz(tarOf("a", gz(text)))} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, stored []byte) {
		const limit = 1 << 20
		total := 0
		for e, err := range decode.New(decode.Limits{MaxBytes: limit, MaxEntries: 20}).Entries(bytes.NewReader(stored)) {
			if err != nil {
				break
			}
			ls, err := lines(e, 500)
			for _, l := range ls {
				total += len(l.Text)
			}
			if err != nil {
				break
			}
		}
		if total > limit {
			t.Fatal(fmt.Sprint(total, " bytes over the limit"))
		}
	})
}

func BenchmarkLines(b *testing.B) {
	data := strings.Repeat(strings.Repeat("x", 494)+"\n", 20_000)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		l := decode.NewLineReader(strings.NewReader(data), 0)
		for {
			if _, err := l.Next(); err != nil {
				break
			}
		}
	}
}

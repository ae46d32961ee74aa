package decode_test

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
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
	zst  = through(func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) })
	xzip = through(func(w io.Writer) (io.WriteCloser, error) { return xz.WriterConfig{DictCap: 1 << 16}.NewWriter(w) })
	lz   = through(func(w io.Writer) (io.WriteCloser, error) { return lz4.NewWriter(w), nil })
	snap = through(func(w io.Writer) (io.WriteCloser, error) { return snappy.NewBufferedWriter(w), nil })
)

// xerial is a stream of snappy-java with a block for each text.
func xerial(blocks ...string) string {
	b := []byte("\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01")
	for _, s := range blocks {
		block := snappy.Encode(nil, []byte(s))
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(block))), block...)
	}
	return string(b)
}

// hadoop is a group of Hadoop's with a block for each text.
func hadoop(blocks ...string) string {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(strings.Join(blocks, ""))))
	for _, s := range blocks {
		block := snappy.Encode(nil, []byte(s))
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(block))), block...)
	}
	return string(b)
}

// bz2 is text, compressed: Go has no compressor of this kind.
var bz2 = func() string {
	b, err := hex.DecodeString("425a68393141592653599682127e0000095180001240042f659e80200021" +
		"a9a13c46a7a3d53d429931320c8c44606534d0eaa01c2bb8e09a5126082dcc57b57edf3a11f8bb9229c28484b41093f0")
	if err != nil {
		panic(err)
	}
	return string(b)
}()

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

func utf32Of(s string, order binary.AppendByteOrder) string {
	var b []byte
	for _, r := range s {
		b = order.AppendUint32(b, uint32(r))
	}
	return string(b)
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
	for e, err := range d.Entries("", r) {
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
		{"two xz streams with padding", xzip(text[:9]) + "\x00\x00\x00\x00" + xzip(text[9:]), one},
		{"bzip2", bz2, one},
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
		{"UTF-16 little endian without a mark", utf16Of(text, binary.LittleEndian)[2:], one},
		{
			name:   "UTF-16 big endian without a mark",
			stored: utf16Of(text+"日本 😀\n", binary.BigEndian)[2:],
			want:   map[string]string{"": text + "日本 😀\n"},
		},
		{
			name:   "UTF-32 little endian",
			stored: "\xff\xfe\x00\x00" + utf32Of(text+"日本 😀\n", binary.LittleEndian),
			want:   map[string]string{"": text + "日本 😀\n"},
		},
		{"UTF-32 big endian", "\x00\x00\xfe\xff" + utf32Of(text, binary.BigEndian), one},
		{"UTF-32 without a mark in gzip", gz(utf32Of(text, binary.LittleEndian)), one},
		{"UTF-32 big endian without a mark", utf32Of(text, binary.BigEndian), one},
		{
			name:   "UTF-32 of what is no character",
			stored: "\x00\x00\xfe\xff\x00\x11\x00\x00\x00\x00\xd8\x00\x00\x00\x00\x0a",
			want:   map[string]string{"": "\ufffd\ufffd\n"},
		},
		{"carriage returns alone", "one\rtwo\r\rthree\r", map[string]string{"": "one\ntwo\n\nthree\n"}},
		{"one carriage return", "10 %\r20 %", map[string]string{"": "10 %\r20 %"}},
		{"carriage returns of a progress bar", "10 %\r20 %\r30 %\ndone\n", map[string]string{"": "10 %\r20 %\r30 %\ndone\n"}},
		{
			name:   "NULs that are no wide characters",
			stored: "a\x00b\x00c\x00d\x00\xff\xff\xff\xff\x01\x02\x03\x04\n",
			want:   map[string]string{"": "a\x00b\x00c\x00d\x00\xff\xff\xff\xff\x01\x02\x03\x04\n"},
		},
		{"text that begins like bzip2", "BZh is not it\n", map[string]string{"": "BZh is not it\n"}},
		{"text that begins like an encrypted file", "Salted__ butter\n", map[string]string{"": "Salted__ butter\n"}},
		{"text that begins like snappy", "\x82SNAPPY", map[string]string{"": "\x82SNAPPY"}},
		{"snappy-java", xerial(text, "", "\nmore"), map[string]string{"": text + "\nmore"}},
		{"two snappy-java streams", xerial(text[:9]) + xerial(text[9:]), one},
		{"a snappy-java stream of nothing", xerial(), map[string]string{"": ""}},
		{"Hadoop snappy", hadoop(text), one},
		{"Hadoop snappy in groups and blocks", hadoop(text[:5]) + hadoop(text[5:20], text[20:]), one},
		{"Hadoop snappy with an empty group behind it", hadoop(text) + "\x00\x00\x00\x00", one},
		{
			name:   "Hadoop snappy of many lines",
			stored: hadoop(strings.Repeat(text, 1000)),
			want:   map[string]string{"": strings.Repeat(text, 1000)},
		},
		{"Hadoop snappy in tar", tarOf("a.snappy", hadoop(text)), map[string]string{"a.snappy": text}},
		{
			name:   "a snappy block in tar",
			stored: tarOf("a.snappy", string(snappy.Encode(nil, []byte(text)))),
			want:   map[string]string{"a.snappy": text},
		},
		{"text that begins like ORC", "ORCHID\n", map[string]string{"": "ORCHID\n"}},
	}
	for _, tt := range tests {
		for reader, r := range map[string]io.Reader{
			"whole": strings.NewReader(tt.stored), "by bytes": iotest.OneByteReader(strings.NewReader(tt.stored)),
		} {
			got, err := all(decode.New(decode.Limits{}), r)
			if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
				t.Errorf("%s, %s: error %v\n%s", tt.name, reader, err, diff)
			}
		}
	}
}

// flip changes one bit of the byte at a position from the end.
func flip(s string, at int) string {
	b := []byte(s)
	b[len(b)+at] ^= 4
	return string(b)
}

func TestDamageIsOfTheObjectAndComesAfterTheData(t *testing.T) {
	t.Parallel()
	long := strings.Repeat(text, 2000)
	for name, stored := range map[string]string{
		"gzip cut off": gz(long)[:200], "gzip with garbage behind it": gz(long) + "garbage", "zstd cut off": zst(long)[:40],
		"xz cut off":  xzip(long)[:100],
		"lz4 cut off": lz(long)[:100], "snappy cut off": snap(long)[:1000], "snappy-java cut off": xerial(text, long)[:500],
		"snappy-java with a flipped bit": flip(xerial(text, long), -60), "Hadoop snappy cut off": hadoop(text, long)[:500],
		"Hadoop snappy without its last block": hadoop(text, long)[:70],
		"Hadoop snappy with a flipped bit":     flip(hadoop(text, long), -60),
		"Hadoop snappy with garbage behind it": hadoop(text) + "garbage",
		"tar cut off":                          tarOf("a", long)[:20_000], "zip cut off": zipOf("a", long)[:100],
		"bzip2 cut off": bz2[:70], "lz4 with garbage behind it": lz(long) + "garbage",
		"xz with garbage behind it": xzip(long) + "garbage",
		"gzip with a flipped bit":   flip(gz(long), -6), "zstd with a flipped bit": flip(zst(long), -2),
		"UTF-16 with half a character":      utf16Of(text, binary.LittleEndian) + "x",
		"UTF-32 with a part of a character": utf32Of(text, binary.LittleEndian) + "x\x00",
	} {
		got, err := all(decode.New(decode.Limits{}), strings.NewReader(stored))
		oe, ok := errors.AsType[*penstock.ObjectError](err)
		if !ok || oe.Reason != penstock.ReasonCorrupt {
			t.Errorf("%s: error %v", name, err)
		}
		for _, data := range got {
			if !strings.HasPrefix(long, data) && data != text {
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

func TestASourceErrorWithAnEndInsideIsNotTheEnd(t *testing.T) {
	t.Parallel()
	hungUp := &net.OpError{Op: "read", Err: io.EOF}
	for _, stored := range []string{"one line\n", gz(text), gz(text)[:30], zst(text)} {
		_, err := all(decode.New(decode.Limits{}), io.MultiReader(strings.NewReader(stored), failing{hungUp}))
		if ne, ok := errors.AsType[*net.OpError](err); !ok || ne != hungUp || errors.Is(err, io.EOF) {
			t.Errorf("%q: error %v", stored, err)
		}
	}
}

// failing is a source that fails at once.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestOneDecoderServesManyObjects(t *testing.T) {
	t.Parallel()
	d := decode.New(decode.Limits{})
	var wg sync.WaitGroup
	for i := range 8 {
		want := strings.Repeat(fmt.Sprintf("object %d\n", i), 20_000)
		stored := []string{gz(want), zst(want), tarOf("a", gz(want)), gz(gz(want)), gz(want)[:300], zst(want)[:30]}
		wg.Go(func() {
			for range 5 {
				for j, s := range stored {
					got, err := all(d, strings.NewReader(s))
					for _, data := range got {
						if j < 4 && (err != nil || data != want) || !strings.HasPrefix(want, data) {
							t.Errorf("object %d, form %d: %d bytes, error %v", i, j, len(data), err)
						}
					}
				}
			}
		})
	}
	wg.Wait()
}

func TestAnEntryIsOverWhenTheNextOneComes(t *testing.T) {
	t.Parallel()
	var kept []io.Reader
	for e, err := range decode.New(decode.Limits{}).Entries("", strings.NewReader(tarOf("a", "one", "b", "two"))) {
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, e)
	}
	for _, r := range kept {
		if b, err := io.ReadAll(r); err == nil || len(b) > 0 {
			t.Errorf("an abandoned entry gave %q, error %v", b, err)
		}
	}
}

func TestContainersThatCannotBeReadSaySo(t *testing.T) {
	t.Parallel()
	for stored, want := range map[string]string{
		"PAR1\x15\x04": "Parquet", "PARE\x15\x04": "encrypted Parquet", "Obj\x01\x04": "Avro", "ORC\x01": "ORC",
		"7z\xbc\xaf\x27\x1c": "7z",
		"Rar!\x1a\x07\x00":   "RAR", "\x1f\x9d\x90": "compress (.Z)", "ElfFile\x00\x00": "Windows event log (EVTX)",
		"\x30\x00\x00\x00LfLe\x01": "Windows event log (EVT)", "LPKSHHRH\x00": "systemd journal", "LZIP\x01\x0c": "lzip",
		"\x89LZO\x00\r\n\x1a\n": "LZO", "ARROW1\x00\x00": "Arrow", "Salted__\x00\x81": "encrypted (OpenSSL)",
		"age-encryption.org/v1\n-> X25519": "encrypted (age)", "-----BEGIN PGP MESSAGE-----\n": "encrypted (PGP)",
	} {
		for _, s := range []string{stored, gz(stored)} {
			_, err := all(decode.New(decode.Limits{}), strings.NewReader(s))
			oe, ours := errors.AsType[*penstock.ObjectError](err)
			u, ok := errors.AsType[*decode.UnsupportedError](err)
			if !ok || u.Container != want || !ours || oe.Reason != penstock.ReasonUnreadable {
				t.Errorf("%q: error %v", stored, err)
			}
		}
		// In an archive it is one of its members, and the others are read.
		for name, archive := range map[string]string{
			"tar": tarOf("a", text, "b", stored, "c", text), "zip": zipOf("a", text, "b", stored, "c", text),
		} {
			var got, refused []string
			for e, err := range decode.New(decode.Limits{}).Entries("", strings.NewReader(archive)) {
				if err != nil {
					refused = append(refused, e.Name)
					continue
				}
				if data, err := io.ReadAll(e); err != nil || string(data) != text {
					t.Errorf("%s: %s holds %q, %v", name, e.Name, data, err)
				}
				got = append(got, e.Name)
			}
			if fmt.Sprint(got, refused) != "[a c] [b]" {
				t.Errorf("%q in %s: read %q, refused %q", stored, name, got, refused)
			}
		}
	}
}

func TestAConsumerMayStop(t *testing.T) {
	t.Parallel()
	n := 0
	for range decode.New(decode.Limits{}).Entries("", strings.NewReader(tarOf("a", "1", "b", "2", "c", "3"))) {
		if n++; n == 2 {
			break
		}
	}
	if n != 2 {
		t.Errorf("%d entries", n)
	}
}

// cuts gives the results of an object cut off at every byte.
func cuts(t *testing.T, stored string, check func(n int, got map[string]string, err error)) {
	t.Helper()
	d := decode.New(decode.Limits{})
	stride := 1
	if testing.Short() {
		stride = 101
	}
	for n := (len(stored) - 1) % stride; n < len(stored); n += stride { // the last byte among them
		got, err := all(d, strings.NewReader(stored[:n]))
		check(n, got, err)
	}
}

// gunzipped is how many bytes come out of the beginning of a gzip stream.
func gunzipped(stored string) int {
	z, err := gzip.NewReader(strings.NewReader(stored))
	if err != nil {
		return 0
	}
	data, _ := io.ReadAll(z)
	return len(data)
}

func TestTruncationAnywhereGivesWhatCameBeforeAndAnError(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 400 {
		_, _ = fmt.Fprintf(&b, "line %d of a text that is not all the same\n", i*i*7919)
	}
	s := b.String()
	two, first := gz(s[:7001], s[7001:]), len(gz(s[:7001]))
	tests := []struct {
		name, stored string
		want         string
		magic        int          // shorter beginnings are not recognised, and are text
		inner        int          // the same for what is inside of gzip
		whole        map[int]bool // cuts that leave a shorter object and nothing broken
	}{
		{"gzip", two, s, 3, 0, map[int]bool{first: true}},
		{"gzip in gzip", gz(two), s, 3, 3, nil},
		{"zstd", zst(s), s, 4, 0, nil},
		{"xz", xzip(s), s, 6, 0, nil},
		{"bzip2", bz2, text, 10, 0, nil},
		{"lz4", lz(s), s, 4, 0, nil},
		{"tar", tarOf("m", s), s, 512, 0, nil},
		{"tar.gz", gz(tarOf("m", s)), s, 3, 512, nil},
		{"zip", zipOf("m", s), s, 4, 0, nil},
		{"zip in gzip", gz(zipOf("m", s)), s, 3, 4, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			longest := 0
			cuts(t, tt.stored, func(n int, got map[string]string, err error) {
				if n < tt.magic {
					return
				}
				oe, ok := errors.AsType[*penstock.ObjectError](err)
				if tt.whole[n] != (err == nil) || err != nil && (!ok || oe.Reason != penstock.ReasonCorrupt) {
					// One block of zeros is the end of a tar archive, as it is for other tools.
					if !strings.HasPrefix(tt.name, "tar") || err != nil || got["m"] != tt.want {
						t.Errorf("cut at %d of %d: error %v", n, len(tt.stored), err)
					}
				}
				if tt.inner > 0 && gunzipped(tt.stored[:n]) < tt.inner {
					return
				}
				data := got[""] + got["m"]
				if !strings.HasPrefix(tt.want, data) || len(data) < longest {
					t.Errorf("cut at %d of %d: %d bytes after %d", n, len(tt.stored), len(data), longest)
				}
				longest = len(data)
			})
			if longest != len(tt.want) {
				t.Errorf("without its last byte %d of %d bytes are given", longest, len(tt.want))
			}
		})
	}
}

// TestTruncatedGzipGivesAsMuchAsTheStandardLibrary compares what comes before the cut.
func TestTruncatedGzipGivesAsMuchAsTheStandardLibrary(t *testing.T) {
	t.Parallel()
	s := strings.Repeat(text+"\n", 300)
	stored := gz(s[:100], s[100:5000], s[5000:])
	cuts(t, stored, func(n int, got map[string]string, _ error) {
		if n < 10 {
			return
		}
		z, err := gzip.NewReader(strings.NewReader(stored[:n]))
		if err != nil {
			return
		}
		if want, _ := io.ReadAll(z); len(got[""]) < len(want) {
			t.Errorf("cut at %d: %d bytes, the standard library gives %d", n, len(got[""]), len(want))
		}
	})
}

func FuzzEntries(f *testing.F) {
	for _, s := range []string{
		text, gz(text), zst(text), lz(text), snap(text), xzip(text), tarOf("a", text), zipOf("a", text),
		gz(tarOf("a", gz(text))), bz2, zipOf("a", text)[:40], utf16Of(text, binary.BigEndian), xerial(text, text),
		hadoop(text, text), string(snappy.Encode(nil, []byte(text))),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, stored []byte) {
		const limit = 1 << 20
		total := 0
		for e, err := range decode.New(decode.Limits{MaxBytes: limit, MaxEntries: 20}).Entries("a.snappy",
			bytes.NewReader(stored)) {
			if err != nil {
				break
			}
			n, err := io.Copy(io.Discard, e)
			total += int(n)
			if err != nil {
				break
			}
		}
		if total > limit {
			t.Fatalf("%d bytes over the limit", total)
		}
	})
}

// BenchmarkGzip is about reading a log file through the decoder, beside the standard library.
func BenchmarkGzip(b *testing.B) {
	var plain strings.Builder
	for i := range 20_000 {
		_, _ = fmt.Fprintf(&plain,
			`{"time":"2026-11-24T17:%02d:%02d.%03dZ","level":"info","request":"%08x","path":"/api/items/%d","status":200,`+
				`"bytes":%d}`+"\n", i/60%60, i%60, i%1000, i*2654435761, i%977, i*31%9001)
	}
	stored := gz(plain.String())
	count := func(b *testing.B, r io.Reader) {
		n := 0
		for l := bufio.NewScanner(r); l.Scan(); n++ {
		}
		if n != 20_000 {
			b.Fatal(n)
		}
	}
	b.Run("penstock", func(b *testing.B) {
		d := decode.New(decode.Limits{})
		b.SetBytes(int64(plain.Len()))
		b.ReportAllocs()
		for b.Loop() {
			for e := range d.Entries("", strings.NewReader(stored)) {
				count(b, e)
			}
		}
	})
	b.Run("stdlib", func(b *testing.B) {
		b.SetBytes(int64(plain.Len()))
		b.ReportAllocs()
		for b.Loop() {
			z, err := gzip.NewReader(strings.NewReader(stored))
			if err != nil {
				b.Fatal(err)
			}
			count(b, z)
		}
	})
}

// BenchmarkSmallObject is what an object costs before its first line.
func BenchmarkSmallObject(b *testing.B) {
	d, stored := decode.New(decode.Limits{}), gz(text)
	b.ReportAllocs()
	for b.Loop() {
		for e := range d.Entries("", strings.NewReader(stored)) {
			_, _ = io.Copy(io.Discard, e)
		}
	}
}

// A snappy block alone is one when it is called so and all of it decodes; anything else of that name is what it is.
func TestASnappyBlockAloneIsToldByItsNameAndByDecoding(t *testing.T) {
	t.Parallel()
	long := strings.Repeat(text, 50_000)
	block := string(snappy.Encode(nil, []byte(long)))
	for _, tt := range []struct{ what, name, stored, want string }{
		{"a block", "logs/a.snappy", block, long},
		{"in capitals", "A.SNAPPY", block, long},
		{"not called so", "logs/a.log", block, block},
		{"cut off", "a.snappy", block[:len(block)-1], block[:len(block)-1]},
		{"with something behind it", "a.snappy", block + "x", block + "x"},
		{"text", "a.snappy", text, text},
		{"nothing", "a.snappy", "", ""},
		{"the framing format", "a.snappy", snap(text), text},
		{"a block of a block", "a.snappy", string(snappy.Encode(nil, []byte(block))), block},
		{"gzip in a block", "a.snappy", string(snappy.Encode(nil, []byte(gz(text)))), text},
		{
			what:   "larger than what is kept",
			name:   "a.snappy",
			stored: string(snappy.Encode(nil, make([]byte, 33<<20))),
			want:   string(snappy.Encode(nil, make([]byte, 33<<20))),
		},
	} {
		for e, err := range decode.New(decode.Limits{}).Entries(tt.name, strings.NewReader(tt.stored)) {
			if err != nil {
				t.Errorf("%s: %v", tt.what, err)
				continue
			}
			if data, err := io.ReadAll(e); err != nil || string(data) != tt.want || e.Name != "" {
				t.Errorf("%s: %d bytes of %d in entry %q, %v", tt.what, len(data), len(tt.want), e.Name, err)
			}
		}
	}
	broken := errors.New("connection reset")
	for _, err := range decode.New(decode.Limits{}).Entries("a.snappy",
		io.MultiReader(strings.NewReader(block[:99]), iotest.ErrReader(broken))) {
		if err != nil && !errors.Is(err, broken) {
			t.Errorf("a source that breaks: %v", err)
		}
	}
}

// Lengths are somebody's claim: no memory is given to them.
func TestLengthsInSnappyStreamsAreBounded(t *testing.T) {
	t.Parallel()
	huge := binary.AppendUvarint(nil, 0xffffffff)
	for name, stored := range map[string]string{
		"a stored block of 4 GB": xerial() + "\xff\xff\xff\xffabc",
		"a plain block of 4 GB": xerial() + string(binary.BigEndian.AppendUint32(nil, uint32(len(huge)+2))) + string(huge) +
			"\x00a",
		"one of 16 MiB": xerial(strings.Repeat("x", 16<<20)),
	} {
		_, err := all(decode.New(decode.Limits{}), strings.NewReader(stored))
		if oe, ok := errors.AsType[*penstock.ObjectError](err); !ok || oe.Reason != penstock.ReasonLimit {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

package decode_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/decode"
)

// idling gives its parts, and says before each one and before the end that nothing comes: several times, because some
// of them are for those who look at what the stream is.
type idling struct {
	parts []string
	told  int // how often in a row
}

func (i *idling) Idles() bool { return true }

func (i *idling) Read(p []byte) (int, error) {
	if i.told++; i.told < 5 {
		return 0, penstock.ErrIdle
	}
	i.told = 0
	if len(i.parts) == 0 {
		return 0, io.EOF
	}
	n := copy(p, i.parts[0])
	if i.parts[0] = i.parts[0][n:]; i.parts[0] == "" {
		i.parts = i.parts[1:]
	}
	return n, nil
}

// waits reads the only entry and returns what has come of it whenever the stream idles, and its end.
func waits(t *testing.T, parts []string) (seen []string, err error) {
	t.Helper()
	for e, err := range decode.New(decode.Limits{}).Entries("-", &idling{parts: slices.Clone(parts)}) {
		if err != nil {
			return seen, err
		}
		var got strings.Builder
		buf := make([]byte, 1000)
		for {
			n, err := e.Read(buf)
			got.Write(buf[:n])
			if errors.Is(err, penstock.ErrIdle) || err != nil {
				seen = append(seen, got.String())
			}
			if err != nil && !errors.Is(err, penstock.ErrIdle) {
				if !errors.Is(err, io.EOF) {
					return seen, err
				}
				break
			}
		}
	}
	return seen, nil
}

type flusher interface {
	io.WriteCloser
	Flush() error
}

// flushed is the compressed form of each part, as it stands when the writer was flushed behind it.
func flushed(open func(io.Writer) flusher, parts ...string) []string {
	var b bytes.Buffer
	w := open(&b)
	var out []string
	for _, p := range parts {
		_, _ = io.WriteString(w, p)
		_ = w.Flush()
		out = append(out, b.String())
		b.Reset()
	}
	_ = w.Close()
	return append(out, b.String())
}

// Compressed bytes are decoded as far as they have come: a pipe that idles holds nothing back.
func TestAnIdleCompressedStreamHoldsNothingBack(t *testing.T) {
	t.Parallel()
	parts := []string{
		"{\"n\":1}\n", "{\"n\":2}\n{\"n\":3}\n", strings.Repeat("a longer line\n", 20_000) + "x\n", "\u00e9\n",
	}
	gzips := func(w io.Writer) flusher { return gzip.NewWriter(w) }
	each := func(compress func(string) string) (out []string) {
		for _, p := range parts {
			out = append(out, compress(p))
		}
		return out
	}
	units := each(func(s string) string { return utf16Of(s, binary.LittleEndian)[2:] })
	units[0] = "\xff\xfe" + units[0]
	for name, stored := range map[string][]string{
		"gzip": flushed(gzips, parts...),
		"stored": flushed(func(w io.Writer) flusher {
			z, _ := gzip.NewWriterLevel(w, gzip.NoCompression)
			return z
		}, parts...),
		"zstd":           flushed(func(w io.Writer) flusher { z, _ := zstd.NewWriter(w); return z }, parts...),
		"lz4":            flushed(func(w io.Writer) flusher { return lz4.NewWriter(w) }, parts...),
		"snappy":         flushed(func(w io.Writer) flusher { return snappy.NewBufferedWriter(w) }, parts...),
		"gzip in gzip":   flushed(gzips, flushed(gzips, parts...)...),
		"gzip members":   each(func(s string) string { return gz(s) }),
		"xz streams":     each(xzip),
		"xerial":         {xerial(parts[0]), xerial(parts[1]), xerial(parts[2]), xerial(parts[3])},
		"hadoop":         {hadoop(parts[0]), hadoop(parts[1]), hadoop(parts[2]), hadoop(parts[3])},
		"UTF-16":         units,
		"plain":          parts,
		"UTF-16 in gzip": flushed(gzips, units...),
	} {
		seen, err := waits(t, stored)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := ""
		for i, part := range parts {
			want += part
			found := false
			for _, s := range seen[:len(seen)-1] { // the last one is the end
				found = found || s == want
			}
			if !found {
				t.Errorf("%s: part %d is not there when the stream idles behind it", name, i)
			}
		}
		if last := seen[len(seen)-1]; last != want {
			t.Errorf("%s: %d bytes at the end, want %d", name, len(last), len(want))
		}
	}
}

// However the bytes come, the same comes out, with the same end.
func TestAStreamThatIdlesAnywhereIsReadAsOthersAre(t *testing.T) {
	t.Parallel()
	for name, stored := range map[string]string{
		"gzip": gz(text, text), "zstd": zst(text), "xz": xzip(text), "lz4": lz(text) + lz(text), "snappy": snap(text),
		"bzip2":  bz2,
		"xerial": xerial(text, text), "hadoop": hadoop(text, text), "nested": gz(zst(text)),
		"UTF-16": utf16Of(text+"\U0001f600", binary.LittleEndian),
		"tar":    tarOf("a", text), "zip": zipOf("a", text), "damaged": gz(text)[:40] + "damage" + gz(text)[46:],
		"plain": text, "empty": "",
	} {
		for cut := len(stored); cut >= 0; cut -= 1 + len(stored)/40 {
			parts := strings.Split(stored[:cut], "")
			got, gotErr := waits(t, parts)
			want, wantErr := plain(stored[:cut])
			last := ""
			if len(got) > 0 {
				last = got[len(got)-1]
			}
			if last != want {
				t.Errorf("%s, %d of %d bytes: %q, want %q", name, cut, len(stored), last, want)
			}
			if (gotErr == nil) != (wantErr == nil) || gotErr != nil && gotErr.Error() != wantErr.Error() {
				t.Errorf("%s, %d of %d bytes: error %v, want %v", name, cut, len(stored), gotErr, wantErr)
			}
		}
	}
}

// plain is what comes out of the bytes when they are all there.
func plain(stored string) (string, error) {
	var got string
	for e, err := range decode.New(decode.Limits{}).Entries("-", strings.NewReader(stored)) {
		if err != nil {
			return got, err
		}
		b, err := io.ReadAll(e)
		got = string(b)
		if err != nil {
			return got, err
		}
	}
	return got, nil
}

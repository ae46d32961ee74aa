package decode_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/decode"
)

// bomb is gzip of n zeros.
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
	if testing.Short() {
		t.Skip("large inputs are left out: -short")
	}
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
			for e, eerr := range decode.New(tt.limits).Entries("", tt.r) {
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

// repeat gives the same bytes again and again.
type repeat struct {
	part  string
	times int
	left  string
}

func (r *repeat) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		if r.left == "" {
			if r.times == 0 {
				break
			}
			r.times--
			r.left = r.part
		}
		m := copy(p[n:], r.left)
		r.left = r.left[m:]
		n += m
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func drain(t *testing.T, d *decode.Decoder, r io.Reader) (int64, error) {
	t.Helper()
	var total int64
	for e, err := range d.Entries("", r) {
		if err != nil {
			return total, err
		}
		n, err := io.Copy(io.Discard, e)
		total += n
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// TestBombsDoNotGrowTheMemory is not parallel: it measures the heap.
func TestBombsDoNotGrowTheMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("large inputs are left out: -short")
	}
	member := gz(strings.Repeat("\x00", 16<<20)) // 16 KiB
	padding := make([]byte, 1<<20)
	hidden := func(n int) io.Reader { // gzip of a gzip file with n MiB of padding: nothing of it is ever given out
		pr, pw := io.Pipe()
		go func() {
			w := gzip.NewWriter(pw)
			_, err := io.WriteString(w, gz(text))
			for i := 0; i < n && err == nil; i++ {
				_, err = w.Write(padding)
			}
			_ = pw.CloseWithError(errors.Join(err, w.Close()))
		}()
		return pr
	}
	tests := []struct {
		name   string
		limits decode.Limits
		r      io.Reader
		limit  bool
	}{
		{"10 GB of zeros, by ratio", decode.Limits{}, &repeat{part: member, times: 640}, true},
		{
			name:   "10 GB of zeros, by size",
			limits: decode.Limits{MaxBytes: 300 << 20, MaxRatio: 1e9},
			r:      &repeat{part: member, times: 640},
			limit:  true,
		},
		{"in two layers", decode.Limits{}, strings.NewReader(gz(strings.Repeat(member, 640))), true},
		{"a million empty members", decode.Limits{}, &repeat{part: gz(""), times: 1_000_000}, false},
		{"padding in a layer inside", decode.Limits{MaxRatio: 100}, hidden(1 << 10), true},
	}
	for _, tt := range tests {
		var before, during runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		_, err := drain(t, decode.New(tt.limits), tt.r)
		runtime.ReadMemStats(&during)
		oe, ok := errors.AsType[*penstock.ObjectError](err)
		if ok != tt.limit || ok && oe.Reason != penstock.ReasonLimit || !ok && err != nil {
			t.Errorf("%s: error %v", tt.name, err)
		}
		if grown := int64(during.TotalAlloc) - int64(before.TotalAlloc); grown > 8<<20 {
			t.Errorf("%s: %d MiB allocated", tt.name, grown>>20)
		}
	}
}

// hugeDictionary changes the header of the first block of an xz file to say that it needs 4 GiB to look back in.
func hugeDictionary(stored string) string {
	b := []byte(stored)
	head := b[12 : 12+(int(b[12])+1)*4]
	at := bytes.Index(head, []byte{0x21, 1})
	head[at+2] = 40
	binary.LittleEndian.PutUint32(head[len(head)-4:], crc32.ChecksumIEEE(head[:len(head)-4]))
	return string(b)
}

func TestWindowsAreBounded(t *testing.T) {
	t.Parallel()
	for name, stored := range map[string]string{
		"xz":                 hugeDictionary(xzip(text)),
		"xz, second stream":  xzip(text) + hugeDictionary(xzip(text)),
		"zstd":               "\x28\xb5\x2f\xfd\x00\x90\x01\x00\x00",
		"zstd, second frame": zst(text) + "\x28\xb5\x2f\xfd\x00\x90\x01\x00\x00",
	} {
		got, err := all(decode.New(decode.Limits{}), strings.NewReader(stored))
		if oe, ok := errors.AsType[*penstock.ObjectError](err); !ok || oe.Reason != penstock.ReasonLimit {
			t.Errorf("%s: error %v", name, err)
		}
		if strings.Contains(name, "second") && got[""] != text {
			t.Errorf("%s: %q before the limit", name, got[""])
		}
	}
}

func TestTheListOfAZipIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("large inputs are left out: -short")
	}
	t.Parallel()
	var members []string
	for range 3000 {
		members = append(members, "name", "")
	}
	_, err := drain(t, decode.New(decode.Limits{MaxEntries: 10}), strings.NewReader(zipOf(members...)))
	oe, ok := errors.AsType[*penstock.ObjectError](err)
	if !ok || oe.Reason != penstock.ReasonLimit || !strings.Contains(err.Error(), "directory") {
		t.Errorf("error %v", err)
	}
}

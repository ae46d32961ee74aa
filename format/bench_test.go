package format_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format"
)

// drain reads an entry and returns the number of its records.
func drain(t testing.TB, d *format.Detector, text []byte, want string) int {
	t.Helper()
	rec, err := d.Recognize(&penstock.Object{}, penstock.Identity{}, penstock.Entry{Reader: bytes.NewReader(text)})
	if err != nil || rec.Format != want {
		t.Fatal(rec.Format, err)
	}
	n := 0
	for r, err := range rec.Records {
		if err != nil || r.Unparsed {
			t.Fatal(string(r.JSON), err)
		}
		n++
	}
	return n
}

func BenchmarkRecords(b *testing.B) {
	for _, s := range subjects(format.Table(), samples(b)) {
		b.Run(s.Name(), func(b *testing.B) {
			text := s.corpus(b, 10_000, "")
			d := s.detector(b, false, 0)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				drain(b, d, text, s.Name())
			}
		})
	}
}

// BenchmarkSmallEntries is what an entry costs besides its records.
func BenchmarkSmallEntries(b *testing.B) {
	d := detector(b, format.Config{})
	text := []byte(`{"time":"2026-11-24T10:00:00Z","n":1}` + "\n")
	b.ReportAllocs()
	for b.Loop() {
		drain(b, d, text, "ndjson")
	}
}

// BenchmarkHostileRecords are rewritten, every one of them.
func BenchmarkHostileRecords(b *testing.B) {
	text := strings.Repeat(`{"a":1,"b":{"c":"\u0000","d.":2},"a":3,"_id":"x"}`+"\n", 5000)
	d := detector(b, format.Config{})
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		r, _ := d.Recognize(&penstock.Object{}, penstock.Identity{}, penstock.Entry{
			Reader: io.Reader(strings.NewReader(text)),
		})
		for _, err := range r.Records {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}

package format_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format"
)

func TestContentThatIsNoTextIsNotRead(t *testing.T) {
	t.Parallel()
	line := strings.Repeat("2026-11-24 10:00:00 INFO a line of text\n", 20)
	noise := make([]byte, 4096)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	for _, tt := range []struct {
		what, text string
		binary     bool
	}{
		{"text", line, false},
		{"one NUL in a hundred bytes", strings.Repeat("x", 99) + "\x00", false},
		{"two NULs in 199 bytes", strings.Repeat("x", 197) + "\x00\x00", true},
		{"a run of NULs before text, as copying and truncating leaves it", strings.Repeat("\x00", 5000) + line, false},
		{"a run of NULs that is longer than the sample", strings.Repeat("\x00", 200_000) + line, false},
		{"a run of NULs between lines", line + strings.Repeat("\x00", 5000) + line, false},
		{"NULs alone", strings.Repeat("\x00", 5000), true},
		{"many NULs alone", strings.Repeat("\x00", 200_000), true},
		{"DEL", strings.Repeat("x\x7f", 50), true},
		{"control characters of text", strings.Repeat("\x1b[31mred\x1b[0m\tbold\bb\f\r\n", 50), false},
		{
			what: "Shift-JIS",
			text: strings.Repeat("\x83G\x83\x89\x81[\x82\xaa\x94\xad\x90\xb6\x82\xb5\x82\xdc\x82\xb5\x82\xbd 2026\n", 50),
		},
		{"Latin-1", strings.Repeat("M\xfcnchen stra\xdfe \xe9\xe8\n", 50), false},
		{"UTF-8", strings.Repeat("ошибка 日本語 😀\n", 50), false},
		{"ISO-2022-JP", strings.Repeat("\x1b$B%(%i!<\x1b(B 1\n", 50), false},
		{"UTF-16 without a mark", strings.Repeat("a\x00b\x00\n\x00", 50), true},
		{"JSON texts in sequence", strings.Repeat("\x1e{\"a\":1}\n", 50), false},
		{"separators alone", strings.Repeat("a\x1eb\n", 50), true},
		{"noise", string(noise), true},
		{"noise in quotes", `{"a":"` + string(noise) + `"}`, true},
		{"a program", "\x7fELF and text\n", true},
		{"an image", "\x89PNG\r\n\x1a\n" + line, true},
		{"a document", "%PDF-1.7\n" + line, true},
		{"a database", "SQLite format 3\x00" + line, true},
	} {
		rec, err := recognised(t, format.Config{}, tt.text)
		oe, ok := errors.AsType[*penstock.ObjectError](err)
		if isBinary := ok && oe.Reason == penstock.ReasonBinary; isBinary != tt.binary || err != nil && !ok {
			t.Errorf("%s: format %q, error %v", tt.what, rec.Format, err)
		}
		skipped, err := recognised(t, format.Config{SkipBinary: true}, tt.text)
		if err != nil || (skipped.Skip == "binary content") != tt.binary {
			t.Errorf("%s, to be skipped: %q, %v", tt.what, skipped.Skip, err)
		}
		// What somebody names a format for is read.
		if forced, err := recognised(t, format.Config{Force: "text"}, tt.text); err != nil || forced.Skip != "" {
			t.Errorf("%s, as text: %q, %v", tt.what, forced.Skip, err)
		}
	}
	if self, err := os.ReadFile("/proc/self/exe"); err == nil {
		if rec, err := recognised(t, format.Config{}, string(self)); err == nil {
			t.Errorf("a program is %q", rec.Format)
		}
	}
}

// The count of eight bytes at once is that of one by one, wherever they stand.
func TestControlCharactersAreCountedAsOneByOne(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for range 20_000 {
		b := make([]byte, r.IntN(40))
		for i := range b {
			b[i] = [...]byte{
				0, 1, 0x1e, 0x1f, ' ', '!', '{', 'a', 0x7e, 0x7f, 0x80, 0x81, 0xff, '\n', byte(r.Uint32()),
			}[r.IntN(15)]
		}
		want := 0
		for i := range b {
			want += format.Control(b, i)
		}
		if got := format.Controls(b); got != want {
			t.Fatalf("%q: %d, want %d", b, got, want)
		}
	}
}

func BenchmarkControls(b *testing.B) {
	text := []byte(strings.Repeat("2026-11-24 10:00:00 INFO a line of text that is as long as lines are in logs of "+
		"requests\n", 700))
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if format.Controls(text) != 0 {
			b.Fatal("there are none")
		}
	}
}

package quote_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/seed56735111/penstock/internal/quote"
)

// What looks eight bytes at a time finds what one finds byte by byte, whatever stands behind the end.
func FuzzWide(f *testing.F) {
	for _, s := range []string{
		"", "1", "12345678", "0.5", "1.", ".5", "00", "0.0.1", "1.5e3", "-1", "1/2", "3:4", "\x8a.1", "\xb01", `a "b" c`,
		"a line of more than thirty-two bytes, a separator|and more", `back\slash`, "tab\t", "é", "123456789",
		"1234567890123456", "12345678901234567", "0123456789", "123456789/", "12345678.9",
		strings.Repeat("x", 15) + "|", "12345678|",
	} {
		f.Add([]byte(s), []byte("9|.0\\"))
	}
	numbers := map[quote.NumberKind]*regexp.Regexp{
		quote.Integer:  regexp.MustCompile(`^(?:0|[1-9][0-9]{0,15})$`),
		quote.Fraction: regexp.MustCompile(`^(?:0|[1-9][0-9]*)\.[0-9]+$`),
		quote.Decimal:  regexp.MustCompile(`^(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$`),
	}
	clean := regexp.MustCompile(`^[ -\[\]-\x7f]*$`)
	f.Fuzz(func(t *testing.T, text, behind []byte) {
		wide := append(bytes.Clone(text), append(bytes.Clone(behind), make([]byte, quote.Pad)...)[:quote.Pad]...)
		for at := range len(text) + 1 {
			want := bytes.IndexByte(text[at:], '|') + at
			if want < at {
				want = len(text)
			}
			if got := min(quote.Near(wide, at, '|'*quote.Ones)+at, len(text)); want < at+quote.Pad && got != want {
				t.Errorf("%q has a separator at %d, not at %d", text[at:], want-at, got-at)
			}
			if got := quote.Until(wide, at, len(text), '|'); got != want {
				t.Errorf("%q has a separator at %d, not at %d", text[at:], want-at, got-at)
			}
		}
		for kind, is := range numbers {
			want := is.Match(text) && (len(text) <= 8 || len(text) <= 16 && bytes.IndexByte(text, '.') < 0)
			if got := quote.IsShortNumber(wide, 0, len(text), kind); got != want {
				t.Errorf("%q is a number of kind %d: %v, want %v", text, kind, got, want)
			}
		}
		to := bytes.Repeat([]byte{'x'}, len(text)+quote.Pad)
		if quote.Put(to, wide, len(text)); !bytes.Equal(to[:len(text)], text) {
			t.Errorf("%q is copied as %q", text, to[:len(text)])
		}
		quotes, ok := quote.IsClean(text)
		if want := clean.Match(text); ok != want || quotes != bytes.Count(text, []byte{'"'}) {
			t.Errorf("%q is clean: %v, want %v; %d quotes", text, ok, want, quotes)
		}
	})
}

// One byte that is to be escaped is seen wherever it stands in texts of any length.
func TestOneOddByteIsSeen(t *testing.T) {
	t.Parallel()
	for n := range 70 {
		text := bytes.Repeat([]byte{'x'}, n)
		if quotes, clean := quote.IsClean(text); !quote.IsPlain(text) || !clean || quotes != 0 {
			t.Errorf("%d plain bytes are not", n)
		}
		for at := range n {
			for _, c := range []byte{0, 0x1f, '"', '\\', 0x80, 0xff} {
				text[at] = c
				quotes, clean := quote.IsClean(text)
				if quote.IsPlain(text) || clean != (c == '"') || quotes == 1 != (c == '"') {
					t.Errorf("%q is plain", text)
				}
			}
			text[at] = 'x'
		}
	}
}

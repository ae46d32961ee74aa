package words

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// The fast way through ASCII is only allowed to be fast.
func TestASCIIIsSplitAsUnicodeIs(t *testing.T) {
	t.Parallel()
	const letters = "ab9_'.,:;-/ \t\"@"
	r := rand.New(rand.NewPCG(3, 5))
	for range 50000 {
		var b strings.Builder
		for range r.IntN(12) {
			b.WriteByte(letters[r.IntN(len(letters))])
		}
		text := b.String()
		var fast, plain []string
		splitASCII(text, func(w string) { fast = append(fast, w) })
		splitUnicode(text, func(w string) {
			if strings.Trim(w, "_") != "" { // Lucene's words have a letter or a digit
				plain = append(plain, w)
			}
		})
		if !slices.Equal(fast, plain) {
			t.Fatalf("%q: %q, want %q", text, fast, plain)
		}
	}
}

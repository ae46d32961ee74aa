package cli

import (
	"strings"
	"testing"
)

func TestATerminalGetsNoControlCharacters(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"plain\n\ttext: é €\n": "plain\n\ttext: é €\n",
		"\x1b[31mred\x07\x7f":  `\x1b[31mred\x07\x7f`,
		"a\rb":                 `a\x0db`,
		"\u009b31m":            "\xc2" + `\x9b31m`,
		"\u00a0\u00c2\u0142":   "\u00a0\u00c2\u0142",
	} {
		var whole, pieces strings.Builder
		w := &terminalWriter{w: &whole}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		w = &terminalWriter{w: &pieces}
		for i := range len(text) {
			if _, err := w.Write([]byte{text[i]}); err != nil {
				t.Fatal(err)
			}
		}
		if whole.String() != want || pieces.String() != want {
			t.Errorf("%q: %q and, byte by byte, %q, want %q", text, whole.String(), pieces.String(), want)
		}
	}
}

package deadletter

import (
	"bytes"
	"strings"
	"testing"

	"github.com/seed56735111/penstock"
)

// Whatever is stored can be read back: a letter that is too long for a line leaves out what its source still has.
func TestALetterIsNeverLongerThanItsReaderAllows(t *testing.T) {
	t.Parallel()
	const longest = 1000
	text := func(n int) []byte { return []byte(strings.Repeat("x", n)) }
	for name, test := range map[string]struct{ document, raw, wantDocument, wantRaw []byte }{
		"fits":               {text(300), text(300), text(300), text(300)},
		"without its record": {text(700), text(700), text(700), nil},
		"by reference":       {text(2000), text(10), nil, nil},
		"a record alone":     {nil, text(2000), nil, nil},
	} {
		before := []byte("before\n")
		out, err := appendWithin(before,
			penstock.Letter{ID: "a", Document: test.document, Raw: test.raw, Source: penstock.Place{Object: "o", Length: 7}},
			longest)
		line, ok := bytes.CutPrefix(out, before)
		if err != nil || !ok || len(line)-1 > longest {
			t.Fatalf("%s: %d bytes, error %v", name, len(line), err)
		}
		l, _, err := Parse(line)
		if err != nil || l.Source.Length != 7 || !bytes.Equal(l.Document, test.wantDocument) ||
			!bytes.Equal(l.Raw, test.wantRaw) {
			t.Errorf("%s: %+v, error %v", name, l, err)
		}
	}
	if _, err := appendWithin(nil, penstock.Letter{ID: "a", Source: penstock.Place{Object: string(text(2000))}},
		longest); err == nil {
		t.Error("a line that nobody could read is no error")
	}
}

package winxml

import (
	"strings"
	"testing"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format/internal/entry"
)

// Events that do not end, and lines between events, are looked at once: with the square of their number these would
// take hours.
func TestHostileEventsTakeNoMoreThanTheirLength(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want int
	}{
		{"<Event ><System>\n" + strings.Repeat("<a>\n", 1<<20), 1 + 1<<20},
		{strings.Repeat("<Event >", 1<<19), 1 << 19},
		{strings.Repeat("x<Event ></Event>", 1<<18), 2 << 18},
		{strings.Repeat("<Event ></Event>\n", 1<<18), 1 << 18},
		{"<Event ><System>\n" + strings.Repeat("<!--\n", 1<<20), 1 + 1<<20},
		{"<Event >" + strings.Repeat("</Event x", 1<<19), 1},
	} {
		r := &entry.Reader{}
		r.Begin(strings.NewReader(tt.text), 16<<20)
		got := 0
		Events{}.Read(r, func(_ penstock.Record, err error) bool {
			if err != nil {
				t.Fatal(err)
			}
			got++
			return true
		})
		if got != tt.want {
			t.Errorf("%.40q: %d records, want %d", tt.text, got, tt.want)
		}
	}
}

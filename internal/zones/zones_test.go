package zones

import (
	"strings"
	"testing"
	"time"
)

func TestNamesInPlace(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, in string
		size     int
		known    bool
		want     string // of 2026-07-01 12:00:00 on the clock
	}{
		{"nothing", "", 0, true, "12:00"},
		{"a severity", "INFO x", 0, true, "12:00"},
		{"small letters", "cet", 0, true, "12:00"},
		{"UTC", "UTC", 3, true, "12:00"},
		{"followed by a colon", "UTC:10.0.0.1", 3, true, "12:00"},
		{"in a bracket", "CEST]", 4, true, "10:00"},
		{"part of a word", "CETERA", 0, true, "12:00"},
		{"half an hour", "ACST", 4, true, "02:30"},
		{"an offset goes on", "GMT+2", 3, true, "12:00"},
		{"a field name", "CET_offset", 0, true, "12:00"},
		{"west", "EST", 3, true, "17:00"},
		{"several meanings", "CST x", 3, false, "12:00"},
		{"India, Ireland, Israel", "IST", 3, false, "12:00"},
		{"IANA", "Europe/Berlin x", 13, true, "10:00"},
		{"IANA in three parts", "America/Argentina/Buenos_Aires", 30, true, "15:00"},
		{"IANA with a sign", "Etc/GMT-3", 9, true, "09:00"},
		{"no such place", "Europe/Nowhere", 14, false, "12:00"},
		{"a path", "GET/index", 0, true, "12:00"},
		{"a parent", "Europe/../Europe/Berlin", 7, false, "12:00"},
		{"far too long", "Europe/" + strings.Repeat("a", 1000), 0, true, "12:00"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			z, size := Read([]byte(tt.in))
			got := z.At(time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)).UTC().Format("15:04")
			if size != tt.size || z.Known() != tt.known || got != tt.want {
				t.Errorf("Read(%q) = %d bytes, known %v, %s, want %d, %v, %s", tt.in, size, z.Known(), got, tt.size, tt.known,
					tt.want)
			}
		})
	}
}

func TestTheFirstOfTwoHoursCountsAndAMissingOneGoesOn(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ zone, clock, want string }{
		{"Europe/Berlin", "2026-10-25T01:59:59Z", "2026-10-24T23:59:59Z"},
		{"Europe/Berlin", "2026-10-25T02:30:00Z", "2026-10-25T00:30:00Z"}, // comes twice
		{"Europe/Berlin", "2026-10-25T03:00:00Z", "2026-10-25T02:00:00Z"},
		{"Europe/Berlin", "2026-03-29T01:59:59Z", "2026-03-29T00:59:59Z"},
		{"Europe/Berlin", "2026-03-29T02:30:00Z", "2026-03-29T01:30:00Z"}, // is left out
		{"Europe/Berlin", "2026-03-29T03:00:00Z", "2026-03-29T01:00:00Z"},
		{"America/New_York", "2026-11-01T01:30:00Z", "2026-11-01T05:30:00Z"},
		{"America/New_York", "2026-11-01T02:30:00Z", "2026-11-01T07:30:00Z"},
		{"Australia/Lord_Howe", "2026-04-05T01:45:00Z", "2026-04-04T14:45:00Z"}, // half an hour comes twice
		{"Asia/Kolkata", "2026-01-01T00:00:00Z", "2025-12-31T18:30:00Z"},
		{"MSK", "2013-07-01T12:00:00Z", "2013-07-01T08:00:00Z"},
		{"MSK", "2026-07-01T12:00:00Z", "2026-07-01T09:00:00Z"},
	} {
		clock, err := time.Parse(time.RFC3339, tt.clock)
		if err != nil {
			t.Fatal(err)
		}
		z, _ := Read([]byte(tt.zone))
		if got := z.At(clock).UTC().Format(time.RFC3339); got != tt.want {
			t.Errorf("%s in %s = %s, want %s", tt.clock, tt.zone, got, tt.want)
		}
	}
}

// Every abbreviation of the zone data has in the table the one offset that it has everywhere, or none when it has
// several.
func TestTheTableAgreesWithTheData(t *testing.T) {
	t.Parallel()
	offsets := map[string]map[int]bool{}
	for name := range zoneinfo().files {
		l := named([]byte(name))
		for at := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2027; at = at.AddDate(0, 0, 14) {
			abbr, seconds := at.In(l).Zone()
			if abbr[0] == '+' || abbr[0] == '-' {
				continue
			}
			if offsets[abbr] == nil {
				offsets[abbr] = map[int]bool{}
			}
			offsets[abbr][seconds/60] = true
		}
	}
	if len(offsets) < 40 {
		t.Fatalf("the data has %d abbreviations", len(offsets))
	}
	for abbr, have := range offsets {
		z, ok := abbreviation(abbr)
		switch {
		case !ok:
			t.Errorf("%s is not in the table", abbr)
		case abbr == "MSK": // by its place
		case len(have) > 1 && z.Known():
			t.Errorf("%s has the offsets %v and one meaning in the table", abbr, have)
		case len(have) == 1 && z.Known() && !have[z.minutes]:
			t.Errorf("%s is %d minutes in the table, %v in the data", abbr, z.minutes, have)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	for _, text := range []string{"INFO x", "CEST", "Europe/Berlin"} {
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			at := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
			for b.Loop() {
				z, _ := Read([]byte(text))
				_ = z.At(at)
			}
		})
	}
}

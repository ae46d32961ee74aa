package times

import (
	"fmt"
	"testing"
	"time"
)

// Whatever stamp takes, time.Parse takes for the same instant, also what differs in one byte from a stamp.
func TestStampIsWhatTimeParseReads(t *testing.T) {
	t.Parallel()
	taken := 0
	check := func(text string) {
		t.Helper()
		got, size := stamp([]byte(text))
		if size == 0 {
			return
		}
		taken++
		want, err := time.Parse("2006-01-02T15:04:05Z", text[:size])
		if err != nil || !got.Equal(want) || got.Location() != time.UTC {
			t.Fatalf("stamp(%q) = %v, %d; time.Parse: %v, %v", text, got, size, want, err)
		}
	}
	for _, text := range []string{"2026-11-24T10:05:00.123Z", "2024-02-29T23:59:59Z", "0001-01-01T00:00:00.999999999Z"} {
		if _, size := stamp([]byte(text)); size != len(text) {
			t.Errorf("stamp(%q) took %d bytes", text, size)
		}
		check(text)
		for at := range len(text) {
			for c := range 256 {
				b := []byte(text)
				b[at] = byte(c)
				check(string(b))
			}
			check(text[:at])
		}
	}
	for _, text := range []string{
		"", "2026-11-24", "2026-11-24T10:05:00", "2026-11-24T10:05:00.Z", "2026-11-24T10:05:00.1234567890Z",
		"2026-02-29T10:05:00Z", "2026-11-24T24:00:00Z", "2016-12-31T23:59:60Z",
	} {
		if _, size := stamp([]byte(text)); size != 0 {
			t.Errorf("stamp(%q) took %d bytes, want none", text, size)
		}
	}
	if taken < 200 {
		t.Errorf("only %d texts were taken", taken)
	}
	day := time.Date(1999, 12, 1, 0, 0, 0, 0, time.UTC)
	for range 40_000 {
		check(fmt.Sprintf("%s.%03dZ", day.Format("2006-01-02T15:04:05"), day.Unix()%1000))
		day = day.Add(7*time.Hour + 13*time.Minute + 7*time.Second)
	}
}

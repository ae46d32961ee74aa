package times_test

import (
	"strings"
	"testing"
	"time"

	"github.com/seed56735111/penstock/format/internal/times"
)

// The same time is read by layouts in each notation.
func TestLayouts(t *testing.T) {
	t.Parallel()
	stored := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct{ layouts, text, want string }{
		{
			"2006-01-02 15:04:05|%Y-%m-%d %H:%M:%S|%F %T|yyyy-MM-dd HH:mm:ss|2006-01-02 15:04:05.999|yyyy-MM-dd HH:mm:ss[.S]",
			"2026-11-24 10:00:00", "2026-11-24T10:00:00Z",
		},
		{
			"2006-01-02 15:04:05.000|%Y-%m-%d %H:%M:%S.%f|yyyy-MM-dd HH:mm:ss.SSS|2006-01-02 15:04:05,999|%F %T.%L",
			"2026-11-24 10:00:00.123", "2026-11-24T10:00:00.123Z",
		},
		{
			"02/Jan/2006:15:04:05 -0700|%d/%b/%Y:%H:%M:%S %z|dd/MMM/yyyy:HH:mm:ss Z", "24/Nov/2026:10:00:00 +0100",
			"2026-11-24T09:00:00Z",
		},
		{"Jan _2 15:04:05|%b %e %H:%M:%S|MMM d HH:mm:ss", "Nov 4 10:00:00", "2026-11-04T10:00:00Z"},
		{"Jan _2 15:04:05|%b %e %H:%M:%S", "Nov  4 10:00:00", "2026-11-04T10:00:00Z"},
		{"Jan _2 15:04:05", "Nov 26 10:00:00", "2025-11-26T10:00:00Z"},
		{"1/2/2006 3:04:05 PM|%-m/%-d/%Y %-I:%M:%S %p|M/d/yyyy h:mm:ss a", "11/24/2026 1:00:00 PM", "2026-11-24T13:00:00Z"},
		{"1/2/2006 3:04:05 PM", "11/24/2026 12:00:00 am", "2026-11-24T00:00:00Z"},
		{"060102150405|%y%m%d%H%M%S|yyMMddHHmmss", "261124100000", "2026-11-24T10:00:00Z"},
		{"20060102T150405Z0700|%Y%m%dT%H%M%S%z|yyyyMMdd'T'HHmmssX", "20261124T100000Z", "2026-11-24T10:00:00Z"},
		{"yyyyMMddHHmmssSSS|%Y%m%d%H%M%S%f", "20261124100000250", "2026-11-24T10:00:00.25Z"},
		{"iso", "2026-11-24T10:00:00.5+02:00", "2026-11-24T08:00:00.5Z"},
		{"epoch|%s", "1795514400.25", "2026-11-24T10:00:00.25Z"},
		{"epoch", "1795514400250", "2026-11-24T10:00:00.25Z"},
		{
			"Monday, 02-Jan-06 15:04:05 MST|%A, %d-%b-%y %T %Z|EEEE, dd-MMM-yy HH:mm:ss z", "Tuesday, 24-Nov-26 10:00:00 CET",
			"2026-11-24T09:00:00Z",
		},
		{"2006-002 15:04|%Y-%j %R|yyyy-DDD HH:mm", "2026-328 10:00", "2026-11-24T10:00:00Z"},
		{"2 January 2006 15:04|%-d %B %Y %H:%M|d MMMM yyyy HH:mm", "24 november 2026 10:00", "2026-11-24T10:00:00Z"},

		{"2006-01-02 15:04:05|%F %T|yyyy-MM-dd HH:mm:ss", "2026-11-24 10:00:00.5", ""},
		{"2006-01-02 15:04:05|%F %T|yyyy-MM-dd HH:mm:ss", "2026-11-24 1:00:00", ""},
		{"2006-01-02 15:04:05|%F %T|yyyy-MM-dd HH:mm:ss", "2026-02-29 10:00:00", ""},
		{"2006-01-02 15:04:05|%F %T|yyyy-MM-dd HH:mm:ss", "", ""},
		{"2006-01-02 15:04:05.000", "2026-11-24 10:00:00.12", ""},
		{"yyyy-DDD HH:mm", "2026-366 10:00", ""},
		{"yyyy-DDD HH:mm", "2026-000 10:00", ""},
		{"h:mm a d/M/yy", "13:00 PM 24/11/26", ""},
		{"epoch", "17", ""},
		{"iso", "2026-11-24T10:00:00", ""},
	} {
		for layout := range strings.SplitSeq(tt.layouts, "|") {
			l, err := times.ParseLayout(layout)
			if err != nil {
				t.Errorf("%s: %v", layout, err)
				continue
			}
			at, ok := l.Read([]byte(tt.text), stored)
			got := ""
			if ok {
				got = times.Placed(at, nil).Format(time.RFC3339Nano)
			}
			if got != tt.want {
				t.Errorf("%q by %q is %q, want %q", tt.text, layout, got, tt.want)
			}
		}
	}
	l, err := times.ParseLayout("Jan _2 15:04:05")
	if err != nil {
		t.Fatal(err)
	}
	if at, ok := l.Read([]byte("Nov 24 10:00:00"), time.Time{}); !ok || !at.IsZero() {
		t.Errorf("without a year: %v, %v", at, ok)
	}
}

func TestWrongLayoutsSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	for layout, want := range map[string]string{
		"":                         "is empty",
		"%":                        "ends with %",
		"%Y-%q":                    "%q is not one of those",
		"2007-01-02 15:04":         `"007-01-02 15:04" is no part of Go's reference time`,
		"yyyy-MM-ddTHH:mm":         "T is not one of the letters",
		"yyyy-MM-dd'T":             "not closed",
		"HH:mm:ss":                 "has no date",
		"2006-01-02":               "has no time of day",
		"%j %H":                    "day of a year that it does not say",
		"yyyy-MM-dd hh:mm":         "AM or PM",
		"yyyy-MM-dd HH:mm yyyy":    "twice",
		"%s %Y":                    "beside seconds",
		"yyyyMdHH":                 "no telling where the first one ends",
		strings.Repeat("yyyy", 30): "longer than 100",
	} {
		if _, err := times.ParseLayout(layout); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", layout, err, want)
		}
	}
}

// Whatever a layout and a text are, to read them does not panic, and gives a time that a record may have.
func FuzzLayout(f *testing.F) {
	f.Add("2006-01-02 15:04:05", "2026-11-24 10:00:00")
	f.Add("%y%j %I%p", "26328 10AM")
	f.Add("MMM d HH:mm:ss.S z", "Nov 4 10:00:00.1 CET")
	f.Fuzz(func(t *testing.T, layout, text string) {
		l, err := times.ParseLayout(layout)
		if err != nil {
			return
		}
		at, ok := l.Read([]byte(text), time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC))
		if ok && !at.IsZero() && (at.Year() < -1 || at.Year() > 10_001) && layout != "epoch" {
			t.Fatalf("%q by %q: %v", text, layout, at)
		}
	})
}

package format_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format"
)

// show is how these tests write times.
func show(t time.Time) string {
	if t.IsZero() {
		return "none"
	}
	if t.Location() == penstock.UnknownZone {
		return t.Format("2006-01-02T15:04:05.999 unknown")
	}
	return t.Format(time.RFC3339Nano)
}

func TestTimesInJSONAreReadInTheFormsThatAreInUse(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		`"2026-11-24T10:00:00Z"`:            "2026-11-24T10:00:00Z",
		`"2026-11-24T10:00:00.123456789Z"`:  "2026-11-24T10:00:00.123456789Z",
		`"2026-11-24T10:00:00.1234567891Z"`: "2026-11-24T10:00:00.123456789Z",
		`"2026-11-24T10:00:00+01:00"`:       "2026-11-24T09:00:00Z",
		`"2026-11-24T10:00:00-0730"`:        "2026-11-24T17:30:00Z",
		`"2026-11-24T10:00:00+01"`:          "2026-11-24T09:00:00Z",
		`"2026-11-24 10:00:00"`:             "2026-11-24T10:00:00Z",
		`"2026-11-24 10:00:00,5"`:           "2026-11-24T10:00:00.5Z",
		`"2026-11-24 10:00:00 +0100"`:       "2026-11-24T09:00:00Z",
		`"2026-11-24 10:00:00 UTC"`:         "2026-11-24T10:00:00Z",
		`"2026/11/24 10:00:00"`:             "2026-11-24T10:00:00Z",
		`"2026-11-24"`:                      "2026-11-24T00:00:00Z",
		`"2024-02-29T23:59:60Z"`:            "2024-03-01T00:00:00Z",
		`1764064800`:                        "2025-11-25T10:00:00Z",
		`1764064800.25`:                     "2025-11-25T10:00:00.25Z",
		`"1764064800"`:                      "2025-11-25T10:00:00Z",
		`1764064800123`:                     "2025-11-25T10:00:00.123Z",
		`1764064800123.5`:                   "2025-11-25T10:00:00.1235Z",
		`1764064800123456`:                  "2025-11-25T10:00:00.123456Z",
		`1764064800123456789`:               "2025-11-25T10:00:00.123456789Z",
		`"24/Nov/2026:10:00:00 +0100"`:      "2026-11-24T09:00:00Z",
		`"[24/Nov/2026:10:00:00 +0000]"`:    "2026-11-24T10:00:00Z",
		`"Tue, 24 Nov 2026 10:00:00 GMT"`:   "2026-11-24T10:00:00Z",
		`"Tue, 24 Nov 2026 10:00:00:131"`:   "2026-11-24T10:00:00.131Z",
		`"Tue Nov 24 10:00:00 2026"`:        "2026-11-24T10:00:00Z",
		`"2026-02-29T10:00:00Z"`:            "none", // no leap year
		`"2026-13-01T10:00:00Z"`:            "none",
		`"2026-11-24T24:00:00Z"`:            "none",
		`"2026-11-24T10:00:00Z and more"`:   "none",
		`"0000-01-01T00:00:00Z"`:            "none",
		`"\u0032026-11-24T10:00:00Z"`:       "none",
		`"yesterday"`:                       "none",
		`""`:                                "none",
		`12`:                                "none", // a counter
		`99999999999`:                       "none", // neither seconds nor milliseconds of our age
		// Exponents, as Java and Ruby print large numbers.
		`1764064800e0`:                     "2025-11-25T10:00:00Z",
		`1.764064800123E9`:                 "2025-11-25T10:00:00.123Z",
		`1.764064800123E12`:                "2025-11-25T10:00:00.123Z",
		`1.76406e+9`:                       "2025-11-25T08:40:00Z",
		`"1.764064800E9"`:                  "2025-11-25T10:00:00Z",
		`1764064800000e-3`:                 "none",
		`1e9x`:                             "none",
		`1e99999999999999999999`:           "none",
		`1.7640648001234567890123456789e9`: "none",
		`1.76e1`:                           "none",
		// Named zones.
		`"2026-11-24 10:00:00 CET"`:                                            "2026-11-24T09:00:00Z",
		`"2026-07-24 10:00:00 Europe/Berlin"`:                                  "2026-07-24T08:00:00Z",
		`"2026-10-25T02:30:00 Europe/Berlin"`:                                  "2026-10-25T00:30:00Z", // the first of two
		`"2026-11-24T10:00:00.5+01:00[Europe/Berlin]"`:                         "2026-11-24T09:00:00.5Z",
		`"2026-11-24T10:00:00[America/New_York]"`:                              "2026-11-24T15:00:00Z",
		`"2026-11-24T10:00:00Z[UTC]"`:                                          "2026-11-24T10:00:00Z",
		`"2026-11-24 10:00:00 GMT+2"`:                                          "2026-11-24T08:00:00Z",
		`"2026-11-24 10:00:00 UTC-03:30"`:                                      "2026-11-24T13:30:00Z",
		`"2026-11-24 10:00:00 CST"`:                                            "2026-11-24T10:00:00 unknown",
		`"2026-11-24 10:00:00 Europe/Nowhere"`:                                 "2026-11-24T10:00:00 unknown",
		`"Tue, 24 Nov 2026 10:00:00 EST"`:                                      "2026-11-24T15:00:00Z",
		`"Tue, 24 Nov 2026 10:00:00 IST"`:                                      "2026-11-24T10:00:00 unknown",
		`"Tue, 24 Nov 2026 10:00:00 XYZT"`:                                     "2026-11-24T10:00:00 unknown",
		`"Tue, 24 Nov 2026 10:00:00 +0100 (CET)"`:                              "2026-11-24T09:00:00Z",
		`"Tue, 3 Nov 2026 10:00:00 -0500"`:                                     "2026-11-03T15:00:00Z",
		`"Tue Nov 24 10:00:00 CEST 2026"`:                                      "2026-11-24T08:00:00Z",
		`"Tue Nov  3 10:00:00 PST 2026"`:                                       "2026-11-03T10:00:00 unknown",
		`"Tue Nov 24 10:00:00 +0100 2026"`:                                     "2026-11-24T09:00:00Z",
		`"Tue Nov 24 2026 10:00:00 GMT+0100 (Central European Standard Time)"`: "2026-11-24T09:00:00Z",
		`"Tue, 24 Nov 2026 10:00:00 GMT and more"`:                             "none",
		`"Tue Nov 24 10:00:00 2026 (a) b"`:                                     "none",
		`"Tue Nov 24 10:00:00"`:                                                "none",
		`"Tue, 24 Nov"`:                                                        "none",
		`-1764064800`:                                                          "none",
		`null`:                                                                 "none",
		`true`:                                                                 "none",
		`{"$date":1764064800123}`:                                              "2025-11-25T10:00:00.123Z",
		`{ "$date" : "2026-11-24T10:00:00Z" }`:                                 "2026-11-24T10:00:00Z",
		`{"$date":{"$numberLong":"1764064800123"}}`:                            "none",
		`{"epochSecond":1764064800,"nanoOfSecond":123000000}`:                  "2025-11-25T10:00:00.123Z",
		`{"seconds":1764064800,"nanos":5000000}`:                               "2025-11-25T10:00:00.005Z",
		`{"seconds":1764064800, "nanos":99999999999}`:                          "2025-11-25T10:00:00Z",
		`{"seconds":1764064800}`:                                               "2025-11-25T10:00:00Z",
		`{"minutes":1764064800}`:                                               "none",
		`{}`:                                                                   "none",
		`["2026-11-24T10:00:00Z"]`:                                             "none",
		`"` + strings.Repeat("2026-11", 50) + `"`:                              "none",
	} {
		for _, name := range []string{"@timestamp", "timestamp", "time", "ts", "eventTime"} {
			r := readAs(t, "ndjson", fmt.Sprintf(`{"x":1,"%s":%s}`, name, value))
			if got := show(r[0].Time); got != want {
				t.Errorf("%s: %s is %s, want %s", name, value, got, want)
			}
		}
		nested := readAs(t, "ndjson", fmt.Sprintf(`{"x":{"time":%s}}`, value))
		if !nested[0].Time.IsZero() {
			t.Errorf("a nested %s is taken for the record's", value)
		}
	}
}

func TestTheBestNameGivesTheTime(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"date":"2026-11-24","time":"2026-11-24T10:00:00Z"}`:                           "2026-11-24T10:00:00Z",
		`{"time":"2026-11-24T10:00:00Z","@timestamp":"2026-11-24T11:00:00Z"}`:           "2026-11-24T11:00:00Z",
		`{"@timestamp":"late","time":"2026-11-24T10:00:00Z"}`:                           "2026-11-24T10:00:00Z",
		`{"time":"2026-11-24T10:00:00Z","time":"2026-11-24T12:00:00Z"}`:                 "2026-11-24T12:00:00Z",
		`{"started":"2026-11-24T10:00:00Z"}`:                                            "none",
		`{"timestamp":{"time":"2026-11-24T10:00:00Z"},"ts":"2026-11-24T13:00:00Z"}`:     "2026-11-24T13:00:00Z",
		`{"message":"\"time\":\"2026-11-24T10:00:00Z\"","note":"@timestamp yesterday"}`: "none",
	} {
		if got := show(readAs(t, "ndjson", text)[0].Time); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// A record's own @timestamp stays only when every version of the engines reads it as the date that it means.
func TestOnlyADateThatAnIndexTakesStaysAsTimestamp(t *testing.T) {
	t.Parallel()
	for value, stays := range map[string]bool{
		`"2026-11-24T10:00:00Z"`:        true,
		`"2026-11-24T10:00:00.123456Z"`: true,
		`"2026-11-24T10:00:00+01:00"`:   true,
		`"2026-11-24"`:                  true,
		`1764064800123`:                 false, // as the first value it makes the field a number
		`1764064800`:                    false, // milliseconds of 1970 to an index
		`1764064800.5`:                  false,
		`1764064800123456`:              false,
		`"1764064800123"`:               false,
		`"2026-11-24 10:00:00"`:         false,
		`"2026/11/24T10:00:00"`:         false,
		`"24/Nov/2026:10:00:00 +0100"`:  false,
		// The engines know no leap second, nine digits of a second, and zones of this planet.
		`"2016-12-31T23:59:60Z"`:              false,
		`"2026-11-24T10:00:00.123456789Z"`:    true,
		`"2026-11-24T10:00:00.1234567890Z"`:   false,
		`"2026-11-24T10:00:00.1234567890123"`: false,
		`"2026-11-24T10:00:00+18:00"`:         true,
		`"2026-11-24T10:00:00+18:01"`:         false,
		`"2026-11-24T10:00:00-05:60"`:         false,
		`"2026-11-24T10:00:00CET"`:            false,
		`"2026-11-24T10:00:00Z[UTC]"`:         false,
		`"soon"`:                              false,
		`null`:                                false,
		`{}`:                                  false,
	} {
		r := readAs(t, "ndjson", `{"@timestamp":`+value+`}`)[0]
		if got := r.Top&penstock.TopTimestamp != 0; got != stays {
			t.Errorf("%s: stays %v: %s", value, got, r.JSON)
		}
	}
}

func TestALineThatBeginsWithATimeBeginsAnEvent(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"2026-11-24T10:00:00Z x":                    "2026-11-24T10:00:00Z",
		"2026-11-24 10:00:00,123 x":                 "2026-11-24T10:00:00.123Z",
		"2026-11-24 10:00:00.123 +0100 x":           "2026-11-24T09:00:00.123Z",
		"2026-11-24 10:00:00 UTC:10.0.0.1(52834):x": "2026-11-24T10:00:00Z",
		"2026-11-24 10:00:00 CEST [1] LOG: x":       "2026-11-24T08:00:00Z",
		"2026-11-24 10:00:00.123 EST x":             "2026-11-24T15:00:00.123Z",
		"2026-11-24 10:00:00 IST x":                 "2026-11-24T10:00:00 unknown",
		"2026-11-24 10:00:00 INFO x":                "2026-11-24T10:00:00Z",
		"2026-11-24 10:00:00 GET/x":                 "2026-11-24T10:00:00Z",
		"2026-11-24 10:00:00 -12 items":             "2026-11-24T10:00:00Z",
		"2026/11/24 10:00:00 x":                     "2026-11-24T10:00:00Z",
		"[2026-11-24 10:00:00] x":                   "2026-11-24T10:00:00Z",
		"[2026-11-24T10:00:00,123][INFO ] x":        "2026-11-24T10:00:00.123Z",
		"<13>Nov 24 10:00:00 host x":                "2026-11-24T10:00:00Z",
		"<165>1 2026-11-24T10:00:00.003Z host x":    "2026-11-24T10:00:00.003Z",
		"Nov 24 10:00:00 host x":                    "2026-11-24T10:00:00Z",
		"Nov  4 10:00:00 host x":                    "2026-11-04T10:00:00Z",
		"Nov 25 11:59:59 host x":                    "2026-11-25T11:59:59Z", // clocks differ: half a day after it was stored
		"Nov 26 10:00:00 host x":                    "2025-11-26T10:00:00Z", // of the year before
		"Feb 29 10:00:00 host x":                    "2024-02-29T10:00:00Z",
		"1764064800 x":                              "2025-11-25T10:00:00Z",
		"1764064800.123 x":                          "2025-11-25T10:00:00.123Z",
		"1764064800123\tx":                          "2025-11-25T10:00:00.123Z",
	} {
		text := line + "\n\tgoes on\n" + line + "\n"
		d := detector(t, format.Config{Force: "text"})
		r := read(t, d, penstock.Identity{Modified: stored}, []byte(text), strings.NewReader(text))
		if len(r.Records) != 2 || show(r.Records[0].Time) != want {
			t.Errorf("%s: %d events, %s, want %s", line, len(r.Records), show(r.Records[0].Time), want)
		}
	}
	for _, line := range []string{
		"2026-11-24 x", "2026-11-24", "2026-99-24 10:00:00 x", "on 2026-11-24 10:00:00 x", "12:00:00 x", "4711 x",
		"1764064800x",
		"<999999>Nov 24 10:00:00 x", "Now 24 10:00:00 x",
	} {
		text := line + "\ndoes not go on\n"
		d := detector(t, format.Config{})
		r := read(t, d, penstock.Identity{Modified: stored}, []byte(text), strings.NewReader(text))
		if len(r.Records) != 2 || !r.Records[0].Time.IsZero() {
			t.Errorf("%s: %d events, %s", line, len(r.Records), show(r.Records[0].Time))
		}
	}
}

// Without the date of the object nobody knows the year; the events are told apart all the same.
func TestATimeWithoutAYearNeedsTheDateOfTheObject(t *testing.T) {
	t.Parallel()
	r := readText(t, "Nov 24 10:00:00 host x\n goes on\nNov 24 10:00:01 host y\n")
	if len(r.Records) != 2 || !r.Records[0].Time.IsZero() {
		t.Errorf("%+v", r.Records)
	}
}

func TestLevelsAreFoundBehindTheTime(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"2026-11-24 10:00:00 INFO x":                       "INFO",
		"2026-11-24 10:00:00 [main] WARN x":                "WARN",
		"2026-11-24 10:00:00,1 - root - ERROR - x":         "ERROR",
		"[2026-11-24T10:00:00,1][DEBUG][o.o.x] [n] x":      "DEBUG",
		"2026-11-24 10:00:00 fatal: x":                     "FATAL",
		"ERROR: x":                                         "ERROR",
		"2026-11-24 10:00:00 connection error":             "",
		"2026-11-24 10:00:00 Info x":                       "",
		"2026-11-24 10:00:00 information x":                "",
		"2026-11-24 10:00:00 one two three four ERROR":     "",
		"the last ERROR of the day is a word among others": "",
		"2026-11-24 10:00:00":                              "",
	} {
		r := readText(t, line+"\n")
		has := strings.Contains(r.Records[0].JSON, `"level":`)
		if has != (want != "") || has && !strings.Contains(r.Records[0].JSON, `"level":"`+want+`"`) {
			t.Errorf("%s: %s, want %q", line, r.Records[0].JSON, want)
		}
	}
}

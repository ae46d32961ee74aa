// Package times reads the times that records carry, by their notation.
package times

import (
	"fmt"
	"time"

	"github.com/seed56735111/penstock/internal/quote"
	"github.com/seed56735111/penstock/internal/zones"
)

const highs = quote.Highs

func isDigit(c byte) bool { return quote.IsDigit(c) }

func plain(b []byte, i int) int { return quote.Plain(b, i) }

func scalarEnd(b []byte, i int) int { return quote.ScalarEnd(b, i) }

// ISO reads yyyy-MM-dd, also with slashes, then, after T or one space, HH:mm:ss, a fraction and a zone. It returns how
// many bytes it took. Without a time of day it is midnight.
func ISO(b []byte) (t time.Time, size int, ok bool) { return isoTime(b) }

// CLF reads the time of the common log format, 24/Nov/2026:10:11:12 +0100, at the beginning of b.
func CLF(b []byte) (time.Time, bool) { return clfTime(b) }

// Syslog reads "Nov 24 10:11:12" at the beginning of b. It has no year: the one that puts it at most twelve hours after
// the object was stored.
func Syslog(b []byte, stored time.Time) (time.Time, bool) { return syslogTime(b, stored) }

// IsSyslog reports whether b, of 15 bytes at least, begins with a time such as "Nov 24 10:11:12".
func IsSyslog(b []byte) bool {
	var c clock
	return monthNamed(b[:3]) > 0 && b[3] == ' ' && b[6] == ' ' && c.timeOfDay(b[7:]) > 0
}

// Placed returns a time in UTC, or in penstock.UnknownZone. One that was written without a zone is what clocks showed
// at a place, nil for UTC.
func Placed(t time.Time, place *time.Location) time.Time {
	if t.Location() != Zoneless {
		return t
	}
	if t = t.UTC(); place != nil {
		t = zones.Of(place).At(t).UTC()
	}
	return t
}

// Place returns the place of a name that the IANA data has, or of an offset such as +02:00.
func Place(name string) (*time.Location, error) {
	if l, ok := zones.Location(name); ok {
		return l, nil
	}
	var c clock
	if len(name) > 2 && (name[0] == '+' || name[0] == '-') && c.zoneOffset([]byte(name), false) == len(name) {
		return time.FixedZone(name, c.offset), nil
	}
	return nil, fmt.Errorf("%q is no time zone: want a name such as Europe/Berlin or UTC, or an offset such as +02:00",
		name)
}

// Epoch reads seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by their size, with a fraction
// or without, and returns how many bytes it took.
func Epoch(b []byte) (t time.Time, size int, ok bool) { return epochTime(b) }

// JSON reads the JSON value at b[0], which is a part of a window, as a time.
func JSON(b []byte) (time.Time, bool) { return jsonTime(b) }

// QuotedStamp reads a JSON string that is a date and time as the engines take them, in UTC, and nothing else.
func QuotedStamp(b []byte) (time.Time, bool) { return quotedStamp(b) }

// IsDate reports whether the JSON value at b[0], which is a part of a window, is one that the engines' default date
// mapping takes for what it means.
func IsDate(b []byte) bool { return isDate(b) }

// Text reads a text that is a time in any notation, and nothing else.
func Text(b []byte) (time.Time, bool) { return textTime(b) }

package dates

import (
	"strconv"
	"strings"
	"time"

	"github.com/seed56735111/penstock/engine/internal/wire"
	"github.com/seed56735111/penstock/internal/zones"
)

// Math reads a date with an expression after it: now-1d/d, 2015-05-13||+1M/M. With round, parts that are left out or
// rounded away get their latest value instead of their earliest.
func (f *Format) Math(s string, now time.Time, zone *time.Location, round bool) (time.Time, error) {
	var t time.Time
	expr, isNow := strings.CutPrefix(s, "now")
	if isNow {
		t = now.In(zone)
	} else {
		anchor, rest, hasMath := strings.Cut(s, "||")
		var ok bool
		if t, ok = f.Parse(anchor, zone, round && (!hasMath || rest == "")); !ok {
			return t, wire.Errorf(400, "parse_exception", "failed to parse date field [%s] with format [%s]: [failed to "+
				"parse date field [%s] with format [%s]]", anchor, f.Text, anchor, f.Text).
				Because(wire.Illegal("failed to parse date field [%s] with format [%s]", anchor, f.Text).
					Because(wire.Errorf(400, "date_time_parse_exception", "Failed to parse with all enclosed parsers")))
		}
		expr = rest
	}
	return applyMath(t, expr, zone, round)
}

func applyMath(t time.Time, expr string, zone *time.Location, round bool) (time.Time, error) {
	t = t.In(zone)
	for rest := expr; rest != ""; {
		op := rest[0]
		rest = rest[1:]
		n := 1
		if op != '+' && op != '-' && op != '/' {
			return t, wire.Errorf(400, "parse_exception", "operator not supported for date math [%s]", expr)
		}
		if rest == "" {
			return t, wire.Errorf(400, "parse_exception", "truncated date math [%s]", expr)
		}
		if rest[0] >= '0' && rest[0] <= '9' {
			if op == '/' {
				return t, wire.Errorf(400, "parse_exception", "rounding `/` can only be used on single unit types [%s]", expr)
			}
			const most = 9
			n, rest, _ = digits(rest, 1, most)
			if rest == "" {
				return t, wire.Errorf(400, "parse_exception", "truncated date math [%s]", expr)
			}
		}
		unit := rest[0]
		rest = rest[1:]
		if op == '-' {
			n = -n
		}
		if op == '/' {
			start, ok := Truncate(t, unit)
			if !ok {
				return t, wire.Errorf(400, "parse_exception", "unit [%c] not supported for date math [%s]", unit, expr)
			}
			if t = start; round {
				next, _ := Advance(start, unit, 1)
				t = next.Add(-time.Millisecond)
			}
			continue
		}
		var ok bool
		if t, ok = Advance(t, unit, n); !ok {
			return t, wire.Errorf(400, "parse_exception", "unit [%c] not supported for date math [%s]", unit, expr)
		}
	}
	return t, nil
}

// Advance adds units of the calendar.
func Advance(t time.Time, unit byte, n int) (time.Time, bool) {
	const quarter, week = 3, 7
	switch unit {
	case 'y':
		return t.AddDate(n, 0, 0), true
	case 'q':
		return addMonths(t, quarter*n), true
	case 'M':
		return addMonths(t, n), true
	case 'w':
		return t.AddDate(0, 0, week*n), true
	case 'd':
		return t.AddDate(0, 0, n), true
	case 'h', 'H':
		return t.Add(time.Duration(n) * time.Hour), true
	case 'm':
		return t.Add(time.Duration(n) * time.Minute), true
	case 's':
		return t.Add(time.Duration(n) * time.Second), true
	}
	return t, false
}

// addMonths stays within the month that is meant: a month after the 31st of January is the end of February.
func addMonths(t time.Time, n int) time.Time {
	first := time.Date(t.Year(), t.Month(), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location()).
		AddDate(0, n, 0)
	lastDay := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(t.Day(), lastDay)-1)
}

// Truncate goes back to the beginning of a unit of the calendar.
func Truncate(t time.Time, unit byte) (time.Time, bool) {
	const quarter, week = 3, 7
	y, m, d := t.Date()
	day := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, t.Location()) }
	switch unit {
	case 'y':
		return day(y, time.January, 1), true
	case 'q':
		return day(y, m-(m-1)%quarter, 1), true
	case 'M':
		return day(y, m, 1), true
	case 'w':
		return day(y, m, d-(int(t.Weekday())+week-1)%week), true
	case 'd':
		return day(y, m, d), true
	case 'h', 'H':
		return t.Add(-time.Duration(t.Minute())*time.Minute - time.Duration(t.Second())*time.Second -
			time.Duration(t.Nanosecond())), true
	case 'm':
		return t.Add(-time.Duration(t.Second())*time.Second - time.Duration(t.Nanosecond())), true
	case 's':
		return t.Add(-time.Duration(t.Nanosecond())), true
	}
	return t, false
}

// ParseZone reads a time zone: UTC, an offset, or a name of the time zone database.
func ParseZone(s string) (*time.Location, error) {
	if s == "" || s == "Z" || s == "UTC" {
		return time.UTC, nil
	}
	if z, ok := parseOffset(s); ok {
		return z, nil
	}
	z, ok := zones.Location(s)
	if !ok {
		return nil, wire.Illegal("failed to parse time_zone: unknown time-zone ID: %s", strconv.Quote(s))
	}
	return z, nil
}

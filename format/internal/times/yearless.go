package times

import (
	"time"
)

// Times in which the year stands last, stands before the time of day, or is missing. A time without a year is in the
// one that puts it at most twelve hours after the object was stored; when that is not known, there is a notation but no
// time.

// Any reads a text that is a time in any notation, also of syslog with a year, and nothing else.
func Any(b []byte) (time.Time, bool) {
	if t, ok := textTime(b); ok {
		return t, true
	}
	if t, n, dated, ok := BSD(b, time.Time{}); ok && dated && n == len(b) {
		return t, true
	}
	return american(b)
}

// american reads 03/05/2024 06:07:08.123, also with two digits of the year, as it is where nothing else is known: the
// month is first.
func american(b []byte) (time.Time, bool) {
	if len(b) < len("03/05/24 06:07:08") || b[2] != '/' || b[5] != '/' {
		return time.Time{}, false
	}
	year, century, at := b[6:8], "20", 9
	if b[8] != ' ' {
		year, century, at = b[6:10], "", 11
	}
	if b[at-1] != ' ' {
		return time.Time{}, false
	}
	month, day := b[:2], b[3:5]
	if string(month) > "12" {
		month, day = day, month
	}
	t, n := dated(b[at:], at, century, year, month, day)
	return t, n == len(b)
}

// BSD reads "Nov 24 10:11:12" as syslog has it, the day also with one digit, with a zero or behind two spaces; a year
// may stand before the time of day or behind it, and a fraction behind the seconds. It returns how many bytes it took,
// and whether there was a year.
func BSD(b []byte, stored time.Time) (t time.Time, size int, dated, ok bool) {
	if len(b) < len("Nov 4 10:11:12") || b[3] != ' ' {
		return t, 0, false, false
	}
	c := clock{month: monthNamed(b[:3])}
	if c.month == 0 {
		return t, 0, false, false
	}
	size = 4
	if b[size] == ' ' {
		size++
	}
	n := 0
	for n < 2 && isDigit(b[size+n]) {
		n++
	}
	c.day, ok = number(b[size:], n)
	if size += n; !ok || n == 0 || size >= len(b) || b[size] != ' ' {
		return t, 0, false, false
	}
	size++
	if year, isYear := number(b[size:], 4); isYear && len(b) > size+4 && b[size+4] == ' ' {
		c.year = year
		size += 5
	}
	n = c.timeOfDay(b[size:])
	if n == 0 {
		return t, 0, false, false
	}
	size += n
	return c.yearless(size, stored)
}

// DayFirst reads "24 Nov 2026 10:11:12.123", and the same without the year.
func DayFirst(b []byte, stored time.Time) (t time.Time, size int, dated, ok bool) {
	var c clock
	rest, ok := c.dayOfMonth(b)
	if !ok || len(rest) < len("Nov 10:11:12") || rest[3] != ' ' {
		return t, 0, false, false
	}
	if c.month = monthNamed(rest[:3]); c.month == 0 {
		return t, 0, false, false
	}
	rest = rest[4:]
	if year, isYear := number(rest, 4); isYear && len(rest) > 4 && rest[4] == ' ' {
		c.year, rest = year, rest[5:]
	}
	n := c.timeOfDay(rest)
	if n == 0 {
		return t, 0, false, false
	}
	return c.yearless(len(b)-len(rest)+n, stored)
}

// MonthDay reads "1124 10:11:12.123456", which has no year, and the same behind a year of four digits.
func MonthDay(b []byte, stored time.Time) (t time.Time, size int, dated, ok bool) {
	var c clock
	var ok1, ok2 bool
	year := 0
	if len(b) > 8 && b[8] == ' ' {
		c.year, _ = number(b, 4)
		b, year = b[4:], 4
	}
	c.month, ok1 = number(b, 2)
	if !ok1 || len(b) < len("1124 10:11:12") || b[4] != ' ' {
		return t, 0, false, false
	}
	c.day, ok2 = number(b[2:], 2)
	n := c.timeOfDay(b[5:])
	if !ok2 || n == 0 {
		return t, 0, false, false
	}
	return c.yearless(year+5+n, stored)
}

// yearless returns the time whose notation took so many bytes. A time that no clock shows is none.
func (c *clock) yearless(size int, stored time.Time) (time.Time, int, bool, bool) {
	if c.year > 0 {
		t, ok := c.time()
		return t, size, true, ok
	}
	c.year = 2000 // has every day
	if _, ok := c.time(); !ok {
		return time.Time{}, 0, false, false
	}
	if stored.IsZero() {
		return time.Time{}, size, false, true
	}
	t, ok := c.yearOf(stored)
	return t, size, false, ok
}

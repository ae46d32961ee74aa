package times

import (
	"bytes"
	"encoding/binary"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/internal/zones"
)

// The times that records carry, read without time.Parse, which costs several times as much for each record and asks the
// machine for its zone. A time without a zone is in Zoneless; one with a name that has no one meaning is in
// penstock.UnknownZone.

// Zoneless is the location of a time that was written without a zone. A record's time never has it: it becomes UTC, or
// the zone that a setting says.
var Zoneless = time.FixedZone("zoneless", 0)

// clock holds the parts of a time while it is read.
type clock struct {
	year, month, day, hour, minute, sec, nano int
	offset                                    int // seconds east of UTC
	zoned                                     bool
	hasName                                   bool
	name                                      zones.Zone
}

// time returns the instant, and whether the parts are a time that exists. A leap second is the first of the next
// minute.
func (c *clock) time() (time.Time, bool) {
	if c.year < 1 || c.month < 1 || c.month > 12 || c.day < 1 || c.day > daysIn(c.year, c.month) || c.hour > 23 ||
		c.minute > 59 || c.sec > 60 {
		return time.Time{}, false
	}
	secs := int64(daysSince1970(c.year, c.month, c.day))*86400 + int64(c.hour*3600+c.minute*60+c.sec-c.offset)
	t := time.Unix(secs, int64(c.nano)).UTC()
	switch {
	case !c.hasName && c.zoned:
		return t, true
	case !c.hasName:
		return t.In(Zoneless), true
	case !c.name.Known():
		return t.In(penstock.UnknownZone), true
	}
	return c.name.At(t).UTC(), true
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// daysSince1970 counts days in the Gregorian calendar; the year is not below 1.
func daysSince1970(year, month, day int) int {
	if month <= 2 {
		year--
		month += 12
	}
	return 365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - 1 - 719468
}

// number reads exactly n digits.
func number(b []byte, n int) (int, bool) {
	if len(b) < n {
		return 0, false
	}
	v := 0
	for _, c := range b[:n] {
		if !isDigit(c) {
			return 0, false
		}
		v = v*10 + int(c-'0')
	}
	return v, true
}

// isoTime reads yyyy-MM-dd, also with slashes, then, after T or one space, HH:mm:ss, then a fraction after a dot or a
// comma, then Z or an offset, directly or after a space. It returns how many bytes it took. Without a time of day it is
// midnight.
func isoTime(b []byte) (t time.Time, size int, ok bool) {
	if t, size = stamp(b); size > 0 {
		_, n := bracketedZone(b[size:])
		return t, size + n, true
	}
	if len(b) < 10 || b[4] != '-' && b[4] != '/' || b[7] != b[4] {
		return time.Time{}, 0, false
	}
	var c clock
	var ok1, ok2, ok3 bool
	c.year, ok1 = number(b, 4)
	c.month, ok2 = number(b[5:], 2)
	c.day, ok3 = number(b[8:], 2)
	if !ok1 || !ok2 || !ok3 {
		return time.Time{}, 0, false
	}
	size = 10
	if len(b) > 11 && (b[10] == 'T' || b[10] == ' ' || b[10] == 't') {
		if n := c.timeOfDay(b[11:]); n > 0 {
			size = 11 + n
			size += c.zone(b[size:])
		}
	}
	t, ok = c.time()
	return t, size, ok
}

// stamp reads the form that most records have, and that the engines take for a date as it is: yyyy-MM-ddTHH:mm:ss, a
// fraction of up to nine digits or none, and Z. It returns how many bytes it took, 0 when it is another form.
func stamp(b []byte) (t time.Time, size int) {
	if len(b) < len("yyyy-MM-ddTHH:mm:ssZ") || b[10] != 'T' {
		return time.Time{}, 0
	}
	ym := binary.LittleEndian.Uint64(b) ^ 0x2d30302d30303030       // "0000-00-"
	hms := binary.LittleEndian.Uint64(b[11:]) ^ 0x30303a30303a3030 // "00:00:00"
	d := uint64(binary.LittleEndian.Uint16(b[8:])) ^ 0x3030        // "00"
	// a byte is above 9, or above 0 where it must match
	odd := (ym + 0x7f76767f76767676) | (hms + 0x76767f76767f7676) | (d + 0x7676)
	if (odd|ym|hms|d)&highs != 0 {
		return time.Time{}, 0
	}
	pair := func(w uint64, at int) int { return int(w>>(8*at)&0xff)*10 + int(w>>(8*at+8)&0xff) }
	c := clock{
		year: 100*pair(ym, 0) + pair(ym, 2), month: pair(ym, 5), day: pair(d, 0),
		hour: pair(hms, 0), minute: pair(hms, 3), sec: pair(hms, 6), zoned: true,
	}
	size = 19
	if b[size] == '.' {
		size += c.fraction(b[size:])
		if size == 19 || size > 19+len(".999999999") {
			return time.Time{}, 0
		}
	}
	if size == len(b) || b[size] != 'Z' {
		return time.Time{}, 0
	}
	t, ok := c.time()
	if !ok || c.sec > 59 { // the engines know no leap second
		return time.Time{}, 0
	}
	return t, size + 1
}

// timeOfDay reads HH:mm:ss with an optional fraction and returns its length, 0 when there is none.
func (c *clock) timeOfDay(b []byte) int {
	if len(b) < 8 || b[2] != ':' || b[5] != ':' {
		return 0
	}
	var ok1, ok2, ok3 bool
	c.hour, ok1 = number(b, 2)
	c.minute, ok2 = number(b[3:], 2)
	c.sec, ok3 = number(b[6:], 2)
	if !ok1 || !ok2 || !ok3 {
		return 0
	}
	return 8 + c.fraction(b[8:])
}

// fraction reads .123 or ,123 and returns its length.
func (c *clock) fraction(b []byte) int {
	if len(b) < 2 || b[0] != '.' && b[0] != ',' || !isDigit(b[1]) {
		return 0
	}
	i, scale := 1, 100_000_000
	for ; i < len(b) && isDigit(b[i]); i++ {
		c.nano += int(b[i]-'0') * scale
		scale /= 10
	}
	return i
}

// zone reads the zone behind a time of day, directly or after a space, and returns its length: Z, +hh:mm, +hhmm, +hh, a
// name, UTC or GMT with an offset, and any of these with a name in brackets behind it, as Java writes them.
func (c *clock) zone(b []byte) int {
	space := 0
	if len(b) > 1 && b[0] == ' ' {
		space = 1
	}
	n := c.zoneOffset(b[space:], space == 1)
	if n == 0 {
		n = c.zoneName(b[space:])
	}
	size := 0
	if n > 0 {
		size = space + n
	}
	z, m := bracketedZone(b[size:])
	if n == 0 && m > 0 {
		c.name, c.hasName = z, true
	}
	c.zoned = size+m > 0
	return size + m
}

// bracketedZone reads a name in brackets, which Java writes behind a time with an offset, and returns its length.
func bracketedZone(b []byte) (z zones.Zone, size int) {
	if len(b) < 2 || b[0] != '[' {
		return z, 0
	}
	z, n := zones.Read(b[1:])
	if n == 0 || 1+n == len(b) || b[1+n] != ']' {
		return zones.Zone{}, 0
	}
	return z, n + 2
}

// zoneName reads the name of a zone. Behind UTC and GMT an offset may follow.
func (c *clock) zoneName(b []byte) int {
	z, n := zones.Read(b)
	if n == 0 {
		return 0
	}
	if n < len(b) && (b[n] == '+' || b[n] == '-') {
		if z != (zones.Zone{}) {
			return 0
		}
		m := c.zoneOffset(b[n:], false)
		if m == 0 && n+1 < len(b) && isDigit(b[n+1]) && (n+2 == len(b) || !isDigit(b[n+2])) {
			m, c.offset = 2, int(b[n+1]-'0')*3600
			if b[n] == '-' {
				c.offset = -c.offset
			}
		}
		return n + m
	}
	c.name, c.hasName = z, true
	return n
}

// zoneOffset reads Z, +hh:mm, +hhmm or +hh and returns its length. Behind a space it must not be the beginning of
// something else.
func (c *clock) zoneOffset(b []byte, spaced bool) int {
	if len(b) == 0 {
		return 0
	}
	if b[0] == 'Z' || b[0] == 'z' {
		if spaced && len(b) > 1 && b[1] != ' ' {
			return 0 // a word
		}
		return 1
	}
	if b[0] != '+' && b[0] != '-' {
		return 0
	}
	hours, ok := number(b[1:], 2)
	if !ok {
		return 0
	}
	size, minutes := 3, 0
	switch rest := b[3:]; {
	case len(rest) >= 3 && rest[0] == ':':
		if minutes, ok = number(rest[1:], 2); ok {
			size = 6
		}
	case len(rest) >= 2:
		if minutes, ok = number(rest, 2); ok {
			size = 5
		}
	}
	if spaced && size == 3 || minutes > 59 || hours*60+minutes > 18*60 {
		return 0 // " -12 items" is no zone, and neither is what no clock shows
	}
	c.offset = hours*3600 + minutes*60
	if b[0] == '-' {
		c.offset = -c.offset
	}
	return size
}

// clfTime reads the time of the common log format, 24/Nov/2026:10:11:12 +0100. Servers in Python write a space behind
// the date, and no zone.
func clfTime(b []byte) (time.Time, bool) {
	if len(b) < 20 || b[2] != '/' || b[6] != '/' || b[11] != ':' && b[11] != ' ' {
		return time.Time{}, false
	}
	var c clock
	var ok1, ok2 bool
	c.day, ok1 = number(b, 2)
	c.month = monthNamed(b[3:6])
	c.year, ok2 = number(b[7:], 4)
	n := c.timeOfDay(b[12:])
	if !ok1 || !ok2 || n == 0 {
		return time.Time{}, false
	}
	c.zone(b[12+n:])
	return c.time()
}

// syslogTime reads "Nov 24 10:11:12" or "Nov  4 10:11:12", which has no year: the one that puts it at most twelve hours
// after the object was stored. Without that date there is no telling, and no time.
func syslogTime(b []byte, stored time.Time) (time.Time, bool) {
	if len(b) < 15 || b[3] != ' ' || b[6] != ' ' {
		return time.Time{}, false
	}
	c := clock{month: monthNamed(b[:3])}
	digits := b[4:6]
	if digits[0] == ' ' {
		digits = digits[1:]
	}
	var ok bool
	if c.day, ok = number(digits, len(digits)); !ok || c.month == 0 || c.timeOfDay(b[7:]) == 0 || stored.IsZero() {
		return time.Time{}, false
	}
	return c.yearOf(stored)
}

// yearOf returns the time in the year that puts it at most twelve hours after the object was stored.
func (c *clock) yearOf(stored time.Time) (time.Time, bool) {
	latest := stored.UTC().Add(12 * time.Hour)
	// Eight years hold a leap year, also around a century that has none.
	for c.year = latest.Year(); c.year >= latest.Year()-8; c.year-- {
		if t, ok := c.time(); ok && !t.After(latest) {
			return t, true
		}
	}
	return time.Time{}, false
}

// monthNamed returns the number of a month by the first three letters of its English name, 0 for none.
func monthNamed(b []byte) int {
	switch string(b) {
	case "Jan":
		return 1
	case "Feb":
		return 2
	case "Mar":
		return 3
	case "Apr":
		return 4
	case "May":
		return 5
	case "Jun":
		return 6
	case "Jul":
		return 7
	case "Aug":
		return 8
	case "Sep":
		return 9
	case "Oct":
		return 10
	case "Nov":
		return 11
	case "Dec":
		return 12
	}
	return 0
}

// Epoch times are recognised by their size: between these, read as seconds, as thousandths of them and so on.
const (
	epochFrom = 631152000  // 1990
	epochTo   = 4102444800 // 2100
)

// epochTime reads seconds, milliseconds, microseconds or nanoseconds since 1970, with an optional fraction, and returns
// how many bytes it took.
func epochTime(b []byte) (t time.Time, size int, ok bool) {
	var v int64
	for ; size < len(b) && size < 19 && isDigit(b[size]); size++ {
		v = 10*v + int64(b[size]-'0')
	}
	if size < 9 || v < 0 || size == 19 && size < len(b) && isDigit(b[size]) {
		return time.Time{}, 0, false
	}
	if v >= epochFrom && v < epochTo && size == len(b) {
		return time.Unix(v, 0).UTC(), size, true
	}
	unit := int64(1) // of them make a second
	for v/unit >= epochTo {
		unit *= 1000
	}
	if unit > 1e9 || v/unit < epochFrom {
		return time.Time{}, 0, false
	}
	var c clock
	size += c.fraction(b[size:])
	perSecond := int64(time.Second) / unit
	return time.Unix(v/unit, v%unit*perSecond+int64(c.nano)/unit).UTC(), size, true
}

// exponentTime reads a number with an exponent, as Java and Ruby print large ones: 1.709618828123E9 is what
// 1709618828.123 is to [epochTime].
func exponentTime(b []byte) (t time.Time, size int, ok bool) {
	var digits [32]byte
	n, whole, point := 0, 0, false
	for ; size < len(b) && n < 20 && (isDigit(b[size]) || b[size] == '.' && !point); size++ {
		if b[size] == '.' {
			point = true
			continue
		}
		digits[n] = b[size]
		n++
		if !point {
			whole = n
		}
	}
	if n == 0 || size+1 >= len(b) || b[size]|0x20 != 'e' {
		return time.Time{}, 0, false
	}
	size++
	if b[size] == '+' {
		size++
	}
	exponent := 0
	for ; size < len(b) && isDigit(b[size]) && exponent < 100; size++ {
		exponent = 10*exponent + int(b[size]-'0')
	}
	if whole += exponent; whole > 19 {
		return time.Time{}, 0, false
	}
	for n < whole {
		digits[n] = '0'
		n++
	}
	copy(digits[whole+1:], digits[whole:n])
	digits[whole] = '.'
	t, _, ok = epochTime(digits[:n+1])
	return t, size, ok
}

// jsonTime reads the JSON value at b[0] as a time.
func jsonTime(b []byte) (time.Time, bool) {
	if isDigit(b[0]) {
		t, size, ok := epochTime(b)
		if !ok || isNumberByte(b[size]) {
			t, size, ok = exponentTime(b[:scalarEnd(b, 0)])
		}
		return t, ok && !isNumberByte(b[size])
	}
	if b[0] == '{' {
		return objectTime(b)
	}
	if b[0] != '"' {
		return time.Time{}, false
	}
	end := plain(b, 1)
	if b[end] != '"' {
		return time.Time{}, false // no time has escapes
	}
	return textTime(b[1:end])
}

// objectTime reads a time that is an object of seconds and nanoseconds, as Log4j and Protocol Buffers write it, or of a
// date, as MongoDB does.
func objectTime(b []byte) (t time.Time, ok bool) {
	i := skipSpaces(b, 1)
	for _, name := range [...]string{`"epochSecond"`, `"seconds"`, `"$date"`} {
		rest, is := bytes.CutPrefix(b[i:], []byte(name))
		if !is {
			continue
		}
		if i = skipSpaces(rest, 0); rest[i] != ':' {
			return t, false
		}
		value := rest[skipSpaces(rest, i+1):]
		if value[0] == '{' {
			return t, false
		}
		if t, ok = jsonTime(value); !ok || value[0] == '"' {
			return t, ok
		}
		rest = value[scalarEnd(value, 0):]
		for _, name := range [...]string{`"nanoOfSecond"`, `"nanos"`} {
			at := skipSpaces(rest, 0)
			if rest[at] != ',' {
				return t, true
			}
			nanos, is := bytes.CutPrefix(rest[skipSpaces(rest, at+1):], []byte(name))
			if at = skipSpaces(nanos, 0); !is || nanos[at] != ':' {
				continue
			}
			n := time.Duration(0)
			for at = skipSpaces(nanos, at+1); isDigit(nanos[at]) && n < time.Second; at++ {
				n = 10*n + time.Duration(nanos[at]-'0')
			}
			if n < time.Second {
				t = t.Add(n)
			}
			return t, true
		}
		return t, true
	}
	return t, false
}

func skipSpaces(b []byte, i int) int {
	for b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r' {
		i++
	}
	return i
}

func isNumberByte(c byte) bool {
	return isDigit(c) || c == '.' || c|0x20 == 'e' || c == '+' || c == '-'
}

// textTime reads a text that is a time and nothing else.
func textTime(b []byte) (time.Time, bool) {
	if t, size, ok := isoTime(b); ok && size == len(b) {
		return t, true
	}
	if t, size, ok := epochTime(b); ok && size == len(b) {
		return t, true
	}
	if t, ok := clfTime(bytes.Trim(b, "[]")); ok {
		return t, true
	}
	if t, size, ok := exponentTime(b); ok && size == len(b) {
		return t, true
	}
	return weekdayTime(b)
}

// weekdayTime reads a text that begins with the day of the week: as in RFC 1123, "Tue, 05 Mar 2024 06:07:08 GMT", with
// a comment in parentheses or not, or as date and ctime write it, "Tue Mar 5 06:07:08 CET 2024".
func weekdayTime(b []byte) (time.Time, bool) {
	if len(b) < len("Tue Mar  5 06:07:08 2024") || !isWeekday(b[:3]) {
		return time.Time{}, false
	}
	var c clock
	var ok bool
	rest := b[4:]
	if b[3] == ',' && rest[0] == ' ' {
		if rest, ok = c.dayOfMonth(rest[1:]); !ok || len(rest) < 9 {
			return time.Time{}, false
		}
		c.month = monthNamed(rest[:3])
		if c.year, ok = number(rest[4:], 4); !ok || rest[8] != ' ' {
			return time.Time{}, false
		}
		rest = rest[9:]
	} else {
		c.month = monthNamed(rest[:3])
		if rest, ok = c.dayOfMonth(bytes.TrimLeft(rest[3:], " ")); !ok {
			return time.Time{}, false
		}
		if year, isYear := number(rest, 4); isYear && rest[4] == ' ' { // as JavaScript writes it
			c.year, rest = year, rest[5:]
		}
	}
	n := c.timeOfDay(rest)
	if n == 0 {
		return time.Time{}, false
	}
	rest = rest[n:]
	if len(rest) == 4 && rest[0] == ':' { // milliseconds, as Redshift writes them
		if n, ok := number(rest[1:], 3); ok {
			c.nano, rest = n*1e6, rest[4:]
		}
	}
	if n := c.zone(rest); n > 0 {
		rest = rest[n:]
	} else if n := unknownZone(rest); n > 0 && c.year == 0 || n == len(rest) && n > 0 {
		c.name, c.hasName, rest = zones.Unknown(), true, rest[n:]
	}
	if c.year == 0 && len(rest) >= 5 && rest[0] == ' ' {
		if c.year, ok = number(rest[1:], 4); !ok {
			return time.Time{}, false
		}
		rest = rest[5:]
	}
	comment := bytes.HasPrefix(rest, []byte(" (")) && bytes.IndexByte(rest, ')') == len(rest)-1
	if len(rest) > 0 && !comment {
		return time.Time{}, false
	}
	return c.time()
}

// dayOfMonth reads one or two digits and a space behind them, and returns what follows.
func (c *clock) dayOfMonth(b []byte) ([]byte, bool) {
	n := bytes.IndexByte(b, ' ')
	if n < 1 || n > 2 {
		return nil, false
	}
	var ok bool
	c.day, ok = number(b, n)
	return b[n+1:], ok
}

// unknownZone returns the length of a space and a word in capitals, 0 for anything else.
func unknownZone(b []byte) int {
	n := 1
	for n < len(b) && b[n] >= 'A' && b[n] <= 'Z' {
		n++
	}
	if n < 3 || n > 6 || b[0] != ' ' {
		return 0
	}
	return n
}

func isWeekday(b []byte) bool {
	switch string(b) {
	case "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun":
		return true
	}
	return false
}

// quotedStamp reads a JSON string that is a [stamp] and nothing else.
func quotedStamp(b []byte) (time.Time, bool) {
	if b[0] != '"' {
		return time.Time{}, false
	}
	t, size := stamp(b[1:])
	return t, size > 0 && b[1+size] == '"'
}

// isDate reports whether the JSON value at b[0] is a text that the engines' default date mapping takes for what it
// means: strict_date_optional_time. A number is none: as the first value that an index sees it makes the field a
// number.
func isDate(b []byte) bool {
	if b[0] != '"' {
		return false
	}
	end := plain(b, 1)
	if b[end] != '"' {
		return false
	}
	text := b[1:end]
	_, size, ok := isoTime(text)
	return ok && size == len(text) && text[4] == '-' && len(bytes.Trim(text, "0123456789-:+.TZ")) == 0 && isStrict(text)
}

// isStrict reports whether an ISO time is without what the engines refuse in one: a leap second, and more than nine
// digits of a fraction.
func isStrict(text []byte) bool {
	const clock = len("yyyy-MM-ddTHH:mm:ss")
	if len(text) < clock {
		return true // a date alone
	}
	digits := 0
	for rest := text[clock:]; 1+digits < len(rest) && rest[0] == '.' && isDigit(rest[1+digits]); {
		digits++
	}
	return string(text[clock-2:clock]) != "60" && digits <= 9
}

package times

import (
	"bytes"
	"time"

	"github.com/seed56735111/penstock/internal/quote"
)

// File is what is known of a file whose lines have times before their messages.
type File struct {
	// Stored is when the file was stored: the year of times without one, and which of two readings of 03/05/2024 is meant,
	// follow from it.
	Stored time.Time
	// DayFirst says that the day stands before the month in 13/05/2024, MonthFirst that it is behind it.
	DayFirst, MonthFirst bool
}

// near is how long before a file was stored its times are, when nothing else tells day and month apart.
const near = 31 * 24 * time.Hour

// Leading reads the time that b begins with, in one of the notations in which programs write them before their
// messages: a date and a time of day, or a number of seconds. It returns how many bytes it took, 0 when there is none.
// The time is zero when nobody knows the year.
func (f *File) Leading(b []byte) (t time.Time, size int) {
	if len(b) < 12 {
		return t, 0
	}
	switch c := b[0]; {
	case isDigit(c):
		t, size = f.digits(b)
	case c|0x20 < 'a' || c|0x20 > 'z':
		return t, 0
	case isDigit(b[1]):
		t, size = f.klog(b)
	case b[3] == ' ' || b[3] == ',':
		if t, size = f.monthFirst(b); size == 0 && isWeekday(b[:3]) {
			t, size = leadingWeekday(b)
		}
	}
	if size == 0 || size < len(b) && isWordByte(b[size]) && !isSeverity(b[size:]) {
		return time.Time{}, 0
	}
	return t, size
}

// isSeverity reports whether a time is followed by a letter for how grave it is, as in 10:00:00.123456I | etcdserver.
func isSeverity(b []byte) bool {
	return len(b) > 2 && b[1] == ' ' && b[2] == '|' && bytes.IndexByte([]byte("CDEINTW"), b[0]) >= 0
}

func isWordByte(c byte) bool { return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'z' }

// digits reads a time that begins with a digit.
func (f *File) digits(b []byte) (time.Time, int) {
	n := 1
	for n < len(b) && isDigit(b[n]) {
		n++
	}
	if n == len(b) {
		return time.Time{}, 0
	}
	switch next := b[n]; {
	case n == 4 && (next == '-' || next == '/'):
		return yearFirst(b)
	case n == 2 && next == '/' && b[5] == '/' && b[8] == ' ':
		return dated(b[9:], 9, "20", b[:2], b[3:5], b[6:8]) // 24/03/05
	case n == 2 && next == '-' && b[5] == ' ':
		return f.logcat(b)
	case n <= 2 && (next == '/' || next == '-') && isDigit(b[n+1]):
		return f.slashes(b)
	case n == 2 && next == '.':
		return dotted(b)
	case n <= 2 && (next == '-' || next == '/' || next == ' '):
		return dayMonth(b, n)
	case n == 6 && next == ' ':
		if t, size := dated(b[7:], 7, "20", b[:2], b[2:4], b[4:6]); size > 0 {
			return t, size
		}
		return compactClock(b)
	case n == 8 && (next == ' ' || next == 'T' || next == '-'):
		if t, size := dated(b[9:], 9, "", b[:4], b[4:6], b[6:8]); size > 0 {
			return t, size
		}
		return compactISO(b)
	case n < 10:
		return time.Time{}, 0
	}
	t, size, ok := epochTime(b)
	if !ok || size == len(b) || !bytes.ContainsRune([]byte(" \t,]):|\""), rune(b[size])) {
		return time.Time{}, 0
	}
	return t, size
}

// logcat reads 03-05 06:07:08.123, the month and the day as Android writes them.
func (f *File) logcat(b []byte) (time.Time, int) {
	var c clock
	var ok1, ok2 bool
	c.month, ok1 = number(b, 2)
	c.day, ok2 = number(b[3:], 2)
	n := c.timeOfDay(b[6:])
	if !ok1 || !ok2 || n <= len("06:07:08") {
		return time.Time{}, 0
	}
	t, size, _, ok := c.yearless(6+n, f.Stored)
	if !ok {
		return time.Time{}, 0
	}
	return t, size
}

// dated reads the time of day in b, which stands at a position behind a date in digits.
func dated(b []byte, at int, century string, year, month, day []byte) (time.Time, int) {
	var c clock
	var ok1, ok2, ok3 bool
	c.year, ok1 = number(year, len(year))
	c.month, ok2 = number(month, len(month))
	c.day, ok3 = number(day, len(day))
	if century != "" {
		c.year += 2000
	}
	n := c.looseTime(b)
	if !ok1 || !ok2 || !ok3 || n == 0 {
		return time.Time{}, 0
	}
	n += c.zone(b[n:])
	return c.sized(at + n)
}

// sized returns the time and how many bytes it took, 0 when there is no such time.
func (c *clock) sized(n int) (time.Time, int) {
	t, ok := c.time()
	if !ok {
		return time.Time{}, 0
	}
	return t, n
}

// looseTime reads H:mm:ss or HH:mm:ss, the space that may stand for the first digit, a fraction, and AM or PM. It
// returns the length.
func (c *clock) looseTime(b []byte) int {
	start, n := 0, 0
	if len(b) > 0 && b[0] == ' ' {
		start = 1
	}
	if b = b[start:]; len(b) > 1 && isDigit(b[0]) && b[1] == ':' && len(b) >= 7 && b[4] == ':' {
		var ok1, ok2 bool
		c.hour = int(b[0] - '0')
		c.minute, ok1 = number(b[2:], 2)
		c.sec, ok2 = number(b[5:], 2)
		if !ok1 || !ok2 {
			return 0
		}
		n = 7 + c.fraction(b[7:])
	} else if n = c.timeOfDay(b); n == 0 || start == 1 {
		return 0
	}
	if rest := b[n:]; len(rest) >= 3 && rest[0] == ' ' && (rest[1]|0x20 == 'a' || rest[1]|0x20 == 'p') &&
		rest[2]|0x20 == 'm' &&
		(len(rest) == 3 || !isWordByte(rest[3])) && c.hour >= 1 && c.hour <= 12 {
		c.hour %= 12
		if rest[1]|0x20 == 'p' {
			c.hour += 12
		}
		n += 3
	}
	return start + n
}

// yearFirst reads 2024-03-05 06:07:08 with what stands between date and time in use, also where they are two fields,
// and 2024-Mar-05.
func yearFirst(b []byte) (time.Time, int) {
	if t, n, ok := isoTime(b); ok && n > len("2006-01-02") {
		return t, n
	}
	if len(b) < len("2006-01-02 06:07:08") {
		return time.Time{}, 0
	}
	c := clock{}
	c.year, _ = number(b, 4)
	rest := b[5:]
	month, size := rest[:2], 10
	if !isDigit(rest[0]) {
		month, size = rest[:3], 11
		c.month = monthNamed(month)
	} else {
		c.month, _ = number(month, 2)
	}
	var ok bool
	if c.day, ok = number(b[size-2:], 2); !ok || b[size-3] != b[4] {
		return time.Time{}, 0
	}
	switch rest = b[size:]; {
	case bytes.HasPrefix(rest, []byte(" time=")):
		size += len(" time=")
		if rest = b[size:]; len(rest) > 0 && rest[0] == '"' {
			size++
		}
	case bytes.HasPrefix(rest, []byte(" - ")):
		size += len(" - ") // gin
	case bytes.HasPrefix(rest, []byte("  ")):
		size += len("  ") // apt
	case rest[0] == ' ' || rest[0] == '_' || rest[0] == ',' || rest[0] == '\t' || rest[0] == 'T':
		size++
	default:
		return time.Time{}, 0
	}
	n := c.looseTime(b[size:])
	if n == 0 {
		return time.Time{}, 0
	}
	size += n
	return c.sized(size + c.zone(b[size:]))
}

// compactClock reads 240305 060708.
func compactClock(b []byte) (time.Time, int) {
	if len(b) < 14 || b[13] != ' ' {
		return time.Time{}, 0
	}
	return compact(b, "20", b[:2], b[2:4], b[4:6], b[7:13], 13)
}

// compactISO reads 20240305T060708Z.
func compactISO(b []byte) (time.Time, int) {
	if len(b) < 15 {
		return time.Time{}, 0
	}
	return compact(b, "", b[:4], b[4:6], b[6:8], b[9:15], 15)
}

func compact(b []byte, century string, year, month, day, hms []byte, size int) (time.Time, int) {
	var c clock
	v, ok := number(hms, 6)
	if !ok {
		return time.Time{}, 0
	}
	c.year, _ = number(year, len(year))
	c.month, _ = number(month, 2)
	c.day, _ = number(day, 2)
	if century != "" {
		c.year += 2000
	}
	c.hour, c.minute, c.sec = v/10000, v/100%100, v%100
	size += c.fraction(b[size:])
	return c.sized(size + c.zone(b[size:]))
}

// dotted reads 05.03.2024 06:07:08, in which the day is first.
func dotted(b []byte) (time.Time, int) {
	if len(b) < 18 || b[5] != '.' || b[10] != ' ' && b[10] != ',' {
		return time.Time{}, 0
	}
	return dated(b[11:], 11, "", b[6:10], b[3:5], b[:2])
}

// slashes reads 03/05/2024 06:07:08, also with a dash between them, or with dashes for the slashes. Which is the month
// is known of the file, or of a clock with AM and PM, or it is the first when that is shortly before the file was
// stored.
func (f *File) slashes(b []byte) (time.Time, int) {
	first, second, size, ok := slashed(b)
	if !ok {
		return time.Time{}, 0
	}
	dash := b[size-1] == '-'
	var c clock
	c.year, _ = number(b[size-5:], 4)
	n := c.looseTime(b[size:])
	if n == 0 {
		return time.Time{}, 0
	}
	size += n
	size += c.zone(b[size:])
	c.month, c.day = first, second
	switch half := b[size-1]|0x20 == 'm'; {
	case dash: // the fast logs of Suricata and Snort, whose month is first
	case first > 12 || f.DayFirst && second <= 12:
		c.month, c.day = second, first
	case second > 12 || first == second || f.MonthFirst || half:
	default:
		if t, ok := c.time(); !ok || t.After(f.Stored.Add(24*time.Hour)) || f.Stored.Sub(t) > near {
			return time.Time{}, 0
		}
		other := c
		other.month, other.day = second, first
		if t, ok := other.time(); ok && !t.After(f.Stored.Add(24*time.Hour)) && f.Stored.Sub(t) < near {
			return time.Time{}, 0 // both may be meant
		}
	}
	return c.sized(size)
}

// slashed reads the date 03/05/2024, or 03-05-2024, and what stands behind it, and returns its first two numbers and
// its length.
func slashed(b []byte) (first, second, size int, ok bool) {
	var n [2]int
	for i := range n {
		start := size
		for size < len(b) && isDigit(b[size]) && size-start < 2 {
			n[i] = 10*n[i] + int(b[size]-'0')
			size++
		}
		if size == start || size == len(b) || b[size] != '/' && b[size] != '-' || i > 0 && b[size] != b[start-1] {
			return 0, 0, 0, false
		}
		size++
	}
	if _, ok = number(b[size:], 4); !ok || len(b) <= size+5 {
		return 0, 0, 0, false
	}
	if size += 5; b[size-1] == ',' && b[size] == ' ' {
		size++
		return n[0], n[1], size, false
	}
	return n[0], n[1], size, b[size-1] == ' ' || b[size-1] == '-'
}

// Order takes note of what the date at the beginning of a line says about the order of day and month in its file.
func (f *File) Order(b []byte) {
	first, second, _, ok := slashed(b)
	f.DayFirst = f.DayFirst || ok && first > 12 && second <= 12
	f.MonthFirst = f.MonthFirst || ok && second > 12 && first <= 12
}

// dayMonth reads 05-Mar-2024 06:07:08, 05/Mar/2024:06:07:08 +0000 and 05 Mar 2024 06:07:08, of which the day has n
// digits.
func dayMonth(b []byte, n int) (time.Time, int) {
	at := n + 1
	if len(b) < at+17 || b[at+3] != b[n] {
		return time.Time{}, 0
	}
	var c clock
	var ok bool
	c.day, _ = number(b, n)
	c.month = monthNamed(b[at : at+3])
	if c.year, ok = number(b[at+4:], 4); !ok || c.month == 0 || b[at+8] != ' ' && b[at+8] != ':' {
		return time.Time{}, 0
	}
	at += 9
	m := c.looseTime(b[at:])
	if m == 0 {
		return time.Time{}, 0
	}
	at += m
	return c.sized(at + c.zone(b[at:]))
}

// klog reads I0305 06:07:08.123456, which has no year.
func (f *File) klog(b []byte) (time.Time, int) {
	date, ok := number(b[1:], 4)
	if !ok || bytes.IndexByte([]byte("IWEFD"), b[0]) < 0 || b[5] != ' ' {
		return time.Time{}, 0
	}
	c := clock{month: date / 100, day: date % 100}
	n := c.timeOfDay(b[6:])
	if n == 0 {
		return time.Time{}, 0
	}
	return c.guessed(f.Stored, 6+n)
}

// guessed returns the time with the year that puts it at most twelve hours after the file was stored, or no time when
// nobody knows that, and its size.
func (c *clock) guessed(stored time.Time, size int) (time.Time, int) {
	if stored.IsZero() {
		c.year = 2024 // which has all days
		if _, ok := c.time(); !ok {
			return time.Time{}, 0
		}
		return time.Time{}, size
	}
	t, ok := c.yearOf(stored)
	if !ok {
		return time.Time{}, 0
	}
	return t, size
}

// monthFirst reads "Mar  5 06:07:08", "Mar 05 2024 06:07:08" and "Mar 05, 2024 6:07:08 AM".
func (f *File) monthFirst(b []byte) (time.Time, int) {
	c := clock{month: monthNamed(b[:3])}
	if c.month == 0 || b[3] != ' ' {
		return time.Time{}, 0
	}
	i := 4
	if b[i] == ' ' {
		i++
	}
	for ; i < len(b) && isDigit(b[i]) && c.day < 10; i++ {
		c.day = 10*c.day + int(b[i]-'0')
	}
	if i < len(b) && b[i] == ',' {
		i++
	}
	if i >= len(b) || b[i] != ' ' || c.day == 0 {
		return time.Time{}, 0
	}
	i++
	if year, ok := number(b[i:], 4); ok && len(b) > i+4 && b[i+4] == ' ' {
		c.year = year
		i += 5
	}
	n := c.looseTime(b[i:])
	if n == 0 {
		return time.Time{}, 0
	}
	i += n
	if c.year == 0 {
		return c.guessed(f.Stored, i)
	}
	return c.sized(i + c.zone(b[i:]))
}

// leadingWeekday reads "Tue Mar 05 06:07:08.123 UTC 2024" and "Tue, 05 Mar 2024 06:07:08 GMT".
func leadingWeekday(b []byte) (time.Time, int) {
	head := b[:min(len(b), 48)]
	// It ends behind the year, or behind the zone: what is longest is tried first.
	for end := len(head); end >= len("Tue Mar  5 06:07:08 2024"); end-- {
		if end < len(head) && isWordByte(head[end]) || !isWordByte(head[end-1]) {
			continue
		}
		if t, ok := weekdayTime(head[:end]); ok {
			return t, end
		}
	}
	return time.Time{}, 0
}

// Clip is how many bytes of a line are looked through for its time.
const Clip = 64

// Starts yields the positions of a line at which a time may begin, with their numbers: where words and values do.
func Starts(line []byte, yield func(n, at int) bool) {
	n := 0
	for i := 0; i < min(len(line), Clip); i++ {
		if i > 0 && !isBefore(line[i-1]) || isBefore(line[i]) || quote.IsSpace(line[i]) {
			continue
		}
		if !yield(n, i) {
			return
		}
		n++
	}
}

// isBefore reports whether a word or a value may begin behind this byte.
func isBefore(c byte) bool {
	switch c {
	case ' ', '\t', '[', '(', '"', '\'', '<', '>', '|', '=', ',', ';':
		return true
	}
	return false
}

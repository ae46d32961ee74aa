package shape

import (
	"strings"
	"time"
	"unicode/utf8"
)

// date is what a name says of a time, and how long that lasts.
type date struct {
	parts [6]int // from the year to the second
	lasts time.Duration
}

func (d *date) time() time.Time {
	p := &d.parts
	return time.Date(p[0], time.Month(p[1]), p[2], p[3], p[4], p[5], 0, time.UTC)
}

// exists reports whether there is such a day and hour: time.Date moves the 31st of November to December.
func (d *date) exists() bool {
	t := d.time()
	p := &d.parts
	return t.Year() == p[0] && int(t.Month()) == p[1] && t.Day() == p[2] && t.Hour() == p[3]
}

// notation reads a date that begins at s[i], and returns where it ends, 0 for none. No digit follows it.
type notation func(s string, i int) (d date, end int)

// notations are the dates that names of log files carry, the most exact first.
var notations = [...]notation{instant, dashed, partition, folders, compact}

// last returns the last date of a notation in a name that exists. Neither before nor behind a date is a digit, and what
// stands between two of them is more than one character.
func last(name string, read notation) (found date, ok bool) {
	free := 0 // where the one character before a date may be
	for i := 0; i < len(name); i++ {
		if c := name[i]; c != '1' && c != '2' && c != 'y' || i > 0 && (i == free || isDigit(name[i-1])) {
			continue
		}
		d, end := read(name, i)
		if end == 0 {
			continue
		}
		if d.exists() {
			found, ok = d, true
		}
		_, size := utf8.DecodeRuneInString(name[end:])
		free = end + size
		i = max(free, i+1) - 1
	}
	return found, ok
}

// instant reads 20261124T1005Z, also with seconds or without the Z.
func instant(s string, i int) (d date, end int) {
	if i = d.days(s, i, ""); i == 0 || !at(s, i, 'T') || !d.two(3, s, i+1, '2') || !d.two(4, s, i+3, '5') {
		return d, 0
	}
	i += 5
	d.lasts = time.Minute
	if d.two(5, s, i, '6') {
		i, d.lasts = i+2, time.Second
	}
	if at(s, i, 'Z') && ends(s, i+1) {
		i++
	}
	return d, ended(s, i)
}

// dashed reads 2026-11-24, also with an hour, a minute and a second behind it: 2026-11-24-10, 2026-11-24T10:05.
func dashed(s string, i int) (d date, end int) {
	day := d.days(s, i, "-")
	if day == 0 {
		return d, 0
	}
	if day < len(s) && (s[day] == '-' || s[day] == 'T' || s[day] == '_') && d.two(3, s, day+1, '2') {
		hour := day + 3
		if n := d.more(4, s, hour, '5'); n > 0 {
			d.lasts = time.Second
			if end := d.more(5, s, n, '6'); end > 0 && ends(s, end) {
				return d, end
			}
			d.parts[5], d.lasts = 0, time.Minute
			if ends(s, n) {
				return d, n
			}
			d.parts[4] = 0
		}
		d.lasts = time.Second
		if end := d.more(5, s, hour, '6'); end > 0 && ends(s, end) {
			return d, end
		}
		d.parts[5], d.lasts = 0, time.Hour
		if ends(s, hour) {
			return d, hour
		}
	}
	d.parts[3], d.lasts = 0, 24*time.Hour
	return d, ended(s, day)
}

// partition reads year=2026/month=11/day=24, also with an hour.
func partition(s string, i int) (d date, end int) {
	const year, month, day, hour = "year=", "/month=", "/day=", "/hour="
	if !strings.HasPrefix(s[i:], year) || !d.year(s, i+len(year)) {
		return d, 0
	}
	i += len(year) + 4
	for n, name := range [...]string{month, day} {
		if !strings.HasPrefix(s[i:], name) {
			return d, 0
		}
		if i = d.short(1+n, s, i+len(name), "13"[n]); i == 0 {
			return d, 0
		}
	}
	if !ends(s, i) {
		return d, 0
	}
	d.lasts = 24 * time.Hour
	if strings.HasPrefix(s[i:], hour) {
		if end := d.short(3, s, i+len(hour), '2'); end > 0 && ends(s, end) {
			d.lasts = time.Hour
			return d, end
		}
		d.parts[3] = 0
	}
	return d, i
}

// folders reads 2026/11/24, also with an hour.
func folders(s string, i int) (d date, end int) {
	if i = d.days(s, i, "/"); i == 0 {
		return d, 0
	}
	d.lasts = 24 * time.Hour
	if at(s, i, '/') && d.two(3, s, i+1, '2') {
		if ends(s, i+3) {
			d.lasts = time.Hour
			return d, i + 3
		}
		d.parts[3] = 0
	}
	return d, ended(s, i)
}

// compact reads 20261124.
func compact(s string, i int) (d date, end int) {
	d.lasts = 24 * time.Hour
	return d, ended(s, d.days(s, i, ""))
}

// days reads a year, a month and a day with something between them, and returns where they end, 0 when they are none.
func (d *date) days(s string, i int, between string) int {
	if !d.year(s, i) || !strings.HasPrefix(s[i+4:], between) {
		return 0
	}
	i += 4 + len(between)
	if !d.two(1, s, i, '1') || !strings.HasPrefix(s[i+2:], between) {
		return 0
	}
	i += 2 + len(between)
	if !d.two(2, s, i, '3') {
		return 0
	}
	return i + 2
}

// year reads one of this century or the last.
func (d *date) year(s string, i int) bool {
	if len(s) < i+4 || s[i:i+2] != "19" && s[i:i+2] != "20" || !isDigit(s[i+2]) || !isDigit(s[i+3]) {
		return false
	}
	for _, c := range []byte(s[i : i+4]) {
		d.parts[0] = d.parts[0]*10 + int(c-'0')
	}
	return true
}

// two reads two digits, of which the first is at most tens.
func (d *date) two(part int, s string, i int, tens byte) bool {
	if len(s) < i+2 || !isDigit(s[i]) || s[i] > tens || !isDigit(s[i+1]) {
		return false
	}
	d.parts[part] = int(s[i]-'0')*10 + int(s[i+1]-'0')
	return true
}

// more reads two digits, with something before them or not, and returns where they end, 0 when they are none.
func (d *date) more(part int, s string, i int, tens byte) int {
	if at(s, i, '-') || at(s, i, ':') || at(s, i, '_') {
		i++
	}
	if !d.two(part, s, i, tens) {
		return 0
	}
	return i + 2
}

// short reads one digit or two, and returns where they end, 0 when they are none.
func (d *date) short(part int, s string, i int, tens byte) int {
	switch {
	case d.two(part, s, i, tens):
		return i + 2
	case len(s) <= i || !isDigit(s[i]):
		return 0
	}
	d.parts[part] = int(s[i] - '0')
	return i + 1
}

func at(s string, i int, c byte) bool { return i < len(s) && s[i] == c }

// ends reports whether no digit follows.
func ends(s string, i int) bool { return i == len(s) || !isDigit(s[i]) }

// ended returns where a date ends behind which there is no digit, 0 otherwise.
func ended(s string, i int) int {
	if !ends(s, i) {
		return 0
	}
	return i
}

func isDigit(c byte) bool { return c-'0' < 10 }

// rotatedAt returns where the date begins that rotation has put behind the whole name of a file, with what stands
// before it: app.log-20261127, app.log.2026-11-27.1, with or without compression. It is -1 for none.
func rotatedAt(name string) int {
	for i := range len(name) {
		if c := name[i]; c != '-' && c != '_' && c != '.' {
			continue
		}
		var d date
		if !d.year(name, i+1) {
			continue
		}
		month := dash(name, i+5)
		if !d.two(1, name, month, '1') {
			continue
		}
		day := dash(name, month+2)
		if d.two(2, name, day, '3') && isMark(name[day+2:]) {
			return i
		}
	}
	return -1
}

// dash returns the position behind a dash at i, or i when there is none.
func dash(s string, i int) int {
	if at(s, i, '-') {
		i++
	}
	return i
}

// isMark reports whether a text is the rest of a date and a number, and perhaps an extension.
func isMark(s string) bool {
	const more = "-_.:TZ0123456789"
	if strings.Trim(s, more) == "" {
		return true
	}
	dot := strings.LastIndexByte(s, '.')
	if dot < 0 || strings.Trim(s[:dot], more) != "" {
		return false
	}
	for i, c := range []byte(s[dot+1:]) {
		if (c|0x20 < 'a' || c|0x20 > 'z') && (i == 0 || !isDigit(c)) {
			return false
		}
	}
	return len(s) > dot+1
}

package shape

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/seed56735111/penstock"
)

// Where the time of a record that has none comes from, as "penstock.time_from" says.
const (
	fromName   = "name"   // a date in the object's or archive member's name
	fromStored = "stored" // when the object was stored
)

// fallback is the time for records that carry none, where it is from, and whether it may choose an index.
type fallback struct {
	at    time.Time
	from  string
	dated bool
}

// dateOf returns the time for records of an object that carry none. It never is the time of reading: the same record
// must go to the same index whenever it is read. So what a file gets when it grows or is rotated, the time at which it
// was written to and a date behind its name, is no date for an index.
func dateOf(id penstock.Identity, entry string) fallback {
	for _, name := range []string{entry, id.Key} {
		if t, ok := dateInName(name); ok {
			return fallback{t, fromName, name == entry || !id.IsFile() || isOwnDate(id.Key, t)}
		}
	}
	if sound(id.Modified) {
		return fallback{id.Modified, fromStored, !id.IsFile()}
	}
	return fallback{}
}

// rotated is a date that rotation has put behind the whole name of a file: app.log-20261127, app.log.2026-11-27.1, with
// or without compression.
var rotated = regexp.MustCompile(`[-_.](?:19|20)\d\d-?[01]\d-?[0-3]\d[-_.:T0-9Z]*(?:\.[A-Za-z][0-9A-Za-z]*)?$`)

// isOwnDate reports whether the name of a file has the date also without what rotation puts behind it.
func isOwnDate(name string, date time.Time) bool {
	dir, base := path.Split(name)
	if end := rotated.FindStringIndex(base); end != nil && !isExtension(base[end[0]:]) {
		base = base[:end[0]]
	}
	t, ok := dateInName(dir + base)
	return ok && t.Equal(date)
}

// isExtension reports whether a date is followed by the extension of what it names: the one of app-20261127.log, but
// not that of app.log-20261127.gz.
func isExtension(mark string) bool {
	switch path.Ext(mark) {
	case ".gz", ".zst", ".bz2", ".xz", ".lz4", ".sz", ".snappy", ".Z":
		return false
	}
	last := path.Ext(mark)
	return len(last) > 1 && (last[1]|0x20 >= 'a' && last[1]|0x20 <= 'z')
}

// stamps are the dates that names of log files carry, the most exact first: 20261124T1005Z, 2026-11-24-10,
// year=2026/month=11/day=24, 2026/11/24/10, 20261124.
var stamps = []*regexp.Regexp{
	regexp.MustCompile(`(?:^|[^0-9])((?:19|20)\d\d)([01]\d)([0-3]\d)T([0-2]\d)([0-5]\d)([0-6]\d)?Z?(?:$|[^0-9])`),
	regexp.MustCompile(`(?:^|[^0-9])((?:19|20)\d\d)-([01]\d)-([0-3]\d)` +
		`(?:[-T_]([0-2]\d)(?:[-:_]?([0-5]\d))?(?:[-:_]?([0-6]\d))?)?(?:$|[^0-9])`),
	regexp.MustCompile(`(?:^|[^0-9])year=((?:19|20)\d\d)/month=([01]?\d)/day=([0-3]?\d)(?:/hour=([0-2]?\d))?(?:$|[^0-9])`),
	regexp.MustCompile(`(?:^|[^0-9])((?:19|20)\d\d)/([01]\d)/([0-3]\d)(?:/([0-2]\d))?(?:$|[^0-9])`),
	regexp.MustCompile(`(?:^|[^0-9])((?:19|20)\d\d)([01]\d)([0-3]\d)(?:$|[^0-9])`),
}

// dateInName finds a date in a name, which is UTC. What stands in the last part of a path goes before what stands in a
// folder.
func dateInName(name string) (time.Time, bool) {
	at, _, ok := DateInName(name)
	return at, ok
}

// DateInName finds the date in the name of an object, which is UTC, and how long it lasts: a name that ends with the
// day is of the whole day.
func DateInName(name string) (at time.Time, lasts time.Duration, ok bool) {
	for _, text := range []string{path.Base(name), name} {
		for _, stamp := range stamps {
			for _, match := range slices.Backward(stamp.FindAllStringSubmatch(text, -1)) {
				if at, ok = dateParts(match[1:]); ok {
					return at, lengthOf(match[1:]), true
				}
			}
		}
	}
	return at, 0, false
}

// lengthOf is how long a date lasts whose parts are the digits.
func lengthOf(digits []string) time.Duration {
	units := []time.Duration{0, 0, 24 * time.Hour, time.Hour, time.Minute, time.Second}
	for i := min(len(digits), len(units)) - 1; i > 2; i-- {
		if digits[i] != "" {
			return units[i]
		}
	}
	return units[2]
}

// dateParts puts a date together from its digits; parts that are missing are zero.
func dateParts(digits []string) (time.Time, bool) {
	var n [6]int
	for i := range min(len(digits), len(n)) {
		if digits[i] != "" {
			n[i], _ = strconv.Atoi(digits[i]) // the expression matched digits only
		}
	}
	t := time.Date(n[0], time.Month(n[1]), n[2], n[3], n[4], n[5], 0, time.UTC)
	// time.Date moves the 31st of November to December: such a date is none.
	return t, t.Year() == n[0] && int(t.Month()) == n[1] && t.Day() == n[2] && t.Hour() == n[3]
}

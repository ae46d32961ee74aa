package shape

import (
	"path"
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

// isOwnDate reports whether the name of a file has the date also without what rotation puts behind it.
func isOwnDate(name string, date time.Time) bool {
	dir, base := path.Split(name)
	if at := rotatedAt(base); at >= 0 && !isExtension(base[at:]) {
		base = base[:at]
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

// dateInName finds a date in a name, which is UTC. What stands in the last part of a path goes before what stands in a
// folder.
func dateInName(name string) (time.Time, bool) {
	at, _, ok := DateInName(name)
	return at, ok
}

// DateInName finds the date in the name of an object, which is UTC, and how long it lasts: a name that ends with the
// day is of the whole day.
func DateInName(name string) (at time.Time, lasts time.Duration, ok bool) {
	for _, text := range [...]string{path.Base(name), name} {
		for _, notation := range notations {
			if d, ok := last(text, notation); ok {
				return d.time(), d.lasts, true
			}
		}
	}
	return at, 0, false
}

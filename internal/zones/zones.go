// Package zones knows the time zones that logs name: abbreviations with one meaning everywhere, and the names of the
// IANA data, which is linked in. The machine's own zone and its zone data never take part, so that a record has the
// same time wherever it is read.
package zones

import (
	"archive/zip"
	"bytes"
	_ "embed"
	"io"
	"strings"
	"sync"
	"time"
)

//go:generate sh -c "cp \"$(go env GOROOT)/lib/time/zoneinfo.zip\" zoneinfo.zip"

//go:embed zoneinfo.zip
var data []byte

// Zone is the meaning of a name: the zero value is UTC.
type Zone struct {
	minutes  int // east of UTC, of an abbreviation
	location *time.Location
	unknown  bool
}

// Known reports whether the name has one meaning. The other ones mean several zones (CST), or none that the data has.
func (z Zone) Known() bool { return !z.unknown }

// At returns the instant at which clocks in the zone show the date and time of day that clock has in UTC. Of an hour
// that comes twice it is the first one; in an hour that is left out the clock goes on as before. A name that is not
// known leaves clock as it is.
func (z Zone) At(clock time.Time) time.Time {
	if z.location == nil {
		return clock.Add(time.Duration(-z.minutes) * time.Minute)
	}
	// No zone changes twice within two days.
	before := clock.Add(-offset(clock.Add(-24*time.Hour), z.location))
	after := clock.Add(-offset(clock.Add(24*time.Hour), z.location))
	if offset(before, z.location) != clock.Sub(before) && offset(after, z.location) == clock.Sub(after) {
		return after
	}
	return before
}

func offset(at time.Time, l *time.Location) time.Duration {
	_, seconds := at.In(l).Zone()
	return time.Duration(seconds) * time.Second
}

// longest is the length of the longest name in the data, and more than that of the others.
const longest = 40

// Read reads the name of a zone at the beginning of b and returns its length, 0 when there is none. A word is a name
// when it is an abbreviation that is in use somewhere, or looks like "Europe/Berlin". The name goes as far as such
// names can.
func Read(b []byte) (z Zone, size int) {
	for size < len(b) && isLetter(b[size]) {
		size++
	}
	if size == len(b) || b[size] != '/' {
		if size > 5 || size < len(b) && isNameByte(b[size]) && b[size] != '+' && b[size] != '-' {
			return Zone{}, 0
		}
		z, ok := abbreviation(string(b[:size]))
		if !ok {
			return Zone{}, 0
		}
		return z, size
	}
	area := b[:size]
	for size < len(b) && isNameByte(b[size]) {
		if size++; size > longest {
			return Zone{}, 0
		}
	}
	if l := named(b[:size]); l != nil {
		return Zone{location: l}, size
	}
	if isArea(string(area)) {
		return Zone{unknown: true}, size
	}
	return Zone{}, 0
}

// Of returns the zone of a location.
func Of(l *time.Location) Zone { return Zone{location: l} }

// Unknown is a zone that nobody knows.
func Unknown() Zone { return Zone{unknown: true} }

// Location returns the zone that the IANA data has under a name.
func Location(name string) (*time.Location, bool) {
	if name == "UTC" { // which is what most ask for: the data need not be opened for it
		return time.UTC, true
	}
	l := named([]byte(name))
	return l, l != nil
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func isNameByte(c byte) bool {
	return isLetter(c) || c >= '0' && c <= '9' || c == '/' || c == '_' || c == '-' || c == '+'
}

// isArea reports whether names of zones in the data begin with this and a slash.
func isArea(s string) bool {
	switch s {
	case "Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia",
		"Europe", "Etc", "Indian", "Pacific":
		return true
	}
	return false
}

// abbreviation returns the zone of an abbreviation. The table holds those that mean one offset wherever they are in
// use; a test compares it with the data. What is ambiguous there, or in what Java and PostgreSQL print, has no meaning
// here.
func abbreviation(name string) (z Zone, ok bool) {
	switch name {
	case "UTC", "UT", "UCT", "GMT", "WET":
		return Zone{}, true
	case "CET", "MET", "WEST", "WAT":
		return Zone{minutes: 60}, true
	case "CEST", "MEST", "EET", "CAT", "SAST":
		return Zone{minutes: 120}, true
	case "EEST", "IDT", "EAT":
		return Zone{minutes: 180}, true
	case "MSK": // +04 from 2011 to 2014
		return Zone{location: named([]byte("Europe/Moscow"))}, true
	case "MSD":
		return Zone{minutes: 240}, true
	case "PKT":
		return Zone{minutes: 300}, true
	case "PKST":
		return Zone{minutes: 360}, true
	case "WIB":
		return Zone{minutes: 420}, true
	case "AWST", "HKT", "SGT", "WITA":
		return Zone{minutes: 480}, true
	case "AWDT", "JST", "WIT":
		return Zone{minutes: 540}, true
	case "ACST":
		return Zone{minutes: 570}, true
	case "AEST", "ChST":
		return Zone{minutes: 600}, true
	case "ACDT":
		return Zone{minutes: 630}, true
	case "AEDT":
		return Zone{minutes: 660}, true
	case "NZST":
		return Zone{minutes: 720}, true
	case "NZDT":
		return Zone{minutes: 780}, true
	case "NDT":
		return Zone{minutes: -150}, true
	case "EDT":
		return Zone{minutes: -240}, true
	case "EST":
		return Zone{minutes: -300}, true
	case "MDT":
		return Zone{minutes: -360}, true
	case "MST", "PDT":
		return Zone{minutes: -420}, true
	case "AKDT":
		return Zone{minutes: -480}, true
	case "AKST", "HDT":
		return Zone{minutes: -540}, true
	case "HST":
		return Zone{minutes: -600}, true
	case "ADT", "AST", // Atlantic, Arabia
		"BST",        // Britain, Bangladesh, Bougainville
		"CDT", "CST", // Central, Cuba, China
		"GST", // the Gulf, Guam, South Georgia
		"IST", // India, Ireland, Israel
		"KST", // Seoul, Pyongyang
		"NST", // Newfoundland, Nepal
		"PST", // Pacific, the Philippines
		"SST": // Samoa, Singapore
		return Zone{unknown: true}, true
	}
	return Zone{}, false
}

// table is the zone data by name, read when the first name is asked for. Its locations are made once each.
type table struct {
	mu        sync.RWMutex
	files     map[string]*zip.File
	locations map[string]*time.Location
}

var zoneinfo = sync.OnceValue(func() *table {
	t := &table{files: map[string]*zip.File{}, locations: map[string]*time.Location{}}
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		panic("linked zone data: " + err.Error())
	}
	for _, f := range r.File {
		if !strings.HasSuffix(f.Name, "/") {
			t.files[f.Name] = f
		}
	}
	return t
})

// named returns the location of an IANA name, nil when the data has none.
func named(name []byte) *time.Location {
	t := zoneinfo()
	t.mu.RLock()
	l, seen := t.locations[string(name)]
	t.mu.RUnlock()
	f := t.files[string(name)]
	if seen || f == nil {
		return l
	}
	l = load(f)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.locations[f.Name] = l
	return l
}

func load(f *zip.File) *time.Location {
	r, err := f.Open()
	if err != nil {
		panic("linked zone data: " + err.Error())
	}
	defer func() { _ = r.Close() }()
	b, err := io.ReadAll(r)
	if err != nil {
		panic("linked zone data: " + err.Error())
	}
	l, err := time.LoadLocationFromTZData(f.Name, b)
	if err != nil {
		panic("linked zone data: " + err.Error())
	}
	return l
}

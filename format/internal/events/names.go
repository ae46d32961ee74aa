package events

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format/internal/times"
	"github.com/seed56735111/penstock/internal/quote"
)

// hashName hashes the name b[start:end] and tells whether it has a dot. Names of up to eight bytes have different
// hashes; longer ones are compared when theirs are the same.
func hashName(b []byte, start, end int) (hash uint64, dotted bool) {
	const k = 0x9E3779B97F4A7C15
	w := binary.LittleEndian.Uint64(b[start:])
	n := end - start
	if n < 8 {
		w &= 1<<(8*uint(n)) - 1
		return w * k, hasDot(w)
	}
	tail := binary.LittleEndian.Uint64(b[end-8:])
	hash = (w ^ (tail*k + uint64(n))) * k
	if n <= 16 {
		return hash, hasDot(w) || hasDot(tail)
	}
	return hash, bytes.IndexByte(b[start:end], '.') >= 0
}

func hasDot(w uint64) bool {
	x := w ^ '.'*quote.Ones
	return (x-quote.Ones)&^x&quote.Highs != 0
}

// compare looks for a name that equals b[start:end] in the current object. Whether it is one or a path through it, the
// rewriter decides what happens.
func (s *scanner) compare(b []byte, cur frame, names, start, end int, hash uint64) {
	for _, r := range s.names[cur.first:names] {
		if r.hash == hash && bytes.Equal(b[r.start:r.end], b[start:end]) {
			s.trouble |= sameName
			return
		}
	}
}

// dottedName remembers a name with dots and the paths it goes through: none of them may be the name of a sibling.
func (s *scanner) dottedName(b []byte, cur *frame, names, start, end int) int {
	if !soundPath(b[start:end], len(s.frames)+1) {
		s.trouble |= oddName
	}
	for at := start; at <= end; at++ {
		prefix := at < end
		if prefix && b[at] != '.' {
			continue
		}
		hash, _ := hashName(b, start, at)
		if names == maxNames {
			s.trouble |= manyNames
			return names
		}
		for _, r := range s.names[cur.first:names] {
			if r.hash == hash && (!r.prefix || !prefix) && bytes.Equal(b[r.start:r.end], b[start:at]) {
				s.trouble |= sameName
			}
		}
		cur.seen |= 1 << (hash >> 58)
		//nolint:gosec // a window is below 2 GiB
		s.names[names] = nameRef{hash: hash, start: int32(start), end: int32(at), prefix: prefix}
		names++
	}
	return names
}

// soundPath reports whether every part of a dotted name in an object of this depth has something visible in it, and
// there are not too many: the mapper refuses the others.
func soundPath(name []byte, depth int) bool {
	for part := range bytes.SplitSeq(name, []byte{'.'}) {
		if isBlank(part) || depth > maxLevels {
			return false
		}
		depth++
	}
	return true
}

func isBlank(name []byte) bool {
	for len(name) > 0 {
		r, size := utf8.DecodeRune(name)
		if !unicode.IsSpace(r) {
			return false
		}
		name = name[size:]
	}
	return true
}

// timeFields are the top-level names that are taken for the time of a record of any format, the best one first. A
// format has its own before them.
var timeFields = []string{
	"@timestamp", "timestamp", "time", "eventTime", "ts", "datetime", "date", "event_time", "query_timestamp",
	"Timestamp", "Time", "start_time", "start", "created_at", "asctime", "@t", "_time",
	"timeMillis", "instant", "published", "requestTime", "startTime", "startTimestamp", "timestamp_ms", "event_timestamp",
	"eventTimestamp", "requestReceivedTimestamp", "timestamp(ms)", "__REALTIME_TIMESTAMP", "dateTime", "time_stamp",
	"EventTime", "EdgeStartTimestamp", "TimeGenerated", "StartUTC", "createdDateTime",
	"time_local", "time_iso8601", "TimeCreated", "CreationTime", "createdAt", "occurredAt", "log_time", "logged_at",
	"unixTime", "updatedAt", "UpdatedAt", "CreatedAt",
}

// The ranks of names: below maxTimes, that of a time.
const (
	maxTimes   = 62
	rankAWS    = maxTimes
	rankOpaque = maxTimes + 1
	rankDeep   = maxTimes + 2 // and above: the first name of a path
)

// maxDeep is how many names the paths of a format begin with.
const maxDeep = 16

// known is what a scanner looks out for in the records of a format.
type known struct {
	// timeNames are the top-level names of times, the best one first. The first of all is "@timestamp".
	timeNames []string
	// opaque are top-level names whose value is written as a string when it is not one, opaquePaths all of them.
	opaque, opaquePaths []string
	// deepTimes and deepOpaque are the same for paths, which begin with the deepNames.
	deepTimes, deepOpaque []deepPath
	deepNames             []string
	// layout, when set, is how the times at the paths are written, and at the names before number written.
	layout  *times.Layout
	written int
	// lifted says that the names of a record are not those of a document.
	lifted bool
	// lists is the path of an array whose objects are records each; without a rest there is none.
	lists deepPath
	// more is what a row has beside the members of a record.
	more func(dst, record []byte) []byte
	// anew is what writes a record anew.
	anew func(dst, record []byte) []byte
	// day and clock are the indexes in timeNames of names that have halves of a time.
	day, clock int
	// letters are the first bytes of the names that topName knows.
	letters [256]bool
	// byLength are the indexes in timeNames of the names of a length.
	byLength [40][]uint8
}

// generic is what is known of JSON of any kind.
var generic = sync.OnceValue(func() *known { return newKnown(nil, nil) })

// Times are paths and names of a record's time that somebody asks for, before those that all JSON is searched for.
type Times struct{ known *known }

// NewTimes returns paths and names, the best one first. One with dots is a path, and a name too.
func NewTimes(paths []string) *Times { return &Times{newKnown(named(paths), nil)} }

// named returns paths and, for those with dots, the paths that take them for one name.
func named(paths []string) []string {
	var all []string
	for _, path := range paths {
		all = append(all, path)
		if strings.Contains(path, ".") {
			all = append(all, oneName+path)
		}
	}
	return all
}

// oneName begins a path that is one name with dots in it.
const oneName = "="

// newKnown takes apart the paths of a format's times and opaque fields.
func newKnown(times, opaque []string) *known {
	k := &known{timeNames: []string{timeFields[0]}, opaquePaths: opaque}
	for _, path := range times {
		name, isName := strings.CutPrefix(path, oneName)
		if parts := strings.Split(path, "."); len(parts) > 1 && !isName {
			k.deepTimes = append(k.deepTimes, k.deep(parts))
		} else {
			k.timeNames = append(k.timeNames, name)
		}
	}
	k.written = len(k.timeNames)
	for _, name := range timeFields[1:] {
		if !slices.Contains(k.timeNames, name) {
			k.timeNames = append(k.timeNames, name)
		}
	}
	for _, path := range opaque {
		if parts := strings.Split(path, "."); len(parts) > 1 {
			k.deepOpaque = append(k.deepOpaque, k.deep(parts))
		} else {
			k.opaque = append(k.opaque, path)
		}
	}
	k.day, k.clock = slices.Index(k.timeNames, "date"), slices.Index(k.timeNames, "time")
	for i, name := range k.timeNames {
		k.byLength[len(name)] = append(k.byLength[len(name)], uint8(i))
	}
	for _, names := range [][]string{k.timeNames, {"_", "aws", "penstock"}, k.opaque, k.deepNames} {
		for _, name := range names {
			k.letters[name[0]] = true
		}
	}
	return k
}

// deepPath is a path below one of the names at the top level.
type deepPath struct {
	first int // index in deepNames
	rest  []string
}

// deep takes a path of several names apart.
func (k *known) deep(path []string) deepPath {
	first := slices.Index(k.deepNames, path[0])
	if first < 0 {
		first = len(k.deepNames)
		k.deepNames = append(k.deepNames, path[0])
	}
	return deepPath{first, path[1:]}
}

// topName classifies a name at the top level. It returns what its value is to be looked at for, -1 for nothing.
func (s *scanner) topName(name []byte) int {
	if n := len(name); n < len(s.byLength) {
		for _, i := range s.byLength[n] {
			if string(name) == s.timeNames[i] {
				return int(i)
			}
		}
	}
	switch name[0] {
	case 'a', 'p':
		switch {
		case string(name) == penstock.NameAWS:
			return rankAWS
		case string(name) == penstock.NameMeta:
			s.top |= penstock.TopPenstock
		case isReserved(name):
			s.trouble |= clashingName
		}
	case '_':
		if isMeta(name) && !s.lifted {
			s.trouble |= clashingName
		}
	}
	if len(s.opaque) > 0 && slices.Contains(s.opaque, string(name)) {
		return rankOpaque
	}
	for i, first := range s.deepNames {
		if string(name) == first {
			return rankDeep + i
		}
	}
	return -1
}

// isReserved reports whether a top-level name collides with what the shape stage writes: "penstock", "aws" or, where a
// record has these itself, "penstock_" and "aws.s3…".
func isReserved(name []byte) bool {
	return string(name) == shapeName || bytes.HasPrefix(name, []byte("penstock.")) ||
		bytes.HasPrefix(name, []byte("penstock_.")) ||
		string(name) == "aws.s3" || bytes.HasPrefix(name, []byte("aws.s3."))
}

// isMeta reports whether a top-level name, or the first part of its path, is one the engines keep for themselves.
func isMeta(name []byte) bool {
	first, _, _ := bytes.Cut(name, []byte{'.'})
	return penstock.IsKeptByEngines(string(first))
}

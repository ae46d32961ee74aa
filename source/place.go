package source

import (
	"path/filepath"
	"strings"

	"github.com/seed56735111/penstock/internal/lazyregexp"
)

// The names of a file's generations differ by what compression and rotation add. What they share is a part of the ids
// of all their records, so these tables are frozen with the scheme: another line would double what was shipped before.

// compressed are the suffixes of compressed files.
var compressed = []string{".gz", ".zst", ".bz2", ".xz", ".lz4", ".sz", ".snappy", ".Z"}

// A date in a name, with or without a time of day behind it: 20261127, 20261127-101112, 2026-11-27,
// 2026-11-27T10-11-12.
const dateMark = `(?:19|20)\d\d(?:(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[-_.T]?\d{2,6}Z?)?` +
	`|-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?:[-_.T]\d\d(?:[-_.:]?\d\d(?:[-_.:]?\d\d(?:\.\d{3})?)?)?Z?)?)`

// marks are what rotation adds to a name. What the groups hold is kept.
var marks = []*lazyregexp.Regexp{
	lazyregexp.New(`^(.+)\.\d{1,4}$`), // app.log.1
	lazyregexp.New(`^(.+)\.old$`),     // app.log.old
	// app.log-20261127, app.log-20261127-2, app.log.2026-11-27
	lazyregexp.New(`^(.+?)[-_.]` + dateMark + `(?:-\d+)?$`),
	lazyregexp.New(`^(.+)-1\d{9}$`), // app.log-1795773600
	// app.2026-11-27.0.log
	lazyregexp.New(`^(.+?)[-_.]` + dateMark + `(?:[-_.]\d{1,4})?(\.[A-Za-z][0-9A-Za-z]{0,9})$`),
}

// dottedNumber ends a name whose numbers are a version or an address: 10.0.0 of 10.0.0.1 is not what rotation left.
var dottedNumber = lazyregexp.New(`(?:^|\.)\d{1,7}$`)

// stem returns what the names of all generations of a file share.
func stem(path string) string {
	dir, name := filepath.Split(path)
	for _, suffix := range compressed {
		if rest, ok := strings.CutSuffix(name, suffix); ok && rest != "" {
			name = rest
			break
		}
	}
	for cut := true; cut && mayBeMarked(name); {
		cut = false
		for i, mark := range marks {
			m := mark.FindStringSubmatch(name)
			if m == nil || i == 0 && dottedNumber.MatchString(m[1]) {
				continue
			}
			name, cut = strings.Join(m[1:], ""), true
			break
		}
	}
	return dir + name
}

// mayBeMarked reports whether a name has what all marks have: that is seen sooner than that none of them fits.
func mayBeMarked(name string) bool {
	if strings.HasSuffix(name, ".old") || name != "" && isDigit(name[len(name)-1]) {
		return true
	}
	for i := 0; i+len("-2026") <= len(name); i++ {
		if c := name[i]; c != '-' && c != '_' && c != '.' {
			continue
		}
		century := name[i+1 : i+3]
		if (century == "19" || century == "20") && isDigit(name[i+3]) && isDigit(name[i+4]) {
			return true
		}
	}
	return false
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

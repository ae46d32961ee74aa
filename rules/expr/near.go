package expr

import (
	"maps"
	"slices"
	"strings"
)

// nearest returns the name that is closest to what was written, if one is close enough to be what was meant.
func nearest(written string, names []string) string {
	best, least := "", max(1, min(len(written)/3, 4))+1
	for _, name := range names {
		if strings.EqualFold(name, written) {
			return name
		}
		if d := distance(written, name); d < least {
			best, least = name, d
		}
	}
	return best
}

// distance is how many letters have to be changed, added, left out or swapped to make b of a.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	var rows [3][65]int
	before, last, row := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

// keysOf returns the keys of a table in order.
func keysOf[V any](table map[string]V) []string { return slices.Sorted(maps.Keys(table)) }

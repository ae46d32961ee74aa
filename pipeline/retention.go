package pipeline

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/seed56735111/penstock/mapping"
	"github.com/seed56735111/penstock/shape"
)

// Retentions are those of the routes that send to a target, without a repetition: routes of one pattern have one.
func Retentions(routes []Route, target string) ([]mapping.Retention, error) {
	var all []mapping.Retention
	seen := map[string]bool{}
	for i := range routes {
		if routes[i].Retention == "" || routes[i].Skip != "" || routes[i].Target != target {
			continue
		}
		one, err := RetentionOf(&routes[i])
		if err != nil {
			return nil, &RouteError{Route: routes[i].Name, Err: &OptionError{BadRetention, err}}
		}
		if !seen[one.Pattern] {
			seen[one.Pattern] = true
			all = append(all, *one)
		}
	}
	return all, nil
}

// RetentionOf says which indexes of a route are deleted, and when. An index is deleted as a whole: its records are in
// it for as long as one name of the pattern stands for, and none of them goes before its time.
func RetentionOf(r *Route) (*mapping.Retention, error) {
	keep, err := parseRetention(r.Retention)
	if err != nil {
		return nil, err
	}
	if r.Index == "" {
		return nil, errors.New("retention is for an index or a data stream of the route's own, and it names none")
	}
	p, err := shape.ParsePattern(r.Index)
	if err != nil {
		return nil, err
	}
	prefix, whole := p.Prefix()
	out := &mapping.Retention{
		Pattern: prefix + "*", Stream: r.Stream, Keep: r.Retention, Age: ageText(keep + p.Span()),
		Of: fmt.Sprintf("route %q", r.Name),
	}
	switch {
	case r.Stream && whole:
		out.Pattern = prefix
	case !r.Stream && !p.HasDate():
		return nil, fmt.Errorf("retention deletes whole indexes, and %q has no date in its name: the newest records would "+
			"go with the oldest; add one such as {yyyy.MM.dd}, or use a data stream", r.Index)
	case !strings.HasSuffix(prefix, "-"):
		return nil, fmt.Errorf("retention deletes what begins as %q does, up to its first brace: %s; let that end in -",
			r.Index, strconv.Quote(prefix))
	}
	out.Name = templateName(out.Pattern)
	return out, nil
}

// parseRetention reads a number of days or hours.
func parseRetention(text string) (time.Duration, error) {
	unit := map[byte]time.Duration{'d': 24 * time.Hour, 'h': time.Hour}
	const longest = 99999
	if len(text) > 1 {
		n, err := strconv.Atoi(text[:len(text)-1])
		if scale := unit[text[len(text)-1]]; err == nil && n > 0 && n <= longest && scale > 0 {
			return time.Duration(n) * scale, nil
		}
	}
	return 0, fmt.Errorf("%q is not a time such as 30d or 12h", text)
}

// ageText writes a time in days, or else in hours.
func ageText(d time.Duration) string {
	const day = 24 * time.Hour
	if d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	return strconv.FormatInt(int64(d/time.Hour), 10) + "h"
}

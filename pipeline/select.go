package pipeline

import (
	"context"
	"fmt"
	"hash/fnv"
	"iter"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/internal/glob"
	"github.com/seed56735111/penstock/shape"
	"github.com/seed56735111/penstock/source"
)

// Selection says which objects of the sources are taken. The zero value takes all of them, in their order.
type Selection struct {
	// Include, when not empty, takes the objects that have one of the patterns, and Exclude leaves out those that have
	// one. A pattern without a slash is compared with the last part of a key or path, any other with the whole of it: *
	// stands for any text without a slash, ** for any text, ? for one character.
	Include, Exclude []string
	// Since and Until bound the date of an object: the one in its name, or else when it was stored. Until itself is not
	// taken. Each is a date, a time, or how long ago: 2026-11-24, 2026-11-24T10:00, 36h, 7d.
	Since, Until string
	// Sample takes a part of the objects, such as 10%, by their names: the same ones each time.
	Sample string
	// Limit, when not zero, is the most objects to take.
	Limit int
	// Order is OrderName, when empty, or OrderNewest: objects with the latest date first, which are all listed before.
	Order string
}

// The orders of objects.
const (
	OrderName   = "name"
	OrderNewest = "newest"
)

// selection is a Selection that is ready for objects.
type selection struct {
	include, exclude []*regexp.Regexp
	since, until     time.Time
	share            float64 // of the objects
	limit            int
	newest           bool
}

// Ordered reports whether objects come in the order of their names.
func (o *Selection) Ordered() bool { return o.Order != OrderNewest }

func (o *Selection) compile(now time.Time) (*selection, error) {
	s := &selection{limit: o.Limit, share: 1}
	var err error
	if s.include, err = compileGlobs("include", o.Include); err != nil {
		return nil, err
	}
	if s.exclude, err = compileGlobs("exclude", o.Exclude); err != nil {
		return nil, err
	}
	for _, one := range []struct {
		name, text string
		to         *time.Time
	}{{"since", o.Since, &s.since}, {"until", o.Until, &s.until}} {
		if one.text == "" {
			continue
		}
		if *one.to, err = ParseDate(one.text, now); err != nil {
			return nil, optionf(BadSelection, "--%s: %w", one.name, err)
		}
	}
	if !s.since.IsZero() && !s.until.IsZero() && !s.since.Before(s.until) {
		return nil, optionf(BadSelection, "--since %s is not before --until %s: nothing is between them", o.Since, o.Until)
	}
	if o.Sample != "" {
		if s.share, err = ParseShare(o.Sample); err != nil {
			return nil, optionf(BadSelection, "--sample: %w", err)
		}
	}
	if o.Order != "" && o.Order != OrderName && o.Order != OrderNewest {
		return nil, optionf(BadSelection, "--order is %q: want %s or %s", o.Order, OrderName, OrderNewest)
	}
	s.newest = o.Order == OrderNewest
	return s, nil
}

func compileGlobs(name string, texts []string) ([]*regexp.Regexp, error) {
	var all []*regexp.Regexp
	for _, text := range texts {
		if text == "" {
			return nil, optionf(BadSelection, "--%s is empty: want a pattern such as *.gz", name)
		}
		if !strings.Contains(text, "/") {
			text = "**/" + text
		}
		all = append(all, glob.Path(text))
	}
	return all, nil
}

// ParseDate reads a date (2026-11-24), a time (2026-11-24T10:00, with seconds and a zone as in RFC 3339, or UTC), or
// how long ago it was (36h, 7d).
func ParseDate(text string, now time.Time) (time.Time, error) {
	for _, layout := range []string{
		time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02T15", "2006-01-02",
	} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		const most = 100 * 366
		if n, err := strconv.Atoi(days); err == nil && n > 0 && n <= most {
			return now.AddDate(0, 0, -n), nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return now.Add(-d), nil
	}
	return time.Time{}, fmt.Errorf("%q is no date such as 2026-11-24 or 2026-11-24T10:00, "+
		"and no time ago such as 36h or 7d", text)
}

// ParseShare reads a part of the whole, such as 10% or 0.5%.
func ParseShare(text string) (float64, error) {
	number, ok := strings.CutSuffix(text, "%")
	n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if !ok || err != nil || !(n > 0 && n <= 100) {
		return 0, fmt.Errorf("%q is no part such as 10%% or 0.5%%", text)
	}
	return n / 100, nil
}

// isAll reports whether every object is taken in its order.
func (s *selection) isAll() bool {
	return s.include == nil && s.exclude == nil && s.since.IsZero() && s.until.IsZero() && s.share == 1 && s.limit == 0 &&
		!s.newest
}

// nameOf is the key or path of an object, by which it is selected.
func nameOf(o *penstock.Object) string {
	if loc, err := source.ParseLocation(o.Name); err == nil {
		return loc.Prefix
	}
	return strings.TrimPrefix(o.Name, "./")
}

// dateOf is the date of an object and how long it lasts: a day that the name has is the whole of it.
func dateOf(o *penstock.Object, name string) (at time.Time, lasts time.Duration, ok bool) {
	if at, lasts, ok = shape.DateInName(name); ok {
		return at, lasts, true
	}
	return o.Modified, time.Nanosecond, !o.Modified.IsZero()
}

// takes reports whether an object is taken. One without any date, such as standard input, is of every time.
func (s *selection) takes(o *penstock.Object) bool {
	name := nameOf(o)
	matches := func(re *regexp.Regexp) bool { return re.MatchString(name) }
	if s.include != nil && !slices.ContainsFunc(s.include, matches) || slices.ContainsFunc(s.exclude, matches) {
		return false
	}
	if at, lasts, ok := dateOf(o, name); ok {
		if !s.since.IsZero() && !at.Add(lasts).After(s.since) || !s.until.IsZero() && !at.Before(s.until) {
			return false
		}
	}
	return s.share == 1 || drawn(o.Name) < s.share
}

// drawn is a number from 0 to 1 that belongs to a name.
func drawn(name string) float64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	// The last step spreads what differs in the last letters alone over the whole number.
	x := h.Sum64()
	x ^= x >> 32
	x *= 0x9E3779B97F4A7C15
	return float64(x>>11) / (1 << 53)
}

// source returns a source with the objects of another one that are taken.
func (s *selection) source(inner penstock.Source) penstock.Source {
	if s.isAll() {
		return inner
	}
	return &selected{inner, s}
}

type selected struct {
	inner penstock.Source
	*selection
}

// Items is part of penstock.Source. What is not taken is acknowledged: nobody else waits for it.
func (s *selected) Items(ctx context.Context) iter.Seq2[penstock.Item, error] {
	return func(yield func(penstock.Item, error) bool) {
		if s.newest {
			s.byDate(ctx, yield)
			return
		}
		left := s.limit
		for item, err := range s.inner.Items(ctx) {
			if err != nil {
				yield(item, err)
				return
			}
			if len(item.Objects) > 0 && !slices.ContainsFunc(item.Objects, func(o penstock.Object) bool { return s.takes(&o) }) {
				leave(ctx, item)
				continue
			}
			if !yield(item, nil) {
				return
			}
			if left--; left == 0 {
				return
			}
		}
	}
}

// leave lets go of an item that is not taken: it may hold a file open.
func leave(ctx context.Context, item penstock.Item) {
	if item.Settle != nil {
		_ = item.Settle(ctx, nil)
	}
}

// byDate gives the items with the latest date first. With a limit it holds no more than twice as many.
func (s *selected) byDate(ctx context.Context, yield func(penstock.Item, error) bool) {
	type dated struct {
		item penstock.Item
		at   time.Time
	}
	var all []dated
	latest := func(most int) {
		slices.SortStableFunc(all, func(a, b dated) int { return b.at.Compare(a.at) })
		for len(all) > most {
			leave(ctx, all[len(all)-1].item)
			all[len(all)-1] = dated{}
			all = all[:len(all)-1]
		}
	}
	most := math.MaxInt
	if s.limit > 0 {
		most = s.limit
	}
	for item, err := range s.inner.Items(ctx) {
		if err != nil {
			for _, one := range all {
				leave(ctx, one.item)
			}
			yield(item, err)
			return
		}
		if len(item.Objects) == 0 || !s.takes(&item.Objects[0]) {
			leave(ctx, item)
			continue
		}
		at, _, _ := dateOf(&item.Objects[0], nameOf(&item.Objects[0]))
		if all = append(all, dated{item, at}); len(all)/2 >= most {
			latest(most)
		}
	}
	latest(most)
	for i, one := range all {
		if !yield(one.item, nil) {
			for _, rest := range all[i+1:] {
				leave(ctx, rest.item)
			}
			return
		}
	}
}

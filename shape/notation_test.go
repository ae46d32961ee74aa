package shape

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"
)

// expressions say what the notations are.
var expressions = []*regexp.Regexp{
	regexp.MustCompile(`(?:^|[^0-9])((?:19|20)\d\d)([01]\d)([0-3]\d)T([0-2]\d)([0-5]\d)([0-6]\d)?Z?(?:$|[^0-9])`),
	regexp.MustCompile(`(?:^|[^0-9])((?:19|20)\d\d)-([01]\d)-([0-3]\d)` +
		`(?:[-T_]([0-2]\d)(?:[-:_]?([0-5]\d))?(?:[-:_]?([0-6]\d))?)?(?:$|[^0-9])`),
	regexp.MustCompile(`(?:^|[^0-9])year=((?:19|20)\d\d)/month=([01]?\d)/day=([0-3]?\d)(?:/hour=([0-2]?\d))?(?:$|[^0-9])`),
	regexp.MustCompile(`(?:^|[^0-9])((?:19|20)\d\d)/([01]\d)/([0-3]\d)(?:/([0-2]\d))?(?:$|[^0-9])`),
	regexp.MustCompile(`(?:^|[^0-9])((?:19|20)\d\d)([01]\d)([0-3]\d)(?:$|[^0-9])`),
}

var rotations = regexp.MustCompile(
	`[-_.](?:19|20)\d\d-?[01]\d-?[0-3]\d[-_.:T0-9Z]*(?:\.[A-Za-z][0-9A-Za-z]*)?$`)

// byExpression is DateInName by the expressions.
func byExpression(name string) (t time.Time, lasts time.Duration, ok bool) {
	units := [...]time.Duration{3: time.Hour, 4: time.Minute, 5: time.Second}
	for _, text := range []string{path.Base(name), name} {
		for _, one := range expressions {
			for _, match := range slices.Backward(one.FindAllStringSubmatch(text, -1)) {
				d := date{lasts: 24 * time.Hour}
				for i, digits := range match[1:] {
					if d.parts[i], _ = strconv.Atoi(digits); digits != "" && i > 2 {
						d.lasts = units[i]
					}
				}
				if d.exists() {
					return d.time(), d.lasts, true
				}
			}
		}
	}
	return t, 0, false
}

// Dates are found in names as expressions find them, without the time that those take.
func FuzzDateInName(f *testing.F) {
	for _, name := range []string{
		"", "app.log", "logs/2026/11/24/10/app.log", "2026/11/24/103/x", "year=2026/month=1/day=4/hour=7/x",
		"year=2026/month=11/day=24/hour=77", "year=2026/month=11/day=245", "dt=2026-11-24/x", "x-2026-11-24-10.log",
		"x_2026-11-24T10:05:09.gz", "x_2026-11-24T100509Z", "2026-11-24-10-65", "2026-11-24-10-05-99", "2026-11-24-1012345",
		"app_20261124T1005Z_x", "20261124T100509Z7", "20261124T10059", "20261124-20261125", "2026112420261125",
		"20261124é20261125", "é20261124", "20261131", "20261399", "20261124--20261125", "a1999/12/31/",
		"20261124/20261125.log",
		"app.log-20261127", "app.log.2026-11-27.1.gz", "app-20261127.log", "app.log-2026-1127T10:00", "a.2026-11-27x",
		"y20261124",
		"1year=2026/month=11/day=24", "2026-11-24_1005-09", "\xff20261124\xff\xff20261125",
	} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got, lasts, ok := DateInName(name)
		want, wantLasts, wantOK := byExpression(name)
		if ok != wantOK || !got.Equal(want) || lasts != wantLasts {
			t.Errorf("%q has %v for %v, %v; want %v for %v, %v", name, got, lasts, ok, want, wantLasts, wantOK)
		}
		at := -1
		if place := rotations.FindStringIndex(name); place != nil {
			at = place[0]
		}
		if got := rotatedAt(name); got != at {
			t.Errorf("%q is rotated at %d, want %d", name, got, at)
		}
	})
}

func BenchmarkDateInName(b *testing.B) {
	for _, name := range []string{
		"/var/log/nginx/access.log", "AWSLogs/123456789012/elasticloadbalancing/eu-west-1/2026/11/24/123456789012_" +
			"elasticloadbalancing_eu-west-1_app.web.50dc6c495c0c9188_20261124T1005Z_10.0.0.1_4ml1mn3s.log.gz",
	} {
		b.Run(path.Base(name)[:10], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				DateInName(name)
			}
		})
		b.Run("expressions/"+path.Base(name)[:10], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				byExpression(name)
			}
		})
	}
}

package glob_test

import (
	"testing"

	"github.com/seed56735111/penstock/internal/glob"
)

func TestPatternsOfPaths(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pattern, text string
		want          bool
	}{
		{"**/*.png", "a.png", true},
		{"**/*.png", "x/y/a.png", true},
		{"**/*.png", "a.png.gz", false},
		{"AWSLogs/*/elb/**", "AWSLogs/1/elb/x/y", true},
		{"AWSLogs/*/elb/**", "AWSLogs/1/2/elb/x", false},
		{"AWSLogs/*/elb/**", "AWSLogs/1/elb/", true},
		{"AWSLogs/*/elb/**", "AWSLogs/1/elb", false},
		{"a/**/b", "a/b", true},
		{"a/**/b", "a/x/y/b", true},
		{"a/**/b", "ab", false},
		{"/ecs/*", "/ecs/web", true},
		{"/ecs/*", "/ecs/web/x", false},
		{"**", "", true},
		{"**", "a/b\nc", true},
		{"*", "a/b", false},
		{"a?c", "abc", true},
		{"a?c", "a/c", false},
		{"a.c+(1)", "a.c+(1)", true},
		{"a.c", "abc", false},
		{"é*", "é\xff", true},
		{"", "", true},
		{"", "a", false},
	} {
		if got := glob.Path(tt.pattern).MatchString(tt.text); got != tt.want {
			t.Errorf("%q and %q: got %v, want %v", tt.pattern, tt.text, got, tt.want)
		}
	}
}

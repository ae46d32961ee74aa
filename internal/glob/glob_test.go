package glob_test

import (
	"path"
	"strings"
	"testing"

	"github.com/seed56735111/penstock/internal/glob"
)

func TestPatterns(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"a", "a", true},
		{"a", "ab", false},
		{"a*", "ab", true},
		{"*a", "ba", true},
		{"a*a", "a", false},
		{"a*a", "aa", true},
		{"*ab*ab", "abab", true},
		{"*ab*ab", "ab", false},
		{"a**b", "ab", true},
		{"logs-*-2026.*", "logs-alb-2026.11", true},
		{"logs-*-2026.*", "logs-2026.11", false},
		{"naïve*", "naïve?", true},
	} {
		if got := glob.Match(tt.pattern, tt.text); got != tt.want {
			t.Errorf("%q and %q: got %v, want %v", tt.pattern, tt.text, got, tt.want)
		}
		if got := glob.NewStars(tt.pattern).Match([]byte(tt.text)); got != tt.want {
			t.Errorf("%q, taken apart, and %q: got %v, want %v", tt.pattern, tt.text, got, tt.want)
		}
		if got := glob.New(tt.pattern, false).Match(tt.text); got != tt.want {
			t.Errorf("%q with ? and %q: got %v, want %v", tt.pattern, tt.text, got, tt.want)
		}
	}
}

// All of them match as the standard library does, where its patterns mean the same.
func FuzzPatterns(f *testing.F) {
	f.Add("a*b*c", "aXbYc")
	f.Add("**", "x")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if strings.ContainsAny(pattern, `?[]\`) || strings.Contains(text, "/") || len(pattern) > 20 {
			t.Skip("patterns that mean something else there")
		}
		want, err := path.Match(pattern, text)
		if err != nil || !strings.Contains(pattern, "*") {
			want = pattern == text
		}
		if glob.Match(pattern, text) != want || glob.NewStars(pattern).Match([]byte(text)) != want {
			t.Errorf("%q and %q: want %v", pattern, text, want)
		}
	})
}

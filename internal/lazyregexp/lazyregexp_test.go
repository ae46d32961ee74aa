package lazyregexp_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock/internal/lazyregexp"
)

func TestALateExpressionIsTheSameAsAnEarlyOne(t *testing.T) {
	t.Parallel()
	const expr, text = `(\w)(\d+)`, "a1 b22 c"
	early, late := regexp.MustCompile(expr), lazyregexp.New(expr)
	for range 2 {
		got := []any{
			late.String(), late.Match([]byte(text)), late.MatchString(text), late.FindString(text), late.FindStringIndex(text),
			late.FindStringSubmatch(text), late.FindStringSubmatchIndex(text), late.ReplaceAllString(text, "$2"),
			late.ReplaceAllStringFunc(text, strings.ToUpper),
		}
		want := []any{
			early.String(), early.Match([]byte(text)), early.MatchString(text), early.FindString(text),
			early.FindStringIndex(text),
			early.FindStringSubmatch(text), early.FindStringSubmatchIndex(text), early.ReplaceAllString(text, "$2"),
			early.ReplaceAllStringFunc(text, strings.ToUpper),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

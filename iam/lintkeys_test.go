package iam_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed56735111/penstock/iam"
)

func TestLintSeesKeysThatDoNotDoWhatTheySay(t *testing.T) {
	t.Parallel()
	never, unknown := [2]string{"never-matches", "never-matches"}, [2]string{"unknown-key", "unknown-key"}
	for condition, want := range map[string][2]string{ // the rule for Allow, and the one for Deny
		`"StringEquals":{"aws:SourceIpp":"10.0.0.1"}`:                                                unknown,
		`"StringEquals":{"aws:MultiFactorAuthPresent":"true"}`:                                       unknown,
		`"StringEquals":{"saml:aud":"x"}`:                                                            {"", ""},
		`"StringLike":{"aws:UserAgent":"Mozilla*"}`:                                                  {"forgeable-key", ""},
		`"StringLike":{"aws:Referer":"https://intern.example/*"}`:                                    {"forgeable-key", ""},
		`"StringNotEquals":{"aws:SourceVpce":"vpce-1"}`:                                              {"absent-key", ""},
		`"ForAnyValue:StringNotEquals":{"aws:SourceVpce":"vpce-1"}`:                                  {"", ""},
		`"StringNotEquals":{"aws:PrincipalAccount":"123456789012"}`:                                  {"", ""},
		`"StringNotLike":{"aws:username":"temp-*"}`:                                                  {"absent-key", ""},
		`"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::123456789012:role/*"}`:                          {"", ""},
		`"ArnLike":{"aws:PrincipalArn":"*"}`:                                                         {"", ""},
		`"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*"}`:                                            {"", ""},
		`"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::${aws:PrincipalAccount}:user/${aws:username}"}`: {"", "null-variable"},
		// Several conditions on one key, or several keys.
		`"ForAllValues:ArnNotLikeIfExists":{"aws:PrincipalArn":"arn:aws:iam::123456789012:role/x"}`: {
			"for-all-values", "",
		},
		`"DateLessThan":{"aws:TokenIssueTime":"2026-01-01T00:00:00Z"},"Null":{"aws:username":"false"}`: {"", ""},
		// Values that no ARN has.
		`"ArnLike":{"aws:PrincipalArn":"arn:aws:iam:*:role/shipper"}`:                          never,
		`"ArnEquals":{"aws:PrincipalArn":["arn:aws:iam::123456789012:role/a","role/shipper"]}`: never,
		`"ArnLike":{"aws:PrincipalArn":"arn:aws:sts::123456789012:assumed-role/shipper/*"}`:    never,
		`"StringLike":{"aws:PrincipalArn":"arn:aws:sts::123456789012:assumed-role/shipper/*"}`: never,
	} {
		for i, effect := range []string{"Allow", "Deny"} {
			statement := fmt.Sprintf(`{"Effect":%q,"Principal":{"AWS":%q},"Action":"es:*","Resource":"*","Condition":{%s}}`,
				effect, alice, condition)
			p, err := iam.ParseResource([]byte(statementWith(statement)))
			if err != nil {
				t.Fatal(err)
			}
			if got := lintRules(t, p, iam.Domain{}); got != want[i] {
				t.Errorf("%s %s: %q, want %q", effect, condition, got, want[i])
			}
		}
	}
}

// The manual lists the rules that there are, and no others.
func TestEveryRuleOfLintIsInTheManual(t *testing.T) {
	t.Parallel()
	manual, err := os.ReadFile("../docs/policies.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(manual), "## What lint warns of")
	section, _, _ = strings.Cut(section, "\n## ")
	if !ok {
		t.Fatal("the manual has no section on what lint warns of")
	}
	var listed, written []string
	for line := range strings.SplitSeq(section, "\n") {
		if first, _, isRow := strings.Cut(strings.TrimPrefix(line, "| "), " |"); isRow && strings.HasPrefix(line, "| `") {
			for name := range strings.SplitSeq(first, ", ") {
				listed = append(listed, strings.Trim(name, "`"))
			}
		}
	}
	files, err := filepath.Glob("lint*.go")
	if err != nil {
		t.Fatal(err)
	}
	call := regexp.MustCompile(`l\.warn\("[A-Za-z]*", "([a-z-]+)"`)
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range call.FindAllSubmatch(source, -1) {
			written = append(written, string(m[1]))
		}
	}
	slices.Sort(listed)
	slices.Sort(written)
	if got, want := slices.Compact(listed), slices.Compact(written); !slices.Equal(got, want) || len(want) < 20 {
		t.Errorf("the manual lists\n%v\nlint has\n%v", got, want)
	}
}

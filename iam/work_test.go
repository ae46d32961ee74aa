package iam

import (
	"strings"
	"testing"
)

// The work is counted, not timed. The policies are as long as the service accepts, and made to be slow.
func TestMatchingIsBoundByTheShorterOfPatternAndValue(t *testing.T) {
	t.Parallel()
	var c Context
	c.Set("x:word", strings.Repeat("a", 500))
	const most = MaxPolicySize
	for name, p := range map[string]struct {
		pattern, value string
		want           int
	}{
		"a pattern that is longer than the value": {
			pattern: "*" + strings.Repeat("a?", most/2) + "b", value: strings.Repeat("a", 8000), want: 8002,
		},
		"a pattern that fits but for its end": {
			pattern: "*" + strings.Repeat("a?", most/2) + "b", value: strings.Repeat("a", most+6), want: 10 * most,
		},
		"question marks": {
			pattern: "*" + strings.Repeat("?", most) + "b", value: strings.Repeat("?", most+6), want: 10 * most,
		},
		"stars, each with its own text": {
			pattern: strings.Repeat("*a", most/2) + "b", value: strings.Repeat("a", 8000), want: 10 * 8000,
		},
		"a star before variables longer than the value": {"*${x:word}${x:word}b", strings.Repeat("a", 900), 10},
		"a star in front of the longest end that may fit": {
			pattern: "*" + strings.Repeat("?", 4000) + "b", value: strings.Repeat("a", 8000), want: 4001 * 4001,
		},
		"no star": {strings.Repeat("?", most), strings.Repeat("a", most-1), most + 1},
		"a thousand stars and a value without their texts": {strings.Repeat("*b", 1000), strings.Repeat("a", 8000), 3 * 8000},
	} {
		compiled, err := compilePattern(p.pattern, syntax{wildcards: true, variables: true})
		if err != nil {
			t.Fatal(err)
		}
		if ok, steps := compiled.find(p.value, &c, false); ok || steps > p.want {
			t.Errorf("%s: %v after %d steps, want false after %d at most", name, ok, steps, p.want)
		}
	}
}

// Compiling copies a literal once, not again at every character that could have a meaning.
func TestCompilingTakesMemoryForThePatternOnce(t *testing.T) { // not parallel: it counts allocations
	for _, unit := range []string{"$", "*", "?", "${*}", "$a"} {
		text := strings.Repeat(unit, MaxPolicySize/len(unit))
		allocations := testing.AllocsPerRun(1, func() {
			if _, err := compilePattern(text, syntax{variables: true}); err != nil {
				t.Fatal(err)
			}
		})
		if allocations > 100 {
			t.Errorf("%q and so on: %v allocations, want 100 at most", unit, allocations)
		}
	}
}

func TestAValueOfTheRequestIsReadOnceForAllThatItIsComparedWith(t *testing.T) { // not parallel: it counts allocations
	for operator, value := range map[string]string{
		"NumericEquals": "1", "DateEquals": "2026-11-24", "BinaryEquals": "YWJj", "IpAddress": "10.0.0.0/8",
	} {
		doc := `{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Condition":{"` + operator + `":{"x:y":["` +
			strings.Repeat(value+`","`, 1000) + value + `"]}}}}`
		p, err := ParseResource([]byte(doc))
		if err != nil {
			t.Fatal(err)
		}
		var c Context
		c.Set("x:y", "a value that is none")
		allocations := testing.AllocsPerRun(1, func() {
			if Evaluate(Policies{Resource: p}, Request{Action: "es:ESHttpGet", Context: c}).Allowed {
				t.Error(operator, "is fulfilled")
			}
		})
		if allocations > 50 {
			t.Errorf("%s: %v allocations for a thousand values, want 50 at most", operator, allocations)
		}
	}
}

func TestLintResolvesEachResourceOnce(t *testing.T) { // not parallel: it counts allocations
	const resources = 500
	p, err := ParseResource([]byte(
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":[` +
			strings.Repeat(`"arn:aws:es:::domain/logs/y${a:b,'c'}",`, resources) + `"*"]}}`))
	if err != nil {
		t.Fatal(err)
	}
	allocations := testing.AllocsPerRun(1, func() {
		Lint(p, Domain{Name: "logs", Region: "eu-west-1", Account: "123456789012"})
	})
	if allocations > 100*resources {
		t.Errorf("%v allocations for %d resources, want %d at most", allocations, resources, 100*resources)
	}
}

package lines

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/internal/quote"
)

// What is quick says the same of a line as what is not: without the bytes behind it nothing is quick.
func FuzzQuick(f *testing.F) {
	values := []string{
		"-", "x", "12", "0", "007", "0.5", "1.", "-1", "-3", "123456789", "1234567890123456789", "10.0.0.1", `"q"`, `""`,
		`"a b"`, `"a\"b"`, `"open`, `in"side`, "[a b]", "[open", "", "é", "\t", strings.Repeat("long", 20),
		"203.0.113.9:443", "2026-11-24T10:11:12Z", "1732442400",
		"1732442400123", "1732442400.5", "12345678901234567", strings.Repeat("x", 16), strings.Repeat("y", 33),
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		line := make([]string, 10+random.IntN(3))
		for i := range line {
			line[i] = values[random.IntN(len(values))]
		}
		f.Add([]byte(strings.Join(line, []string{" ", "\t", ","}[random.IntN(3)])))
	}
	fields := []Field{
		{Name: "word"},
		{Name: "n", Kind: Integer},
		{Name: "part", Kind: Decimal},
		{Name: "ip", Kind: IP},
		{Name: "peer", Kind: Address},
		{Name: "text"},
		{Name: "at", Kind: Epoch},
		{Name: "day", Kind: ISO},
		{Name: "a_field_whose_name_is_longer_than_most_are", Kind: Address},
		{Name: "last", Kind: Integer},
	}
	var plans []*plan
	for _, separator := range []byte{' ', '\t', ','} {
		for _, bare := range []bool{false, true} {
			p := newPlan("a record", 9, Layout{Separator: separator, Bare: bare}, slices.Clone(fields))
			lenient := newPlan("a record", 9, Layout{Separator: separator, Bare: bare}, slices.Clone(fields))
			lenient.allow()
			plans = append(plans, p, lenient)
		}
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		if len(line) == 0 || bytes.ContainsAny(line, "\r\n") {
			return
		}
		_, clean := quote.IsClean(line)
		wide := append(slices.Clone(line), "\" \t,0123456789.0"...)[:len(line)]
		for _, p := range plans {
			r := newLineReader(entry.NewReader(nil), p)
			var quick, slow penstock.Record
			want, wantAt, wantQuotes := r.values(slices.Clip(line), clean, &slow)
			want = bytes.Clone(want)
			got, at, quotes := r.values(wide, clean, &quick)
			if string(got) != string(want) || at != wantAt || quotes != wantQuotes || !quick.Time.Equal(slow.Time) {
				t.Errorf("%q becomes\n%s, %d, %d quotes, want\n%s, %d, %d quotes", line, got, at, quotes, want, wantAt, wantQuotes)
			}
		}
	})
}

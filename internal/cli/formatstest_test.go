package cli

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock/internal/config"
)

// The formats that the page shows have no mistakes, and read their samples as they say.
func TestFormatsOfThePageReadTheirSamples(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/own-formats.md")
	if err != nil {
		t.Fatal(err)
	}
	samples := 0
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(page, -1) {
		file, err := config.Parse("docs/own-formats.md", block[1])
		if err != nil || len(file.Warnings) > 0 {
			t.Errorf("%s: %v, %v", block[1], err, file)
			continue
		}
		for i := range file.Formats {
			for n := range file.Formats[i].Samples {
				failures, err := tryFormat(file.Definitions(), file.Formats[i].Name, &file.Formats[i].Samples[n])
				if err != nil || len(failures) > 0 {
					t.Errorf("%s: %v: %s", file.Formats[i].Name, err, failures)
				}
				samples++
			}
		}
	}
	if samples < 6 {
		t.Errorf("%d samples found", samples)
	}
}

// What is not as expected of a sample is said, each part of it.
func TestSamplesThatAreReadOtherwise(t *testing.T) {
	t.Parallel()
	file, err := config.Parse("p.yaml", []byte(`formats:
  - name: a
    dissect: 'a %{n} %{t} %{rest}'
    types: { n: decimal }
    time: { field: t }
    samples:
      - { line: 'a 1.50 2026-11-24T10:00:00Z x', fields: { n: 1.5, rest: x }, time: 2026-11-24T11:00:00+01:00 }
      - { line: 'a 1 2026-11-24T10:00:00Z -', fields: { rest: ~, n: 01 } }
      - { line: 'a 1 2026-11-24T10:00:00Z -', fields: { rest: x, n: ~ }, time: 2026-11-24T10:00:01Z }
      - { line: 'a x 2026-11-24T10:00:00Z x' }
      - { line: 'a 1 today x' }
      - { line: "a 1 2026-11-24T10:00:00Z x\na" }
      - { line: '' }
      - { line: 'a 1 2026-11-24T10:00:00Z x', unparsed: true }
      - { line: 'b', unparsed: true }
  - name: b
    dissect: 'a %{n} %{t} %{rest}'
    samples: [{ line: 'a 1 2026-11-24T10:00:00Z x' }]
  - name: c
    json: { names: [o, l] }
    samples:
      - { line: '{"o":{"a":1,"b":true},"l":[1,"x",null]}', fields: { o: { a: 1 }, l: ['1', x, ~] } }
      - { line: '{"o":{"a":1,"b":true},"l":[1,"x",null]}', fields: { o: { a: 2, b: 'yes' }, l: [1], o.a: 1 } }
      - { line: '{"o":1,"l":[1]}', fields: { o: { a: 2 }, l: [2] } }
`))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{
		"a": {
			"", "n: want 01, got 1",
			"n: want none, got 1|rest: want x, got none|time: want 2026-11-24T10:00:01Z, got 2026-11-24T10:00:00Z|the record: {",
			"not a record of a: n is not a decimal number", "not a record of a: t is not its time", "2 records, want 1",
			"0 records, want 1", `it is a record: {"n":1`, "",
		},
		"b": {"it is recognised as a, not b"},
		"c": {
			"", `l: want a list of 1, got [1,"x",null]|o.a: want 2, got 1|o.b: want yes, got true|o.a: want 1, got none`,
			"l[0]: want 2, got 1|o: want an object, got 1",
		},
	}
	for i := range file.Formats {
		f := &file.Formats[i]
		for n := range f.Samples {
			failures, err := tryFormat(file.Definitions(), f.Name, &f.Samples[n])
			if err != nil {
				t.Fatal(err)
			}
			said := strings.Join(failures, "\n")
			for want := range strings.SplitSeq(want[f.Name][n], "|") {
				if !strings.Contains(said, want) || want == "" && said != "" {
					t.Errorf("%s, sample %d: %s", f.Name, n+1, cmp.Diff(want, said))
				}
			}
		}
	}
}

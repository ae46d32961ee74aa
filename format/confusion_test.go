package format_test

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format"
)

// Every sample is held against every recogniser, by content alone. The table that is printed has a line for each
// format: the formats that would take one of its samples if they were the only ones. With all of them in, its own does.
func TestEverySampleIsTakenByItsOwnFormat(t *testing.T) {
	t.Parallel()
	table := format.Table()
	all := samples(t)
	var matrix strings.Builder
	for _, s := range subjects(table, all) {
		var takers []string
		for _, one := range s.samples {
			if one.named {
				continue
			}
			var say []string
			for _, f := range table {
				if format.Says(f, one.text) {
					say = append(say, f.Name())
				}
			}
			have := read(t, s.detector(t, false, 0), penstock.Identity{Key: "x"}, one.text, bytes.NewReader(one.text))
			if have.Format != s.Name() {
				t.Errorf("%s is taken by %s, of %s", one.path, have.Format, strings.Join(say, ", "))
			}
			for _, name := range say {
				if !slices.Contains(takers, name) {
					takers = append(takers, name)
				}
			}
		}
		fmt.Fprintf(&matrix, "%-16s %s\n", s.Name(), strings.Join(takers, " "))
	}
	t.Logf("samples of a format, and who would take them:\n%s", matrix.String())
}

// A line of any format that stands in a file of another one changes neither what the file is taken for nor the records
// around it, and is a record of its own.
func TestALineOfAnotherFormatStandsAlone(t *testing.T) {
	t.Parallel()
	all := lineFormats(t)
	d := detector(t, format.Config{})
	pairs, wrong := 0, 0
	for _, host := range all {
		if !host.lines {
			continue
		}
		plain := strings.Join(host.head, "") + strings.Repeat(host.line+"\n", 6)
		want := read(t, d, penstock.Identity{Modified: stored}, []byte(plain), strings.NewReader(plain))
		if want.Format != host.name || len(want.Records) != 6 {
			t.Errorf("%s: six lines are %d records of %s", host.name, len(want.Records), want.Format)
			continue
		}
		for _, guest := range all {
			if guest.name == host.name {
				continue
			}
			pairs++
			text := strings.Join(host.head, "") + strings.Repeat(host.line+"\n",
				3) + guest.line + "\n" + strings.Repeat(host.line+"\n", 3)
			got := read(t, d, penstock.Identity{Modified: stored}, []byte(text), &cutReader{data: []byte(text), err: io.EOF})
			covered(t, []byte(text), got)
			if got.Format != host.name || len(got.Records) != 7 {
				t.Errorf("a line of %s in a file of %s: %d records of %s, want 7", guest.name, host.name, len(got.Records),
					got.Format)
				wrong++
				continue
			}
			around := append(slices.Clone(documents(got.Records[:3])), documents(got.Records[4:])...)
			if diff := cmp.Diff(documents(want.Records), around); diff != "" {
				t.Errorf("a line of %s in a file of %s: %s", guest.name, host.name, diff)
				wrong++
			}
		}
	}
	t.Logf("%d pairs of formats, %d wrong", pairs, wrong)
}

// lineFormat is a format that has a record on each line.
type lineFormat struct {
	name string
	// lines says that it is told by what its lines are made of; others are JSON.
	lines bool
	head  []string // the lines that frame its records
	line  string
}

// lineFormats returns the formats that are told by what stands in a line, with a record of each.
func lineFormats(t *testing.T) []lineFormat {
	t.Helper()
	var all []lineFormat
	for _, s := range subjects(format.Table(), samples(t)) {
		if s.IsGeneric() || len(s.samples) == 0 {
			continue
		}
		one := s.samples[0] // the docs
		r := read(t, s.detector(t, true, 0), one.identity(), one.text, bytes.NewReader(one.text))
		if len(r.Records) < 2 {
			continue
		}
		first, second := r.Records[0], r.Records[1]
		record := string(one.text[first.Offset : first.Offset+first.Length])
		between := string(one.text[first.Offset+first.Length : second.Offset])
		if first.Unparsed || strings.Contains(record, "\n") || strings.TrimRight(between, "\r") != "\n" {
			continue
		}
		f := lineFormat{name: s.Name(), lines: record[0] != '{', line: record}
		if first.Offset > 0 {
			f.head = []string{string(one.text[:first.Offset])}
		}
		all = append(all, f)
	}
	return all
}

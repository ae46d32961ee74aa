package format_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format"
)

var update = flag.Bool("update", false, "write the golden files anew")

// sample is one of the files in testdata, where a directory is the name of a format.
type sample struct {
	format, path string
	text         []byte
}

// stored is when all samples were stored: a Wednesday after the times in them.
var stored = time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)

func (s sample) identity() penstock.Identity {
	return penstock.Identity{Key: "logs/" + filepath.Base(s.path), Modified: stored}
}

func samples(t testing.TB) []sample {
	t.Helper()
	paths, err := filepath.Glob("testdata/*/*")
	if err != nil || len(paths) == 0 {
		t.Fatal("no samples", err)
	}
	var all []sample
	for _, path := range paths {
		if strings.HasSuffix(path, ".golden") || strings.Contains(path, "fuzz") {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, sample{filepath.Base(filepath.Dir(path)), filepath.ToSlash(path), text})
	}
	return all
}

// TestSamplesGiveTheDocumentsOfTheirGoldenFiles also holds that each sample is recognised as what its directory says.
// With -update the golden files are written anew, to be read in the diff.
func TestSamplesGiveTheDocumentsOfTheirGoldenFiles(t *testing.T) {
	t.Parallel()
	for _, s := range samples(t) {
		t.Run(s.path, func(t *testing.T) {
			t.Parallel()
			r := read(t, detector(t, format.Config{}), s.identity(), s.text, bytes.NewReader(s.text))
			if r.Format != s.format || r.Err != nil {
				t.Fatalf("recognised as %s, %v", r.Format, r.Err)
			}
			covered(t, s.text, r)
			var out strings.Builder
			for _, rec := range r.Records {
				at := "no time"
				if !rec.Time.IsZero() {
					at = rec.Time.Format(time.RFC3339Nano)
				}
				unparsed := ""
				if rec.Unparsed {
					unparsed = ", unparsed"
				}
				fmt.Fprintf(&out, "at %d, %s%s\n%s%s\n", rec.Offset, at, unparsed, rec.JSON, rec.Err)
			}
			golden := s.path + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(out.String()), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), out.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Every format of the table comes with samples, without which nothing here would test it.
func TestEveryFormatHasSamples(t *testing.T) {
	t.Parallel()
	have := map[string]bool{}
	for _, s := range samples(t) {
		have[s.format] = true
	}
	for _, f := range format.Formats() {
		if !have[f.Name] {
			t.Errorf("testdata/%s has none", f.Name)
		}
	}
}

// With -update the table in the documentation is made anew.
func TestTheGoldenTableInTheDocumentationIsThatOfTheFormats(t *testing.T) {
	t.Parallel()
	const path, begin, end = "../docs/formats.md", "<!-- made by go test ./format -update -->\n", "<!-- end -->"
	doc, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok1 := strings.Cut(string(doc), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		t.Fatalf("%s has no place for the table", path)
	}
	var table strings.Builder
	table.WriteString("| format | what it is | how it is told |\n| --- | --- | --- |\n")
	for _, f := range format.Formats() {
		fmt.Fprintf(&table, "| `%s` | %s | %s |\n", f.Name, cell(f.About), cell(f.Signature))
	}
	want := before + begin + table.String() + end + after
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(doc)); diff != "" {
		t.Errorf("go test ./format -run Golden -update renews it: %s", diff)
	}
}

// covered fails unless every byte that is not white space is in one record or in a frame.
func covered(t testing.TB, text []byte, r reading) {
	t.Helper()
	left := bytes.Clone(text)
	for _, rec := range r.Records {
		cover(left[rec.Offset : rec.Offset+rec.Length])
	}
	for _, f := range r.Frames {
		cover(left[f.From:f.To])
	}
	if rest := bytes.TrimSpace(left); len(rest) > 0 {
		t.Errorf("neither in a record nor in a frame: %.300q of %.300q", rest, text)
	}
}

func cover(b []byte) {
	for i := range b {
		b[i] = ' '
	}
}

// cell is a text that may stand in a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

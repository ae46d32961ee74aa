package format_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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
	// named says that the object's name decides, because there is no content: the file is called named.…
	named bool
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
		all = append(all, sample{
			format: filepath.Base(filepath.Dir(path)), path: filepath.ToSlash(path), text: text,
			named: strings.HasPrefix(filepath.Base(path), "named."),
		})
	}
	slices.SortStableFunc(all, func(x, y sample) int { return y.first() - x.first() })
	return all
}

// first says that a sample is the one that shows what the format is most of the time: it is called docs.…
func (s sample) first() int {
	if strings.HasPrefix(filepath.Base(s.path), "docs.") {
		return 1
	}
	return 0
}

// The golden files alone, for -update.
func TestGoldenDocuments(t *testing.T) {
	for _, s := range subjects(format.Table(), samples(t)) {
		t.Run(s.Name(), func(t *testing.T) {
			lawOfGoldenDocuments(t, s)
		})
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
